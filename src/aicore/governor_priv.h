/* SPDX-License-Identifier: Apache-2.0 */
/** @file governor_priv.h  What both that ask a model see of a second: governor.c, quantizer.c. */
#ifndef AURA_AICORE_GOVERNOR_PRIV_H
#define AURA_AICORE_GOVERNOR_PRIV_H

#include "aicore/governor.h"

/** Adds a frame to the sums. */
void aura__governor_count(struct aura_governor_window *w, const struct aura_governor_frame *f);
/** All that is known without the rate and without what was left; the other features are 0. */
void aura__governor_describe(const struct aura_governor_window *w, float pixels, float fps,
                             float row[AURA_FEATURES]);
/** What was left of the pictures, and the quantizer. @pre some of them were measured and coded */
void aura__governor_measured(const struct aura_governor_window *w, float row[AURA_FEATURES]);

#endif
