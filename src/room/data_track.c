/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Data tracks: named series of frames that a participant sends to whoever asks for them
 * (livekit-protocol §5.3).
 *
 * A publisher numbers its tracks itself; those numbers are its own. Subscribers know a track by a
 * number of ours, the same one for all of them, so that a packet is written once for all.
 */
#include "room/data_packet.h"
#include "room/room_priv.h"

#include "base/log.h"

#include <string.h>

enum {
    NAME_MAX_BYTES = 256, /* LiveKit's */
    ENCODING_MAX_BYTES = 32,
    REQUEST_BYTES_MAX = 1024, /* it is told to everybody */
    HANDLE_MAX = UINT16_MAX,
    ROOM_TRACKS_MAX = 4096,
    UPDATES_MAX = 256, /* tracks that one request may be about */
};

struct data_track {
    struct aura_node node; /* in participant->data_tracks */
    struct participant *p;
    Livekit__DataTrackInfo *info;
    uint16_t handle; /* that subscribers know it by */
    struct aura_list subs;
};

struct data_sub {
    struct aura_node track_node, node; /* in data_track->subs, participant->data_subs */
    struct participant *p;
    struct data_track *t;
    bool allowed; /* by the publisher */
};

/* ---- finding ---- */

static struct data_track *own_track(const struct participant *p, uint32_t pub_handle) {
    AURA_LIST_EACH(&p->data_tracks, struct data_track, t, node) {
        if (t->info->pub_handle == pub_handle) {
            return t;
        }
    }
    return NULL;
}

static struct data_track *named(const struct participant *p, const char *name) {
    AURA_LIST_EACH(&p->data_tracks, struct data_track, t, node) {
        if (strcmp(t->info->name, name) == 0) {
            return t;
        }
    }
    return NULL;
}

static struct data_track *in_room(const struct room *room, const char *sid) {
    AURA_LIST_EACH(&room->participants, struct participant, p, node) {
        AURA_LIST_EACH(&p->data_tracks, struct data_track, t, node) {
            if (strcmp(t->info->sid, sid) == 0) {
                return t;
            }
        }
    }
    return NULL;
}

static struct data_sub *sub_of(const struct participant *p, const struct data_track *t) {
    AURA_LIST_EACH(&p->data_subs, struct data_sub, s, node) {
        if (s->t == t) {
            return s;
        }
    }
    return NULL;
}

static bool handle_taken(const struct room *room, uint16_t handle) {
    AURA_LIST_EACH(&room->participants, struct participant, p, node) {
        AURA_LIST_EACH(&p->data_tracks, struct data_track, t, node) {
            if (t->handle == handle) {
                return true;
            }
        }
    }
    return false;
}

/* One that was free longest, lest late packets of an ended track be taken for those of a new one.
 */
static uint16_t free_handle(struct room *room) {
    do {
        room->data_handle = (uint16_t)(room->data_handle == HANDLE_MAX ? 1 : room->data_handle + 1);
    } while (handle_taken(room, room->data_handle));
    return room->data_handle;
}

/* ---- subscribers ---- */

static void tell_handles(struct participant *p) {
    struct aura__arena a = {.blocks = NULL};
    Livekit__DataTrackSubscriberHandles handles = LIVEKIT__DATA_TRACK_SUBSCRIBER_HANDLES__INIT;
    handles.sub_handles = aura__arena_take(&a, p->data_sub_count * sizeof(*handles.sub_handles));
    AURA_LIST_EACH(&p->data_subs, struct data_sub, s, node) {
        Livekit__DataTrackSubscriberHandles__SubHandlesEntry *e = aura__arena_take(&a, sizeof(*e));
        Livekit__DataTrackSubscriberHandles__PublishedDataTrack *about =
            aura__arena_take(&a, sizeof(*about));
        if (a.fail || !s->allowed) {
            continue;
        }
        livekit__data_track_subscriber_handles__sub_handles_entry__init(e);
        livekit__data_track_subscriber_handles__published_data_track__init(about);
        about->publisher_identity = s->t->p->claims.identity;
        about->publisher_sid = s->t->p->sid;
        about->track_sid = s->t->info->sid;
        e->key = s->t->handle;
        e->value = about;
        handles.sub_handles[handles.n_sub_handles++] = e;
    }
    Livekit__SignalResponse m = LIVEKIT__SIGNAL_RESPONSE__INIT;
    m.message_case = LIVEKIT__SIGNAL_RESPONSE__MESSAGE_DATA_TRACK_SUBSCRIBER_HANDLES;
    m.data_track_subscriber_handles = &handles;
    if (!a.fail) {
        aura__send(p, &m);
    }
    aura__arena_free(&a);
}

