/* SPDX-License-Identifier: Apache-2.0 */
#include "api/dash_priv.h"

#include "api/openapi.h"
#include "base/log.h"
#include "base/mem.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char base[] = "/api";
static const char docs[] = "docs/dashboard.md";
static const struct dash_routes *const tables[] = {
    &aura__dash_session_routes, &aura__dash_operator_routes, &aura__dash_key_routes,
    &aura__dash_room_routes,    &aura__dash_track_routes,    &aura__dash_aic_routes,
    &aura__dash_node_routes,    &aura__dash_map_routes,      &aura__dash_outbox_routes,
    &aura__dash_audit_routes};

enum { TABLES = sizeof(tables) / sizeof(tables[0]), METHODS_BYTES = 64, ANY_WAIT_S = 5 };

bool aura__dash_path(const char *path) {
    size_t n = sizeof(base) - 1;
    return strncmp(path, base, n) == 0 && path[n] == '/';
}

uint64_t aura__dash_now_us(const struct aura__dash *d) {
    return aura_wall_us(aura_loop_clock(d->s->loop));
}

/* ---- answers ---- */

static const char no_memory[] = "{\"code\":\"unavailable\",\"message\":\"out of memory: try again "
                                "later\"}";

/* @return a text of the library's memory, or NULL */
static char *text_of(json_t *body) {
    char *text = body ? json_dumps(body, JSON_COMPACT | JSON_PRESERVE_ORDER) : NULL;
    json_decref(body);
    return text;
}

/* Secrets of new keys go through here, once. */
static void drop_text(char *text) {
    if (text) {
        aura_wipe(text, strlen(text));
        free(text); /* library's memory */
    }
}

static void respond(struct aura_http_req *req, int status, json_t *body) {
    char *text = text_of(body);
    const char *said = text ? text : no_memory;
    (void)aura_http_answer_header(req, "cache-control", "no-store");
    (void)aura_http_answer_header(req, "x-content-type-options", "nosniff");
    aura_http_respond(req, text ? status : 503, "application/json", said, strlen(said));
    drop_text(text);
}

static json_t *error(const char *code, const char *message) {
    return json_pack("{s:s, s:s}", "code", code, "message", message);
}

void aura__dash_respond(struct dash_request *r, int status, json_t *body) {
    respond(r->req, status, body);
}

void aura__dash_done(struct dash_request *r) {
    (void)aura_http_answer_header(r->req, "cache-control", "no-store");
    aura_http_respond(r->req, 204, "application/json", "", 0);
}

void aura__dash_refuse_for(struct dash_request *r, const char *code, const char *message,
                           uint32_t wait_s) {
    char seconds[16];
    (void)snprintf(seconds, sizeof(seconds), "%u", wait_s);
    (void)aura_http_answer_header(r->req, "retry-after", seconds);
    respond(r->req, 429, error(code, message));
}

void aura__dash_refuse(struct dash_request *r, int status, const char *code, const char *message) {
    if (status == 503) {
        char seconds[16];
        (void)snprintf(seconds, sizeof(seconds), "%d", ANY_WAIT_S);
        (void)aura_http_answer_header(r->req, "retry-after", seconds);
    }
    respond(r->req, status, error(code, message));
}

void aura__dash_later(struct aura_http_later *later, int status, json_t *body) {
    char *text = text_of(body);
    const char *said = text ? text : status == 204 ? "" : no_memory;
    (void)aura_http_later_header(later, "cache-control", "no-store");
    (void)aura_http_later_header(later, "x-content-type-options", "nosniff");
    aura_http_later_respond(later, text || status == 204 ? status : 503, "application/json", said,
                            strlen(said));
    drop_text(text);
}

void aura__dash_later_refuse(struct aura_http_later *later, int status, const char *code,
                             const char *message) {
    aura__dash_later(later, status, error(code, message));
}

void aura__dash_refuse_err(struct dash_request *r, int err, const char *missing) {
    switch (err) {
    case AURA_ENOENT:
        aura__dash_refuse(r, 404, "not_found", missing);
        break;
    case AURA_ELIMIT:
        aura__dash_refuse(r, 429, "limit",
                          "no more of them fit: remove one first (docs/limits.md)");
        break;
    case AURA_EAGAIN:
    case AURA_ENOMEM:
        aura__dash_refuse(r, 503, "unavailable", "the server is busy: try again later");
        break;
    default:
        AURA_LOG_LIMITED("dashboard", AURA_LOG_WARN, "failed", AURA_S("why", aura_err_text(err)));
        aura__dash_refuse(r, 503, "unavailable",
                          "the database does not answer: the server's log says why");
    }
}

json_t *aura__dash_next(const char *next) {
    return next && next[0] ? aura_rest_string(next, DASH_TEXT_MAX) : json_null();
}

/* ---- what is asked ---- */

bool aura__dash_fields(struct dash_request *r, struct aura_rest_field *fields, size_t count) {
    char why[AURA_REST_WHY_BYTES];
    if (aura_rest_fields(r->body, fields, count, docs, why)) {
        aura__dash_refuse(r, 400, "bad_request", why);
        return false;
    }
    return true;
}

