/* SPDX-License-Identifier: Apache-2.0 */
#include "rtp/red.h"

#include "base/bytes.h"

int aura_red_parse(const uint8_t *payload, size_t len,
                   struct aura_red_block out[AURA_RED_BLOCKS_MAX]) {
    struct aura_cur c = aura_cur_of(payload, len);
    int n = 0;
    for (;;) {
        uint8_t first = aura_cur_u8(&c);
        if (c.fail) {
            return AURA_ETRUNC;
        }
        if (n == AURA_RED_BLOCKS_MAX) {
            return AURA_ELIMIT;
        }
        out[n] = (struct aura_red_block){.pt = first & 0x7f};
        if (!(first & 0x80)) {
            n++;
            break;
        }
        uint32_t v = aura_cur_u24(&c);
        out[n].ts_offset = (uint16_t)(v >> 10);
        out[n++].len = v & AURA_RED_BLOCK_BYTES_MAX;
    }
    for (int i = 0; i < n - 1; i++) {
        out[i].data = aura_cur_take(&c, out[i].len);
    }
    if (c.fail) {
        return AURA_ETRUNC;
    }
    out[n - 1].len = aura_cur_left(&c);
    out[n - 1].data = c.p;
    return n;
}

int aura_red_write(uint8_t *out, size_t cap, size_t *len, const struct aura_red_block *blocks,
                   size_t count) {
    if (count < 1 || count > AURA_RED_BLOCKS_MAX) {
        return AURA_EINVAL;
    }
    struct aura_wr w = aura_wr_of(out, cap);
    for (size_t i = 0; i < count; i++) {
        const struct aura_red_block *b = &blocks[i];
        bool primary = i == count - 1;
        if (b->pt > 127 || (!primary && (b->len > AURA_RED_BLOCK_BYTES_MAX ||
                                         b->ts_offset > AURA_RED_OFFSET_MAX))) {
            return AURA_EINVAL;
        }
        aura_wr_u8(&w, (uint8_t)((primary ? 0 : 0x80) | b->pt));
        if (!primary) {
            aura_wr_u24(&w, (uint32_t)b->ts_offset << 10 | (uint32_t)b->len);
        }
    }
    for (size_t i = 0; i < count; i++) {
        aura_wr_bytes(&w, blocks[i].data, blocks[i].len);
    }
    if (w.fail) {
        return AURA_ELIMIT;
    }
    *len = aura_wr_len(&w);
    return 0;
}
