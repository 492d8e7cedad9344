/* SPDX-License-Identifier: Apache-2.0 */
/*
 * POST /get_token, /sfu/get and /delegate_delayed_leave: a Matrix user's OpenID token against a
 * token for the LiveKit room of a Matrix room (MSC4195). Statuses and bodies are those of
 * lk-jwt-service; docs/matrix.md lists them.
 */
#include "api/matrix.h"

#include "api/server_priv.h"
#include "auraid/matrix/appservice.h"
#include "auraid/matrix/leave.h"
#include "auraid/matrix/openid.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/rand.h"

#include <jansson.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { EMPTY_TIMEOUT_S = 300, DEPARTURE_TIMEOUT_S = 20, TOKEN_BYTES_MAX = 8192, ERROR_MAX = 512 };

struct aura__matrix {
    struct aura_server *server;
    const struct aura_matrix_conf *conf;
    struct aura_pool *pool;
    struct aura_find *find;
    struct aura_openid *openid;
    struct aura_leaves *leaves;
    uint64_t given, refused; /* tokens; requests */
};

/* A request that waits for a homeserver. */
struct asked {
    struct aura__matrix *m;
    struct aura_http_later *later;
    struct aura_addr from;
    bool full;
    struct aura_rtc_request request;
};

/* A request to a homeserver about a delayed leave. */
struct errand {
    struct aura_job job;
    struct aura__matrix *m;
    uint64_t leave;
    int status;
    char url[AURA_RTC_URL_MAX + 3 * AURA_RTC_TEXT_MAX + 128];
};

/* ---- answers ---- */

static char *error_body(const char *code, const char *text) {
    json_t *o = json_pack("{s:s, s:s}", "errcode", code, "error", text);
    char *body = o ? json_dumps(o, JSON_COMPACT) : NULL;
    json_decref(o);
    return body;
}

static void refuse(struct aura__matrix *m, struct aura_http_req *req, int status, const char *code,
                   const char *text) {
    char *body = error_body(code, text);
    m->refused++;
    aura_http_respond(req, status, "application/json", body ? body : "{}", body ? strlen(body) : 2);
    free(body); /* library's memory */
}

static void asked_free(struct asked *a) {
    aura_wipe(&a->request, sizeof(a->request));
    aura_free(a);
}

static void refuse_later(struct asked *a, int status, const char *code, const char *text) {
    char *body = error_body(code, text);
    a->m->refused++;
    aura_http_later_respond(a->later, status, "application/json", body ? body : "{}",
                            body ? strlen(body) : 2);
    free(body); /* library's memory */
    asked_free(a);
}

static void answer(struct asked *a, json_t *o) {
    char *body = o ? json_dumps(o, JSON_COMPACT) : NULL;
    json_decref(o);
    if (!body) {
        refuse_later(a, 503, "M_UNKNOWN", "there is no memory: try again");
        return;
    }
    aura_http_later_respond(a->later, 200, "application/json", body, strlen(body));
    aura_wipe(body, strlen(body));
    free(body); /* library's memory */
    asked_free(a);
}

/* ---- who may ---- */

static bool is_full(const struct aura_matrix_conf *c, const char *server) {
    if (c->full_access_count == 1 && strcmp(c->full_access[0], "*") == 0) {
        return true;
    }
    for (size_t i = 0; i < c->full_access_count; i++) {
        if (strcmp(c->full_access[i], server) == 0) {
            return true;
        }
    }
    return false;
}

/* ---- what is given ---- */

static int make_room(struct aura_server *s, char *name) {
    Livekit__CreateRoomRequest q = LIVEKIT__CREATE_ROOM_REQUEST__INIT;
    Livekit__Room *room = NULL;
    q.name = name;
    q.empty_timeout = EMPTY_TIMEOUT_S;
    q.departure_timeout = DEPARTURE_TIMEOUT_S;
    int err = aura_rooms_create_room(s->rooms, &q, &room);
    if (room) {
        protobuf_c_message_free_unpacked(&room->base, aura_pb_allocator());
    }
    return err;
}

