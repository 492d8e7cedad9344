/* SPDX-License-Identifier: Apache-2.0 */
#include "room/token.h"

#include "base/bytes.h"
#include "base/mem.h"

#include <jansson.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { MAC_BYTES = 32 };

/* LiveKit's names of track sources, by their number in livekit_models.proto. */
static const char *const sources[] = {"unknown", "camera", "microphone", "screen_share",
                                      "screen_share_audio"};

static const char matrix_user[] = "auralinkMatrixUser"; /* a claim of ours */

void aura_claims_init(struct aura_claims *c) {
    *c = (struct aura_claims){.video = {.can_publish = AURA_UNSET,
                                        .can_subscribe = AURA_UNSET,
                                        .can_publish_data = AURA_UNSET,
                                        .can_update_own_metadata = AURA_UNSET,
                                        .can_subscribe_metrics = AURA_UNSET}};
}

void aura_claims_clear(struct aura_claims *c) {
    char *texts[] = {c->api_key, c->identity,    c->name,       c->metadata,
                     c->kind,    c->room_config, c->video.room, c->video.destination_room,
                     c->sha256,  c->room_preset, c->matrix_user};
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        aura_free(texts[i]);
    }
    for (size_t i = 0; i < c->attribute_count; i++) {
        aura_free(c->attributes[i].key);
        aura_free(c->attributes[i].value);
    }
    aura_free(c->attributes);
    aura_claims_init(c);
}

int aura_claims_attribute(struct aura_claims *c, const char *key, const char *value) {
    if (c->attribute_count == AURA_TOKEN_ATTRIBUTES_MAX) {
        return AURA_ELIMIT;
    }
    void *grown = aura_realloc(c->attributes, (c->attribute_count + 1) * sizeof(*c->attributes));
    if (!grown) {
        return AURA_ENOMEM;
    }
    c->attributes = grown;
    struct aura_pair pair = {aura_strdup(key), aura_strdup(value)};
    if (!pair.key || !pair.value) {
        aura_free(pair.key);
        aura_free(pair.value);
        return AURA_ENOMEM;
    }
    c->attributes[c->attribute_count++] = pair;
    return 0;
}

/* ---- base64url without padding (RFC 7515 appendix C) ---- */

