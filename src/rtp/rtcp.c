/* SPDX-License-Identifier: Apache-2.0 */
#include "rtp/rtcp.h"

bool aura_rtcp_is_rtcp(const uint8_t *data, size_t len) {
    return len >= 2 && data[0] >> 6 == 2 && data[1] >= 192 && data[1] <= 223;
}

struct aura_rtcp_iter aura_rtcp_packets(const uint8_t *data, size_t len) {
    return (struct aura_rtcp_iter){.cur = aura_cur_of(data, len), .walked = 0};
}

int aura_rtcp_next(struct aura_rtcp_iter *it, struct aura_rtcp *out) {
    struct aura_cur *c = &it->cur;
    if (aura_cur_left(c) == 0) {
        return 0;
    }
    if (it->walked++ >= AURA_RTCP_PACKETS_MAX) {
        return AURA_ELIMIT;
    }
    uint8_t first = aura_cur_u8(c);
    out->type = aura_cur_u8(c);
    out->count = first & 0x1f;
    out->len = (size_t)aura_cur_u16(c) * 4;
    out->body = aura_cur_take(c, out->len);
    if (c->fail) {
        return AURA_ETRUNC;
    }
    if (first >> 6 != 2) {
        return AURA_EMALFORMED;
    }
    if (first & 0x20) {
        uint8_t padding = out->len ? out->body[out->len - 1] : 0;
        /* RFC 3550 wants a multiple of four; transport-wide feedback pads by less in practice. */
        if (padding == 0 || padding > out->len) {
            return AURA_EMALFORMED;
        }
        out->len -= padding;
    }
    return 1;
}

static void read_block(struct aura_cur *c, struct aura_rtcp_block *b) {
    b->ssrc = aura_cur_u32(c);
    b->fraction_lost = aura_cur_u8(c);
    uint32_t lost = aura_cur_u24(c);
    b->lost = lost & 0x800000 ? (int32_t)lost - 0x1000000 : (int32_t)lost;
    b->max_eseq = aura_cur_u32(c);
    b->jitter = aura_cur_u32(c);
    b->lsr = aura_cur_u32(c);
    b->dlsr = aura_cur_u32(c);
}

int aura_rtcp_parse_report(struct aura_rtcp_report *out, const struct aura_rtcp *p) {
    *out = (struct aura_rtcp_report){0};
    if (p->type != AURA_RTCP_SR && p->type != AURA_RTCP_RR) {
        return AURA_EMALFORMED;
    }
    struct aura_cur c = aura_cur_of(p->body, p->len);
    out->ssrc = aura_cur_u32(&c);
    out->has_sender = p->type == AURA_RTCP_SR;
    if (out->has_sender) {
        out->sender.ntp = aura_cur_u64(&c);
        out->sender.rtp = aura_cur_u32(&c);
        out->sender.packets = aura_cur_u32(&c);
        out->sender.bytes = aura_cur_u32(&c);
    }
    for (size_t i = 0; i < p->count && i < AURA_RTCP_BLOCKS_MAX && !c.fail; i++) {
        read_block(&c, &out->blocks[i]);
        out->block_count++;
    }
    return c.fail ? AURA_ETRUNC : 0;
}

int aura_rtcp_parse_cname(const struct aura_rtcp *p, uint32_t *ssrc, const char **cname,
                          size_t *len) {
    if (p->type != AURA_RTCP_SDES) {
        return AURA_EMALFORMED;
    }
    struct aura_cur c = aura_cur_of(p->body, p->len);
    for (unsigned chunk = 0; chunk < p->count; chunk++) {
        const uint8_t *start = c.p;
        *ssrc = aura_cur_u32(&c);
        uint8_t type;
        while ((type = aura_cur_u8(&c)) != 0) {
            *len = aura_cur_u8(&c);
            *cname = (const char *)aura_cur_take(&c, *len);
            if (type == 1 && !c.fail) {
                return 0;
            }
        }
        size_t used = (size_t)(c.p - start);
        (void)aura_cur_take(&c, (4 - used % 4) % 4); /* chunks end on a 32-bit boundary */
        if (c.fail) {
            return AURA_ETRUNC;
        }
    }
    return AURA_ENOENT;
}

