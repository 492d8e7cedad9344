/* SPDX-License-Identifier: Apache-2.0 */
#include "cc/pacer.h"

#include "base/clock.h"

void aura_pacer_set(struct aura_pacer *p, uint32_t rate_bps, uint32_t burst_us) {
    p->rate_bps = rate_bps;
    p->burst_us = burst_us;
}

bool aura_pacer_may_send(const struct aura_pacer *p, uint64_t now_us) {
    return aura_pacer_wait_us(p, now_us) == 0;
}

uint64_t aura_pacer_wait_us(const struct aura_pacer *p, uint64_t now_us) {
    uint64_t from_us = p->rate_bps ? p->free_at_us : 0;
    return from_us > now_us + p->burst_us ? from_us - now_us - p->burst_us : 0;
}

void aura_pacer_sent(struct aura_pacer *p, size_t bytes, uint64_t now_us) {
    if (p->rate_bps) {
        uint64_t from_us = p->free_at_us > now_us ? p->free_at_us : now_us;
        p->free_at_us = from_us + (uint64_t)bytes * 8 * AURA_US_PER_S / p->rate_bps;
    }
}
