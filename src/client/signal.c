/* SPDX-License-Identifier: Apache-2.0 */
#include "client/signal.h"

#include "base/buf.h"
#include "base/log.h"
#include "base/mem.h"

#include <libwebsockets.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <uv.h>

enum {
    FDS_MAX = 65536,
    TICK_MS = 100, /* lws' own time limits are looked at this often */
    URL_BYTES = 1024,
    TURN_RUNS_MAX = 16,
    RUNS = 2, /* of the inner loop after anything happened: what it asked for, and what came */
};

struct aura_signals {
    struct aura_loop *loop;
    struct aura_watch watch;
    struct aura_timer tick;
    uv_loop_t uv;
    void *loops[1]; /* lws keeps a pointer to this */
    struct lws_context *context;
    enum aura_signal_tls tls;
    unsigned runs; /* of the inner loop that the end of this turn owes */
};

struct message {
    struct message *next;
    size_t len;
    uint8_t bytes[]; /* LWS_PRE bytes of headroom, then the message */
};

struct aura_signal {
    struct aura_signals *owner;
    struct lws *wsi;
    struct aura_signal_handlers handlers;
    void *arg;
    char *bearer;
    struct aura_buf in;
    struct message *queue, **queue_end;
    size_t queued_bytes;
    bool opening, open, destroyed; /* destroyed: lws has forgotten the connection */
    bool detached;                 /* the owner let go: no callbacks */
    bool ended;                    /* `closed` was called */
};

static void run_inner(struct aura_signals *s) {
    (void)uv_run(&s->uv, UV_RUN_NOWAIT);
}

/* libuv tells the kernel of new interests only when it runs again. */
static void owe_runs(struct aura_signals *s) {
    s->runs = RUNS;
}

static void signal_free(struct aura_signal *s) {
    for (struct message *m = s->queue, *next; m; m = next) {
        next = m->next;
        aura_free(m);
    }
    if (s->bearer) {
        aura_wipe(s->bearer, strlen(s->bearer));
        aura_free(s->bearer);
    }
    aura_buf_free(&s->in);
    aura_free(s);
}

static void end(struct aura_signal *s, int err, const char *why) {
    if (!s->ended && !s->detached && !s->opening) {
        s->ended = true;
        s->handlers.closed(s->arg, err, why);
    }
}

static int pop(struct aura_signal *s, struct lws *wsi) {
    struct message *m = s->queue;
    if (!m) {
        return s->detached ? -1 : 0;
    }
    int done = lws_write(wsi, m->bytes + LWS_PRE, m->len, LWS_WRITE_BINARY);
    bool failed = done < (int)m->len;
    s->queue = m->next;
    s->queue_end = s->queue ? s->queue_end : &s->queue;
    s->queued_bytes -= m->len;
    aura_free(m);
    if (!failed && (s->queue || s->detached)) {
        lws_callback_on_writable(wsi);
    }
    return failed ? -1 : 0;
}

static int receive(struct aura_signal *s, struct lws *wsi, const void *in, size_t len) {
    if (lws_is_first_fragment(wsi)) {
        aura_buf_clear(&s->in);
    }
    if (aura_buf_add(&s->in, in, len)) {
        end(s, s->in.err, "a message of the server is too long");
        return -1;
    }
    if (!lws_is_final_fragment(wsi) || lws_remaining_packet_payload(wsi) > 0) {
        return 0;
    }
    Livekit__SignalResponse *m =
        livekit__signal_response__unpack(NULL, s->in.len, s->in.data ? s->in.data : (uint8_t *)"");
    if (!m) {
        end(s, AURA_EMALFORMED, "a message of the server is not protobuf");
        return -1;
    }
    if (!s->detached) {
        s->handlers.message(s->arg, m);
    }
    livekit__signal_response__free_unpacked(m, NULL);
    aura_buf_clear(&s->in);
    return 0;
}

static void refused(struct aura_signal *s, struct lws *wsi, const char *text) {
    char why[256];
    unsigned status = wsi ? lws_http_client_http_response(wsi) : 0;
    SSL *ssl = wsi ? lws_get_ssl(wsi) : NULL;
    long verified = ssl ? SSL_get_verify_result(ssl) : X509_V_OK;
    if (verified != X509_V_OK && s->owner->tls == AURA_SIGNAL_TLS) {
        snprintf(why, sizeof(why),
                 "the server's certificate is not trusted (%s): name its authority's file with "
                 "--ca-file or "
                 "SSL_CERT_FILE",
                 X509_verify_cert_error_string(verified));
    } else if (status) {
        snprintf(why, sizeof(why), "HTTP status %u", status);
    } else {
        snprintf(why, sizeof(why), "%s", text && *text ? text : "no connection");
    }
    end(s,
        status == 401 || status == 403 ? AURA_EAUTH
        : status == 404                ? AURA_ENOENT
                                       : AURA_EIO,
        why);
}

