/* SPDX-License-Identifier: Apache-2.0 */
#include "auraid/matrix/rtc.h"

#include <jansson.h>
#include <openssl/evp.h>

#include <stdio.h>
#include <string.h>

enum { ARRAY_MAX = 8 * 1024, SHA256_BYTES = 32 };

/* The slot that the older dialect means. */
static const char legacy_slot[] = "m.call#ROOM";

/* ---- reading ---- */

enum need { MUST, MAY };

struct field {
    const char *name;
    char *to; /* NULL: somebody else reads it */
    size_t bytes;
    enum need need;
};

static bool is_known(const char *name, const struct field *fields, size_t count) {
    for (size_t i = 0; i < count; i++) {
        if (strcmp(fields[i].name, name) == 0) {
            return true;
        }
    }
    return false;
}

static int no_others(const json_t *object, const struct field *fields, size_t count,
                     const char **why) {
    const char *name;
    json_t *value;
    json_object_foreach((json_t *)(uintptr_t)object, name, value) {
        (void)value;
        if (!is_known(name, fields, count)) {
            *why = "it has a field that is not known here";
            return AURA_EMALFORMED;
        }
    }
    return 0;
}

/* Texts go into names, URLs and logs: no control characters, and no NUL inside. */
static bool is_plain(const char *text, size_t len) {
    for (size_t i = 0; i < len; i++) {
        if ((unsigned char)text[i] < ' ' || text[i] == 0x7F) {
            return false;
        }
    }
    return true;
}

static int take_text(const json_t *object, const struct field *f, const char **why) {
    const json_t *value = json_object_get(object, f->name);
    size_t len = json_string_length(value);
    f->to[0] = 0;
    if (!value || (json_is_string(value) && !len)) {
        return f->need == MUST ? AURA_EINVAL : 0;
    }
    if (!json_is_string(value)) {
        *why = "a field has a value of the wrong type";
        return AURA_EMALFORMED;
    }
    if (len >= f->bytes || !is_plain(json_string_value(value), len)) {
        return AURA_EINVAL;
    }
    memcpy(f->to, json_string_value(value), len + 1);
    return 0;
}

static int take_fields(const json_t *object, const struct field *fields, size_t count,
                       const char **why) {
    if (!json_is_object(object)) {
        return object ? AURA_EMALFORMED : AURA_EINVAL;
    }
    int err = no_others(object, fields, count, why);
    for (size_t i = 0; i < count && !err; i++) {
        err = fields[i].to ? take_text(object, &fields[i], why) : 0;
    }
    return err;
}

#define TEXT(name, field, need)                                                                    \
    { name, field, sizeof(field), need }
#define OTHER(name)                                                                                \
    { name, NULL, 0, MAY }
#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* What a homeserver's request_token answers, as it is. */
static int read_token(struct aura_rtc_request *r, const json_t *body, const char **why) {
    const json_t *token = json_object_get(body, "openid_token");
    char type[AURA_RTC_TEXT_MAX];
    const struct field fields[] = {TEXT("access_token", r->token, MUST),
                                   TEXT("matrix_server_name", r->server, MUST),
                                   TEXT("token_type", type, MAY), OTHER("expires_in")};
    const json_t *expires = json_object_get(token, "expires_in");
    struct aura_server_name name;
    *why = "openid_token: wanted access_token and matrix_server_name";
    int err = take_fields(token, fields, COUNT(fields), why);
    if (!err && expires && !json_is_integer(expires)) {
        *why = "openid_token.expires_in: wanted a whole number";
        return AURA_EMALFORMED;
    }
    if (!err && aura_server_name_parse(&name, r->server, strlen(r->server))) {
        *why = "openid_token.matrix_server_name is not the name of a Matrix server";
        return AURA_EINVAL;
    }
    int64_t seconds = expires ? json_integer_value(expires) : 0;
    r->expires_in_s = seconds > 0 ? seconds : 0;
    return err;
}

/* All of the three, or none of them. */
static int read_delay(struct aura_rtc_request *r, const json_t *body, const char **why) {
    const json_t *ms = json_object_get(body, "delay_timeout");
    bool any = r->delay_id[0] || ms || r->delay_url[0];
    if (!any && r->kind != AURA_RTC_DELEGATE) {
        return 0;
    }
    if (ms && !json_is_integer(ms)) {
        *why = "delay_timeout: wanted a whole number of milliseconds";
        return AURA_EMALFORMED;
    }
    *why = "delay_id, delay_timeout (1 to 3600000 ms) and delay_cs_api_url belong together";
    int64_t value = json_integer_value(ms);
    if (!r->delay_id[0] || !r->delay_url[0] || value < 1 || value > AURA_RTC_DELAY_MAX_MS) {
        return AURA_EINVAL;
    }
    r->delay_ms = (uint32_t)value;
    return 0;
}

static int read_legacy(struct aura_rtc_request *r, const json_t *body, const char **why) {
    const struct field fields[] = {TEXT("room", r->room, MUST),
                                   TEXT("device_id", r->device, MUST),
                                   TEXT("delay_id", r->delay_id, MAY),
                                   TEXT("delay_cs_api_url", r->delay_url, MAY),
                                   OTHER("openid_token"),
                                   OTHER("delay_timeout")};
    *why = "wanted room, openid_token and device_id";
    memcpy(r->slot, legacy_slot, sizeof(legacy_slot));
    return take_fields(body, fields, COUNT(fields), why);
}

