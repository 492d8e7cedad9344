/* SPDX-License-Identifier: Apache-2.0 */
#include "aicore/masks.h"

#include "aicore/shrink.h"
#include "base/mem.h"

#include <string.h>

enum {
    FACES_SIDE = 128,
    FACES_ANCHORS = 896,
    FACES_VALUES = 16,
    PERSON_WIDTH = 256,
    PERSON_HEIGHT = 144,
    CHANNELS = AURA_SHRINK_CHANNELS,
};

struct aura_masks {
    struct aura_inference *faces, *person; /* NULL: no model */
};

static bool is_shape(const struct aura_model_shape *s, uint32_t a, uint32_t b, uint32_t c) {
    bool square =
        s->rank == 4 && s->side[0] == 1 && s->side[1] == a && s->side[2] == b && s->side[3] == c;
    bool list = s->rank == 3 && c == 0 && s->side[0] == 1 && s->side[1] == a && s->side[2] == b;
    return square || list;
}

static int open_faces(struct aura_masks *m, const struct aura_models *models) {
    const struct aura_model_info *info = aura_models_info(models, "faces");
    if (!info) {
        return 0;
    }
    bool fits = info->input_count == 1 && info->output_count == 2 &&
                is_shape(&info->input[0], FACES_SIDE, FACES_SIDE, CHANNELS) &&
                is_shape(&info->output[0], FACES_ANCHORS, FACES_VALUES, 0) &&
                is_shape(&info->output[1], FACES_ANCHORS, 1, 0);
    return fits ? aura_inference_new(&m->faces, aura_models_find(models, "faces"))
                : AURA_EMALFORMED;
}

static int open_person(struct aura_masks *m, const struct aura_models *models) {
    const struct aura_model_info *info = aura_models_info(models, "person");
    if (!info) {
        return 0;
    }
    bool fits = info->input_count == 1 && info->output_count == 1 &&
                is_shape(&info->input[0], PERSON_HEIGHT, PERSON_WIDTH, CHANNELS) &&
                is_shape(&info->output[0], PERSON_HEIGHT, PERSON_WIDTH, 1);
    return fits ? aura_inference_new(&m->person, aura_models_find(models, "person"))
                : AURA_EMALFORMED;
}

int aura_masks_new(struct aura_masks **mp, const struct aura_models *models) {
    struct aura_masks *m = aura_zalloc(sizeof(*m));
    if (!m) {
        return AURA_ENOMEM;
    }
    int err = open_faces(m, models);
    err = err ? err : open_person(m, models);
    if (err) {
        aura_masks_free(m);
        return err;
    }
    *mp = m;
    return 0;
}

struct aura_masks *aura_masks_free(struct aura_masks *m) {
    if (m) {
        aura_inference_free(m->faces);
        aura_inference_free(m->person);
        aura_free(m);
    }
    return NULL;
}

bool aura_masks_faces(struct aura_masks *m, const struct aura_picture *p, struct aura_faces *out) {
    if (!m->faces) {
        return false;
    }
    uint32_t longer = p->width > p->height ? p->width : p->height;
    uint32_t width = (FACES_SIDE * p->width + longer / 2) / longer;
    uint32_t height = (FACES_SIDE * p->height + longer / 2) / longer;
    width = width ? width : 1;
    height = height ? height : 1;
    float *in = aura_inference_input(m->faces, 0);
    for (size_t i = 0; i < (size_t)FACES_SIDE * FACES_SIDE * CHANNELS; i++) {
        in[i] = -1; /* black where the picture does not reach */
    }
    aura_shrink(p, in, width, height, FACES_SIDE, 1 / 127.5F, -1);
    if (aura_inference_run(m->faces)) {
        return false;
    }
    aura_faces_decode(aura_inference_output(m->faces, 0), aura_inference_output(m->faces, 1),
                      (float)width / FACES_SIDE, (float)height / FACES_SIDE, out);
    return true;
}

bool aura_masks_person(struct aura_masks *m, const struct aura_picture *p, float *share) {
    if (!m->person) {
        return false;
    }
    aura_shrink(p, aura_inference_input(m->person, 0), PERSON_WIDTH, PERSON_HEIGHT, PERSON_WIDTH,
                1 / 255.0F, 0);
    if (aura_inference_run(m->person)) {
        return false;
    }
    const float *mask = aura_inference_output(m->person, 0);
    size_t n = (size_t)PERSON_WIDTH * PERSON_HEIGHT, inside = 0;
    for (size_t i = 0; i < n; i++) {
        inside += mask[i] > 0.5F;
    }
    *share = (float)inside / (float)n;
    return true;
}