static int encode64(struct aura_buf *out, const void *data, size_t len) {
    static const char set[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    const uint8_t *p = data;
    for (size_t i = 0; i < len; i += 3) {
        uint32_t v = (uint32_t)p[i] << 16 | (i + 1 < len ? (uint32_t)p[i + 1] << 8 : 0) |
                     (i + 2 < len ? p[i + 2] : 0);
        char text[4] = {set[v >> 18], set[v >> 12 & 63], set[v >> 6 & 63], set[v & 63]};
        size_t left = len - i;
        aura_buf_add(out, text, left >= 3 ? 4 : left + 1);
    }
    return out->err;
}

static int value64(char c) {
    return c >= 'A' && c <= 'Z'   ? c - 'A'
           : c >= 'a' && c <= 'z' ? c - 'a' + 26
           : c >= '0' && c <= '9' ? c - '0' + 52
           : c == '-'             ? 62
           : c == '_'             ? 63
                                  : -1;
}

/* Strict: no padding, no other characters, no stray bits (one text for one value). */
static int decode64(struct aura_buf *out, const char *text, size_t len) {
    uint32_t acc = 0;
    unsigned bits = 0;
    for (size_t i = 0; i < len; i++) {
        int v = value64(text[i]);
        if (v < 0) {
            return AURA_EMALFORMED;
        }
        acc = acc << 6 | (uint32_t)v;
        bits += 6;
        if (bits >= 8) {
            bits -= 8;
            uint8_t byte = (uint8_t)(acc >> bits);
            aura_buf_add(out, &byte, 1);
            acc &= (1u << bits) - 1;
        }
    }
    return bits >= 6 || acc ? AURA_EMALFORMED : out->err;
}

static int sign(const char *secret, const void *data, size_t len, uint8_t mac[MAC_BYTES]) {
    unsigned out = 0;
    return HMAC(EVP_sha256(), secret, (int)strlen(secret), data, len, mac, &out) && out == MAC_BYTES
               ? 0
               : AURA_ENOMEM;
}

/* ---- reading ---- */

static int take_text(const json_t *object, const char *name, char **out) {
    const char *s = json_string_value(json_object_get(object, name));
    if (!s) {
        return 0;
    }
    aura_free(*out);
    *out = aura_strdup(s);
    return *out ? 0 : AURA_ENOMEM;
}

static bool flag(const json_t *object, const char *name) {
    return json_is_true(json_object_get(object, name));
}

static enum aura_tristate tristate(const json_t *object, const char *name) {
    const json_t *v = json_object_get(object, name);
    return json_is_boolean(v) ? (json_is_true(v) ? AURA_YES : AURA_NO) : AURA_UNSET;
}

/* A name that we do not know is "unknown": a list of nothing else must not allow all. */
static uint32_t source_bit(const char *name) {
    for (size_t k = 0; name && k < sizeof(sources) / sizeof(sources[0]); k++) {
        if (strcasecmp(name, sources[k]) == 0) {
            return 1u << k;
        }
    }
    return 1;
}

static uint32_t take_sources(const json_t *list) {
    uint32_t bits = 0;
    size_t i;
    json_t *item;
    json_array_foreach(list, i, item) {
        bits |= source_bit(json_string_value(item));
    }
    return bits;
}

static int take_video(struct aura_claims *c, const json_t *v) {
    if (!json_is_object(v)) {
        return 0;
    }
    struct aura_video_grant *g = &c->video;
    c->has_video = true;
    g->room_create = flag(v, "roomCreate");
    g->room_list = flag(v, "roomList");
    g->room_record = flag(v, "roomRecord");
    g->room_admin = flag(v, "roomAdmin");
    g->room_join = flag(v, "roomJoin");
    g->ingress_admin = flag(v, "ingressAdmin");
    g->hidden = flag(v, "hidden");
    g->recorder = flag(v, "recorder");
    g->agent = flag(v, "agent");
    g->can_publish = tristate(v, "canPublish");
    g->can_subscribe = tristate(v, "canSubscribe");
    g->can_publish_data = tristate(v, "canPublishData");
    g->can_update_own_metadata = tristate(v, "canUpdateOwnMetadata");
    g->can_subscribe_metrics = tristate(v, "canSubscribeMetrics");
    g->sources = take_sources(json_object_get(v, "canPublishSources"));
    int err = take_text(v, "room", &g->room);
    return err ? err : take_text(v, "destinationRoom", &g->destination_room);
}

static int take_attributes(struct aura_claims *c, json_t *map) {
    const char *key;
    json_t *value;
    int err = 0;
    json_object_foreach(map, key, value) {
        if (!err && json_is_string(value)) {
            err = aura_claims_attribute(c, key, json_string_value(value));
        }
    }
    return err;
}

/* The claim `aic` is short for the attribute, which may say something else already. */
static int take_aic(struct aura_claims *c, json_t *body) {
    const char *says = json_string_value(json_object_get(body, "aic"));
    for (size_t i = 0; i < c->attribute_count; i++) {
        says = strcmp(c->attributes[i].key, AURA_TOKEN_AIC) == 0 ? NULL : says;
    }
    return says ? aura_claims_attribute(c, AURA_TOKEN_AIC, says) : 0;
}

static int take_claims(struct aura_claims *c, json_t *body) {
    int err = take_text(body, "iss", &c->api_key);
    err = err ? err : take_text(body, "jti", &c->identity); /* what old tokens had instead of sub */
    err = err ? err : take_text(body, "sub", &c->identity);
    err = err ? err : take_text(body, "name", &c->name);
    err = err ? err : take_text(body, "metadata", &c->metadata);
    err = err ? err : take_text(body, matrix_user, &c->matrix_user);
    err = err ? err : take_text(body, "kind", &c->kind);
    err = err ? err : take_attributes(c, json_object_get(body, "attributes"));
    err = err ? err : take_aic(c, body);
    err = err ? err : take_video(c, json_object_get(body, "video"));
    err = err ? err : take_text(body, "roomPreset", &c->room_preset);
    const json_t *sip = json_object_get(body, "sip");
    c->sip_admin = flag(sip, "admin");
    c->sip_call = flag(sip, "call");
    c->expires_s = json_integer_value(json_object_get(body, "exp"));
    const json_t *config = json_object_get(body, "roomConfig");
    if (!err && json_is_object(config)) {
        char *text = json_dumps(config, JSON_COMPACT);
        c->room_config = aura_strdup(text);
        free(text); /* library's memory */
        err = c->room_config ? 0 : AURA_ENOMEM;
    }
    return err;
}

/* One part of a token as JSON. @return 0, AURA_EAUTH (not JSON), AURA_ENOMEM */
static int part(const char *text, size_t len, json_t **out) {
    struct aura_buf raw = AURA_BUF(AURA_TOKEN_BYTES_MAX);
    int err = decode64(&raw, text, len);
    *out = err ? NULL : json_loadb(aura_buf_text(&raw), raw.len, JSON_REJECT_DUPLICATES, NULL);
    aura_buf_free(&raw);
    return err == AURA_ENOMEM ? err : json_is_object(*out) ? 0 : AURA_EAUTH;
}

/* RFC 8725 section 3.1: the algorithm is ours to say, not the token's. */
static int check_header(const char *text, size_t len) {
    json_t *header;
    int err = part(text, len, &header);
    const char *alg = json_string_value(json_object_get(header, "alg"));
    if (!err && (!alg || strcmp(alg, "HS256") != 0 || json_object_get(header, "crit"))) {
        err = AURA_EAUTH;
    }
    json_decref(header);
    return err;
}

static int check_signature(const char *secret, const char *token, size_t signed_len,
                           const char *mac, size_t mac_len) {
    uint8_t want[MAC_BYTES];
    struct aura_buf got = AURA_BUF(MAC_BYTES);
    int err = sign(secret, token, signed_len, want);
    if (!err && (decode64(&got, mac, mac_len) || got.len != MAC_BYTES ||
                 !aura_secret_equal(got.data, want, MAC_BYTES))) {
        err = got.err == AURA_ENOMEM ? AURA_ENOMEM : AURA_EAUTH;
    }
    aura_buf_free(&got);
    return err;
}

static bool number(const json_t *body, const char *name, int64_t *out) {
    const json_t *v = json_object_get(body, name);
    *out = json_is_real(v) ? (int64_t)json_real_value(v) : json_integer_value(v);
    return json_is_number(v);
}

static const char *check_times(const json_t *body, int64_t now_s) {
    int64_t at;
    if (number(body, "exp", &at) && now_s > at + AURA_TOKEN_LEEWAY_S) {
        return "invalid token: token is expired";
    }
    if (number(body, "nbf", &at) && now_s < at - AURA_TOKEN_LEEWAY_S) {
        return "invalid token: token is not valid yet (check the clocks)";
    }
    return NULL;
}

static int verify_body(struct aura_claims *c, const struct aura_keys *keys, json_t *body,
                       const char *token, size_t signed_len, const char *mac, size_t mac_len,
                       int64_t now_s, const char **why) {
    const char *iss = json_string_value(json_object_get(body, "iss"));
    const char *secret = iss ? aura_keys_secret(keys, iss) : NULL;
    if (!secret) {
        *why = "invalid API key: no such key on this server";
        return AURA_EAUTH;
    }
    int err = check_signature(secret, token, signed_len, mac, mac_len);
    const char *old = err == AURA_EAUTH ? aura_keys_old_secret(keys, iss, now_s) : NULL;
    err = old ? check_signature(old, token, signed_len, mac, mac_len) : err;
    if (err) {
        *why = "invalid token: token signature is invalid";
        return err;
    }
    const char *late = check_times(body, now_s);
    if (late) {
        *why = late;
        return AURA_EAUTH;
    }
    aura_claims_init(c);
    err = take_claims(c, body);
    if (!err && !aura_keys_is_matrix(keys, iss)) {
        aura_free(c->matrix_user); /* an app's word for it */
        c->matrix_user = NULL;
    }
    if (err) {
        aura_claims_clear(c);
    }
    return err == AURA_ELIMIT ? AURA_EAUTH : err;
}

int aura_token_verify(struct aura_claims *c, const struct aura_keys *keys, const char *token,
                      size_t len, int64_t now_s, const char **why) {
    *why = "invalid authorization token";
    const char *dot = len <= AURA_TOKEN_BYTES_MAX ? memchr(token, '.', len) : NULL;
    size_t head = dot ? (size_t)(dot - token) : 0;
    const char *second = dot ? memchr(dot + 1, '.', len - head - 1) : NULL;
    if (!second) {
        return AURA_EAUTH;
    }
    size_t signed_len = (size_t)(second - token);
    json_t *body = NULL;
    int err = check_header(token, head);
    err = err ? err : part(dot + 1, signed_len - head - 1, &body);
    err = err ? err
              : verify_body(c, keys, body, token, signed_len, second + 1, len - signed_len - 1,
                            now_s, why);
    json_decref(body);
    return err;
}

/* ---- making ---- */

static void put_text(json_t *object, const char *name, const char *text) {
    if (text && text[0]) {
        json_object_set_new(object, name, json_string(text));
    }
}

static void put_flag(json_t *object, const char *name, bool on) {
    if (on) {
        json_object_set_new(object, name, json_true());
    }
}

static void put_tristate(json_t *object, const char *name, enum aura_tristate v) {
    if (v != AURA_UNSET) {
        json_object_set_new(object, name, json_boolean(v == AURA_YES));
    }
}

static json_t *video_json(const struct aura_video_grant *g) {
    json_t *v = json_object();
    put_flag(v, "roomCreate", g->room_create);
    put_flag(v, "roomList", g->room_list);
    put_flag(v, "roomRecord", g->room_record);
    put_flag(v, "roomAdmin", g->room_admin);
    put_flag(v, "roomJoin", g->room_join);
    put_flag(v, "ingressAdmin", g->ingress_admin);
    put_flag(v, "hidden", g->hidden);
    put_flag(v, "recorder", g->recorder);
    put_flag(v, "agent", g->agent);
    put_tristate(v, "canPublish", g->can_publish);
    put_tristate(v, "canSubscribe", g->can_subscribe);
    put_tristate(v, "canPublishData", g->can_publish_data);
    put_tristate(v, "canUpdateOwnMetadata", g->can_update_own_metadata);
    put_tristate(v, "canSubscribeMetrics", g->can_subscribe_metrics);
    put_text(v, "room", g->room);
    put_text(v, "destinationRoom", g->destination_room);
    json_t *list = g->sources ? json_array() : NULL;
    for (size_t k = 0; list && k < sizeof(sources) / sizeof(sources[0]); k++) {
        if (g->sources & 1u << k) {
            json_array_append_new(list, json_string(sources[k]));
        }
    }
    if (list) {
        json_object_set_new(v, "canPublishSources", list);
    }
    return v;
}

static json_t *body_json(const struct aura_claims *c, const char *key, int64_t now_s,
                         int64_t ttl_s) {
    json_t *body = json_object();
    put_text(body, "iss", key);
    put_text(body, "sub", c->identity);
    put_text(body, "name", c->name);
    put_text(body, "metadata", c->metadata);
    put_text(body, "kind", c->kind);
    put_text(body, "roomPreset", c->room_preset);
    if (c->room_config) {
        json_object_set_new(body, "roomConfig", json_loads(c->room_config, 0, NULL));
    }
    put_text(body, "sha256", c->sha256);
    put_text(body, matrix_user, c->matrix_user);
    json_object_set_new(body, "nbf", json_integer(now_s));
    json_object_set_new(body, "iat", json_integer(now_s));
    json_object_set_new(body, "exp", json_integer(now_s + ttl_s));
    if (c->has_video) {
        json_object_set_new(body, "video", video_json(&c->video));
    }
    if (c->attribute_count) {
        json_t *map = json_object();
        for (size_t i = 0; i < c->attribute_count; i++) {
            json_object_set_new(map, c->attributes[i].key, json_string(c->attributes[i].value));
        }
        json_object_set_new(body, "attributes", map);
    }
    return body;
}

int aura_token_mint(struct aura_buf *out, const struct aura_claims *c, const char *key,
                    const char *secret, int64_t now_s, int64_t ttl_s) {
    static const char header[] = "{\"alg\":\"HS256\",\"typ\":\"JWT\"}";
    json_t *body = body_json(c, key, now_s, ttl_s);
    char *text = json_dumps(body, JSON_COMPACT);
    json_decref(body);
    if (!text) {
        return AURA_ENOMEM;
    }
    size_t from = out->len;
    uint8_t mac[MAC_BYTES];
    encode64(out, header, sizeof(header) - 1);
    aura_buf_str(out, ".");
    encode64(out, text, strlen(text));
    free(text); /* library's memory */
    if (out->err || sign(secret, out->data + from, out->len - from, mac)) {
        return out->err ? out->err : AURA_ENOMEM;
    }
    aura_buf_str(out, ".");
    encode64(out, mac, sizeof(mac));
    return out->err;
}
