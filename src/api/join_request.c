/* SPDX-License-Identifier: Apache-2.0 */
#include "api/join_request.h"

#include "api/base64.h"
#include "base/mem.h"
#include "room/rooms.h"

#include <jansson.h>
#include <zlib.h>

#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* ---- /rtc/v1 ---- */

/* Stops at the limit, however much the bomb would still give. */
static int inflate_gzip(struct aura_buf *out, const uint8_t *data, size_t len) {
    z_stream z = {.next_in = (Bytef *)(uintptr_t)data, .avail_in = (uInt)len};
    uint8_t part[16 * 1024];
    int err = inflateInit2(&z, 16 + MAX_WBITS) == Z_OK ? 0 : AURA_ENOMEM;
    int state = Z_OK;
    while (!err && state == Z_OK) {
        z.next_out = part;
        z.avail_out = sizeof(part);
        state = inflate(&z, Z_NO_FLUSH);
        err = state == Z_OK || state == Z_STREAM_END
                  ? aura_buf_add(out, part, sizeof(part) - z.avail_out)
                  : AURA_EMALFORMED;
    }
    inflateEnd(&z);
    return err;
}

static int unwrap(struct aura_buf *plain, const struct aura_buf *wrapped) {
    Livekit__WrappedJoinRequest *w =
        livekit__wrapped_join_request__unpack(aura_pb_allocator(), wrapped->len, wrapped->data);
    if (!w) {
        return AURA_EMALFORMED;
    }
    int err;
    switch ((int)w->compression) {
    case LIVEKIT__WRAPPED_JOIN_REQUEST__COMPRESSION__NONE:
        err = aura_buf_add(plain, w->join_request.data, w->join_request.len);
        break;
    case LIVEKIT__WRAPPED_JOIN_REQUEST__COMPRESSION__GZIP:
        err = inflate_gzip(plain, w->join_request.data, w->join_request.len);
        break;
    default:
        err = AURA_EMALFORMED;
    }
    livekit__wrapped_join_request__free_unpacked(w, aura_pb_allocator());
    return err;
}

int aura_join_request_decode(Livekit__JoinRequest **out, const char *text, size_t len) {
    struct aura_buf wrapped = AURA_BUF(AURA_JOIN_REQUEST_BYTES_MAX);
    struct aura_buf plain = AURA_BUF(AURA_JOIN_REQUEST_BYTES_MAX);
    int err = aura_base64_decode(&wrapped, text, len);
    err = err ? err : unwrap(&plain, &wrapped);
    if (!err) {
        *out = livekit__join_request__unpack(aura_pb_allocator(), plain.len, plain.data);
        err = *out ? 0 : AURA_EMALFORMED;
    }
    aura_buf_free(&wrapped);
    aura_buf_free(&plain);
    return err;
}

/* ---- /rtc ---- */

static bool yes(const char *text) {
    return text && (strcmp(text, "1") == 0 || strcasecmp(text, "true") == 0);
}

static int32_t number(const char *text) {
    return text ? (int32_t)strtol(text, NULL, 10) : 0;
}

static char *copy(const char *text) {
    return text && text[0] ? aura_strdup(text) : NULL;
}

/* Enum values by the last part of their names, in lower case: "js", "rtc_node" … */
static int sdk_of(const char *name) {
    const ProtobufCEnumDescriptor *d = &livekit__client_info__sdk__descriptor;
    for (unsigned i = 0; name && i < d->n_values; i++) {
        if (strcasecmp(d->values[i].name, name) == 0) {
            return d->values[i].value;
        }
    }
    return name && strcasecmp(name, "ios") == 0 ? LIVEKIT__CLIENT_INFO__SDK__SWIFT : 0;
}

static int add_capabilities(Livekit__ClientInfo *info, const char *list) {
    const ProtobufCEnumDescriptor *d = &livekit__client_info__capability__descriptor;
    info->capabilities = aura_calloc(d->n_values, sizeof(*info->capabilities));
    if (!info->capabilities) {
        return AURA_ENOMEM;
    }
    for (const char *at = list; *at;) {
        size_t len = strcspn(at, ",");
        for (unsigned i = 0; i < d->n_values && info->n_capabilities < d->n_values; i++) {
            if (strlen(d->values[i].name) == len && memcmp(d->values[i].name, at, len) == 0) {
                info->capabilities[info->n_capabilities++] =
                    (Livekit__ClientInfo__Capability)d->values[i].value;
            }
        }
        at += len + (at[len] == ',');
    }
    return 0;
}

