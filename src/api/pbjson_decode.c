/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JSON → message goes by the wire format: each field is written as protobuf bytes and the whole is
 * unpacked by protobuf-c. So ownership, oneofs and defaults are protobuf-c's own, and a half-read
 * message never has to be taken apart.
 */
#include "api/base64.h"
#include "api/pbjson.h"
#include "api/pbjson_priv.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WIRE_VARINT = 0, WIRE_64 = 1, WIRE_BYTES = 2, WIRE_32 = 5, WIRE_BYTES_MAX = 64 << 20 };

struct decoder {
    char *why;
    size_t why_cap;
};

static int decode_message(struct decoder *d, const ProtobufCMessageDescriptor *desc,
                          const json_t *json, struct aura_buf *out, int depth);

static int wrong(struct decoder *d, const ProtobufCFieldDescriptor *f, const char *wanted) {
    snprintf(d->why, d->why_cap, "field \"%s\" wants %s", f->name, wanted);
    return AURA_EMALFORMED;
}

static int put_varint(struct aura_buf *out, uint64_t v) {
    uint8_t bytes[10];
    size_t n = 0;
    do {
        bytes[n] = (uint8_t)((v & 0x7f) | (v > 0x7f ? 0x80 : 0));
        v >>= 7;
        n++;
    } while (v);
    return aura_buf_add(out, bytes, n);
}

static int put_tag(struct aura_buf *out, const ProtobufCFieldDescriptor *f, unsigned wire) {
    return put_varint(out, (uint64_t)f->id << 3 | wire);
}

static int put_fixed(struct aura_buf *out, uint64_t v, size_t n) {
    uint8_t bytes[8];
    for (size_t i = 0; i < n; i++) {
        bytes[i] = (uint8_t)(v >> (8 * i));
    }
    return aura_buf_add(out, bytes, n);
}

static int put_block(struct aura_buf *out, const ProtobufCFieldDescriptor *f, const void *data,
                     size_t len) {
    put_tag(out, f, WIRE_BYTES);
    put_varint(out, len);
    return aura_buf_add(out, data, len);
}

/* proto3 JSON: integers may be numbers or texts; 1e3 and 1.0 are integers too. */
static bool read_integer(const json_t *json, bool is_signed, int64_t *out) {
    if (json_is_integer(json)) {
        *out = json_integer_value(json);
        return is_signed || *out >= 0;
    }
    if (json_is_real(json)) {
        double v = json_real_value(json);
        if (v != (double)(int64_t)v || v > 9e15 || v < -9e15) {
            return false;
        }
        *out = (int64_t)v;
        return is_signed || v >= 0;
    }
    const char *text = json_string_value(json);
    char *end = NULL;
    if (!text || !text[0] || text[0] == ' ' || (text[0] == '-' && !is_signed)) {
        return false;
    }
    errno = 0;
    *out = is_signed ? strtoll(text, &end, 10) : (int64_t)strtoull(text, &end, 10);
    return *end == 0 && errno == 0;
}

static int decode_integer(struct decoder *d, const ProtobufCFieldDescriptor *f, const json_t *json,
                          struct aura_buf *out) {
    bool is_signed = f->type != PROTOBUF_C_TYPE_UINT32 && f->type != PROTOBUF_C_TYPE_UINT64 &&
                     f->type != PROTOBUF_C_TYPE_FIXED32 && f->type != PROTOBUF_C_TYPE_FIXED64;
    bool narrow = aura__pbjson_size(f->type) == 4;
    int64_t v;
    if (!read_integer(json, is_signed, &v) ||
        (narrow && (is_signed ? v < INT32_MIN || v > INT32_MAX : (uint64_t)v > UINT32_MAX))) {
        return wrong(d, f, "an integer within its range");
    }
    if (f->type == PROTOBUF_C_TYPE_SINT32 || f->type == PROTOBUF_C_TYPE_SINT64) {
        put_tag(out, f, WIRE_VARINT);
        return put_varint(out, (uint64_t)v << 1 ^ (v < 0 ? UINT64_MAX : 0));
    }
    if (f->type == PROTOBUF_C_TYPE_FIXED32 || f->type == PROTOBUF_C_TYPE_SFIXED32) {
        put_tag(out, f, WIRE_32);
        return put_fixed(out, (uint64_t)v, 4);
    }
    if (f->type == PROTOBUF_C_TYPE_FIXED64 || f->type == PROTOBUF_C_TYPE_SFIXED64) {
        put_tag(out, f, WIRE_64);
        return put_fixed(out, (uint64_t)v, 8);
    }
    put_tag(out, f, WIRE_VARINT);
    return put_varint(out, (uint64_t)v);
}

