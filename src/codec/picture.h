/* SPDX-License-Identifier: Apache-2.0 */
/** @file picture.h  A picture in memory: 8-bit 4:2:0, three planes. */
#ifndef AURA_CODEC_PICTURE_H
#define AURA_CODEC_PICTURE_H

#include <stddef.h>
#include <stdint.h>

enum {
    AURA_PICTURE_SIDE_MIN = 16,
    AURA_PICTURE_SIDE_MAX = 4096,
};

/** Planes Y, U, V are borrowed from whoever made it; U and V have half of both sides, rounded up.
 */
struct aura_picture {
    const uint8_t *plane[3];
    size_t stride[3]; /* bytes from one line to the next */
    uint32_t width, height;
};

#endif
