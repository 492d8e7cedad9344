/* SPDX-License-Identifier: Apache-2.0 */
#include "rtp/assemble.h"

#include "base/buf.h"
#include "base/bytes.h"
#include "base/mem.h"
#include "rtp/av1.h"
#include "rtp/vp8.h"
#include "rtp/vp9.h"

enum {
    NAL_IDR = 5,
    NAL_SPS = 7,
    NAL_PPS = 8,
    NAL_STAP_A = 24,
    NAL_FU_A = 28,
    OBU_EXTENSION = 0x04,
    OBU_HAS_SIZE = 0x02,
    OBU_TILE_LIST = 8,
    OBU_PADDING = 15,
    LEB128_BYTES_MAX = 8,
    SUPERFRAME_SIZE_BYTES = 4,
};

struct parameter_set {
    uint8_t bytes[AURA_ASSEMBLE_PARAMETER_BYTES_MAX];
    size_t len; /* 0 = none yet */
};

struct aura_assembler {
    enum aura_codec codec;
    struct aura_buf frame;
    int err;    /* of this frame: the first one */
    bool ended; /* what is in `frame` was given out: the next payload begins another */
    /* VP9: where the layers' frames begin. */
    size_t begins[AURA_ASSEMBLE_LAYERS_MAX];
    unsigned layers;
    /* H.264. */
    struct parameter_set sps, pps;
    bool has_sps, has_pps; /* in this frame */
    bool fragment;         /* a NAL unit goes on in the next payload */
    /* AV1: the element that goes on in the next payload. */
    struct aura_buf obu;
    bool open;
};

bool aura_assembler_takes(enum aura_codec codec) {
    return codec == AURA_CODEC_VP8 || codec == AURA_CODEC_VP9 || codec == AURA_CODEC_H264 ||
           codec == AURA_CODEC_AV1;
}

int aura_assembler_new(struct aura_assembler **ap, size_t frame_max) {
    struct aura_assembler *a = aura_zalloc(sizeof(*a));
    if (!a) {
        return AURA_ENOMEM;
    }
    a->frame = AURA_BUF(frame_max);
    a->obu = AURA_BUF(frame_max);
    *ap = a;
    return 0;
}

struct aura_assembler *aura_assembler_free(struct aura_assembler *a) {
    if (a) {
        aura_buf_free(&a->frame);
        aura_buf_free(&a->obu);
        aura_free(a);
    }
    return NULL;
}

static void begin_frame(struct aura_assembler *a) {
    aura_buf_clear(&a->frame);
    aura_buf_clear(&a->obu);
    a->err = 0;
    a->layers = 0;
    a->has_sps = a->has_pps = a->fragment = a->open = a->ended = false;
}

void aura_assembler_begin(struct aura_assembler *a, enum aura_codec codec) {
    begin_frame(a);
    a->codec = codec;
    a->sps.len = a->pps.len = 0;
}

static void add(struct aura_assembler *a, const uint8_t *data, size_t len) {
    (void)aura_buf_add(&a->frame, data, len); /* sticky there, see aura_assembler_end() */
}

static void add_vp8(struct aura_assembler *a, const uint8_t *payload, size_t len) {
    struct aura_vp8 v;
    a->err = aura_vp8_parse(&v, payload, len);
    if (!a->err) {
        add(a, payload + v.len, len - v.len);
    }
}

static void add_vp9(struct aura_assembler *a, const uint8_t *payload, size_t len) {
    struct aura_vp9 v;
    a->err = aura_vp9_parse(&v, payload, len);
    if (!a->err && v.begin && a->layers == AURA_ASSEMBLE_LAYERS_MAX) {
        a->err = AURA_ELIMIT;
    } else if (!a->err && !v.begin && a->layers == 0) {
        a->err = AURA_EMALFORMED;
    }
    if (a->err) {
        return;
    }
    if (v.begin) {
        a->begins[a->layers++] = a->frame.len;
    }
    add(a, payload + v.len, len - v.len);
}

