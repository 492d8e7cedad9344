/* SPDX-License-Identifier: Apache-2.0 */
/** @file roster.h  Whose tracks are in the room, as the server told. Threading: one thread. */
#ifndef AURA_CLIENT_ROSTER_H
#define AURA_CLIENT_ROSTER_H

#include "base/err.h"
#include "livekit_rtc.pb-c.h"

#include <stddef.h>

struct aura_roster;

enum {
    AURA_ROSTER_TRACKS_MAX = 4096, /* more are not known by name */
    AURA_ROSTER_TEXT_MAX = 127,    /* longer names are cut */
};

struct aura_roster_track {
    char sid[AURA_ROSTER_TEXT_MAX + 1];
    char owner[AURA_ROSTER_TEXT_MAX + 1]; /* the participant's sid */
    char identity[AURA_ROSTER_TEXT_MAX + 1];
    char name[AURA_ROSTER_TEXT_MAX + 1];
    bool video, keep;
};

AURA_NODISCARD int aura_roster_new(struct aura_roster **out);
struct aura_roster *aura_roster_free(struct aura_roster *r);
/** What the server says of these participants replaces what was known of them. @return 0 or
 * AURA_ENOMEM */
AURA_NODISCARD int aura_roster_update(struct aura_roster *r, Livekit__ParticipantInfo *const *list,
                                      size_t count);
/** Borrowed until the next update; NULL = not known. */
const struct aura_roster_track *aura_roster_find(const struct aura_roster *r, const char *sid);

#endif
