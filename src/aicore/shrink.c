/* SPDX-License-Identifier: Apache-2.0 */
#include "aicore/shrink.h"

enum { CHANNELS = AURA_SHRINK_CHANNELS, WIDTH_MAX = AURA_SHRINK_WIDTH_MAX };

struct line {
    float luma[WIDTH_MAX], u[WIDTH_MAX], v[WIDTH_MAX];
};

static float within(float v) {
    v = v < 0 ? 0 : v;
    return v > 255 ? 255 : v;
}

/* Samples first, arithmetic then: only the latter can be done for several at once. */
static void gather(const struct aura_picture *p, uint32_t y, const uint32_t *at, uint32_t width,
                   struct line *l) {
    const uint8_t *luma = p->plane[0] + y * p->stride[0];
    const uint8_t *u = p->plane[1] + y / 2 * p->stride[1], *v = p->plane[2] + y / 2 * p->stride[2];
    for (uint32_t i = 0; i < width; i++) {
        uint32_t x = at[i];
        l->luma[i] = (float)luma[x];
        l->u[i] = (float)u[x / 2];
        l->v[i] = (float)v[x / 2];
    }
}

static void colour(const struct line *l, float *out, uint32_t width, float scale, float offset) {
    for (uint32_t i = 0; i < width; i++) {
        float luma = 1.164F * (l->luma[i] - 16), u = l->u[i] - 128, v = l->v[i] - 128;
        out[i * CHANNELS] = within(luma + 1.596F * v) * scale + offset;
        out[i * CHANNELS + 1] = within(luma - 0.813F * v - 0.391F * u) * scale + offset;
        out[i * CHANNELS + 2] = within(luma + 2.018F * u) * scale + offset;
    }
}

/* Where the middle of each of n samples lies on a side of `of` samples. */
static uint32_t nearest(uint32_t i, uint32_t of, uint32_t n) {
    return (uint32_t)(((uint64_t)i * 2 + 1) * of / (2 * (uint64_t)n));
}

void aura_shrink(const struct aura_picture *p, float *out, uint32_t width, uint32_t height,
                 uint32_t pitch, float scale, float offset) {
    uint32_t at[WIDTH_MAX];
    struct line l;
    for (uint32_t i = 0; i < width; i++) {
        at[i] = nearest(i, p->width, width);
    }
    for (uint32_t row = 0; row < height; row++) {
        gather(p, nearest(row, p->height, height), at, width, &l);
        colour(&l, out + (size_t)row * pitch * CHANNELS, width, scale, offset);
    }
}
