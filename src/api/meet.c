/* SPDX-License-Identifier: Apache-2.0 */
/* /meet/v1: what the app asks before it can join. Guests get a token for one room, as nobody that
 * the directory of AuraIDs would keep. Who may do that, and what a page elsewhere must not have a
 * visitor's browser do, is in docs/threat-model.md. */
#include "api/meet.h"

#include "api/server_priv.h"
#include "api/web_session.h"
#include "base/log.h"
#include "base/mem.h"

#include <jansson.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { IDENTITY_RANDOM = 16, TOKEN_BYTES_MAX = 16 * 1024 };

static const char base[] = "/meet/v1/";

bool aura__meet_path(const char *path) {
    return strncmp(path, base, sizeof(base) - 1) == 0;
}

bool aura_meet_is_open(const struct aura_meet_conf *c, const char *room) {
    for (size_t i = 0; i < c->room_count; i++) {
        const char *pattern = c->rooms[i];
        size_t n = strlen(pattern);
        if (n && pattern[n - 1] == '*' ? strncmp(pattern, room, n - 1) == 0
                                       : strcmp(pattern, room) == 0) {
            return true;
        }
    }
    return false;
}

/* ---- answers ---- */

static void respond(struct aura_http_req *req, int status, json_t *body) {
    char *text = body ? json_dumps(body, JSON_COMPACT) : NULL;
    json_decref(body);
    (void)aura_http_answer_header(req, "cache-control", "no-store");
    if (text) {
        aura_http_respond(req, status, "application/json", text, strlen(text));
        aura_wipe(text, strlen(text));
    } else {
        aura__respond_text(req, 503, "out of memory: try again later");
    }
    free(text); /* library's memory */
}

/* The code is for the page, which says it in its own words; the message is for who debugs it. */
static void refuse(struct aura_server *s, struct aura_http_req *req, int status, const char *code,
                   const char *message) {
    s->meet_refused++;
    respond(req, status, json_pack("{s:s, s:s}", "code", code, "message", message));
}

/* ---- who asks ---- */

static uint32_t wait_s(struct aura_server *s, struct aura_http_req *req) {
    struct aura_addr from = aura_http_remote(req);
    return aura_gate_take(s->gate, &from, AURA_GATE_GUESTS, s->conf.rates,
                          aura_now_us(aura_loop_clock(s->loop)));
}

/* ---- a token ---- */

static int mint(const struct aura_server *s, const char *room, const char *name,
                const char *identity, struct aura_buf *out) {
    const char *own = s->conf.meet->api_key;
    const char *key = own[0] ? own : aura_keys_first(s->conf.keys); /* keys may be read anew */
    const char *secret = key ? aura_keys_secret(s->conf.keys, key) : NULL;
    struct aura_claims claims; /* borrows its texts */
    aura_claims_init(&claims);
    claims.identity = (char *)(uintptr_t)identity;
    claims.name = (char *)(uintptr_t)name;
    claims.kind = (char *)(uintptr_t) "guest"; /* whose AuraID would be nobody's tomorrow */
    claims.has_video = true;
    claims.video.room = (char *)(uintptr_t)room;
    claims.video.room_join = true;
    claims.video.can_publish = AURA_YES;
    claims.video.can_subscribe = AURA_YES;
    claims.video.can_publish_data = AURA_YES;
    claims.video.can_update_own_metadata = AURA_YES; /* a raised hand, the wish for AIC */
    return secret
               ? aura_token_mint(out, &claims, key, secret, aura__now_s(s), AURA_MEET_TOKEN_TTL_S)
               : AURA_ESTATE;
}

static void give(struct aura_server *s, struct aura_http_req *req, const char *room,
                 const char *name) {
    char identity[sizeof("guest-") + IDENTITY_RANDOM] = "guest-";
    struct aura_buf token = AURA_BUF(TOKEN_BYTES_MAX);
    aura_rand_text(s->conf.rand, identity + strlen(identity), IDENTITY_RANDOM);
    int err = mint(s, room, name, identity, &token);
    if (err) {
        AURA_LOG_LIMITED("meet", AURA_LOG_WARN, "no_token", AURA_S("why", aura_err_text(err)));
        refuse(s, req, 503, "unavailable", "no token can be made: the server's log says why");
    } else {
        s->meet_given++;
        AURA_LOG("meet", AURA_LOG_INFO, "guest", AURA_S("room", room),
                 AURA_S("identity", identity));
        respond(req, 200,
                json_pack("{s:s, s:s, s:s}", "token", aura_buf_text(&token), "identity", identity,
                          "room", room));
    }
    if (token.data) {
        aura_wipe(token.data, token.len);
    }
    aura_buf_free(&token);
}

