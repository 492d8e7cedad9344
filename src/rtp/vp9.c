/* SPDX-License-Identifier: Apache-2.0 */
#include "rtp/vp9.h"

#include "base/bytes.h"

static void read_structure(struct aura_vp9 *out, struct aura_cur *c) {
    uint8_t v = aura_cur_u8(c);
    out->ss_spatial = (uint8_t)((v >> 5) + 1);
    for (unsigned i = 0; (v & 0x10) && i < out->ss_spatial; i++) {
        out->ss_width[i] = aura_cur_u16(c);
        out->ss_height[i] = aura_cur_u16(c);
        out->width = out->ss_width[i];
        out->height = out->ss_height[i];
    }
    unsigned pictures = v & 0x08 ? aura_cur_u8(c) : 0;
    for (unsigned i = 0; i < pictures && !c->fail; i++) {
        (void)aura_cur_take(c, aura_cur_u8(c) >> 2 & 3); /* R differences */
    }
}

int aura_vp9_parse(struct aura_vp9 *out, const uint8_t *payload, size_t len) {
    *out = (struct aura_vp9){0};
    struct aura_cur c = aura_cur_of(payload, len);
    uint8_t first = aura_cur_u8(&c);
    out->has_pid = first & 0x80;
    out->inter = first & 0x40;
    out->layered = first & 0x20;
    out->flexible = first & 0x10;
    out->begin = first & 0x08;
    out->end = first & 0x04;
    out->has_ss = first & 0x02;
    out->not_reference = first & 0x01;
    if (out->has_pid) {
        out->pid_at = 1;
        out->pid = aura_cur_u8(&c);
        if (out->pid & 0x80) {
            out->pid_long = true;
            out->pid = (uint16_t)((out->pid & 0x7f) << 8 | aura_cur_u8(&c));
        }
    }
    if (out->layered) {
        uint8_t v = aura_cur_u8(&c);
        out->tid = v >> 5;
        out->switching_up = v & 0x10;
        out->sid = v >> 1 & 7;
        out->inter_layer = v & 1;
        if (!out->flexible) {
            out->tl0_at = (uint8_t)(c.p - payload);
            out->tl0 = aura_cur_u8(&c);
        }
    }
    bool more = out->flexible && out->inter;
    while (more && !c.fail) {
        if (out->ref_count == AURA_VP9_REFS_MAX) {
            return AURA_EMALFORMED;
        }
        uint8_t v = aura_cur_u8(&c);
        out->refs[out->ref_count++] = v >> 1;
        more = v & 1;
    }
    if (out->has_ss) {
        read_structure(out, &c);
    }
    if (c.fail || aura_cur_left(&c) == 0) {
        return AURA_ETRUNC;
    }
    out->len = (uint16_t)(c.p - payload);
    out->key_frame = !out->inter && out->begin && out->sid == 0;
    return 0;
}
