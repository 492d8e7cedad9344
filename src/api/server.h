/* SPDX-License-Identifier: Apache-2.0 */
/** @file server.h  The HTTP face of a server: routes to signalling, RoomService, metrics, health.
 */
#ifndef AURA_API_SERVER_H
#define AURA_API_SERVER_H

#include "api/aura_calls.h"
#include "api/gate.h"
#include "api/http.h"
#include "room/rooms.h"

struct aura_server;
struct aura_directory;
struct aura_webhooks;
struct aura_tracing;
struct aura_matrix_conf;
struct aura_appservice_conf;
struct aura_meet_conf;
struct aura_web;
struct aura_dash_conf;
struct aura_nodes;
struct aura_fleet;

struct aura_server_conf {
    struct aura_http_conf http;
    const struct aura_keys *keys;                /* outlives the server */
    const struct aura_gate_rates *rates;         /* outlives the server; may change */
    struct aura_rand *rand;                      /* names of WHIP sessions; outlives the server */
    const char *metrics_user, *metrics_password; /* NULL = /metrics is open */
    struct aura_recordings *recordings;          /* outlives the server; NULL = none */
    struct aura_webhooks *webhooks;              /* outlives the server; NULL = none */
    struct aura_directory *directory;            /* of AuraIDs; outlives the server; NULL = none */
    struct aura_calls_settings calls;            /* of those who have an AuraID */
    const struct aura_matrix_conf *matrix;       /* outlives the server; NULL = none */
    const struct aura_appservice_conf *appservice; /* outlives the server; NULL = none */
    struct aura_trace_conf trace;                  /* of joins; fn NULL = none */
    const struct aura_meet_conf *meet;             /* outlives the server; NULL = no guests */
    const struct aura_web *web;                    /* outlives the server; NULL = no pages */
    const struct aura_dash_conf *dash;             /* outlives the server; NULL = no dashboard */
    struct aura_nodes *nodes;     /* the cluster; outlives the server; NULL = alone */
    struct aura_fleet *fleet;     /* media of several nodes; outlives the server; NULL = none */
    struct aura_tracing *tracing; /* that they go to, for its metrics; outlives; NULL = none */
};

/** @return 0, AURA_EEXISTS (port taken), AURA_ENOMEM, AURA_EIO */
AURA_NODISCARD int aura_server_new(struct aura_server **sp, const struct aura_server_conf *conf,
                                   struct aura_loop *loop, struct aura_rooms *rooms,
                                   struct aura_sfu *sfu);
struct aura_server *aura_server_free(struct aura_server *s);
struct aura_http *aura_server_http(struct aura_server *s);

#endif
