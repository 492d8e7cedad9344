/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file masks.h  Where people are in a picture: a face detector and a segmentation, each a model.
 *
 * Threading: one thread at a time each.
 */
#ifndef AURA_AICORE_MASKS_H
#define AURA_AICORE_MASKS_H

#include "aicore/models.h"
#include "codec/picture.h"

#include <stdbool.h>

enum { AURA_FACES_MAX = 16 };

/** Shares of the picture's width and height, from its upper left corner; may reach beyond 0…1. */
struct aura_face {
    float x, y, width, height;
    float score; /* 0…1 */
};

struct aura_faces {
    uint32_t count;
    struct aura_face face[AURA_FACES_MAX]; /* best first */
};

struct aura_masks;

/** @return 0, AURA_ENOMEM, AURA_EMALFORMED (a model has other shapes than these need) */
AURA_NODISCARD int aura_masks_new(struct aura_masks **mp, const struct aura_models *models);
struct aura_masks *aura_masks_free(struct aura_masks *m);

/** Finds faces. @return false: there is no model for that */
bool aura_masks_faces(struct aura_masks *m, const struct aura_picture *p, struct aura_faces *out);
/** Share of the picture that people fill, 0…1. @return false: there is no model for that */
bool aura_masks_person(struct aura_masks *m, const struct aura_picture *p, float *share);

/**
 * The detector's raw output to faces (BlazeFace, short range: Bazarevsky et al., 2019).
 * @param boxes   896 × 16 floats, of which the first four say where
 * @param scores  896 floats before the logistic function
 * @param width, height  shares of the detector's square that the picture fills
 */
void aura_faces_decode(const float *boxes, const float *scores, float width, float height,
                       struct aura_faces *out);

#endif