static int decode_real(struct decoder *d, const ProtobufCFieldDescriptor *f, const json_t *json,
                       struct aura_buf *out) {
    const char *text = json_string_value(json);
    char *end = NULL;
    double v = text ? strtod(text, &end) : json_number_value(json);
    if (text ? !text[0] || *end : !json_is_number(json)) {
        return wrong(d, f, "a number");
    }
    if (f->type == PROTOBUF_C_TYPE_FLOAT) {
        float narrow = (float)v;
        uint32_t bits;
        memcpy(&bits, &narrow, sizeof(bits));
        put_tag(out, f, WIRE_32);
        return put_fixed(out, bits, 4);
    }
    uint64_t bits;
    memcpy(&bits, &v, sizeof(bits));
    put_tag(out, f, WIRE_64);
    return put_fixed(out, bits, 8);
}

static int decode_enum(struct decoder *d, const ProtobufCFieldDescriptor *f, const json_t *json,
                       struct aura_buf *out) {
    int64_t v;
    const char *name = json_string_value(json);
    if (name) {
        const ProtobufCEnumValue *known =
            protobuf_c_enum_descriptor_get_value_by_name(f->descriptor, name);
        if (!known) {
            return wrong(d, f, "one of its names");
        }
        v = known->value;
    } else if (!read_integer(json, true, &v) || v < INT32_MIN || v > INT32_MAX) {
        return wrong(d, f, "a name or number");
    }
    put_tag(out, f, WIRE_VARINT);
    return put_varint(out, (uint64_t)v);
}

static int decode_bytes(struct decoder *d, const ProtobufCFieldDescriptor *f, const json_t *json,
                        struct aura_buf *out) {
    const char *text = json_string_value(json);
    struct aura_buf raw = AURA_BUF(WIRE_BYTES_MAX);
    int err = text ? aura_base64_decode(&raw, text, json_string_length(json)) : AURA_EMALFORMED;
    if (err == AURA_EMALFORMED) {
        wrong(d, f, "base64");
    }
    err = err ? err : put_block(out, f, raw.data, raw.len);
    aura_buf_free(&raw);
    return err;
}

static int decode_sub(struct decoder *d, const ProtobufCFieldDescriptor *f, const json_t *json,
                      struct aura_buf *out, int depth) {
    struct aura_buf sub = AURA_BUF(WIRE_BYTES_MAX);
    int err = decode_message(d, f->descriptor, json, &sub, depth + 1);
    err = err ? err : put_block(out, f, sub.data, sub.len);
    aura_buf_free(&sub);
    return err;
}

static int decode_value(struct decoder *d, const ProtobufCFieldDescriptor *f, const json_t *json,
                        struct aura_buf *out, int depth) {
    switch (f->type) {
    case PROTOBUF_C_TYPE_BOOL:
        if (!json_is_boolean(json)) {
            return wrong(d, f, "true or false");
        }
        put_tag(out, f, WIRE_VARINT);
        return put_varint(out, json_is_true(json));
    case PROTOBUF_C_TYPE_STRING:
        if (!json_is_string(json) || strlen(json_string_value(json)) != json_string_length(json)) {
            return wrong(d, f, "a text without NUL");
        }
        return put_block(out, f, json_string_value(json), json_string_length(json));
    case PROTOBUF_C_TYPE_BYTES:
        return decode_bytes(d, f, json, out);
    case PROTOBUF_C_TYPE_MESSAGE:
        return decode_sub(d, f, json, out, depth);
    case PROTOBUF_C_TYPE_ENUM:
        return decode_enum(d, f, json, out);
    case PROTOBUF_C_TYPE_FLOAT:
    case PROTOBUF_C_TYPE_DOUBLE:
        return decode_real(d, f, json, out);
    case PROTOBUF_C_TYPE_INT32:
    case PROTOBUF_C_TYPE_SINT32:
    case PROTOBUF_C_TYPE_SFIXED32:
    case PROTOBUF_C_TYPE_UINT32:
    case PROTOBUF_C_TYPE_FIXED32:
    case PROTOBUF_C_TYPE_INT64:
    case PROTOBUF_C_TYPE_SINT64:
    case PROTOBUF_C_TYPE_SFIXED64:
    case PROTOBUF_C_TYPE_UINT64:
    case PROTOBUF_C_TYPE_FIXED64:
        return decode_integer(d, f, json, out);
    }
    return AURA_EBUG;
}

