/* SPDX-License-Identifier: Apache-2.0 */
/** @file history.h  Packets sent, by transport-wide number, until feedback comes. Private to
 * src/cc. */
#ifndef AURA_CC_HISTORY_H
#define AURA_CC_HISTORY_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { AURA_HISTORY_MIN = 256, AURA_HISTORY_MAX = 8192 };

enum aura_sent_state { AURA_SENT_FREE, AURA_SENT_WAITING, AURA_SENT_LOST, AURA_SENT_ACKED };

struct aura_sent {
    uint64_t sent_us;
    uint16_t seq, bytes;
    uint8_t cluster, state;
};

struct aura_history {
    struct aura_sent *ring; /* by seq & mask */
    uint32_t mask;
};

AURA_NODISCARD int aura__history_init(struct aura_history *h);
void aura__history_free(struct aura_history *h);
/** Enters a packet. Where its place is still waiting for feedback the ring grows, up to the
 * ceiling; then (and without memory) the old one is forgotten. */
void aura__history_add(struct aura_history *h, const struct aura_sent *sent);
/** NULL if it was never sent or is forgotten. */
struct aura_sent *aura__history_find(const struct aura_history *h, uint16_t seq);

#endif
