/* SPDX-License-Identifier: Apache-2.0 */
/* WebSockets to other nodes. */
#include "api/http_priv.h"
#include "base/mem.h"

#include <stdio.h>
#include <string.h>

struct aura_link {
    struct aura_http *http;
    struct lws *wsi;
    struct aura_link_handlers handlers;
    void *arg;
    char *bearer, *forwarded, *user_agent, *node, *target; /* target: path and query, cut in two */
    const char *query;
    struct aura_buf in;
    bool in_text, open, was_open, opening, detached, destroyed;
    struct ws_message *queue, **queue_end;
    size_t queued_bytes;
    int code;
    char reason[124];
};

static void link_free(struct aura_link *l) {
    for (struct ws_message *m = l->queue, *next; m; m = next) {
        next = m->next;
        aura_free(m);
    }
    if (l->bearer) {
        aura_wipe(l->bearer, strlen(l->bearer));
    }
    aura_free(l->bearer);
    aura_free(l->forwarded);
    aura_free(l->user_agent);
    aura_free(l->node);
    aura_free(l->target);
    aura_buf_free(&l->in);
    aura_free(l);
}

static int add(struct lws *wsi, const char *name, const char *value, unsigned char **p,
               unsigned char *end) {
    return *value ? lws_add_http_header_by_name(wsi, (const unsigned char *)name,
                                                (const unsigned char *)value, (int)strlen(value), p,
                                                end)
                  : 0;
}

static int add_headers(const struct aura_link *l, struct lws *wsi, unsigned char **p, size_t room) {
    unsigned char *end = *p + room;
    return add(wsi, "authorization:", l->bearer, p, end) ||
                   add(wsi, "x-forwarded-for:", l->forwarded, p, end) ||
                   add(wsi, "user-agent:", l->user_agent, p, end) ||
                   add(wsi, HTTP_NEAR_NODE, l->node, p, end) ||
                   add(wsi, HTTP_NEAR_QUERY, l->query, p, end)
               ? -1
               : 0;
}

static int receive(struct aura_link *l, struct lws *wsi, const void *in, size_t len) {
    if (lws_is_first_fragment(wsi)) {
        aura_buf_clear(&l->in);
        l->in_text = !lws_frame_is_binary(wsi);
    }
    if (aura_buf_add(&l->in, in, len)) {
        return -1;
    }
    if (lws_is_final_fragment(wsi) && lws_remaining_packet_payload(wsi) == 0 && !l->detached) {
        l->handlers.message(l->arg, l->in.data, l->in.len, l->in_text);
        aura_buf_clear(&l->in);
    }
    return 0;
}

static int write_next(struct aura_link *l, struct lws *wsi) {
    struct ws_message *m = l->queue;
    if (!m) {
        return l->detached ? -1 : 0;
    }
    int done =
        lws_write(wsi, m->bytes + LWS_PRE, m->len, m->text ? LWS_WRITE_TEXT : LWS_WRITE_BINARY);
    bool failed = done < (int)m->len;
    l->queue = m->next;
    l->queue_end = l->queue ? l->queue_end : &l->queue;
    l->queued_bytes -= m->len;
    aura_free(m);
    if (failed) {
        return -1;
    }
    if (l->queue || l->detached) {
        lws_callback_on_writable(wsi);
    } else {
        l->handlers.drained(l->arg);
    }
    return 0;
}

static void keep_close(struct aura_link *l, const uint8_t *in, size_t len) {
    if (len >= 2) {
        l->code = in[0] << 8 | in[1];
        size_t n = len - 2 < sizeof(l->reason) - 1 ? len - 2 : sizeof(l->reason) - 1;
        memcpy(l->reason, in + 2, n);
    }
}

static void destroyed(struct aura_link *l) {
    bool was = l->was_open;
    l->wsi = NULL;
    l->destroyed = true;
    if (l->opening) {
        return; /* aura_link_open() says so */
    }
    if (!l->detached) {
        l->handlers.closed(l->arg, was, l->code, l->reason);
    }
    link_free(l);
}

