/* SPDX-License-Identifier: Apache-2.0 */
/* Signalling over WebSocket: /rtc (two peer connections) and /rtc/v1 (one), and their /validate. */
#include "api/join_request.h"
#include "api/nodes.h"
#include "api/pbjson.h"
#include "api/presets.h"
#include "api/server_priv.h"
#include "base/log.h"
#include "base/mem.h"
#include "room/identity.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct wish {
    struct aura_claims claims;
    Livekit__JoinRequest *request;
    Livekit__RoomConfiguration *config; /* of the token; NULL = none */
    struct aura_join join;
};

/** One WebSocket of a client. */
struct rtc {
    const struct aura__ws_kind *kind;
    struct aura_server *server;
    struct aura_session *session; /* NULL: the room is not here, or not yet */
    struct aura_ws *ws;
    bool json; /* a text frame came: from then on we answer in text too (livekit-protocol §1.6) */
    /* In a cluster, of a room that was not known to be here: */
    bool elsewhere;
    char near[AURA_NODE_ID_MAX]; /* where the client is; "" = here */
    struct wish wish;
    struct aura_trace *trace;
    struct aura__relay_join join; /* until it is given to the relay */
    struct aura__relay *relay;    /* NULL: none */
};

static const char *query_of(const void *arg, const char *name) {
    return aura_http_query(arg, name);
}

static void wish_clear(struct wish *w) {
    aura_claims_clear(&w->claims);
    if (w->request) {
        livekit__join_request__free_unpacked(w->request, aura_pb_allocator());
    }
    if (w->config) {
        livekit__room_configuration__free_unpacked(w->config, aura_pb_allocator());
    }
}

static int deny(struct aura_denial *d, int status, int err, const char *text) {
    d->status = status;
    snprintf(d->text, sizeof(d->text), "%s", text);
    return err;
}

/* Reads the token and the request; checks nothing of rooms. */
static int read_wish(struct aura_server *s, struct aura_http_req *req, struct wish *w,
                     struct aura_trace *trace, struct aura_denial *d) {
    const char *why = "";
    const char *encoded = aura_http_query(req, "join_request");
    bool v1 = strncmp(aura_http_path(req), "/rtc/v1", 7) == 0;
    *w = (struct wish){.request = NULL};
    aura_claims_init(&w->claims);
    uint64_t start_us = aura_trace_now_us(trace);
    int err = aura__authorize(s, req, &w->claims, &why);
    aura_trace_span(trace, "token_check", start_us, err ? why : NULL);
    if (err) {
        aura_claims_init(&w->claims);
        return deny(d, err == AURA_EAUTH ? 401 : 503, err, why);
    }
    if (encoded) {
        err = aura_join_request_decode(&w->request, encoded, strlen(encoded));
    } else if (v1) {
        return deny(d, 400, AURA_EINVAL, "join_request is required");
    } else {
        err = aura_join_request_from_query(&w->request, query_of, req);
    }
    if (err) {
        w->request = NULL;
        return deny(d, err == AURA_ENOMEM ? 503 : 400, err,
                    err == AURA_ELIMIT ? "join request too large" : "invalid join_request");
    }
    char text[160] = "";
    err = aura_room_config_decode(&w->config, w->claims.room_config, text, sizeof(text));
    if (err) {
        snprintf(d->text, sizeof(d->text), "roomConfig of the token: %s", text);
        d->status = err == AURA_ENOMEM ? 503 : 400;
        return err;
    }
    w->join = (struct aura_join){.claims = &w->claims,
                                 .config = w->config,
                                 .request = w->request,
                                 .single = v1 || encoded != NULL,
                                 .user_agent = aura_http_header(req, "user-agent"),
                                 .near = aura_http_is_near(req) ? aura_http_near_node(req) : NULL};
    return 0;
}

/* ---- validate ---- */

/* One whose room is perhaps on another node. */
struct validation {
    struct aura_server *server;
    struct wish wish;
    struct aura_http_later *later;
};

static void validation_end(struct validation *v, int status, const void *text, size_t len) {
    aura_http_later_respond(v->later, status, "text/plain; charset=utf-8", text, len);
    wish_clear(&v->wish);
    aura_free(v);
}

static void validate_here(void *arg) {
    struct validation *v = arg;
    struct aura_denial d = {.status = 500};
    int err = aura_rooms_check(v->server->rooms, &v->wish.join, &d);
    const char *text = err ? d.text : "success";
    validation_end(v, err ? d.status : 200, text, strlen(text));
}

