/* SPDX-License-Identifier: Apache-2.0 */
#include "api/rest.h"

#include "base/mem.h"

#include <stdio.h>
#include <string.h>

/* ---- paths ---- */

/* One segment of a path. @return what comes behind it */
static const char *segment(const char *path, size_t *len) {
    *len = strcspn(path, "/");
    return path + *len + (path[*len] == '/');
}

bool aura_rest_match(const char *pattern, const char *path, aura_rest_params params) {
    size_t n = 0, want, got;
    while (*pattern && *path) {
        const char *p = pattern, *q = path;
        pattern = segment(p, &want);
        path = segment(q, &got);
        if (*p == '{') {
            if (n == AURA_REST_PARAMS_MAX || !got || got > AURA_REST_PARAM_BYTES_MAX) {
                return false;
            }
            memcpy(params[n], q, got);
            params[n++][got] = 0;
        } else if (want != got || memcmp(p, q, got) != 0) {
            return false;
        }
    }
    return !*pattern && !*path;
}

/* ---- bodies ---- */

/* What a screen or a log line would be broken by. */
static bool has_control(const char *text) {
    for (; *text; text++) {
        if ((unsigned char)*text < 0x20 || *text == 0x7f) {
            return true;
        }
    }
    return false;
}

static const char *type_problem(json_type type) {
    switch ((int)type) {
    case JSON_TRUE:
        return "is neither true nor false";
    case JSON_STRING:
        return "is no text";
    case JSON_ARRAY:
        return "is no list";
    case JSON_INTEGER:
        return "is no whole number";
    default:
        return "is no object";
    }
}

static const char *problem_of(const struct aura_rest_field *f) {
    const json_t *v = f->value;
    if (!v) {
        return f->needed ? "is missing" : NULL;
    }
    bool flag = f->type == JSON_TRUE && json_is_boolean(v);
    if (!flag && json_typeof(v) != f->type) {
        return type_problem(f->type);
    }
    if (f->type == JSON_STRING) {
        return json_string_length(v) > f->bytes_max      ? "is too long"
               : has_control(json_string_value(v))       ? "has control characters"
               : f->needed && json_string_length(v) == 0 ? "is empty"
                                                         : NULL;
    }
    return f->type == JSON_ARRAY && json_array_size(v) > f->bytes_max ? "has too many items" : NULL;
}

static bool is_known(const char *name, const struct aura_rest_field *fields, size_t count) {
    for (size_t i = 0; i < count; i++) {
        if (strcmp(name, fields[i].name) == 0) {
            return true;
        }
    }
    return false;
}

int aura_rest_fields(const json_t *body, struct aura_rest_field *fields, size_t count,
                     const char *docs, char why[AURA_REST_WHY_BYTES]) {
    const char *name;
    json_t *value;
    json_object_foreach((json_t *)(uintptr_t)body, name, value) {
        if (!is_known(name, fields, count)) {
            /* Its name may be anything, so it is not repeated. */
            (void)snprintf(why, AURA_REST_WHY_BYTES,
                           "the body has a field that is not known here: %s has them", docs);
            return AURA_EMALFORMED;
        }
    }
    for (size_t i = 0; i < count; i++) {
        fields[i].value = json_object_get(body, fields[i].name);
        const char *problem = problem_of(&fields[i]);
        if (problem) {
            (void)snprintf(why, AURA_REST_WHY_BYTES, "\"%s\" %s: %s has the fields", fields[i].name,
                           problem, docs);
            return AURA_EMALFORMED;
        }
    }
    return 0;
}

const char *aura_rest_text(const struct aura_rest_field *field, const char *other) {
    return field->value ? json_string_value(field->value) : other;
}

/* ---- texts ---- */

json_t *aura_rest_string(const char *text, size_t max) {
    size_t n = strlen(text);
    if (n > max) {
        for (n = max; n && ((unsigned char)text[n] & 0xc0) == 0x80; n--) {
        }
    }
    json_t *out = json_stringn(text, n);
    if (out) {
        return out;
    }
    char *clean = aura_strndup(text, n);
    for (size_t i = 0; clean && i < n; i++) {
        clean[i] = (unsigned char)clean[i] < 0x80 ? clean[i] : '?';
    }
    out = clean ? json_stringn(clean, n) : NULL;
    aura_free(clean);
    return out;
}
