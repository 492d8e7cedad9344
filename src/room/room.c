/* SPDX-License-Identifier: Apache-2.0 */
#include "room/measure.h"

#include "base/log.h"

#include <string.h>

struct room *aura__room_find(const struct aura_rooms *r, const char *name) {
    return aura_map_get_str(r->by_name, name);
}

static void room_free(struct room *room) {
    struct aura_timers *timers = room->rooms->timers;
    aura_timer_stop(timers, &room->close_timer);
    aura_timer_stop(timers, &room->update_timer);
    aura_timer_stop(timers, &room->info_timer);
    aura_timer_stop(timers, &room->quality_timer);
    aura_timer_stop(timers, &room->audible_timer);
    aura_timer_stop(timers, &room->player_timer);
    aura__replay_clear(room);
    aura__auto_egress_forget(room);
    aura_map_free(room->by_identity);
    aura_free(room->name);
    aura_free(room->metadata);
    aura_free(room);
}

static int room_new(struct aura_rooms *r, const char *name, const Livekit__CreateRoomRequest *wish,
                    struct room **out) {
    struct room *room = aura_zalloc(sizeof(*room));
    if (!room) {
        return AURA_ENOMEM;
    }
    room->rooms = r;
    aura_list_init(&room->participants);
    aura_list_init(&room->kept);
    aura_list_init(&room->dispatches);
    aura__sid(r->conf.rand, "RM_", room->sid);
    room->name = aura_strdup(name);
    room->metadata = aura_strdup(wish ? wish->metadata : "");
    room->created_wall_us = aura_wall_us(r->clock);
    room->created_us = aura_now_us(r->clock);
    room->empty_timeout_s =
        wish && wish->empty_timeout ? wish->empty_timeout : r->conf.empty_timeout_s;
    room->departure_timeout_s =
        wish && wish->departure_timeout ? wish->departure_timeout : r->conf.departure_timeout_s;
    room->max_participants =
        wish && wish->max_participants ? wish->max_participants : r->conf.max_participants;
    room->playout = aura__wish_playout(r, wish);
    room->sync_streams = (wish && wish->sync_streams) || r->conf.sync_streams;
    int err = room->name && room->metadata ? 0 : AURA_ENOMEM;
    err = err ? err : aura__auto_egress_keep(room, wish);
    if (!err) {
        err = aura_map_new(&room->by_identity, PARTICIPANTS_MAX);
    }
    if (!err) {
        err = aura__agents_room_started(room, wish);
    }
    if (!err) {
        err = aura_map_put_str(r->by_name, name, room);
    }
    if (err) {
        aura__agents_room_ends(room);
        room_free(room);
        return err;
    }
    aura__aic_room_changed(room);
    aura_list_add(&r->rooms, &room->node);
    r->stats.rooms++;
    AURA_LOG("room", AURA_LOG_INFO, "room_started", LOG_ROOM(room));
    aura__meters_start(room);
    aura__notify_room(room, "room_started", LIVEKIT__ROOM_END_REASON__ROOM_END_UNKNOWN);
    aura__room_check_empty(room);
    aura__agents_changed(room);
    aura__auto_egress_room(room);
    *out = room;
    return 0;
}

int aura__room_get(struct aura_rooms *r, const char *name, bool create,
                   const Livekit__CreateRoomRequest *wish, struct room **out) {
    *out = aura__room_find(r, name);
    if (*out) {
        return 0;
    }
    if (create && r->conf.max_rooms && r->stats.rooms >= r->conf.max_rooms) {
        return AURA_ELIMIT;
    }
    if (create && r->conf.may_open && !r->conf.may_open(r->conf.may_open_arg, name)) {
        return AURA_EAGAIN;
    }
    return create ? room_new(r, name, wish, out) : AURA_ENOENT;
}

static Livekit__RoomEndReason end_reason(Livekit__DisconnectReason reason) {
    return reason == LIVEKIT__DISCONNECT_REASON__ROOM_DELETED
               ? LIVEKIT__ROOM_END_REASON__ROOM_END_API_DELETE
           : reason == LIVEKIT__DISCONNECT_REASON__SERVER_SHUTDOWN
               ? LIVEKIT__ROOM_END_REASON__ROOM_END_SERVER_SHUTDOWN
               : LIVEKIT__ROOM_END_REASON__ROOM_END_IDLE_TIMEOUT;
}