static int mint(struct aura__matrix *m, char *room, char *identity, char *user,
                struct aura_buf *out) {
    const struct aura_server *s = m->server;
    const char *own = m->conf->api_key;
    const char *key = own[0] ? own : aura_keys_first(s->conf.keys); /* keys may be read anew */
    const char *secret = key ? aura_keys_secret(s->conf.keys, key) : NULL;
    struct aura_claims claims; /* borrows its texts */
    aura_claims_init(&claims);
    claims.identity = identity;
    claims.matrix_user = user;
    claims.has_video = true;
    claims.video.room = room;
    claims.video.room_join = true;
    claims.video.can_publish = AURA_YES;
    claims.video.can_subscribe = AURA_YES;
    claims.video.can_update_own_metadata = AURA_YES;
    return secret
               ? aura_token_mint(out, &claims, key, secret, aura__now_s(s), AURA_MATRIX_TOKEN_TTL_S)
               : AURA_ESTATE;
}

static void give(struct asked *a, char *room, char *identity, char *user) {
    struct aura__matrix *m = a->m;
    struct aura_buf token = AURA_BUF(TOKEN_BYTES_MAX);
    int err = mint(m, room, identity, user, &token);
    if (err) {
        aura_buf_free(&token);
        refuse_later(a, 500, "M_UNKNOWN",
                     err == AURA_ESTATE ? "matrix.api_key is not one of this server's keys any more"
                                        : "no token could be made: try again");
        return;
    }
    m->given++;
    answer(a, json_pack("{s:s, s:s}", "url", m->conf->url, "jwt", aura_buf_text(&token)));
    aura_wipe(token.data, token.len);
    aura_buf_free(&token);
}

/* A call of ours that a room was made for has its media where all of its people go. */
static int room_of(const struct aura_server *s, const struct aura_rtc_request *r,
                   char room[AURA_RTC_ROOM_BYTES]) {
    const struct aura_as *as = aura__appservice_of(s);
    return as && aura_as_room(as, r->room, room) ? 0 : aura_rtc_room(r, room);
}

/* The homeserver has said that it is @p user. */
static void grant(struct asked *a, const char *user) {
    struct aura__matrix *m = a->m;
    const struct aura_rtc_request *r = &a->request;
    char room[AURA_RTC_ROOM_BYTES], identity[AURA_RTC_IDENTITY_BYTES], who[AURA_MXID_BYTES_MAX];
    snprintf(who, sizeof(who), "%s", user);
    if (r->user[0] && strcmp(r->user, user) != 0) {
        refuse_later(a, 401, "M_UNAUTHORIZED",
                     "member.claimed_user_id is not whom the OpenID token is of");
        return;
    }
    int err = room_of(m->server, r, room);
    err = err ? err : aura_rtc_identity(r, user, identity);
    err = err ? err : r->delay_id[0] ? aura_leaves_add(m->leaves, room, identity, r) : 0;
    if (err) {
        refuse_later(a, 503, "M_UNKNOWN", "this server has too much to do: try again");
    } else if (r->kind == AURA_RTC_DELEGATE) {
        answer(a, json_object());
    } else if (a->full && make_room(m->server, room)) {
        refuse_later(a, 500, "M_UNKNOWN", "the room could not be made: try again");
    } else {
        give(a, room, identity, who);
    }
}

static void on_verified(void *arg, int err, const char *user, const char *why) {
    struct asked *a = arg;
    struct aura_server *s = a->m->server;
    char text[ERROR_MAX];
    if (!aura_http_later_wanted(a->later)) {
        refuse_later(a, 503, "M_UNKNOWN", "");
        return;
    }
    if (!err) {
        grant(a, user);
        return;
    }
    if (err == AURA_EAUTH) {
        (void)aura_gate_take(s->gate, &a->from, AURA_GATE_REFUSALS, s->conf.rates,
                             aura_now_us(aura_loop_clock(s->loop)));
    }
    AURA_LOG_LIMITED("matrix", AURA_LOG_WARN, "not_verified", AURA_S("server", a->request.server),
                     AURA_S("why", why));
    snprintf(text, sizeof(text), "the OpenID token could not be verified at %s: %s",
             a->request.server, why);
    refuse_later(a, err == AURA_ENOMEM ? 503 : 401,
                 err == AURA_ENOMEM ? "M_UNKNOWN" : "M_UNAUTHORIZED", text);
}