/* The index that says where one layer ends and the next begins (VP9 bitstream, Annex B). */
static void end_superframe(struct aura_assembler *a) {
    uint8_t index[2 + AURA_ASSEMBLE_LAYERS_MAX * SUPERFRAME_SIZE_BYTES];
    size_t n = 0;
    index[n++] = (uint8_t)(0xc0 | (SUPERFRAME_SIZE_BYTES - 1) << 3 | (a->layers - 1));
    for (unsigned i = 0; i < a->layers; i++) {
        size_t to = i + 1 < a->layers ? a->begins[i + 1] : a->frame.len;
        size_t size = to - a->begins[i];
        for (unsigned k = 0; k < SUPERFRAME_SIZE_BYTES; k++) {
            index[n++] = (uint8_t)(size >> (8 * k));
        }
    }
    index[n++] = index[0];
    add(a, index, n);
}

static void add_start_code(struct aura_assembler *a) {
    static const uint8_t code[4] = {0, 0, 0, 1};
    add(a, code, sizeof(code));
}

static void add_kept(struct aura_assembler *a, const struct parameter_set *set) {
    if (set->len) {
        add_start_code(a);
        add(a, set->bytes, set->len);
    } else {
        a->err = AURA_EMALFORMED; /* an IDR that nobody can decode */
    }
}

/* A NAL unit begins: an IDR is never without its parameter sets, for senders that sent them once
 * only. */
static void begin_nal(struct aura_assembler *a, uint8_t type) {
    a->has_sps |= type == NAL_SPS;
    a->has_pps |= type == NAL_PPS;
    if (type == NAL_IDR && !a->has_sps) {
        a->has_sps = true;
        add_kept(a, &a->sps);
    }
    if (type == NAL_IDR && !a->has_pps) {
        a->has_pps = true;
        add_kept(a, &a->pps);
    }
    add_start_code(a);
}

static void keep(struct parameter_set *set, const uint8_t *nal, size_t len) {
    set->len = 0;
    if (len <= sizeof(set->bytes)) {
        memcpy(set->bytes, nal, len);
        set->len = len;
    }
}

static void add_nal(struct aura_assembler *a, const uint8_t *nal, size_t len) {
    uint8_t type = nal[0] & 0x1f;
    if (type == NAL_SPS) {
        keep(&a->sps, nal, len);
    } else if (type == NAL_PPS) {
        keep(&a->pps, nal, len);
    }
    begin_nal(a, type);
    add(a, nal, len);
}

static void add_fragment(struct aura_assembler *a, struct aura_cur *c, uint8_t indicator) {
    uint8_t fu = aura_cur_u8(c);
    bool begins = fu & 0x80;
    if (c->fail || begins == a->fragment) {
        a->err = AURA_EMALFORMED; /* begins within another, or goes on where none began */
        return;
    }
    if (begins) {
        uint8_t header = (uint8_t)((indicator & 0xe0) | (fu & 0x1f));
        begin_nal(a, fu & 0x1f);
        add(a, &header, 1);
    }
    add(a, c->p, aura_cur_left(c));
    a->fragment = !(fu & 0x40);
}

