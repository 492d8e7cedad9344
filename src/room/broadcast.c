/* SPDX-License-Identifier: Apache-2.0 */
/* Telling everybody about everybody: at once what is visible, in batches what is not. */
#include "room/room_priv.h"

#include "base/log.h"

enum {
    BATCH_MS = 3000, /* subscriber-only changes (livekit-protocol §4.6) */
    ROOM_MS = 5000,  /* participant counts */
    UPDATE_BYTES = 131072,
    CROWD = 50, /* from so many on, those who only listen are told of in batches: a message to each
                 * about each would be the square of them */
    CROWD_MS = 250,
};

static void send_update(struct participant *to, Livekit__ParticipantInfo **list, size_t n) {
    Livekit__ParticipantUpdate update = LIVEKIT__PARTICIPANT_UPDATE__INIT;
    update.n_participants = n;
    update.participants = list;
    Livekit__SignalResponse m = LIVEKIT__SIGNAL_RESPONSE__INIT;
    m.message_case = LIVEKIT__SIGNAL_RESPONSE__MESSAGE_UPDATE;
    m.update = &update;
    aura__send(to, &m);
}

/* Splits so that one message stays within UPDATE_BYTES. */
static void send_split(struct participant *to, Livekit__ParticipantInfo **list, size_t n) {
    size_t from = 0, bytes = 0;
    for (size_t i = 0; i < n; i++) {
        size_t size = livekit__participant_info__get_packed_size(list[i]);
        if (i > from && bytes + size > UPDATE_BYTES) {
            send_update(to, list + from, i - from);
            from = i;
            bytes = 0;
        }
        bytes += size;
    }
    if (n > from) {
        send_update(to, list + from, n - from);
    }
}

/* Hidden participants are announced to nobody but themselves. */
static void tell_room(struct participant *about, Livekit__ParticipantInfo *info) {
    AURA_LIST_EACH(&about->room->participants, struct participant, p, node) {
        if (p == about || !about->may.hidden) {
            send_update(p, &info, 1);
        }
    }
}

static void on_batch(void *arg) {
    struct room *room = arg;
    struct aura__arena a = {.blocks = NULL};
    size_t max = aura_map_count(room->by_identity), n = 0;
    Livekit__ParticipantInfo **list = aura__arena_take(&a, (max + 1) * sizeof(*list));
    AURA_LIST_EACH(&room->participants, struct participant, p, node) {
        if (p->dirty && !p->may.hidden && !a.fail && n < max) {
            list[n] = aura__participant_info(&a, p);
            n += list[n] != NULL;
        }
        p->dirty = false;
    }
    AURA_LIST_EACH(&room->participants, struct participant, p, node) {
        if (!a.fail) {
            send_split(p, list, n);
        }
    }
    aura__arena_free(&a);
}

static void batch_in(struct room *room, uint64_t ms) {
    struct aura_timers *timers = room->rooms->timers;
    uint64_t due_us = aura_now_us(room->rooms->clock) + ms * AURA_US_PER_MS;
    bool soon = aura_timer_running(&room->update_timer) && room->update_timer.due_us <= due_us;
    if (!soon &&
        aura_timer_start(timers, &room->update_timer, ms * AURA_US_PER_MS, on_batch, room)) {
        on_batch(room);
    }
}

void aura__broadcast(struct participant *p, bool now) {
    struct room *room = p->room;
    p->version++;
    bool left = p->state == LIVEKIT__PARTICIPANT_INFO__STATE__DISCONNECTED;
    if (!now) {
        p->dirty = true;
        batch_in(room, BATCH_MS);
        return;
    }
    if (!p->track_count && !left && aura_map_count(room->by_identity) >= CROWD) {
        p->dirty = true;
        batch_in(room, CROWD_MS);
        return;
    }
    struct aura__arena a = {.blocks = NULL};
    Livekit__ParticipantInfo *info = aura__participant_info(&a, p);
    if (info) {
        p->dirty = false;
        tell_room(p, info);
    }
    aura__arena_free(&a);
}

void aura__broadcast_gone(struct participant *p) {
    if (!p->may.hidden && !p->room->closing) {
        aura__broadcast(p, true);
    }
}

void aura__broadcast_hidden(struct participant *p) {
    struct aura__arena a = {.blocks = NULL};
    p->version++;
    Livekit__ParticipantInfo *info = aura__participant_info(&a, p);
    if (info) {
        info->state = LIVEKIT__PARTICIPANT_INFO__STATE__DISCONNECTED;
        info->n_tracks = 0;
        AURA_LIST_EACH(&p->room->participants, struct participant, other, node) {
            if (other != p) {
                send_update(other, &info, 1);
            }
        }
    }
    aura__arena_free(&a);
}

void aura__broadcast_all_to(struct participant *to) {
    struct room *room = to->room;
    struct aura__arena a = {.blocks = NULL};
    size_t max = aura_map_count(room->by_identity), n = 0;
    Livekit__ParticipantInfo **list = aura__arena_take(&a, (max + 1) * sizeof(*list));
    AURA_LIST_EACH(&room->participants, struct participant, p, node) {
        bool seen =
            p == to || (!p->may.hidden && p->state >= LIVEKIT__PARTICIPANT_INFO__STATE__JOINED);
        if (seen && !a.fail && n < max) {
            list[n] = aura__participant_info(&a, p);
            n += list[n] != NULL;
        }
    }
    if (!a.fail) {
        send_split(to, list, n);
    }
    Livekit__RoomUpdate update = LIVEKIT__ROOM_UPDATE__INIT;
    update.room = aura__room_info(&a, room);
    Livekit__SignalResponse m = LIVEKIT__SIGNAL_RESPONSE__INIT;
    m.message_case = LIVEKIT__SIGNAL_RESPONSE__MESSAGE_ROOM_UPDATE;
    m.room_update = &update;
    if (update.room) {
        aura__send(to, &m);
    }
    aura__arena_free(&a);
}

static void on_room(void *arg) {
    struct room *room = arg;
    struct aura__arena a = {.blocks = NULL};
    Livekit__RoomUpdate update = LIVEKIT__ROOM_UPDATE__INIT;
    update.room = aura__room_info(&a, room);
    Livekit__SignalResponse m = LIVEKIT__SIGNAL_RESPONSE__INIT;
    m.message_case = LIVEKIT__SIGNAL_RESPONSE__MESSAGE_ROOM_UPDATE;
    m.room_update = &update;
    AURA_LIST_EACH(&room->participants, struct participant, p, node) {
        if (update.room) {
            aura__send(p, &m);
        }
    }
    aura__arena_free(&a);
}

void aura__broadcast_room(struct room *room, bool now) {
    if (room->closing) {
        return;
    }
    if (now) {
        aura_timer_stop(room->rooms->timers, &room->info_timer);
        on_room(room);
    } else if (!aura_timer_running(&room->info_timer) &&
               aura_timer_start(room->rooms->timers, &room->info_timer, ROOM_MS * AURA_US_PER_MS,
                                on_room, room)) {
        on_room(room);
    }
}
