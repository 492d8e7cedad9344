/* SPDX-License-Identifier: Apache-2.0 */
/* Open rooms, who is in them, and what an operator does there. */
#include "api/dash_priv.h"

#include "base/mem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TARGET_BYTES = 600, MESSAGE_MAX = 4096, TO_MAX = 100, TOPIC_MAX = 256, ID_LEN = 16 };

static const char no_room[] = "there is no such room, or no longer: GET /api/v1/rooms lists them";
static const char nobody[] = "nobody is in the room with this sid, or no longer";
static const char no_page[] = "the room or ?after= is gone: begin the list anew";
static const char chat_topic[] = "lk-chat-topic"; /* of LiveKit's components */

/* ---- lists ---- */

struct listing {
    const struct aura__dash *d;
    json_t *list;
    char last[64];
};

static void remember(struct listing *l, const char *sid) {
    (void)snprintf(l->last, sizeof(l->last), "%s", sid);
}

/* @param name  of the list in the answer; takes l->list */
static void respond_page(struct dash_request *r, const char *name, struct listing *l, int err,
                         bool more) {
    if (err) {
        json_decref(l->list);
        aura__dash_refuse_err(r, err, no_page);
    } else {
        aura__dash_respond(
            r, 200,
            json_pack("{s:o, s:o}", name, l->list, "next", aura__dash_next(more ? l->last : NULL)));
    }
}

static void add_room(void *arg, const struct aura_rooms_room_view *v) {
    struct listing *l = arg;
    remember(l, v->sid);
    json_array_append_new(l->list, aura__dash_room(l->d, v));
}

static void list_rooms(struct dash_request *r) {
    struct aura_rooms_page page;
    if (aura__dash_page(r, &page)) {
        struct listing l = {.d = r->d, .list = json_array()};
        page.search = aura_http_query(r->req, "search");
        int err = aura_rooms_show_rooms(r->s->rooms, &page, add_room, &l);
        respond_page(r, "rooms", &l, err, page.more);
    }
}

static void show_room(void *arg, const struct aura_rooms_room_view *v) {
    struct dash_request *r = arg;
    aura__dash_respond(r, 200, aura__dash_room(r->d, v));
}

static void get_room(struct dash_request *r) {
    int err = aura_rooms_show_room(r->s->rooms, r->param[0], show_room, r);
    if (err) {
        aura__dash_refuse_err(r, err, no_room);
    }
}

static void add_participant(void *arg, const struct aura_rooms_participant_view *v) {
    struct listing *l = arg;
    remember(l, v->sid);
    json_array_append_new(l->list, aura__dash_participant(v));
}

static void list_participants(struct dash_request *r) {
    struct aura_rooms_page page;
    if (aura__dash_page(r, &page)) {
        struct listing l = {.d = r->d, .list = json_array()};
        int err =
            aura_rooms_show_participants(r->s->rooms, r->param[0], &page, add_participant, &l);
        respond_page(r, "participants", &l, err, page.more);
    }
}

static void show_participant(void *arg, const struct aura_rooms_participant_view *v) {
    aura__dash_respond(arg, 200, aura__dash_participant(v));
}

static void get_participant(struct dash_request *r) {
    int err =
        aura_rooms_show_participant(r->s->rooms, r->param[0], r->param[1], show_participant, r);
    if (err) {
        aura__dash_refuse_err(r, err, nobody);
    }
}

static void add_link(void *arg, const char *sid, const struct aura_rooms_link_view *v) {
    struct listing *l = arg;
    const struct aura_sfu_peer_stats *s = v->stats;
    remember(l, sid);
    json_array_append_new(
        l->list,
        json_pack("{s:s, s:o, s:I, s:s, s:I, s:I, s:I, s:f, s:f, s:f, s:b}", "participant", sid,
                  "identity", aura_rest_string(v->identity, DASH_TEXT_MAX), "estimate_bps",
                  (json_int_t)s->bwe.target_bps, "limited_by", aura_bwe_limit_name(s->bwe.limit),
                  "video_bps", (json_int_t)s->given_bps, "wanted_bps", (json_int_t)s->wanted_bps,
                  "audio_bps", (json_int_t)s->audio_bps, "loss", (double)s->bwe.loss, "rtt_ms",
                  s->bwe.rtt_us / 1000.0, "queue_ms", s->bwe.queue_us / 1000.0, "overusing",
                  (int)s->bwe.overusing));
}

