/* SPDX-License-Identifier: Apache-2.0 */
/** @file server_priv.h  Shared by the route files of src/api. */
#ifndef AURA_API_SERVER_PRIV_H
#define AURA_API_SERVER_PRIV_H

#include "api/server.h"
#include "auraid/matrix/leave.h"
#include "auraid/matrix/openid.h"
#include "cluster/node.h"

struct aura__accounts;
struct aura__calls;
struct aura__dash;
struct aura_dash_conf;
struct aura_tally;

struct aura_server {
    struct aura_server_conf conf;
    struct aura_http *http;
    struct aura_loop *loop;
    struct aura_rooms *rooms;
    struct aura_sfu *sfu;
    uint64_t started_us;
    uint64_t twirp_requests, twirp_errors;
    struct aura_tally *twirp_metrics;     /* twirp_measure.c */
    uint64_t joins_refused;               /* before a room had to say anything */
    struct aura_sfu_forward forward_told; /* at the last scrape */
    struct aura_gate *gate;
    uint64_t meet_given, meet_refused;     /* guests' tokens (meet.c) */
    struct aura__accounts *accounts;       /* of the app; NULL: there are none */
    uint64_t gate_closed;                  /* requests that got 429 there */
    uint64_t relayed, relays_broken;       /* WebSockets passed on to other nodes */
    size_t relays;                         /* now */
    struct aura__fleet_links *fleet_links; /* NULL: media of other nodes' clients is elsewhere */
    uint64_t auraids_created;    /* by the REST API; those that joins make the rooms count */
    struct aura__calls *calls;   /* between AuraIDs; NULL: there are none */
    struct aura__whips *whips;   /* sessions of WHIP and WHEP (whip.c) */
    struct aura__matrix *matrix; /* matrix.c; NULL = not here */
    struct aura__appservice *appservice; /* appservice.c; NULL = not here */
    struct aura__dash *dash;             /* dash.c; NULL = not here */
};

void aura__respond_text(struct aura_http_req *req, int status, const char *text);
int64_t aura__now_s(const struct aura_server *s);
/**
 * The caller's claims from "Authorization: Bearer …" or ?access_token=. The header wins.
 * @return 0; else *why says what is wrong
 */
AURA_NODISCARD int aura__authorize(const struct aura_server *s, const struct aura_http_req *req,
                                   struct aura_claims *claims, const char **why);

/** A credential that is not valid was shown: counted for the address that it came from. */
void aura__refused(const struct aura_server *s, const struct aura_http_req *req);

/** Whose a WebSocket is: what the upgrade's user pointer begins with. */
struct aura__ws_kind {
    void (*open)(void *user, struct aura_ws *ws);
    void (*message)(void *user, const uint8_t *data, size_t len, bool text);
    void (*closed)(void *user);
};

/* agent_ws.c */
bool aura__agent_upgrade(struct aura_server *s, struct aura_http_req *req);

/* aura_calls_media.c */
struct aura_exchange;
AURA_NODISCARD int aura__calls_new(struct aura__calls **cp, struct aura_server *s);
/** All its connections must be closed. NULL is fine. Returns NULL. */
struct aura__calls *aura__calls_free(struct aura__calls *c);
struct aura_exchange *aura__calls_exchange(const struct aura__calls *c);

/* aura_v1_events.c */
bool aura__events_upgrade(struct aura_server *s, struct aura_http_req *req);

/* rtc.c */
bool aura__rtc_upgrade(struct aura_server *s, struct aura_http_req *req);
void aura__rtc_validate(struct aura_server *s, struct aura_http_req *req);

/* rtc_relay.c */
struct aura__relay;
/** A join whose room may be elsewhere. */
struct aura__relay_join {
    char *target, *bearer, *forwarded, *user_agent; /* the request, to be made again */
    const char *room;                               /* borrowed */
    char region[AURA_NODE_REGION_MAX];              /* where the room should be; "" = here */
    bool create, near;                              /* near: another node sends it */
};
struct aura__relay_handlers {
    /** The room is ours. Then nothing comes any more. */
    void (*here)(void *arg);
    void (*message)(void *arg, const uint8_t *data, size_t len, bool text);
    /** Nothing comes any more. */
    void (*closed)(void *arg, int code, const char *reason);
    /** What waits for the node may grow again. */
    void (*drained)(void *arg);
};
/** @param join  its texts are taken, also with an error. No handler is called before it returns.
 * @return 0, AURA_ENOMEM */
