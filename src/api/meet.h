/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file meet.h  Who gets into the app's rooms: guests by a name, people with accounts
 * (docs/meet.md).
 *
 * Threading: control thread.
 */
#ifndef AURA_API_MEET_H
#define AURA_API_MEET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    AURA_MEET_ROOM_BYTES_MAX = 128,       /* of a room's name that a guest asks for */
    AURA_MEET_NAME_BYTES_MAX = 128,       /* of a guest's */
    AURA_MEET_BODY_BYTES_MAX = 16 * 1024, /* what passkeys say is the longest */
    AURA_MEET_TOKEN_TTL_S = 3600,         /* a connection that is open gets newer ones */
};

enum aura_meet_accounts {
    AURA_MEET_ACCOUNTS_OFF,
    AURA_MEET_ACCOUNTS_CLOSED,
    AURA_MEET_ACCOUNTS_OPEN
};

struct aura_meet_conf {
    bool guests;                      /* let in by a name */
    enum aura_meet_accounts accounts; /* closed: nobody new */
    const char *origin;               /* of the app's page; "" = as browsers say */
    uint32_t fresh_sign_in_s;         /* keys are changed by who has signed in since then */
    const char *api_key;              /* signs; "" = the first */
    const char *const *rooms; /* where people may go: names, or their beginnings before a "*" */
    size_t room_count;
};

/** Does a list of aura_meet_conf.rooms have this room? */
bool aura_meet_is_open(const struct aura_meet_conf *c, const char *room);

#endif