static void sub_free(struct data_sub *s) {
    aura_node_remove(&s->node);
    aura_node_remove(&s->track_node);
    s->p->data_sub_count--;
    aura_free(s);
}

static bool permitted(const struct participant *p, const struct data_track *t) {
    return aura__subscribe_permitted(p, t->p, t->info->sid);
}

static void subscribe(struct participant *p, struct data_track *t) {
    struct data_sub *s = p == t->p || sub_of(p, t) ? NULL : aura_zalloc(sizeof(*s));
    if (s) {
        s->p = p;
        s->t = t;
        s->allowed = permitted(p, t);
        aura_list_add(&t->subs, &s->track_node);
        aura_list_add(&p->data_subs, &s->node);
        p->data_sub_count++;
    }
}

void aura__data_track_subscribe(struct participant *p, const Livekit__UpdateDataSubscription *q) {
    if (!p->may.subscribe || q->n_updates > UPDATES_MAX) {
        return;
    }
    for (size_t i = 0; i < q->n_updates; i++) {
        struct data_track *t = in_room(p->room, q->updates[i]->track_sid);
        struct data_sub *s = t ? sub_of(p, t) : NULL;
        if (t && q->updates[i]->subscribe) {
            subscribe(p, t);
        } else if (s) {
            sub_free(s);
        }
    }
    tell_handles(p);
}

void aura__data_track_recheck(struct participant *publisher) {
    AURA_LIST_EACH(&publisher->data_tracks, struct data_track, t, node) {
        AURA_LIST_EACH(&t->subs, struct data_sub, s, track_node) {
            bool allowed = permitted(s->p, t);
            if (allowed != s->allowed) {
                s->allowed = allowed;
                tell_handles(s->p);
            }
        }
    }
}

void aura__data_subs_end(struct participant *p) {
    AURA_LIST_EACH(&p->data_subs, struct data_sub, s, node) {
        sub_free(s);
    }
}

/* ---- publishers ---- */

static void refuse(struct participant *p, const Livekit__PublishDataTrackRequest *q,
                   Livekit__RequestResponse__Reason reason, const char *why) {
    Livekit__RequestResponse response = LIVEKIT__REQUEST_RESPONSE__INIT;
    response.reason = reason;
    response.message = (char *)(uintptr_t)why;
    response.request_case = LIVEKIT__REQUEST_RESPONSE__REQUEST_PUBLISH_DATA_TRACK;
    response.publish_data_track = (Livekit__PublishDataTrackRequest *)(uintptr_t)q;
    Livekit__SignalResponse m = LIVEKIT__SIGNAL_RESPONSE__INIT;
    m.message_case = LIVEKIT__SIGNAL_RESPONSE__MESSAGE_REQUEST_RESPONSE;
    m.request_response = &response;
    aura__send(p, &m);
}

static bool good_encoding(const char *custom) {
    return custom[0] && strlen(custom) <= ENCODING_MAX_BYTES;
}

static bool good_encodings(const Livekit__PublishDataTrackRequest *q) {
    const Livekit__DataTrackFrameEncoding *frame = NULL;
    const Livekit__DataTrackSchemaEncoding *schema = NULL;
    if (q->_frame_encoding_case ==
        LIVEKIT__PUBLISH_DATA_TRACK_REQUEST___FRAME_ENCODING_FRAME_ENCODING) {
        frame = q->frame_encoding;
    }
    if (q->_schema_case == LIVEKIT__PUBLISH_DATA_TRACK_REQUEST___SCHEMA_SCHEMA) {
        schema = q->schema->encoding;
    }
    return (!frame || frame->value_case != LIVEKIT__DATA_TRACK_FRAME_ENCODING__VALUE_CUSTOM ||
            good_encoding(frame->custom)) &&
           (!schema || schema->value_case != LIVEKIT__DATA_TRACK_SCHEMA_ENCODING__VALUE_CUSTOM ||
            good_encoding(schema->custom));
}

