/* SPDX-License-Identifier: Apache-2.0 */
/** @file server_priv.h  Shared by the route files of src/api. */
#ifndef AURA_API_SERVER_PRIV_H
#define AURA_API_SERVER_PRIV_H

#include "api/server.h"
#include "auraid/matrix/leave.h"
#include "auraid/matrix/openid.h"

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
    uint64_t meet_given, meet_refused; /* guests' tokens (meet.c) */
    uint64_t gate_closed;              /* requests that got 429 there */
    uint64_t auraids_created;          /* by the REST API; those that joins make the rooms count */
    struct aura__calls *calls;         /* between AuraIDs; NULL: there are none */
    struct aura__whips *whips;         /* sessions of WHIP and WHEP (whip.c) */
    struct aura__matrix *matrix;       /* matrix.c; NULL = not here */
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
