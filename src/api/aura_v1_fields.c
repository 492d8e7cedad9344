/* SPDX-License-Identifier: Apache-2.0 */
#include "api/aura_v1_fields.h"

#include <string.h>

json_t *aura_v1_read_body(const char *text, size_t len) {
    json_t *body =
        len <= AURA_V1_BODY_BYTES_MAX ? json_loadb(text, len, JSON_REJECT_DUPLICATES, NULL) : NULL;
    if (!json_is_object(body)) {
        json_decref(body);
        body = NULL;
    }
    return body;
}

/* What a screen or a log line would be broken by. */
static bool has_control(const char *text) {
    for (; *text; text++) {
        if ((unsigned char)*text < 0x20 || *text == 0x7f) {
            return true;
        }
    }
    return false;
}

static const char *problem_of(const struct aura_v1_field *f) {
    const json_t *v = f->value;
    if (!v) {
        return f->needed ? "is missing" : NULL;
    }
    bool flag = f->type == JSON_TRUE && json_is_boolean(v);
    if (!flag && json_typeof(v) != f->type) {
        return f->type == JSON_TRUE      ? "is neither true nor false"
               : f->type == JSON_STRING  ? "is no text"
               : f->type == JSON_ARRAY   ? "is no list"
               : f->type == JSON_INTEGER ? "is no whole number"
                                         : "is no object";
    }
    if (f->type == JSON_STRING) {
        return json_string_length(v) > f->bytes_max      ? "is too long"
               : has_control(json_string_value(v))       ? "has control characters"
               : f->needed && json_string_length(v) == 0 ? "is empty"
                                                         : NULL;
    }
    return f->type == JSON_ARRAY && json_array_size(v) > f->bytes_max ? "has too many items" : NULL;
}

static bool is_known(const char *name, const struct aura_v1_field *fields, size_t count) {
    for (size_t i = 0; i < count; i++) {
        if (strcmp(name, fields[i].name) == 0) {
            return true;
        }
    }
    return false;
}

const char *aura_v1_fields_problem(json_t *body, struct aura_v1_field *fields, size_t count,
                                   const char **name) {
    const char *key;
    json_t *value;
    *name = NULL;
    json_object_foreach(body, key, value) {
        (void)value;
        if (!is_known(key, fields, count)) { /* its name may be anything, so it is not repeated */
            return "the body has a field that is not known here: docs/auraid.md has them";
        }
    }
    for (size_t i = 0; i < count; i++) {
        fields[i].value = json_object_get(body, fields[i].name);
        const char *problem = problem_of(&fields[i]);
        if (problem) {
            *name = fields[i].name;
            return problem;
        }
    }
    return NULL;
}