/* @return what is wrong, or NULL */
static const char *objection(const struct participant *p, const Livekit__PublishDataTrackRequest *q,
                             Livekit__RequestResponse__Reason *reason) {
    const struct {
        bool bad;
        Livekit__RequestResponse__Reason reason;
        const char *why;
    } checks[] = {
        {p->room->rooms->conf.no_data_tracks, LIVEKIT__REQUEST_RESPONSE__REASON__NOT_ALLOWED,
         "this server has data tracks switched off (enable_data_tracks)"},
        {!p->may.publish_data, LIVEKIT__REQUEST_RESPONSE__REASON__NOT_ALLOWED,
         "the token lacks canPublishData"},
        {q->pub_handle == 0 || q->pub_handle > HANDLE_MAX,
         LIVEKIT__REQUEST_RESPONSE__REASON__INVALID_HANDLE, "the handle must be 1 to 65535"},
        {!q->name[0] || strlen(q->name) > NAME_MAX_BYTES,
         LIVEKIT__REQUEST_RESPONSE__REASON__INVALID_NAME, "the name must have 1 to 256 bytes"},
        {!good_encodings(q), LIVEKIT__REQUEST_RESPONSE__REASON__INVALID_REQUEST,
         "a custom encoding must have 1 to 32 bytes"},
        {livekit__publish_data_track_request__get_packed_size(q) > REQUEST_BYTES_MAX,
         LIVEKIT__REQUEST_RESPONSE__REASON__LIMIT_EXCEEDED,
         "the description of the track is too long"},
        {own_track(p, q->pub_handle) != NULL, LIVEKIT__REQUEST_RESPONSE__REASON__DUPLICATE_HANDLE,
         "you have a data track with this handle"},
        {named(p, q->name) != NULL, LIVEKIT__REQUEST_RESPONSE__REASON__DUPLICATE_NAME,
         "you have a data track with this name"},
        {p->data_track_count >= p->room->rooms->conf.max_tracks,
         LIVEKIT__REQUEST_RESPONSE__REASON__LIMIT_EXCEEDED, "too many data tracks of yours"},
        {p->room->data_track_count >= ROOM_TRACKS_MAX,
         LIVEKIT__REQUEST_RESPONSE__REASON__LIMIT_EXCEEDED, "too many data tracks in the room"},
    };
    for (size_t i = 0; i < sizeof(checks) / sizeof(checks[0]); i++) {
        if (checks[i].bad) {
            *reason = checks[i].reason;
            return checks[i].why;
        }
    }
    return NULL;
}

static Livekit__DataTrackInfo *info_of(const char *sid, const Livekit__PublishDataTrackRequest *q) {
    Livekit__DataTrackInfo info = LIVEKIT__DATA_TRACK_INFO__INIT;
    info.pub_handle = q->pub_handle;
    info.sid = (char *)(uintptr_t)sid;
    info.name = q->name;
    info.encryption = q->encryption;
    if (q->_frame_encoding_case ==
        LIVEKIT__PUBLISH_DATA_TRACK_REQUEST___FRAME_ENCODING_FRAME_ENCODING) {
        info._frame_encoding_case = LIVEKIT__DATA_TRACK_INFO___FRAME_ENCODING_FRAME_ENCODING;
        info.frame_encoding = q->frame_encoding;
    }
    if (q->_schema_case == LIVEKIT__PUBLISH_DATA_TRACK_REQUEST___SCHEMA_SCHEMA) {
        info._schema_case = LIVEKIT__DATA_TRACK_INFO___SCHEMA_SCHEMA;
        info.schema = q->schema;
    }
    return aura__pb_copy(&info);
}

static struct data_track *track_new(struct participant *p,
                                    const Livekit__PublishDataTrackRequest *q) {
    char sid[SID_CAP];
    struct data_track *t = aura_zalloc(sizeof(*t));
    aura__sid(p->room->rooms->conf.rand, "DTR_", sid);
    if (t) {
        t->info = info_of(sid, q);
    }
    if (!t || !t->info) {
        aura_free(t);
        return NULL;
    }
    t->p = p;
    t->handle = free_handle(p->room);
    aura_list_init(&t->subs);
    aura_list_add(&p->data_tracks, &t->node);
    p->data_track_count++;
    p->room->data_track_count++;
    return t;
}

void aura__data_track_publish(struct participant *p, const Livekit__PublishDataTrackRequest *q) {
    Livekit__RequestResponse__Reason reason = LIVEKIT__REQUEST_RESPONSE__REASON__LIMIT_EXCEEDED;
    const char *why = objection(p, q, &reason);
    struct data_track *t = why ? NULL : track_new(p, q);
    if (!t) {
        refuse(p, q, reason, why ? why : "out of memory");
        return;
    }
    AURA_LOG("room", AURA_LOG_INFO, "data_track_published", LOG_WHO(p),
             AURA_S("track_sid", t->info->sid));
    Livekit__PublishDataTrackResponse published = LIVEKIT__PUBLISH_DATA_TRACK_RESPONSE__INIT;
    published.info = t->info;
    Livekit__SignalResponse m = LIVEKIT__SIGNAL_RESPONSE__INIT;
    m.message_case = LIVEKIT__SIGNAL_RESPONSE__MESSAGE_PUBLISH_DATA_TRACK_RESPONSE;
    m.publish_data_track_response = &published;
    aura__send(p, &m);
    aura__broadcast(p, true);
}

