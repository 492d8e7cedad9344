/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file quantizer.h  How coarsely a screen may be drawn: the coarsest quantizer that holds the
 * predicted quality.
 *
 * A screen needs nothing while it stands still and a lot at once when it changes. At a constant
 * rate each change is shown badly first, and what is saved later goes into details that nobody
 * misses; at a constant quantizer each picture costs what is new in it. Once a second a model is
 * asked what quality each quantizer would give (as governor.h does for rates, with the same
 * features). Flat state on the caller's clock.
 */
#ifndef AURA_AICORE_QUANTIZER_H
#define AURA_AICORE_QUANTIZER_H

#include "aicore/governor.h"

enum {
    AURA_QUANTIZER_BEST = 24, /* of the ladder that is asked for, as encoder.h counts them */
    AURA_QUANTIZER_WORST = 44,
};

struct aura_quantizer {
    const struct aura_predictor *predictor; /* NULL = none */
    struct aura_governor_window window;
    unsigned now;
    float quality; /* predicted for the last second; negative = unknown */
    uint32_t kbps; /* that the last second weighed */
    bool decided;
};

/** @param predictor  borrowed; NULL = there is none, and aura_quantizer_now() is 0 */
void aura_quantizer_init(struct aura_quantizer *q, const struct aura_predictor *predictor);
/**
 * Counts a frame of a screen; once a second it decides anew.
 * @param target  quality to hold, 0…100; 0 = the default
 * @return true: there is a new decision
 */
bool aura_quantizer_frame(struct aura_quantizer *q, const struct aura_governor_frame *f,
                          float target);
/**
 * @param max_kbps  a limit that the caller has; 0 = none. A whole new picture weighs as much as
 * half a second or more of a narrow one: there a rate is better.
 * @return 0: encode at a rate
 */
unsigned aura_quantizer_now(const struct aura_quantizer *q, uint32_t width, uint32_t height,
                            uint32_t max_kbps);

#endif
