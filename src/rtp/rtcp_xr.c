/* SPDX-License-Identifier: Apache-2.0 */
#include "rtp/rtcp_xr.h"

static void read_dlrrs(struct aura_xr *out, struct aura_cur *block) {
    while (aura_cur_left(block) >= 12 && out->dlrr_count < AURA_XR_DLRRS_MAX) {
        struct aura_xr_dlrr *d = &out->dlrrs[out->dlrr_count++];
        d->ssrc = aura_cur_u32(block);
        d->lrr = aura_cur_u32(block);
        d->dlrr = aura_cur_u32(block);
    }
}

int aura_xr_parse(struct aura_xr *out, const struct aura_rtcp *p) {
    *out = (struct aura_xr){0};
    if (p->type != AURA_RTCP_XR) {
        return AURA_EMALFORMED;
    }
    struct aura_cur c = aura_cur_of(p->body, p->len);
    out->ssrc = aura_cur_u32(&c);
    while (!c.fail && aura_cur_left(&c) > 0) {
        uint8_t type = aura_cur_u8(&c);
        (void)aura_cur_u8(&c);
        struct aura_cur block = aura_cur_sub(&c, (size_t)aura_cur_u16(&c) * 4);
        if (block.fail) {
            return AURA_ETRUNC;
        }
        if (type == AURA_XR_RRTR) {
            out->rrtr_ntp = aura_cur_u64(&block);
            out->has_rrtr = !block.fail;
            if (block.fail) {
                return AURA_EMALFORMED;
            }
        } else if (type == AURA_XR_DLRR) {
            read_dlrrs(out, &block);
        }
    }
    return c.fail ? AURA_ETRUNC : 0;
}

void aura_xr_write(struct aura_wr *w, const struct aura_xr *xr) {
    size_t n = xr->dlrr_count;
    size_t body = 4 + (xr->has_rrtr ? 12u : 0) + (n ? 4 + n * 12 : 0);
    if (n > AURA_XR_DLRRS_MAX || aura_wr_left(w) < 4 + body) {
        w->fail = true;
        return;
    }
    aura_wr_u8(w, 0x80);
    aura_wr_u8(w, AURA_RTCP_XR);
    aura_wr_u16(w, (uint16_t)(body / 4));
    aura_wr_u32(w, xr->ssrc);
    if (xr->has_rrtr) {
        aura_wr_u8(w, AURA_XR_RRTR);
        aura_wr_u8(w, 0);
        aura_wr_u16(w, 2);
        aura_wr_u64(w, xr->rrtr_ntp);
    }
    if (n) {
        aura_wr_u8(w, AURA_XR_DLRR);
        aura_wr_u8(w, 0);
        aura_wr_u16(w, (uint16_t)(n * 3));
    }
    for (size_t i = 0; i < n; i++) {
        aura_wr_u32(w, xr->dlrrs[i].ssrc);
        aura_wr_u32(w, xr->dlrrs[i].lrr);
        aura_wr_u32(w, xr->dlrrs[i].dlrr);
    }
}