static void list_links(struct dash_request *r) {
    struct aura_rooms_page page;
    if (aura__dash_page(r, &page)) {
        struct listing l = {.d = r->d, .list = json_array()};
        int err = aura_rooms_show_links(r->s->rooms, r->param[0], &page, add_link, &l);
        respond_page(r, "links", &l, err, page.more);
    }
}

/* ---- orders ---- */

/** Whom an order is about: copies, for the order itself may end them. */
struct place {
    char *room, *identity;
    char target[TARGET_BYTES]; /* for the audit log */
};

static int place_of(struct dash_request *r, const char *sid, struct place *out) {
    const char *room, *identity;
    *out = (struct place){.room = NULL};
    int err = aura_rooms_place(r->s->rooms, r->param[0], sid, &room, &identity);
    if (err) {
        return err;
    }
    out->room = aura_strdup(room);
    out->identity = aura_strdup(identity);
    (void)snprintf(out->target, sizeof(out->target), sid ? "%.250s / %.250s" : "%.500s%s", room,
                   identity);
    return out->room && out->identity ? 0 : AURA_ENOMEM;
}

static void place_clear(struct place *p) {
    aura_free(p->room);
    aura_free(p->identity);
}

static void close_room(struct dash_request *r) {
    struct place p;
    int err = place_of(r, NULL, &p);
    err = err ? err : aura_rooms_delete_room(r->s->rooms, p.room);
    if (err) {
        aura__dash_refuse_err(r, err, no_room);
    } else {
        aura__dash_audit(r, "room.close", p.target, r->param[0]);
        aura__dash_done(r);
    }
    place_clear(&p);
}

static void kick(struct dash_request *r) {
    struct place p;
    int err = place_of(r, r->param[1], &p);
    err = err ? err : aura_rooms_remove_participant(r->s->rooms, p.room, p.identity);
    if (err) {
        aura__dash_refuse_err(r, err, nobody);
    } else {
        aura__dash_audit(r, "participant.kick", p.target, r->param[1]);
        aura__dash_done(r);
    }
    place_clear(&p);
}

static void refuse_move(struct dash_request *r, int err) {
    switch (err) {
    case AURA_EINVAL:
        aura__dash_refuse(r, 400, "bad_request", "that is this room, or no name of one");
        break;
    case AURA_EPOLICY:
        aura__dash_refuse(r, 409, "cannot",
                          "this participant's client cannot be moved, or its API key is revoked");
        break;
    case AURA_EEXISTS:
        aura__dash_refuse(r, 409, "conflict", "somebody with this identity is in that room");
        break;
    case AURA_ELIMIT:
        aura__dash_refuse(r, 409, "conflict", "that room, or the server, is full");
        break;
    default:
        aura__dash_refuse_err(r, err, nobody);
    }
}

static void move(struct dash_request *r) {
    struct aura_rest_field f[] = {{"room", JSON_STRING, true, 256, NULL}};
    struct place p;
    if (!aura__dash_fields(r, f, 1)) {
        return;
    }
    const char *to = aura_rest_text(&f[0], "");
    int err = place_of(r, r->param[1], &p);
    err = err ? err : aura_rooms_move(r->s->rooms, p.room, p.identity, to);
    if (err) {
        refuse_move(r, err);
    } else {
        aura__dash_audit(r, "participant.move", p.target, to);
        aura__dash_done(r);
    }
    place_clear(&p);
}

/* ---- messages ---- */

