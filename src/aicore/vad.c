/* SPDX-License-Identifier: Apache-2.0 */
#include "aicore/vad.h"

#include "base/mem.h"

#include <math.h>
#include <string.h>

enum {
    STEP = 3,     /* 48 to 16 kHz */
    CHUNK = 512,  /* of 16 kHz */
    CONTEXT = 64, /* of the chunk before, in front of each */
    STATE = 2 * 128,
    TAPS = 48, /* of the filter before the samples are thinned out */
};

struct aura_vad {
    struct aura_inference *inference;
    float taps[TAPS];
    float history[TAPS]; /* the newest samples of 48 kHz, the oldest first */
    unsigned phase;      /* samples until the next of 16 kHz */
    float chunk[CONTEXT + CHUNK];
    size_t filled; /* of the chunk, without the context */
    float state[STATE];
};

static bool is_shape(const struct aura_model_shape *s, uint32_t rank, uint32_t a, uint32_t b,
                     uint32_t c) {
    return s->rank == rank && s->side[0] == a && s->side[1] == b && (rank < 3 || s->side[2] == c);
}

/* A windowed sinc (Hamming), 7 kHz wide. */
static void design(float taps[TAPS]) {
    const double pi = acos(-1), cut = 7000.0 / 48000.0;
    double sum = 0;
    for (int i = 0; i < TAPS; i++) {
        double x = i - (TAPS - 1) / 2.0;
        double w = 0.54 - 0.46 * cos(2 * pi * i / (TAPS - 1));
        double tap = sin(2 * pi * cut * x) / (pi * x) * w; /* TAPS is even: x is never 0 */
        taps[i] = (float)tap;
        sum += tap;
    }
    for (int i = 0; i < TAPS; i++) {
        taps[i] = (float)((double)taps[i] / sum / 32768);
    }
}

int aura_vad_new(struct aura_vad **vp, const struct aura_models *models) {
    const struct aura_model *model = aura_models_find(models, "speech");
    const struct aura_model_info *info = aura_models_info(models, "speech");
    if (!model) {
        return AURA_ENOENT;
    }
    if (info->input_count != 2 || info->output_count != 2 ||
        !is_shape(&info->input[0], 2, 1, CONTEXT + CHUNK, 0) ||
        !is_shape(&info->input[1], 3, 2, 1, STATE / 2) || !is_shape(&info->output[0], 2, 1, 1, 0) ||
        !is_shape(&info->output[1], 3, 2, 1, STATE / 2)) {
        return AURA_EMALFORMED;
    }
    struct aura_vad *v = aura_zalloc(sizeof(*v));
    if (!v) {
        return AURA_ENOMEM;
    }
    design(v->taps);
    aura_vad_reset(v);
    int err = aura_inference_new(&v->inference, model);
    if (err) {
        aura_vad_free(v);
        return err;
    }
    *vp = v;
    return 0;
}

struct aura_vad *aura_vad_free(struct aura_vad *v) {
    if (v) {
        aura_inference_free(v->inference);
        aura_free(v);
    }
    return NULL;
}

void aura_vad_reset(struct aura_vad *v) {
    memset(v->history, 0, sizeof(v->history));
    memset(v->chunk, 0, sizeof(v->chunk));
    memset(v->state, 0, sizeof(v->state));
    v->phase = STEP;
    v->filled = 0;
}

static int decide(struct aura_vad *v, float *speech) {
    memcpy(aura_inference_input(v->inference, 0), v->chunk, sizeof(v->chunk));
    memcpy(aura_inference_input(v->inference, 1), v->state, sizeof(v->state));
    int err = aura_inference_run(v->inference);
    if (err) {
        return err;
    }
    *speech = aura_inference_output(v->inference, 0)[0];
    memcpy(v->state, aura_inference_output(v->inference, 1), sizeof(v->state));
    memcpy(v->chunk, v->chunk + CHUNK, CONTEXT * sizeof(*v->chunk));
    v->filled = 0;
    return 0;
}

int aura_vad_add(struct aura_vad *v, const int16_t *samples, size_t count, float *speech) {
    float most = -1;
    int err = 0;
    for (size_t i = 0; i < count && !err; i++) {
        memmove(v->history, v->history + 1, (TAPS - 1) * sizeof(*v->history));
        v->history[TAPS - 1] = samples[i];
        if (--v->phase) {
            continue;
        }
        v->phase = STEP;
        float sum = 0;
        for (size_t t = 0; t < TAPS; t++) {
            sum += v->history[t] * v->taps[t];
        }
        v->chunk[CONTEXT + v->filled++] = sum;
        if (v->filled == CHUNK) {
            float now = 0;
            err = decide(v, &now);
            most = now > most ? now : most;
        }
    }
    if (!err && most >= 0) {
        *speech = most;
    }
    return err;
}
