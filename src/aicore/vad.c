/* SPDX-License-Identifier: Apache-2.0 */
#include "aicore/vad.h"

#include "base/mem.h"

#include <string.h>

enum {
    CHUNK = AURA_VAD_SAMPLES,
    CONTEXT = 64, /* of the chunk before, in front of each */
    STATE = 2 * 128,
};

struct aura_vad {
    struct aura_inference *inference;
    float chunk[CONTEXT + CHUNK];
    float state[STATE];
};

static bool is_shape(const struct aura_model_shape *s, uint32_t rank, uint32_t a, uint32_t b,
                     uint32_t c) {
    return s->rank == rank && s->side[0] == a && s->side[1] == b && (rank < 3 || s->side[2] == c);
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

int aura_vad_add(struct aura_vad *v, const float *samples, float *speech) {
    memcpy(v->chunk + CONTEXT, samples, CHUNK * sizeof(*samples));
    memcpy(aura_inference_input(v->inference, 0), v->chunk, sizeof(v->chunk));
    memcpy(aura_inference_input(v->inference, 1), v->state, sizeof(v->state));
    int err = aura_inference_run(v->inference);
    if (err) {
        return err;
    }
    *speech = aura_inference_output(v->inference, 0)[0];
    memcpy(v->state, aura_inference_output(v->inference, 1), sizeof(v->state));
    memcpy(v->chunk, v->chunk + CHUNK, CONTEXT * sizeof(*v->chunk));
    return 0;
}
