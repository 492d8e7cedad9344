/* SPDX-License-Identifier: Apache-2.0 */
/* What a room's configuration (`egress`) wants recorded by itself: the room, everybody who
 * publishes, every track. */
#include "room/room_priv.h"

#include "base/log.h"

int aura__auto_egress_keep(struct room *room, const Livekit__CreateRoomRequest *wish) {
    if (!wish || !wish->egress) {
        return 0;
    }
    if (!room->rooms->conf.on_egress) {
        AURA_LOG("room", AURA_LOG_WARN, "egress_not_connected", LOG_ROOM(room));
        return 0;
    }
    room->egress = aura__pb_copy(wish->egress);
    return room->egress ? 0 : AURA_ENOMEM;
}

void aura__auto_egress_forget(struct room *room) {
    if (room->egress) {
        aura__pb_free(room->egress);
        room->egress = NULL;
    }
}

static void ask(const struct room *room, const struct aura_rooms_egress *wish) {
    const struct aura_rooms_conf *c = &room->rooms->conf;
    c->on_egress(c->on_egress_arg, wish);
}

void aura__auto_egress_room(const struct room *room) {
    if (room->egress && room->egress->room) {
        ask(room, &(struct aura_rooms_egress){
                      .room = room->name, .room_sid = room->sid, .composite = room->egress->room});
    }
}

void aura__auto_egress_track(struct track *t) {
    struct participant *p = t->p;
    const struct room *room = p->room;
    if (!room->egress || !p->was_active || p->may.recorder || p->may.agent) {
        return;
    }
    if (room->egress->participant && !p->recorded) {
        p->recorded = true;
        ask(room, &(struct aura_rooms_egress){.room = room->name,
                                              .room_sid = room->sid,
                                              .participant = room->egress->participant,
                                              .identity = p->claims.identity,
                                              .participant_sid = p->sid});
    }
    if (room->egress->tracks) {
        ask(room, &(struct aura_rooms_egress){.room = room->name,
                                              .room_sid = room->sid,
                                              .identity = p->claims.identity,
                                              .participant_sid = p->sid,
                                              .track = room->egress->tracks,
                                              .track_sid = t->sid});
    }
}