static char *chat_json(struct dash_request *r, const char *text) {
    char id[ID_LEN + 1];
    aura_rand_text(r->s->conf.rand, id, ID_LEN);
    json_t *message =
        json_pack("{s:s, s:I, s:s}", "id", id, "timestamp",
                  (json_int_t)(aura__dash_now_us(r->d) / AURA_US_PER_MS), "message", text);
    char *out = message ? json_dumps(message, JSON_COMPACT) : NULL;
    json_decref(message);
    return out;
}

static int send_data(struct dash_request *r, char *room, const char *text, const char *topic,
                     const json_t *to) {
    char *names[TO_MAX];
    Livekit__SendDataRequest q = LIVEKIT__SEND_DATA_REQUEST__INIT;
    q.room = room;
    q.data.data = (uint8_t *)(uintptr_t)text;
    q.data.len = strlen(text);
    q.kind = LIVEKIT__DATA_PACKET__KIND__RELIABLE;
    q._topic_case = LIVEKIT__SEND_DATA_REQUEST___TOPIC_TOPIC;
    q.topic = (char *)(uintptr_t)topic;
    q.destination_identities = names;
    for (size_t i = 0; i < json_array_size(to) && i < TO_MAX; i++) {
        const char *name = json_string_value(json_array_get(to, i));
        if (!name || !name[0]) {
            return AURA_EINVAL;
        }
        names[q.n_destination_identities++] = (char *)(uintptr_t)name;
    }
    return aura_rooms_send_data(r->s->rooms, &q);
}

static void message(struct dash_request *r) {
    struct aura_rest_field f[] = {{"text", JSON_STRING, true, MESSAGE_MAX, NULL},
                                  {"topic", JSON_STRING, false, TOPIC_MAX, NULL},
                                  {"to", JSON_ARRAY, false, TO_MAX, NULL}};
    struct place p;
    char detail[64];
    if (!aura__dash_fields(r, f, 3)) {
        return;
    }
    const char *text = aura_rest_text(&f[0], ""), *topic = aura_rest_text(&f[1], chat_topic);
    bool chat = strcmp(topic, chat_topic) == 0;
    char *json = chat ? chat_json(r, text) : NULL;
    int err = place_of(r, NULL, &p);
    err = err ? err : chat && !json ? AURA_ENOMEM : 0;
    err = err ? err : send_data(r, p.room, chat ? json : text, topic, f[2].value);
    free(json); /* library's memory */
    if (err == AURA_EINVAL) {
        aura__dash_refuse(r, 400, "bad_request", "\"to\" is a list of identities");
    } else if (err) {
        aura__dash_refuse_err(r, err, no_room);
    } else {
        (void)snprintf(detail, sizeof(detail), "%zu bytes to %s", strlen(text),
                       json_array_size(f[2].value) ? "some" : "all");
        aura__dash_audit(r, "room.message", p.target, detail);
        aura__dash_done(r);
    }
    place_clear(&p);
}

static const struct dash_route routes[] = {
    {"GET", "/api/v1/rooms", DASH_VIEW, list_rooms},
    {"GET", "/api/v1/rooms/{room}", DASH_VIEW, get_room},
    {"DELETE", "/api/v1/rooms/{room}", DASH_CHANGE, close_room},
    {"POST", "/api/v1/rooms/{room}/message", DASH_CHANGE, message},
    {"GET", "/api/v1/rooms/{room}/participants", DASH_VIEW, list_participants},
    {"GET", "/api/v1/rooms/{room}/participants/{participant}", DASH_VIEW, get_participant},
    {"DELETE", "/api/v1/rooms/{room}/participants/{participant}", DASH_CHANGE, kick},
    {"POST", "/api/v1/rooms/{room}/participants/{participant}/move", DASH_CHANGE, move},
    {"GET", "/api/v1/rooms/{room}/links", DASH_VIEW, list_links},
};
DASH_ROUTES(aura__dash_room_routes, routes);
