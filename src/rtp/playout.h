/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file playout.h  How late a receiver shall show what it gets: the header extension
 * http://www.webrtc.org/experiments/rtp-hdrext/playout-delay.
 *
 * Receivers keep the last value, so it is written on all packets only until one has come: until a
 * receiver report (RFC 3550 section 6.4.1) names a packet that carried it. Pure; flat state on the
 * owner's thread; aura_playout_init() begins anew.
 */
#ifndef AURA_RTP_PLAYOUT_H
#define AURA_RTP_PLAYOUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    AURA_PLAYOUT_UNIT_MS = 10,
    AURA_PLAYOUT_MAX_MS = 0xfff * AURA_PLAYOUT_UNIT_MS, /* that 12 bits can say */
    AURA_PLAYOUT_DEFAULT_MAX_MS = 10000, /* for who asks for a least delay only, as LiveKit */
    AURA_PLAYOUT_BYTES = 3
};

/** Between what a receiver's delay shall be. */
struct aura_playout_range {
    bool on; /* false: receivers do as they think best */
    uint16_t min_ms, max_ms;
};
/** What somebody asks for: more than can be said is cut, a range that ends before it begins is
 * widened. @param max_ms  0 with a `min_ms` = AURA_PLAYOUT_DEFAULT_MAX_MS */
struct aura_playout_range aura_playout_range(uint32_t min_ms, uint32_t max_ms);

enum aura_playout_state {
    AURA_PLAYOUT_OFF,
    AURA_PLAYOUT_NEW,   /* nothing has carried it yet */
    AURA_PLAYOUT_SENT,  /* packets carry it since `from` */
    AURA_PLAYOUT_KNOWN, /* the receiver has it */
};

struct aura_playout {
    struct aura_playout_range range;
    uint16_t now_ms; /* least delay that is told */
    uint16_t from;   /* sequence number of the first packet that carried it */
    uint8_t state;   /* enum aura_playout_state */
    uint8_t bytes[AURA_PLAYOUT_BYTES];
};

void aura_playout_init(struct aura_playout *p, struct aura_playout_range range);
/**
 * What the packet about to leave for the first time has to carry.
 * @param seq  of it, as the receiver sees it
 * @return AURA_PLAYOUT_BYTES bytes, or NULL: nothing
 */
static inline const uint8_t *aura_playout_next(struct aura_playout *p, uint16_t seq) {
    if (p->state == AURA_PLAYOUT_NEW) {
        p->state = AURA_PLAYOUT_SENT;
        p->from = seq;
    }
    return p->state == AURA_PLAYOUT_SENT ? p->bytes : NULL;
}
/** A receiver report came. @param highest  sequence number that it names */
void aura_playout_report(struct aura_playout *p, uint16_t highest, uint32_t jitter_us);

#endif
