/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file http.h  HTTP/1.1 and WebSocket server: libwebsockets on libuv, behind a small interface.
 *
 * Threading: control thread. The control thread's aura_loop runs nested in the same uv loop, so its
 * timers and posted calls go on while aura_http_run() waits. Requests are answered inside the
 * handler. permessage-deflate is never offered: libwebsockets 4.1.6 breaks it on receive.
 */
#ifndef AURA_API_HTTP_H
#define AURA_API_HTTP_H

#include "base/buf.h"
#include "net/addr.h"
#include "net/loop.h"

struct aura_tls;
struct uv_loop_s;
struct aura_http;
struct aura_http_req;
struct aura_http_later;
struct aura_ws;

enum {
    AURA_HTTP_HEADER_BYTES_MAX =
        64 * 1024,                       /* request line and headers: join_request URLs are long */
    AURA_HTTP_BODY_BYTES_MAX = 10 << 20, /* LiveKit's limit.max_api_request_body_size */
    AURA_HTTP_ANSWER_BYTES_MAX = 256 << 20,
    AURA_HTTP_ANSWER_HEADER_BYTES_MAX = 16 * 1024,
    AURA_WS_MESSAGE_BYTES_MAX = 2 << 20, /* LiveKit's limit.signal_message_size_limit */
    AURA_WS_QUEUE_BYTES_MAX = 8 << 20,   /* waiting for a slow reader; more closes the connection */
    AURA_HTTP_FORWARDED_MAX = 1024,      /* of X-Forwarded-For; longer ones are not believed */
    AURA_HTTP_PING_S = 10,
    AURA_HTTP_IDLE_S = 30, /* of a request that does not go on, of a peer that answers no ping */
};

struct aura_http_handlers {
    /* A whole request; must call aura_http_respond() or aura_http_later() before it returns. */
    void (*request)(void *arg, struct aura_http_req *req);
    /* OPTIONS: may add headers to the answer, which is given behind it unless this has given one.
     * NULL = adds none. */
    void (*options)(void *arg, struct aura_http_req *req);
    /* A WebSocket wants to open. Accept: return true, with aura_http_accept() called. Refuse:
     * return false, with aura_http_respond() called. */
    bool (*upgrade)(void *arg, struct aura_http_req *req);
    /* `user` is what aura_http_accept() was given. */
    void (*ws_open)(void *arg, struct aura_ws *ws, void *user);
    void (*ws_message)(void *arg, void *user, const uint8_t *data, size_t len, bool text);
    /* Also for accepted ones that never opened. Nothing comes for this `user` any more. */
    void (*ws_closed)(void *arg, void *user);
};

/** A port for other nodes of a cluster, and what we show where we connect to theirs. */
struct aura_http_near {
    struct aura_addr bind;              /* port 0 = any free one */
    const char *ca, *certificate, *key; /* files; ca "" = plain HTTP */
};

struct aura_http_conf {
    const struct aura_addr *bind; /* ports ignored; none = all interfaces */
    size_t bind_count;
    uint16_t port;        /* 0 = any free one (one bind address then) */
    struct aura_tls *tls; /* outlives the server; NULL = plain HTTP. It may be loaded anew. */
    uint16_t aside_port;  /* plain HTTP too, for what is not for everybody; 0 = none */
    const struct aura_http_near *near; /* NULL = none; its texts outlive the server */
};

/** @return 0, AURA_EEXISTS (port in use), AURA_ENOMEM, AURA_EIO */
AURA_NODISCARD int aura_http_new(struct aura_http **hp, const struct aura_http_conf *conf,
                                 struct aura_loop *loop, const struct aura_http_handlers *handlers,
                                 void *arg);
/** Closes all connections (ws_closed is called) and frees it. Returns NULL. */
struct aura_http *aura_http_free(struct aura_http *h);
uint16_t aura_http_port(const struct aura_http *h);
/** libuv's loop below it, for its pool of threads. It runs in aura_http_run() and, at the end, in
 * aura_http_free(). */
struct uv_loop_s *aura_http_uv(struct aura_http *h);
/** That of the port for other nodes; 0 = none. */
uint16_t aura_http_near_port(const struct aura_http *h);
/** Serves until aura_http_stop(). */
void aura_http_run(struct aura_http *h);
void aura_http_stop(struct aura_http *h);

/* ---- requests; all strings are borrowed until the handler returns ---- */
const char *aura_http_method(const struct aura_http_req *req);
/** Without the query; doubled slashes are made one. */
const char *aura_http_path(const struct aura_http_req *req);
/** Has it come to the port that is not for everybody? */
bool aura_http_is_aside(const struct aura_http_req *req);
/** Has another node sent it, to the port for them? */
bool aura_http_is_near(const struct aura_http_req *req);
/** The id of the node that has sent it, as it says; "" if none has. */
const char *aura_http_near_node(const struct aura_http_req *req);
/** Path and query as a URL has them, without one parameter. @return 0, AURA_ENOMEM, AURA_ELIMIT */
AURA_NODISCARD int aura_http_target(const struct aura_http_req *req, const char *without,
                                    struct aura_buf *out);
