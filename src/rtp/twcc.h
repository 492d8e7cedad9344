/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file twcc.h  Transport-wide congestion control feedback
 * (draft-holmer-rmcat-transport-wide-cc-01).
 *
 * A recorder notes arrivals and builds feedback; the parser gives what a sender needs.
 */
#ifndef AURA_RTP_TWCC_H
#define AURA_RTP_TWCC_H

#include "rtp/rtcp.h"
#include "rtp/seq.h"

enum {
    AURA_TWCC_WINDOW = 1024, /* transport sequence numbers one recorder can have pending */
    AURA_TWCC_STATUSES_MAX =
        1024, /* taken from one feedback; own policy (the field allows 65535) */
    AURA_TWCC_TICK_US = 250,
    AURA_TWCC_REF_US = 64000,
};

struct aura_twcc; /* recorder of one peer connection */
AURA_NODISCARD int aura_twcc_new(struct aura_twcc **tp);
/** Returns NULL. */
struct aura_twcc *aura_twcc_free(struct aura_twcc *t);
/** An arrival; duplicates and what is older than the last feedback's window are ignored. */
void aura_twcc_record(struct aura_twcc *t, uint16_t seq, uint64_t now_us);
/** Sequence numbers from the next to report up to the newest: 0 = nothing to say. */
size_t aura_twcc_pending(const struct aura_twcc *t);
/**
 * Appends one feedback packet; call again while it returns > 0 and there is room.
 * @return statuses reported, 0 if there is nothing to say or no room for one
 */
size_t aura_twcc_build(struct aura_twcc *t, struct aura_wr *w, uint32_t sender, uint32_t media);

struct aura_twcc_status {
    uint16_t seq;
    bool received;
    int64_t arrival_us; /* on the receiver's clock, from the 24-bit reference time's origin */
};
struct aura_twcc_feedback {
    uint32_t sender, media;
    uint16_t base_seq, status_count;
    uint32_t ref_time; /* 24 bits, 64 ms */
    uint8_t fb_count;
};
/**
 * @param out  room for AURA_TWCC_STATUSES_MAX
 * @return statuses written, AURA_ETRUNC, AURA_EMALFORMED, AURA_ELIMIT
 */
AURA_NODISCARD int aura_twcc_parse(const struct aura_rtcp *p, struct aura_twcc_feedback *fb,
                                   struct aura_twcc_status out[AURA_TWCC_STATUSES_MAX]);

#endif
