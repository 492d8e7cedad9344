/* SPDX-License-Identifier: Apache-2.0 */
/* /api/v1/events: what happens, told to browsers that watch over a WebSocket. */
#include "api/dash_priv.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

struct listener {
    const struct aura__ws_kind *kind;
    struct aura_node node;
    struct aura__dash *d;
    struct aura_ws *ws; /* NULL = not open yet */
    uint64_t session;
    char who[AURA_DASH_NAME_MAX + 1];
    bool closing;
};

static void close_one(struct listener *l, int code, const char *reason) {
    if (l->ws && !l->closing) {
        l->closing = true;
        aura_ws_close(l->ws, code, reason);
    }
}

static void send_text(struct listener *l, const char *text) {
    if (!l->ws || l->closing) {
        return;
    }
    if (aura_ws_queued(l->ws) > DASH_LISTENER_QUEUE_MAX ||
        aura_ws_send(l->ws, (const uint8_t *)text, strlen(text), true)) {
        close_one(l, 1013, "it reads too slowly: connect again and read all anew");
    }
}

/* A session ends by time too, and an operator may be removed from the command line. */
static bool is_still(const struct listener *l) {
    struct aura_dash_operator o;
    bool is = aura_web_session_by_id(l->d->sessions, l->session) &&
              aura_dash_operator_get(l->d->store, l->who, &o) == 0;
    aura_wipe(&o, sizeof(o));
    return is;
}

void aura__dash_tell(struct aura__dash *d, json_t *event) {
    const char *type = json_string_value(json_object_get(event, "type"));
    bool tick = type && strcmp(type, "tick") == 0;
    char *text = d->listener_count && event ? json_dumps(event, JSON_COMPACT) : NULL;
    json_decref(event);
    AURA_LIST_EACH(&d->listeners, struct listener, l, node) {
        if (tick && !is_still(l)) {
            close_one(l, 4001, "signed out");
        } else if (text) {
            send_text(l, text);
        }
    }
    free(text); /* library's memory */
}

void aura__dash_session_ended(void *arg, const struct aura_web_session *session) {
    struct aura__dash *d = arg;
    AURA_LIST_EACH(&d->listeners, struct listener, l, node) {
        if (l->session == session->id) {
            close_one(l, 4001, "signed out");
        }
    }
}

/* ---- the WebSocket ---- */

static void on_open(void *user, struct aura_ws *ws) {
    struct listener *l = user;
    const struct aura_web_session *session = aura_web_session_by_id(l->d->sessions, l->session);
    uint64_t now_us = aura_now_us(aura_loop_clock(l->d->s->loop));
    l->ws = ws;
    if (!session) {
        close_one(l, 4001, "signed out");
        return;
    }
    json_t *hello = json_pack("{s:s, s:I, s:s, s:I}", "type", "hello", "at_us",
                              (json_int_t)aura__dash_now_us(l->d), "operator", l->who, "expires_us",
                              (json_int_t)(aura__dash_now_us(l->d) + session->expires_us - now_us));
    char *text = hello ? json_dumps(hello, JSON_COMPACT) : NULL;
    json_decref(hello);
    if (text) {
        send_text(l, text);
    }
    free(text); /* library's memory */
}

static void on_message(void *user, const uint8_t *data, size_t len, bool text) {
    (void)data;
    (void)len;
    (void)text;
    close_one(user, 1003, "this connection only tells");
}

static void on_closed(void *user) {
    struct listener *l = user;
    aura_node_remove(&l->node);
    l->d->listener_count--;
    aura_free(l);
}

bool aura__dash_upgrade(struct aura_server *s, struct aura_http_req *req) {
    static const struct aura__ws_kind kind = {on_open, on_message, on_closed};
    static const char full[] = "{\"code\":\"limit\",\"message\":\"too many watch already: close "
                               "another page of the dashboard\"}";
    char who[AURA_DASH_NAME_MAX + 1];
    uint64_t session;
    if (!aura__dash_admit(s, req, who, &session)) {
        return false;
    }
    struct listener *l =
        s->dash->listener_count < DASH_LISTENERS_MAX ? aura_zalloc(sizeof(*l)) : NULL;
    if (!l) {
        (void)aura_http_answer_header(req, "retry-after", "5");
        aura_http_respond(req, 429, "application/json", full, sizeof(full) - 1);
        return false;
    }
    l->kind = &kind;
    l->d = s->dash;
    l->session = session;
    memcpy(l->who, who, sizeof(l->who));
    aura_list_add(&s->dash->listeners, &l->node);
    s->dash->listener_count++;
    aura_http_accept(req, l);
    return true;
}

void aura__dash_no_socket(struct dash_request *r) {
    (void)aura_http_answer_header(r->req, "upgrade", "websocket");
    aura__dash_refuse(r, 426, "bad_request", "this path is a WebSocket's: see /api/openapi.json");
}

/* ---- rooms ---- */

static void put(json_t *event, const char *name, json_t *value) {
    if (value) {
        json_object_set_new(event, name, value);
    }
}

static json_t *text(const char *t) {
    return aura_rest_string(t ? t : "", DASH_TEXT_MAX);
}

static json_t *track_of(const Livekit__TrackInfo *t) {
    return json_pack("{s:o, s:s, s:s}", "sid", text(t->sid), "kind",
                     t->type == LIVEKIT__TRACK_TYPE__VIDEO ? "video" : "audio", "source",
                     aura__dash_source((int)t->source));
}

void aura__dash_room_event(struct aura_server *s, const char *room,
                           const Livekit__WebhookEvent *event) {
    const Livekit__ParticipantInfo *p = event->participant;
    if (!s->dash || !s->dash->listener_count) {
        return;
    }
    json_t *e =
        json_pack("{s:s, s:I, s:o, s:{s:o, s:o}}", "type", "room", "at_us",
                  (json_int_t)aura__dash_now_us(s->dash), "event", text(event->event), "room",
                  "sid", text(event->room ? event->room->sid : ""), "name", text(room));
    if (p) {
        put(e, "participant",
            json_pack("{s:o, s:o, s:o}", "sid", text(p->sid), "identity", text(p->identity), "name",
                      text(p->name)));
    }
    put(e, "track", event->track ? track_of(event->track) : NULL);
    aura__dash_tell(s->dash, e);
}
