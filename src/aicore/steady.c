/* SPDX-License-Identifier: Apache-2.0 */
#include "aicore/steady.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

enum {
    BLOCK = 8, /* of luma; half of that in both planes of colour */
    SAMPLES = BLOCK * BLOCK,
    STRIPS = 4,       /* columns of a screen that scroll by themselves */
    SCROLL_MAX = 128, /* lines from one picture to the next */
    SCROLL_GAIN = 3,  /* so many times more alike than unmoved, or it is no scrolling */
    /* A block is the same with a codec's noise on it if that is small, or if what is drawn there
     * correlates and the brightness is the same; and if the colours are. */
    NOISE_SUM = 3 * SAMPLES,
    NOISE_MOST = 40,
    ALIKE_PERCENT = 81, /* square of the correlation */
    BRIGHTER_SUM = 8 * SAMPLES,
    COLOUR_SUM = 6 * SAMPLES / 4,
    /* It is shown anew if it has become better: by so much more contrast, or at rest. */
    SHARPER_PERCENT = 106,
    SHARPER_LEAST = 4 * SAMPLES * SAMPLES, /* variance, times the samples' number squared */
    BETTER_SUM = SAMPLES / 2,
    BETTER_MOST = 10,
    REST = 8, /* equal pictures, until a block is at rest */
};

struct aura_steady {
    uint8_t *memory;
    uint8_t *kept[3], *made[3]; /* what was shown, and what is becoming of this picture */
    uint8_t *before;            /* luma that came in */
    uint8_t *rests;             /* of each block: equal pictures in a row */
    uint32_t *rows, *rows_kept; /* STRIPS sums of luma for each line */
    size_t width, height;       /* 0 = none */
    int scroll[STRIPS];         /* lines downwards since the picture before */
};

struct fit {
    unsigned sum, most; /* absolute differences */
};

int aura_steady_new(struct aura_steady **sp) {
    *sp = aura_zalloc(sizeof(**sp));
    return *sp ? 0 : AURA_ENOMEM;
}

struct aura_steady *aura_steady_free(struct aura_steady *s) {
    if (s) {
        aura_free(s->memory);
        aura_free(s);
    }
    return NULL;
}

void aura_steady_forget(struct aura_steady *s) {
    s->width = s->height = 0;
}

static size_t plane_width(const struct aura_steady *s, int plane) {
    return plane ? (s->width + 1) / 2 : s->width;
}

static size_t plane_height(const struct aura_steady *s, int plane) {
    return plane ? (s->height + 1) / 2 : s->height;
}

static int begin(struct aura_steady *s, const struct aura_picture *in) {
    size_t width = in->width, height = in->height;
    size_t luma = width * height, colour = ((width + 1) / 2) * ((height + 1) / 2);
    size_t sums = STRIPS * height * sizeof(uint32_t), blocks = luma / SAMPLES + 1;
    uint8_t *memory = aura_zalloc(2 * sums + 3 * luma + 4 * colour + blocks);
    if (!memory) {
        return AURA_ENOMEM;
    }
    aura_free(s->memory);
    s->memory = memory;
    s->rows = (uint32_t *)(void *)memory;
    s->rows_kept = s->rows + STRIPS * height;
    memory += 2 * sums;
    for (int i = 0; i < 3; i++) {
        s->kept[i] = memory;
        s->made[i] = memory + (i ? colour : luma);
        memory += 2 * (i ? colour : luma);
    }
    s->before = memory;
    s->rests = memory + luma;
    s->width = width;
    s->height = height;
    return 0;
}

static void copy_plane(const struct aura_steady *s, const struct aura_picture *in, int i,
                       uint8_t *out) {
    size_t width = plane_width(s, i);
    for (size_t y = 0; y < plane_height(s, i); y++) {
        memcpy(out + y * width, in->plane[i] + y * in->stride[i], width);
    }
}

static void sum_rows(const struct aura_steady *s, const uint8_t *luma, uint32_t *rows) {
    size_t wide = s->width / STRIPS;
    for (size_t y = 0; y < s->height; y++) {
        for (size_t k = 0; k < STRIPS; k++) {
            const uint8_t *at = luma + y * s->width + k * wide;
            uint32_t sum = 0;
            for (size_t x = 0; x < wide; x++) {
                sum += at[x];
            }
            rows[k * s->height + y] = sum;
        }
    }
}

