/* SPDX-License-Identifier: Apache-2.0 */
/*
 * /_matrix/app/v1: what a homeserver asks of its Application Service, and the threads on which we
 * ask it. (Matrix specification 1.11, Application Service API; docs/matrix.md)
 */
#include "auraid/matrix/appservice.h"
#include "api/matrix.h"
#include "api/server_priv.h"
#include "auraid/matrix/pool.h"
#include "base/log.h"
#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

static const char base[] = "/_matrix/app/v1/";

struct aura__appservice {
    struct aura_server *server;
    const struct aura_appservice_conf *conf;
    struct aura_as *as;
    struct aura_pool *pool;
    uint64_t refused;
};

/* An errand on a thread: of a call, or of a homeserver that waits for its answer. */
struct work {
    struct aura_job job;
    struct aura__appservice *a;
    uint64_t id;
    struct aura_http_later *later;
    struct aura_as_errand errand;
};

/* ---- answers ---- */

static void answer(struct aura_http_req *req, int status, const char *body) {
    aura_http_respond(req, status, "application/json", body, strlen(body));
}

static const char not_found[] =
    "{\"errcode\":\"M_NOT_FOUND\",\"error\":\"there is no such AuraID\"}";

/* ---- errands ---- */

static void run(void *arg) {
    struct work *w = arg;
    aura_as_errand_run(&w->a->conf->home, &w->errand);
}

static void done(void *arg) {
    struct work *w = arg;
    if (!w->job.ran) {
        w->errand.err = AURA_ECLOSED;
        w->errand.why = "this server is stopping";
    }
    if (w->later) {
        bool fine = !w->errand.err;
        if (!fine) {
            AURA_LOG_LIMITED("matrix", AURA_LOG_WARN, "ghost_not_registered",
                             AURA_S("why", w->errand.why));
        }
        const char *body = fine ? "{}" : not_found;
        aura_http_later_respond(w->later, fine ? 200 : 404, "application/json", body, strlen(body));
    } else if (w->job.ran) {
        aura_as_result(w->a->as, w->id, &w->errand);
    }
    aura_free(w);
}

/* @param later  taken if it has begun */
static int begin(struct aura__appservice *a, uint64_t id, const struct aura_as_errand *errand,
                 struct aura_http_later *later) {
    struct work *w = aura_zalloc(sizeof(*w));
    if (!w) {
        return AURA_ENOMEM;
    }
    w->a = a;
    w->id = id;
    w->later = later;
    w->errand = *errand;
    w->job = (struct aura_job){.run = run, .done = done, .arg = w, .key = "", .own = true};
    int err = aura_pool_add(a->pool, &w->job);
    if (err) {
        aura_free(w);
    }
    return err;
}

static int act(void *arg, uint64_t id, const struct aura_as_errand *errand) {
    return begin(arg, id, errand, NULL);
}

/* Of whom it cannot be told they are taken to be there: nobody is hung up on without a reason. */
static bool others(void *arg, const char *room) {
    const struct aura__appservice *a = arg;
    Livekit__ListParticipantsResponse *all = NULL;
    bool some = false;
    int err = aura_rooms_list_participants(a->server->rooms, room, &all);
    for (size_t i = 0; all && i < all->n_participants; i++) {
        const Livekit__ParticipantInfo *p = all->participants[i];
        some = some || (p->kind == LIVEKIT__PARTICIPANT_INFO__KIND__STANDARD &&
                        !aura_as_is_ghost(a->as, p->identity));
    }
    if (all) {
        livekit__list_participants_response__free_unpacked(all, aura_pb_allocator());
    }
    return some || (err && err != AURA_ENOENT);
}

/* ---- requests ---- */

static void transaction(struct aura__appservice *a, struct aura_http_req *req, const char *txn) {
    size_t len;
    const uint8_t *body = aura_http_body(req, &len);
    if (len > AURA_AS_BODY_BYTES_MAX) {
        answer(req, 413, "{\"errcode\":\"M_TOO_LARGE\",\"error\":\"at most 8 MiB\"}");
        return;
    }
    int err = aura_as_transaction(a->as, txn, body ? body : (const uint8_t *)"", len);
    if (!err) {
        answer(req, 200, "{}");
    } else if (err == AURA_EMALFORMED) {
        answer(req, 400, "{\"errcode\":\"M_BAD_JSON\",\"error\":\"wanted an object with events\"}");
    } else {
        AURA_LOG_LIMITED("matrix", AURA_LOG_ERROR, "transaction_failed",
                         AURA_S("why", aura_err_text(err)));
        answer(req, 500, "{\"errcode\":\"M_UNKNOWN\",\"error\":\"try again\"}");
    }
}

static void user(struct aura__appservice *a, struct aura_http_req *req, const char *id) {
    struct aura_as_errand errand;
    if (aura_as_user(a->as, id, &errand)) {
        answer(req, 404, not_found);
        return;
    }
    struct aura_http_later *later = aura_http_later(req);
    if (!later) {
        answer(req, 503, "{\"errcode\":\"M_UNKNOWN\",\"error\":\"try again\"}");
    } else if (begin(a, 0, &errand, later)) {
        aura_http_later_respond(later, 404, "application/json", not_found, strlen(not_found));
    }
}