bool aura__dash_number(struct dash_request *r, const char *name, uint64_t min, uint64_t max,
                       uint64_t *out) {
    const char *text = aura_http_query(r->req, name);
    char *end = NULL, why[AURA_REST_WHY_BYTES];
    if (!text) {
        return true;
    }
    errno = 0;
    uint64_t v = strtoull(text, &end, 10);
    if (text[0] < '0' || text[0] > '9' || *end || errno || v < min || v > max) {
        (void)snprintf(why, sizeof(why), "?%s= is a number from %llu to %llu", name,
                       (unsigned long long)min, (unsigned long long)max);
        aura__dash_refuse(r, 400, "bad_request", why);
        return false;
    }
    *out = v;
    return true;
}

bool aura__dash_page(struct dash_request *r, struct aura_rooms_page *page) {
    uint64_t limit = DASH_PAGE;
    if (!aura__dash_number(r, "limit", 1, DASH_PAGE_MAX, &limit)) {
        return false;
    }
    *page =
        (struct aura_rooms_page){.after = aura_http_query(r->req, "after"), .limit = (size_t)limit};
    return true;
}

static bool take_body(struct dash_request *r) {
    size_t len;
    const char *text = (const char *)aura_http_body(r->req, &len);
    if (!len) {
        return true;
    }
    if (len > DASH_BODY_BYTES_MAX) {
        aura__dash_refuse(r, 413, "too_large", "the body is larger than 64 KiB");
    } else if (!aura_web_is_json(r->req)) {
        aura__dash_refuse(r, 415, "bad_type", "wanted Content-Type: application/json");
    } else {
        r->body = json_loadb(text, len, JSON_REJECT_DUPLICATES, NULL);
        if (json_is_object(r->body)) {
            return true;
        }
        aura__dash_refuse(r, 400, "bad_request",
                          "the body is no JSON object, or names a field twice");
    }
    return false;
}

/* ---- who asks ---- */

/* @return false: it has been answered why not */
static bool sign_of(struct dash_request *r, enum dash_needs needs) {
    const struct aura_web_session *session = aura_web_session_of(r->d->sessions, r->req);
    r->session = session ? session->id : 0;
    /* Who they are and what they may is looked up each time: it may have changed elsewhere. */
    int err = session ? aura_dash_operator_get(r->d->store, session->who, &r->who) : AURA_ENOENT;
    aura_wipe(r->who.hash, sizeof(r->who.hash));
    if (err == AURA_ENOENT && r->session) {
        char who[AURA_WEB_SESSION_WHO_MAX + 1]; /* the session's goes with it */
        (void)snprintf(who, sizeof(who), "%s", session->who);
        aura_web_sessions_end_of(r->d->sessions, who, 0);
        r->session = 0;
    }
    if (needs == DASH_NOBODY) {
        return true;
    }
    if (err == AURA_ENOENT) {
        aura__dash_refuse(r, 401, "signed_out", "sign in first: POST /api/v1/session");
    } else if (err) {
        aura__dash_refuse_err(r, err, "");
    } else if (needs == DASH_CHANGE && r->who.role != AURA_DASH_ADMIN) {
        aura__dash_refuse(r, 403, "not_permitted", "viewers only look: ask an admin");
    } else {
        return true;
    }
    return false;
}

/* ---- routes ---- */

static const struct dash_route *find(struct dash_request *r, char methods[METHODS_BYTES]) {
    const char *path = aura_http_path(r->req), *method = aura_http_method(r->req);
    int n = 0;
    methods[0] = 0;
    for (size_t t = 0; t < TABLES; t++) {
        for (size_t i = 0; i < tables[t]->count; i++) {
            const struct dash_route *route = &tables[t]->list[i];
            if (!aura_rest_match(route->pattern, path, r->param)) {
                continue;
            }
            if (strcmp(route->method, method) == 0) {
                return route;
            }
            if (n < METHODS_BYTES && !strstr(methods, route->method)) {
                n += snprintf(methods + n, (size_t)(METHODS_BYTES - n), "%s%s", n ? ", " : "",
                              route->method);
            }
        }
    }
    return NULL;
}

/* GET /api/v1: what there is, for people who look and for the test of the description. */
static void list_routes(struct dash_request *r) {
    json_t *list = json_array();
    for (size_t t = 0; t < TABLES; t++) {
        for (size_t i = 0; i < tables[t]->count; i++) {
            const struct dash_route *route = &tables[t]->list[i];
            json_array_append_new(
                list, json_pack("{s:s, s:s}", "method", route->method, "path", route->pattern));
        }
    }
    aura__dash_respond(r, 200, json_pack("{s:o}", "routes", list));
}

static bool looks(const struct aura_http_req *req) {
    return strcmp(aura_http_method(req), "GET") == 0;
}

static void refuse_route(struct dash_request *r, const char *methods) {
    if (methods[0]) {
        (void)aura_http_answer_header(r->req, "allow", methods);
        aura__dash_refuse(r, 405, "method_not_allowed", "this path has other methods: see Allow");
    } else {
        aura__dash_refuse(r, 404, "no_such_path",
                          "there is no such path: /api/openapi.json describes those there are");
    }
}