static void validated(void *arg, const struct aura_answer *a) {
    bool none = a->status == 0 || !a->body;
    validation_end(arg, a->status ? a->status : 503, none ? (const void *)a->why : a->body,
                   none ? strlen(a->why) : a->len);
}

/* @return false: without memory; then @p w is still the caller's */
static bool validate_elsewhere(struct aura_server *s, struct aura_http_req *req, struct wish *w) {
    struct validation *v = aura_zalloc(sizeof(*v));
    struct aura_http_later *later = v ? aura_http_later(req) : NULL;
    if (!later) {
        aura_free(v);
        return false;
    }
    *v = (struct validation){.server = s, .wish = *w, .later = later};
    v->wish.join.claims = &v->wish.claims;
    v->wish.join.user_agent = NULL; /* the request's */
    const struct aura__nodes_wish pass = {
        .room = v->wish.claims.video.room, .here = validate_here, .answered = validated, .arg = v};
    if (aura__nodes_pass(s, req, &pass)) {
        validation_end(v, 503, "out of memory", 13);
    }
    return true;
}

void aura__rtc_validate(struct aura_server *s, struct aura_http_req *req) {
    struct wish w;
    struct aura_denial d = {.status = 500};
    int err = read_wish(s, req, &w, NULL, &d);
    err = err ? err : aura_rooms_check_claims(s->rooms, &w.join, &d);
    if (!err && !aura__nodes_here(s, w.claims.video.room)) {
        if (validate_elsewhere(s, req, &w)) {
            return;
        }
        err = deny(&d, 503, AURA_ENOMEM, "out of memory");
    }
    err = err ? err : aura_rooms_check(s->rooms, &w.join, &d);
    wish_clear(&w);
    aura__respond_text(req, err ? d.status : 200, err ? d.text : "success");
}

/* ---- signalling ---- */

static void send_json(struct rtc *rtc, const uint8_t *message, size_t len) {
    Livekit__SignalResponse *m =
        livekit__signal_response__unpack(aura_pb_allocator(), len, message);
    json_t *json = m ? aura_pbjson_encode(&m->base, AURA_PBJSON_COMPACT) : NULL;
    char *text = json ? json_dumps(json, JSON_COMPACT) : NULL;
    if (text) {
        (void)aura_ws_send(rtc->ws, (const uint8_t *)text, strlen(text), true);
    }
    free(text); /* library's memory */
    json_decref(json);
    if (m) {
        livekit__signal_response__free_unpacked(m, aura_pb_allocator());
    }
}

static void sink_send(void *arg, const uint8_t *message, size_t len) {
    struct rtc *rtc = arg;
    if (rtc->json) {
        send_json(rtc, message, len);
    } else {
        (void)aura_ws_send(rtc->ws, message, len, false); /* too slow: it is being closed then */
    }
}

static void sink_close(void *arg, int code, const char *reason) {
    struct rtc *rtc = arg;
    aura_ws_close(rtc->ws, code, reason);
}

static const struct aura_signal_sink sink = {sink_send, sink_close};

/* JSON becomes the same bytes that a binary frame would have had. */
static int receive_json(struct rtc *rtc, const uint8_t *data, size_t len) {
    char why[160];
    ProtobufCMessage *m = NULL;
    json_t *json = json_loadb((const char *)data, len, 0, NULL);
    int err = json ? aura_pbjson_decode(&livekit__signal_request__descriptor, json,
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
        err = aura_session_recv(rtc->session, bytes, packed);
        aura_free(bytes);
    }
    protobuf_c_message_free_unpacked(m, aura_pb_allocator());
    return bytes ? err : AURA_ENOMEM;
}

static void hear(void *arg, const uint8_t *data, size_t len, bool text) {
    struct rtc *rtc = arg;
    rtc->json = rtc->json || text;
    int err = text ? receive_json(rtc, data, len) : aura_session_recv(rtc->session, data, len);
    if (err == AURA_ELIMIT) {
        aura_ws_close(rtc->ws, 1008, "too many signalling messages: see limit.signal_rate");
    } else if (err) {
        aura_ws_close(rtc->ws, 1007, "not a SignalRequest");
    }
}

/* What never becomes a participant ends here: a refusal, or a session that goes on. */
static void end_trace(struct aura_trace *trace, const struct wish *w, int err,
                      const struct aura_denial *d) {
    const char *room = w->claims.video.room, *identity = w->claims.identity;
    const struct aura_span_attr attrs[] = {
        {"room", room ? room : "", 0},
        {"participant", identity ? identity : "", 0},
        {"http.response.status_code", NULL, err ? d->status : 101},
    };
    bool resumes = w->request && w->request->reconnect;
    aura_trace_end(trace, resumes ? "resume" : "join", err ? d->text : NULL, attrs,
                   sizeof(attrs) / sizeof(attrs[0]));
    aura_trace_free(trace);
}

