/* SPDX-License-Identifier: Apache-2.0 */
#include "aicore/thin.h"

#include <math.h>
#include <string.h>

/* A windowed sinc (Hamming), 7 kHz wide. */
void aura_thin_init(struct aura_thin *t) {
    const double pi = acos(-1), cut = 7000.0 / 48000.0;
    double sum = 0;
    *t = (struct aura_thin){.phase = AURA_THIN_STEP};
    for (int i = 0; i < AURA_THIN_TAPS; i++) {
        double x = i - (AURA_THIN_TAPS - 1) / 2.0; /* never 0: their number is even */
        double w = 0.54 - 0.46 * cos(2 * pi * i / (AURA_THIN_TAPS - 1));
        double tap = sin(2 * pi * cut * x) / (pi * x) * w;
        t->taps[i] = (float)tap;
        sum += tap;
    }
    for (int i = 0; i < AURA_THIN_TAPS; i++) {
        t->taps[i] = (float)((double)t->taps[i] / sum / 32768);
    }
}

size_t aura_thin_add(struct aura_thin *t, const int16_t *samples, size_t count, float *out) {
    size_t n = 0;
    for (size_t i = 0; i < count; i++) {
        memmove(t->history, t->history + 1, (AURA_THIN_TAPS - 1) * sizeof(*t->history));
        t->history[AURA_THIN_TAPS - 1] = samples[i];
        if (--t->phase) {
            continue;
        }
        t->phase = AURA_THIN_STEP;
        float sum = 0;
        for (size_t k = 0; k < AURA_THIN_TAPS; k++) {
            sum += t->history[k] * t->taps[k];
        }
        out[n++] = sum;
    }
    return n;
}
