/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file sharpen.h  What a strong encoder took from fine detail, put back in part: an unsharp mask
 * over luma. Pure: pictures in, pictures out.
 */
#ifndef AURA_CODEC_SHARPEN_H
#define AURA_CODEC_SHARPEN_H

#include "codec/picture.h"

enum {
    AURA_SHARPEN_ONE = 255, /* strength: 0…255 for 0…1 */
    /* 0.4 is what gained both VMAF and VMAF-NEG after compression by four fifths. */
    AURA_SHARPEN_COMPRESSED = 102,
};

/**
 * out = in + strength × (in − blurred in), on luma; the blur is 5 × 5 binomial.
 * @param out  width × height bytes, rows of `stride`; must not overlap the picture
 */
void aura_sharpen_luma(const struct aura_picture *in, uint8_t strength, uint8_t *out,
                       size_t stride);

#endif
