/* SPDX-License-Identifier: Apache-2.0 */
#include "api/http_priv.h"
#include "base/mem.h"

#include <openssl/err.h>

#include <openssl/ssl.h>

#include <string.h>
#include <sys/socket.h>

enum { CLOSE_ACK_S = 2, LIVENESS_S = 1 };

struct aura_ws *aura__ws_new(struct aura_http *h, void *user) {
    struct aura_ws *ws = aura_zalloc(sizeof(*ws));
    if (ws) {
        ws->http = h;
        ws->user = user;
        ws->in = AURA_BUF(AURA_WS_MESSAGE_BYTES_MAX);
        ws->queue_end = &ws->queue;
    }
    return ws;
}

void aura__ws_free(struct aura_ws *ws) {
    for (struct ws_message *m = ws->queue, *next; m; m = next) {
        next = m->next;
        aura_free(m);
    }
    aura_buf_free(&ws->in);
    aura_node_remove(&ws->node);
    ws->dead = true;
    if (ws->open) {
        ws->http->stats.open--;
    }
    ws->http->handlers.ws_closed(ws->http->arg, ws->user);
    aura_free(ws);
}

static void heard(struct aura_ws *ws) {
    ws->heard_us = aura_now_us(aura_loop_clock(ws->http->loop));
    ws->ping_due = ws->pinged = false;
}

static void look_after(struct aura_ws *ws, uint64_t now_us) {
    uint64_t silent_us = now_us - ws->heard_us;
    if (silent_us >= AURA_HTTP_IDLE_S * AURA_US_PER_S) {
        lws_set_timeout(ws->wsi, PENDING_TIMEOUT_WS_PONG_CHECK_GET_PONG, LWS_TO_KILL_SYNC);
    } else if (silent_us >= AURA_HTTP_PING_S * AURA_US_PER_S && !ws->ping_due && !ws->pinged) {
        ws->ping_due = true;
        lws_callback_on_writable(ws->wsi);
    }
}

static void on_liveness(void *arg) {
    struct aura_http *h = arg;
    /* It cannot fail: the heap has the place that this timer just left. */
    AURA_BUG_ON(aura__ws_liveness(h));
    uint64_t now_us = aura_now_us(aura_loop_clock(h->loop));
    AURA_LIST_EACH(&h->sockets, struct aura_ws, ws, node) {
        look_after(ws, now_us);
    }
}

int aura__ws_liveness(struct aura_http *h) {
    return aura_timer_start(aura_loop_timers(h->loop), &h->liveness, LIVENESS_S * AURA_US_PER_S,
                            on_liveness, h);
}

static bool write_message(struct aura_ws *ws, struct ws_message *m) {
    return lws_write(ws->wsi, m->bytes + LWS_PRE, m->len,
                     m->text ? LWS_WRITE_TEXT : LWS_WRITE_BINARY) >= (int)m->len;
}

/* What is written at once leaves a turn of the loop earlier, and without asking the kernel to say
 * when it may. lws keeps what the socket does not take. */
static bool may_write(const struct aura_ws *ws) {
    return ws->open && !ws->queue && !ws->ping_due && !lws_partial_buffered(ws->wsi);
}

static void write_now(struct aura_ws *ws, struct ws_message *m) {
    if (!write_message(ws, m)) { /* it is broken: lws ends it, but not in the middle of a call */
        ws->closing = ws->close_sent = true;
        lws_set_timeout(ws->wsi, PENDING_TIMEOUT_KILLED_BY_PARENT, LWS_TO_KILL_ASYNC);
    }
    aura_free(m);
}

int aura_ws_send(struct aura_ws *ws, const uint8_t *data, size_t len, bool text) {
    if (ws->closing || ws->dead) {
        return AURA_ECLOSED;
    }
    if (ws->queued_bytes + len > AURA_WS_QUEUE_BYTES_MAX) {
        ws->http->stats.slow_closed++;
        aura_ws_close(ws, LWS_CLOSE_STATUS_POLICY_VIOLATION, "too slow a reader");
        return AURA_ELIMIT;
    }
    struct ws_message *m = aura_zalloc(sizeof(*m) + LWS_PRE + len);
    if (!m) {
        return AURA_ENOMEM;
    }
    m->len = len;
    m->text = text;
    memcpy(m->bytes + LWS_PRE, data, len);
    if (may_write(ws)) {
        write_now(ws, m);
        return 0;
    }
    *ws->queue_end = m;
    ws->queue_end = &m->next;
    ws->queued_bytes += len;
    if (ws->wsi) {
        lws_callback_on_writable(ws->wsi);
    }
    return 0;
}

size_t aura_ws_queued(const struct aura_ws *ws) {
    return ws->queued_bytes;
}

void aura_ws_close(struct aura_ws *ws, int code, const char *reason) {
    if (ws->closing || ws->dead) {
        return;
    }
    ws->closing = true;
    ws->close_code = code;
    strncpy(ws->close_reason, reason, sizeof(ws->close_reason) - 1);
    if (ws->wsi) {
        lws_callback_on_writable(ws->wsi);
    }
}

