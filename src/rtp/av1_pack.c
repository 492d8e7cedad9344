/* SPDX-License-Identifier: Apache-2.0 */
#include "rtp/av1_pack.h"

#include "rtp/av1.h"

#include <string.h>

enum {
    OBU_EXTENSION = 0x04,
    OBU_HAS_SIZE = 0x02,
    OBU_TILE_LIST = 8,
    OBU_PADDING = 15,
    AGGREGATE_CONTINUES = 0x80,    /* Z */
    AGGREGATE_CONTINUED = 0x40,    /* Y */
    AGGREGATE_NEW_SEQUENCE = 0x08, /* N */
    LEB128_MAX = 8,
    COUNTED_MAX = 3,   /* elements in one packet that W can count */
    FRAGMENT_MIN = 16, /* a smaller piece at a packet's end is not worth its length */
};

static const uint8_t *read_leb128(const uint8_t *at, const uint8_t *end, size_t *value) {
    *value = 0;
    for (unsigned i = 0; i < LEB128_MAX && at < end; i++) {
        uint8_t b = *at++;
        *value |= (size_t)(b & 0x7f) << (7 * i);
        if (!(b & 0x80)) {
            return at;
        }
    }
    return NULL;
}

static size_t write_leb128(uint8_t *out, size_t value) {
    size_t n = 0;
    do {
        out[n] = (uint8_t)((value & 0x7f) | (value > 0x7f ? 0x80 : 0));
        value >>= 7;
    } while (out[n++] & 0x80);
    return n;
}

/* The OBU at k->at becomes the element under way. @return false if there is none; malformed ones
 * were found by begin() */
static bool next_obu(struct aura_av1_packer *k) {
    while (k->at < k->end) {
        uint8_t header = k->at[0], type = header >> 3 & 0x0f;
        size_t header_len = header & OBU_EXTENSION ? 2 : 1, size;
        if (!(header & OBU_HAS_SIZE) || (size_t)(k->end - k->at) < header_len) {
            return false;
        }
        const uint8_t *body = read_leb128(k->at + header_len, k->end, &size);
        if (!body || size > (size_t)(k->end - body)) {
            return false;
        }
        k->head[0] = header & (uint8_t)~OBU_HAS_SIZE;
        k->head[1] = header_len > 1 ? k->at[1] : 0;
        k->head_len = (uint8_t)header_len;
        k->head_sent = 0;
        k->body = body;
        k->body_len = size;
        k->at = body + size;
        /* Of no use to a receiver (section 5). */
        if (type != AURA_OBU_TEMPORAL_DELIMITER && type != OBU_TILE_LIST && type != OBU_PADDING) {
            return true;
        }
    }
    k->head_len = 0;
    return false;
}

int aura_av1_pack_begin(struct aura_av1_packer *k, const uint8_t *tu, size_t len, bool key_frame) {
    *k = (struct aura_av1_packer){.at = tu, .end = len ? tu + len : tu};
    while (next_obu(k)) {
    }
    if (k->at != k->end) {
        return AURA_EMALFORMED;
    }
    *k = (struct aura_av1_packer){
        .at = tu, .end = len ? tu + len : tu, .first = true, .key_frame = key_frame};
    (void)next_obu(k);
    return 0;
}

static size_t element_left(const struct aura_av1_packer *k) {
    return k->head_len ? (size_t)(k->head_len - k->head_sent) + k->body_len : 0;
}

/* Up to `n` bytes of the element under way. */
static void take(struct aura_av1_packer *k, uint8_t *out, size_t n) {
    while (n && k->head_sent < k->head_len) {
        *out++ = k->head[k->head_sent++];
        n--;
    }
    memcpy(out, k->body, n);
    k->body += n;
    k->body_len -= n;
}

/* W: how many elements there are; the last one then goes without its length. Up to three are
 * counted, as libwebrtc does: LiveKit's server finds key frames only in such packets. */
static size_t finish(uint8_t *out, size_t used, unsigned count, size_t last_at, size_t length_len) {
    if (count > COUNTED_MAX) {
        return used;
    }
    out[0] |= (uint8_t)(count << 4);
    memmove(out + last_at, out + last_at + length_len, used - last_at - length_len);
    return used - length_len;
}

size_t aura_av1_pack_next(struct aura_av1_packer *k, uint8_t *out, size_t cap, bool *last) {
    size_t used = 1, left = element_left(k), last_at = used, length_len = 0;
    unsigned count = 0;
    if (!left || cap < AURA_AV1_PAYLOAD_MIN) {
        return 0;
    }
    *last = false;
    out[0] = k->head_sent == k->head_len ? AGGREGATE_CONTINUES : 0;
    out[0] |= k->first && k->key_frame ? AGGREGATE_NEW_SEQUENCE : 0;
    k->first = false;
    while (left) {
        size_t room = cap - used;
        if (room < FRAGMENT_MIN && room < left + 2) {
            break;
        }
        /* Two bytes of length reach to 16383. */
        size_t n = left + 2 <= room ? left : room - 2;
        last_at = used;
        length_len = write_leb128(out + used, n);
        used += length_len;
        take(k, out + used, n);
        used += n;
        count++;
        if (n < left) {
            out[0] |= AGGREGATE_CONTINUED;
            return finish(out, used, count, last_at, length_len);
        }
        left = next_obu(k) ? element_left(k) : 0;
    }
    *last = left == 0;
    return finish(out, used, count, last_at, length_len);
}