/* Mean difference of the lines that both have, if the kept ones moved down by so many. */
static uint32_t unlike(const uint32_t *now, const uint32_t *kept, size_t height, int down) {
    size_t n = height - (size_t)abs(down);
    const uint32_t *a = now + (down > 0 ? down : 0), *b = kept + (down < 0 ? -down : 0);
    uint64_t sum = 0;
    for (size_t y = 0; y < n; y++) {
        sum += a[y] > b[y] ? a[y] - b[y] : b[y] - a[y];
    }
    return (uint32_t)(sum / n);
}

static int scrolled(const uint32_t *now, const uint32_t *kept, size_t height, size_t wide) {
    int most = height / 4 < SCROLL_MAX ? (int)(height / 4) : SCROLL_MAX, best = 0;
    uint32_t still = unlike(now, kept, height, 0), least = still / SCROLL_GAIN;
    if (still <= wide / 4) { /* a quarter of a step for each sample */
        return 0;
    }
    for (int down = -most; down <= most; down++) {
        uint32_t found = unlike(now, kept, height, down);
        if (found < least) {
            least = found;
            best = down;
        }
    }
    return best;
}

static struct fit fit_of(const uint8_t *a, const uint8_t *b, size_t stride) {
    uint8_t d[SAMPLES];
    struct fit f = {0, 0};
    for (size_t y = 0; y < BLOCK; y++, a += stride, b += stride) {
        for (size_t x = 0; x < BLOCK; x++) {
            d[y * BLOCK + x] = (uint8_t)(a[x] > b[x] ? a[x] - b[x] : b[x] - a[x]);
        }
    }
    for (size_t i = 0; i < SAMPLES; i++) {
        f.sum += d[i];
        f.most = d[i] > f.most ? d[i] : f.most;
    }
    return f;
}

static bool is_noise(struct fit f) {
    return f.sum <= NOISE_SUM && f.most <= NOISE_MOST;
}

/* Of the kept block: sharper than it, or the same drawing. */
static bool same(const uint8_t *now, const uint8_t *kept, size_t stride, struct fit f) {
    int64_t sum_n = 0, sum_k = 0, nn = 0, kk = 0, nk = 0;
    for (size_t y = 0; y < BLOCK; y++, now += stride, kept += stride) {
        int32_t a = 0, b = 0, aa = 0, bb = 0, ab = 0;
        for (size_t x = 0; x < BLOCK; x++) {
            a += now[x];
            b += kept[x];
            aa += now[x] * now[x];
            bb += kept[x] * kept[x];
            ab += now[x] * kept[x];
        }
        sum_n += a;
        sum_k += b;
        nn += aa;
        kk += bb;
        nk += ab;
    }
    int64_t contrast_n = nn * SAMPLES - sum_n * sum_n, contrast_k = kk * SAMPLES - sum_k * sum_k;
    int64_t both = nk * SAMPLES - sum_n * sum_k;
    if (contrast_n > contrast_k * SHARPER_PERCENT / 100 + SHARPER_LEAST) {
        return false;
    }
    bool alike = both > 0 && llabs(sum_n - sum_k) <= BRIGHTER_SUM &&
                 (double)both * (double)both * 100 >=
                     (double)contrast_n * (double)contrast_k * ALIKE_PERCENT;
    return alike || is_noise(f);
}

static unsigned colour_difference(const uint8_t *a, const uint8_t *b, size_t stride) {
    unsigned sum = 0;
    for (size_t y = 0; y < BLOCK / 2; y++, a += stride, b += stride) {
        for (size_t x = 0; x < BLOCK / 2; x++) {
            sum += (unsigned)abs(a[x] - b[x]);
        }
    }
    return sum;
}

static void copy_block(const uint8_t *from, uint8_t *to, size_t stride, size_t side) {
    for (size_t y = 0; y < side; y++) {
        memcpy(to + y * stride, from + y * stride, side);
    }
}

/* The block at x, y becomes the kept one from `down` lines above. Half lines of colour are not made
 * up: there it is what came in. */
