/* SPDX-License-Identifier: Apache-2.0 */
/* Signalling over WebSocket: /rtc (two peer connections) and /rtc/v1 (one), and their /validate. */
#include "api/join_request.h"
#include "api/pbjson.h"
#include "api/presets.h"
#include "api/server_priv.h"
#include "base/log.h"
#include "base/mem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/** One WebSocket of a client. */
struct rtc {
    const struct aura__ws_kind *kind;
    struct aura_session *session;
    struct aura_ws *ws;
    bool json; /* a text frame came: from then on we answer in text too (livekit-protocol §1.6) */
};

struct wish {
    struct aura_claims claims;
    Livekit__JoinRequest *request;
    Livekit__RoomConfiguration *config; /* of the token; NULL = none */
    struct aura_join join;
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
                                 .user_agent = aura_http_header(req, "user-agent")};
    return 0;
}

void aura__rtc_validate(struct aura_server *s, struct aura_http_req *req) {
    struct wish w;
    struct aura_denial d = {.status = 500};
    int err = read_wish(s, req, &w, NULL, &d);
    err = err ? err : aura_rooms_check(s->rooms, &w.join, &d);
    wish_clear(&w);
    aura__respond_text(req, err ? d.status : 200, err ? d.text : "success");
}

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

static void rtc_open(void *user, struct aura_ws *ws) {
    static const struct aura_signal_sink sink = {sink_send, sink_close};
    struct rtc *rtc = user;
    rtc->ws = ws;
    aura_session_start(rtc->session, &sink, rtc);
}

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

static void rtc_message(void *user, const uint8_t *data, size_t len, bool text) {
    struct rtc *rtc = user;
    rtc->json = rtc->json || text;
    int err = text ? receive_json(rtc, data, len) : aura_session_recv(rtc->session, data, len);
    if (err == AURA_ELIMIT) {
        aura_ws_close(rtc->ws, 1008, "too many signalling messages: see limit.signal_rate");
    } else if (err) {
        aura_ws_close(rtc->ws, 1007, "not a SignalRequest");
    }
}

static void rtc_closed(void *user) {
    struct rtc *rtc = user;
    aura_session_closed(rtc->session);
    aura_free(rtc);
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

static int join(struct aura_server *s, struct aura_http_req *req, struct aura_session **session,
                struct aura_denial *d) {
    struct wish w;
    struct aura_trace *trace =
        aura_trace_begin(&s->conf.trace, aura_http_header(req, "traceparent"));
    int err = read_wish(s, req, &w, trace, d);
    s->joins_refused += err != 0;
    w.join.trace = &trace;
    err = err ? err : aura_rooms_join(s->rooms, &w.join, session, d);
    end_trace(trace, &w, err, d);
    if (err) {
        AURA_LOG_LIMITED("rtc", AURA_LOG_INFO, "join_refused", AURA_S("room", w.claims.video.room),
                         AURA_S("participant", w.claims.identity), AURA_I("status", d->status),
                         AURA_S("why", d->text));
    }
    wish_clear(&w);
    return err;
}

bool aura__rtc_upgrade(struct aura_server *s, struct aura_http_req *req) {
    static const struct aura__ws_kind kind = {rtc_open, rtc_message, rtc_closed};
    struct aura_denial d = {.status = 500};
    struct rtc *rtc = aura_zalloc(sizeof(*rtc));
    int err = rtc ? join(s, req, &rtc->session, &d) : AURA_ENOMEM;
    if (err) {
        aura_free(rtc);
        aura__respond_text(req, d.status, d.text);
        return false;
    }
    rtc->kind = &kind;
    aura_http_accept(req, rtc);
    return true;
}
