/* SPDX-License-Identifier: Apache-2.0 */
/* Orders of those who run a server that RoomService does not have. */
#include "room/room_priv.h"
#include "room/show.h"

#include "base/log.h"

#include <string.h>

enum { MOVE_TTL_S = 600 };

/* It needs a client with signalling, and one that nobody waits for where it is. */
static bool can_move(const struct participant *p) {
    return p->session && !p->plays && p->client &&
           p->client->sdk != LIVEKIT__CLIENT_INFO__SDK__UNKNOWN &&
           aura__participant_kind(p) == LIVEKIT__PARTICIPANT_INFO__KIND__STANDARD;
}

static int check_destination(const struct aura_rooms *r, const struct participant *p,
                             const char *name) {
    const struct room *to = aura__room_find(r, name);
    if (!name[0] || strlen(name) > r->conf.max_room_name_length || to == p->room) {
        return AURA_EINVAL;
    }
    if (to && aura__room_participant(to, p->claims.identity)) {
        return AURA_EEXISTS;
    }
    bool full = to && to->max_participants && aura__room_count(to, false) >= to->max_participants;
    return full ? AURA_ELIMIT : 0;
}

/* A token as the participant's own, but for the other room. */
static int send_token(struct participant *p, const char *destination) {
    const struct aura_rooms *r = p->room->rooms;
    const char *secret =
        p->claims.api_key ? aura_keys_secret(r->conf.keys, p->claims.api_key) : NULL;
    if (!secret) {
        return AURA_EPOLICY; /* its key has been revoked */
    }
    struct aura_claims claims = p->claims; /* borrows */
    struct aura_buf token = AURA_BUF(AURA_TOKEN_BYTES_MAX);
    int64_t now_s = (int64_t)(aura_wall_us(r->clock) / AURA_US_PER_S);
    int64_t left = p->claims.expires_s - now_s;
    claims.video.room = (char *)(uintptr_t)destination;
    int err = aura_token_mint(&token, &claims, p->claims.api_key, secret, now_s,
                              left > MOVE_TTL_S ? left : MOVE_TTL_S);
    if (!err) {
        Livekit__SignalResponse m = LIVEKIT__SIGNAL_RESPONSE__INIT;
        m.message_case = LIVEKIT__SIGNAL_RESPONSE__MESSAGE_REFRESH_TOKEN;
        m.refresh_token = (char *)(uintptr_t)aura_buf_text(&token);
        aura__send(p, &m);
    }
    if (token.data) {
        aura_wipe(token.data, token.len);
    }
    aura_buf_free(&token);
    return err;
}

int aura_rooms_move(struct aura_rooms *r, const char *room_name, const char *identity,
                    const char *destination) {
    struct room *room = aura__room_find(r, room_name), *to;
    struct participant *p = room ? aura__room_participant(room, identity) : NULL;
    if (!p) {
        return AURA_ENOENT;
    }
    int err = can_move(p) ? check_destination(r, p, destination) : AURA_EPOLICY;
    err = err ? err : aura__room_get(r, destination, true, NULL, &to);
    err = err ? err : send_token(p, destination);
    if (!err) {
        AURA_LOG("room", AURA_LOG_INFO, "participant_moves", LOG_WHO(p),
                 AURA_S("destination", destination));
        aura__participant_leave(p, LIVEKIT__DISCONNECT_REASON__MIGRATION,
                                LIVEKIT__LEAVE_REQUEST__ACTION__RECONNECT);
    }
    return err;
}

size_t aura_rooms_disconnect_key(struct aura_rooms *r, const char *api_key) {
    size_t n = 0;
    AURA_LIST_EACH(&r->rooms, struct room, room, node) {
        AURA_LIST_EACH(&room->participants, struct participant, p, node) {
            if (p->claims.api_key && strcmp(p->claims.api_key, api_key) == 0) {
                n++;
                aura__participant_leave(p, LIVEKIT__DISCONNECT_REASON__PARTICIPANT_REMOVED,
                                        LIVEKIT__LEAVE_REQUEST__ACTION__DISCONNECT);
            }
        }
    }
    return n;
}