static void serve(struct dash_request *r) {
    char methods[METHODS_BYTES];
    const struct dash_route *route = find(r, methods);
    if (looks(r->req) && strcmp(aura_http_path(r->req), "/api/v1") == 0) {
        list_routes(r);
    } else if (!route) {
        refuse_route(r, methods);
    } else if (!looks(r->req) && !aura_web_is_own_page(r->req)) {
        aura__dash_refuse(r, 403, "foreign_page",
                          "only this server's own pages may ask; a proxy before it must pass Host "
                          "on");
    } else if (sign_of(r, route->needs) && take_body(r)) {
        route->fn(r);
    }
}

static void begin(struct dash_request *r, struct aura_server *s, struct aura_http_req *req) {
    struct aura_addr from = aura_http_remote(req);
    *r =
        (struct dash_request){.s = s, .d = s->dash, .req = req, .secure = aura_http_is_secure(req)};
    (void)aura_addr_ip_text(&from, r->from);
}

void aura__dash_request(struct aura_server *s, struct aura_http_req *req) {
    struct dash_request r;
    begin(&r, s, req);
    if (looks(req) && strcmp(aura_http_path(req), "/api/openapi.json") == 0) {
        aura_http_respond(req, 200, "application/json", aura__openapi_json, aura__openapi_json_len);
    } else if (!s->dash) {
        aura__dash_refuse(&r, 404, "disabled",
                          "there is no dashboard here: dashboard.enabled is false in the "
                          "configuration");
    } else {
        serve(&r);
        json_decref(r.body);
    }
}

bool aura__dash_admit(struct aura_server *s, struct aura_http_req *req, char who[], uint64_t *id) {
    struct dash_request r;
    begin(&r, s, req);
    if (!s->dash) {
        aura__dash_refuse(&r, 404, "disabled", "there is no dashboard here");
    } else if (!aura_web_is_own_page(req)) {
        aura__dash_refuse(&r, 403, "foreign_page", "only this server's own pages may watch");
    } else if (sign_of(&r, DASH_VIEW)) {
        (void)snprintf(who, AURA_DASH_NAME_MAX + 1, "%s", r.who.name);
        *id = r.session;
        return true;
    }
    return false;
}

/* ---- beginning and end ---- */

static int load(void *arg, const struct aura_dash_key *k) {
    struct aura_keys *keys = arg;
    if (k->revoked_us) {
        return 0;
    }
    if (!k->old[0]) {
        return aura_keys_add(keys, k->key, k->secret);
    }
    int err = aura_keys_add(keys, k->key, k->old);
    return err ? err
               : aura_keys_rotate(keys, k->key, k->secret,
                                  (int64_t)(k->old_until_us / AURA_US_PER_S));
}

struct loading {
    struct aura_keys *keys;
    int err;
};

static void load_one(void *arg, const struct aura_dash_key *k) {
    struct loading *l = arg;
    l->err = l->err ? l->err : load(l->keys, k);
}

int aura_dash_load_keys(struct aura_dash_store *store, struct aura_keys *keys) {
    struct loading l = {.keys = keys};
    int err = aura_dash_keys(store, NULL, AURA_DASH_KEYS_MAX, load_one, &l);
    return err ? err : l.err;
}

int aura__dash_new(struct aura__dash **dp, struct aura_server *s,
                   const struct aura_dash_conf *conf) {
    if (!conf) {
        return 0;
    }
    struct aura__dash *d = aura_zalloc(sizeof(*d));
    if (!d) {
        return AURA_ENOMEM;
    }
    const struct aura_web_sessions_conf sessions = {.kind = "operator",
                                                    .idle_us = conf->idle_us,
                                                    .all_us = conf->all_us,
                                                    .max = DASH_SESSIONS_MAX,
                                                    .clock = aura_loop_clock(s->loop),
                                                    .rand = s->conf.rand,
                                                    .ended = aura__dash_session_ended,
                                                    .arg = d};
    d->s = s;
    d->conf = conf;
    d->store = conf->store;
    aura_list_init(&d->listeners);
    aura_keys_set_more(conf->config_keys, conf->keys);
    int err = aura_web_sessions_new(&d->sessions, &sessions);
    err = err ? err : aura_attempts_new(&d->attempts, s->conf.rand);
    err = err ? err : aura_passwords_new(&d->passwords, aura_http_uv(s->http));
    err = err ? err : aura__dash_measure(d);
    if (err) {
        aura__dash_stop(d);
        aura__dash_free(d);
        return err;
    }
    *dp = d;
    return 0;
}

void aura__dash_stop(struct aura__dash *d) {
    if (d) {
        d->passwords = aura_passwords_free(d->passwords);
        aura_timer_stop(aura_loop_timers(d->s->loop), &d->timer);
    }
}

struct aura__dash *aura__dash_free(struct aura__dash *d) {
    if (d) {
        aura_web_sessions_free(d->sessions);
        aura_attempts_free(d->attempts);
        aura_keys_set_more(d->conf->config_keys, NULL);
        aura_free(d);
    }
    return NULL;
}
