/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file challenge.h  Numbers that a passkey has to sign, each good once and for a few minutes.
 *
 * A challenge carries its own end and a mark that only this process can make, so giving one out
 * keeps nothing: a flood of questions costs no memory and pushes nobody's challenge out. Kept are
 * those that were good for something, until they would have ended anyway; where no more fit, nobody
 * signs in by a passkey for the moment, as a challenge that could be used twice would be worse.
 *
 * Threading: one thread.
 */
#ifndef AURA_API_CHALLENGE_H
#define AURA_API_CHALLENGE_H

#include "base/err.h"
#include "base/rand.h"

#include <stddef.h>
#include <stdint.h>

enum {
    AURA_CHALLENGE_BYTES = 48,       /* end, a random part, mark */
    AURA_CHALLENGE_TTL_S = 300,      /* people look for their telephone */
    AURA_CHALLENGES_USED_MAX = 8192, /* within that time */
};

struct aura_challenges;

/** @return 0 or AURA_ENOMEM */
AURA_NODISCARD int aura_challenges_new(struct aura_challenges **cp, struct aura_rand *rand);
struct aura_challenges *aura_challenges_free(struct aura_challenges *c);
/** @param purpose  what it is for; good for nothing else */
void aura_challenge_give(struct aura_challenges *c, const char *purpose, uint64_t now_us,
                         uint8_t out[AURA_CHALLENGE_BYTES]);
/** Is it one of ours, for that, in time, not used? Asking does not use it.
 * @return 0, AURA_EAUTH (not ours, or for something else), AURA_ETIMEDOUT, AURA_ESTALE (used) */
AURA_NODISCARD int aura_challenge_check(const struct aura_challenges *c, const char *purpose,
                                        uint64_t now_us, const uint8_t *text, size_t len);
/** As aura_challenge_check(), and it is used from now on. @return also AURA_ELIMIT, AURA_ENOMEM */
AURA_NODISCARD int aura_challenge_use(struct aura_challenges *c, const char *purpose,
                                      uint64_t now_us, const uint8_t *text, size_t len);
/** Something random that belongs to the challenge, the same each time it is asked for. */
void aura_challenge_derive(const struct aura_challenges *c,
                           const uint8_t text[AURA_CHALLENGE_BYTES], uint8_t out[16]);

#endif
