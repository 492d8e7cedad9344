/* SPDX-License-Identifier: Apache-2.0 */
/* /aura/v1/events: what happens to somebody, told to one of their devices over a WebSocket. */
#include "api/aura_v1_priv.h"
#include "api/meet_priv.h"
#include "auraid/exchange.h"
#include "base/mem.h"

#include <string.h>

enum { SIGNED_OUT = 4002 /* as AURA_HUB_REPLACED and _FORGOTTEN */ };

struct events {
    const struct aura__ws_kind *kind;
    struct aura_exchange *exchange;
    struct aura_hub_device *device; /* NULL = it was not taken */
    struct aura_ws *ws;             /* NULL = it is not open yet */
    struct aura__session_watch watch;
    struct aura_id who;
    char app[AURA_HUB_APP_MAX + 1], name[AURA_HUB_NAME_MAX + 1];
};

static int sink_send(void *arg, const char *text, size_t len) {
    const struct events *e = arg;
    return aura_ws_send(e->ws, (const uint8_t *)text, len, true);
}

static size_t sink_queued(void *arg) {
    const struct events *e = arg;
    return aura_ws_queued(e->ws);
}

static void sink_close(void *arg, int code, const char *reason) {
    const struct events *e = arg;
    aura_ws_close(e->ws, code, reason);
}

/* A browser that is signed out hears nothing more. */
static void on_signed_out(struct aura__session_watch *w) {
    const struct events *e = AURA_CONTAINER(w, struct events, watch);
    if (e->ws) {
        aura_ws_close(e->ws, SIGNED_OUT, "signed out");
    }
}

static void on_open(void *user, struct aura_ws *ws) {
    static const struct aura_hub_sink sink = {sink_send, sink_queued, sink_close};
    struct events *e = user;
    const struct aura_exchange_caller caller = {&e->who, e->app, e->name};
    e->ws = ws;
    int err = aura_exchange_open(e->exchange, &caller, &sink, e, &e->device);
    if (err) {
        aura_ws_close(ws, 1013,
                      err == AURA_ELIMIT ? "too many devices are connected: disconnect one"
                                         : "out of memory: try again later");
    }
}

static void on_message(void *user, const uint8_t *data, size_t len, bool text) {
    const struct events *e = user;
    (void)data;
    (void)len;
    (void)text;
    aura_ws_close(e->ws, 1003, "this connection only tells: POST below /aura/v1/calls");
}

static void on_closed(void *user) {
    struct events *e = user;
    aura_node_remove(&e->watch.node);
    if (e->device) {
        aura_exchange_closed(e->exchange, e->device);
    }
    aura_free(e);
}

static bool refuse(struct aura_http_req *req, int status, const char *code, const char *message) {
    const struct aura_v1_error why = {status, code, message, 0};
    aura__v1_respond_error(req, &why);
    return false;
}

static bool take(struct aura_server *s, struct aura_http_req *req,
                 const struct aura_v1_caller *caller) {
    static const struct aura__ws_kind kind = {on_open, on_message, on_closed};
    const char *name = aura_http_query(req, "device");
    if (!caller->is_somebody) {
        return refuse(req, 400, "for_whom",
                      "an app's own token has to say for whom it asks: ?as=@name.aura");
    }
    if (!name || !aura_hub_is_name(name)) {
        return refuse(req, 400, "bad_request",
                      "name the device: ?device= with 1 to 63 letters, digits, \".\", \"_\" or "
                      "\"-\"");
    }
    if (strlen(caller->app) > AURA_HUB_APP_MAX) {
        return refuse(req, 400, "bad_request", "the API key is longer than 126 bytes");
    }
    struct events *e = aura_zalloc(sizeof(*e));
    if (!e) {
        return refuse(req, 503, "unavailable", "out of memory: try again later");
    }
    e->kind = &kind;
    e->exchange = aura__calls_exchange(s->calls);
    e->who = caller->who;
    strncpy(e->app, caller->app, sizeof(e->app) - 1);
    strncpy(e->name, name, sizeof(e->name) - 1);
    if (caller->session) {
        e->watch =
            (struct aura__session_watch){.session = caller->session_id, .ended = on_signed_out};
        aura__accounts_watch(s, &e->watch);
    }
    aura_http_accept(req, e);
    return true;
}

bool aura__events_upgrade(struct aura_server *s, struct aura_http_req *req) {
    struct aura_v1_caller caller;
    struct aura_v1_error why;
    if (aura__v1_caller(s, req, true, &caller, &why)) {
        aura__v1_respond_error(req, &why);
        return false;
    }
    bool taken = take(s, req, &caller);
    aura__v1_caller_clear(&caller);
    return taken;
}