/* A string field that stays protobuf-c's shared "" when there is nothing to copy. */
static int put(char **field, const char *text) {
    if (!text || !text[0]) {
        return 0;
    }
    *field = copy(text);
    if (!*field) {
        *field = (char *)(uintptr_t)protobuf_c_empty_string;
        return AURA_ENOMEM;
    }
    return 0;
}

static int fill_client(Livekit__ClientInfo *info, aura_query_fn *query, const void *arg) {
    struct {
        char **to;
        const char *name;
    } texts[] = {{&info->version, "version"},       {&info->os, "os"},
                 {&info->os_version, "os_version"}, {&info->device_model, "device_model"},
                 {&info->browser, "browser"},       {&info->browser_version, "browser_version"},
                 {&info->network, "network"}};
    int err = 0;
    info->sdk = (Livekit__ClientInfo__SDK)sdk_of(query(arg, "sdk"));
    info->protocol = number(query(arg, "protocol"));
    info->client_protocol = number(query(arg, "client_protocol"));
    for (size_t i = 0; !err && i < sizeof(texts) / sizeof(texts[0]); i++) {
        err = put(texts[i].to, query(arg, texts[i].name));
    }
    const char *capabilities = query(arg, "capabilities");
    return err || !capabilities ? err : add_capabilities(info, capabilities);
}

static int add_attribute(Livekit__JoinRequest *q, const char *key, const char *value) {
    Livekit__JoinRequest__ParticipantAttributesEntry *e = aura_zalloc(sizeof(*e));
    if (!e) {
        return AURA_ENOMEM;
    }
    livekit__join_request__participant_attributes_entry__init(e);
    q->participant_attributes[q->n_participant_attributes++] = e;
    int err = put(&e->key, key);
    return err ? err : put(&e->value, value);
}

/* base64url of a JSON map of strings */
static int fill_attributes(Livekit__JoinRequest *q, const char *text) {
    struct aura_buf raw = AURA_BUF(64 * 1024);
    json_t *map = NULL, *value;
    const char *key;
    int err = aura_base64_decode(&raw, text, strlen(text));
    if (!err) {
        map = json_loadb(aura_buf_text(&raw), raw.len, 0, NULL);
    }
    err = err == AURA_ENOMEM ? err : 0; /* attributes that make no sense are left out */
    aura_buf_free(&raw);
    if (json_is_object(map)) {
        q->participant_attributes =
            aura_calloc(json_object_size(map), sizeof(*q->participant_attributes));
        err = q->participant_attributes ? 0 : AURA_ENOMEM;
        json_object_foreach(map, key, value) {
            err = err || !json_is_string(value) ? err
                                                : add_attribute(q, key, json_string_value(value));
        }
    }
    json_decref(map);
    return err;
}

int aura_join_request_from_query(Livekit__JoinRequest **out, aura_query_fn *query,
                                 const void *arg) {
    Livekit__JoinRequest *q = aura_zalloc(sizeof(*q));
    if (!q) {
        return AURA_ENOMEM;
    }
    livekit__join_request__init(q);
    q->client_info = aura_zalloc(sizeof(*q->client_info));
    q->connection_settings = aura_zalloc(sizeof(*q->connection_settings));
    int err = q->client_info && q->connection_settings ? 0 : AURA_ENOMEM;
    if (q->client_info) {
        livekit__client_info__init(q->client_info);
    }
    if (q->connection_settings) {
        livekit__connection_settings__init(q->connection_settings);
    }
    if (!err) {
        const char *subscribe = query(arg, "auto_subscribe");
        q->connection_settings->auto_subscribe = !subscribe || yes(subscribe);
        q->connection_settings->adaptive_stream = yes(query(arg, "adaptive_stream"));
        q->reconnect = yes(query(arg, "reconnect"));
        q->reconnect_reason = (Livekit__ReconnectReason)number(query(arg, "reconnect_reason"));
        err = put(&q->participant_sid, query(arg, "sid"));
    }
    err = err ? err : fill_client(q->client_info, query, arg);
    const char *attributes = query(arg, "attributes");
    err = err || !attributes ? err : fill_attributes(q, attributes);
    if (err) {
        livekit__join_request__free_unpacked(q, aura_pb_allocator());
        return err;
    }
    *out = q;
    return 0;
}