/* ---- requests ---- */

static bool kind_of(const char *path, enum aura_rtc_kind *kind) {
    static const struct {
        const char *path;
        enum aura_rtc_kind kind;
    } paths[] = {{"/get_token", AURA_RTC_GET_TOKEN},
                 {"/sfu/get", AURA_RTC_SFU_GET},
                 {"/delegate_delayed_leave", AURA_RTC_DELEGATE}};
    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
        if (strcmp(path, paths[i].path) == 0) {
            *kind = paths[i].kind;
            return true;
        }
    }
    return false;
}

bool aura__matrix_path(const struct aura_server *s, const char *path) {
    enum aura_rtc_kind kind;
    return s->matrix && kind_of(path, &kind);
}

/* @return true: it goes on */
static bool may_ask(struct asked *a, struct aura_http_req *req) {
    const struct aura_rtc_request *r = &a->request;
    if (a->full || !r->delay_id[0]) {
        return true;
    }
    bool only_that = r->kind == AURA_RTC_DELEGATE;
    refuse(a->m, req, only_that ? 403 : 400, only_that ? "M_FORBIDDEN" : "M_BAD_JSON",
           "delayed leaves are only taken from users of this deployment's own servers");
    return false;
}

static void verify(struct asked *a, struct aura_http_req *req) {
    const struct aura_rtc_request *r = &a->request;
    const struct aura_openid_ask ask = {.server = r->server,
                                        .token = r->token,
                                        .expires_in_s = r->expires_in_s,
                                        .room = r->room,
                                        .device = r->device,
                                        .own = a->full};
    a->later = aura_http_later(req);
    if (!a->later) {
        refuse(a->m, req, 503, "M_UNKNOWN", "there is no memory: try again");
        asked_free(a);
        return;
    }
    int err = aura_openid_verify(a->m->openid, &ask, on_verified, a);
    if (err == AURA_ELIMIT) {
        refuse_later(a, 429, "M_LIMIT_EXCEEDED",
                     "too many tokens are being verified at that homeserver: try again");
    } else if (err) {
        refuse_later(a, 503, "M_UNKNOWN", "there is no memory: try again");
    }
}

void aura__matrix_request(struct aura_server *s, struct aura_http_req *req) {
    struct aura__matrix *m = s->matrix;
    enum aura_rtc_kind kind = AURA_RTC_GET_TOKEN;
    const char *why;
    size_t len;
    (void)kind_of(aura_http_path(req), &kind);
    if (strcmp(aura_http_method(req), "POST") != 0) {
        (void)aura_http_answer_header(req, "allow", "POST, OPTIONS");
        refuse(m, req, 405, "M_UNRECOGNIZED", "only POST is answered here");
        return;
    }
    struct asked *a = aura_zalloc(sizeof(*a));
    if (!a) {
        refuse(m, req, 503, "M_UNKNOWN", "there is no memory: try again");
        return;
    }
    const uint8_t *body = aura_http_body(req, &len);
    int err = aura_rtc_read(&a->request, kind, body ? body : (const uint8_t *)"", len, &why);
    a->m = m;
    a->from = aura_http_remote(req);
    a->full = is_full(m->conf, a->request.server);
    if (err) {
        refuse(m, req, 400, err == AURA_EMALFORMED ? "M_NOT_JSON" : "M_BAD_JSON", why);
        asked_free(a);
    } else if (may_ask(a, req)) {
        verify(a, req);
    } else {
        asked_free(a);
    }
}

/* ---- delayed leaves ---- */

static bool is_present(void *arg, const char *room, const char *identity) {
    const struct aura__matrix *m = arg;
    return aura_rooms_is_in(m->server->rooms, room, identity);
}