int aura_rtcp_parse_bye(const struct aura_rtcp *p, uint32_t ssrcs[AURA_RTCP_BLOCKS_MAX]) {
    if (p->type != AURA_RTCP_BYE) {
        return AURA_EMALFORMED;
    }
    struct aura_cur c = aura_cur_of(p->body, p->len);
    int n = 0;
    while (n < p->count && n < AURA_RTCP_BLOCKS_MAX) {
        ssrcs[n++] = aura_cur_u32(&c);
    }
    return c.fail ? AURA_ETRUNC : n;
}

static void write_header(struct aura_wr *w, size_t count, uint8_t type, size_t body) {
    aura_wr_u8(w, (uint8_t)(0x80 | count));
    aura_wr_u8(w, type);
    aura_wr_u16(w, (uint16_t)(body / 4));
}

static void write_blocks(struct aura_wr *w, const struct aura_rtcp_block *blocks, size_t count) {
    for (size_t i = 0; i < count; i++) {
        const struct aura_rtcp_block *b = &blocks[i];
        int32_t lost = b->lost > 0x7fffff ? 0x7fffff : b->lost < -0x800000 ? -0x800000 : b->lost;
        aura_wr_u32(w, b->ssrc);
        aura_wr_u8(w, b->fraction_lost);
        aura_wr_u24(w, (uint32_t)lost & 0xffffff);
        aura_wr_u32(w, b->max_eseq);
        aura_wr_u32(w, b->jitter);
        aura_wr_u32(w, b->lsr);
        aura_wr_u32(w, b->dlsr);
    }
}

void aura_rtcp_write_sr(struct aura_wr *w, uint32_t ssrc, const struct aura_rtcp_sender *sender,
                        const struct aura_rtcp_block *blocks, size_t count) {
    if (count > AURA_RTCP_BLOCKS_MAX || aura_wr_left(w) < 28 + count * 24) {
        w->fail = true;
        return;
    }
    write_header(w, count, AURA_RTCP_SR, 24 + count * 24);
    aura_wr_u32(w, ssrc);
    aura_wr_u64(w, sender->ntp);
    aura_wr_u32(w, sender->rtp);
    aura_wr_u32(w, sender->packets);
    aura_wr_u32(w, sender->bytes);
    write_blocks(w, blocks, count);
}

void aura_rtcp_write_rr(struct aura_wr *w, uint32_t ssrc, const struct aura_rtcp_block *blocks,
                        size_t count) {
    if (count > AURA_RTCP_BLOCKS_MAX || aura_wr_left(w) < 8 + count * 24) {
        w->fail = true;
        return;
    }
    write_header(w, count, AURA_RTCP_RR, 4 + count * 24);
    aura_wr_u32(w, ssrc);
    write_blocks(w, blocks, count);
}

void aura_rtcp_write_cname(struct aura_wr *w, uint32_t ssrc, const char *cname) {
    size_t n = strnlen(cname, AURA_RTCP_CNAME_MAX + 1);
    size_t body = (4 + 2 + n) / 4 * 4 + 4; /* always at least one null item */
    if (n > AURA_RTCP_CNAME_MAX || aura_wr_left(w) < 4 + body) {
        w->fail = true;
        return;
    }
    write_header(w, 1, AURA_RTCP_SDES, body);
    aura_wr_u32(w, ssrc);
    aura_wr_u8(w, 1);
    aura_wr_u8(w, (uint8_t)n);
    aura_wr_bytes(w, cname, n);
    aura_wr_uint(w, 0, body - 6 - n);
}

void aura_rtcp_write_bye(struct aura_wr *w, const uint32_t *ssrcs, size_t count) {
    if (count > AURA_RTCP_BLOCKS_MAX || aura_wr_left(w) < 4 + count * 4) {
        w->fail = true;
        return;
    }
    write_header(w, count, AURA_RTCP_BYE, count * 4);
    for (size_t i = 0; i < count; i++) {
        aura_wr_u32(w, ssrcs[i]);
    }
}
