/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file vad.h  How likely somebody speaks, by a model of the purpose "speech" (Silero VAD's
 * shapes). Threading: one thread at a time each.
 */
#ifndef AURA_AICORE_VAD_H
#define AURA_AICORE_VAD_H

#include "aicore/models.h"

enum { AURA_VAD_SAMPLES = 512 }; /* of 16 kHz, that it hears at once: 32 ms */

struct aura_vad;

/** @return 0, AURA_ENOENT (no such model), AURA_EMALFORMED (other shapes), AURA_ENOMEM */
AURA_NODISCARD int aura_vad_new(struct aura_vad **vp, const struct aura_models *models);
struct aura_vad *aura_vad_free(struct aura_vad *v);
/**
 * @param samples  the next AURA_VAD_SAMPLES, full scale = 1
 * @param speech   0…1
 * @return 0 or AURA_EMALFORMED (the runtime failed)
 */
AURA_NODISCARD int aura_vad_add(struct aura_vad *v, const float *samples, float *speech);

#endif
