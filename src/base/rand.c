/* SPDX-License-Identifier: Apache-2.0 */
#include "base/rand.h"

#include "base/err.h"

#include <errno.h>
#include <string.h>
#include <sys/random.h>

static void system_fill(struct aura_rand *r, void *out, size_t n) {
    (void)r;
    uint8_t *p = out;
    while (n) {
        ssize_t got = getrandom(p, n, 0);
        if (got < 0) {
            AURA_BUG_ON(errno != EINTR); /* no entropy source: nothing secure can be done */
            continue;
        }
        p += got;
        n -= (size_t)got;
    }
}

struct aura_rand *aura_rand_system(void) {
    static struct aura_rand r = {.fill = system_fill};
    return &r;
}

static void seeded_fill(struct aura_rand *r, void *out, size_t n) {
    struct aura_rand_seeded *s = (struct aura_rand_seeded *)(void *)r;
    uint8_t *p = out;
    while (n) {
        uint64_t z = s->state += UINT64_C(0x9e3779b97f4a7c15);
        z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
        z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
        z ^= z >> 31;
        size_t part = n < sizeof(z) ? n : sizeof(z);
        memcpy(p, &z, part);
        p += part;
        n -= part;
    }
}

void aura_rand_seeded_init(struct aura_rand_seeded *r, uint64_t seed) {
    r->rand.fill = seeded_fill;
    r->state = seed;
}

uint32_t aura_rand_u32(struct aura_rand *r) {
    uint32_t v;
    aura_rand_bytes(r, &v, sizeof(v));
    return v;
}

uint64_t aura_rand_u64(struct aura_rand *r) {
    uint64_t v;
    aura_rand_bytes(r, &v, sizeof(v));
    return v;
}

uint32_t aura_rand_below(struct aura_rand *r, uint32_t n) {
    AURA_BUG_ON(n == 0);
    uint32_t limit = UINT32_MAX - UINT32_MAX % n; /* above it, values would be favoured */
    uint32_t v;
    do {
        v = aura_rand_u32(r);
    } while (v >= limit);
    return v % n;
}

void aura_rand_text(struct aura_rand *r, char *out, size_t n) {
    static const char set[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    uint8_t drawn[64]; /* many at a time: the kernel's generator is asked by a system call */
    size_t left = 0;
    for (size_t i = 0; i < n;) {
        if (!left) {
            left = sizeof(drawn);
            aura_rand_bytes(r, drawn, left);
        }
        uint8_t v = drawn[--left];
        if (v < 4 * (sizeof(set) - 1)) { /* from there on, the first characters would be favoured */
            out[i++] = set[v % (sizeof(set) - 1)];
        }
    }
    out[n] = 0;
}
