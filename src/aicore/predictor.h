/* SPDX-License-Identifier: Apache-2.0 */
/** @file predictor.h  The governor's question to its model. Threading: as an inference. */
#ifndef AURA_AICORE_PREDICTOR_H
#define AURA_AICORE_PREDICTOR_H

#include "aicore/governor.h"
#include "aicore/models.h"

struct aura_predictor_model;

/**
 * @param models  borrowed
 * @param purpose  "governor" or "quantizer": both ask the same way
 * @return 0, AURA_ENOENT (no such model), AURA_EMALFORMED (its shapes are not the governor's),
 * AURA_ENOMEM
 */
AURA_NODISCARD int aura_predictor_new(struct aura_predictor_model **pp,
                                      const struct aura_models *models, const char *purpose);
struct aura_predictor_model *aura_predictor_free(struct aura_predictor_model *p);
const struct aura_predictor *aura_predictor_of(const struct aura_predictor_model *p);

#endif
