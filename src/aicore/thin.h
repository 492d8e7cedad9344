/* SPDX-License-Identifier: Apache-2.0 */
/** @file thin.h  Samples of 48 kHz to 16 kHz, which is what detectors listen to. Pure functions. */
#ifndef AURA_AICORE_THIN_H
#define AURA_AICORE_THIN_H

#include <stddef.h>
#include <stdint.h>

enum { AURA_THIN_STEP = 3, AURA_THIN_TAPS = 48 };

struct aura_thin {
    float taps[AURA_THIN_TAPS];
    float history[AURA_THIN_TAPS]; /* the newest samples, the oldest first */
    unsigned phase;                /* samples until the next one that is kept */
};

void aura_thin_init(struct aura_thin *t);
/** @param out  count / 3 + 1 samples, full scale = 1 @return how many came out */
size_t aura_thin_add(struct aura_thin *t, const int16_t *samples, size_t count, float *out);

#endif