static void hold(struct aura_steady *s, size_t x, size_t y, int down) {
    size_t from = (size_t)((long)y - down), half = plane_width(s, 1);
    copy_block(s->kept[0] + from * s->width + x, s->made[0] + y * s->width + x, s->width, BLOCK);
    if (down % 2 == 0) {
        for (int i = 1; i < 3; i++) {
            copy_block(s->kept[i] + from / 2 * half + x / 2, s->made[i] + y / 2 * half + x / 2,
                       half, BLOCK / 2);
        }
    }
}

/* How far the colours at x, y are from the kept ones `down` lines above: the worse plane. */
static unsigned colours(const struct aura_steady *s, size_t x, size_t y, int down) {
    size_t half = plane_width(s, 1), from = (size_t)((long)y - down);
    unsigned worst = 0;
    for (int i = 1; i < 3; i++) {
        unsigned d = colour_difference(s->made[i] + y / 2 * half + x / 2,
                                       s->kept[i] + from / 2 * half + x / 2, half);
        worst = d > worst ? d : worst;
    }
    return worst;
}

static bool equal(const uint8_t *a, const uint8_t *b, size_t stride) {
    for (size_t y = 0; y < BLOCK; y++) {
        if (memcmp(a + y * stride, b + y * stride, BLOCK) != 0) {
            return false;
        }
    }
    return true;
}

static void do_block(struct aura_steady *s, size_t x, size_t y, uint8_t *rests, int down) {
    size_t at = y * s->width + x, stride = s->width;
    const uint8_t *now = s->made[0] + at, *still = s->kept[0] + at, *moved = still;
    bool rests_now = equal(now, s->before + at, stride);
    *rests = (uint8_t)(!rests_now ? 0 : *rests < UINT8_MAX ? *rests + 1 : UINT8_MAX);
    if (rests_now && !down && *rests != REST && colours(s, x, y, 0) <= COLOUR_SUM) {
        hold(s, x, y, 0); /* decided already; most of a screen, most of the time */
        return;
    }
    struct fit fit_still = fit_of(now, still, stride), fit_moved = fit_still;
    long from = (long)y - down;
    if (down && from >= 0 && from + BLOCK <= (long)s->height) {
        moved = s->kept[0] + (size_t)from * stride + x;
        fit_moved = fit_of(now, moved, stride);
    }
    if (fit_moved.sum < fit_still.sum && same(now, moved, stride, fit_moved) &&
        colours(s, x, y, down) <= COLOUR_SUM) {
        hold(s, x, y, down);
        return;
    }
    unsigned colour = colours(s, x, y, 0);
    bool better = *rests == REST && (fit_still.sum > BETTER_SUM || fit_still.most > BETTER_MOST ||
                                     colour > SAMPLES / 4);
    if (!better && colour <= COLOUR_SUM && same(now, still, stride, fit_still)) {
        hold(s, x, y, 0);
    }
}

static void do_blocks(struct aura_steady *s) {
    size_t wide = s->width / STRIPS, n = 0;
    for (size_t y = 0; y + BLOCK <= s->height; y += BLOCK) {
        for (size_t x = 0; x + BLOCK <= s->width; x += BLOCK, n++) {
            size_t strip = x / wide < STRIPS ? x / wide : STRIPS - 1;
            do_block(s, x, y, &s->rests[n], s->scroll[strip]);
        }
    }
}

static void swap(uint8_t **a, uint8_t **b) {
    uint8_t *was = *a;
    *a = *b;
    *b = was;
}

int aura_steady_picture(struct aura_steady *s, const struct aura_picture *in,
                        struct aura_picture *out) {
    bool first = s->width != in->width || s->height != in->height;
    int err = first ? begin(s, in) : 0;
    if (err) {
        return err;
    }
    for (int i = 0; i < 3; i++) {
        copy_plane(s, in, i, s->made[i]);
    }
    if (!first) {
        sum_rows(s, s->made[0], s->rows);
        sum_rows(s, s->kept[0], s->rows_kept);
        for (size_t k = 0; k < STRIPS; k++) {
            s->scroll[k] = scrolled(s->rows + k * s->height, s->rows_kept + k * s->height,
                                    s->height, s->width / STRIPS);
        }
        do_blocks(s);
    }
    copy_plane(s, in, 0, s->before);
    *out = (struct aura_picture){.width = in->width, .height = in->height};
    for (int i = 0; i < 3; i++) {
        swap(&s->kept[i], &s->made[i]);
        out->plane[i] = s->kept[i];
        out->stride[i] = plane_width(s, i);
    }
    return 0;
}
