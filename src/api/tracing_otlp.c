/* SPDX-License-Identifier: Apache-2.0 */
#include "api/tracing_otlp.h"

#include <jansson.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { KIND_INTERNAL = 1, KIND_SERVER = 2, STATUS_ERROR = 2 }; /* SpanKind, Status.StatusCode */

/* Ids are hex here, not base64 as in other proto3 JSON. */
static void hex(char *out, const uint8_t *bytes, size_t n) {
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < n; i++) {
        out[2 * i] = digits[bytes[i] >> 4];
        out[2 * i + 1] = digits[bytes[i] & 15];
    }
    out[2 * n] = 0;
}

/* A peer's text may not be UTF-8, which JSON cannot say. */
static json_t *text_of(const char *text) {
    json_t *s = json_string(text);
    return s ? s : json_string("(not UTF-8)");
}

static json_t *attribute(const char *key, json_t *value) {
    return json_pack("{s:s, s:o}", "key", key, "value", value);
}

static json_t *text_attribute(const char *key, const char *text) {
    return attribute(key, json_pack("{s:o}", "stringValue", text_of(text)));
}

static json_t *number_attribute(const char *key, int64_t number) {
    char text[24];
    snprintf(text, sizeof(text), "%lld", (long long)number); /* int64 is text in proto3 JSON */
    return attribute(key, json_pack("{s:s}", "intValue", text));
}

static json_t *attributes_of(const struct aura_span *s) {
    json_t *list = json_array();
    for (size_t i = 0; i < s->attr_count; i++) {
        const struct aura_span_attr *a = &s->attrs[i];
        json_array_append_new(list, a->text ? text_attribute(a->key, a->text)
                                            : number_attribute(a->key, a->number));
    }
    return list;
}

static json_t *nanoseconds(uint64_t us) {
    char text[32];
    snprintf(text, sizeof(text), "%llu000", (unsigned long long)us);
    return json_string(text);
}

char *aura__otlp_span(const struct aura_span *s) {
    static const uint8_t none[AURA_SPAN_ID_BYTES];
    char trace[2 * AURA_TRACE_ID_BYTES + 1], id[2 * AURA_SPAN_ID_BYTES + 1], parent[sizeof(id)];
    hex(trace, s->trace, sizeof(s->trace));
    hex(id, s->id, sizeof(s->id));
    hex(parent, s->parent, sizeof(s->parent));
    json_t *o = json_pack("{s:s, s:s, s:s, s:i, s:o, s:o, s:o}", "traceId", trace, "spanId", id,
                          "name", s->name, "kind", s->root ? KIND_SERVER : KIND_INTERNAL,
                          "startTimeUnixNano", nanoseconds(s->start_us), "endTimeUnixNano",
                          nanoseconds(s->end_us), "attributes", attributes_of(s));
    if (o && memcmp(s->parent, none, sizeof(none)) != 0) {
        json_object_set_new(o, "parentSpanId", json_string(parent));
    }
    if (o && s->error) {
        json_object_set_new(
            o, "status",
            json_pack("{s:i, s:o}", "code", STATUS_ERROR, "message", text_of(s->error)));
    }
    char *text = o ? json_dumps(o, JSON_COMPACT) : NULL;
    json_decref(o);
    return text;
}

int aura__otlp_begin(struct aura_buf *out, const char *version, const char *node_id) {
    json_t *resource = json_pack(
        "{s:[o, o, o]}", "attributes", text_attribute("service.name", "auralink-server"),
        text_attribute("service.version", version), text_attribute("service.instance.id", node_id));
    char *text = resource ? json_dumps(resource, JSON_COMPACT) : NULL;
    json_decref(resource);
    if (!text) {
        return AURA_ENOMEM;
    }
    aura_buf_printf(out,
                    "{\"resourceSpans\":[{\"resource\":%s,\"scopeSpans\":[{\"scope\":{\"name\":"
                    "\"auralink\"},\"spans\":[",
                    text);
    free(text); /* library's memory */
    return out->err;
}

int aura__otlp_end(struct aura_buf *out) {
    aura_buf_str(out, "]}]}]}");
    return out->err;
}

uint64_t aura__otlp_rejected(const char *answer, size_t len) {
    json_t *o = json_loadb(answer, len, 0, NULL);
    const json_t *n = json_object_get(json_object_get(o, "partialSuccess"), "rejectedSpans");
    long long count = json_is_string(n) ? strtoll(json_string_value(n), NULL, 10)
                                        : (long long)json_integer_value(n);
    json_decref(o);
    return count > 0 ? (uint64_t)count : 0;
}