static void say_refused(const struct wish *w, const struct aura_denial *d) {
    AURA_LOG_LIMITED("rtc", AURA_LOG_INFO, "join_refused", AURA_S("room", w->claims.video.room),
                     AURA_S("participant", w->claims.identity), AURA_I("status", d->status),
                     AURA_S("why", d->text));
}

static int join_here(struct aura_server *s, struct wish *w, struct aura_trace **trace,
                     struct aura_session **session, struct aura_denial *d) {
    w->join.trace = trace;
    int err = aura_rooms_join(s->rooms, &w->join, session, d);
    end_trace(*trace, w, err, d);
    *trace = NULL;
    if (err) {
        say_refused(w, d);
    }
    return err;
}

/* ---- of a room that may be on another node ---- */

static void on_here(void *arg) {
    struct rtc *rtc = arg;
    struct aura__relay *relay = rtc->relay;
    struct aura_denial d = {.status = 500};
    rtc->relay = NULL;
    aura_ws_on_drained(rtc->ws, NULL, NULL);
    if (join_here(rtc->server, &rtc->wish, &rtc->trace, &rtc->session, &d)) {
        /* The upgrade was accepted before anybody knew: the reason goes where there is room. */
        aura_ws_close(rtc->ws, d.status >= 500 ? 1013 : 1008, d.text);
    } else {
        aura_session_start(rtc->session, &sink, rtc);
        aura__relay_each_early(relay, hear, rtc);
    }
    aura__relay_free(relay);
}

static void on_relayed(void *arg, const uint8_t *data, size_t len, bool text) {
    struct rtc *rtc = arg;
    (void)aura_ws_send(rtc->ws, data, len, text); /* too slow: it is being closed then */
    if (aura_ws_queued(rtc->ws) > AURA_LINK_PAUSE_BYTES) {
        aura__relay_pause(rtc->relay, true);
    }
}

static void on_client_drained(void *arg) {
    struct rtc *rtc = arg;
    if (rtc->relay) {
        aura__relay_pause(rtc->relay, false);
    }
}

static void on_relay_drained(void *arg) {
    struct rtc *rtc = arg;
    aura_ws_pause(rtc->ws, false);
}

static void on_relay_closed(void *arg, int code, const char *reason) {
    struct rtc *rtc = arg;
    AURA_LOG_LIMITED("rtc", AURA_LOG_INFO, "relay_closed",
                     AURA_S("room", rtc->wish.claims.video.room), AURA_I("code", code),
                     AURA_S("why", reason));
    aura_ws_close(rtc->ws, code, reason);
    rtc->relay = aura__relay_free(rtc->relay);
}

static void send_on(struct rtc *rtc, const uint8_t *data, size_t len, bool text) {
    if (aura__relay_send(rtc->relay, data, len, text)) {
        aura_ws_close(rtc->ws, 1008, "too many signalling messages wait for the room's node");
    } else if (aura__relay_queued(rtc->relay) > AURA_LINK_PAUSE_BYTES) {
        aura_ws_pause(rtc->ws, true);
    }
}

static void rtc_open(void *user, struct aura_ws *ws) {
    static const struct aura__relay_handlers handlers = {on_here, on_relayed, on_relay_closed,
                                                         on_relay_drained};
    struct rtc *rtc = user;
    rtc->ws = ws;
    if (!rtc->elsewhere) {
        aura_session_start(rtc->session, &sink, rtc);
        return;
    }
    aura_ws_on_drained(ws, on_client_drained, rtc);
    int err = aura__relay_new(&rtc->relay, rtc->server, &rtc->join, &handlers, rtc);
    rtc->join = (struct aura__relay_join){.target = NULL};
    if (err) {
        aura_ws_close(ws, 1013, "out of memory");
    }
}

static void rtc_message(void *user, const uint8_t *data, size_t len, bool text) {
    struct rtc *rtc = user;
    if (rtc->relay) {
        send_on(rtc, data, len, text);
    } else if (rtc->session) {
        hear(rtc, data, len, text);
    } /* else it is being closed */
}

