/* SPDX-License-Identifier: Apache-2.0 */
#include "client/retry.h"

#include "base/clock.h"
#include "base/err.h"

enum {
    FIRST_US = 300000, /* the server may be about to say that it means it */
    UNIT_US = 300000,  /* the n-th wait is n² of that … */
    WAIT_US_MAX = 7000000,
    JITTER_US = 1000000, /* … and up to that more: a room must not come back all at once */
};

bool aura_retry_connected(struct aura_retry *r) {
    bool again = r->been_in && r->away;
    r->been_in = true;
    r->away = false;
    r->tries = 0;
    return again;
}

static bool is_final(int err) {
    return err == AURA_EAUTH || err == AURA_ENOENT || err == AURA_EPOLICY || err == AURA_ENOMEM;
}

bool aura_retry_lost(struct aura_retry *r, int err, struct aura_rand *rand, uint64_t *wait_us) {
    if (!r->been_in || is_final(err) || r->tries == AURA_RETRY_MAX) {
        return false;
    }
    r->count += !r->away;
    r->away = true;
    uint64_t wait = r->tries ? (uint64_t)r->tries * r->tries * UNIT_US : FIRST_US;
    uint64_t jitter = r->tries > 1 ? aura_rand_u32(rand) % JITTER_US : 0;
    *wait_us = (wait < WAIT_US_MAX ? wait : WAIT_US_MAX) + jitter;
    r->tries++;
    return true;
}
