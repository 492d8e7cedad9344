/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file bytes.h  Bounded reading and writing of wire bytes (big endian).
 *
 * A cursor or writer that runs out sets `fail` and stays failed: reads give zeros, writes do
 * nothing. So a decoder reads a whole header and checks once.
 */
#ifndef AURA_BASE_BYTES_H
#define AURA_BASE_BYTES_H

#include "base/err.h"

#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct aura_cur {
    const uint8_t *p, *end;
    bool fail;
};

static inline struct aura_cur aura_cur_of(const void *data, size_t len) {
    const uint8_t *p = (const uint8_t *)data;
    return (struct aura_cur){.p = p, .end = p + len, .fail = false};
}

/** Bytes not read yet; 0 once it has failed, so that a loop over the rest ends. */
static inline size_t aura_cur_left(const struct aura_cur *c) {
    return c->fail ? 0 : (size_t)(c->end - c->p);
}

/** The next @p n bytes, stepped over; NULL (and failed) if there are fewer. */
static inline const uint8_t *aura_cur_take(struct aura_cur *c, size_t n) {
    if (c->fail || aura_cur_left(c) < n) {
        c->fail = true;
        return NULL;
    }
    const uint8_t *at = c->p;
    c->p += n;
    return at;
}

/** A cursor over the next @p n bytes, stepped over; a failed empty one if there are fewer. */
static inline struct aura_cur aura_cur_sub(struct aura_cur *c, size_t n) {
    const uint8_t *at = aura_cur_take(c, n);
    return (struct aura_cur){.p = at ? at : c->end, .end = at ? at + n : c->end, .fail = !at};
}

static inline uint64_t aura_cur_uint(struct aura_cur *c, size_t bytes) {
    const uint8_t *at = aura_cur_take(c, bytes);
    uint64_t v = 0;
    for (size_t i = 0; at && i < bytes; i++) {
        v = v << 8 | at[i];
    }
    return v;
}

static inline uint8_t aura_cur_u8(struct aura_cur *c) {
    return (uint8_t)aura_cur_uint(c, 1);
}
static inline uint16_t aura_cur_u16(struct aura_cur *c) {
    return (uint16_t)aura_cur_uint(c, 2);
}
static inline uint32_t aura_cur_u24(struct aura_cur *c) {
    return (uint32_t)aura_cur_uint(c, 3);
}
static inline uint32_t aura_cur_u32(struct aura_cur *c) {
    return (uint32_t)aura_cur_uint(c, 4);
}
static inline uint64_t aura_cur_u64(struct aura_cur *c) {
    return aura_cur_uint(c, 8);
}

struct aura_wr {
    uint8_t *begin, *p, *end;
    bool fail;
};

static inline struct aura_wr aura_wr_of(void *data, size_t cap) {
    uint8_t *p = (uint8_t *)data;
    return (struct aura_wr){.begin = p, .p = p, .end = cap ? p + cap : p, .fail = false};
}

static inline size_t aura_wr_len(const struct aura_wr *w) {
    return (size_t)(w->p - w->begin);
}
/** Room left; 0 once it has failed. */
static inline size_t aura_wr_left(const struct aura_wr *w) {
    return w->fail ? 0 : (size_t)(w->end - w->p);
}

/** Room for @p n bytes, stepped over (content untouched); NULL and failed if there is less. */
static inline uint8_t *aura_wr_skip(struct aura_wr *w, size_t n) {
    if (w->fail || aura_wr_left(w) < n) {
        w->fail = true;
        return NULL;
    }
    uint8_t *at = w->p;
    w->p += n;
    return at;
}

static inline void aura_wr_bytes(struct aura_wr *w, const void *src, size_t n) {
    uint8_t *at = aura_wr_skip(w, n);
    if (at && n) {
        memcpy(at, src, n);
    }
}

static inline void aura_wr_uint(struct aura_wr *w, uint64_t v, size_t bytes) {
    uint8_t *at = aura_wr_skip(w, bytes);
    for (size_t i = bytes; at && i-- > 0;) {
        at[i] = (uint8_t)v;
        v >>= 8;
    }
}

static inline void aura_wr_u8(struct aura_wr *w, uint8_t v) {
    aura_wr_uint(w, v, 1);
}
static inline void aura_wr_u16(struct aura_wr *w, uint16_t v) {
    aura_wr_uint(w, v, 2);
}
static inline void aura_wr_u24(struct aura_wr *w, uint32_t v) {
    aura_wr_uint(w, v, 3);
}
static inline void aura_wr_u32(struct aura_wr *w, uint32_t v) {
    aura_wr_uint(w, v, 4);
}
static inline void aura_wr_u64(struct aura_wr *w, uint64_t v) {
    aura_wr_uint(w, v, 8);
}

/* In-place access for code that rewrites a header whose bounds it has already checked. */
static inline uint16_t aura_get_u16(const uint8_t *p) {
    return (uint16_t)(p[0] << 8 | p[1]);
}
static inline uint32_t aura_get_u32(const uint8_t *p) {
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}
static inline void aura_put_u16(uint8_t *p, uint16_t v) {
    p[0] = (uint8_t)(v >> 8);
    p[1] = (uint8_t)v;
}
static inline void aura_put_u32(uint8_t *p, uint32_t v) {
    p[0] = (uint8_t)(v >> 24);
    p[1] = (uint8_t)(v >> 16);
    p[2] = (uint8_t)(v >> 8);
    p[3] = (uint8_t)v;
}

#endif