static void room(struct aura__appservice *a, struct aura_http_req *req, const char *alias) {
    (void)a;
    (void)alias;
    answer(req, 404, "{\"errcode\":\"M_NOT_FOUND\",\"error\":\"there are no aliases here\"}");
}

static void ping(struct aura__appservice *a, struct aura_http_req *req, const char *rest) {
    (void)a;
    (void)rest;
    answer(req, 200, "{}");
}

static const struct route {
    const char *method, *path;
    bool more; /* something stands behind it */
    void (*fn)(struct aura__appservice *a, struct aura_http_req *req, const char *rest);
} routes[] = {{"PUT", "transactions/", true, transaction},
              {"GET", "users/", true, user},
              {"GET", "rooms/", true, room},
              {"POST", "ping", false, ping}};

static const struct route *find(const char *path, const char **rest) {
    for (size_t i = 0; i < sizeof(routes) / sizeof(routes[0]); i++) {
        size_t len = strlen(routes[i].path);
        if (strncmp(path, routes[i].path, len) == 0 && !path[len] != routes[i].more) {
            *rest = path + len;
            return &routes[i];
        }
    }
    return NULL;
}

/* The whole of our token is looked at, however much of the other one is right. */
static bool is_homeserver(const struct aura__appservice *a, const char *token) {
    const char *own = a->conf->hs_token;
    size_t len = strlen(own);
    char given[AURA_REGISTRATION_TOKEN_MAX] = "";
    bool fits = strlen(token) == len;
    memcpy(given, token, fits ? len : 0);
    bool same = aura_secret_equal(given, own, len) && fits;
    aura_wipe(given, sizeof(given));
    return same;
}

static bool admit(struct aura__appservice *a, struct aura_http_req *req) {
    static const char bearer[] = "Bearer ";
    const char *header = aura_http_header(req, "authorization");
    bool shown = header && strncmp(header, bearer, sizeof(bearer) - 1) == 0;
    if (shown && is_homeserver(a, header + sizeof(bearer) - 1)) {
        return true;
    }
    a->refused++;
    aura__refused(a->server, req);
    AURA_LOG_LIMITED(
        "matrix", AURA_LOG_WARN, "homeserver_refused",
        AURA_S("why", shown ? "another hs_token than the registration's" : "no hs_token was sent"));
    answer(req, shown ? 403 : 401,
           shown ? "{\"errcode\":\"M_FORBIDDEN\",\"error\":\"not the registration's hs_token\"}"
                 : "{\"errcode\":\"M_UNAUTHORIZED\",\"error\":\"wanted Bearer hs_token\"}");
    return false;
}

bool aura__appservice_path(const struct aura_server *s, const char *path) {
    return s->appservice && strncmp(path, base, sizeof(base) - 1) == 0;
}

void aura__appservice_request(struct aura_server *s, struct aura_http_req *req) {
    struct aura__appservice *a = s->appservice;
    const char *rest = NULL;
    const struct route *r = find(aura_http_path(req) + sizeof(base) - 1, &rest);
    if (!admit(a, req)) {
        return;
    }
    if (!r) {
        answer(req, 404, "{\"errcode\":\"M_UNRECOGNIZED\",\"error\":\"there is no such path\"}");
    } else if (strcmp(r->method, aura_http_method(req)) != 0) {
        (void)aura_http_answer_header(req, "allow", r->method);
        answer(req, 405,
               "{\"errcode\":\"M_UNRECOGNIZED\",\"error\":\"another method: see Allow\"}");
    } else {
        r->fn(a, req, rest);
    }
}

/* ---- for calls ---- */

struct aura_as *aura__appservice_of(const struct aura_server *s) {
    return s->appservice ? s->appservice->as : NULL;
}

/* ---- beginning, end ---- */

int aura__appservice_new(struct aura__appservice **ap, struct aura_server *s,
                         const struct aura_appservice_conf *conf) {
    struct aura__appservice *a = conf && s->calls ? aura_zalloc(sizeof(*a)) : NULL;
    *ap = NULL;
    if (!a) {
        return conf && s->calls ? AURA_ENOMEM : 0;
    }
    a->server = s;
    a->conf = conf;
    const struct aura_as_conf as = {.server = conf->server,
                                    .timers = aura_loop_timers(s->loop),
                                    .directory = s->conf.directory,
                                    .exchange = aura__calls_exchange(s->calls),
                                    .ring_ms = (uint32_t)(s->conf.calls.ring_us / AURA_US_PER_MS),
                                    .act = act,
                                    .others = others,
                                    .arg = a};
    int err = aura_pool_new(&a->pool, s->loop);
    err = err ? err : aura_as_new(&a->as, &as);
    *ap = err ? aura__appservice_free(a) : a;
    return err;
}

struct aura__appservice *aura__appservice_free(struct aura__appservice *a) {
    if (a) {
        a->pool = aura_pool_free(a->pool); /* ends what is under way */
        a->as = aura_as_free(a->as);
        aura_free(a);
    }
    return NULL;
}

void aura__appservice_stats(const struct aura__appservice *a, struct aura_as_stats *out,
                            uint64_t *refused) {
    aura_as_stats(a->as, out);
    *refused = a->refused;
}
