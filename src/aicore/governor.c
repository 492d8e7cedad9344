/* SPDX-License-Identifier: Apache-2.0 */
#include "aicore/governor.h"

#include "aicore/governor_priv.h"
#include "base/clock.h"

#include <math.h>
#include <string.h>

enum {
    FIRST_FRAMES = 8, /* the first decision need not wait for a second */
    FPS_ASSUMED = 30,
    KBPS_LEAST = 40,
    PIXELS_LEAST = 20000,        /* the model has seen none smaller than 176 × 144 */
    SHARE_PERCENT = 20,          /* of the native rate, where no model is at hand */
    SHARE_PERCENT_MAX = 60,      /* of the native rate: more is not worth a second encoding */
    MICROBITS_PER_PIXEL = 12500, /* of a raw picture, until something is known */
    LADDER = AURA_GOVERNOR_ROWS - 1,
};

static const float target_coded = 95.5F, target_raw = 92;
static const float bits_lowest = -8.5F; /* log2 of bits per pixel; the ladder's lower end */
static const float bits_step = 0.25F;
/* A second's pictures are a small sample: one decision changes the rate by no more than that. */
static const float rise_max = 1.6F, fall_max = 0.8F;

void aura_governor_init(struct aura_governor *g, const struct aura_predictor *predictor) {
    memset(g, 0, sizeof(*g));
    g->predictor = predictor;
    g->quality = -1;
    g->fps = FPS_ASSUMED;
}

void aura__governor_count(struct aura_governor_window *w, const struct aura_governor_frame *f) {
    const struct aura_statistics *s = &f->statistics;
    w->frames++;
    w->bytes_in += f->bytes_in;
    w->sum.motion += s->motion;
    w->sum.residual += s->residual;
    w->sum.texture += s->texture;
    w->sum.noise += s->noise;
    w->sum.flat += s->flat;
    if (f->bytes_out) {
        w->coded++;
        w->bytes_out += f->bytes_out;
        w->quantizer += f->quantizer;
    }
    if (f->measured) {
        w->measured++;
        w->likeness.fine += f->likeness.fine;
        w->likeness.coarse += f->likeness.coarse;
        w->likeness.edges += f->likeness.edges;
    }
}

static float bits_of(float kbps, float pixels, float fps) {
    return log2f(kbps * 1000 / (pixels * fps));
}

static float kbps_of(float bits, float pixels, float fps) {
    return exp2f(bits) * pixels * fps / 1000;
}

void aura__governor_describe(const struct aura_governor_window *w, float pixels, float fps,
                             float row[AURA_FEATURES]) {
    float n = (float)w->frames;
    memset(row, 0, AURA_FEATURES * sizeof(*row));
    row[AURA_FEATURE_PIXELS] = log2f(pixels);
    row[AURA_FEATURE_FPS] = fps;
    row[AURA_FEATURE_MOTION] = log2f(1 + w->sum.motion / n);
    row[AURA_FEATURE_RESIDUAL] = log2f(1 + w->sum.residual / n);
    row[AURA_FEATURE_TEXTURE] = log2f(1 + w->sum.texture / n);
    row[AURA_FEATURE_NOISE] = log2f(1 + w->sum.noise / n);
    row[AURA_FEATURE_FLAT] = w->sum.flat / n;
    row[AURA_FEATURE_RAW] = w->bytes_in == 0;
    row[AURA_FEATURE_NATIVE] = w->bytes_in ? log2f((float)w->bytes_in * 8 / (n * pixels)) : 0;
}

void aura__governor_measured(const struct aura_governor_window *w, float row[AURA_FEATURES]) {
    row[AURA_FEATURE_MEASURED] = 1;
    row[AURA_FEATURE_FINE] = w->likeness.fine / (float)w->measured;
    row[AURA_FEATURE_COARSE] = w->likeness.coarse / (float)w->measured;
    row[AURA_FEATURE_EDGES] = w->likeness.edges / (float)w->measured;
    row[AURA_FEATURE_QUANTIZER] = (float)w->quantizer / (float)w->coded / 255;
}

/* What the model gets wrong for this track now: by its own word with the distortion known, and
 * without. */
static float correction(struct aura_governor *g, float bits, const float *ladder, float measured) {
    float at = (bits - bits_lowest) / bits_step;
    at = at < 0 ? 0 : at > LADDER - 1 ? LADDER - 1 : at;
    size_t below = (size_t)at;
    size_t above = below + 1 < LADDER ? below + 1 : below;
    float part = at - (float)below;
    g->quality = measured < 0 ? 0 : measured > 100 ? 100 : measured;
    return measured - (ladder[below] * (1 - part) + ladder[above] * part);
}

