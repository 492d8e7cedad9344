/* SPDX-License-Identifier: Apache-2.0 */
/** @file manifest.h  Which models there are: manifest.json of a model folder. */
#ifndef AURA_AICORE_MANIFEST_H
#define AURA_AICORE_MANIFEST_H

#include "base/err.h"

#include <stddef.h>
#include <stdint.h>

enum {
    AURA_MANIFEST_MODELS_MAX = 16,
    AURA_MANIFEST_PORTS_MAX = 4, /* inputs, and outputs, of one model */
    AURA_MANIFEST_RANK_MAX = 4,
    AURA_MANIFEST_BYTES_MAX = 64 << 10,
    AURA_MANIFEST_WHY_MAX = 320, /* an error's text, with the NUL */
    AURA_MODEL_BYTES_MAX = 512 << 20,
};

struct aura_model_shape {
    uint32_t rank, side[AURA_MANIFEST_RANK_MAX];
};

struct aura_model_info {
    char id[33], version[17], licence[33];
    char purpose[17]; /* "governor", "faces", "person": who uses it */
    char file[97];    /* in the manifest's folder; ONNX or TFLite */
    char sha256[65];  /* of the file, in hexadecimal */
    uint16_t number;  /* in hints, 1…65535 */
    float typical_ms;
    uint32_t input_count, output_count;
    struct aura_model_shape input[AURA_MANIFEST_PORTS_MAX], output[AURA_MANIFEST_PORTS_MAX];
};

struct aura_manifest {
    char runtime[97]; /* library of OpenVINO's C API; relative to the folder */
    size_t count;
    struct aura_model_info model[AURA_MANIFEST_MODELS_MAX];
};

/**
 * @param text  JSON; nothing in it may be unknown or missing
 * @param why   what is wrong, and where, if it fails
 * @return 0, AURA_EMALFORMED, AURA_ENOMEM
 */
AURA_NODISCARD int aura_manifest_parse(struct aura_manifest *m, const char *text, size_t len,
                                       char why[AURA_MANIFEST_WHY_MAX]);
/** Reads manifest.json of the folder. @return as above, or AURA_ENOENT */
AURA_NODISCARD int aura_manifest_read(struct aura_manifest *m, const char *folder,
                                      char why[AURA_MANIFEST_WHY_MAX]);
/** The model's file is the one that the manifest means. @return 0, AURA_ENOENT, AURA_EMALFORMED */
AURA_NODISCARD int aura_manifest_verify(const struct aura_model_info *info, const char *folder,
                                        char why[AURA_MANIFEST_WHY_MAX]);

#endif
