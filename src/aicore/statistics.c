/* SPDX-License-Identifier: Apache-2.0 */
#include "aicore/statistics.h"

#include "aicore/residual.h"
#include "base/mem.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
    STEP = 2,           /* of the picture */
    BLOCK = 8,          /* side of a block of the reduced picture */
    FLAT_VARIANCE = 16, /* blocks below that show the camera's noise, not what is filmed */
};

struct aura_statistics_state {
    uint8_t *small, *before; /* reduced pictures, without padding */
    size_t cap;
    size_t width, height; /* of `before`; 0 = none */
};

int aura_statistics_new(struct aura_statistics_state **sp) {
    *sp = aura_zalloc(sizeof(**sp));
    return *sp ? 0 : AURA_ENOMEM;
}

struct aura_statistics_state *aura_statistics_free(struct aura_statistics_state *s) {
    if (s) {
        aura_free(s->small);
        aura_free(s->before);
        aura_free(s);
    }
    return NULL;
}

static int reserve(struct aura_statistics_state *s, size_t bytes) {
    if (bytes <= s->cap) {
        return 0;
    }
    uint8_t *small = aura_realloc(s->small, bytes);
    s->small = small ? small : s->small;
    uint8_t *before = small ? aura_realloc(s->before, bytes) : NULL;
    s->before = before ? before : s->before;
    s->cap = before ? bytes : s->cap;
    return before ? 0 : AURA_ENOMEM;
}

static void reduce(const struct aura_picture *p, uint8_t *out, size_t width, size_t height) {
    for (size_t y = 0; y < height; y++) {
        const uint8_t *line = p->plane[0] + y * STEP * p->stride[0];
        for (size_t x = 0; x < width; x++) {
            out[y * width + x] = line[x * STEP];
        }
    }
}

static float mean_difference(const uint8_t *a, const uint8_t *b, size_t n) {
    uint64_t sum = 0;
    for (size_t i = 0; i < n; i++) {
        sum += (unsigned)abs(a[i] - b[i]);
    }
    return n ? (float)sum / (float)n : 0;
}

/* Variance of one block times its 64 samples squared. */
static uint32_t block_variance(const uint8_t *at, size_t width) {
    uint32_t sum = 0, squares = 0;
    for (size_t y = 0; y < BLOCK; y++) {
        for (size_t x = 0; x < BLOCK; x++) {
            uint32_t v = at[y * width + x];
            sum += v;
            squares += v * v;
        }
    }
    return squares * BLOCK * BLOCK - sum * sum;
}

static void look_at_blocks(const uint8_t *small, size_t width, size_t height,
                           struct aura_statistics *out) {
    const uint32_t n2 = BLOCK * BLOCK * BLOCK * BLOCK;
    uint64_t noise = 0;
    size_t quiet = 0, equal = 0, blocks = 0;
    for (size_t y = 0; y + BLOCK <= height; y += BLOCK) {
        for (size_t x = 0; x + BLOCK <= width; x += BLOCK, blocks++) {
            uint32_t variance = block_variance(small + y * width + x, width);
            equal += variance == 0;
            if (variance && variance < FLAT_VARIANCE * n2) {
                noise += variance;
                quiet++;
            }
        }
    }
    out->noise = quiet ? sqrtf((float)noise / (float)quiet / (float)n2) : 0;
    out->flat = blocks ? (float)equal / (float)blocks : 0;
}

int aura_statistics_of(struct aura_statistics_state *s, const struct aura_picture *p,
                       struct aura_statistics *out) {
    size_t width = p->width / STEP, height = p->height / STEP;
    int err = reserve(s, width * height);
    if (err) {
        return err;
    }
    *out = (struct aura_statistics){.motion = 0};
    reduce(p, s->small, width, height);
    bool comparable = s->width == width && s->height == height;
    out->motion = comparable ? mean_difference(s->small, s->before, width * height) : 0;
    out->residual = comparable ? aura_residual(s->small, s->before, width, height) : 0;
    float across = mean_difference(s->small, s->small + 1, width * height - 1);
    float down = mean_difference(s->small, s->small + width, width * (height - 1));
    out->texture = (across + down) / 2;
    look_at_blocks(s->small, width, height, out);
    uint8_t *swap = s->before;
    s->before = s->small;
    s->small = swap;
    s->width = width;
    s->height = height;
    return 0;
}