AURA_NODISCARD int aura__relay_new(struct aura__relay **out, struct aura_server *s,
                                   const struct aura__relay_join *join,
                                   const struct aura__relay_handlers *handlers, void *arg);
/** From the client; queued until it is known where to. @return 0, AURA_ENOMEM, AURA_ELIMIT */
AURA_NODISCARD int aura__relay_send(struct aura__relay *r, const uint8_t *data, size_t len,
                                    bool text);
/** Bytes that wait for the node. */
size_t aura__relay_queued(const struct aura__relay *r);
/** Reads no more from the node for now, or again. */
void aura__relay_pause(struct aura__relay *r, bool pause);
/** What came from the client before the room was found to be ours. */
void aura__relay_each_early(const struct aura__relay *r,
                            void (*fn)(void *arg, const uint8_t *data, size_t len, bool text),
                            void *arg);
/** Its texts go. */
void aura__relay_join_clear(struct aura__relay_join *join);
/** NULL is fine. Returns NULL. */
struct aura__relay *aura__relay_free(struct aura__relay *r);

/* nodes_api.c */
struct aura_answer;
/** Is it settled at once that the room is to be dealt with here? */
bool aura__nodes_here(const struct aura_server *s, const char *room);
/** The request's own token; "" = none. Borrowed. */
const char *aura__nodes_bearer(const struct aura_http_req *req);
/** GET /cluster/v1/owns?room=…, of other nodes. */
void aura__nodes_owns(struct aura_server *s, struct aura_http_req *req);
/** GET /cluster/v1/routes?limit=…&after=…, of other nodes: a page of our rooms (dash_routes.c). */
void aura__routes_near(struct aura_server *s, struct aura_http_req *req);
/** GET /debug/nodes */
void aura__nodes_debug(struct aura_server *s, struct aura_http_req *req);
/** A request about a room. One of the two is called, once, maybe at once. */
struct aura__nodes_wish {
    const char *room;
    bool create;
    const char *type; /* of the body; NULL = GET */
    void (*here)(void *arg);
    /** The owner has answered, or (status 0 or 503) cannot. */
    void (*answered)(void *arg, const struct aura_answer *answer);
    void *arg;
};
/** Finds the room's owner and passes the request on, if it is another node. Copies what it needs.
 * @return 0, AURA_ENOMEM: then nothing is called */
AURA_NODISCARD int aura__nodes_pass(struct aura_server *s, const struct aura_http_req *req,
                                    const struct aura__nodes_wish *wish);

/* twirp.c */
void aura__twirp(struct aura_server *s, struct aura_http_req *req);

/* twirp_measure.c */
AURA_NODISCARD int aura__twirp_measure_new(struct aura_tally **mp);
/** One answer. @param name  "livekit.Service/Method", or with nothing behind the slash
 * @param code  of the error, "" = none */
void aura__twirp_measure(struct aura_tally *m, const char *name, int status, const char *code,
                         uint64_t took_us);

/* whip.c */
AURA_NODISCARD int aura__whips_new(struct aura__whips **out);
/** Sessions now, of both kinds. */
size_t aura__whips_count(const struct aura__whips *w);
/** Everybody there leaves. NULL is fine. Returns NULL. */
struct aura__whips *aura__whips_free(struct aura__whips *w);
/** Is it a path below /whip/v1 or /whep/v1? */
bool aura__whip_path(const char *path);
void aura__whip(struct aura_server *s, struct aura_http_req *req);
void aura__whip_options(struct aura_http_req *req);

/* matrix.c */
struct aura__matrix_stats {
    uint64_t given, refused; /* tokens; requests */
    size_t leaving;          /* delayed leaves that are kept off now */
    struct aura_openid_stats openid;
    struct aura_leaves_stats leaves;
};
/** @param conf  NULL = none is made. */
AURA_NODISCARD int aura__matrix_new(struct aura__matrix **mp, struct aura_server *s,
                                    const struct aura_matrix_conf *conf);
/** When HTTP has ended. NULL is fine. Returns NULL. */
struct aura__matrix *aura__matrix_free(struct aura__matrix *m);
bool aura__matrix_path(const struct aura_server *s, const char *path);
void aura__matrix_request(struct aura_server *s, struct aura_http_req *req);
void aura__matrix_stats(const struct aura__matrix *m, struct aura__matrix_stats *out);

