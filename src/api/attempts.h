/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file attempts.h  How often a password may be tried: for each address, and for each name.
 *
 * A few at once, then one each so many seconds; a right one gives its name all of them back. The
 * table has a fixed size; what was tried least goes first, so a flood of names frees no culprit.
 * Addresses count as in gate.h: IPv6 by their /64.
 *
 * Threading: one thread.
 */
#ifndef AURA_API_ATTEMPTS_H
#define AURA_API_ATTEMPTS_H

#include "base/rand.h"
#include "net/addr.h"

enum {
    AURA_ATTEMPTS_KEPT = 4096, /* addresses and names */
    AURA_ATTEMPTS_AT_ONCE = 10,
    AURA_ATTEMPTS_EVERY_S = 20, /* one, behind those */
};

struct aura_attempts;
/** @return 0 or AURA_ENOMEM */
AURA_NODISCARD int aura_attempts_new(struct aura_attempts **ap, struct aura_rand *rand);
struct aura_attempts *aura_attempts_free(struct aura_attempts *a);
/** One more. @return 0: it may be; else the seconds until it may, and nothing was counted */
uint32_t aura_attempts_take(struct aura_attempts *a, const struct aura_addr *from, const char *name,
                            uint64_t now_us);
/** It was right: the name and the address have all of theirs again. */
void aura_attempts_right(struct aura_attempts *a, const struct aura_addr *from, const char *name);

#endif
