/* SPDX-License-Identifier: Apache-2.0 */
/* What a room shall be like: from CreateRoom, from tokens (roomConfig), from named presets of the
 * configuration. */
#include "room/room_priv.h"

#include <string.h>

const Livekit__RoomConfiguration *aura__wish_preset(const struct aura_rooms *r, const char *name) {
    for (size_t i = 0; i < r->conf.preset_count; i++) {
        if (strcmp(r->conf.presets[i].name, name) == 0) {
            return r->conf.presets[i].config;
        }
    }
    return NULL;
}

/* Borrows from @p c what @p wish does not say itself. */
static void fill(Livekit__CreateRoomRequest *wish, const Livekit__RoomConfiguration *c) {
    wish->empty_timeout = wish->empty_timeout ? wish->empty_timeout : c->empty_timeout;
    wish->departure_timeout =
        wish->departure_timeout ? wish->departure_timeout : c->departure_timeout;
    wish->max_participants = wish->max_participants ? wish->max_participants : c->max_participants;
    wish->metadata = wish->metadata[0] ? wish->metadata : c->metadata;
    wish->min_playout_delay =
        wish->min_playout_delay ? wish->min_playout_delay : c->min_playout_delay;
    wish->max_playout_delay =
        wish->max_playout_delay ? wish->max_playout_delay : c->max_playout_delay;
    wish->sync_streams = wish->sync_streams || c->sync_streams;
    wish->egress = wish->egress ? wish->egress : c->egress;
    if (!wish->n_agents) {
        wish->n_agents = c->n_agents;
        wish->agents = c->agents;
    }
}

/* @return a copy of all that was put together, or NULL with *err */
static Livekit__CreateRoomRequest *
finish(const struct aura_rooms *r, Livekit__CreateRoomRequest *wish, const char *name, int *err) {
    const Livekit__RoomConfiguration *c = name && name[0] ? aura__wish_preset(r, name) : NULL;
    if (name && name[0] && !c) {
        *err = AURA_EINVAL;
        return NULL;
    }
    if (c) {
        fill(wish, c);
    }
    Livekit__CreateRoomRequest *copy = aura__pb_copy(wish);
    *err = copy ? 0 : AURA_ENOMEM;
    return copy;
}

Livekit__CreateRoomRequest *aura__wish_of_request(const struct aura_rooms *r,
                                                  const Livekit__CreateRoomRequest *q, int *err) {
    Livekit__CreateRoomRequest wish = *q;
    return finish(r, &wish, q->room_preset, err);
}

Livekit__CreateRoomRequest *aura__wish_of_join(const struct aura_rooms *r,
                                               const struct aura_join *join, int *err) {
    Livekit__CreateRoomRequest wish = LIVEKIT__CREATE_ROOM_REQUEST__INIT;
    wish.name = join->claims->video.room;
    if (join->config) {
        fill(&wish, join->config);
    }
    if (strlen(wish.metadata) > r->conf.max_metadata_bytes) {
        wish.metadata = (char *)(uintptr_t) "";
    }
    return finish(r, &wish, join->claims->room_preset, err);
}

struct aura_playout_range aura__wish_playout(const struct aura_rooms *r,
                                             const Livekit__CreateRoomRequest *wish) {
    if (wish && (wish->min_playout_delay || wish->max_playout_delay)) {
        return aura_playout_range(wish->min_playout_delay, wish->max_playout_delay);
    }
    return r->conf.playout;
}

int aura__wish_renew(struct room *room, const Livekit__CreateRoomRequest *q) {
    bool new_text = q->metadata[0] && strcmp(q->metadata, room->metadata) != 0;
    char *metadata = new_text ? aura_strdup(q->metadata) : NULL;
    if (new_text && !metadata) {
        return AURA_ENOMEM;
    }
    room->empty_timeout_s = q->empty_timeout ? q->empty_timeout : room->empty_timeout_s;
    room->departure_timeout_s =
        q->departure_timeout ? q->departure_timeout : room->departure_timeout_s;
    room->max_participants = q->max_participants ? q->max_participants : room->max_participants;
    if (metadata) {
        aura_free(room->metadata);
        room->metadata = metadata;
        aura__broadcast_room(room, true);
    }
    return 0;
}