/** A query parameter, decoded; NULL if absent. */
const char *aura_http_query(const struct aura_http_req *req, const char *name);
/** "accept", "accept-encoding", "authorization", "content-type", "cookie", "host", "if-match",
 * "if-none-match", "origin", "traceparent" or "user-agent"; NULL if absent. */
const char *aura_http_header(const struct aura_http_req *req, const char *name);
/** Who asks, without a port. Behind a proxy on this machine, and from another node: whom it names
 * last in X-Forwarded-For. */
struct aura_addr aura_http_remote(const struct aura_http_req *req);
/** It came over TLS, to us or to a proxy on this machine that says so (X-Forwarded-Proto). */
bool aura_http_is_secure(const struct aura_http_req *req);
const uint8_t *aura_http_body(const struct aura_http_req *req, size_t *len);
/** A header of the answer, before aura_http_respond(); "link" may be given several times. Copies.
 * @return 0, AURA_ENOMEM, AURA_ELIMIT (AURA_HTTP_ANSWER_HEADER_BYTES_MAX together) */
int aura_http_answer_header(struct aura_http_req *req, const char *name, const char *value);
/** Answers; copies the body. */
void aura_http_respond(struct aura_http_req *req, int status, const char *content_type,
                       const void *body, size_t len);
/**
 * The answer comes later: aura_http_later_respond() must be called once, whatever happens.
 * @return NULL without memory: answer at once then
 */
struct aura_http_later *aura_http_later(struct aura_http_req *req);
/** False if the one who asked is gone. */
bool aura_http_later_wanted(const struct aura_http_later *later);
/** As aura_http_answer_header(), if it is still wanted. */
int aura_http_later_header(struct aura_http_later *later, const char *name, const char *value);
/** Answers, if it is still wanted, and frees @p later. @param content_type  a constant */
void aura_http_later_respond(struct aura_http_later *later, int status, const char *content_type,
                             const void *body, size_t len);
void aura_http_accept(struct aura_http_req *req, void *user);

/* ---- WebSockets ---- */
/** Sends a message (copied), or queues it behind those that wait. Too much waiting closes the
 * connection: AURA_ELIMIT. */
int aura_ws_send(struct aura_ws *ws, const uint8_t *data, size_t len, bool text);
/** Bytes that wait for the reader. */
size_t aura_ws_queued(const struct aura_ws *ws);
/** Closes after what is queued has left. */
void aura_ws_close(struct aura_ws *ws, int code, const char *reason);

/** Reads no more from the peer for now, or again. */
void aura_ws_pause(struct aura_ws *ws, bool pause);
/** Calls fn(arg) whenever the last of what was queued has left; NULL ends that. */
void aura_ws_on_drained(struct aura_ws *ws, void (*fn)(void *arg), void *arg);

/* ---- links: WebSockets that we open to other nodes ---- */
struct aura_link;
enum {
    AURA_LINK_QUEUE_BYTES_MAX = 4 << 20, /* waiting for a node that does not read; more ends it */
    AURA_LINK_PAUSE_BYTES = 256 * 1024,  /* from then on the other side is not read */
    AURA_LINK_CONNECT_S = 3,
};
struct aura_link_handlers {
    void (*opened)(void *arg);
    void (*message)(void *arg, const uint8_t *data, size_t len, bool text);
    /** The last that comes. @param code  the node's; 0 = it broke. @param opened  was it ever? */
    void (*closed)(void *arg, bool opened, int code, const char *reason);
    void (*drained)(void *arg); /* the last of what was queued has left */
};
struct aura_link_conf {
    const char *address;   /* "ip:port" of the other's port for nodes */
    const char *target;    /* path and query */
    const char *bearer;    /* token; "" = none */
    const char *forwarded; /* whom we do it for: an address */
    const char *user_agent;
    const char *node; /* our id; NULL = not told */
};
/** Copies what it needs. No handler is called before it returns.
 * @return 0, AURA_ENOMEM, AURA_EIO, AURA_EINVAL (address) */
AURA_NODISCARD int aura_link_open(struct aura_link **out, struct aura_http *h,
                                  const struct aura_link_conf *conf,
                                  const struct aura_link_handlers *handlers, void *arg);
/** Queues a message (copied), also before it is open. @return 0, AURA_ENOMEM, AURA_ELIMIT */
AURA_NODISCARD int aura_link_send(struct aura_link *l, const uint8_t *data, size_t len, bool text);
size_t aura_link_queued(const struct aura_link *l);
void aura_link_pause(struct aura_link *l, bool pause);
/** Closes after what is queued has left; no handler is called any more. Not after `closed`. */
void aura_link_close(struct aura_link *l);

struct aura_http_stats {
    uint64_t requests, refused, opened, slow_closed;
    size_t open;
};
void aura_http_stats(const struct aura_http *h, struct aura_http_stats *out);

#endif
