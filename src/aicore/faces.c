/* SPDX-License-Identifier: Apache-2.0 */
/* The detector says for each of 896 fixed places how likely a face is there, and how far it is off
 * that place; here these become a few boxes. */
#include "aicore/masks.h"

#include <math.h>
#include <string.h>

enum {
    SIDE = 128,
    ANCHORS = 896,
    VALUES = 16, /* per anchor: box, and six points that we do not use */
    FINE = 16,   /* 16 × 16 places with two anchors, then 8 × 8 with six */
    FINE_EACH = 2,
    COARSE = 8,
    COARSE_EACH = 6,
    CANDIDATES = 128,
};

static const float score_least = 0.5F, overlap_most = 0.3F;

static void anchor_of(size_t i, float *x, float *y) {
    size_t fine = (size_t)FINE * FINE * FINE_EACH;
    size_t side = i < fine ? FINE : COARSE;
    size_t cell = i < fine ? i / FINE_EACH : (i - fine) / COARSE_EACH;
    *x = ((float)(cell % side) + 0.5F) / (float)side;
    *y = ((float)(cell / side) + 0.5F) / (float)side;
}

static float overlap(const struct aura_face *a, const struct aura_face *b) {
    float width = fminf(a->x + a->width, b->x + b->width) - fmaxf(a->x, b->x);
    float height = fminf(a->y + a->height, b->y + b->height) - fmaxf(a->y, b->y);
    if (width <= 0 || height <= 0) {
        return 0;
    }
    float both = width * height;
    return both / (a->width * a->height + b->width * b->height - both);
}

/* Keeps the list sorted, best first; the worst falls out when it is full. */
static void insert(struct aura_face *list, size_t *n, const struct aura_face *f) {
    size_t at = *n < CANDIDATES ? (*n)++ : CANDIDATES - 1;
    if (at == CANDIDATES - 1 && *n == CANDIDATES && list[at].score >= f->score) {
        return;
    }
    for (; at > 0 && list[at - 1].score < f->score; at--) {
        list[at] = list[at - 1];
    }
    list[at] = *f;
}

static bool is_new(const struct aura_faces *found, const struct aura_face *f) {
    for (uint32_t i = 0; i < found->count; i++) {
        if (overlap(&found->face[i], f) > overlap_most) {
            return false;
        }
    }
    return true;
}

void aura_faces_decode(const float *boxes, const float *scores, float width, float height,
                       struct aura_faces *out) {
    struct aura_face list[CANDIDATES] = {{.score = 0}};
    size_t n = 0;
    memset(out, 0, sizeof(*out));
    for (size_t i = 0; i < ANCHORS; i++) {
        const float *box = boxes + i * VALUES;
        float score = 1 / (1 + expf(-scores[i])), x, y;
        if (!(score >= score_least) || !(box[2] > 0) || !(box[3] > 0)) {
            continue;
        }
        anchor_of(i, &x, &y);
        struct aura_face f = {
            .width = box[2] / SIDE / width, .height = box[3] / SIDE / height, .score = score};
        f.x = (x + box[0] / SIDE) / width - f.width / 2;
        f.y = (y + box[1] / SIDE) / height - f.height / 2;
        insert(list, &n, &f);
    }
    for (size_t i = 0; i < n && out->count < AURA_FACES_MAX; i++) {
        if (is_new(out, &list[i])) {
            out->face[out->count++] = list[i];
        }
    }
}
