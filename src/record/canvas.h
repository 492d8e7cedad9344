/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file canvas.h  Drawing on a composed picture: areas of one colour, and stickers, which are drawn
 * once from masks (text, icons) and blended into every picture.
 *
 * Pictures are YUV 4:2:0, limited range (BT.601). Nothing is ever written outside of a canvas.
 * Threading: none, all on their caller's data.
 */
#ifndef AURA_RECORD_CANVAS_H
#define AURA_RECORD_CANVAS_H

#include "base/err.h"

#include <stddef.h>
#include <stdint.h>

enum { AURA_STICKER_SIDE_MAX = 4096 /* pixels, of a mask and of a sticker */ };

struct aura_colour {
    uint8_t y, u, v;
};

/** A picture of somebody else's. Even sides; planes of width × height, and twice a quarter. */
struct aura_canvas {
    uint8_t *plane[3];
    size_t stride[3];
    uint32_t width, height;
};

/** How much of each pixel is covered, 0 to 255; rows of `width` bytes. */
struct aura_mask {
    uint32_t width, height;
    uint8_t data[];
};

/** Several masks over each other, each in its colour. */
struct aura_sticker;

/** The one of an sRGB colour, 0xRRGGBB. */
struct aura_colour aura_colour_rgb(uint32_t rgb);

/** Opaque. All of it is made even, downwards; what is outside of the canvas is left out. */
void aura_canvas_fill(const struct aura_canvas *c, int64_t x, int64_t y, uint32_t width,
                      uint32_t height, struct aura_colour colour);

/** Covers nothing. @return 0, AURA_EINVAL (no side, or beyond AURA_STICKER_SIDE_MAX), AURA_ENOMEM
 */
AURA_NODISCARD int aura_mask_new(struct aura_mask **out, uint32_t width, uint32_t height);
/** NULL is fine. */
struct aura_mask *aura_mask_free(struct aura_mask *m);

/** Sees through. Sides are made even, upwards. @return as aura_mask_new() */
AURA_NODISCARD int aura_sticker_new(struct aura_sticker **out, uint32_t width, uint32_t height);
/** NULL is fine. */
struct aura_sticker *aura_sticker_free(struct aura_sticker *s);
uint32_t aura_sticker_width(const struct aura_sticker *s);
uint32_t aura_sticker_height(const struct aura_sticker *s);
/** Paints a mask over what is there. @param alpha  255 = opaque */
void aura_sticker_paint(struct aura_sticker *s, const struct aura_mask *m, int64_t x, int64_t y,
                        struct aura_colour colour, uint8_t alpha);
/** Into a picture, with its corner there; made even, downwards. */
void aura_sticker_blend(const struct aura_sticker *s, const struct aura_canvas *c, int64_t x,
                        int64_t y);

#endif
