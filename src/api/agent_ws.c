/* SPDX-License-Identifier: Apache-2.0 */
/* Agent workers over WebSocket: /agent. */
#include "api/pbjson.h"
#include "api/server_priv.h"
#include "base/mem.h"
#include "room/agents.h"

#include <stdlib.h>
#include <string.h>

struct agent {
    const struct aura__ws_kind *kind;
    struct aura_server *server;
    struct aura_worker *worker;
    struct aura_ws *ws;
    char *api_key;
    bool json; /* the first frame was text: so are ours then */
};

static void send_json(struct agent *a, const uint8_t *message, size_t len) {
    Livekit__ServerMessage *m = livekit__server_message__unpack(aura_pb_allocator(), len, message);
    json_t *json = m ? aura_pbjson_encode(&m->base, AURA_PBJSON_COMPACT) : NULL;
    char *text = json ? json_dumps(json, JSON_COMPACT) : NULL;
    if (text) {
        (void)aura_ws_send(a->ws, (const uint8_t *)text, strlen(text), true);
    }
    free(text); /* library's memory */
    json_decref(json);
    if (m) {
        livekit__server_message__free_unpacked(m, aura_pb_allocator());
    }
}

static void sink_send(void *arg, const uint8_t *message, size_t len) {
    struct agent *a = arg;
    if (a->json) {
        send_json(a, message, len);
    } else {
        (void)aura_ws_send(a->ws, message, len, false); /* too slow: it is being closed then */
    }
}

static void sink_close(void *arg, int code, const char *reason) {
    struct agent *a = arg;
    aura_ws_close(a->ws, code, reason);
}

static void on_open(void *user, struct aura_ws *ws) {
    static const struct aura_signal_sink sink = {sink_send, sink_close};
    struct agent *a = user;
    a->ws = ws;
    if (aura_worker_new(&a->worker, a->server->rooms, a->api_key, &sink, a)) {
        a->worker = NULL;
        aura_ws_close(ws, 1013, "too many workers");
    }
}

static int receive_json(struct agent *a, const uint8_t *data, size_t len) {
    char why[160];
    ProtobufCMessage *m = NULL;
    json_t *json = json_loadb((const char *)data, len, 0, NULL);
    int err = json ? aura_pbjson_decode(&livekit__worker_message__descriptor, json,
                                        aura_pb_allocator(), &m, why, sizeof(why))
                   : AURA_EMALFORMED;
    json_decref(json);
    if (err) {
        return err;
    }
    size_t packed = protobuf_c_message_get_packed_size(m);
    uint8_t *bytes = aura_zalloc(packed);
    if (bytes) {
        protobuf_c_message_pack(m, bytes);
        err = aura_worker_recv(a->worker, bytes, packed);
        aura_free(bytes);
    }
    protobuf_c_message_free_unpacked(m, aura_pb_allocator());
    return bytes ? err : AURA_ENOMEM;
}

static void on_message(void *user, const uint8_t *data, size_t len, bool text) {
    struct agent *a = user;
    if (!a->worker) {
        return;
    }
    a->json = a->json || text;
    int err = text ? receive_json(a, data, len) : aura_worker_recv(a->worker, data, len);
    if (err) {
        aura_ws_close(a->ws, 1007, "not a WorkerMessage that is wanted now");
    }
}

static void on_closed(void *user) {
    struct agent *a = user;
    if (a->worker) {
        aura_worker_closed(a->worker);
    }
    aura_free(a->api_key);
    aura_free(a);
}

bool aura__agent_upgrade(struct aura_server *s, struct aura_http_req *req) {
    static const struct aura__ws_kind kind = {on_open, on_message, on_closed};
    struct aura_claims claims;
    const char *why = "";
    aura_claims_init(&claims);
    int err = aura__authorize(s, req, &claims, &why);
    if (err || !claims.video.agent) {
        aura__respond_text(req, 401, err ? why : "permissions denied");
        aura_claims_clear(&claims);
        return false;
    }
    struct agent *a = aura_zalloc(sizeof(*a));
    char *key = a ? aura_strdup(claims.api_key) : NULL;
    aura_claims_clear(&claims);
    if (!key) {
        aura_free(a);
        aura__respond_text(req, 503, "out of memory");
        return false;
    }
    *a = (struct agent){.kind = &kind, .server = s, .api_key = key};
    aura_http_accept(req, a);
    return true;
}
