/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file retry.h  When a call that lost its connection tries again: as LiveKit's clients do, soon at
 * first, then less often, and not for ever. Flat state on the caller's clock; zero it.
 */
#ifndef AURA_CLIENT_RETRY_H
#define AURA_CLIENT_RETRY_H

#include "base/rand.h"

#include <stdbool.h>
#include <stdint.h>

enum {
    AURA_RETRY_MAX = 10, /* tries without success: that takes 45 to 55 s */
};

struct aura_retry {
    bool been_in;   /* the call was connected once: before that a failure is one */
    bool away;      /* it is not connected now */
    unsigned tries; /* since it was */
    uint64_t count; /* of losses, for statistics */
};

/** The connection is up. @return true: again */
bool aura_retry_connected(struct aura_retry *r);
/**
 * It was lost, or a try failed.
 * @param err  AURA_EAUTH, AURA_ENOENT, AURA_EPOLICY, AURA_ENOMEM: trying again would not help
 * @param wait_us  out: when to try next
 * @return false: it is over
 */
bool aura_retry_lost(struct aura_retry *r, int err, struct aura_rand *rand, uint64_t *wait_us);

#endif