/* appservice.c */
struct aura_as;
struct aura_as_stats;
/** @param conf  NULL = none is made; nor where there are no AuraIDs. */
AURA_NODISCARD int aura__appservice_new(struct aura__appservice **ap, struct aura_server *s,
                                        const struct aura_appservice_conf *conf);
/** When HTTP has ended, and before calls do. NULL is fine. Returns NULL. */
struct aura__appservice *aura__appservice_free(struct aura__appservice *a);
bool aura__appservice_path(const struct aura_server *s, const char *path);
void aura__appservice_request(struct aura_server *s, struct aura_http_req *req);
/** @return NULL: there is none */
struct aura_as *aura__appservice_of(const struct aura_server *s);
void aura__appservice_stats(const struct aura__appservice *a, struct aura_as_stats *out,
                            uint64_t *refused);

/* accounts.c */
/** When HTTP is there: its loop hashes passwords. None is made where the configuration wants none.
 */
AURA_NODISCARD int aura__accounts_new(struct aura__accounts **ap, struct aura_server *s);
/** While HTTP is there still. NULL is fine. Returns NULL. */
struct aura__accounts *aura__accounts_free(struct aura__accounts *a);
/** Somebody is about to be deleted: nobody is signed in as them any more. */
void aura__accounts_forget(struct aura_server *s, const struct aura_id *id);
struct aura__accounts_stats {
    size_t sessions;
    uint64_t signed_up, signed_in, refused;
};
/** All 0 where there are none. */
void aura__accounts_stats(const struct aura_server *s, struct aura__accounts_stats *out);

/* fleet_links.c */
#define AURA__FLEET_PATH "/cluster/v1/fleet"
/** None is made where there is no fleet. When HTTP is there. */
AURA_NODISCARD int aura__fleet_links_new(struct aura__fleet_links **out, struct aura_server *s);
/** Before HTTP ends: all links go down. NULL is fine. */
void aura__fleet_links_stop(struct aura__fleet_links *l);
/** When HTTP has ended. NULL is fine. Returns NULL. */
struct aura__fleet_links *aura__fleet_links_free(struct aura__fleet_links *l);
bool aura__fleet_upgrade(struct aura_server *s, struct aura_http_req *req);

/* meet.c */
bool aura__meet_path(const char *path);
void aura__meet(struct aura_server *s, struct aura_http_req *req);

/* web_pages.c */
/** Does a browser ask for a page, and are there any? Else "/" is a question of another kind. */
bool aura__web_wanted(const struct aura_server *s, const struct aura_http_req *req);
/** Answers if it is the name of a page or of what one loads. @return was it? */
bool aura__web(struct aura_server *s, struct aura_http_req *req);

/* dash.c */
/** @param conf  NULL = none is made. HTTP must be there already */
AURA_NODISCARD int aura__dash_new(struct aura__dash **dp, struct aura_server *s,
                                  const struct aura_dash_conf *conf);
/** Before HTTP ends: nobody waits for it any more. NULL is fine. */
void aura__dash_stop(struct aura__dash *d);
/** When HTTP has ended. NULL is fine. Returns NULL. */
struct aura__dash *aura__dash_free(struct aura__dash *d);
/** Is it a path below /api? */
bool aura__dash_path(const char *path);
void aura__dash_request(struct aura_server *s, struct aura_http_req *req);
/** May who asks watch? @param who, id  out: the operator (AURA_DASH_NAME_MAX + 1 bytes), the
 * session
 * @return false: it has been answered why not */
bool aura__dash_admit(struct aura_server *s, struct aura_http_req *req, char who[], uint64_t *id);

/* dash_events.c */
bool aura__dash_upgrade(struct aura_server *s, struct aura_http_req *req);
void aura__dash_room_event(struct aura_server *s, const char *room,
                           const Livekit__WebhookEvent *event);

/* debug.c */
void aura__debug_room(struct aura_server *s, struct aura_http_req *req, const char *room);
void aura__debug_aic(struct aura_server *s, struct aura_http_req *req);

/* webhooks_api.c */
void aura__webhooks_request(struct aura_server *s, struct aura_http_req *req, bool replay);

/* metrics.c */
void aura__metrics(struct aura_server *s, struct aura_http_req *req);

#endif
