/* SPDX-License-Identifier: Apache-2.0 */
#include "api/base64.h"
#include "api/pbjson.h"
#include "api/pbjson_priv.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { BASE64_BYTES_MAX = 64 << 20 };

bool aura__pbjson_is_map(const ProtobufCFieldDescriptor *f) {
    if (f->label != PROTOBUF_C_LABEL_REPEATED || f->type != PROTOBUF_C_TYPE_MESSAGE) {
        return false;
    }
    const ProtobufCMessageDescriptor *d = f->descriptor;
    size_t len = strlen(d->short_name);
    return len > 5 && strcmp(d->short_name + len - 5, "Entry") == 0 && d->n_fields == 2 &&
           strcmp(d->fields[0].name, "key") == 0 && strcmp(d->fields[1].name, "value") == 0 &&
           d->fields[0].type == PROTOBUF_C_TYPE_STRING;
}

void aura__pbjson_camel(const char *snake, char *out, size_t cap) {
    size_t n = 0;
    for (bool up = false; *snake && n + 1 < cap; snake++) {
        if (*snake == '_') {
            up = true;
        } else {
            out[n++] = up && *snake >= 'a' && *snake <= 'z' ? (char)(*snake - 32) : *snake;
            up = false;
        }
    }
    out[n] = 0;
}

static json_t *encode_message(const ProtobufCMessage *m, enum aura_pbjson_mode mode, int depth);

static json_t *encode_bytes(const ProtobufCBinaryData *data) {
    struct aura_buf b = AURA_BUF(BASE64_BYTES_MAX);
    json_t *text =
        aura_base64_encode(&b, data->data, data->len) ? NULL : json_string(aura_buf_text(&b));
    aura_buf_free(&b);
    return text;
}

static json_t *encode_enum(const ProtobufCFieldDescriptor *f, int value) {
    const ProtobufCEnumValue *v = protobuf_c_enum_descriptor_get_value(f->descriptor, value);
    return v ? json_string(v->name) : json_integer(value);
}

static json_t *encode_text(const char *text) {
    json_t *s = text ? json_string(text) : NULL;
    return s ? s : json_string(""); /* not UTF-8: a peer's fault that must not break the rest */
}

static json_t *encode_int64(int64_t v) {
    char text[24];
    snprintf(text, sizeof(text), "%" PRId64, v);
    return json_string(text);
}

static json_t *encode_uint64(uint64_t v) {
    char text[24];
    snprintf(text, sizeof(text), "%" PRIu64, v);
    return json_string(text);
}

static json_t *encode_value(const ProtobufCFieldDescriptor *f, const void *at,
                            enum aura_pbjson_mode mode, int depth) {
    switch (f->type) {
    case PROTOBUF_C_TYPE_INT32:
    case PROTOBUF_C_TYPE_SINT32:
    case PROTOBUF_C_TYPE_SFIXED32:
        return json_integer(*(const int32_t *)at);
    case PROTOBUF_C_TYPE_UINT32:
    case PROTOBUF_C_TYPE_FIXED32:
        return json_integer(*(const uint32_t *)at);
    case PROTOBUF_C_TYPE_INT64:
    case PROTOBUF_C_TYPE_SINT64:
    case PROTOBUF_C_TYPE_SFIXED64:
        return encode_int64(*(const int64_t *)at);
    case PROTOBUF_C_TYPE_UINT64:
    case PROTOBUF_C_TYPE_FIXED64:
        return encode_uint64(*(const uint64_t *)at);
    case PROTOBUF_C_TYPE_FLOAT:
        return json_real((double)*(const float *)at);
    case PROTOBUF_C_TYPE_DOUBLE:
        return json_real(*(const double *)at);
    case PROTOBUF_C_TYPE_BOOL:
        return json_boolean(*(const protobuf_c_boolean *)at);
    case PROTOBUF_C_TYPE_ENUM:
        return encode_enum(f, *(const int *)at);
    case PROTOBUF_C_TYPE_STRING:
        return encode_text(*(char *const *)at);
    case PROTOBUF_C_TYPE_BYTES:
        return encode_bytes(at);
    case PROTOBUF_C_TYPE_MESSAGE: {
        const ProtobufCMessage *sub = *(ProtobufCMessage *const *)at;
        return sub ? encode_message(sub, mode, depth + 1) : json_null();
    }
    }
    return NULL;
}

