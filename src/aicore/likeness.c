/* SPDX-License-Identifier: Apache-2.0 */
#include "aicore/likeness.h"

#include "base/mem.h"

#include <math.h>
#include <stdlib.h>

enum { BLOCK = 8, SAMPLES = BLOCK * BLOCK };

static const float eye_noise = 2;  /* variance of what the eye adds; VIF's σn² */
static const float flat_least = 1; /* variance below which a block carries nothing */

struct aura_likeness_state {
    uint8_t *source, *coded; /* reduced, without padding */
    size_t cap;
};

int aura_likeness_new(struct aura_likeness_state **sp) {
    *sp = aura_zalloc(sizeof(**sp));
    return *sp ? 0 : AURA_ENOMEM;
}

struct aura_likeness_state *aura_likeness_free(struct aura_likeness_state *s) {
    if (s) {
        aura_free(s->source);
        aura_free(s->coded);
        aura_free(s);
    }
    return NULL;
}

static int reserve(struct aura_likeness_state *s, size_t bytes) {
    if (bytes <= s->cap) {
        return 0;
    }
    uint8_t *source = aura_realloc(s->source, bytes);
    s->source = source ? source : s->source;
    uint8_t *coded = source ? aura_realloc(s->coded, bytes) : NULL;
    s->coded = coded ? coded : s->coded;
    s->cap = coded ? bytes : s->cap;
    return coded ? 0 : AURA_ENOMEM;
}

/* Means of 2 × 2 samples; in place is fine, for it writes behind what it reads. */
static void halve(const uint8_t *in, size_t stride, uint8_t *out, size_t width, size_t height) {
    for (size_t y = 0; y < height; y++) {
        const uint8_t *a = in + 2 * y * stride, *b = a + stride;
        for (size_t x = 0; x < width; x++) {
            out[y * width + x] =
                (uint8_t)((a[2 * x] + a[2 * x + 1] + b[2 * x] + b[2 * x + 1] + 2) / 4);
        }
    }
}

struct moments {
    float source, coded, both; /* variances and covariance */
};

static struct moments moments_of(const uint8_t *s, const uint8_t *c, size_t width) {
    uint32_t sum_s = 0, sum_c = 0, ss = 0, cc = 0, sc = 0;
    for (size_t y = 0; y < BLOCK; y++, s += width, c += width) {
        for (size_t x = 0; x < BLOCK; x++) {
            uint32_t a = s[x], b = c[x];
            sum_s += a;
            sum_c += b;
            ss += a * a;
            cc += b * b;
            sc += a * b;
        }
    }
    const float n = SAMPLES;
    float mean_s = (float)sum_s / n, mean_c = (float)sum_c / n;
    return (struct moments){.source = (float)ss / n - mean_s * mean_s,
                            .coded = (float)cc / n - mean_c * mean_c,
                            .both = (float)sc / n - mean_s * mean_c};
}

static float information(const uint8_t *s, const uint8_t *c, size_t width, size_t height) {
    float left = 0, had = 0;
    for (size_t y = 0; y + BLOCK <= height; y += BLOCK) {
        for (size_t x = 0; x + BLOCK <= width; x += BLOCK) {
            struct moments m = moments_of(s + y * width + x, c + y * width + x, width);
            if (m.source < flat_least) {
                continue;
            }
            float gain = m.both > 0 ? m.both / m.source : 0;
            float error = m.coded - gain * m.both;
            error = error > 0 ? error : 0;
            left += log2f(1 + gain * gain * m.source / (error + eye_noise));
            had += log2f(1 + m.source / eye_noise);
        }
    }
    return had > 0 ? left / had : 1;
}

/* An edge counts as far as it has the same sign and is not stronger than it was. */
static float edges(const uint8_t *s, const uint8_t *c, size_t width, size_t height) {
    uint64_t left = 0, had = 0;
    for (size_t y = 0; y + 1 < height; y++) {
        const uint8_t *a = s + y * width, *b = c + y * width;
        for (size_t x = 0; x + 1 < width; x++) {
            int across = a[x + 1] - a[x], across_left = b[x + 1] - b[x];
            int down = a[x + width] - a[x], down_left = b[x + width] - b[x];
            across_left = across < 0 ? -across_left : across_left;
            down_left = down < 0 ? -down_left : down_left;
            across = abs(across);
            down = abs(down);
            had += (unsigned)(across + down);
            across_left = across_left > across ? across : across_left;
            down_left = down_left > down ? down : down_left;
            left += (unsigned)(across_left > 0 ? across_left : 0);
            left += (unsigned)(down_left > 0 ? down_left : 0);
        }
    }
    return had ? (float)left / (float)had : 1;
}

int aura_likeness_of(struct aura_likeness_state *s, const struct aura_picture *source,
                     const struct aura_picture *coded, struct aura_likeness *out) {
    size_t width = source->width / 2, height = source->height / 2;
    if (source->width != coded->width || source->height != coded->height) {
        return AURA_EINVAL;
    }
    int err = reserve(s, width * height);
    if (err) {
        return err;
    }
    halve(source->plane[0], source->stride[0], s->source, width, height);
    halve(coded->plane[0], coded->stride[0], s->coded, width, height);
    out->fine = information(s->source, s->coded, width, height);
    out->edges = edges(s->source, s->coded, width, height);
    halve(s->source, width, s->source, width / 2, height / 2);
    halve(s->coded, width, s->coded, width / 2, height / 2);
    out->coarse = information(s->source, s->coded, width / 2, height / 2);
    return 0;
}
