/* SPDX-License-Identifier: Apache-2.0 */
/** @file http_priv.h  Shared by http.c (server, requests) and http_ws.c (WebSockets). */
#ifndef AURA_API_HTTP_PRIV_H
#define AURA_API_HTTP_PRIV_H

#include "api/http.h"
#include "base/list.h"
#include "base/timer.h"

#include <libwebsockets.h>
#include <uv.h>

enum {
    HTTP_BINDS_MAX = 8,
    HTTP_VHOSTS_MAX = 2 * HTTP_BINDS_MAX + 2,
    HTTP_KEPT = 10, /* headers of a request that are kept: names in http.c */
};

/** Header of a link's request: its query. */
#define HTTP_NEAR_QUERY "x-auralink-query:"
/** … and the id of the node that sends it. */
#define HTTP_NEAR_NODE "x-auralink-node:"

struct aura_http {
    struct aura_loop *loop;
    struct aura_http_handlers handlers;
    void *arg;
    uv_loop_t uv;
    uv_poll_t nested;
    void *loops[1]; /* lws keeps pointers to these texts and to the loop, not copies */
    char names[HTTP_VHOSTS_MAX][32], ifaces[HTTP_VHOSTS_MAX][AURA_ADDR_TEXT_MAX];
    bool nested_on, stopping, freeing;
    struct lws_context *context;
    struct aura_list sockets; /* struct aura_ws.node, the open ones */
    struct aura_timer
        liveness; /* looks after all of them: lws would keep a sorted list of timers */
    struct aura_http_stats stats;
    struct aura_tls *tls;                 /* NULL: plain HTTP */
    uint16_t port, aside_port, near_port; /* the last two: 0 = none */
    const struct aura_http_near *near;    /* NULL: none */
    struct lws_vhost *links;              /* what we open to other nodes; NULL: nothing */
};

struct ws_message {
    struct ws_message *next;
    size_t len;
    bool text;
    uint8_t bytes[]; /* LWS_PRE bytes of headroom, then the message */
};

struct aura_ws {
    struct aura_http *http;
    struct aura_node node;
    uint64_t heard_us;
    bool ping_due, pinged; /* since it was heard last */
    struct lws *wsi;
    void *user;
    struct aura_buf in;
    bool in_text, open, closing, close_sent, dead;
    int close_code;
    char close_reason[124]; /* RFC 6455 section 5.5: 125 bytes less the code */
    struct ws_message *queue, **queue_end;
    size_t queued_bytes;
    void (*drained)(void *arg);
    void *drained_arg;
};

/** An answer that somebody owes. */
struct aura_http_later {
    struct aura_http_req *req; /* NULL: the connection is gone */
};

/** A request while it is read and answered. */
struct aura_http_req {
    struct aura_http *http;
    struct lws *wsi;
    const char *method;
    char *path, *query; /* own copies; query is cut into "name\0value\0" pairs */
    size_t query_len;
    char *kept[HTTP_KEPT], *request_headers; /* NULL: it had none */
    char near_node[64];                      /* "" = none */
    char traceparent[128];                   /* "" = none; W3C's version 00 has 55 characters */
    struct aura_buf headers;                 /* of the answer: "name:\0value\0" pairs */
    struct aura_buf body;
    bool too_large, answered;
    bool upgrading;         /* asked for a WebSocket */
    struct aura_buf answer; /* body still to be sent */
    size_t sent;
    struct aura_ws *accepted;
    struct aura_http_later *later; /* the answer is to come */
    int due_status;                /* it has come: 0 = no */
    const char *due_type;
    struct aura_buf due;
};

/** What lws keeps for us of a connection: exactly one of the two. */
struct http_conn {
    struct aura_http_req *req;
    struct aura_ws *ws;
};

/** Everything that lws has to say about the server's connections. */
int aura__http_callback(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in,
                        size_t len);

/** http_near.c: the port for other nodes, and where links begin. @return as aura_http_new() */
AURA_NODISCARD int aura__http_near(struct aura_http *h, struct lws_context_creation_info *info);
/** A context for TLS of ours with other nodes. @return 0 or AURA_EIO */
AURA_NODISCARD int aura__http_near_equip(const struct aura_http_near *near, void *ssl_ctx,
                                         bool server);
bool aura__http_near_is(const struct lws_vhost *vhost);
/** http_listen.c */
AURA_NODISCARD int aura__http_probe_port(const struct aura_addr *addr, uint16_t port);
/** Everything that lws has to say about links (http_link.c). */
int aura__link_callback(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in,
                        size_t len);

/** From the writable callback: the answer that came later begins. */
void aura__http_later_write(struct aura_http_req *req);
/** The request goes. */
void aura__http_later_drop(struct aura_http_req *req);

int aura__ws_callback(struct aura_http *h, struct lws *wsi, enum lws_callback_reasons reason,
                      struct aura_ws *ws, void *in, size_t len);
struct aura_ws *aura__ws_new(struct aura_http *h, void *user);
void aura__ws_free(struct aura_ws *ws);
/** Pings who was silent, ends who stays so; once a second from then on.
 * @return 0 or AURA_ENOMEM */
AURA_NODISCARD int aura__ws_liveness(struct aura_http *h);

#endif
