/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file trial.h  What a frame costs on this machine with these models: measured at the start, so
 * that the first streams are not let in by a guess.
 */
#ifndef AURA_AICORE_TRIAL_H
#define AURA_AICORE_TRIAL_H

#include "aicore/models.h"
#include "base/clock.h"

struct aura_trial {
    float work_ns_per_pixel, answer_ns_per_pixel; /* in all, and until the answer */
};

/** Takes some tenths of a second. @param models  as in aura_track_new(). @return 0 or an error */
AURA_NODISCARD int aura_trial_run(struct aura_trial *out, const struct aura_clock *clock,
                                  const struct aura_models *models);

#endif