static int add_bearer(struct aura_signal *s, struct lws *wsi, unsigned char **p, size_t room) {
    return lws_add_http_header_by_name(
               wsi, (const unsigned char *)"authorization:", (const unsigned char *)s->bearer,
               (int)strlen(s->bearer), p, *p + room)
               ? -1
               : 0;
}

static void destroyed(struct aura_signal *s) {
    s->wsi = NULL;
    s->destroyed = true;
    s->open = false;
    end(s, AURA_ECLOSED, "the server closed the connection");
    if (s->detached && !s->opening) {
        signal_free(s);
    }
}

static int callback(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in,
                    size_t len) {
    struct aura_signal *s = wsi ? lws_get_opaque_user_data(wsi) : NULL;
    (void)user;
    if (!s) {
        return 0;
    }
    owe_runs(s->owner);
    switch ((int)reason) {
    case LWS_CALLBACK_CLIENT_APPEND_HANDSHAKE_HEADER:
        return add_bearer(s, wsi, in, len);
    case LWS_CALLBACK_CLIENT_ESTABLISHED:
        s->wsi = wsi;
        s->open = true;
        if (s->queue || s->detached) {
            lws_callback_on_writable(wsi);
        }
        if (!s->detached) {
            s->handlers.opened(s->arg);
        }
        return 0;
    case LWS_CALLBACK_CLIENT_CONNECTION_ERROR:
        refused(s, wsi, in);
        return 0;
    case LWS_CALLBACK_CLIENT_RECEIVE:
        return receive(s, wsi, in, len);
    case LWS_CALLBACK_CLIENT_WRITEABLE:
        return pop(s, wsi);
    case LWS_CALLBACK_WSI_DESTROY:
        lws_set_opaque_user_data(wsi, NULL);
        destroyed(s);
        return 0;
    default:
        return 0;
    }
}

static const struct lws_protocols protocols[] = {
    {.name = "signal", .callback = callback, .rx_buffer_size = 64 * 1024}, {.name = NULL}};

static void on_lws_log(int level, const char *line) {
    char text[256];
    snprintf(text, sizeof(text), "%.*s", (int)strcspn(line, "\n"), line);
    AURA_LOG_LIMITED("client", level & LLL_ERR ? AURA_LOG_WARN : AURA_LOG_DEBUG, "lws",
                     AURA_S("line", text));
}

/* ---- lws' loop inside ours ---- */

static void on_readable(void *arg, struct aura_watch *watch, unsigned events) {
    (void)watch;
    (void)events;
    run_inner(arg);
    owe_runs(arg);
}

static void on_tick(void *arg) {
    struct aura_signals *s = arg;
    /* The heap has the place that this timer just left. */
    AURA_BUG_ON(aura_timer_start(aura_loop_timers(s->loop), &s->tick, TICK_MS * AURA_US_PER_MS,
                                 on_tick, s));
    run_inner(s);
}

void aura_signals_turn(struct aura_signals *s) {
    for (unsigned left = TURN_RUNS_MAX; s->runs > 0 && left > 0; left--) {
        s->runs--;
        run_inner(s);
    }
}

static int make_context(struct aura_signals *s) {
    struct lws_context_creation_info info = {
        .options = LWS_SERVER_OPTION_LIBUV |
                   (s->tls == AURA_SIGNAL_PLAIN ? 0 : LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT),
        .port = CONTEXT_PORT_NO_LISTEN,
        .protocols = protocols,
        .user = s,
        .foreign_loops = s->loops,
        .fd_limit_per_thread = FDS_MAX,
        .pt_serv_buf_size = 64 * 1024,
        .max_http_header_pool2 = 4096,
        .max_http_header_data2 = 16 * 1024,
        .timeout_secs = AURA_SIGNAL_CONNECT_S,
        .connect_timeout_secs = AURA_SIGNAL_CONNECT_S,
    };
    lws_set_log_level(LLL_ERR | LLL_WARN, on_lws_log);
    s->context = lws_create_context(&info);
    return s->context ? 0 : AURA_EIO;
}

int aura_signals_new(struct aura_signals **out, struct aura_loop *loop, enum aura_signal_tls tls) {
    struct aura_signals *s = aura_zalloc(sizeof(*s));
    if (!s) {
        return AURA_ENOMEM;
    }
    s->loop = loop;
    s->tls = tls;
    if (uv_loop_init(&s->uv)) {
        aura_free(s);
        return AURA_EIO;
    }
    s->loops[0] = &s->uv;
    int err = make_context(s);
    if (!err) {
        err = aura_loop_add_fd(loop, &s->watch, uv_backend_fd(&s->uv), AURA_LOOP_READ, on_readable,
                               s);
    }
    if (!err) {
        err = aura_timer_start(aura_loop_timers(loop), &s->tick, TICK_MS * AURA_US_PER_MS, on_tick,
                               s);
    }
    if (err) {
        aura_signals_free(s);
        return err;
    }
    *out = s;
    return 0;
}

