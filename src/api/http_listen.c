/* SPDX-License-Identifier: Apache-2.0 */
/* The server as a whole: its loop inside libuv's, and where it listens. */
#include "api/http_priv.h"
#include "base/log.h"
#include "base/mem.h"

#include <stdio.h>
#include <string.h>

enum { CONNECTIONS_MAX = 100000 };

static void on_lws_log(int level, const char *line) {
    char text[256];
    snprintf(text, sizeof(text), "%.*s", (int)strcspn(line, "\n"), line);
    AURA_LOG_LIMITED("http", level & LLL_ERR ? AURA_LOG_WARN : AURA_LOG_DEBUG, "lws",
                     AURA_S("line", text));
}

static void on_nested(uv_poll_t *poll, int status, int events) {
    struct aura_http *h = poll->data;
    (void)status;
    (void)events;
    (void)aura_loop_run_once(h->loop, 0);
}

/* Each WebSocket has a buffer of that size for good: larger messages come in pieces. */
enum { WS_CHUNK_BYTES = 2048 };

static const struct lws_protocols protocols[] = {
    {.name = "http", .callback = aura__http_callback, .rx_buffer_size = WS_CHUNK_BYTES},
    {.name = NULL}};

static const lws_retry_bo_t no_liveness = {.secs_since_valid_hangup = 0}; /* aura__ws_liveness() */

static void base_info(struct aura_http *h, struct lws_context_creation_info *info) {
    memset(info, 0, sizeof(*info));
    info->options = LWS_SERVER_OPTION_LIBUV | LWS_SERVER_OPTION_EXPLICIT_VHOSTS |
                    LWS_SERVER_OPTION_VALIDATE_UTF8;
    info->protocols = protocols;
    info->user = h;
    info->max_http_header_data2 = AURA_HTTP_HEADER_BYTES_MAX;
    info->max_http_header_pool2 = 1024;
    info->pt_serv_buf_size = 64 * 1024;
    info->timeout_secs = AURA_HTTP_IDLE_S;
    info->keepalive_timeout = AURA_HTTP_IDLE_S;
    info->retry_and_idle_policy = &no_liveness;
    info->server_string = "auralink";
    info->fd_limit_per_thread = CONNECTIONS_MAX;
    if (h->tls) {
        info->options |=
            LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT | LWS_SERVER_OPTION_CREATE_VHOST_SSL_CTX;
        info->alpn = "http/1.1";
    }
    if (h->near && *h->near->ca) {
        info->options |= LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT;
    }
    info->connect_timeout_secs = AURA_LINK_CONNECT_S;
}

/* Tells a taken port from other failures, which lws does not. */
int aura__http_probe_port(const struct aura_addr *addr, uint16_t port) {
    struct sockaddr_storage sa;
    struct aura_addr a = *addr;
    a.port = port;
    socklen_t len = (socklen_t)aura_addr_to_sockaddr(&a, &sa);
    int fd = socket(sa.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0), one = 1, err = 0;
    if (fd < 0) {
        return AURA_EIO;
    }
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
    if (bind(fd, (struct sockaddr *)&sa, len) || listen(fd, 1)) {
        err = errno == EADDRINUSE ? AURA_EEXISTS : AURA_EIO;
    }
    close(fd);
    return err;
}

static int add_vhost(struct aura_http *h, const struct aura_addr *bind, size_t index, bool aside) {
    uint16_t port = aside ? h->aside_port : h->port;
    struct lws_context_creation_info info;
    struct aura_addr any;
    int err = aura_addr_parse(&any, "0.0.0.0:0");
    if (!err && port) {
        err = aura__http_probe_port(bind ? bind : &any, port);
    }
    if (err) {
        return err;
    }
    base_info(h, &info);
    snprintf(h->names[index], sizeof(h->names[index]), "vhost%zu", index);
    info.vhost_name = h->names[index];
    info.port = port;
    if (aside) {
        info.options &= ~(uint64_t)LWS_SERVER_OPTION_CREATE_VHOST_SSL_CTX;
    }
    info.iface = bind ? aura_addr_ip_text(bind, h->ifaces[index]) : NULL;
    struct lws_vhost *vhost = lws_create_vhost(h->context, &info);
    if (!vhost) {
        return AURA_EIO;
    }
    if (!port) {
        h->port = (uint16_t)lws_get_vhost_listen_port(vhost); /* the kernel's choice */
    }
    return 0;
}

