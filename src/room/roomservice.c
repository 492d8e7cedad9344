/* SPDX-License-Identifier: Apache-2.0 */
/* RoomService: what an operator's backend asks of the rooms (livekit-protocol §6). */
#include "room/room_priv.h"

#include <string.h>

int aura_rooms_create_room(struct aura_rooms *r, const Livekit__CreateRoomRequest *q,
                           Livekit__Room **out) {
    struct room *room;
    if (!q->name[0]) {
        return AURA_EINVAL;
    }
    if (strlen(q->name) > r->conf.max_room_name_length ||
        strlen(q->metadata) > r->conf.max_metadata_bytes) {
        return AURA_EINVAL;
    }
    int err = 0;
    bool known = aura__room_find(r, q->name) != NULL;
    Livekit__CreateRoomRequest *wish = aura__wish_of_request(r, q, &err);
    if (!err && strlen(wish->metadata) > r->conf.max_metadata_bytes) {
        err = AURA_EINVAL;
    }
    err = err ? err : aura__room_get(r, q->name, true, wish, &room);
    if (!err && known) {
        err = aura__wish_renew(room, q);
    }
    aura__pb_free(wish);
    if (err) {
        return err;
    }
    struct aura__arena a = {.blocks = NULL};
    Livekit__Room *info = aura__room_info(&a, room);
    *out = info ? aura__pb_copy(info) : NULL;
    aura__arena_free(&a);
    return *out ? 0 : AURA_ENOMEM;
}

static bool named(const Livekit__ListRoomsRequest *q, const char *name) {
    for (size_t i = 0; i < q->n_names; i++) {
        if (strcmp(q->names[i], name) == 0) {
            return true;
        }
    }
    return q->n_names == 0;
}

int aura_rooms_list_rooms(struct aura_rooms *r, const Livekit__ListRoomsRequest *q,
                          Livekit__ListRoomsResponse **out) {
    struct aura__arena a = {.blocks = NULL};
    Livekit__ListRoomsResponse list = LIVEKIT__LIST_ROOMS_RESPONSE__INIT;
    list.rooms = aura__arena_take(&a, (r->stats.rooms + 1) * sizeof(*list.rooms));
    AURA_LIST_EACH(&r->rooms, struct room, room, node) {
        Livekit__Room *info = !a.fail && named(q, room->name) ? aura__room_info(&a, room) : NULL;
        if (info) {
            list.rooms[list.n_rooms++] = info;
        }
    }
    *out = a.fail ? NULL : aura__pb_copy(&list);
    aura__arena_free(&a);
    return *out ? 0 : AURA_ENOMEM;
}

int aura_rooms_delete_room(struct aura_rooms *r, const char *name) {
    struct room *room = aura__room_find(r, name);
    if (!room) {
        return AURA_ENOENT;
    }
    aura__room_close(room, LIVEKIT__DISCONNECT_REASON__ROOM_DELETED);
    return 0;
}

int aura_rooms_list_participants(struct aura_rooms *r, const char *name,
                                 Livekit__ListParticipantsResponse **out) {
    struct room *room = aura__room_find(r, name);
    struct aura__arena a = {.blocks = NULL};
    Livekit__ListParticipantsResponse list = LIVEKIT__LIST_PARTICIPANTS_RESPONSE__INIT;
    size_t max = room ? aura_map_count(room->by_identity) : 0;
    list.participants = aura__arena_take(&a, (max + 1) * sizeof(*list.participants));
    if (room) {
        AURA_LIST_EACH(&room->participants, struct participant, p, node) {
            Livekit__ParticipantInfo *info = a.fail ? NULL : aura__participant_info(&a, p);
            if (info && list.n_participants < max) {
                list.participants[list.n_participants++] = info;
            }
        }
    }
    *out = a.fail ? NULL : aura__pb_copy(&list);
    aura__arena_free(&a);
    return *out ? 0 : AURA_ENOMEM;
}

static struct participant *find(const struct aura_rooms *r, const char *room_name,
                                const char *identity) {
    struct room *room = aura__room_find(r, room_name);
    return room ? aura__room_participant(room, identity) : NULL;
}

static int give_info(const struct participant *p, Livekit__ParticipantInfo **out) {
    struct aura__arena a = {.blocks = NULL};
    Livekit__ParticipantInfo *info = aura__participant_info(&a, p);
    *out = info ? aura__pb_copy(info) : NULL;
    aura__arena_free(&a);
    return *out ? 0 : AURA_ENOMEM;
}

bool aura_rooms_is_in(const struct aura_rooms *r, const char *room, const char *identity) {
    return find(r, room, identity) != NULL;
}

int aura_rooms_get_participant(struct aura_rooms *r, const char *room, const char *identity,
                               Livekit__ParticipantInfo **out) {
    struct participant *p = find(r, room, identity);
    return p ? give_info(p, out) : AURA_ENOENT;
}

