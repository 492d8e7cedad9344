/* SPDX-License-Identifier: Apache-2.0 */
#include "rtp/vp8.h"

#include "base/bytes.h"

static void read_extension(struct aura_vp8 *out, struct aura_cur *c, const uint8_t *payload) {
    uint8_t flags = aura_cur_u8(c);
    if (flags & 0x80) {
        out->has_pid = true;
        out->pid_at = (uint8_t)(c->p - payload);
        out->pid = aura_cur_u8(c);
        if (out->pid & 0x80) {
            out->pid_long = true;
            out->pid = (uint16_t)((out->pid & 0x7f) << 8 | aura_cur_u8(c));
        }
    }
    if (flags & 0x40) {
        out->has_tl0 = true;
        out->tl0_at = (uint8_t)(c->p - payload);
        out->tl0 = aura_cur_u8(c);
    }
    if (flags & 0x30) {
        out->key_at = (uint8_t)(c->p - payload);
        uint8_t v = aura_cur_u8(c);
        out->has_tid = flags & 0x20;
        out->has_keyidx = flags & 0x10;
        if (out->has_tid) {
            out->tid = v >> 6;
            out->sync = v & 0x20;
        }
        if (out->has_keyidx) {
            out->keyidx = v & 0x1f;
        }
    }
}

int aura_vp8_parse(struct aura_vp8 *out, const uint8_t *payload, size_t len) {
    *out = (struct aura_vp8){0};
    struct aura_cur c = aura_cur_of(payload, len);
    uint8_t first = aura_cur_u8(&c);
    out->non_reference = first & 0x20;
    out->partition = first & 0x07;
    out->start = (first & 0x10) && out->partition == 0;
    if (first & 0x80) {
        read_extension(out, &c, payload);
    }
    if (c.fail || aura_cur_left(&c) == 0) {
        return AURA_ETRUNC;
    }
    out->len = (uint8_t)(c.p - payload);
    if (!out->start || (*c.p & 1) != 0) { /* P bit of the frame header, RFC 6386 §9.1 */
        return 0;
    }
    out->key_frame = true;
    (void)aura_cur_u24(&c);
    const uint8_t *code = aura_cur_take(&c, 3);
    const uint8_t *size = aura_cur_take(&c, 4);
    if (size && code[0] == 0x9d && code[1] == 0x01 && code[2] == 0x2a) {
        out->width = (uint16_t)((size[0] | size[1] << 8) & 0x3fff);
        out->height = (uint16_t)((size[2] | size[3] << 8) & 0x3fff);
    }
    return 0;
}
