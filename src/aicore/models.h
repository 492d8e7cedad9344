/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file models.h  The models of one AI Core: loaded at the start from a folder with a manifest.
 *
 * Threading: constant after aura_models_new(); any thread may ask.
 */
#ifndef AURA_AICORE_MODELS_H
#define AURA_AICORE_MODELS_H

#include "aicore/runtime.h"

struct aura_models;

/**
 * Loads what the manifest lists. A model that cannot be loaded fails the whole: half of a set would
 * be a different service from the one that was meant.
 * @param without  purposes to leave out, with commas; NULL = none
 * @return 0, AURA_ENOENT (no folder or file), AURA_EMALFORMED, AURA_EUNSUPPORTED (no runtime),
 * AURA_ENOMEM
 */
AURA_NODISCARD int aura_models_new(struct aura_models **mp, const char *folder, const char *without,
                                   char why[AURA_MANIFEST_WHY_MAX]);
struct aura_models *aura_models_free(struct aura_models *m);

const struct aura_manifest *aura_models_manifest(const struct aura_models *m);
/** The model for a purpose; NULL if there is none, or it was left out, or m is NULL. */
const struct aura_model *aura_models_find(const struct aura_models *m, const char *purpose);
/** What the manifest says of it. */
const struct aura_model_info *aura_models_info(const struct aura_models *m, const char *purpose);

#endif
