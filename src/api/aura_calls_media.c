/* SPDX-License-Identifier: Apache-2.0 */
/* What answered calls need: a media room, tokens into it, agents, and webhooks that wake devices.
 */
#include "api/aura_calls.h"
#include "api/server_priv.h"
#include "api/webhooks.h"
#include "auraid/exchange.h"
#include "auraid/matrix/appservice.h"
#include "base/log.h"
#include "base/mem.h"
#include "room/agents.h"
#include "room/identity.h"
#include "room/token.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    TOKEN_TTL_S = 600,      /* to join; a device that comes back gets a new one */
    ROOM_TIMEOUT_S = 86400, /* nobody there: the call's end closes it, not this */
    ROOM_EVENTS_MAX = 1024, /* not yet looked at */
    MATRIX_EMPTY_S = 300,   /* as the authorisation service makes them */
    MATRIX_DEPARTURE_S = 20,
};

/** Somebody has come into a call's room, or left it: an agent; of Matrix, anybody. */
struct room_event {
    struct aura_node node;
    struct aura_id who;
    char room[AURA_RTC_ROOM_BYTES];
    bool joined, agent;
};

/** Texts of the settings. */
struct texts {
    char *url, **allow;
    size_t allow_count;
};

struct aura__calls {
    struct aura_server *server;
    struct texts texts;
    struct aura_exchange *exchange;
    struct aura_list room_events;
    size_t room_event_count;
    struct aura_timer room_timer;
};

/* ---- rooms ---- */

/** Where somebody in a call goes, and as whom: with people of Matrix that is MatrixRTC's. */
struct place {
    bool ghost;  /* as whom */
    bool matrix; /* where: it is not this call's alone */
    char room[AURA_RTC_ROOM_BYTES], identity[AURA_RTC_IDENTITY_BYTES];
};

static void find_place(const struct aura__calls *c, const char *call, const struct aura_id *who,
                       struct place *out) {
    const struct aura_as *as = aura__appservice_of(c->server);
    char identity[AURA_ID_BYTES_MAX];
    out->ghost = as && aura_as_media(as, call, who, out->room, out->identity);
    out->matrix = out->ghost && strcmp(out->room, call) != 0;
    if (!out->ghost) {
        (void)snprintf(out->room, sizeof(out->room), "%s", call);
        (void)snprintf(out->identity, sizeof(out->identity), "%s", aura_id_text(who, identity));
    }
}

static int open_room(void *arg, const char *call) {
    static const struct aura_id nobody = {.name = ""};
    const struct aura__calls *c = arg;
    struct place place;
    struct aura_rooms *rooms = c->server->rooms;
    Livekit__CreateRoomRequest q = LIVEKIT__CREATE_ROOM_REQUEST__INIT;
    Livekit__Room *room = NULL;
    if (aura_rooms_draining(rooms)) {
        return AURA_EAGAIN;
    }
    find_place(c, call, &nobody, &place);
    q.name = place.room;
    q.empty_timeout = place.matrix ? MATRIX_EMPTY_S : ROOM_TIMEOUT_S;
    q.departure_timeout = place.matrix ? MATRIX_DEPARTURE_S : ROOM_TIMEOUT_S;
    int err = aura_rooms_create_room(rooms, &q, &room);
    if (room) {
        livekit__room__free_unpacked(room, aura_pb_allocator());
    }
    return err;
}

static void on_left(void *arg, const char *call, const struct aura_id *who) {
    const struct aura__calls *c = arg;
    struct place place;
    find_place(c, call, who, &place);
    int err = aura_rooms_remove_participant(c->server->rooms, place.room, place.identity);
    (void)err;          /* who has never been in the room, or has left it first */
    if (place.matrix) { /* the room goes on: an agent's job there is to end with its call */
        aura_rooms_end_dispatch_as(c->server->rooms, place.room, place.identity);
    }
}

