/* SPDX-License-Identifier: Apache-2.0 */
#include "rtp/rtcp.h"

static const uint32_t remb_name = 0x52454d42; /* "REMB" */

static bool is_fb(const struct aura_rtcp *p, uint8_t type, uint8_t format) {
    return p->type == type && p->count == format;
}

int aura_rtcp_parse_nack(const struct aura_rtcp *p, uint32_t *sender, uint32_t *media,
                         struct aura_rtcp_nack *out, size_t cap) {
    if (!is_fb(p, AURA_RTCP_RTPFB, AURA_RTPFB_NACK)) {
        return AURA_EMALFORMED;
    }
    struct aura_cur c = aura_cur_of(p->body, p->len);
    *sender = aura_cur_u32(&c);
    *media = aura_cur_u32(&c);
    if (c.fail) {
        return AURA_ETRUNC;
    }
    size_t n = 0;
    while (aura_cur_left(&c) >= 4 && n < cap && n < AURA_RTCP_NACKS_MAX) {
        out[n].pid = aura_cur_u16(&c);
        out[n++].blp = aura_cur_u16(&c);
    }
    return (int)n;
}

int aura_rtcp_parse_pli(const struct aura_rtcp *p, uint32_t *sender, uint32_t *media) {
    if (!is_fb(p, AURA_RTCP_PSFB, AURA_PSFB_PLI)) {
        return AURA_EMALFORMED;
    }
    struct aura_cur c = aura_cur_of(p->body, p->len);
    *sender = aura_cur_u32(&c);
    *media = aura_cur_u32(&c);
    return c.fail ? AURA_ETRUNC : 0;
}

int aura_rtcp_parse_fir(const struct aura_rtcp *p, uint32_t *sender, struct aura_rtcp_fir *out,
                        size_t cap) {
    if (!is_fb(p, AURA_RTCP_PSFB, AURA_PSFB_FIR)) {
        return AURA_EMALFORMED;
    }
    struct aura_cur c = aura_cur_of(p->body, p->len);
    *sender = aura_cur_u32(&c);
    (void)aura_cur_u32(&c); /* media source: unused (RFC 5104 §4.3.1.2) */
    if (c.fail) {
        return AURA_ETRUNC;
    }
    size_t n = 0;
    while (aura_cur_left(&c) >= 8 && n < cap && n < AURA_RTCP_FIRS_MAX) {
        out[n].ssrc = aura_cur_u32(&c);
        out[n++].seq = aura_cur_u8(&c);
        (void)aura_cur_u24(&c);
    }
    return (int)n;
}

int aura_rtcp_parse_remb(const struct aura_rtcp *p, uint32_t *sender, struct aura_rtcp_remb *out) {
    *out = (struct aura_rtcp_remb){0};
    if (!is_fb(p, AURA_RTCP_PSFB, AURA_PSFB_AFB)) {
        return AURA_EMALFORMED;
    }
    struct aura_cur c = aura_cur_of(p->body, p->len);
    *sender = aura_cur_u32(&c);
    (void)aura_cur_u32(&c);
    if (aura_cur_u32(&c) != remb_name) {
        return c.fail ? AURA_ETRUNC : AURA_EUNSUPPORTED;
    }
    uint8_t count = aura_cur_u8(&c);
    uint32_t v = aura_cur_u24(&c);
    unsigned shift = v >> 18;
    uint64_t mantissa = v & 0x3ffff;
    /* 18 bits and a shift of up to 63: saturate what does not fit. */
    out->bitrate_bps = shift > 46 && mantissa >> (64 - shift) ? UINT64_MAX : mantissa << shift;
    while (out->ssrc_count < count && out->ssrc_count < AURA_RTCP_SSRCS_MAX && !c.fail) {
        out->ssrcs[out->ssrc_count++] = aura_cur_u32(&c);
    }
    return c.fail ? AURA_ETRUNC : 0;
}

static bool begin_fb(struct aura_wr *w, uint8_t type, uint8_t format, size_t fci, uint32_t sender,
                     uint32_t media) {
    if (w->fail || aura_wr_left(w) < 12 + fci) {
        w->fail = true;
        return false;
    }
    aura_wr_u8(w, 0x80 | format);
    aura_wr_u8(w, type);
    aura_wr_u16(w, (uint16_t)((8 + fci) / 4));
    aura_wr_u32(w, sender);
    aura_wr_u32(w, media);
    return true;
}

void aura_rtcp_write_nack(struct aura_wr *w, uint32_t sender, uint32_t media,
                          const struct aura_rtcp_nack *nacks, size_t count) {
    if (count > AURA_RTCP_NACKS_MAX) {
        w->fail = true;
        return;
    }
    if (!begin_fb(w, AURA_RTCP_RTPFB, AURA_RTPFB_NACK, count * 4, sender, media)) {
        return;
    }
    for (size_t i = 0; i < count; i++) {
        aura_wr_u16(w, nacks[i].pid);
        aura_wr_u16(w, nacks[i].blp);
    }
}

void aura_rtcp_write_pli(struct aura_wr *w, uint32_t sender, uint32_t media) {
    (void)begin_fb(w, AURA_RTCP_PSFB, AURA_PSFB_PLI, 0, sender, media);
}

void aura_rtcp_write_fir(struct aura_wr *w, uint32_t sender, const struct aura_rtcp_fir *firs,
                         size_t count) {
    if (count > AURA_RTCP_FIRS_MAX) {
        w->fail = true;
        return;
    }
    if (!begin_fb(w, AURA_RTCP_PSFB, AURA_PSFB_FIR, count * 8, sender, 0)) {
        return;
    }
    for (size_t i = 0; i < count; i++) {
        aura_wr_u32(w, firs[i].ssrc);
        aura_wr_u8(w, firs[i].seq);
        aura_wr_u24(w, 0);
    }
}

void aura_rtcp_write_remb(struct aura_wr *w, uint32_t sender, const struct aura_rtcp_remb *remb) {
    if (remb->ssrc_count > AURA_RTCP_SSRCS_MAX) {
        w->fail = true;
        return;
    }
    uint64_t mantissa = remb->bitrate_bps;
    uint32_t shift = 0;
    while (mantissa > 0x3ffff) {
        mantissa >>= 1;
        shift++;
    }
    if (!begin_fb(w, AURA_RTCP_PSFB, AURA_PSFB_AFB, 8 + remb->ssrc_count * 4, sender, 0)) {
        return;
    }
    aura_wr_u32(w, remb_name);
    aura_wr_u8(w, (uint8_t)remb->ssrc_count);
    aura_wr_u24(w, shift << 18 | (uint32_t)mantissa);
    for (size_t i = 0; i < remb->ssrc_count; i++) {
        aura_wr_u32(w, remb->ssrcs[i]);
    }
}
