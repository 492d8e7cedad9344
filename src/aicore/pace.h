/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file pace.h  How much faster than it likes an encoder has to be, so that a track's answers are
 * on time on this machine as it is now.
 *
 * Threading: one thread at a time each. No clock: it counts frames.
 */
#ifndef AURA_AICORE_PACE_H
#define AURA_AICORE_PACE_H

#include "base/err.h"

#include <stdint.h>

enum {
    AURA_PACE_HURRY_MAX = 3,
    AURA_PACE_LATE_US = 16000, /* of the 20 ms that 99 of 100 answers are to keep */
    AURA_PACE_MEAN_US = 8500,  /* of the 10 ms that half of them are to keep */
};

struct aura_pace {
    unsigned hurry;        /* steps; 0 = as the encoder likes it */
    unsigned frames, late; /* of this window */
    uint64_t sum_us;
    unsigned calm, patience; /* windows in a row with time to spare, and how many it takes */
    bool relaxed;            /* the last change was towards quality */
};

void aura_pace_init(struct aura_pace *p);
/** @param us  from a frame's arrival to its answer. @return `hurry` for the next one */
unsigned aura_pace_frame(struct aura_pace *p, uint32_t us);

#endif
