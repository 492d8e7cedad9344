/* SPDX-License-Identifier: Apache-2.0 */
#include "api/http_priv.h"
#include "api/tls.h"
#include "base/mem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

enum { CHUNK_BYTES = 16 * 1024, HTTP_SECRETS = 2 };

/* What handlers may ask for. The first HTTP_SECRETS are wiped. */
static const struct {
    const char *name;
    enum lws_token_indexes token;
} kept[HTTP_KEPT] = {{"authorization", WSI_TOKEN_HTTP_AUTHORIZATION},
                     {"cookie", WSI_TOKEN_HTTP_COOKIE},
                     {"content-type", WSI_TOKEN_HTTP_CONTENT_TYPE},
                     {"user-agent", WSI_TOKEN_HTTP_USER_AGENT},
                     {"if-match", WSI_TOKEN_HTTP_IF_MATCH},
                     {"if-none-match", WSI_TOKEN_HTTP_IF_NONE_MATCH},
                     {"accept", WSI_TOKEN_HTTP_ACCEPT},
                     {"accept-encoding", WSI_TOKEN_HTTP_ACCEPT_ENCODING},
                     {"origin", WSI_TOKEN_ORIGIN},
                     {"host", WSI_TOKEN_HOST}};

/* ---- reading a request ---- */

static char *copy_header(struct lws *wsi, enum lws_token_indexes token) {
    int len = lws_hdr_total_length(wsi, token);
    char *text = len > 0 ? aura_zalloc((size_t)len + 1) : NULL;
    int copied = text ? lws_hdr_copy(wsi, text, len + 1, token) : 0;
    if (text && (copied < 0 || memchr(text, 0, (size_t)copied))) {
        text[0] = 0; /* "%00" in a path would end it early */
    }
    return text;
}

static void collapse_slashes(char *path) {
    char *to = path;
    for (const char *from = path; *from; from++) {
        if (!(from[0] == '/' && from[1] == '/')) {
            *to++ = *from;
        }
    }
    *to = 0;
}

/* lws keeps each "name=value" decoded as a fragment of its own; we keep "name\0value\0". */
static void copy_query(struct aura_http_req *req) {
    int total = lws_hdr_total_length(req->wsi, WSI_TOKEN_HTTP_URI_ARGS);
    if (total <= 0) {
        return;
    }
    size_t cap = (size_t)total + 1024;
    req->query = aura_zalloc(cap);
    for (int i = 0; req->query; i++) {
        int left = (int)(cap - req->query_len) - 2;
        char *at = req->query + req->query_len;
        int n =
            left > 0 ? lws_hdr_copy_fragment(req->wsi, at, left, WSI_TOKEN_HTTP_URI_ARGS, i) : -1;
        if (n < 0) {
            break;
        }
        char *eq = memchr(at, '=', (size_t)n);
        at[n] = 0;
        if (eq) {
            *eq = 0;
            req->query_len += (size_t)n + 1;
        } else {
            at[n + 1] = 0;
            req->query_len += (size_t)n + 2;
        }
    }
}

static char hex(const char *p) {
    char text[3] = {p[0], p[0] ? p[1] : '\0', 0};
    return (char)strtoul(text, NULL, 16);
}

/* The query of another node's request, which aura_http_target() has written. */
static void copy_near_query(struct aura_http_req *req) {
    static const char name[] = HTTP_NEAR_QUERY;
    int len = aura_http_is_near(req) ? lws_hdr_custom_length(req->wsi, name, sizeof(name) - 1) : 0;
    char *text = len > 0 ? aura_zalloc((size_t)len + 1) : NULL;
    char *out = text ? aura_zalloc((size_t)len + 2) : NULL;
    size_t n = 0;
    if (!out || lws_hdr_custom_copy(req->wsi, text, len + 1, name, sizeof(name) - 1) <= 0) {
        aura_free(text);
        aura_free(out);
        return;
    }
    for (const char *p = text; *p; p++) {
        bool coded = *p == '%' && p[1] && p[2];
        out[n++] = *p == '=' || *p == '&' ? '\0' : coded ? hex(p + 1) : *p;
        p += coded ? 2 : 0;
    }
    out[n++] = 0;
    aura_free(text);
    aura_free(req->query);
    req->query = out;
    req->query_len = n;
}

