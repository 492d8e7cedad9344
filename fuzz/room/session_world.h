/* SPDX-License-Identifier: Apache-2.0 */
/** @file session_world.h  The room of fuzz_session.c, its clients and its operator; what they can
 * do takes its arguments from the input. */
#ifndef AURA_FUZZ_SESSION_WORLD_H
#define AURA_FUZZ_SESSION_WORLD_H

#include "../sfu/threadless.h"
#include "base/bytes.h"
#include "room/agents.h"
#include "room/room_priv.h"
#include "session_sdp.h"

enum { CLIENTS = 4, RAW_MAX = 512 };

struct client {
    struct aura_session *session;
    bool closed, single;
    char sid[SID_CAP];
    struct sections sections;
    char *offer; /* the server's last one; NULL = none */
    uint32_t offer_id;
};

struct world {
    struct threadless t;
    struct aura_keys *keys;
    struct aura_rooms *rooms;
    struct client clients[CLIENTS];
    struct aura_worker *agent; /* of the rooms, not of the SFU; NULL = none */
    bool agent_closed;
    unsigned rpcs_out;
    char sdp[SDP_BYTES];
};
extern struct world w;

static inline char *text(const char *s) {
    return (char *)(uintptr_t)s;
}

static inline struct room *the_room(void) {
    return aura__room_find(w.rooms, "room");
}

static inline struct participant *participant_of(const struct client *c) {
    return c->sid[0] ? aura_map_get_str(w.rooms->by_sid, c->sid) : NULL;
}

/* Any track of the room, or one that is not there. */
const char *some_track(uint8_t which);
/* Up to 510 bytes of the input. @return NULL where it has ended */
const uint8_t *take_raw(struct aura_cur *cur, size_t *len);
/* The WebSocket is gone. */
void let_go(struct client *c);
/* More sections, and one of those before as something else. */
void random_sections(struct client *c, struct aura_cur *cur);
/* A request of the client (session_client.c); it has a session. */
void step_of_client(struct client *c, uint8_t op, struct aura_cur *cur);
/* What RoomService is asked, and what a worker of agents says (session_server.c). */
void room_service(struct aura_cur *cur);
void agent_message(struct aura_cur *cur);
/* What the media workers report, and data that they received. */
void media_event(const struct client *c, struct aura_cur *cur);
void data_message(const struct client *c, struct aura_cur *cur);

#endif