void aura__room_close(struct room *room, Livekit__DisconnectReason reason) {
    struct aura_rooms *r = room->rooms;
    room->closing = true;
    AURA_LIST_EACH(&room->participants, struct participant, p, node) {
        aura__participant_leave(p, reason, LIVEKIT__LEAVE_REQUEST__ACTION__DISCONNECT);
    }
    aura__agents_room_ends(room);
    AURA_LOG("room", AURA_LOG_INFO, "room_finished", LOG_ROOM(room));
    aura__measure_room_ends(room);
    aura__notify_room(room, "room_finished", end_reason(reason));
    aura_map_del_str(r->by_name, room->name);
    aura_node_remove(&room->node);
    r->stats.rooms--;
    room_free(room);
}

bool aura_rooms_has(const struct aura_rooms *r, const char *room) {
    return aura__room_find(r, room) != NULL;
}

void aura_rooms_moved(struct aura_rooms *r, const char *name) {
    struct room *room = aura__room_find(r, name);
    if (!room) {
        return;
    }
    AURA_LIST_EACH(&room->participants, struct participant, p, node) {
        aura__participant_leave(p, LIVEKIT__DISCONNECT_REASON__MIGRATION,
                                LIVEKIT__LEAVE_REQUEST__ACTION__RECONNECT);
    }
    aura__room_close(room, LIVEKIT__DISCONNECT_REASON__MIGRATION);
}

static void on_empty(void *arg) {
    aura__room_close(arg, LIVEKIT__DISCONNECT_REASON__ROOM_CLOSED);
}

/* Agents, recorders and the like do not keep a room alive. */
static bool keeps_alive(const struct participant *p) {
    return !p->may.recorder && !p->may.agent && !p->may.hidden;
}

void aura__room_check_empty(struct room *room) {
    AURA_LIST_EACH(&room->participants, struct participant, p, node) {
        if (keeps_alive(p)) {
            aura_timer_stop(room->rooms->timers, &room->close_timer);
            return;
        }
    }
    if (room->closing || aura_timer_running(&room->close_timer)) {
        return;
    }
    uint64_t seconds = room->had_participants ? room->departure_timeout_s : room->empty_timeout_s;
    if (aura_timer_start(room->rooms->timers, &room->close_timer, seconds * AURA_US_PER_S, on_empty,
                         room)) {
        AURA_LOG("room", AURA_LOG_ERROR, "no_memory_for_timer", LOG_ROOM(room));
    }
}

struct participant *aura__room_participant(const struct room *room, const char *identity) {
    return aura_map_get_str(room->by_identity, identity);
}

size_t aura__room_count(const struct room *room, bool publishers) {
    size_t n = 0;
    AURA_LIST_EACH(&room->participants, struct participant, p, node) {
        bool counts = keeps_alive(p) || (!p->may.hidden && !p->may.recorder);
        n += counts && (!publishers || p->track_count || p->data_track_count);
    }
    return n;
}

Livekit__Room *aura__room_info(struct aura__arena *a, const struct room *room) {
    Livekit__Room *info = aura__arena_take(a, sizeof(*info));
    Livekit__TimedVersion *version = aura__arena_take(a, sizeof(*version));
    Livekit__Codec **list = aura__arena_take(a, AURA_CODEC_COUNT * sizeof(*list));
    if (a->fail) {
        return NULL;
    }
    livekit__room__init(info);
    livekit__timed_version__init(version);
    info->sid = (char *)(uintptr_t)room->sid;
    info->name = room->name;
    info->empty_timeout = room->empty_timeout_s;
    info->departure_timeout = room->departure_timeout_s;
    info->max_participants = room->max_participants;
    info->creation_time = (int64_t)(room->created_wall_us / AURA_US_PER_S);
    info->creation_time_ms = (int64_t)(room->created_wall_us / AURA_US_PER_MS);
    info->metadata = room->metadata;
    info->num_participants = (uint32_t)aura__room_count(room, false);
    info->num_publishers = (uint32_t)aura__room_count(room, true);
    info->active_recording = room->recording;
    info->enabled_codecs = list;
    for (unsigned c = 1; c < AURA_CODEC_COUNT; c++) {
        Livekit__Codec *codec = aura__arena_take(a, sizeof(*codec));
        if (codec && (room->rooms->conf.codecs & 1u << c)) {
            livekit__codec__init(codec);
            codec->mime = (char *)(uintptr_t)aura_codec_mime((enum aura_codec)c);
            list[info->n_enabled_codecs++] = codec;
        }
    }
    version->unix_micro = (int64_t)aura_wall_us(room->rooms->clock);
    info->version = version;
    return a->fail ? NULL : info;
}
