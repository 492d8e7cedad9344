/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file aura_v1_fields.h  Bodies of requests below /aura/v1: JSON objects whose fields are all
 * known.
 *
 * Pure functions on text that is not trusted.
 */
#ifndef AURA_API_AURA_V1_FIELDS_H
#define AURA_API_AURA_V1_FIELDS_H

#include "base/err.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

enum { AURA_V1_BODY_BYTES_MAX = 64 * 1024 };

/** A field of a body. @p value is borrowed from the body. */
struct aura_v1_field {
    const char *name;
    json_type type; /* JSON_TRUE: true or false */
    bool needed;
    size_t bytes_max; /* of a text; items of a list */
    json_t *value;    /* out: NULL = not given */
};

/** @return NULL: it is no JSON object, names a field twice, or is too large */
json_t *aura_v1_read_body(const char *text, size_t len);
/**
 * Finds the fields. @param body  NULL = one without any
 * @param name  out: of the field that it is about; NULL = of none: it has one that is not known
 * @return NULL, or what is wrong, for people
 */
const char *aura_v1_fields_problem(json_t *body, struct aura_v1_field *fields, size_t count,
                                   const char **name);

#endif
