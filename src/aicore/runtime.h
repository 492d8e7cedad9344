/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file runtime.h  Runs models, through OpenVINO's C API.
 *
 * The library is loaded when a program starts, not linked: without it AI Core still is a codec.
 * Threading: aura_runtime and aura_model may be used by any thread; an aura_inference by one at a
 * time, and runs on the thread that asks.
 */
#ifndef AURA_AICORE_RUNTIME_H
#define AURA_AICORE_RUNTIME_H

#include "aicore/manifest.h"

struct aura_runtime;
struct aura_model;
struct aura_inference;

/**
 * @param library  path of libopenvino_c
 * @return 0, AURA_EUNSUPPORTED (no library, or one that has not what we need), AURA_ENOMEM
 */
AURA_NODISCARD int aura_runtime_new(struct aura_runtime **rp, const char *library,
                                    char why[AURA_MANIFEST_WHY_MAX]);
/** After its models. NULL is fine. */
struct aura_runtime *aura_runtime_free(struct aura_runtime *r);

/**
 * Loads and compiles a model; its shapes must be those of `info`, its samples floats.
 * @return 0, AURA_EMALFORMED, AURA_ENOMEM
 */
AURA_NODISCARD int aura_model_new(struct aura_model **mp, struct aura_runtime *r,
                                  const char *folder, const struct aura_model_info *info,
                                  char why[AURA_MANIFEST_WHY_MAX]);
/** After its inferences. NULL is fine. */
struct aura_model *aura_model_free(struct aura_model *m);

/** One caller's buffers of a model. @return 0 or AURA_ENOMEM */
AURA_NODISCARD int aura_inference_new(struct aura_inference **ip, const struct aura_model *m);
struct aura_inference *aura_inference_free(struct aura_inference *i);
/** Where the floats go in; as many as the input's shape has. */
float *aura_inference_input(struct aura_inference *i, uint32_t index);
/** Runs it. @return 0 or AURA_EMALFORMED (the runtime failed) */
AURA_NODISCARD int aura_inference_run(struct aura_inference *i);
/** What came out, until the next run. */
const float *aura_inference_output(const struct aura_inference *i, uint32_t index);

#endif
