/* SPDX-License-Identifier: Apache-2.0 */
/* /meet/v1: what the app asks before it can join. Guests get a token for one room, as nobody that
 * the directory of AuraIDs would keep; who is signed in gets one as themselves. Who may do that,
 * and what a page elsewhere must not have a visitor's browser do, is in docs/threat-model.md. */
#include "api/meet_priv.h"

#include "api/web_session.h"
#include "base/log.h"
#include "base/mem.h"
#include "room/identity.h"

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

void aura__meet_respond(struct aura_http_req *req, int status, json_t *body) {
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

void aura__meet_refuse(struct aura_server *s, struct aura_http_req *req, int status,
                       const char *code, const char *message) {
    s->meet_refused++;
    aura__meet_respond(req, status, json_pack("{s:s, s:s}", "code", code, "message", message));
}

void aura__meet_refuse_for_now(struct aura_server *s, struct aura_http_req *req, uint32_t wait_s,
                               const char *message) {
    char seconds[16];
    (void)snprintf(seconds, sizeof(seconds), "%u", wait_s);
    (void)aura_http_answer_header(req, "retry-after", seconds);
    aura__meet_refuse(s, req, 429, "too_many", message);
}

/* ---- who asks ---- */

static uint32_t wait_s(struct aura_server *s, struct aura_http_req *req) {
    struct aura_addr from = aura_http_remote(req);
    return aura_gate_take(s->gate, &from, AURA_GATE_GUESTS, s->conf.rates,
                          aura_now_us(aura_loop_clock(s->loop)));
}

/* ---- a token ---- */

const char *aura__meet_key(const struct aura_server *s) {
    const char *own = s->conf.meet->api_key;
    return own[0] ? own : aura_keys_first(s->conf.keys); /* keys may be read anew */
}

/** Who joins, and where. */
struct joiner {
    const char *room, *name, *identity;
    bool guest; /* whose AuraID would be nobody's tomorrow */
};

static int mint(const struct aura_server *s, const struct joiner *j, struct aura_buf *out) {
    const char *key = aura__meet_key(s);
    const char *secret = key ? aura_keys_secret(s->conf.keys, key) : NULL;
    struct aura_claims claims; /* borrows its texts */
    aura_claims_init(&claims);
    claims.identity = (char *)(uintptr_t)j->identity;
    claims.name = (char *)(uintptr_t)j->name;
    claims.kind = j->guest ? (char *)(uintptr_t) "guest" : NULL;
    claims.has_video = true;
    claims.video.room = (char *)(uintptr_t)j->room;
    claims.video.room_join = true;
    claims.video.can_publish = AURA_YES;
    claims.video.can_subscribe = AURA_YES;
    claims.video.can_publish_data = AURA_YES;
    claims.video.can_update_own_metadata = AURA_YES; /* a raised hand, the wish for AIC */
    return secret
               ? aura_token_mint(out, &claims, key, secret, aura__now_s(s), AURA_MEET_TOKEN_TTL_S)
               : AURA_ESTATE;
}

static void give(struct aura_server *s, struct aura_http_req *req, const struct joiner *j) {
    struct aura_buf token = AURA_BUF(TOKEN_BYTES_MAX);
    int err = mint(s, j, &token);
    if (err) {
        AURA_LOG_LIMITED("meet", AURA_LOG_WARN, "no_token", AURA_S("why", aura_err_text(err)));
        aura__meet_refuse(s, req, 503, "unavailable",
                          "no token can be made: the server's log says why");
    } else {
        s->meet_given++;
        aura__meet_respond(req, 200,
                           json_pack("{s:s, s:s, s:s}", "token", aura_buf_text(&token), "identity",
                                     j->identity, "room", j->room));
    }
    if (token.data) {
        aura_wipe(token.data, token.len);
    }
    aura_buf_free(&token);
}

static void give_guest(struct aura_server *s, struct aura_http_req *req, const char *room,
                       const char *name) {
    char identity[sizeof("guest-") + IDENTITY_RANDOM] = "guest-";
    aura_rand_text(s->conf.rand, identity + strlen(identity), IDENTITY_RANDOM);
    AURA_LOG("meet", AURA_LOG_INFO, "guest", AURA_S("room", room), AURA_S("identity", identity));
    const struct joiner j = {room, name, identity, true};
    give(s, req, &j);
}

int aura__meet_prove(struct aura_server *s, const struct aura_id *id) {
    char text[AURA_ID_BYTES_MAX], provider[AURA_PROVIDER_BYTES];
    const char *key = aura__meet_key(s);
    const struct aura_proof proof = {
        aura_identity_provider(AURA_NAMESPACE_PEOPLE, key ? key : "", provider),
        aura_id_text(id, text)};
    return key ? aura_directory_link(s->conf.directory, id, &proof) : AURA_ESTATE;
}

/* As in calls, people with an account go by their AuraID. */
static void give_account(struct aura_server *s, struct aura_http_req *req, const char *room,
                         const struct aura_id *id) {
    char text[AURA_ID_BYTES_MAX], display[AURA_DIRECTORY_TEXT_MAX + 1];
    struct aura_identity who;
    int err = aura_directory_get(s->conf.directory, id, &who);
    (void)snprintf(display, sizeof(display), "%s", err ? "" : who.display);
    err = err ? err : aura__meet_prove(s, id);
    if (err) {
        AURA_LOG_LIMITED("meet", AURA_LOG_WARN, "no_token", AURA_S("why", aura_err_text(err)));
        aura__meet_refuse(s, req, 503, "unavailable",
                          "the directory does not answer: try again later");
        return;
    }
    const struct joiner j = {room, display, aura_id_text(id, text), false};
    give(s, req, &j);
}

const char *aura__meet_text(const json_t *body, const char *field, size_t bytes_max) {
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
    const char *room = aura__meet_text(body, "room", AURA_MEET_ROOM_BYTES_MAX);
    const char *name = aura__meet_text(body, "name", AURA_MEET_NAME_BYTES_MAX);
    struct aura_account account;
    int err = aura__accounts_who(s, req, &account, NULL);
    if (err && !s->conf.meet->guests) {
        aura__meet_refuse(s, req, 403, "no_guests",
                          "guests are not let in here (meet.enabled): sign in, or use a token");
    } else if (!room || (err && !name)) {
        aura__meet_refuse(
            s, req, 400, room ? "bad_name" : "bad_room",
            "wanted {\"room\", \"name\"}: texts of 1 to 128 bytes without control characters");
    } else if (!aura_meet_is_open(s->conf.meet, room)) {
        aura__meet_refuse(s, req, 403, "not_open",
                          "nobody may go into this room unasked: meet.rooms names those that are "
                          "open");
    } else {
        uint32_t wait = wait_s(s, req);
        if (wait) {
            aura__meet_refuse_for_now(s, req, wait,
                                      "too many guests from your address: see Retry-After");
        } else if (err) {
            give_guest(s, req, room, name);
        } else {
            give_account(s, req, room, &account.id);
        }
    }
}

/* ---- requests ---- */

/* @return false: it has been answered why not */
static bool admit(struct aura_server *s, struct aura_http_req *req, size_t len) {
    if (!s->conf.meet) {
        aura__meet_refuse(s, req, 403, "no_guests",
                          "guests are not let in here (meet.enabled): use a token");
    } else if (!aura_web_is_own_page(req)) {
        /* It would fetch tokens through the browser of who reaches this server, as one in a private
         * network does. */
        aura__meet_refuse(s, req, 403, "foreign_page",
                          "only this server's own page may ask; a proxy before it must pass Host "
                          "on");
    } else if (!aura_web_is_json(req)) {
        aura__meet_refuse(s, req, 415, "bad_type", "wanted Content-Type: application/json");
    } else if (len > AURA_MEET_BODY_BYTES_MAX) {
        aura__meet_refuse(s, req, 413, "too_large", "the body is larger than 16 KiB");
    } else {
        return true;
    }
    return false;
}

static void post(struct aura_server *s, struct aura_http_req *req, const char *what) {
    size_t len;
    const char *text = (const char *)aura_http_body(req, &len);
    if (!admit(s, req, len)) {
        return;
    }
    json_t *body = json_loadb(text ? text : "", len, JSON_REJECT_DUPLICATES, NULL);
    if (strcmp(what, "join") == 0) {
        join(s, req, body);
    } else {
        aura__accounts_request(s, req, what, body);
    }
    json_decref(body);
}

/* What the page before a call has to know; no room is named. */
static void about(struct aura_server *s, struct aura_http_req *req) {
    static const char *const accounts[] = {[AURA_MEET_ACCOUNTS_OFF] = "off",
                                           [AURA_MEET_ACCOUNTS_CLOSED] = "closed",
                                           [AURA_MEET_ACCOUNTS_OPEN] = "open"};
    const struct aura_meet_conf *c = s->conf.meet;
    struct aura_account account;
    json_t *me = aura__accounts_who(s, req, &account, NULL) ? json_null()
                                                            : aura__accounts_view(s, &account.id);
    aura__meet_respond(req, 200,
                       json_pack("{s:b, s:s, s:o}", "guests", (int)(c && c->guests), "accounts",
                                 accounts[s->accounts ? c->accounts : AURA_MEET_ACCOUNTS_OFF], "me",
                                 me));
}

void aura__meet(struct aura_server *s, struct aura_http_req *req) {
    const char *what = aura_http_path(req) + sizeof(base) - 1, *method = aura_http_method(req);
    bool is_post = strcmp(what, "join") == 0 || aura__accounts_path(what);
    bool is_about = strcmp(what, "about") == 0;
    if (is_post && strcmp(method, "POST") == 0) {
        post(s, req, what);
    } else if (is_about && (strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0)) {
        about(s, req);
    } else if (is_post || is_about) {
        (void)aura_http_answer_header(req, "allow", is_post ? "POST" : "GET");
        aura__meet_refuse(s, req, 405, "method_not_allowed",
                          "this path has another method: see Allow");
    } else {
        aura__meet_refuse(s, req, 404, "no_such_path",
                          "there are GET /meet/v1/about and POST /meet/v1/join: docs/meet.md");
    }
}