int aura_rooms_remove_participant(struct aura_rooms *r, const char *room, const char *identity) {
    struct participant *p = find(r, room, identity);
    if (!p) {
        return AURA_ENOENT;
    }
    aura__participant_leave(p, LIVEKIT__DISCONNECT_REASON__PARTICIPANT_REMOVED,
                            LIVEKIT__LEAVE_REQUEST__ACTION__DISCONNECT);
    return 0;
}

int aura_rooms_mute_track(struct aura_rooms *r, const Livekit__MuteRoomTrackRequest *q,
                          Livekit__TrackInfo **out) {
    struct participant *p = find(r, q->room, q->identity);
    struct track *t = p ? aura__track_by_sid(p, q->track_sid) : NULL;
    if (!t) {
        return AURA_ENOENT;
    }
    if (!q->muted && !r->conf.enable_remote_unmute) {
        return AURA_EPOLICY;
    }
    /* The publisher is told to mute itself; others see it at once. */
    Livekit__MuteTrackRequest mute = LIVEKIT__MUTE_TRACK_REQUEST__INIT;
    mute.sid = t->sid;
    mute.muted = q->muted;
    Livekit__SignalResponse m = LIVEKIT__SIGNAL_RESPONSE__INIT;
    m.message_case = LIVEKIT__SIGNAL_RESPONSE__MESSAGE_MUTE;
    m.mute = &mute;
    aura__send(p, &m);
    aura__publish_mute(t, q->muted);
    struct aura__arena a = {.blocks = NULL};
    Livekit__TrackInfo *info = aura__track_info(&a, t);
    *out = info ? aura__pb_copy(info) : NULL;
    aura__arena_free(&a);
    return *out ? 0 : AURA_ENOMEM;
}

static void permit(struct participant *p, const Livekit__ParticipantPermission *q) {
    struct permission may = {
        .subscribe = q->can_subscribe,
        .publish = q->can_publish,
        .publish_data = q->can_publish_data,
        .update_metadata = q->can_update_metadata,
        .hidden = q->hidden,
        .recorder = q->recorder,
        .agent = q->agent,
        .metrics = q->can_subscribe_metrics,
        .sources = aura__publish_sources(q->can_publish_sources, q->n_can_publish_sources)};
    aura__participant_permit(p, &may);
}

int aura_rooms_update_participant(struct aura_rooms *r, const Livekit__UpdateParticipantRequest *q,
                                  Livekit__ParticipantInfo **out) {
    struct participant *p = find(r, q->room, q->identity);
    if (!p) {
        return AURA_ENOENT;
    }
    const char *keys[AURA_TOKEN_ATTRIBUTES_MAX], *values[AURA_TOKEN_ATTRIBUTES_MAX];
    struct aura__change change = {
        .name = q->name, .metadata = q->metadata, .keys = keys, .values = values};
    if (q->n_attributes > AURA_TOKEN_ATTRIBUTES_MAX) {
        return AURA_EINVAL;
    }
    for (size_t i = 0; i < q->n_attributes; i++) {
        keys[i] = q->attributes[i]->key;
        values[i] = q->attributes[i]->value;
        change.attribute_count++;
    }
    int err = aura__participant_change(p, &change);
    if (err) {
        return err == AURA_ELIMIT ? AURA_EINVAL : err;
    }
    if (q->permission) {
        permit(p, q->permission);
    } else {
        aura__broadcast(p, true);
        aura__send_refresh_token(p);
    }
    return give_info(p, out);
}

int aura_rooms_update_subscriptions(struct aura_rooms *r,
                                    const Livekit__UpdateSubscriptionsRequest *q) {
    struct participant *p = find(r, q->room, q->identity);
    if (!p) {
        return AURA_ENOENT;
    }
    Livekit__UpdateSubscription update = LIVEKIT__UPDATE_SUBSCRIPTION__INIT;
    update.n_track_sids = q->n_track_sids;
    update.track_sids = q->track_sids;
    update.subscribe = q->subscribe;
    update.n_participant_tracks = q->n_participant_tracks;
    update.participant_tracks = q->participant_tracks;
    aura__subscribe_request(p, &update);
    return 0;
}

int aura_rooms_send_data(struct aura_rooms *r, const Livekit__SendDataRequest *q) {
    struct room *room = aura__room_find(r, q->room);
    return room ? aura__data_from_server(room, q) : AURA_ENOENT;
}

int aura_rooms_update_metadata(struct aura_rooms *r, const char *name, const char *metadata,
                               Livekit__Room **out) {
    struct room *room = aura__room_find(r, name);
    if (!room) {
        return AURA_ENOENT;
    }
    if (strlen(metadata) > r->conf.max_metadata_bytes) {
        return AURA_EINVAL;
    }
    char *copy = aura_strdup(metadata);
    if (!copy) {
        return AURA_ENOMEM;
    }
    aura_free(room->metadata);
    room->metadata = copy;
    aura__aic_room_changed(room);
    aura__broadcast_room(room, true);
    struct aura__arena a = {.blocks = NULL};
    Livekit__Room *info = aura__room_info(&a, room);
    *out = info ? aura__pb_copy(info) : NULL;
    aura__arena_free(&a);
    return *out ? 0 : AURA_ENOMEM;
}