static void track_end(struct data_track *t) {
    AURA_LIST_EACH(&t->subs, struct data_sub, s, track_node) {
        struct participant *to = s->p;
        sub_free(s);
        tell_handles(to);
    }
    aura_node_remove(&t->node);
    t->p->data_track_count--;
    t->p->room->data_track_count--;
    aura__pb_free(t->info);
    aura_free(t);
}

static void tell_unpublished(struct data_track *t) {
    Livekit__UnpublishDataTrackResponse gone = LIVEKIT__UNPUBLISH_DATA_TRACK_RESPONSE__INIT;
    gone.info = t->info;
    Livekit__SignalResponse m = LIVEKIT__SIGNAL_RESPONSE__INIT;
    m.message_case = LIVEKIT__SIGNAL_RESPONSE__MESSAGE_UNPUBLISH_DATA_TRACK_RESPONSE;
    m.unpublish_data_track_response = &gone;
    aura__send(t->p, &m);
}

void aura__data_track_unpublish(struct participant *p,
                                const Livekit__UnpublishDataTrackRequest *q) {
    struct data_track *t = own_track(p, q->pub_handle);
    if (t) {
        tell_unpublished(t);
        track_end(t);
        aura__broadcast(p, true);
        return;
    }
    Livekit__RequestResponse response = LIVEKIT__REQUEST_RESPONSE__INIT;
    response.reason = LIVEKIT__REQUEST_RESPONSE__REASON__NOT_FOUND;
    response.message = (char *)(uintptr_t) "you have no data track with this handle";
    response.request_case = LIVEKIT__REQUEST_RESPONSE__REQUEST_UNPUBLISH_DATA_TRACK;
    response.unpublish_data_track = (Livekit__UnpublishDataTrackRequest *)(uintptr_t)q;
    Livekit__SignalResponse m = LIVEKIT__SIGNAL_RESPONSE__INIT;
    m.message_case = LIVEKIT__SIGNAL_RESPONSE__MESSAGE_REQUEST_RESPONSE;
    m.request_response = &response;
    aura__send(p, &m);
}

void aura__data_tracks_end(struct participant *p) {
    AURA_LIST_EACH(&p->data_tracks, struct data_track, t, node) {
        tell_unpublished(t);
        track_end(t);
    }
}

void aura__data_tracks_info(struct aura__arena *a, const struct participant *p,
                            Livekit__ParticipantInfo *info) {
    info->data_tracks = aura__arena_take(a, p->data_track_count * sizeof(*info->data_tracks));
    AURA_LIST_EACH(&p->data_tracks, struct data_track, t, node) {
        if (!a->fail) {
            info->data_tracks[info->n_data_tracks++] = t->info;
        }
    }
}

/* ---- packets ---- */

/* @return how many there are */
static size_t subscribers(const struct data_track *t, aura_peer_id *peers, size_t max) {
    size_t n = 0;
    AURA_LIST_EACH(&t->subs, struct data_sub, s, track_node) {
        if (s->allowed && n < max) {
            peers[n++] = aura__connect_down(s->p)->peer;
        }
    }
    return n;
}

bool aura__data_track_packet(struct participant *p, const uint8_t *data, size_t len) {
    struct aura_rooms *r = p->room->rooms;
    uint16_t handle;
    struct data_track *t =
        aura_data_packet_read(data, len, &handle) == 0 ? own_track(p, handle) : NULL;
    if (!t) {
        return false;
    }
    if (aura_list_empty(&t->subs)) {
        return true; /* clients send before anybody listens */
    }
    size_t max = aura_map_count(p->room->by_identity);
    aura_peer_id *peers = aura_calloc(max, sizeof(*peers));
    size_t count = peers ? subscribers(t, peers, max) : 0;
    aura_buf_clear(&r->out);
    bool sent = peers && aura_buf_add(&r->out, data, len) == 0;
    if (sent && count) {
        aura_data_packet_set_handle(r->out.data, t->handle);
        sent =
            aura_fleet_data_send(&r->reach, peers, count, AURA_DATA_TRACK, r->out.data, len) == 0;
    }
    aura_free(peers);
    return sent;
}
