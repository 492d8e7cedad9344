/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file delay.h  Is a queue growing? The trend of one-way delays (draft-ietf-rmcat-gcc-02 section
 * 5; the least-squares filter is that of libwebrtc, which replaced the draft's Kalman filter).
 * Flat; private to src/cc.
 */
#ifndef AURA_CC_DELAY_H
#define AURA_CC_DELAY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { AURA_DELAY_WINDOW = 20 };

enum aura_usage { AURA_USAGE_NORMAL, AURA_USAGE_OVER, AURA_USAGE_UNDER };

struct aura_delay_group {
    bool started;
    uint64_t first_sent_us, sent_us; /* first and last packet */
    int64_t first_arrival_us, arrival_us;
};

struct aura_delay {
    struct aura_delay_group group, before; /* packets sent in one burst count as one */
    double accumulated_ms, smoothed_ms;
    struct {
        double at_ms, delay_ms;
    } point[AURA_DELAY_WINDOW];
    unsigned next, count;
    unsigned deltas;
    double trend, threshold_ms;
    int64_t threshold_at_us;
    double over_ms; /* how long the trend has been above the threshold */
    unsigned over_count;
    enum aura_usage usage;
    int64_t origin_us;
    /* Delay above the least that was seen: two windows, so that clock skew cannot add up. */
    int64_t least_us[2];
    uint64_t least_since_us;
    bool has_least;
    uint32_t queue_us; /* smoothed */
    uint32_t usual_us; /* what `queue_us` is about in the long run: jitter, others' queues */
    uint64_t usual_at_us;
};

void aura__delay_init(struct aura_delay *d);
/** A packet's arrival, in the order of sending. @param arrival_us  on the receiver's clock */
void aura__delay_packet(struct aura_delay *d, uint64_t sent_us, int64_t arrival_us);

#endif
