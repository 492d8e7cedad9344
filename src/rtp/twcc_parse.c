/* SPDX-License-Identifier: Apache-2.0 */
#include "rtp/twcc.h"

enum { NOT_RECEIVED, SMALL_DELTA, LARGE_DELTA, RESERVED };

/* Symbols of one chunk into out[at…]. @return how many, at most `left` */
static size_t read_chunk(uint16_t chunk, uint8_t *symbols, size_t left) {
    size_t n;
    if (!(chunk & 0x8000)) {
        n = chunk & 0x1fff;
        n = n < left ? n : left;
        for (size_t i = 0; i < n; i++) {
            symbols[i] = chunk >> 13 & 3;
        }
        return n;
    }
    unsigned bits = chunk & 0x4000 ? 2 : 1;
    n = 14 / bits < left ? 14 / bits : left;
    for (size_t i = 0; i < n; i++) {
        symbols[i] = (uint8_t)(chunk >> (14 - bits * (i + 1)) & (bits == 2 ? 3 : 1));
    }
    return n;
}

int aura_twcc_parse(const struct aura_rtcp *p, struct aura_twcc_feedback *fb,
                    struct aura_twcc_status out[AURA_TWCC_STATUSES_MAX]) {
    *fb = (struct aura_twcc_feedback){0};
    if (p->type != AURA_RTCP_RTPFB || p->count != AURA_RTPFB_TWCC) {
        return AURA_EMALFORMED;
    }
    struct aura_cur c = aura_cur_of(p->body, p->len);
    fb->sender = aura_cur_u32(&c);
    fb->media = aura_cur_u32(&c);
    fb->base_seq = aura_cur_u16(&c);
    fb->status_count = aura_cur_u16(&c);
    fb->ref_time = aura_cur_u24(&c);
    fb->fb_count = aura_cur_u8(&c);
    if (c.fail) {
        return AURA_ETRUNC;
    }
    if (fb->status_count > AURA_TWCC_STATUSES_MAX) {
        return AURA_ELIMIT;
    }
    uint8_t symbols[AURA_TWCC_STATUSES_MAX];
    size_t n = 0;
    while (n < fb->status_count) {
        size_t got = read_chunk(aura_cur_u16(&c), symbols + n, fb->status_count - n);
        if (c.fail) {
            return AURA_ETRUNC;
        }
        if (got == 0) {
            return AURA_EMALFORMED; /* an empty run */
        }
        n += got;
    }
    int64_t at_us = (int64_t)fb->ref_time * AURA_TWCC_REF_US;
    for (size_t i = 0; i < n; i++) {
        if (symbols[i] == RESERVED) {
            return AURA_EMALFORMED;
        }
        if (symbols[i] == SMALL_DELTA) {
            at_us += (int64_t)aura_cur_u8(&c) * AURA_TWCC_TICK_US;
        } else if (symbols[i] == LARGE_DELTA) {
            at_us += (int64_t)(int16_t)aura_cur_u16(&c) * AURA_TWCC_TICK_US;
        }
        out[i] = (struct aura_twcc_status){.seq = (uint16_t)(fb->base_seq + i),
                                           .received = symbols[i] != NOT_RECEIVED,
                                           .arrival_us = symbols[i] ? at_us : 0};
    }
    return c.fail ? AURA_ETRUNC : (int)n;
}