/* One that lws has no token for. What does not fit is malformed, and then nobody's. */
static void copy_traceparent(struct aura_http_req *req) {
    static const char name[] = "traceparent:";
    int n = lws_hdr_custom_copy(req->wsi, req->traceparent, sizeof(req->traceparent), name,
                                sizeof(name) - 1);
    req->traceparent[n > 0 ? n : 0] = 0;
}

static void copy_near_node(struct aura_http_req *req) {
    static const char name[] = HTTP_NEAR_NODE;
    int n = aura_http_is_near(req)
                ? lws_hdr_custom_copy(req->wsi, req->near_node, sizeof(req->near_node), name,
                                      sizeof(name) - 1)
                : 0;
    req->near_node[n > 0 ? n : 0] = 0;
}

static struct aura_http_req *req_new(struct aura_http *h, struct lws *wsi) {
    static const struct {
        enum lws_token_indexes token;
        const char *name;
    } methods[] = {{WSI_TOKEN_GET_URI, "GET"},         {WSI_TOKEN_POST_URI, "POST"},
                   {WSI_TOKEN_OPTIONS_URI, "OPTIONS"}, {WSI_TOKEN_PUT_URI, "PUT"},
                   {WSI_TOKEN_PATCH_URI, "PATCH"},     {WSI_TOKEN_DELETE_URI, "DELETE"},
                   {WSI_TOKEN_HEAD_URI, "HEAD"}};
    struct aura_http_req *req = aura_zalloc(sizeof(*req));
    if (!req) {
        return NULL;
    }
    req->http = h;
    req->wsi = wsi;
    req->method = "";
    req->body = AURA_BUF(AURA_HTTP_BODY_BYTES_MAX);
    req->answer = AURA_BUF(AURA_HTTP_ANSWER_BYTES_MAX);
    req->headers = AURA_BUF(AURA_HTTP_ANSWER_HEADER_BYTES_MAX);
    req->due = AURA_BUF(AURA_HTTP_ANSWER_BYTES_MAX);
    for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]) && !req->path; i++) {
        req->path = copy_header(wsi, methods[i].token);
        req->method = req->path ? methods[i].name : "";
    }
    if (!req->path) {
        aura_free(req);
        return NULL;
    }
    collapse_slashes(req->path);
    copy_query(req);
    copy_near_query(req);
    copy_near_node(req);
    for (size_t i = 0; i < HTTP_KEPT; i++) {
        req->kept[i] = copy_header(wsi, kept[i].token);
    }
    req->request_headers = copy_header(wsi, WSI_TOKEN_HTTP_AC_REQUEST_HEADERS);
    copy_traceparent(req);
    h->stats.requests++;
    return req;
}

static void wipe(char *text) {
    if (text) {
        aura_wipe(text, strlen(text));
        aura_free(text);
    }
}

static void req_free(struct aura_http_req *req) {
    if (!req) {
        return;
    }
    if (req->query) {
        aura_wipe(req->query, req->query_len); /* access_token lies there */
    }
    aura_free(req->query);
    aura_free(req->path);
    for (size_t i = 0; i < HTTP_KEPT; i++) {
        if (i < HTTP_SECRETS) {
            wipe(req->kept[i]);
        } else {
            aura_free(req->kept[i]);
        }
    }
    aura_buf_free(&req->headers);
    aura_free(req->request_headers);
    aura__http_later_drop(req);
    aura_buf_free(&req->body);
    aura_buf_free(&req->answer);
    aura_free(req);
}

const char *aura_http_method(const struct aura_http_req *req) {
    return req->method;
}

const char *aura_http_path(const struct aura_http_req *req) {
    return req->path;
}