static int on_receive(struct aura_ws *ws, struct lws *wsi, const void *in, size_t len) {
    if (ws->closing) {
        return 0;
    }
    if (lws_is_first_fragment(wsi)) {
        aura_buf_clear(&ws->in);
        ws->in_text = !lws_frame_is_binary(wsi);
    }
    if (aura_buf_add(&ws->in, in, len)) {
        aura_ws_close(ws, LWS_CLOSE_STATUS_MESSAGE_TOO_LARGE, "message too large");
        return 0;
    }
    if (lws_is_final_fragment(wsi) && lws_remaining_packet_payload(wsi) == 0) {
        struct aura_http *h = ws->http;
        h->handlers.ws_message(h->arg, ws->user, ws->in.data, ws->in.len, ws->in_text);
        aura_buf_clear(&ws->in);
    }
    return 0;
}

static bool send_now(struct lws *wsi, const uint8_t *data, size_t len) {
    SSL *ssl = lws_get_ssl(wsi);
    if (ssl) {
        ERR_clear_error();
        return SSL_write(ssl, data, (int)len) == (int)len;
    }
    return send(lws_get_socket_fd(wsi), data, len, MSG_NOSIGNAL | MSG_DONTWAIT) == (ssize_t)len;
}

/* We write the close frame ourselves: with libuv, lws 4.1 shuts the socket before its own is out.
 * The peer's answer ends the connection, or else the time limit. */
static int send_close(struct aura_ws *ws, struct lws *wsi) {
    uint8_t frame[4 + sizeof(ws->close_reason)] = {0x88}; /* FIN, opcode close */
    size_t reason = strlen(ws->close_reason), len = 4 + reason;
    if (ws->close_sent) {
        return 0;
    }
    ws->close_sent = true;
    frame[1] = (uint8_t)(2 + reason);
    frame[2] = (uint8_t)(ws->close_code >> 8);
    frame[3] = (uint8_t)ws->close_code;
    memcpy(frame + 4, ws->close_reason, reason);
    if (lws_partial_buffered(wsi) || !send_now(wsi, frame, len)) {
        return -1;
    }
    lws_set_timeout(wsi, PENDING_TIMEOUT_CLOSE_ACK, CLOSE_ACK_S);
    return 0;
}

/* With a byte in it: lws 4.1 does not tell of answers to empty ones, which are empty too. */
static int send_ping(struct aura_ws *ws, struct lws *wsi) {
    uint8_t room[LWS_PRE + 1] = {0};
    ws->ping_due = false;
    ws->pinged = true;
    if (lws_write(wsi, room + LWS_PRE, 1, LWS_WRITE_PING) < 0) {
        return -1;
    }
    if (ws->queue || ws->closing) {
        lws_callback_on_writable(wsi);
    }
    return 0;
}

static int on_writable(struct aura_ws *ws, struct lws *wsi) {
    struct ws_message *m = ws->queue;
    if (ws->ping_due && !ws->close_sent) {
        return send_ping(ws, wsi);
    }
    if (!m) {
        return ws->closing ? send_close(ws, wsi) : 0;
    }
    bool failed = !write_message(ws, m);
    ws->queue = m->next;
    ws->queue_end = ws->queue ? ws->queue_end : &ws->queue;
    ws->queued_bytes -= m->len;
    aura_free(m);
    if (failed) {
        return -1;
    }
    if (ws->queue || ws->closing) {
        lws_callback_on_writable(wsi);
    } else if (ws->drained) {
        ws->drained(ws->drained_arg);
    }
    return 0;
}

void aura_ws_pause(struct aura_ws *ws, bool pause) {
    if (ws->wsi && !ws->dead) {
        (void)lws_rx_flow_control(ws->wsi, !pause);
    }
}

void aura_ws_on_drained(struct aura_ws *ws, void (*fn)(void *arg), void *arg) {
    ws->drained = fn;
    ws->drained_arg = arg;
}

int aura__ws_callback(struct aura_http *h, struct lws *wsi, enum lws_callback_reasons reason,
                      struct aura_ws *ws, void *in, size_t len) {
    if (reason == LWS_CALLBACK_ESTABLISHED) {
        ws->wsi = wsi;
        ws->open = true;
        h->stats.opened++;
        h->stats.open++;
        heard(ws);
        aura_list_add(&h->sockets, &ws->node);
        h->handlers.ws_open(h->arg, ws, ws->user);
    } else if (reason == LWS_CALLBACK_RECEIVE_PONG) {
        heard(ws);
    } else if (reason == LWS_CALLBACK_RECEIVE) {
        heard(ws);
        return on_receive(ws, wsi, in, len);
    } else if (reason == LWS_CALLBACK_SERVER_WRITEABLE) {
        return on_writable(ws, wsi);
    } else if (reason == LWS_CALLBACK_WS_PEER_INITIATED_CLOSE && ws->close_sent) {
        /* The answer to ours, of which lws does not know: its answer to that would be a second
         * close, for which browsers forget our code (1006). */
        return -1;
    }
    return 0;
}
