/* SPDX-License-Identifier: Apache-2.0 */
/** @file statistics.h  What a picture is like, cheaply: on every second line and column. */
#ifndef AURA_AICORE_STATISTICS_H
#define AURA_AICORE_STATISTICS_H

#include "base/err.h"
#include "codec/picture.h"

struct aura_statistics {
    float motion;   /* mean absolute difference to the picture before, 0…255; 0 for the first */
    float texture;  /* mean absolute difference to the neighbours, 0…255 */
    float noise;    /* standard deviation where it is flat, 0…255 */
    float residual; /* the same once the picture before has been moved to fit (residual.h) */
    float flat;     /* share of the blocks in which all samples are equal: drawn, not filmed */
};

struct aura_statistics_state;

AURA_NODISCARD int aura_statistics_new(struct aura_statistics_state **sp);
struct aura_statistics_state *aura_statistics_free(struct aura_statistics_state *s);
/** @return 0 or AURA_ENOMEM (a larger picture than before) */
AURA_NODISCARD int aura_statistics_of(struct aura_statistics_state *s, const struct aura_picture *p,
                                      struct aura_statistics *out);

#endif