static void add_h264(struct aura_assembler *a, const uint8_t *payload, size_t len) {
    struct aura_cur c = aura_cur_of(payload, len);
    uint8_t first = aura_cur_u8(&c), type = first & 0x1f;
    if (c.fail || (a->fragment && type != NAL_FU_A)) {
        a->err = AURA_EMALFORMED;
    } else if (type >= 1 && type < NAL_STAP_A) {
        add_nal(a, payload, len);
    } else if (type == NAL_FU_A) {
        add_fragment(a, &c, first);
    } else if (type != NAL_STAP_A) {
        a->err = AURA_EUNSUPPORTED;
    }
    while (type == NAL_STAP_A && aura_cur_left(&c) > 0 && !a->err) {
        size_t n = aura_cur_u16(&c);
        const uint8_t *nal = aura_cur_take(&c, n);
        if (!nal || n == 0) {
            a->err = AURA_EMALFORMED;
        } else {
            add_nal(a, nal, n);
        }
    }
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

/* A whole OBU goes to the frame, with a size. */
static void take_obu(struct aura_assembler *a) {
    if (a->obu.err) {
        a->err = a->obu.err;
        return;
    }
    struct aura_cur c = aura_cur_of(a->obu.data, a->obu.len);
    uint8_t out[2 + LEB128_BYTES_MAX];
    size_t n = 0;
    uint8_t header = aura_cur_u8(&c), type = header >> 3 & 0x0f;
    out[n++] = header | OBU_HAS_SIZE;
    if (header & OBU_EXTENSION) {
        out[n++] = aura_cur_u8(&c);
    }
    size_t size = header & OBU_HAS_SIZE ? read_leb128(&c) : aura_cur_left(&c);
    const uint8_t *body = aura_cur_take(&c, size);
    if (c.fail || !body || (header & 0x80)) {
        a->err = AURA_EMALFORMED;
        return;
    }
    if (type == AURA_OBU_TEMPORAL_DELIMITER || type == OBU_TILE_LIST || type == OBU_PADDING) {
        return;
    }
    for (size_t left = size;; left >>= 7) {
        out[n++] = (uint8_t)((left & 0x7f) | (left > 0x7f ? 0x80 : 0));
        if (left <= 0x7f) {
            break;
        }
    }
    add(a, out, n);
    add(a, body, size);
}

/* AV1 RTP specification 1.0, section 4: elements, the first and the last of which may be pieces. */
static void add_av1(struct aura_assembler *a, const uint8_t *payload, size_t len) {
    struct aura_cur c = aura_cur_of(payload, len);
    uint8_t head = aura_cur_u8(&c);
    unsigned elements = head >> 4 & 3; /* 0: each has its length */
    if (c.fail || aura_cur_left(&c) == 0 || (bool)(head & 0x80) != a->open) {
        a->err = AURA_EMALFORMED;
        return;
    }
    for (unsigned i = 0; aura_cur_left(&c) > 0 && !a->err; i++) {
        if (i == AURA_AV1_OBUS_MAX) {
            a->err = AURA_ELIMIT;
            return;
        }
        size_t n = elements && i + 1 == elements ? aura_cur_left(&c) : read_leb128(&c);
        const uint8_t *element = aura_cur_take(&c, n);
        if (!element) {
            a->err = AURA_EMALFORMED;
            return;
        }
        (void)aura_buf_add(&a->obu, element, n);
        a->open = aura_cur_left(&c) == 0 && (head & 0x40);
        if (!a->open && (a->obu.len || a->obu.err)) {
            take_obu(a);
        }
        if (!a->open) {
            aura_buf_clear(&a->obu);
        }
    }
}

void aura_assembler_add(struct aura_assembler *a, const uint8_t *payload, size_t len) {
    if (a->ended) {
        begin_frame(a);
    }
    if (a->err || len == 0) {
        return; /* padding only: nothing of the frame */
    }
    if (a->codec == AURA_CODEC_VP8) {
        add_vp8(a, payload, len);
    } else if (a->codec == AURA_CODEC_VP9) {
        add_vp9(a, payload, len);
    } else if (a->codec == AURA_CODEC_H264) {
        add_h264(a, payload, len);
    } else if (a->codec == AURA_CODEC_AV1) {
        add_av1(a, payload, len);
    } else {
        a->err = AURA_EUNSUPPORTED;
    }
}

int aura_assembler_end(struct aura_assembler *a, const uint8_t **data, size_t *len) {
    if (a->ended) {
        begin_frame(a);
    }
    if (a->layers > 1 && !a->err) {
        end_superframe(a);
    }
    int err = a->err ? a->err : a->frame.err;
    if (!err && (a->fragment || a->open)) {
        err = AURA_EMALFORMED; /* its end is missing */
    }
    if (!err && a->frame.len == 0) {
        err = AURA_ETRUNC;
    }
    *data = err ? NULL : a->frame.data;
    *len = err ? 0 : a->frame.len;
    a->ended = true;
    return err;
}