static void on_ended(void *arg, const char *call) {
    const struct aura__calls *c = arg;
    struct aura_as *as = aura__appservice_of(c->server);
    /* MatrixRTC's room is also of others there. */
    int err = aura_rooms_delete_room(c->server->rooms, call);
    (void)err; /* nobody has answered, so there was none */
    if (as) {
        aura_as_ended(as, call);
    }
}

/* ---- tokens ---- */

/* In a call people go by their AuraID: identities of two apps may be the same. So that a join with
 * it is theirs, it becomes one of their proofs in the app. */
static void prove(const struct aura__calls *c, const struct aura_exchange_join *j,
                  const char *identity) {
    char provider[AURA_PROVIDER_BYTES];
    const struct aura_proof proof = {
        aura_identity_provider(AURA_NAMESPACE_PEOPLE, j->app, provider), identity};
    int err = aura_directory_link(c->server->conf.directory, j->who, &proof);
    if (err) {
        AURA_LOG_LIMITED("auraid", AURA_LOG_WARN, "call_without_auraid",
                         AURA_S("why", aura_err_text(err)));
    }
}

/* The claims only borrow their strings here, so they are not cleared. */
static int mint(const struct aura__calls *c, const struct aura_exchange_join *j,
                const struct place *place, struct aura_buf *token) {
    const char *secret = aura_keys_secret(c->server->conf.keys, j->app);
    struct aura_claims claims;
    if (!secret) {
        return AURA_EAUTH; /* the key was taken away meanwhile */
    }
    aura_claims_init(&claims);
    claims.identity = (char *)(uintptr_t)place->identity;
    claims.name = (char *)(uintptr_t)j->display;
    claims.has_video = true;
    claims.video.room_join = true;
    claims.video.room = (char *)(uintptr_t)place->room;
    return aura_token_mint(token, &claims, j->app, secret, aura__now_s(c->server), TOKEN_TTL_S);
}

static int add_way(void *arg, const struct aura_exchange_join *j, json_t *event) {
    const struct aura__calls *c = arg;
    const char *url = c->texts.url;
    struct place place;
    struct aura_buf token = AURA_BUF(AURA_TOKEN_BYTES_MAX);
    find_place(c, j->call, j->who, &place);
    int err = open_room(arg, j->call);
    err = err ? err : mint(c, j, &place, &token);
    if (!err) {
        prove(c, j, place.identity);
        int failed =
            json_object_set_new(event, "room", json_string(place.room)) |
            json_object_set_new(event, "identity", json_string(place.identity)) |
            json_object_set_new(event, "token", json_string(aura_buf_text(&token))) |
            json_object_set_new(event, "url", *url ? json_string(url) : json_null()) |
            json_object_set_new(event, "node", json_string(aura_rooms_node_id(c->server->rooms)));
        err = failed ? AURA_ENOMEM : 0;
    } else {
        AURA_LOG_LIMITED("auraid", AURA_LOG_WARN, "call_without_room",
                         AURA_S("why", aura_err_text(err)));
    }
    aura_buf_free(&token);
    return err;
}

/* ---- agents ---- */

static int call_agent(void *arg, const struct aura_exchange_agent *a) {
    const struct aura__calls *c = arg;
    Livekit__CreateAgentDispatchRequest q = LIVEKIT__CREATE_AGENT_DISPATCH_REQUEST__INIT;
    Livekit__AgentDispatch *dispatch = NULL;
    struct place place;
    char who[AURA_ID_BYTES_MAX], from[AURA_ID_BYTES_MAX];
    find_place(c, a->call, a->who, &place);
    json_t *json = json_pack("{s:s, s:s, s:s, s:b}", "aura_id", aura_id_text(a->who, who), "call",
                             a->call, "from", aura_id_text(a->from, from), "video", a->video);
    char *metadata = json ? json_dumps(json, JSON_COMPACT | JSON_PRESERVE_ORDER) : NULL;
    int err = metadata ? open_room(arg, a->call) : AURA_ENOMEM;
    if (!err) {
        q.agent_name = (char *)(uintptr_t)a->name;
        q.room = place.room;
        q.metadata = metadata;
        err = place.ghost ? aura_rooms_dispatch_as(c->server->rooms, &q, place.identity)
                          : aura_rooms_create_dispatch(c->server->rooms, &q, &dispatch);
    }
    if (dispatch) {
        livekit__agent_dispatch__free_unpacked(dispatch, aura_pb_allocator());
    }
    free(metadata); /* library's memory */
    json_decref(json);
    return err;
}

