/* SPDX-License-Identifier: Apache-2.0 */
#include "aicore/predictor.h"

#include "base/mem.h"

#include <string.h>

struct aura_predictor_model {
    struct aura_predictor predictor;
    struct aura_inference *inference;
};

static int predict(void *arg, const float *rows, float *quality) {
    struct aura_predictor_model *p = arg;
    memcpy(aura_inference_input(p->inference, 0), rows,
           AURA_GOVERNOR_ROWS * AURA_FEATURES * sizeof(*rows));
    int err = aura_inference_run(p->inference);
    if (!err) {
        memcpy(quality, aura_inference_output(p->inference, 0),
               AURA_GOVERNOR_ROWS * sizeof(*quality));
    }
    return err;
}

static bool is_shape(const struct aura_model_shape *s, uint32_t rows, uint32_t columns) {
    return s->rank == 2 && s->side[0] == rows && s->side[1] == columns;
}

int aura_predictor_new(struct aura_predictor_model **pp, const struct aura_models *models,
                       const char *purpose) {
    const struct aura_model *model = aura_models_find(models, purpose);
    const struct aura_model_info *info = aura_models_info(models, purpose);
    if (!model) {
        return AURA_ENOENT;
    }
    if (info->input_count != 1 || !is_shape(&info->input[0], AURA_GOVERNOR_ROWS, AURA_FEATURES) ||
        info->output_count != 1 || !is_shape(&info->output[0], AURA_GOVERNOR_ROWS, 1)) {
        return AURA_EMALFORMED;
    }
    struct aura_predictor_model *p = aura_zalloc(sizeof(*p));
    if (!p) {
        return AURA_ENOMEM;
    }
    int err = aura_inference_new(&p->inference, model);
    if (err) {
        aura_predictor_free(p);
        return err;
    }
    p->predictor = (struct aura_predictor){
        .predict = predict, .arg = p, .id = info->id, .number = info->number};
    *pp = p;
    return 0;
}

struct aura_predictor_model *aura_predictor_free(struct aura_predictor_model *p) {
    if (p) {
        aura_inference_free(p->inference);
        aura_free(p);
    }
    return NULL;
}

const struct aura_predictor *aura_predictor_of(const struct aura_predictor_model *p) {
    return &p->predictor;
}
