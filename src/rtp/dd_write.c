/* SPDX-License-Identifier: Apache-2.0 */
#include "rtp/bits.h"
#include "rtp/dd.h"

#include <string.h>

enum { MANDATORY_BITS = 24, FLAGS_BITS = 5 };

struct bit_writer {
    uint8_t *p; /* zeroed by the caller */
    size_t bit, end;
    bool fail;
};

static void put(struct bit_writer *w, uint32_t v, unsigned n) {
    if (w->fail || w->end - w->bit < n) {
        w->fail = true;
        return;
    }
    while (n-- > 0) {
        w->p[w->bit / 8] |= (uint8_t)((v >> n & 1) << (7 - w->bit % 8));
        w->bit++;
    }
}

static void copy(struct bit_writer *w, struct aura_bits *from, size_t to_bit) {
    while (from->bit < to_bit && !from->fail && !w->fail) {
        size_t left = to_bit - from->bit;
        unsigned n = left > 32 ? 32 : (unsigned)left;
        put(w, aura_bits_get(from, n), n);
    }
}

int aura_dd_write_mask(uint8_t *out, size_t cap, size_t *out_len, const uint8_t *data, size_t len,
                       const struct aura_dd_structure *s, uint32_t mask) {
    struct aura_dd dd;
    struct aura_dd_structure scratch;
    int err = aura_dd_parse(&dd, data, len, s, &scratch);
    if (err) {
        return err;
    }
    if (!dd.has_frame) {
        return AURA_ESTATE;
    }
    unsigned targets = dd.has_structure ? scratch.target_count : s->target_count;
    bool extended = dd.active_bit != 0;
    struct aura_bits in = aura_bits_of(data, len);
    struct bit_writer w = {.p = out, .bit = 0, .end = cap * 8, .fail = false};
    memset(out, 0, cap);
    copy(&w, &in, MANDATORY_BITS);
    if (extended) {
        uint32_t flags = aura_bits_get(&in, FLAGS_BITS);
        put(&w, flags | 0x08, FLAGS_BITS); /* active_decode_targets_present_flag */
        copy(&w, &in, dd.active_bit);
        aura_bits_skip(&in, dd.has_active_mask ? targets : 0);
    } else {
        put(&w, 0x08, FLAGS_BITS);
    }
    put(&w, mask, targets);
    if (extended) {
        copy(&w, &in, dd.end_bit);
    }
    if (w.fail) {
        return AURA_ELIMIT;
    }
    *out_len = (w.bit + 7) / 8;
    return 0;
}