static const char *auraid_of(const Livekit__ParticipantInfo *p) {
    for (size_t i = 0; i < p->n_attributes; i++) {
        if (strcmp(p->attributes[i]->key, "auralink.id") == 0) {
            return p->attributes[i]->value;
        }
    }
    return "";
}

static bool is_call(const char *room) {
    return strncmp(room, "CA_", 3) == 0 && strlen(room) == AURA_CALL_ID_BYTES - 1;
}

static void on_room_event(const struct aura__calls *c, const struct room_event *e) {
    struct aura_as *as = aura__appservice_of(c->server);
    if (as) {
        aura_as_in_media(as, e->room, &e->who, e->joined);
    }
    if (is_call(e->room) && e->agent && e->joined) {
        aura_exchange_agent_joined(c->exchange, e->room, &e->who);
    } else if (is_call(e->room) && e->agent) {
        aura_exchange_agent_left(c->exchange, e->room, &e->who);
    }
}

static void on_room_events(void *arg) {
    struct aura__calls *c = arg;
    struct room_event *e;
    while ((e = AURA_LIST_FIRST(&c->room_events, struct room_event, node))) {
        aura_node_remove(&e->node);
        c->room_event_count--;
        on_room_event(c, e);
        aura_free(e);
    }
}

/* The rooms are in the middle of something. */
static void remember(struct aura__calls *c, const char *room, const struct room_event *what) {
    struct room_event *e = c->room_event_count < ROOM_EVENTS_MAX ? aura_zalloc(sizeof(*e)) : NULL;
    if (e &&
        aura_timer_start(aura_loop_timers(c->server->loop), &c->room_timer, 0, on_room_events, c)) {
        aura_free(e);
        e = NULL;
    }
    if (!e) {
        AURA_LOG_LIMITED("auraid", AURA_LOG_WARN, "call_event_lost", AURA_S("room", room));
        return;
    }
    *e = *what;
    strncpy(e->room, room, sizeof(e->room) - 1);
    aura_list_add(&c->room_events, &e->node);
    c->room_event_count++;
}

static bool is_agent(const Livekit__ParticipantInfo *p) {
    return p->kind == LIVEKIT__PARTICIPANT_INFO__KIND__AGENT;
}

/* In a call's own room it is agents that answer by coming, and people of Matrix; others have done
 * so before. */
static bool matters(const struct aura_server *s, const char *room,
                    const Livekit__ParticipantInfo *p) {
    const struct aura_as *as = aura__appservice_of(s);
    return (is_call(room) && is_agent(p)) || (as && aura_as_is_media(as, room));
}

void aura_server_room_event(struct aura_server *s, const char *room,
                            const Livekit__WebhookEvent *event) {
    const Livekit__ParticipantInfo *p = event->participant;
    aura__dash_room_event(s, room, event);
    struct room_event e = {.joined = strcmp(event->event, "participant_joined") == 0};
    bool left = strcmp(event->event, "participant_left") == 0;
    if (!s->calls || !(e.joined || left) || !p || !matters(s, room, p)) {
        return;
    }
    const char *id = auraid_of(p);
    e.agent = is_agent(p);
    if (aura_id_parse(&e.who, id, strlen(id)) == 0) {
        remember(s->calls, room, &e);
    }
}

/* ---- webhooks ---- */

static void push(void *arg, const char *event, const char *call, const json_t *body) {
    const struct aura__calls *c = arg;
    if (c->server->conf.webhooks) {
        aura_webhooks_tell(c->server->conf.webhooks, call, event, "call", body);
    }
}

