/* SPDX-License-Identifier: Apache-2.0 */
/** @file rand.h  The only source of randomness: the kernel's in production, seeded in tests. */
#ifndef AURA_BASE_RAND_H
#define AURA_BASE_RAND_H

#include <stddef.h>
#include <stdint.h>

struct aura_rand {
    void (*fill)(struct aura_rand *, void *out, size_t n);
};

/** The kernel's generator (getrandom); thread-safe. */
struct aura_rand *aura_rand_system(void);

/** Reproducible generator for tests and simulation (splitmix64). */
struct aura_rand_seeded {
    struct aura_rand rand;
    uint64_t state;
};
void aura_rand_seeded_init(struct aura_rand_seeded *r, uint64_t seed);

static inline void aura_rand_bytes(struct aura_rand *r, void *out, size_t n) {
    r->fill(r, out, n);
}
uint32_t aura_rand_u32(struct aura_rand *r);
uint64_t aura_rand_u64(struct aura_rand *r);
/** Uniform in [0, n), n > 0. */
uint32_t aura_rand_below(struct aura_rand *r, uint32_t n);
/** Writes @p n characters of [0-9A-Za-z] and a NUL: @p out needs n + 1 bytes. */
void aura_rand_text(struct aura_rand *r, char *out, size_t n);

#endif
