/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file rates.h  What each layer of a published track weighs: bits and frames a second. Flat; zero
 * it. Threading: worker-affine.
 */
#ifndef AURA_SFU_RATES_H
#define AURA_SFU_RATES_H

#include "rtp/media.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { AURA_RATES_TEMPORAL = 4, AURA_RATES_WINDOW_US = 500000, AURA_RATES_FIRST_US = 150000 };

/** One (spatial, temporal) layer alone, not what it builds on. */
struct aura_rate {
    uint32_t bytes; /* in this window */
    uint16_t frames;
    uint16_t fps_x4; /* smoothed, quarter frames a second */
    uint32_t bps;    /* smoothed; 0 = does not flow */
    uint8_t empty;   /* windows without a packet, in a row */
};
struct aura_rates {
    uint64_t since_us; /* the window's beginning; 0 = nothing came yet */
    bool measured;     /* at least one window */
    struct aura_rate layer[AURA_MEDIA_LAYERS_MAX][AURA_RATES_TEMPORAL];
};

/** A packet came. @param bytes  of it @param frame  it begins a frame */
void aura__rates_add(struct aura_rates *r, unsigned spatial, unsigned temporal, size_t bytes,
                     bool frame, uint64_t now_us);
/** Closes the window if it is over: before reading. */
void aura__rates_roll(struct aura_rates *r, uint64_t now_us);

#endif