static void run_errand(void *arg) {
    struct errand *e = arg;
    const struct aura_matrix_conf *c = e->m->conf;
    struct aura_fetched got = {.body = AURA_BUF(AURA_FETCH_BODY_BYTES_MAX)};
    const struct aura_fetch q = {
        .url = e->url, .body = "{}", .until_us = aura_now_us(c->fetch.clock) + c->timeout_us};
    e->status = aura_fetch(&c->fetch, &q, &got) ? 0 : got.status;
    aura_buf_free(&got.body);
}

static void errand_done(void *arg) {
    struct errand *e = arg;
    if (e->job.ran && e->m->leaves) {
        aura_leaves_result(e->m->leaves, e->leave, e->status);
    }
    aura_wipe(e->url, sizeof(e->url));
    aura_free(e);
}

/* Delay ids are the homeserver's; they go into a path as RFC 3986 wants. */
static int errand_url(struct errand *e, const char *base, const char *delay_id, const char *verb) {
    static const char plain[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";
    struct aura_buf url = AURA_BUF(sizeof(e->url) - 1);
    size_t len = strlen(base);
    while (len && base[len - 1] == '/') {
        len--;
    }
    aura_buf_printf(&url, "%.*s/_matrix/client/unstable/org.matrix.msc4140/delayed_events/",
                    (int)len, base);
    for (const char *p = delay_id; *p; p++) {
        aura_buf_printf(&url, strchr(plain, *p) ? "%c" : "%%%02X", (unsigned char)*p);
    }
    int err = aura_buf_printf(&url, "/%s", verb);
    if (!err) {
        memcpy(e->url, url.data, url.len + 1);
    }
    aura_buf_free(&url);
    return err;
}

static int act(void *arg, uint64_t leave, enum aura_leave_act what, const char *url,
               const char *delay_id) {
    struct aura__matrix *m = arg;
    struct errand *e = aura_zalloc(sizeof(*e));
    int err = e ? errand_url(e, url, delay_id, what == AURA_LEAVE_SEND ? "send" : "restart")
                : AURA_ENOMEM;
    if (!err) {
        e->m = m;
        e->leave = leave;
        e->job = (struct aura_job){
            .run = run_errand, .done = errand_done, .arg = e, .key = "", .own = true};
        err = aura_pool_add(m->pool, &e->job);
    }
    if (err) {
        aura_free(e);
    }
    return err;
}

/* ---- beginning, end, figures ---- */

int aura__matrix_new(struct aura__matrix **mp, struct aura_server *s,
                     const struct aura_matrix_conf *conf) {
    struct aura__matrix *m = conf ? aura_zalloc(sizeof(*m)) : NULL;
    *mp = NULL;
    if (!m) {
        return conf ? AURA_ENOMEM : 0;
    }
    m->server = s;
    m->conf = conf;
    int err = aura_pool_new(&m->pool, s->loop);
    err = err ? err : aura_find_new(&m->find, &conf->fetch);
    const struct aura_openid_conf openid = {.fetch = &conf->fetch,
                                            .find = m->find,
                                            .pool = m->pool,
                                            .loop = s->loop,
                                            .timeout_us = conf->timeout_us};
    const struct aura_leaves_conf leaves = {
        .timers = aura_loop_timers(s->loop), .is_present = is_present, .act = act, .arg = m};
    err = err ? err : aura_openid_new(&m->openid, &openid);
    err = err ? err : aura_leaves_new(&m->leaves, &leaves);
    *mp = err ? aura__matrix_free(m) : m;
    return err;
}

struct aura__matrix *aura__matrix_free(struct aura__matrix *m) {
    if (m) {
        m->leaves = aura_leaves_free(m->leaves);
        m->pool = aura_pool_free(m->pool); /* ends what is being verified */
        m->openid = aura_openid_free(m->openid);
        m->find = aura_find_free(m->find);
        aura_free(m);
    }
    return NULL;
}

void aura__matrix_stats(const struct aura__matrix *m, struct aura__matrix_stats *out) {
    out->given = m->given;
    out->refused = m->refused;
    out->leaving = aura_leaves_count(m->leaves);
    aura_openid_stats(m->openid, &out->openid);
    aura_leaves_stats(m->leaves, &out->leaves);
}
