/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file rest.h  What REST interfaces share: paths with {…} in them, bodies whose fields are all
 * known, texts of others in JSON.
 */
#ifndef AURA_API_REST_H
#define AURA_API_REST_H

#include "base/err.h"

#include <jansson.h>

enum {
    AURA_REST_PARAMS_MAX = 3,        /* {…} in a path */
    AURA_REST_PARAM_BYTES_MAX = 256, /* of one; longer: no such path */
    AURA_REST_WHY_BYTES = 200,
};

typedef char aura_rest_params[AURA_REST_PARAMS_MAX][AURA_REST_PARAM_BYTES_MAX + 1];

/** Does a path fit "/api/v1/keys/{key}"? @param params  out: what stands for each {…} */
bool aura_rest_match(const char *pattern, const char *path, aura_rest_params params);

/** A field of a body. @p value is borrowed from the body. */
struct aura_rest_field {
    const char *name;
    json_type type; /* JSON_TRUE: true or false */
    bool needed;
    size_t bytes_max; /* of a text; items of a list */
    json_t *value;    /* out: NULL = not given */
};

/**
 * Reads a body's fields. @param body  an object, or NULL: one without fields
 * @param docs  where the fields are described
 * @param why  out: what is wrong, for a person
 * @return 0 or AURA_EMALFORMED
 */
AURA_NODISCARD int aura_rest_fields(const json_t *body, struct aura_rest_field *fields,
                                    size_t count, const char *docs, char why[AURA_REST_WHY_BYTES]);
/** A text that was given, else @p other. */
const char *aura_rest_text(const struct aura_rest_field *field, const char *other);
/** A text as JSON, at most @p max bytes of it, and never half of a character. What is no UTF-8 is
 * replaced: clients say what they like. @return NULL only without memory */
json_t *aura_rest_string(const char *text, size_t max);

#endif
