/* SPDX-License-Identifier: Apache-2.0 */
#include "cc/history.h"

#include "base/mem.h"

enum { OLD_US = 2000000 }; /* no feedback comes for what was sent so long before */

int aura__history_init(struct aura_history *h) {
    h->ring = aura_calloc(AURA_HISTORY_MIN, sizeof(*h->ring));
    h->mask = AURA_HISTORY_MIN - 1;
    return h->ring ? 0 : AURA_ENOMEM;
}

void aura__history_free(struct aura_history *h) {
    aura_free(h->ring);
    h->ring = NULL;
}

static void grow(struct aura_history *h) {
    uint32_t size = (h->mask + 1) * 2;
    struct aura_sent *ring = size <= AURA_HISTORY_MAX ? aura_calloc(size, sizeof(*ring)) : NULL;
    if (!ring) {
        return;
    }
    for (uint32_t i = 0; i <= h->mask; i++) {
        if (h->ring[i].state != AURA_SENT_FREE) {
            ring[h->ring[i].seq & (size - 1)] = h->ring[i];
        }
    }
    aura_free(h->ring);
    h->ring = ring;
    h->mask = size - 1;
}

void aura__history_add(struct aura_history *h, const struct aura_sent *sent) {
    struct aura_sent *at = &h->ring[sent->seq & h->mask];
    if (at->state == AURA_SENT_WAITING && sent->sent_us < at->sent_us + OLD_US) {
        grow(h);
        at = &h->ring[sent->seq & h->mask];
    }
    *at = *sent;
}

struct aura_sent *aura__history_find(const struct aura_history *h, uint16_t seq) {
    struct aura_sent *at = &h->ring[seq & h->mask];
    return at->state != AURA_SENT_FREE && at->seq == seq ? at : NULL;
}
