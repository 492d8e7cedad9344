/* SPDX-License-Identifier: Apache-2.0 */
#include "api/gate.h"

#include "base/clock.h"
#include "base/mem.h"

#include <string.h>

enum { WAYS = 8, SETS = AURA_GATE_ADDRESSES_MAX / WAYS, PREFIX_BYTES = 8 };

/* A budget is the time at which all of it is there again (as in the leaky bucket of GCRA). */
struct budget {
    uint64_t key;
    uint64_t free_us[AURA_GATE_WHAT_COUNT];
    uint16_t family;
};

struct aura_gate {
    uint64_t seed; /* peers choose their addresses, not where they lie in the table */
    struct budget sets[SETS][WAYS];
};

int aura_gate_new(struct aura_gate **gp, struct aura_rand *rand) {
    struct aura_gate *g = aura_zalloc(sizeof(*g));
    if (!g) {
        return AURA_ENOMEM;
    }
    g->seed = aura_rand_u64(rand) | 1;
    *gp = g;
    return 0;
}

struct aura_gate *aura_gate_free(struct aura_gate *g) {
    aura_free(g);
    return NULL;
}

static size_t set_of(const struct aura_gate *g, uint64_t key) {
    uint64_t x = (key ^ g->seed) * 0x9e3779b97f4a7c15u;
    x = (x ^ x >> 29) * (g->seed | 1);
    return (x ^ x >> 32) % SETS;
}

static uint64_t used_us(const struct budget *b) {
    uint64_t most_us = 0;
    for (size_t i = 0; i < AURA_GATE_WHAT_COUNT; i++) {
        most_us = b->free_us[i] > most_us ? b->free_us[i] : most_us;
    }
    return most_us;
}

static struct budget *budget_of(struct aura_gate *g, const struct aura_addr *from) {
    uint64_t key = 0;
    memcpy(&key, from->ip, PREFIX_BYTES);
    struct budget *set = g->sets[set_of(g, key)], *least = set;
    for (size_t i = 0; i < WAYS; i++) {
        if (set[i].key == key && set[i].family == from->family) {
            return &set[i];
        }
        least = used_us(&set[i]) < used_us(least) ? &set[i] : least;
    }
    *least = (struct budget){.key = key, .family = from->family};
    return least;
}

static uint32_t ask(struct aura_gate *g, const struct aura_addr *from, enum aura_gate_what what,
                    const struct aura_gate_rates *rates, uint64_t now_us, bool take) {
    uint32_t rate = rates->rate[what];
    if (!rate) {
        return 0;
    }
    uint64_t *free_us = &budget_of(g, from)->free_us[what];
    uint64_t from_us = *free_us > now_us ? *free_us : now_us;
    uint64_t then_us = from_us + AURA_US_PER_S / rate, most_us = AURA_GATE_BURST_S * AURA_US_PER_S;
    if (then_us - now_us > most_us) {
        return (uint32_t)((then_us - now_us - most_us) / AURA_US_PER_S) + 1;
    }
    *free_us = take ? then_us : *free_us;
    return 0;
}

uint32_t aura_gate_take(struct aura_gate *g, const struct aura_addr *from, enum aura_gate_what what,
                        const struct aura_gate_rates *rates, uint64_t now_us) {
    return ask(g, from, what, rates, now_us, true);
}

uint32_t aura_gate_wait_s(struct aura_gate *g, const struct aura_addr *from,
                          enum aura_gate_what what, const struct aura_gate_rates *rates,
                          uint64_t now_us) {
    return ask(g, from, what, rates, now_us, false);
}