/* The lowest rate that holds the target; the ladder is made monotonic on the way. */
static float lowest(const float *ladder, float target) {
    float best = -1e9F;
    for (size_t i = 0; i < LADDER; i++) {
        float before = best;
        best = ladder[i] > best ? ladder[i] : best;
        if (best >= target) {
            float part = i && best > before ? (target - before) / (best - before) : 0;
            return bits_lowest + bits_step * ((float)i - (i ? 1 - part : 0));
        }
    }
    return bits_lowest + bits_step * (LADDER - 1);
}

static float ask(struct aura_governor *g, float pixels, float target) {
    float rows[AURA_GOVERNOR_ROWS][AURA_FEATURES], quality[AURA_GOVERNOR_ROWS];
    const struct aura_governor_window *w = &g->window;
    float seconds = (float)w->frames / g->fps;
    float sent_bits = 0;
    bool measured = w->coded > w->frames / 2 && w->measured;
    for (size_t i = 0; i < AURA_GOVERNOR_ROWS; i++) {
        aura__governor_describe(w, pixels, g->fps, rows[i]);
        rows[i][AURA_FEATURE_BITS] = bits_lowest + bits_step * ((float)i - 1);
    }
    if (measured) {
        sent_bits = bits_of((float)w->bytes_out * 8 / 1000 / seconds, pixels, g->fps);
        rows[0][AURA_FEATURE_BITS] = sent_bits;
        aura__governor_measured(w, rows[0]);
    }
    if (g->predictor->predict(g->predictor->arg, rows[0], quality)) {
        g->predictor = NULL;
        g->quality = -1;
        return 0;
    }
    float error = measured ? correction(g, sent_bits, quality + 1, quality[0]) : 0;
    return kbps_of(lowest(quality + 1, target - error), pixels, g->fps);
}

static uint32_t bounded(const struct aura_governor *g, float kbps) {
    if (g->settled && g->kbps) {
        float most = (float)g->kbps * rise_max, least = (float)g->kbps * fall_max;
        kbps = kbps > most ? most : kbps < least ? least : kbps;
    }
    float native = (float)g->native_kbps * SHARE_PERCENT_MAX / 100;
    kbps = g->native_kbps && kbps > native ? native : kbps;
    return kbps < KBPS_LEAST ? KBPS_LEAST : (uint32_t)kbps;
}

static void decide(struct aura_governor *g, const struct aura_governor_frame *f, float target) {
    float pixels = (float)f->width * (float)f->height, kbps = 0;
    if (g->predictor && pixels >= PIXELS_LEAST) {
        kbps = ask(g, pixels, target > 0 ? target : g->native_kbps ? target_coded : target_raw);
    }
    if (kbps <= 0 && g->native_kbps) {
        g->quality = -1;
        kbps = (float)g->native_kbps * SHARE_PERCENT / 100;
    }
    g->kbps = kbps > 0 ? bounded(g, kbps) : 0;
}

bool aura_governor_frame(struct aura_governor *g, const struct aura_governor_frame *f,
                         float target) {
    struct aura_governor_window *w = &g->window;
    if (!w->frames) {
        w->began_us = f->pts_us;
    }
    uint64_t us = f->pts_us - w->began_us;
    bool whole = us >= AURA_US_PER_S, first = us && !g->kbps && w->frames == FIRST_FRAMES;
    if (whole || first) {
        /* The window ends where this frame begins. */
        g->fps = (float)w->frames * AURA_US_PER_S / (float)us;
        g->native_kbps = (uint32_t)(w->bytes_in * 8 * 1000 / us);
        decide(g, f, target);
        g->settled = g->settled || whole;
        memset(w, 0, sizeof(*w));
        w->began_us = f->pts_us;
    }
    aura__governor_count(w, f);
    return whole || first;
}

uint32_t aura_governor_kbps(const struct aura_governor *g, uint32_t width, uint32_t height) {
    if (g->kbps) {
        return g->kbps;
    }
    float kbps = (float)width * (float)height * g->fps * MICROBITS_PER_PIXEL / 1e9F;
    return kbps < KBPS_LEAST ? KBPS_LEAST : (uint32_t)kbps;
}