int aura_http_new(struct aura_http **hp, const struct aura_http_conf *conf, struct aura_loop *loop,
                  const struct aura_http_handlers *handlers, void *arg) {
    struct lws_context_creation_info info;
    if (conf->bind_count > HTTP_BINDS_MAX) {
        return AURA_ELIMIT;
    }
    struct aura_http *h = aura_zalloc(sizeof(*h));
    if (!h) {
        return AURA_ENOMEM;
    }
    h->loop = loop;
    h->handlers = *handlers;
    h->arg = arg;
    h->port = conf->port;
    h->aside_port = conf->aside_port;
    h->tls = conf->tls;
    h->near = conf->near;
    aura_list_init(&h->sockets);
    lws_set_log_level(LLL_ERR | LLL_WARN, on_lws_log);
    if (uv_loop_init(&h->uv)) {
        aura_free(h);
        return AURA_EIO;
    }
    h->loops[0] = &h->uv;
    base_info(h, &info);
    info.foreign_loops = h->loops;
    h->context = lws_create_context(&info);
    int err = h->context ? 0 : AURA_EIO;
    size_t binds = conf->bind_count ? conf->bind_count : 1;
    for (size_t i = 0; !err && i < (h->aside_port ? 2 * binds : binds); i++) {
        err = add_vhost(h, conf->bind_count ? &conf->bind[i % binds] : NULL, i, i >= binds);
    }
    if (!err && h->near) {
        base_info(h, &info);
        err = aura__http_near(h, &info);
    }
    err = err ? err : aura__ws_liveness(h);
    if (!err && uv_poll_init(&h->uv, &h->nested, aura_loop_fd(loop)) == 0) {
        h->nested.data = h;
        h->nested_on = true;
        err = uv_poll_start(&h->nested, UV_READABLE, on_nested) ? AURA_EIO : 0;
    }
    if (err) {
        aura_http_free(h);
        return err;
    }
    *hp = h;
    return 0;
}

struct aura_http *aura_http_free(struct aura_http *h) {
    if (!h) {
        return NULL;
    }
    h->freeing = true;
    aura_timer_stop(aura_loop_timers(h->loop), &h->liveness);
    if (h->nested_on) {
        uv_poll_stop(&h->nested);
        uv_close((uv_handle_t *)&h->nested, NULL);
    }
    if (h->context) {
        /* With a foreign loop lws needs its handles to close in between (its own documentation). */
        lws_context_destroy(h->context);
        uv_run(&h->uv, UV_RUN_DEFAULT);
        lws_context_destroy(h->context);
    }
    uv_run(&h->uv, UV_RUN_DEFAULT);
    uv_loop_close(&h->uv);
    aura_free(h);
    return NULL;
}

uint16_t aura_http_port(const struct aura_http *h) {
    return h->port;
}

struct uv_loop_s *aura_http_uv(struct aura_http *h) {
    return &h->uv;
}

uint16_t aura_http_near_port(const struct aura_http *h) {
    return h->near_port;
}

void aura_http_run(struct aura_http *h) {
    (void)aura_loop_run_once(h->loop, 0);
    while (!h->stopping) {
        uv_run(&h->uv, UV_RUN_ONCE);
    }
}

void aura_http_stop(struct aura_http *h) {
    h->stopping = true;
}

void aura_http_stats(const struct aura_http *h, struct aura_http_stats *out) {
    *out = h->stats;
}