struct aura_signals *aura_signals_free(struct aura_signals *s) {
    if (!s) {
        return NULL;
    }
    aura_loop_remove_fd(&s->watch);
    aura_timer_stop(aura_loop_timers(s->loop), &s->tick);
    if (s->context) {
        /* With a foreign loop lws needs its handles to close in between (its own documentation). */
        lws_context_destroy(s->context);
        uv_run(&s->uv, UV_RUN_DEFAULT);
        lws_context_destroy(s->context);
    }
    uv_run(&s->uv, UV_RUN_DEFAULT);
    uv_loop_close(&s->uv);
    aura_free(s);
    return NULL;
}

/* ---- one connection ---- */

static int start(struct aura_signal *s, const struct aura_client_url *url, bool auto_subscribe) {
    char path[URL_BYTES], host[AURA_CLIENT_HOST_MAX + 16];
    bool v6 = strchr(url->host, ':') != NULL;
    snprintf(path, sizeof(path),
             "%s/rtc?auto_subscribe=%d&sdk=cpp&version=0.1.0&protocol=16&os=linux", url->prefix,
             auto_subscribe);
    snprintf(host, sizeof(host), v6 ? "[%s]:%u" : "%s:%u", url->host, url->port);
    struct lws_client_connect_info info = {
        .context = s->owner->context,
        .address = url->host,
        .port = url->port,
        .path = path,
        .host = host,
        .origin = host,
        .local_protocol_name = "signal",
        .opaque_user_data = s,
        .pwsi = &s->wsi,
        .ssl_connection = url->tls ? LCCSCF_USE_SSL : 0,
    };
    if (url->tls && s->owner->tls == AURA_SIGNAL_TLS_ANYONE) {
        info.ssl_connection |= LCCSCF_ALLOW_SELFSIGNED | LCCSCF_ALLOW_INSECURE |
                               LCCSCF_SKIP_SERVER_CERT_HOSTNAME_CHECK;
    }
    s->opening = true;
    struct lws *wsi = lws_client_connect_via_info(&info);
    s->opening = false;
    owe_runs(s->owner);
    return wsi && !s->destroyed ? 0 : AURA_EIO;
}

int aura_signal_open(struct aura_signal **out, struct aura_signals *owner,
                     const struct aura_client_url *url, const char *token, bool auto_subscribe,
                     const struct aura_signal_handlers *handlers, void *arg) {
    size_t cap = strlen(token) + sizeof("Bearer ");
    AURA_REQUIRE(!url->tls || owner->tls != AURA_SIGNAL_PLAIN, AURA_EINVAL);
    struct aura_signal *s = aura_zalloc(sizeof(*s));
    if (!s) {
        return AURA_ENOMEM;
    }
    s->owner = owner;
    s->handlers = *handlers;
    s->arg = arg;
    s->in = AURA_BUF(AURA_SIGNAL_MESSAGE_MAX);
    s->queue_end = &s->queue;
    s->bearer = aura_zalloc(cap);
    if (!s->bearer) {
        signal_free(s);
        return AURA_ENOMEM;
    }
    snprintf(s->bearer, cap, "Bearer %s", token);
    int err = start(s, url, auto_subscribe);
    if (err) {
        s->detached = true;
        if (s->destroyed || !s->wsi) {
            signal_free(s);
        }
        return err;
    }
    *out = s;
    return 0;
}

int aura_signal_send(struct aura_signal *s, const Livekit__SignalRequest *m) {
    if (s->detached || s->ended || s->destroyed) {
        return AURA_ECLOSED;
    }
    size_t len = livekit__signal_request__get_packed_size(m);
    if (s->queued_bytes + len > AURA_SIGNAL_QUEUE_MAX) {
        return AURA_ELIMIT;
    }
    struct message *msg = aura_zalloc(sizeof(*msg) + LWS_PRE + len);
    if (!msg) {
        return AURA_ENOMEM;
    }
    msg->len = livekit__signal_request__pack(m, msg->bytes + LWS_PRE);
    *s->queue_end = msg;
    s->queue_end = &msg->next;
    s->queued_bytes += len;
    if (s->open) {
        lws_callback_on_writable(s->wsi);
        owe_runs(s->owner);
    }
    return 0;
}

void aura_signal_close(struct aura_signal *s) {
    if (!s || s->detached) {
        return;
    }
    s->detached = true;
    if (s->destroyed) {
        signal_free(s);
        return;
    }
    if (s->open) {
        lws_callback_on_writable(s->wsi);
    } else if (s->wsi) {
        lws_set_timeout(s->wsi, PENDING_TIMEOUT_KILLED_BY_PARENT, LWS_TO_KILL_ASYNC);
    }
    owe_runs(s->owner);
}