bool aura_http_is_aside(const struct aura_http_req *req) {
    return req->http->aside_port &&
           lws_get_vhost_listen_port(lws_get_vhost(req->wsi)) == req->http->aside_port;
}

bool aura_http_is_near(const struct aura_http_req *req) {
    return aura__http_near_is(lws_get_vhost(req->wsi));
}

const char *aura_http_near_node(const struct aura_http_req *req) {
    return req->near_node;
}

static void add_encoded(struct aura_buf *out, const char *text) {
    for (const unsigned char *p = (const unsigned char *)text; *p; p++) {
        bool plain = (*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z') ||
                     (*p >= '0' && *p <= '9') || *p == '-' || *p == '_' || *p == '.';
        (void)aura_buf_printf(out, plain ? "%c" : "%%%02X", *p); /* the error is sticky */
    }
}

int aura_http_target(const struct aura_http_req *req, const char *without, struct aura_buf *out) {
    char mark = '?';
    (void)aura_buf_str(out, req->path);
    for (size_t at = 0; at < req->query_len;) {
        const char *key = req->query + at, *value = key + strlen(key) + 1;
        if (strcmp(key, without) != 0) {
            (void)aura_buf_printf(out, "%c", mark);
            add_encoded(out, key);
            (void)aura_buf_str(out, "=");
            add_encoded(out, value);
            mark = '&';
        }
        at += strlen(key) + 1 + strlen(value) + 1;
    }
    return out->err;
}

const char *aura_http_query(const struct aura_http_req *req, const char *name) {
    for (size_t at = 0; at < req->query_len;) {
        const char *key = req->query + at, *value = key + strlen(key) + 1;
        if (strcmp(key, name) == 0) {
            return value;
        }
        at += strlen(key) + 1 + strlen(value) + 1;
    }
    return NULL;
}

const char *aura_http_header(const struct aura_http_req *req, const char *name) {
    for (size_t i = 0; i < HTTP_KEPT; i++) {
        if (strcasecmp(name, kept[i].name) == 0) {
            return req->kept[i];
        }
    }
    return strcasecmp(name, "traceparent") == 0 && req->traceparent[0] ? req->traceparent : NULL;
}

struct aura_addr aura_http_remote(const struct aura_http_req *req) {
    char text[AURA_HTTP_FORWARDED_MAX];
    struct aura_addr peer = {.family = AURA_FAMILY_NONE}, named;
    lws_get_peer_simple(req->wsi, text, sizeof(text));
    if (aura_addr_parse(&peer, text) ||
        (!aura_addr_is_loopback(&peer) && !aura_http_is_near(req)) ||
        lws_hdr_copy(req->wsi, text, sizeof(text), WSI_TOKEN_X_FORWARDED_FOR) <= 0) {
        return peer;
    }
    /* What stands before the last comma the client may have written itself. */
    const char *last = strrchr(text, ',');
    last = last ? last + 1 : text;
    last += strspn(last, " ");
    return aura_addr_parse(&named, last) ? peer : named;
}

/* A proxy on this machine, as it is believed for addresses too. */
static bool proxied_over_tls(const struct aura_http_req *req) {
    static const char name[] = "x-forwarded-proto:";
    char text[AURA_ADDR_TEXT_MAX];
    struct aura_addr peer;
    lws_get_peer_simple(req->wsi, text, sizeof(text));
    if (aura_addr_parse(&peer, text) || !aura_addr_is_loopback(&peer)) {
        return false;
    }
    int n = lws_hdr_custom_copy(req->wsi, text, sizeof(text), name, sizeof(name) - 1);
    return n == 5 && memcmp(text, "https", 5) == 0;
}

bool aura_http_is_secure(const struct aura_http_req *req) {
    return lws_is_ssl(req->wsi) || proxied_over_tls(req);
}

const uint8_t *aura_http_body(const struct aura_http_req *req, size_t *len) {
    *len = req->body.len;
    return req->body.data;
}

/* ---- answering ---- */

static int add_header(struct lws *wsi, const char *name, const char *value, unsigned char **p,
                      unsigned char *end) {
    return lws_add_http_header_by_name(wsi, (const unsigned char *)name,
                                       (const unsigned char *)value, (int)strlen(value), p, end);
}

int aura_http_answer_header(struct aura_http_req *req, const char *name, const char *value) {
    size_t before = req->headers.len;
    int err = aura_buf_add(&req->headers, name, strlen(name));
    err = err ? err : aura_buf_add(&req->headers, ":", 2);
    err = err ? err : aura_buf_add(&req->headers, value, strlen(value) + 1);
    if (err) {
        req->headers.len = before;
    }
    return err;
}

static int add_own_headers(struct aura_http_req *req, unsigned char **p, unsigned char *end) {
    for (size_t at = 0; at < req->headers.len;) {
        const char *name = (const char *)req->headers.data + at, *value = name + strlen(name) + 1;
        if (add_header(req->wsi, name, value, p, end)) {
            return -1;
        }
        at += strlen(name) + strlen(value) + 2;
    }
    return 0;
}

/* Clients compare clocks by it (RFC 9110 section 6.6.1). */
static int add_date(struct aura_http_req *req, unsigned char **p, unsigned char *end) {
    char text[40];
    struct tm tm;
    time_t now = (time_t)(aura_wall_us(aura_loop_clock(req->http->loop)) / AURA_US_PER_S);
    gmtime_r(&now, &tm);
    size_t n = strftime(text, sizeof(text), "%a, %d %b %Y %H:%M:%S GMT", &tm);
    return n ? add_header(req->wsi, "date:", text, p, end) : 0;
}

/* The whole answer at once if it is a short one: that saves a turn of the loop. Not where more of
 * the request is to come, which lws would take for the next one, nor in HTTP/2, where headers and
 * data are frames of their own (RFC 9113, section 8.1). */
static int write_begin(struct aura_http_req *req, unsigned char *start, unsigned char *p,
                       const unsigned char *end) {
    bool stream = lws_get_network_wsi(req->wsi) != req->wsi;
    bool whole = !stream && !req->too_large && req->answer.len <= (size_t)(end - p);
    size_t len = (size_t)(p - start) + (whole ? req->answer.len : 0);
    if (whole && req->answer.len) {
        memcpy(p, req->answer.data, req->answer.len);
        aura_buf_clear(&req->answer);
    }
    /* There an answer without a body ends with its headers. */
    int how = LWS_WRITE_HTTP_HEADERS | (stream && !req->answer.len ? LWS_WRITE_H2_STREAM_END : 0);
    return lws_write(req->wsi, start, len, (enum lws_write_protocol)how) == (int)len ? 0 : -1;
}

static int write_headers(struct aura_http_req *req, int status, const char *content_type,
                         size_t len) {
    unsigned char buffer[LWS_PRE + 4096 + AURA_HTTP_ANSWER_HEADER_BYTES_MAX],
        *p = buffer + LWS_PRE, *end = buffer + sizeof(buffer) - 1;
    bool preflight = strcmp(req->method, "OPTIONS") == 0;
    if (lws_add_http_common_headers(req->wsi, (unsigned)status, content_type, len, &p, end) ||
        add_header(req->wsi, "access-control-allow-origin:", "*", &p, end)) {
        return -1;
    }
    if (preflight && (add_header(req->wsi, "access-control-allow-methods:",
                                 "GET, POST, PUT, PATCH, DELETE", &p, end) ||
                      add_header(req->wsi, "access-control-allow-headers:",
                                 req->request_headers ? req->request_headers : "*", &p, end) ||
                      add_header(req->wsi, "access-control-max-age:", "86400", &p, end))) {
        return -1;
    }
    if (add_date(req, &p, end) || add_own_headers(req, &p, end)) {
        return -1;
    }
    if (req->upgrading) {
        /* lws has not looked at the version yet and says 1.0, which WebSocket clients refuse. */
        if (add_header(req->wsi, "connection:", "close", &p, end)) {
            return -1;
        }
        memcpy(buffer + LWS_PRE, "HTTP/1.1", 8);
    }
    return lws_finalize_http_header(req->wsi, &p, end) ? -1
                                                       : write_begin(req, buffer + LWS_PRE, p, end);
}

static int write_part(struct aura_http_req *req) {
    unsigned char buffer[LWS_PRE + CHUNK_BYTES];
    size_t left = req->answer.len - req->sent, n = left < CHUNK_BYTES ? left : CHUNK_BYTES;
    memcpy(buffer + LWS_PRE, req->answer.data + req->sent, n);
    bool last = n == left;
    if (lws_write(req->wsi, buffer + LWS_PRE, n, last ? LWS_WRITE_HTTP_FINAL : LWS_WRITE_HTTP) <
        (int)n) {
        return -1;
    }
    req->sent += n;
    return 0;
}

void aura_http_respond(struct aura_http_req *req, int status, const char *content_type,
                       const void *body, size_t len) {
    AURA_BUG_ON(req->answered);
    req->answered = true;
    req->http->stats.refused += status >= 400;
    if (aura_buf_add(&req->answer, body, len)) {
        aura_buf_clear(&req->answer);
        status = 500;
    }
    size_t whole = req->answer.len;
    if (strcmp(req->method, "HEAD") == 0) {
        aura_buf_clear(&req->answer); /* the headers say how long it would be */
    }
    if (write_headers(req, status, content_type, whole)) {
        aura_buf_clear(&req->answer);
        return;
    }
    if (req->answer.len) {
        lws_callback_on_writable(req->wsi);
    }
}

void aura_http_accept(struct aura_http_req *req, void *user) {
    req->accepted = aura__ws_new(req->http, user);
}

/* ---- lws ---- */

static struct http_conn *conn_of(struct lws *wsi) {
    return wsi ? lws_get_opaque_user_data(wsi) : NULL;
}

static struct http_conn *make_conn(struct lws *wsi) {
    struct http_conn *conn = conn_of(wsi);
    if (!conn) {
        conn = aura_zalloc(sizeof(*conn));
        lws_set_opaque_user_data(wsi, conn);
    }
    return conn;
}

static void drop_conn(struct lws *wsi) {
    struct http_conn *conn = conn_of(wsi);
    if (conn) {
        lws_set_opaque_user_data(wsi, NULL);
        req_free(conn->req);
        if (conn->ws) {
            aura__ws_free(conn->ws);
        }
        aura_free(conn);
    }
}

/* @return what the lws callback shall return */
static int finish(struct lws *wsi, struct http_conn *conn) {
    req_free(conn->req);
    conn->req = NULL;
    return lws_http_transaction_completed(wsi) ? -1 : 0;
}

static int answer(struct aura_http *h, struct lws *wsi, struct http_conn *conn) {
    struct aura_http_req *req = conn->req;
    if (req->too_large) {
        static const char text[] = "the request body is too large";
        aura_http_respond(req, 413, "text/plain", text, sizeof(text) - 1);
    } else if (strcmp(req->method, "OPTIONS") == 0) {
        if (h->handlers.options) {
            h->handlers.options(h->arg, req);
        }
        if (!req->answered) {
            aura_http_respond(req, 204, "text/plain", "", 0);
        }
    } else {
        h->handlers.request(h->arg, req);
    }
    if (req->later || req->due_status) {
        return 0;
    }
    if (!req->answered) {
        return -1;
    }
    return req->answer.len ? 0 : finish(wsi, conn);
}

static int on_http(struct aura_http *h, struct lws *wsi) {
    struct http_conn *conn = make_conn(wsi);
    if (!conn) {
        return -1;
    }
    req_free(conn->req);
    conn->req = req_new(h, wsi);
    if (!conn->req) {
        return -1;
    }
    bool has_body = lws_hdr_total_length(wsi, WSI_TOKEN_HTTP_CONTENT_LENGTH) > 0 ||
                    lws_hdr_total_length(wsi, WSI_TOKEN_HTTP_TRANSFER_ENCODING) > 0;
    char length[24] = "";
    if (lws_hdr_copy(wsi, length, sizeof(length), WSI_TOKEN_HTTP_CONTENT_LENGTH) > 0) {
        has_body = strtoull(length, NULL, 10) > 0;
        conn->req->too_large = strtoull(length, NULL, 10) > AURA_HTTP_BODY_BYTES_MAX;
    }
    return has_body && !conn->req->too_large ? 0 : answer(h, wsi, conn);
}

static int on_body(struct lws *wsi, const void *in, size_t len) {
    struct http_conn *conn = conn_of(wsi);
    if (!conn || !conn->req || conn->req->answered) {
        return 0;
    }
    conn->req->too_large = conn->req->too_large || aura_buf_add(&conn->req->body, in, len);
    return 0;
}

static int on_upgrade(struct aura_http *h, struct lws *wsi, const char *to) {
    struct http_conn *conn = make_conn(wsi);
    if (!conn || !to || strcmp(to, "websocket") != 0 || h->freeing) {
        return -1;
    }
    struct aura_http_req *req = req_new(h, wsi);
    if (!req) {
        return -1;
    }
    req->upgrading = true;
    bool accepted = h->handlers.upgrade(h->arg, req) && req->accepted;
    if (accepted) {
        conn->ws = req->accepted;
    } else if (req->answered && req->answer.len) {
        (void)write_part(req); /* short texts: fits the socket's buffer */
    }
    bool handled = req->answered;
    req_free(req);
    return accepted ? 0 : handled ? 1 : -1;
}

static int on_http_writable(struct lws *wsi) {
    struct http_conn *conn = conn_of(wsi);
    if (conn && conn->req && conn->req->due_status) {
        aura__http_later_write(conn->req);
        return conn->req->answer.len ? 0 : finish(wsi, conn);
    }
    if (!conn || !conn->req || !conn->req->answered) {
        return 0;
    }
    if (write_part(conn->req)) {
        return -1;
    }
    if (conn->req->sent < conn->req->answer.len) {
        lws_callback_on_writable(wsi);
        return 0;
    }
    return finish(wsi, conn);
}

int aura__http_callback(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in,
                        size_t len) {
    struct lws_context *context = wsi ? lws_get_context(wsi) : NULL;
    struct aura_http *h = context ? lws_context_user(context) : NULL;
    struct http_conn *conn;
    switch ((int)reason) {
    case LWS_CALLBACK_HTTP:
        return on_http(h, wsi);
    case LWS_CALLBACK_HTTP_BODY:
        return on_body(wsi, in, len);
    case LWS_CALLBACK_HTTP_BODY_COMPLETION:
        conn = conn_of(wsi);
        return conn && conn->req && !conn->req->answered && !conn->req->later &&
                       !conn->req->due_status
                   ? answer(h, wsi, conn)
                   : 0;
    case LWS_CALLBACK_HTTP_WRITEABLE:
        return on_http_writable(wsi);
    case LWS_CALLBACK_HTTP_CONFIRM_UPGRADE:
        return on_upgrade(h, wsi, in);
    case LWS_CALLBACK_ESTABLISHED:
    case LWS_CALLBACK_RECEIVE:
    case LWS_CALLBACK_RECEIVE_PONG:
    case LWS_CALLBACK_WS_PEER_INITIATED_CLOSE:
    case LWS_CALLBACK_SERVER_WRITEABLE:
        conn = conn_of(wsi);
        return conn && conn->ws ? aura__ws_callback(h, wsi, reason, conn->ws, in, len) : -1;
    case LWS_CALLBACK_WSI_DESTROY:
        drop_conn(wsi);
        return 0;
    case LWS_CALLBACK_OPENSSL_LOAD_EXTRA_SERVER_VERIFY_CERTS: /* a context for TLS, to be filled */
        if (aura__http_near_is(in)) {
            return aura__http_near_equip(h->near, user, true) ? -1 : 0;
        }
        return h->tls && aura_tls_equip(h->tls, user) ? -1 : 0;
    default:
        return 0;
    }
}
