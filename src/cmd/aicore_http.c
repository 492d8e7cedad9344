/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/aicore_http.h"

#include "api/http.h"
#include "base/mem.h"

#include <pthread.h>
#include <string.h>

enum { METRICS_BYTES_MAX = 256 << 10 };

struct aicore_http {
    struct aura_aicore *core;
    struct aura_loop *loop;
    struct aura_http *http;
    struct aura_task end;
    pthread_t thread;
    bool started;
};

static void respond_text(struct aura_http_req *req, int status, const char *text) {
    aura_http_respond(req, status, "text/plain; charset=utf-8", text, strlen(text));
}

static void metrics(struct aicore_http *h, struct aura_http_req *req) {
    struct aura_buf b = AURA_BUF(METRICS_BYTES_MAX);
    aura_aicore_metrics(h->core, &b);
    aura_http_respond(req, b.err ? 500 : 200, "text/plain; version=0.0.4; charset=utf-8", b.data,
                      b.len);
    aura_buf_free(&b);
}

static void on_request(void *arg, struct aura_http_req *req) {
    struct aicore_http *h = arg;
    const char *path = aura_http_path(req), *method = aura_http_method(req);
    bool get = strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0;
    if (get && strcmp(path, "/metrics") == 0) {
        metrics(h, req);
    } else if (get && strcmp(path, "/healthz") == 0) {
        bool drains = aura_aicore_drains(h->core);
        respond_text(req, drains ? 503 : 200, drains ? "draining\n" : "serving\n");
    } else {
        respond_text(req, 404, "there are /metrics and /healthz\n");
    }
}

static bool on_upgrade(void *arg, struct aura_http_req *req) {
    (void)arg;
    respond_text(req, 404, "no WebSockets here\n");
    return false;
}

static void *thread_main(void *arg) {
    struct aicore_http *h = arg;
    aura_http_run(h->http);
    return NULL;
}

static void on_end(void *arg) {
    struct aicore_http *h = arg;
    aura_http_stop(h->http);
}

int aicore_http_new(struct aicore_http **hp, const char *address, struct aura_aicore *core) {
    static const struct aura_http_handlers handlers = {.request = on_request,
                                                       .upgrade = on_upgrade};
    struct aura_addr bind;
    if (aura_addr_parse(&bind, address)) {
        return AURA_EINVAL;
    }
    struct aicore_http *h = aura_zalloc(sizeof(*h));
    if (!h) {
        return AURA_ENOMEM;
    }
    const struct aura_http_conf conf = {.bind = &bind, .bind_count = 1, .port = bind.port};
    h->core = core;
    int err = aura_loop_new(&h->loop, aura_clock_system());
    err = err ? err : aura_http_new(&h->http, &conf, h->loop, &handlers, h);
    if (!err) {
        h->started = pthread_create(&h->thread, NULL, thread_main, h) == 0;
        err = h->started ? 0 : AURA_ENOMEM;
    }
    if (err) {
        aicore_http_free(h);
        return err;
    }
    *hp = h;
    return 0;
}

uint16_t aicore_http_port(const struct aicore_http *h) {
    return aura_http_port(h->http);
}

struct aicore_http *aicore_http_free(struct aicore_http *h) {
    if (h) {
        if (h->started) {
            aura_loop_post_task(h->loop, &h->end, on_end, h);
            pthread_join(h->thread, NULL);
        }
        aura_http_free(h->http);
        aura_loop_free(h->loop);
        aura_free(h);
    }
    return NULL;
}