static void rtc_free(struct rtc *rtc) {
    if (rtc->elsewhere) {
        rtc->relay = aura__relay_free(rtc->relay);
        aura__relay_join_clear(&rtc->join);
        if (rtc->trace) {
            const struct aura_denial d = {.status = 101};
            end_trace(rtc->trace, &rtc->wish, 0, &d);
        }
        aura_free((char *)(uintptr_t)rtc->wish.join.user_agent);
        wish_clear(&rtc->wish);
    }
    aura_free(rtc);
}

static void rtc_closed(void *user) {
    struct rtc *rtc = user;
    if (rtc->session) {
        aura_session_closed(rtc->session);
    }
    rtc_free(rtc);
}

/* Who makes a room has it near their home, as the directory of this node knows it. */
static void take_home(const struct aura_server *s, const struct aura_claims *claims,
                      char out[AURA_NODE_REGION_MAX]) {
    struct aura_token_proof token;
    struct aura_identity who;
    bool known = s->conf.directory && aura_identity_proof(claims, &token) == 0 &&
                 aura_directory_find(s->conf.directory, &token.proof, &who) == 0;
    snprintf(out, AURA_NODE_REGION_MAX, "%.*s", AURA_NODE_REGION_MAX - 1,
             known ? who.home_region : "");
}

/* @param w, trace  taken, also with an error */
static int go_elsewhere(const struct aura_server *s, struct aura_http_req *req, struct rtc *rtc,
                        struct wish *w, struct aura_trace *trace) {
    struct aura_addr from = aura_http_remote(req);
    struct aura_buf target = AURA_BUF(AURA_HTTP_HEADER_BYTES_MAX * 3);
    const char *agent = aura_http_header(req, "user-agent");
    char ip[AURA_ADDR_TEXT_MAX];
    rtc->elsewhere = true;
    rtc->wish = *w;
    rtc->wish.join.claims = &rtc->wish.claims;
    snprintf(rtc->near, sizeof(rtc->near), "%s", w->join.near ? w->join.near : "");
    rtc->wish.join.near = *rtc->near ? rtc->near : NULL;
    rtc->wish.join.user_agent = aura_strdup(agent ? agent : "");
    rtc->trace = trace;
    int err = aura_http_target(req, "access_token", &target);
    rtc->join =
        (struct aura__relay_join){.target = err ? NULL : aura_strdup(aura_buf_text(&target)),
                                  .bearer = aura_strdup(aura__nodes_bearer(req)),
                                  .forwarded = aura_strdup(aura_addr_ip_text(&from, ip)),
                                  .user_agent = aura_strdup(agent ? agent : ""),
                                  .room = rtc->wish.claims.video.room,
                                  .create = !w->request->reconnect,
                                  .near = aura_http_is_near(req)};
    take_home(s, &rtc->wish.claims, rtc->join.region);
    aura_buf_free(&target);
    return rtc->wish.join.user_agent && rtc->join.target && rtc->join.bearer &&
                   rtc->join.forwarded && rtc->join.user_agent
               ? 0
               : AURA_ENOMEM;
}

static int join(struct aura_server *s, struct aura_http_req *req, struct rtc *rtc,
                struct aura_denial *d) {
    struct wish w;
    struct aura_trace *trace =
        aura_trace_begin(&s->conf.trace, aura_http_header(req, "traceparent"));
    int err = read_wish(s, req, &w, trace, d);
    s->joins_refused += err != 0;
    if (!err && s->conf.nodes) {
        err = aura_rooms_check_claims(s->rooms, &w.join, d);
        if (!err && !aura__nodes_here(s, w.claims.video.room)) {
            err = go_elsewhere(s, req, rtc, &w, trace);
            return err ? deny(d, 503, err, "out of memory") : 0;
        }
    }
    if (err) {
        end_trace(trace, &w, err, d);
        say_refused(&w, d);
    } else {
        err = join_here(s, &w, &trace, &rtc->session, d);
    }
    wish_clear(&w);
    return err;
}

bool aura__rtc_upgrade(struct aura_server *s, struct aura_http_req *req) {
    static const struct aura__ws_kind kind = {rtc_open, rtc_message, rtc_closed};
    struct aura_denial d = {.status = 500};
    struct rtc *rtc = aura_zalloc(sizeof(*rtc));
    int err = rtc ? join(s, req, rtc, &d) : AURA_ENOMEM;
    if (err) {
        if (rtc) {
            rtc_free(rtc);
        }
        aura__respond_text(req, d.status, d.text);
        return false;
    }
    rtc->kind = &kind;
    rtc->server = s;
    aura_http_accept(req, rtc);
    return true;
}
