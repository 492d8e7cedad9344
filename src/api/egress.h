/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file egress.h  LiveKit's Egress on this server's own recordings: what is told of them, and what
 * rooms want recorded by themselves. Threading: the loop's thread.
 */
#ifndef AURA_API_EGRESS_H
#define AURA_API_EGRESS_H

#include "api/recordings.h"
#include "room/rooms.h"

/** What it works with; both outlive it. */
struct aura_egress {
    struct aura_rooms *rooms;
    struct aura_recordings *recordings; /* NULL = there are none */
};

/** Webhooks: egress_started, egress_updated, egress_ended. @p arg is the struct aura_egress. */
void aura_egress_changed(void *arg, const struct aura_recording *e, enum aura_recording_event what);
/** An aura_rooms_egress_fn: starts it; that it cannot be is logged. */
void aura_egress_begin(void *arg, const struct aura_rooms_egress *wish);
/** Could all of it be recorded? @param why  out: what to say to the caller, if not
 * @return 0, AURA_EUNSUPPORTED, AURA_EINVAL */
AURA_NODISCARD int aura_egress_check(const struct aura_egress *g, const char *room,
                                     const Livekit__RoomEgress *egress, const char **why);

#endif
