/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file dash_priv.h  REST below /api/v1: routes, who asks, JSON in and out, what is written to the
 * audit log.
 *
 * A handler is one function in a table of routes; it answers by one of the functions here before it
 * returns, or takes aura_http_later(r->req). Every one that changes something says so by
 * aura__dash_audit(). docs/openapi/api.yaml describes every route.
 *
 * Threading: control thread.
 */
#ifndef AURA_API_DASH_PRIV_H
#define AURA_API_DASH_PRIV_H

#include "api/attempts.h"
#include "api/dash.h"
#include "api/dash_store.h"
#include "api/rest.h"
#include "api/server_priv.h"
#include "api/web_session.h"
#include "base/list.h"
#include "room/show.h"

enum {
    DASH_BODY_BYTES_MAX = 64 * 1024,
    DASH_PAGE_MAX = 200,
    DASH_PAGE = 50,
    DASH_SESSIONS_MAX = 512,
    DASH_LISTENERS_MAX = 64,               /* browsers that watch */
    DASH_LISTENER_QUEUE_MAX = 1024 * 1024, /* bytes that wait for one; more ends it */
    DASH_TEXT_MAX = 1024,                  /* bytes shown of metadata and the like */
    DASH_STEPS = 120,                      /* kept of the server as a whole */
    DASH_FAILURES_AT_ONCE = 20,            /* failed sign-ins that are logged, then … */
    DASH_FAILURES_EVERY_S = 30,            /* … one each so many seconds */
};

/** The server as a whole over the last step. */
struct dash_step {
    uint64_t at_us; /* wall clock */
    uint64_t in_bps, out_bps, aic_sent_bps, aic_native_bps;
    uint32_t rooms, participants;
};

struct aura__dash {
    struct aura_server *s;
    const struct aura_dash_conf *conf;
    struct aura_dash_store *store;
    struct aura_web_sessions *sessions;
    struct aura_passwords *passwords;
    struct aura_attempts *attempts;
    struct aura_list listeners; /* dash_events.c */
    size_t listener_count;
    struct aura_timer timer;
    struct dash_step steps[DASH_STEPS];
    size_t first_step, step_count;
    struct {
        uint64_t at_us, bytes_in, bytes_out, aic_sent, aic_native, cpu_us;
    } last;     /* what the next step is measured from */
    double cpu; /* cores, of the last step */
    uint64_t failures_free_us;
};

struct dash_request {
    struct aura_server *s;
    struct aura__dash *d;
    struct aura_http_req *req;
    aura_rest_params param;
    json_t *body; /* an object; NULL = none came */
    bool secure;
    uint64_t session;              /* 0 = none */
    struct aura_dash_operator who; /* with a session; its hash is wiped */
    char from[AURA_ADDR_TEXT_MAX];
};

enum dash_needs { DASH_NOBODY, DASH_VIEW, DASH_CHANGE /* an admin */ };

struct dash_route {
    const char *method, *pattern; /* "/api/v1/keys/{key}" */
    enum dash_needs needs;
    void (*fn)(struct dash_request *r);
};
struct dash_routes {
    const struct dash_route *list;
    size_t count;
};
#define DASH_ROUTES(name, list)                                                                    \
    const struct dash_routes name = {(list), sizeof(list) / sizeof((list)[0])}

/* ---- dash.c ---- */

/** Answers. @param body  taken; NULL = out of memory, and said so */
void aura__dash_respond(struct dash_request *r, int status, json_t *body);
void aura__dash_done(struct dash_request *r); /* 204 */
void aura__dash_refuse(struct dash_request *r, int status, const char *code, const char *message);
/** The same with Retry-After. */
void aura__dash_refuse_for(struct dash_request *r, const char *code, const char *message,
                           uint32_t wait_s);
/** What an error of the store or of rooms means. @param missing  message of a 404 */
void aura__dash_refuse_err(struct dash_request *r, int err, const char *missing);
/** The same for an answer that comes later. @param body  taken */
void aura__dash_later(struct aura_http_later *later, int status, json_t *body);
void aura__dash_later_refuse(struct aura_http_later *later, int status, const char *code,
                             const char *message);
/** Reads the body's fields. @return false: it has been answered why not */
AURA_NODISCARD bool aura__dash_fields(struct dash_request *r, struct aura_rest_field *fields,
                                      size_t count);
/** A number of the query. @param out  as it is where there is none. @return false: answered */
AURA_NODISCARD bool aura__dash_number(struct dash_request *r, const char *name, uint64_t min,
                                      uint64_t max, uint64_t *out);
/** limit and after of the query. @return false: answered */
AURA_NODISCARD bool aura__dash_page(struct dash_request *r, struct aura_rooms_page *page);
/** For lists whose next page is named by a text. NULL = it was the last one */
json_t *aura__dash_next(const char *next);
uint64_t aura__dash_now_us(const struct aura__dash *d); /* wall clock */

/* ---- dash_audit.c ---- */

/** Written, and told to who watches. @param detail  never a secret */
void aura__dash_audit(struct dash_request *r, const char *action, const char *target,
                      const char *detail);
void aura__dash_audit_of(struct aura__dash *d, const char *by, const char *from, const char *action,
                         const char *target, const char *detail);

/* ---- dash_show.c ---- */

json_t *aura__dash_saving(uint64_t sent, uint64_t native);
json_t *aura__dash_room(const struct aura__dash *d, const struct aura_rooms_room_view *v);
json_t *aura__dash_participant(const struct aura_rooms_participant_view *v);
json_t *aura__dash_track(const struct aura_rooms_track_view *v);
/** 0 = null */
json_t *aura__dash_time(uint64_t us);
/** "" = null */
json_t *aura__dash_maybe(const char *text);
const char *aura__dash_source(int source);

/* ---- dash_nodes.c ---- */

json_t *aura__dash_overview(struct aura__dash *d);
/** Measures the server now and then, from the start on. @return 0 or AURA_ENOMEM */
AURA_NODISCARD int aura__dash_measure(struct aura__dash *d);
json_t *aura__dash_aic_series(const struct aura__dash *d);

/* ---- dash_events.c ---- */

/** @param event  taken; told to all who watch */
void aura__dash_tell(struct aura__dash *d, json_t *event);
void aura__dash_session_ended(void *arg, const struct aura_web_session *session);
/** Handler of the path for who is no WebSocket. */
void aura__dash_no_socket(struct dash_request *r);

/* the tables */
extern const struct dash_routes aura__dash_session_routes;  /* dash_session.c */
extern const struct dash_routes aura__dash_operator_routes; /* dash_operators.c */
extern const struct dash_routes aura__dash_key_routes;      /* dash_keys.c */
extern const struct dash_routes aura__dash_room_routes;     /* dash_rooms.c */
extern const struct dash_routes aura__dash_track_routes;    /* dash_tracks.c */
extern const struct dash_routes aura__dash_aic_routes;      /* dash_aic.c */
extern const struct dash_routes aura__dash_node_routes;     /* dash_nodes.c */
extern const struct dash_routes aura__dash_map_routes;      /* dash_routes.c */
extern const struct dash_routes aura__dash_outbox_routes;   /* dash_outbox.c */
extern const struct dash_routes aura__dash_audit_routes;    /* dash_audit.c */

#endif