size_t aura__pbjson_size(ProtobufCType type) {
    switch (type) {
    case PROTOBUF_C_TYPE_INT32:
    case PROTOBUF_C_TYPE_SINT32:
    case PROTOBUF_C_TYPE_SFIXED32:
    case PROTOBUF_C_TYPE_UINT32:
    case PROTOBUF_C_TYPE_FIXED32:
    case PROTOBUF_C_TYPE_FLOAT:
        return 4;
    case PROTOBUF_C_TYPE_INT64:
    case PROTOBUF_C_TYPE_SINT64:
    case PROTOBUF_C_TYPE_SFIXED64:
    case PROTOBUF_C_TYPE_UINT64:
    case PROTOBUF_C_TYPE_FIXED64:
    case PROTOBUF_C_TYPE_DOUBLE:
        return 8;
    case PROTOBUF_C_TYPE_BOOL:
        return sizeof(protobuf_c_boolean);
    case PROTOBUF_C_TYPE_ENUM:
        return sizeof(int);
    case PROTOBUF_C_TYPE_STRING:
    case PROTOBUF_C_TYPE_MESSAGE:
        return sizeof(void *);
    case PROTOBUF_C_TYPE_BYTES:
        return sizeof(ProtobufCBinaryData);
    }
    return 0;
}

static json_t *encode_repeated(const ProtobufCFieldDescriptor *f, const char *list, size_t n,
                               enum aura_pbjson_mode mode, int depth) {
    json_t *array = json_array();
    for (size_t i = 0; i < n; i++) {
        json_t *item = encode_value(f, list + i * aura__pbjson_size(f->type), mode, depth);
        if (!item || json_array_append_new(array, item)) {
            json_decref(array);
            return NULL;
        }
    }
    return array;
}

static json_t *encode_map(const ProtobufCFieldDescriptor *f, ProtobufCMessage *const *list,
                          size_t n, enum aura_pbjson_mode mode, int depth) {
    const ProtobufCMessageDescriptor *d = f->descriptor;
    json_t *object = json_object();
    for (size_t i = 0; i < n; i++) {
        const char *entry = (const char *)list[i];
        const char *key = *(char *const *)(const void *)(entry + d->fields[0].offset);
        json_t *value = encode_value(&d->fields[1], entry + d->fields[1].offset, mode, depth + 1);
        if (!value || json_object_set_new(object, key, value)) {
            json_decref(object);
            return NULL;
        }
    }
    return object;
}

/* Whether proto3 JSON without defaults leaves the field out. */
static bool is_default(const ProtobufCFieldDescriptor *f, const void *at) {
    static const char zeros[sizeof(ProtobufCBinaryData)];
    if (f->type == PROTOBUF_C_TYPE_STRING) {
        const char *s = *(char *const *)at;
        return !s || !s[0];
    }
    if (f->type == PROTOBUF_C_TYPE_BYTES) {
        return ((const ProtobufCBinaryData *)at)->len == 0;
    }
    return memcmp(at, zeros, aura__pbjson_size(f->type)) == 0;
}

static json_t *encode_field(const ProtobufCMessage *m, const ProtobufCFieldDescriptor *f,
                            enum aura_pbjson_mode mode, int depth, bool *skip) {
    const char *at = (const char *)m + f->offset;
    bool compact = mode == AURA_PBJSON_COMPACT;
    if (f->label == PROTOBUF_C_LABEL_REPEATED) {
        size_t n = *(const size_t *)(const void *)((const char *)m + f->quantifier_offset);
        const char *list = *(char *const *)(const void *)at;
        *skip = n == 0 && compact;
        if (*skip) {
            return NULL;
        }
        return aura__pbjson_is_map(f)
                   ? encode_map(f, (ProtobufCMessage *const *)(const void *)list, n, mode, depth)
                   : encode_repeated(f, list, n, mode, depth);
    }
    if (f->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) {
        uint32_t which = *(const uint32_t *)(const void *)((const char *)m + f->quantifier_offset);
        *skip = which != f->id;
        return *skip ? NULL : encode_value(f, at, mode, depth);
    }
    *skip = compact && is_default(f, at);
    return *skip ? NULL : encode_value(f, at, mode, depth);
}

static json_t *encode_message(const ProtobufCMessage *m, enum aura_pbjson_mode mode, int depth) {
    json_t *object = depth <= AURA_PBJSON_DEPTH_MAX ? json_object() : NULL;
    for (unsigned i = 0; object && i < m->descriptor->n_fields; i++) {
        const ProtobufCFieldDescriptor *f = &m->descriptor->fields[i];
        char camel[AURA__PBJSON_NAME_MAX];
        const char *name = f->name;
        bool skip = false;
        json_t *value = encode_field(m, f, mode, depth, &skip);
        if (skip) {
            continue;
        }
        if (mode == AURA_PBJSON_COMPACT) {
            aura__pbjson_camel(f->name, camel, sizeof(camel));
            name = camel;
        }
        if (!value || json_object_set_new(object, name, value)) {
            json_decref(object);
            return NULL;
        }
    }
    return object;
}

json_t *aura_pbjson_encode(const ProtobufCMessage *message, enum aura_pbjson_mode mode) {
    return encode_message(message, mode, 0);
}
