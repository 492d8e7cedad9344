/* SPDX-License-Identifier: Apache-2.0 */
#include "auraid/name.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

enum { DNS_MAX = 230 /* 4.1: more does not fit beside a localpart */, TAG_MAX = 8 };

static const char suffix[] = ".aura";
static const size_t suffix_len = sizeof(suffix) - 1;

static bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

static char small(char c) {
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static bool is_alnum(char c) {
    c = small(c);
    return is_digit(c) || (c >= 'a' && c <= 'z');
}

/* ---- AuraIDs ---- */

int aura_id_parse(struct aura_id *out, const char *text, size_t len) {
    if (len && *text == '@') {
        text++;
        len--;
    }
    if (len < suffix_len || memcmp(text + len - suffix_len, suffix, suffix_len) != 0) {
        return AURA_EMALFORMED;
    }
    len -= suffix_len;
    if (len < AURA_NAME_MIN || len > AURA_NAME_MAX || !is_alnum(*text)) {
        return AURA_EMALFORMED;
    }
    struct aura_id id = {.name = ""};
    for (size_t i = 0; i < len; i++) {
        if (!is_alnum(text[i]) && text[i] != '-' && text[i] != '_') {
            return AURA_EMALFORMED;
        }
        id.name[i] = small(text[i]);
    }
    *out = id;
    return 0;
}

const char *aura_id_text(const struct aura_id *id, char out[AURA_ID_BYTES_MAX]) {
    (void)snprintf(out, AURA_ID_BYTES_MAX, "@%s%s", id->name, suffix);
    return out;
}

void aura_id_suggest(struct aura_id *out, const char *text, size_t len, const char *tag) {
    size_t tag_len = strnlen(tag, TAG_MAX), n = 0;
    size_t room = AURA_NAME_MAX - (tag_len ? tag_len + 1 : 0);
    struct aura_id id = {.name = ""};
    for (size_t i = 0; i < len && n < room; i++) {
        char c = small(text[i]);
        if (is_alnum(c) || c == '_') {
            id.name[n++] = c;
        } else if (n && id.name[n - 1] != '-') {
            id.name[n++] = '-';
        }
    }
    while (n && !is_alnum(id.name[n - 1])) {
        n--;
    }
    size_t from = 0;
    while (from < n && !is_alnum(id.name[from])) {
        from++;
    }
    n -= from;
    memmove(id.name, id.name + from, n);
    if (n < AURA_NAME_MIN) {
        memcpy(id.name, "guest", 5);
        n = 5;
    }
    if (tag_len) {
        id.name[n++] = '-';
        memcpy(id.name + n, tag, tag_len);
        n += tag_len;
    }
    id.name[n] = 0;
    *out = id;
}

/* ---- Matrix ---- */

static int parse_port(uint16_t *port, const char *text, size_t len) {
    unsigned value = 0;
    if (len < 1 || len > 5) {
        return AURA_EMALFORMED;
    }
    for (size_t i = 0; i < len; i++) {
        if (!is_digit(text[i])) {
            return AURA_EMALFORMED;
        }
        value = value * 10 + (unsigned)(text[i] - '0');
    }
    if (value == 0 || value > UINT16_MAX) {
        return AURA_EMALFORMED;
    }
    *port = (uint16_t)value;
    return 0;
}

static bool is_address(int family, const char *text, size_t len) {
    char copy[INET6_ADDRSTRLEN];
    uint8_t address[16];
    if (len >= sizeof(copy)) {
        return false;
    }
    memcpy(copy, text, len);
    copy[len] = 0;
    return strlen(copy) == len && inet_pton(family, copy, address) == 1;
}

/* Digits and dots alone are an address or nothing: "1.2.3" must not become a name to look up. */
static int parse_host(struct aura_server_name *out, const char *text, size_t len) {
    bool number = true;
    if (len < 1 || len > DNS_MAX) {
        return AURA_EMALFORMED;
    }
    for (size_t i = 0; i < len; i++) {
        if (!is_alnum(text[i]) && text[i] != '-' && text[i] != '.') {
            return AURA_EMALFORMED;
        }
        number &= is_digit(text[i]) || text[i] == '.';
    }
    out->kind = number ? AURA_HOST_V4 : AURA_HOST_DNS;
    out->host = (struct aura_slice){text, len};
    return number && !is_address(AF_INET, text, len) ? AURA_EMALFORMED : 0;
}

int aura_server_name_parse(struct aura_server_name *out, const char *text, size_t len) {
    struct aura_server_name name = {.port = 0};
    const char *end = text + len, *colon;
    int err;
    if (len && *text == '[') {
        const char *close = memchr(text, ']', len);
        if (!close || !is_address(AF_INET6, text + 1, (size_t)(close - text - 1))) {
            return AURA_EMALFORMED;
        }
        name.kind = AURA_HOST_V6;
        name.host = (struct aura_slice){text + 1, (size_t)(close - text - 1)};
        colon = close + 1;
        err = colon < end && *colon != ':' ? AURA_EMALFORMED : 0;
        colon = colon < end ? colon : NULL;
    } else {
        colon = len ? memchr(text, ':', len) : NULL;
        err = parse_host(&name, text, colon ? (size_t)(colon - text) : len);
    }
    if (!err && colon) {
        err = parse_port(&name.port, colon + 1, (size_t)(end - colon - 1));
    }
    if (!err) {
        *out = name;
    }
    return err;
}

int aura_mxid_parse(struct aura_mxid *out, const char *text, size_t len) {
    struct aura_mxid id;
    if (len < 4 || len >= AURA_MXID_BYTES_MAX || *text != '@') {
        return AURA_EMALFORMED;
    }
    const char *colon = memchr(text, ':', len);
    if (!colon || colon == text + 1) {
        return AURA_EMALFORMED;
    }
    id.local = (struct aura_slice){text + 1, (size_t)(colon - text - 1)};
    id.server = (struct aura_slice){colon + 1, (size_t)(text + len - colon - 1)};
    for (size_t i = 0; i < id.local.len; i++) {
        if (id.local.p[i] < '!' || id.local.p[i] > '~') {
            return AURA_EMALFORMED;
        }
    }
    int err = aura_server_name_parse(&id.parsed, id.server.p, id.server.len);
    if (!err) {
        *out = id;
    }
    return err;
}

int aura_mxid_id(const struct aura_mxid *mxid, struct aura_id *out) {
    struct aura_id id;
    if (aura_id_parse(&id, mxid->local.p, mxid->local.len) || *mxid->local.p == '@') {
        return AURA_ENOENT;
    }
    /* A localpart with capitals is another user than the one that we would make of it. */
    if (memcmp(id.name, mxid->local.p, mxid->local.len - suffix_len) != 0) {
        return AURA_ENOENT;
    }
    *out = id;
    return 0;
}

const char *aura_mxid_hint(const char *mxid, char out[AURA_MXID_BYTES_MAX]) {
    struct aura_mxid id;
    out[0] = 0;
    if (aura_mxid_parse(&id, mxid, strlen(mxid)) == 0) {
        size_t len = id.local.len;
        if (len > suffix_len && memcmp(id.local.p + len - suffix_len, suffix, suffix_len) == 0) {
            len -= suffix_len;
        }
        memcpy(out, id.local.p, len);
        out[len] = 0;
    }
    return out;
}

bool aura_slice_equal(struct aura_slice a, const char *text) {
    return strlen(text) == a.len && memcmp(a.p, text, a.len) == 0;
}
