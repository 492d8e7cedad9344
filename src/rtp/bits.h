/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file bits.h  Bounded bit reader with a sticky failure, for codec headers.
 */
#ifndef AURA_RTP_BITS_H
#define AURA_RTP_BITS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct aura_bits {
    const uint8_t *p;
    size_t bit, end; /* in bits */
    bool fail;
};

static inline struct aura_bits aura_bits_of(const uint8_t *p, size_t len) {
    return (struct aura_bits){.p = p, .bit = 0, .end = len * 8, .fail = false};
}
/** The next @p n (≤ 32) bits; 0 and failed if there are fewer. */
static inline uint32_t aura_bits_get(struct aura_bits *b, unsigned n) {
    if (b->fail || b->end - b->bit < n) {
        b->fail = true;
        return 0;
    }
    uint64_t v = 0;
    while (n > 0) {
        unsigned in_byte = 8 - (unsigned)(b->bit % 8);
        unsigned take = n < in_byte ? n : in_byte;
        uint32_t byte = (uint32_t)b->p[b->bit / 8] >> (in_byte - take);
        v = v << take | (byte & ((1u << take) - 1));
        b->bit += take;
        n -= take;
    }
    return (uint32_t)v;
}
static inline void aura_bits_skip(struct aura_bits *b, size_t n) {
    if (b->fail || b->end - b->bit < n) {
        b->fail = true;
        return;
    }
    b->bit += n;
}
/** Exp-Golomb ue(v) (H.264 §9.1) and uvlc (AV1 §4.10.3): at most 32 leading zeros. */
static inline uint32_t aura_bits_ue(struct aura_bits *b) {
    unsigned zeros = 0;
    while (!b->fail && aura_bits_get(b, 1) == 0) {
        if (++zeros >= 32) {
            b->fail = true;
        }
    }
    return b->fail ? 0 : (uint32_t)((UINT64_C(1) << zeros) - 1 + aura_bits_get(b, zeros));
}
static inline int32_t aura_bits_se(struct aura_bits *b) {
    uint32_t v = aura_bits_ue(b);
    return v & 1 ? (int32_t)(v / 2 + 1) : -(int32_t)(v / 2);
}
/** Non-symmetric value below @p n (AV1 §4.10.7). */
static inline uint32_t aura_bits_ns(struct aura_bits *b, uint32_t n) {
    unsigned w = 0;
    for (uint32_t x = n; x != 0; x >>= 1) {
        w++;
    }
    if (w == 0) {
        return 0;
    }
    uint32_t m = (uint32_t)((UINT64_C(1) << w) - n);
    uint32_t v = aura_bits_get(b, w - 1);
    return v < m ? v : (v << 1) - m + aura_bits_get(b, 1);
}

#endif