static int read_member(struct aura_rtc_request *r, const json_t *body, const char **why) {
    const struct field fields[] = {TEXT("id", r->member, MUST),
                                   TEXT("claimed_user_id", r->user, MUST),
                                   TEXT("claimed_device_id", r->device, MUST)};
    struct aura_mxid user;
    *why = "member: wanted id, claimed_user_id and claimed_device_id";
    int err = take_fields(json_object_get(body, "member"), fields, COUNT(fields), why);
    if (!err && aura_mxid_parse(&user, r->user, strlen(r->user))) {
        *why = "member.claimed_user_id is not a Matrix user id";
        return AURA_EINVAL;
    }
    return err;
}

static int read_now(struct aura_rtc_request *r, const json_t *body, const char **why) {
    const struct field fields[] = {TEXT("room_id", r->room, MUST),
                                   TEXT("slot_id", r->slot, MUST),
                                   TEXT("delay_id", r->delay_id, MAY),
                                   TEXT("delay_cs_api_url", r->delay_url, MAY),
                                   OTHER("openid_token"),
                                   OTHER("member"),
                                   OTHER("delay_timeout")};
    *why = "wanted room_id, slot_id, openid_token and member";
    int err = take_fields(body, fields, COUNT(fields), why);
    return err ? err : read_member(r, body, why);
}

int aura_rtc_read(struct aura_rtc_request *out, enum aura_rtc_kind kind, const void *body,
                  size_t len, const char **why) {
    *out = (struct aura_rtc_request){.kind = kind};
    *why = "the body is not a JSON object";
    json_t *json =
        len <= AURA_RTC_BODY_BYTES_MAX ? json_loadb(body, len, JSON_REJECT_DUPLICATES, NULL) : NULL;
    int err = json_is_object(json) ? 0 : AURA_EMALFORMED;
    if (!err) {
        err = kind == AURA_RTC_SFU_GET ? read_legacy(out, json, why) : read_now(out, json, why);
    }
    err = err ? err : read_token(out, json, why);
    err = err ? err : read_delay(out, json, why);
    json_decref(json);
    return err;
}

/* ---- names ---- */

/* Go's encoding/json: control characters, what HTML minds, and U+2028 and U+2029 are escaped; of
 * the short forms it has those of \b \f \n \r \t. */
static void add_char(struct aura_buf *out, const unsigned char *p, size_t *used) {
    static const char from[] = "\"\\\b\f\n\r\t", to[] = "\"\\bfnrt";
    const char *at = strchr(from, *p);
    *used = 1;
    if (at) {
        aura_buf_printf(out, "\\%c", to[at - from]);
    } else if (*p < ' ' || *p == '<' || *p == '>' || *p == '&') {
        aura_buf_printf(out, "\\u%04x", *p);
    } else if (p[0] == 0xE2 && p[1] == 0x80 && (p[2] == 0xA8 || p[2] == 0xA9)) {
        aura_buf_printf(out, "\\u202%x", p[2] & 0xF);
        *used = 3;
    } else {
        aura_buf_add(out, p, 1);
    }
}

int aura_rtc_array(struct aura_buf *out, const char *const *parts, size_t count) {
    for (size_t i = 0; i < count; i++) {
        aura_buf_str(out, i ? ",\"" : "[\"");
        size_t used;
        for (const char *p = parts[i]; *p; p += used) {
            add_char(out, (const unsigned char *)p, &used);
        }
        aura_buf_str(out, "\"");
    }
    return aura_buf_str(out, count ? "]" : "[]");
}

int aura_rtc_name(const char *const *parts, size_t count, char out[AURA_RTC_ROOM_BYTES]) {
    struct aura_buf array = AURA_BUF(ARRAY_MAX);
    unsigned char hash[EVP_MAX_MD_SIZE], text[AURA_RTC_ROOM_BYTES + 1];
    int err = aura_rtc_array(&array, parts, count);
    if (!err && !EVP_Digest(array.data, array.len, hash, NULL, EVP_sha256(), NULL)) {
        err = AURA_ENOMEM;
    }
    aura_buf_free(&array);
    if (!err) {
        EVP_EncodeBlock(text, hash, SHA256_BYTES); /* 43 letters, "=" and NUL */
        memcpy(out, text, AURA_RTC_ROOM_BYTES - 1);
        out[AURA_RTC_ROOM_BYTES - 1] = 0;
    }
    return err;
}

int aura_rtc_room(const struct aura_rtc_request *r, char out[AURA_RTC_ROOM_BYTES]) {
    const char *const parts[] = {r->room, r->slot};
    return aura_rtc_name(parts, COUNT(parts), out);
}

int aura_rtc_identity(const struct aura_rtc_request *r, const char *user,
                      char out[AURA_RTC_IDENTITY_BYTES]) {
    const char *const parts[] = {user, r->device, r->member};
    if (r->kind == AURA_RTC_SFU_GET) {
        int n = snprintf(out, AURA_RTC_IDENTITY_BYTES, "%s:%s", user, r->device);
        return n > 0 && n < AURA_RTC_IDENTITY_BYTES ? 0 : AURA_ELIMIT;
    }
    return aura_rtc_name(parts, COUNT(parts), out);
}
