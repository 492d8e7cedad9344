/* SPDX-License-Identifier: Apache-2.0 */
#include "link.h"

#include "base/clock.h"

static double chance(struct link *l) {
    return (double)aura_rand_u32(&l->rand.rand) / 4294967296.0;
}

uint32_t link_bps(const struct link *l, uint64_t now_us) {
    uint32_t bps = l->step[0].bps;
    for (size_t i = 1; i < l->steps; i++) {
        bps = now_us >= l->step[i].at_us ? l->step[i].bps : bps;
    }
    return bps;
}

uint64_t link_queue_us(const struct link *l, uint64_t now_us) {
    return l->free_at_us > now_us ? l->free_at_us - now_us : 0;
}

/* Gilbert's model: bursts of losses with the given mean length. */
static bool is_lost(struct link *l) {
    if (l->loss <= 0) {
        return false;
    }
    if (l->burst <= 1) {
        return chance(l) < l->loss;
    }
    double leave = 1 / l->burst, enter = l->loss * leave / (1 - l->loss);
    l->bad = l->bad ? chance(l) >= leave : chance(l) < enter;
    return l->bad;
}

uint64_t link_send(struct link *l, size_t bytes, uint64_t now_us) {
    if (is_lost(l)) {
        l->losses++;
        return 0;
    }
    if (link_queue_us(l, now_us) > l->queue_us) {
        l->tail_drops++;
        return 0;
    }
    uint64_t start_us = l->free_at_us > now_us ? l->free_at_us : now_us;
    l->free_at_us = start_us + bytes * 8 * AURA_US_PER_S / link_bps(l, start_us);
    if (l->reorder > 0 && chance(l) < l->reorder) {
        return l->free_at_us + l->delay_us / 2;
    }
    uint64_t due_us = l->free_at_us + l->delay_us +
                      (l->jitter_us ? aura_rand_below(&l->rand.rand, l->jitter_us) : 0);
    due_us = due_us > l->last_due_us ? due_us : l->last_due_us;
    l->last_due_us = due_us;
    return due_us;
}
