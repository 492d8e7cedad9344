/* SPDX-License-Identifier: Apache-2.0 */
#include "rtp/av1.h"

#include "base/bytes.h"
#include "rtp/bits.h"

/* leb128 of at most 8 bytes (AV1 §4.10.5); values over 32 bits fail. */
static uint32_t read_leb128(struct aura_cur *c) {
    uint64_t v = 0;
    for (unsigned i = 0; i < 8; i++) {
        uint8_t byte = aura_cur_u8(c);
        v |= (uint64_t)(byte & 0x7f) << (7 * i);
        if (!(byte & 0x80)) {
            c->fail |= v > UINT32_MAX;
            return c->fail ? 0 : (uint32_t)v;
        }
    }
    c->fail = true;
    return 0;
}

/* @return bits of the decoder buffer delays, 0 without a decoder model (AV1 §5.5.1, §5.5.3) */
static unsigned read_timing(struct aura_bits *b) {
    if (!aura_bits_get(b, 1)) {
        return 0;
    }
    aura_bits_skip(b, 64);
    if (aura_bits_get(b, 1)) {
        (void)aura_bits_ue(b);
    }
    if (!aura_bits_get(b, 1)) {
        return 0;
    }
    unsigned delay_bits = aura_bits_get(b, 5) + 1;
    aura_bits_skip(b, 42);
    return delay_bits;
}

static void skip_operating_points(struct aura_bits *b) {
    unsigned delay_bits = read_timing(b);
    bool display_delay = aura_bits_get(b, 1);
    unsigned points = aura_bits_get(b, 5) + 1;
    for (unsigned i = 0; i < points; i++) {
        aura_bits_skip(b, 12);
        if (aura_bits_get(b, 5) > 7) {
            aura_bits_skip(b, 1);
        }
        if (delay_bits && aura_bits_get(b, 1)) {
            aura_bits_skip(b, 2 * (size_t)delay_bits + 1);
        }
        if (display_delay && aura_bits_get(b, 1)) {
            aura_bits_skip(b, 4);
        }
    }
}

static void read_sequence_header(struct aura_av1 *out, const uint8_t *data, size_t len) {
    struct aura_bits b = aura_bits_of(data, len);
    aura_bits_skip(&b, 4);
    if (aura_bits_get(&b, 1)) { /* reduced_still_picture_header */
        aura_bits_skip(&b, 5);
    } else {
        skip_operating_points(&b);
    }
    unsigned width_bits = aura_bits_get(&b, 4) + 1, height_bits = aura_bits_get(&b, 4) + 1;
    uint32_t w = aura_bits_get(&b, width_bits) + 1, h = aura_bits_get(&b, height_bits) + 1;
    if (!b.fail && w <= UINT16_MAX && h <= UINT16_MAX) {
        out->width = (uint16_t)w;
        out->height = (uint16_t)h;
    }
}

static int read_obu(struct aura_av1 *out, struct aura_cur c, bool *has_layers) {
    uint8_t head = aura_cur_u8(&c);
    if (c.fail || (head & 0x80)) {
        return AURA_EMALFORMED;
    }
    out->obu_count++;
    uint8_t type = head >> 3 & 0x0f;
    if (head & 4) {
        uint8_t ext = aura_cur_u8(&c);
        if (!*has_layers) {
            out->temporal = ext >> 5;
            out->spatial = ext >> 3 & 3;
            *has_layers = !c.fail;
        }
    }
    if (head & 2) {
        (void)read_leb128(&c);
    }
    if (c.fail) {
        return AURA_ETRUNC;
    }
    if (type == AURA_OBU_SEQUENCE_HEADER) {
        out->sequence_header = true;
        read_sequence_header(out, c.p, aura_cur_left(&c));
    }
    out->frame |= type == AURA_OBU_FRAME || type == AURA_OBU_FRAME_HEADER;
    return 0;
}

int aura_av1_parse(struct aura_av1 *out, const uint8_t *payload, size_t len) {
    *out = (struct aura_av1){0};
    struct aura_cur c = aura_cur_of(payload, len);
    uint8_t head = aura_cur_u8(&c);
    if (c.fail || aura_cur_left(&c) == 0) {
        return AURA_ETRUNC;
    }
    out->continues = head & 0x80;
    out->continued = head & 0x40;
    out->new_sequence = head & 0x08;
    if (out->continues && out->new_sequence) {
        return AURA_EMALFORMED;
    }
    unsigned elements = head >> 4 & 3; /* 0: each has its length */
    bool has_layers = false;
    for (unsigned i = 0; aura_cur_left(&c) > 0; i++) {
        if (i == AURA_AV1_OBUS_MAX) {
            return AURA_ELIMIT;
        }
        bool last = elements && i + 1 == elements;
        size_t n = last ? aura_cur_left(&c) : read_leb128(&c);
        struct aura_cur obu = aura_cur_sub(&c, n);
        if (c.fail) {
            return AURA_ETRUNC;
        }
        if ((i == 0 && out->continues) || n == 0) {
            continue;
        }
        int err = read_obu(out, obu, &has_layers);
        if (err) {
            return err;
        }
    }
    out->key_frame = out->new_sequence && out->sequence_header;
    return 0;
}