int aura__link_callback(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in,
                        size_t len) {
    struct aura_link *l = wsi ? lws_get_opaque_user_data(wsi) : NULL;
    if (reason == LWS_CALLBACK_OPENSSL_LOAD_EXTRA_CLIENT_VERIFY_CERTS) {
        const struct aura_http *h = wsi ? lws_context_user(lws_get_context(wsi)) : NULL;
        return !h || aura__http_near_equip(h->near, user, false) ? -1 : 0;
    }
    if (!l) {
        return 0;
    }
    switch ((int)reason) {
    case LWS_CALLBACK_CLIENT_APPEND_HANDSHAKE_HEADER:
        return add_headers(l, wsi, in, len);
    case LWS_CALLBACK_CLIENT_ESTABLISHED:
        l->wsi = wsi;
        l->open = l->was_open = true;
        if (l->queue || l->detached) {
            lws_callback_on_writable(wsi);
        }
        if (!l->detached) {
            l->handlers.opened(l->arg);
        }
        return 0;
    case LWS_CALLBACK_CLIENT_RECEIVE:
        return receive(l, wsi, in, len);
    case LWS_CALLBACK_CLIENT_WRITEABLE:
        return write_next(l, wsi);
    case LWS_CALLBACK_WS_PEER_INITIATED_CLOSE:
        keep_close(l, in, len);
        return 0;
    case LWS_CALLBACK_WSI_DESTROY:
        lws_set_opaque_user_data(wsi, NULL);
        destroyed(l);
        return 0;
    default:
        return 0;
    }
}

static int start(struct aura_link *l, const struct aura_link_conf *conf) {
    struct aura_addr to;
    char ip[AURA_ADDR_TEXT_MAX];
    if (aura_addr_parse(&to, conf->address) || !to.port) {
        return AURA_EINVAL;
    }
    bool tls = *l->http->near->ca;
    /* lws 4.1 cuts a request line after 2,048 bytes: the query goes in a header. */
    char *mark = strchr(l->target, '?');
    l->query = mark ? mark + 1 : "";
    if (mark) {
        *mark = 0;
    }
    struct lws_client_connect_info info = {
        .context = l->http->context,
        .vhost = l->http->links,
        .address = aura_addr_ip_text(&to, ip),
        .port = to.port,
        .path = l->target,
        .host = conf->address,
        .origin = conf->address,
        .local_protocol_name = "link",
        .opaque_user_data = l,
        .pwsi = &l->wsi,
        .ssl_connection = tls ? LCCSCF_USE_SSL | LCCSCF_SKIP_SERVER_CERT_HOSTNAME_CHECK : 0,
    };
    l->opening = true;
    struct lws *wsi = lws_client_connect_via_info(&info);
    l->opening = false;
    return wsi && !l->destroyed ? 0 : AURA_EIO;
}

int aura_link_open(struct aura_link **out, struct aura_http *h, const struct aura_link_conf *conf,
                   const struct aura_link_handlers *handlers, void *arg) {
    size_t cap = strlen(conf->bearer) + sizeof("Bearer ");
    struct aura_link *l = aura_zalloc(sizeof(*l));
    if (!l) {
        return AURA_ENOMEM;
    }
    l->http = h;
    l->handlers = *handlers;
    l->arg = arg;
    l->in = AURA_BUF(AURA_WS_MESSAGE_BYTES_MAX);
    l->queue_end = &l->queue;
    l->bearer = aura_zalloc(cap);
    l->forwarded = aura_strdup(conf->forwarded);
    l->user_agent = aura_strdup(conf->user_agent);
    l->node = aura_strdup(conf->node ? conf->node : "");
    l->target = aura_strdup(conf->target);
    bool whole = l->bearer && l->forwarded && l->user_agent && l->node && l->target;
    int err = whole ? 0 : AURA_ENOMEM;
    if (!err && *conf->bearer) {
        snprintf(l->bearer, cap, "Bearer %s", conf->bearer);
    }
    err = err ? err : start(l, conf);
    if (err) {
        l->detached = true;
        if (!l->wsi || l->destroyed) { /* else lws tells when it is done with it */
            link_free(l);
        }
        return err;
    }
    *out = l;
    return 0;
}

int aura_link_send(struct aura_link *l, const uint8_t *data, size_t len, bool text) {
    if (l->queued_bytes + len > AURA_LINK_QUEUE_BYTES_MAX) {
        return AURA_ELIMIT;
    }
    struct ws_message *m = aura_zalloc(sizeof(*m) + LWS_PRE + len);
    if (!m) {
        return AURA_ENOMEM;
    }
    m->len = len;
    m->text = text;
    memcpy(m->bytes + LWS_PRE, data, len);
    *l->queue_end = m;
    l->queue_end = &m->next;
    l->queued_bytes += len;
    if (l->open) {
        lws_callback_on_writable(l->wsi);
    }
    return 0;
}

size_t aura_link_queued(const struct aura_link *l) {
    return l->queued_bytes;
}

void aura_link_pause(struct aura_link *l, bool pause) {
    if (l->open) {
        (void)lws_rx_flow_control(l->wsi, !pause);
    }
}

void aura_link_close(struct aura_link *l) {
    l->detached = true;
    if (l->open) {
        lws_callback_on_writable(l->wsi);
    } else if (l->wsi) {
        lws_set_timeout(l->wsi, PENDING_TIMEOUT_KILLED_BY_PARENT, LWS_TO_KILL_ASYNC);
    }
}
