/* SPDX-License-Identifier: Apache-2.0 */
/** @file player.h  Players (WHEP): a participant whose media sections outlive the tracks in them.
 * Threading: control thread. Private to src/room. */
#ifndef AURA_ROOM_PLAYER_H
#define AURA_ROOM_PLAYER_H

#include "room/room_priv.h"

/** @return 0, AURA_ENOMEM; aura__player_close() frees it in either case */
AURA_NODISCARD int aura__player_open(struct participant *p, const struct aura_play *play);
void aura__player_close(struct participant *p);
/** The room's tracks or speakers changed: all players of the room choose anew, once, later. */
void aura__player_look(struct room *room);

/** A player is subscribed to nothing but what it chose itself. */
bool aura__player_admits(const struct participant *p, const struct track *t);
/** The subscription takes its place: `media` and `bound` are filled in. */
void aura__player_bind(struct subscription *s);
/** Media of the subscription starts, or stops, in its place. */
AURA_NODISCARD int aura__player_start(struct subscription *s, const struct aura_sfu_sub_conf *conf);
void aura__player_stop(struct subscription *s);
/** The subscription leaves its place. */
void aura__player_unbind(struct subscription *s);

/** Handlers of the player's negotiation. */
void aura__player_ready(struct participant *p, struct aura_neg_sub *neg,
                        const struct aura_neg_sub_media *media);
void aura__player_lost(struct aura_neg_sub *neg);

#endif
