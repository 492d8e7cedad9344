/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file likeness.h  How much of a picture is left after encoding, as a viewer would see it: the two
 * kinds of measures that VMAF is made of, cheaply.
 *
 * Visual information fidelity (Sheikh and Bovik, 2006) in its form on samples, on blocks instead of
 * a sliding window, at two sizes; and how much of each edge is still there (after Li et al., 2011).
 */
#ifndef AURA_AICORE_LIKENESS_H
#define AURA_AICORE_LIKENESS_H

#include "base/err.h"
#include "codec/picture.h"

struct aura_likeness {
    float fine;   /* information that is left at half of the size, 0…1 */
    float coarse; /* at a quarter */
    float edges;  /* share of the source's gradients that is left, 0…1 */
};

struct aura_likeness_state;

AURA_NODISCARD int aura_likeness_new(struct aura_likeness_state **sp);
struct aura_likeness_state *aura_likeness_free(struct aura_likeness_state *s);
/**
 * @param coded  of the same size as the source
 * @return 0, AURA_EINVAL (another size), AURA_ENOMEM (larger pictures than before)
 */
AURA_NODISCARD int aura_likeness_of(struct aura_likeness_state *s,
                                    const struct aura_picture *source,
                                    const struct aura_picture *coded, struct aura_likeness *out);

#endif
