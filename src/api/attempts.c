/* SPDX-License-Identifier: Apache-2.0 */
#include "api/attempts.h"

#include "base/clock.h"
#include "base/mem.h"

#include <string.h>

enum { WAYS = 8, SETS = AURA_ATTEMPTS_KEPT / WAYS / 2, PREFIX_BYTES = 8 };

struct budget {
    uint64_t key;
    uint64_t free_us; /* when all are there again (GCRA) */
};

struct aura_attempts {
    uint64_t seed; /* who tries chooses the names, not where they lie in the table */
    struct budget addresses[SETS][WAYS], names[SETS][WAYS];
};

int aura_attempts_new(struct aura_attempts **ap, struct aura_rand *rand) {
    struct aura_attempts *a = aura_zalloc(sizeof(*a));
    if (!a) {
        return AURA_ENOMEM;
    }
    a->seed = aura_rand_u64(rand) | 1;
    *ap = a;
    return 0;
}

struct aura_attempts *aura_attempts_free(struct aura_attempts *a) {
    aura_free(a);
    return NULL;
}

static uint64_t hash(const struct aura_attempts *a, const void *data, size_t len, uint64_t of) {
    const unsigned char *at = data;
    uint64_t x = a->seed ^ of;
    for (size_t i = 0; i < len; i++) {
        x = (x ^ at[i]) * 0x9e3779b97f4a7c15u;
        x ^= x >> 29;
    }
    x = (x ^ x >> 32) * (a->seed | 1);
    return (x ^ x >> 31) | 1; /* 0 is an empty place */
}

static uint64_t key_of_address(const struct aura_attempts *a, const struct aura_addr *from) {
    return hash(a, from->ip, from->family == AURA_FAMILY_V6 ? PREFIX_BYTES : 4,
                1 + (uint64_t)from->family);
}

static uint64_t key_of_name(const struct aura_attempts *a, const char *name) {
    return hash(a, name, strlen(name), 100);
}

static struct budget *budget_of(struct budget table[SETS][WAYS], uint64_t key) {
    struct budget *set = table[key / 2 % SETS], *least = set;
    for (size_t i = 0; i < WAYS; i++) {
        if (set[i].key == key) {
            return &set[i];
        }
        least = set[i].free_us < least->free_us ? &set[i] : least;
    }
    *least = (struct budget){.key = key};
    return least;
}

static uint64_t then_us(const struct budget *b, uint64_t now_us) {
    return (b->free_us > now_us ? b->free_us : now_us) + AURA_ATTEMPTS_EVERY_S * AURA_US_PER_S;
}

static uint32_t wait_s(const struct budget *b, uint64_t now_us) {
    uint64_t most_us = (uint64_t)AURA_ATTEMPTS_AT_ONCE * AURA_ATTEMPTS_EVERY_S * AURA_US_PER_S;
    uint64_t need_us = then_us(b, now_us) - now_us;
    return need_us > most_us ? (uint32_t)((need_us - most_us) / AURA_US_PER_S) + 1 : 0;
}

uint32_t aura_attempts_take(struct aura_attempts *a, const struct aura_addr *from, const char *name,
                            uint64_t now_us) {
    struct budget *address = budget_of(a->addresses, key_of_address(a, from));
    uint32_t wait = wait_s(address, now_us);
    if (wait) {
        return wait; /* nobody's name is used up by who has used up their address */
    }
    struct budget *of_name = budget_of(a->names, key_of_name(a, name));
    wait = wait_s(of_name, now_us);
    if (!wait) {
        address->free_us = then_us(address, now_us);
        of_name->free_us = then_us(of_name, now_us);
    }
    return wait;
}

void aura_attempts_right(struct aura_attempts *a, const struct aura_addr *from, const char *name) {
    budget_of(a->addresses, key_of_address(a, from))->free_us = 0;
    budget_of(a->names, key_of_name(a, name))->free_us = 0;
}
