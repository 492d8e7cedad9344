/* SPDX-License-Identifier: Apache-2.0 */
#include "rtp/gapmap.h"

#include <string.h>

enum { WORDS = AURA_GAPMAP_WINDOW / 64 };

static bool bit_get(const struct aura_gapmap *g, uint64_t n) {
    return g->bits[n / 64 % WORDS] >> n % 64 & 1;
}
static void bit_set(struct aura_gapmap *g, uint64_t n) {
    g->bits[n / 64 % WORDS] |= UINT64_C(1) << n % 64;
}
static void bit_clear(struct aura_gapmap *g, uint64_t n) {
    g->bits[n / 64 % WORDS] &= ~(UINT64_C(1) << n % 64);
}

void aura_gapmap_start(struct aura_gapmap *g, uint64_t first) {
    *g = (struct aura_gapmap){.started = true, .first = first, .newest = first - 1};
}

static void advance(struct aura_gapmap *g, uint64_t number) {
    if (number - g->newest >= AURA_GAPMAP_WINDOW) {
        memset(g->bits, 0, sizeof(g->bits));
    } else {
        for (uint64_t n = g->newest + 1; n <= number; n++) {
            bit_clear(g, n);
        }
    }
    g->newest = number;
}

/* The newest number may be first - 1, which wraps for first = 0: so compare distances. */
static bool is_newer(const struct aura_gapmap *g, uint64_t number) {
    return (int64_t)(number - g->newest) > 0;
}
static bool in_window(const struct aura_gapmap *g, uint64_t number) {
    return g->started && (int64_t)(number - g->first) >= 0 &&
           (is_newer(g, number) || g->newest - number < AURA_GAPMAP_WINDOW);
}

bool aura_gapmap_map(struct aura_gapmap *g, uint64_t number, uint64_t *out) {
    if (!in_window(g, number)) {
        return false;
    }
    uint64_t dropped_before = g->dropped;
    if (is_newer(g, number)) {
        advance(g, number);
    } else {
        if (bit_get(g, number)) {
            return false;
        }
        for (uint64_t n = number + 1; n <= g->newest; n++) {
            dropped_before -= bit_get(g, n);
        }
    }
    *out = number - g->first - dropped_before;
    return true;
}

bool aura_gapmap_drop(struct aura_gapmap *g, uint64_t number) {
    if (!in_window(g, number)) {
        return false;
    }
    if (!is_newer(g, number)) {
        return bit_get(g, number);
    }
    advance(g, number);
    bit_set(g, number);
    g->dropped++;
    return true;
}

bool aura_gapmap_inverse(const struct aura_gapmap *g, uint64_t mapped, uint64_t *number) {
    uint64_t dropped_before = g->dropped;
    for (uint64_t back = 0; g->started && back < AURA_GAPMAP_WINDOW; back++) {
        uint64_t n = g->newest - back;
        if ((int64_t)(n - g->first) < 0) {
            break;
        }
        if (bit_get(g, n)) {
            dropped_before--;
        } else if (n - g->first - dropped_before <= mapped) {
            *number = n;
            return n - g->first - dropped_before == mapped;
        }
    }
    return false;
}
