/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file pacer.h  When the next packet may leave: a leaky bucket. Flat; zero it.
 *
 * The bucket says only *when*; who waits and in which order is the caller's business. Audio never
 * asks, but is counted.
 */
#ifndef AURA_CC_PACER_H
#define AURA_CC_PACER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct aura_pacer {
    uint32_t rate_bps;   /* 0 = no limit */
    uint32_t burst_us;   /* what may leave at once, in time at this rate */
    uint64_t free_at_us; /* when everything sent so far has drained */
};
/** @param rate_bps  drain rate (a multiple of the estimate, so that a key frame is not held long)
 */
void aura_pacer_set(struct aura_pacer *p, uint32_t rate_bps, uint32_t burst_us);
bool aura_pacer_may_send(const struct aura_pacer *p, uint64_t now_us);
/** Time until may_send() becomes true; 0 = now. */
uint64_t aura_pacer_wait_us(const struct aura_pacer *p, uint64_t now_us);
void aura_pacer_sent(struct aura_pacer *p, size_t bytes, uint64_t now_us);

#endif
