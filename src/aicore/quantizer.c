/* SPDX-License-Identifier: Apache-2.0 */
#include "aicore/quantizer.h"

#include "aicore/governor_priv.h"
#include "base/clock.h"

#include <string.h>

enum {
    FIRST_FRAMES = 8, /* the first decision need not wait for a second */
    START = 38,
    /* Steps in a second. What was drawn too coarsely is drawn again, which costs more than it would
     * have cost at first: an easy slide says little about the page that comes next. */
    FINER_MAX = 4,
    COARSER_MAX = 1,
    DEAR = 4,               /* coarser, where it costs more than the share below */
    INDEX = 4,              /* the encoder's fine steps in one of ours */
    SHARE_PERCENT_MAX = 60, /* of the native rate: more is not worth a second encoding */
    PAGE_MILLIBITS = 350,   /* of each pixel, of a page full of text */
    PAGES_PER_S = 2,        /* that a limit must have room for */
    PIXELS_LEAST = 20000,   /* the model has seen none smaller */
    LADDER = AURA_GOVERNOR_ROWS - 1,
};

static const float target_coded = 94.5F, target_raw = 94;
static const float ladder_step =
    (float)(AURA_QUANTIZER_WORST - AURA_QUANTIZER_BEST) / (float)(LADDER - 1);

void aura_quantizer_init(struct aura_quantizer *q, const struct aura_predictor *predictor) {
    *q = (struct aura_quantizer){.predictor = predictor, .now = START, .quality = -1};
}

static float asked_for(size_t step) {
    return (AURA_QUANTIZER_BEST + ladder_step * (float)step) * INDEX / 255;
}

/* What the model gets wrong for this track now: by its own word with what was left known, and
 * without. */
static float correction(struct aura_quantizer *q, const float *ladder, float measured) {
    float used = (float)q->window.quantizer / (float)q->window.coded / INDEX;
    float at = (used - AURA_QUANTIZER_BEST) / ladder_step;
    at = at < 0 ? 0 : at > LADDER - 1 ? LADDER - 1 : at;
    q->quality = measured < 0 ? 0 : measured > 100 ? 100 : measured;
    return measured - ladder[(size_t)(at + 0.5F)];
}

/* From the coarsest down: the first that is good enough. */
static unsigned coarsest(const float *ladder, float target) {
    for (size_t i = LADDER; i-- > 0;) {
        if (ladder[i] >= target) {
            return AURA_QUANTIZER_BEST + (unsigned)(ladder_step * (float)i);
        }
    }
    return AURA_QUANTIZER_BEST;
}

static unsigned ask(struct aura_quantizer *q, const struct aura_governor_frame *f, float fps,
                    float target) {
    float rows[AURA_GOVERNOR_ROWS][AURA_FEATURES], quality[AURA_GOVERNOR_ROWS];
    const struct aura_governor_window *w = &q->window;
    bool measured = w->coded > w->frames / 2 && w->measured;
    float pixels = (float)f->width * (float)f->height;
    for (size_t i = 0; i < AURA_GOVERNOR_ROWS; i++) {
        aura__governor_describe(w, pixels, fps, rows[i]);
        rows[i][AURA_FEATURE_QUANTIZER] = asked_for(i ? i - 1 : 0);
    }
    if (measured) {
        aura__governor_measured(w, rows[0]);
    }
    if (q->predictor->predict(q->predictor->arg, rows[0], quality)) {
        q->predictor = NULL;
        q->quality = -1;
        return q->now;
    }
    target = target > 0 ? target : w->bytes_in ? target_coded : target_raw;
    return coarsest(quality + 1, target - (measured ? correction(q, quality + 1, quality[0]) : 0));
}

static unsigned bounded(const struct aura_quantizer *q, unsigned next, unsigned coarser_max) {
    unsigned finest = q->now > FINER_MAX ? q->now - FINER_MAX : 0, coarsest = q->now + coarser_max;
    if (q->decided) {
        next = next < finest ? finest : next > coarsest ? coarsest : next;
    }
    return next < AURA_QUANTIZER_BEST    ? AURA_QUANTIZER_BEST
           : next > AURA_QUANTIZER_WORST ? AURA_QUANTIZER_WORST
                                         : next;
}

static void decide(struct aura_quantizer *q, const struct aura_governor_frame *f, uint64_t us,
                   float target) {
    const struct aura_governor_window *w = &q->window;
    unsigned next = ask(q, f, (float)w->frames * AURA_US_PER_S / (float)us, target);
    bool dear = w->bytes_in && w->bytes_out * 100 > w->bytes_in * SHARE_PERCENT_MAX;
    q->kbps = (uint32_t)(w->bytes_out * 8 * 1000 / us);
    q->now = dear ? bounded(q, AURA_QUANTIZER_WORST, DEAR) : bounded(q, next, COARSER_MAX);
}

bool aura_quantizer_frame(struct aura_quantizer *q, const struct aura_governor_frame *f,
                          float target) {
    struct aura_governor_window *w = &q->window;
    if (!q->predictor) {
        return false;
    }
    if (!w->frames) {
        w->began_us = f->pts_us;
    }
    uint64_t us = f->pts_us - w->began_us;
    bool due = us >= AURA_US_PER_S || (us && !q->decided && w->frames == FIRST_FRAMES);
    if (due) {
        decide(q, f, us, target);
        q->decided = true;
        memset(w, 0, sizeof(*w));
        w->began_us = f->pts_us;
    }
    aura__governor_count(w, f);
    return due;
}

unsigned aura_quantizer_now(const struct aura_quantizer *q, uint32_t width, uint32_t height,
                            uint32_t max_kbps) {
    uint64_t pixels = (uint64_t)width * height;
    bool narrow = max_kbps && max_kbps < pixels * PAGE_MILLIBITS * PAGES_PER_S / 1000000;
    return q->predictor && !narrow && pixels >= PIXELS_LEAST ? q->now : 0;
}
