/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file whip_session.h  A participant who signals by single HTTP requests: LiveKit's signalling in
 * between, so that rooms know nothing of WHIP.
 *
 * Threading: control thread. Private to src/api.
 */
#ifndef AURA_API_WHIP_SESSION_H
#define AURA_API_WHIP_SESSION_H

#include "api/whip_sdp.h"
#include "base/timer.h"
#include "room/rooms.h"

enum { AURA_WHIP_ID_LEN = 24, AURA_WHIP_ICE_SERVERS_MAX = 8, AURA_WHIP_LINK_BYTES_MAX = 1024 };

struct aura__whip_session;

/** Called once, from the loop, when the participant is gone for whatever reason; it must call
 * aura__whip_session_free(). */
typedef void(aura__whip_ended_fn)(void *arg, struct aura__whip_session *session);

struct aura__whip_conf {
    struct aura_rooms *rooms;
    struct aura_loop *loop;
    struct aura_rand *rand;
    const struct aura_claims *claims; /* these four are borrowed for the call */
    const char *user_agent;           /* NULL = none */
    const struct aura_play *play;     /* NULL = a publisher */
    const char *offer;                /* NUL-terminated */
    aura__whip_ended_fn *ended;
    void *arg;
};
/** Joins and has the offer answered. @return 0, or an error and *denial says in a sentence why */
AURA_NODISCARD int aura__whip_session_new(struct aura__whip_session **out,
                                          const struct aura__whip_conf *conf,
                                          struct aura_denial *denial);
/** Leaves the room at once, if it is not gone yet. NULL is fine. */
void aura__whip_session_free(struct aura__whip_session *s);

/** New credentials of the client's (ICE restart): a new answer. @return 0 or an error, *denial
 * filled */
AURA_NODISCARD int aura__whip_session_restart(struct aura__whip_session *s,
                                              const struct aura_whip_ice *ice,
                                              struct aura_denial *denial);

/** Whose it is, for the log. */
const struct aura_sfu_about *aura__whip_session_about(const struct aura__whip_session *s);
const char *aura__whip_session_id(const struct aura__whip_session *s);
/** The newest answer. */
const char *aura__whip_session_answer(const struct aura__whip_session *s);
/** The client's credentials as they are now. */
const struct aura_whip_ice *aura__whip_session_ice(const struct aura__whip_session *s);
/** Of the ICE session: changes with each restart. Quoted. */
const char *aura__whip_session_etag(const struct aura__whip_session *s);
/** Values for Link headers, one a server. @return NULL behind the last one */
const char *aura__whip_session_link(const struct aura__whip_session *s, size_t index);
/** Is it the participant that these claims name? */
bool aura__whip_session_is(const struct aura__whip_session *s, const struct aura_claims *claims,
                           bool plays);

#endif
