/* SPDX-License-Identifier: Apache-2.0 */
#include "record/canvas.h"

#include "base/mem.h"

#include <string.h>

enum { OPAQUE = 255, MIDDLE = 128 };

/* Colours are multiplied with alpha already, so no sum of them goes beyond a byte: a colour is
 * never more than its alpha, and rounding keeps that. */
struct aura_sticker {
    uint32_t width, height;
    uint8_t *y, *y_alpha;     /* width × height */
    uint8_t *u, *v, *c_alpha; /* a quarter of it each, a sum of four pixels as they are painted */
    uint8_t *full_u, *full_v; /* width × height */
    uint8_t data[];
};

/* A part of a line that lies in both: [0, size) of what is drawn at `at` on one of `limit`. */
struct span {
    int64_t from, until;
};

static struct span clip(int64_t at, int64_t size, int64_t limit) {
    struct span s = {at < 0 ? -at : 0, size};
    s.until = at + size > limit ? limit - at : size;
    return s;
}

static int64_t even(int64_t v) {
    return v - (v & 1);
}

static uint8_t times(unsigned a, unsigned b) {
    return (uint8_t)((a * b + OPAQUE / 2) / OPAQUE);
}

struct aura_colour aura_colour_rgb(uint32_t rgb) {
    int r = (int)(rgb >> 16 & 255), g = (int)(rgb >> 8 & 255), b = (int)(rgb & 255);
    return (struct aura_colour){
        .y = (uint8_t)(16 + (65738 * r + 129057 * g + 25064 * b + 128000) / 256000),
        .u = (uint8_t)(MIDDLE + (-37945 * r - 74494 * g + 112439 * b) / 256000),
        .v = (uint8_t)(MIDDLE + (112439 * r - 94154 * g - 18285 * b) / 256000)};
}

void aura_canvas_fill(const struct aura_canvas *c, int64_t x, int64_t y, uint32_t width,
                      uint32_t height, struct aura_colour colour) {
    const uint8_t values[3] = {colour.y, colour.u, colour.v};
    for (int p = 0; p < 3; p++) {
        int by = p ? 2 : 1;
        struct span across = clip(even(x) / by, even(width) / by, c->width / by);
        struct span down = clip(even(y) / by, even(height) / by, c->height / by);
        for (int64_t row = down.from; row < down.until && across.from < across.until; row++) {
            uint8_t *line = c->plane[p] + (size_t)(even(y) / by + row) * c->stride[p];
            memset(line + even(x) / by + across.from, values[p],
                   (size_t)(across.until - across.from));
        }
    }
}

static bool fits(uint32_t width, uint32_t height) {
    return width && height && width <= AURA_STICKER_SIDE_MAX && height <= AURA_STICKER_SIDE_MAX;
}

int aura_mask_new(struct aura_mask **out, uint32_t width, uint32_t height) {
    if (!fits(width, height)) {
        return AURA_EINVAL;
    }
    struct aura_mask *m = aura_zalloc(sizeof(*m) + (size_t)width * height);
    if (!m) {
        return AURA_ENOMEM;
    }
    m->width = width;
    m->height = height;
    *out = m;
    return 0;
}

struct aura_mask *aura_mask_free(struct aura_mask *m) {
    aura_free(m);
    return NULL;
}

int aura_sticker_new(struct aura_sticker **out, uint32_t width, uint32_t height) {
    if (!fits(width, height)) {
        return AURA_EINVAL;
    }
    width += width & 1;
    height += height & 1;
    size_t area = (size_t)width * height;
    struct aura_sticker *s = aura_zalloc(sizeof(*s) + area * 4 + area / 4 * 3);
    if (!s) {
        return AURA_ENOMEM;
    }
    s->width = width;
    s->height = height;
    s->y = s->data;
    s->y_alpha = s->y + area;
    s->full_u = s->y_alpha + area;
    s->full_v = s->full_u + area;
    s->u = s->full_v + area;
    s->v = s->u + area / 4;
    s->c_alpha = s->v + area / 4;
    *out = s;
    return 0;
}

struct aura_sticker *aura_sticker_free(struct aura_sticker *s) {
    aura_free(s);
    return NULL;
}

uint32_t aura_sticker_width(const struct aura_sticker *s) {
    return s->width;
}

uint32_t aura_sticker_height(const struct aura_sticker *s) {
    return s->height;
}

static void over(uint8_t *to, uint8_t value, uint8_t alpha) {
    *to = (uint8_t)(times(value, alpha) + times(*to, OPAQUE - alpha));
}

/* The mean of four neighbours; rounded down, it stays under that of their alpha. */
static uint8_t mean(const uint8_t *plane, size_t stride, size_t x, size_t y) {
    const uint8_t *p = plane + y * 2 * stride + x * 2;
    return (uint8_t)((p[0] + p[1] + p[stride] + p[stride + 1]) / 4);
}

static void shrink_colour(struct aura_sticker *s) {
    size_t width = s->width / 2, height = s->height / 2;
    for (size_t y = 0; y < height; y++) {
        for (size_t x = 0; x < width; x++) {
            s->u[y * width + x] = mean(s->full_u, s->width, x, y);
            s->v[y * width + x] = mean(s->full_v, s->width, x, y);
            s->c_alpha[y * width + x] = mean(s->y_alpha, s->width, x, y);
        }
    }
}

void aura_sticker_paint(struct aura_sticker *s, const struct aura_mask *m, int64_t x, int64_t y,
                        struct aura_colour colour, uint8_t alpha) {
    struct span across = clip(x, m->width, s->width), down = clip(y, m->height, s->height);
    for (int64_t row = down.from; row < down.until; row++) {
        for (int64_t i = across.from; i < across.until; i++) {
            size_t at = (size_t)(y + row) * s->width + (size_t)(x + i);
            uint8_t a = times(m->data[(size_t)row * m->width + (size_t)i], alpha);
            over(&s->y[at], colour.y, a);
            over(&s->full_u[at], colour.u, a);
            over(&s->full_v[at], colour.v, a);
            over(&s->y_alpha[at], OPAQUE, a);
        }
    }
    shrink_colour(s);
}

static void blend_plane(uint8_t *to, size_t stride, struct span across, struct span down,
                        const uint8_t *from, const uint8_t *alpha, size_t width) {
    for (int64_t row = down.from; row < down.until; row++) {
        uint8_t *line = to + row * (int64_t)stride;
        const uint8_t *f = from + (size_t)row * width, *a = alpha + (size_t)row * width;
        for (int64_t i = across.from; i < across.until; i++) {
            line[i] = (uint8_t)(f[i] + times(line[i], OPAQUE - a[i]));
        }
    }
}

void aura_sticker_blend(const struct aura_sticker *s, const struct aura_canvas *c, int64_t x,
                        int64_t y) {
    const uint8_t *const from[3] = {s->y, s->u, s->v};
    for (int p = 0; p < 3; p++) {
        int by = p ? 2 : 1;
        int64_t left = even(x) / by, top = even(y) / by;
        struct span across = clip(left, s->width / by, c->width / by);
        struct span down = clip(top, s->height / by, c->height / by);
        if (across.from < across.until && down.from < down.until) {
            blend_plane(c->plane[p] + top * (int64_t)c->stride[p] + left, c->stride[p], across,
                        down, from[p], p ? s->c_alpha : s->y_alpha, s->width / (size_t)by);
        }
    }
}