static int decode_map(struct decoder *d, const ProtobufCFieldDescriptor *f, const json_t *json,
                      struct aura_buf *out, int depth) {
    const ProtobufCMessageDescriptor *entry = f->descriptor;
    const char *key;
    json_t *value;
    int err = json_is_object(json) ? 0 : wrong(d, f, "an object");
    json_object_foreach((json_t *)(uintptr_t)json, key, value) {
        struct aura_buf pair = AURA_BUF(WIRE_BYTES_MAX);
        err = err ? err : put_block(&pair, &entry->fields[0], key, strlen(key));
        err = err ? err : decode_value(d, &entry->fields[1], value, &pair, depth + 1);
        err = err ? err : put_block(out, f, pair.data, pair.len);
        aura_buf_free(&pair);
    }
    return err;
}

static int decode_field(struct decoder *d, const ProtobufCFieldDescriptor *f, const json_t *json,
                        struct aura_buf *out, int depth) {
    if (aura__pbjson_is_map(f)) {
        return decode_map(d, f, json, out, depth);
    }
    if (f->label != PROTOBUF_C_LABEL_REPEATED) {
        return decode_value(d, f, json, out, depth);
    }
    int err = json_is_array(json) ? 0 : wrong(d, f, "a list");
    size_t i;
    json_t *item;
    json_array_foreach(json, i, item) {
        err = err ? err : decode_value(d, f, item, out, depth);
    }
    return err;
}

static int decode_message(struct decoder *d, const ProtobufCMessageDescriptor *desc,
                          const json_t *json, struct aura_buf *out, int depth) {
    if (!json_is_object(json)) {
        snprintf(d->why, d->why_cap, "a %s wants an object", desc->short_name);
        return AURA_EMALFORMED;
    }
    if (depth > AURA_PBJSON_DEPTH_MAX) {
        snprintf(d->why, d->why_cap, "nested too deeply");
        return AURA_ELIMIT;
    }
    for (unsigned i = 0; i < desc->n_fields; i++) {
        const ProtobufCFieldDescriptor *f = &desc->fields[i];
        char camel[AURA__PBJSON_NAME_MAX];
        aura__pbjson_camel(f->name, camel, sizeof(camel));
        const json_t *value = json_object_get(json, f->name);
        value = value ? value : json_object_get(json, camel);
        if (!value || json_is_null(value)) {
            continue;
        }
        int err = decode_field(d, f, value, out, depth);
        if (err) {
            return err;
        }
    }
    return out->err;
}

int aura_pbjson_decode(const ProtobufCMessageDescriptor *descriptor, const json_t *json,
                       ProtobufCAllocator *allocator, ProtobufCMessage **out, char *why,
                       size_t why_cap) {
    struct decoder d = {why, why_cap};
    struct aura_buf wire = AURA_BUF(WIRE_BYTES_MAX);
    int err = decode_message(&d, descriptor, json, &wire, 0);
    if (!err) {
        *out = protobuf_c_message_unpack(descriptor, allocator, wire.len, wire.data);
        err = *out ? 0 : AURA_ENOMEM;
    }
    if (err == AURA_ENOMEM) {
        snprintf(why, why_cap, "out of memory");
    }
    aura_buf_free(&wire);
    return err;
}
