/* SPDX-License-Identifier: Apache-2.0 */
/** @file shrink.h  A picture as models want it: small, in red, green and blue, as floats. */
#ifndef AURA_AICORE_SHRINK_H
#define AURA_AICORE_SHRINK_H

#include "codec/picture.h"

enum { AURA_SHRINK_CHANNELS = 3, AURA_SHRINK_WIDTH_MAX = 256 };

/**
 * The nearest samples, BT.601 with limited range (what cameras of calls send).
 * @param out    `height` lines of `pitch` × 3 floats, each v × scale + offset with v in 0…255
 * @param width  1…AURA_SHRINK_WIDTH_MAX, no more than `pitch`
 */
void aura_shrink(const struct aura_picture *p, float *out, uint32_t width, uint32_t height,
                 uint32_t pitch, float scale, float offset);

#endif
