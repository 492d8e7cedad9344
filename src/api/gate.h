/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file gate.h  How much of the HTTP port each address may use: requests, wrong tokens, guests,
 * sign-ins.
 *
 * Budgets lie in a table of fixed size. IPv6 addresses count by their /64, which is what one
 * customer has. Where more addresses come than a part of the table holds, the one that has used
 * least is forgotten, so that a flood from many addresses costs no memory and frees no culprit.
 *
 * Threading: one thread.
 */
#ifndef AURA_API_GATE_H
#define AURA_API_GATE_H

#include "base/err.h"
#include "base/rand.h"
#include "net/addr.h"

enum { AURA_GATE_ADDRESSES_MAX = 8192, AURA_GATE_BURST_S = 10 };

enum aura_gate_what {
    AURA_GATE_REQUESTS,
    AURA_GATE_REFUSALS,
    AURA_GATE_GUESTS,   /* tokens for people without one */
    AURA_GATE_SIGN_INS, /* by passwords and passkeys, and new accounts */
    AURA_GATE_WHAT_COUNT
};

/** A second for each address, ten seconds' worth at once; 0 = any number. */
struct aura_gate_rates {
    uint32_t rate[AURA_GATE_WHAT_COUNT];
};

struct aura_gate;

/** @return 0 or AURA_ENOMEM */
AURA_NODISCARD int aura_gate_new(struct aura_gate **gp, struct aura_rand *rand);
struct aura_gate *aura_gate_free(struct aura_gate *g);
/** One more of @p what. @return 0: fits; else seconds until it would, and nothing was counted */
uint32_t aura_gate_take(struct aura_gate *g, const struct aura_addr *from, enum aura_gate_what what,
                        const struct aura_gate_rates *rates, uint64_t now_us);
/** As aura_gate_take(), but counts nothing. */
uint32_t aura_gate_wait_s(struct aura_gate *g, const struct aura_addr *from,
                          enum aura_gate_what what, const struct aura_gate_rates *rates,
                          uint64_t now_us);

#endif