static void watch(void *arg, const struct aura_call_event *e) {
    const struct aura__calls *c = arg;
    struct aura_as *as = aura__appservice_of(c->server);
    if (as) {
        aura_as_watch(as, e);
    }
}

/* ---- settings ---- */

static void texts_free(struct texts *t) {
    for (size_t i = 0; t->allow && i < t->allow_count; i++) {
        aura_free(t->allow[i]);
    }
    aura_free(t->allow);
    aura_free(t->url);
    *t = (struct texts){.allow_count = 0};
}

static int texts_copy(struct texts *out, const struct aura_calls_settings *set) {
    *out = (struct texts){.url = aura_strdup(set->url),
                          .allow = aura_calloc(set->allow_count + 1, sizeof(*out->allow)),
                          .allow_count = set->allow_count};
    bool fine = out->url && out->allow;
    for (size_t i = 0; fine && i < set->allow_count; i++) {
        fine = (out->allow[i] = aura_strdup(set->allow[i])) != NULL;
    }
    if (!fine) {
        texts_free(out);
    }
    return fine ? 0 : AURA_ENOMEM;
}

/* Borrows the texts that are kept. */
static struct aura_exchange_rules rules_of(const struct aura__calls *c,
                                           const struct aura_calls_settings *set) {
    return (struct aura_exchange_rules){.reach = {.directory = c->server->conf.directory,
                                                  .cross_app = set->cross_app,
                                                  .allow = (const char *const *)c->texts.allow,
                                                  .allow_count = c->texts.allow_count},
                                        .ring_us = set->ring_us,
                                        .grace_us = set->grace_us,
                                        .busy_in_call = set->busy_in_call,
                                        .rings_per_minute = set->rings_per_minute,
                                        .strangers_per_minute = set->strangers_per_minute,
                                        .max_calls_of_app = set->max_calls_of_app,
                                        .max_devices_of_app = set->max_devices_of_app};
}

int aura_server_change_calls(struct aura_server *s, const struct aura_calls_settings *set) {
    struct aura__calls *c = s->calls;
    struct texts old;
    if (!c) {
        return 0;
    }
    old = c->texts;
    int err = texts_copy(&c->texts, set);
    if (err) {
        c->texts = old;
        return err;
    }
    const struct aura_exchange_rules rules = rules_of(c, set);
    aura_exchange_change(c->exchange, &rules);
    texts_free(&old);
    return 0;
}

/* ---- beginning and end ---- */

int aura__calls_new(struct aura__calls **cp, struct aura_server *s) {
    static const struct aura_exchange_hooks hooks = {open_room,  add_way, on_left, on_ended,
                                                     call_agent, push,    watch};
    const struct aura_calls_settings *set = &s->conf.calls;
    struct aura__calls *c = aura_zalloc(sizeof(*c));
    if (!c) {
        return AURA_ENOMEM;
    }
    c->server = s;
    aura_list_init(&c->room_events);
    int err = texts_copy(&c->texts, set);
    const struct aura_exchange_conf conf = {.rules = rules_of(c, set),
                                            .timers = aura_loop_timers(s->loop),
                                            .rand = s->conf.rand,
                                            .max_calls = set->max_calls,
                                            .max_devices = set->max_devices,
                                            .hooks = &hooks,
                                            .arg = c};
    err = err ? err : aura_exchange_new(&c->exchange, &conf);
    if (err) {
        texts_free(&c->texts);
        aura_free(c);
        return err;
    }
    *cp = c;
    return 0;
}

struct aura__calls *aura__calls_free(struct aura__calls *c) {
    if (c) {
        aura_timer_stop(aura_loop_timers(c->server->loop), &c->room_timer);
        AURA_LIST_EACH(&c->room_events, struct room_event, e, node) {
            aura_node_remove(&e->node);
            aura_free(e);
        }
        aura_exchange_free(c->exchange);
        texts_free(&c->texts);
        aura_free(c);
    }
    return NULL;
}

struct aura_exchange *aura__calls_exchange(const struct aura__calls *c) {
    return c->exchange;
}
