/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file mapped.h  Under which address the world sees ours: STUN binding requests without ICE
 * (RFC 8489 sections 6.2.1 and 7.3.3).
 *
 * Threading: blocks the caller, up to AURA_MAPPED_WAIT_US; for the start of a program.
 */
#ifndef AURA_TRANSPORT_MAPPED_H
#define AURA_TRANSPORT_MAPPED_H

#include "base/clock.h"
#include "base/rand.h"
#include "net/addr.h"

enum {
    AURA_MAPPED_MAX = 64, /* addresses asked about at a time */
    AURA_MAPPED_SERVERS_MAX = 8,
    AURA_MAPPED_WAIT_US = 5000000,
    AURA_MAPPED_LATE_US = 1000000, /* that others may take longer than the first one */
};

struct aura_mapped {
    struct aura_addr local; /* IPv4; the port is not used */
    struct aura_addr seen;  /* out: as a server saw it, port 0; family NONE = nobody answered */
};

/**
 * Asks all servers from each of the addresses; the first answer counts.
 * @return 0 (also when nobody answered), AURA_EINVAL (nothing to ask, too many), AURA_EIO (no
 *         socket could be opened)
 */
AURA_NODISCARD int aura_mapped_find(struct aura_mapped *list, size_t count,
                                    const struct aura_addr *servers, size_t server_count,
                                    const struct aura_clock *clock, struct aura_rand *rand);

#endif
