/* SPDX-License-Identifier: Apache-2.0 */
#include "record/head.h"

#include "base/bytes.h"

#include <stdbool.h>
#include <string.h>

enum {
    OBU_SEQUENCE_HEADER = 1,
    OBU_EXTENSION = 4,
    OBU_HAS_SIZE = 2,
    NAL_SPS = 7,
    NAL_PPS = 8,
    LEB128_BYTES_MAX = 8,
};

static int add(struct aura_head *h, const uint8_t *data, size_t len) {
    if (len > sizeof(h->bytes) - h->len) {
        return AURA_ELIMIT;
    }
    memcpy(h->bytes + h->len, data, len);
    h->len += len;
    return 0;
}

static size_t read_leb128(struct aura_cur *c) {
    size_t v = 0;
    for (unsigned i = 0; i < LEB128_BYTES_MAX; i++) {
        uint8_t byte = aura_cur_u8(c);
        v |= (size_t)(byte & 0x7f) << (7 * i);
        if (!(byte & 0x80)) {
            return v;
        }
    }
    c->fail = true;
    return 0;
}

/* AV1 specification 5.3: the first sequence header OBU of the frame. */
static int read_av1(struct aura_head *out, const uint8_t *data, size_t len) {
    struct aura_cur c = aura_cur_of(data, len);
    while (aura_cur_left(&c) > 0) {
        const uint8_t *begin = c.p;
        uint8_t header = aura_cur_u8(&c);
        if (header & OBU_EXTENSION) {
            (void)aura_cur_u8(&c);
        }
        size_t size = header & OBU_HAS_SIZE ? read_leb128(&c) : aura_cur_left(&c);
        if (!aura_cur_take(&c, size) || c.fail) {
            return AURA_EMALFORMED;
        }
        if ((header >> 3 & 0x0f) == OBU_SEQUENCE_HEADER) {
            return add(out, begin, (size_t)(c.p - begin));
        }
    }
    return AURA_EMALFORMED;
}

/* Where the next start code (00 00 01) begins, or the end. */
static size_t next_start(const uint8_t *data, size_t len, size_t from) {
    for (size_t i = from; i + 3 <= len; i++) {
        if (data[i] == 0 && data[i + 1] == 0 && data[i + 2] == 1) {
            return i;
        }
    }
    return len;
}

static int read_h264(struct aura_head *out, const uint8_t *data, size_t len) {
    static const uint8_t code[4] = {0, 0, 0, 1};
    bool sps = false, pps = false;
    int err = 0;
    for (size_t at = next_start(data, len, 0); !err && at + 3 < len;) {
        size_t begin = at + 3, end = next_start(data, len, begin);
        uint8_t type = data[begin] & 0x1f;
        at = end;
        while (end > begin && data[end - 1] == 0) {
            end--; /* of the next start code, or padding */
        }
        if (type == NAL_SPS || type == NAL_PPS) {
            sps |= type == NAL_SPS;
            pps |= type == NAL_PPS;
            err = add(out, code, sizeof(code));
            err = err ? err : add(out, data + begin, end - begin);
        }
    }
    return err ? err : sps && pps ? 0 : AURA_EMALFORMED;
}

int aura_head_read(struct aura_head *out, enum aura_codec codec, const uint8_t *data, size_t len) {
    out->len = 0;
    switch ((int)codec) {
    case AURA_CODEC_VP8:
    case AURA_CODEC_VP9:
        return 0;
    case AURA_CODEC_AV1:
        return read_av1(out, data, len);
    case AURA_CODEC_H264:
        return read_h264(out, data, len);
    default:
        return AURA_EUNSUPPORTED;
    }
}

void aura_head_opus(struct aura_head *out) {
    static const uint8_t head[] = {'O', 'p', 'u',  's',  'H', 'e', 'a', 'd', 1, 2,
                                   0,   0,   0x80, 0xbb, 0,   0,   0,   0,   0};
    memcpy(out->bytes, head, sizeof(head));
    out->len = sizeof(head);
}