/* A text that a screen or a log line would not be broken by. @return NULL: it is none */
static const char *text_of(const json_t *body, const char *field, size_t bytes_max) {
    const json_t *value = json_object_get(body, field);
    const char *text = json_string_value(value);
    size_t n = text ? json_string_length(value) : 0;
    bool fine = n && n <= bytes_max && strspn(text, " ") < n;
    for (size_t i = 0; fine && i < n; i++) {
        fine = (unsigned char)text[i] >= 0x20 && text[i] != 0x7f;
    }
    return fine ? text : NULL;
}

static void join(struct aura_server *s, struct aura_http_req *req, const json_t *body) {
    const char *room = text_of(body, "room", AURA_MEET_ROOM_BYTES_MAX);
    const char *name = text_of(body, "name", AURA_MEET_NAME_BYTES_MAX);
    if (!room || !name) {
        refuse(s, req, 400, room ? "bad_name" : "bad_room",
               "wanted {\"room\", \"name\"}: texts of 1 to 128 bytes without control characters");
    } else if (!aura_meet_is_open(s->conf.meet, room)) {
        refuse(s, req, 403, "not_open",
               "guests may not go into this room: meet.rooms names those that they may");
    } else {
        uint32_t wait = wait_s(s, req);
        if (!wait) {
            give(s, req, room, name);
            return;
        }
        char seconds[16];
        (void)snprintf(seconds, sizeof(seconds), "%u", wait);
        (void)aura_http_answer_header(req, "retry-after", seconds);
        refuse(s, req, 429, "too_many", "too many guests from your address: see Retry-After");
    }
}

static void join_request(struct aura_server *s, struct aura_http_req *req) {
    size_t len;
    const char *text = (const char *)aura_http_body(req, &len);
    if (!s->conf.meet) {
        refuse(s, req, 403, "no_guests", "guests are not let in here (meet.enabled): use a token");
    } else if (!aura_web_is_own_page(req)) {
        /* It would fetch tokens through the browser of who reaches this server, as one in a private
         * network does. */
        refuse(s, req, 403, "foreign_page",
               "only this server's own page may ask; a proxy before it must pass Host on");
    } else if (!aura_web_is_json(req)) {
        refuse(s, req, 415, "bad_type", "wanted Content-Type: application/json");
    } else if (len > AURA_MEET_BODY_BYTES_MAX) {
        refuse(s, req, 413, "too_large", "the body is larger than 4 KiB");
    } else {
        json_t *body = json_loadb(text ? text : "", len, JSON_REJECT_DUPLICATES, NULL);
        join(s, req, body);
        json_decref(body);
    }
}

/* What the page before a call has to know; no room is named. */
static void about(struct aura_server *s, struct aura_http_req *req) {
    respond(req, 200, json_pack("{s:b}", "guests", s->conf.meet != NULL));
}

void aura__meet(struct aura_server *s, struct aura_http_req *req) {
    const char *what = aura_http_path(req) + sizeof(base) - 1, *method = aura_http_method(req);
    bool is_join = strcmp(what, "join") == 0, is_about = strcmp(what, "about") == 0;
    if (is_join && strcmp(method, "POST") == 0) {
        join_request(s, req);
    } else if (is_about && (strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0)) {
        about(s, req);
    } else if (is_join || is_about) {
        (void)aura_http_answer_header(req, "allow", is_join ? "POST" : "GET");
        refuse(s, req, 405, "method_not_allowed", "this path has another method: see Allow");
    } else {
        refuse(s, req, 404, "no_such_path", "there are POST /meet/v1/join and GET /meet/v1/about");
    }
}
