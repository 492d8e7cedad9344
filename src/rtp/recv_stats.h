/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file recv_stats.h  Reception statistics of one stream (RFC 3550 §6.4.1, A.1, A.3, A.8).
 *
 * Flat state: zeroed and initialised by aura_recv_stats_init().
 */
#ifndef AURA_RTP_RECV_STATS_H
#define AURA_RTP_RECV_STATS_H

#include "rtp/rtcp.h"

enum {
    AURA_RECV_DROPOUT_MAX = 3000, /* RFC 3550 A.1 MAX_DROPOUT */
    AURA_RECV_MISORDER_MAX = 250, /* MAX_MISORDER, wider: what duplicates are known for */
};

struct aura_recv_stats {
    bool started, bad_seq_set;
    uint16_t bad_seq;
    uint32_t clock_rate;
    uint64_t base_eseq, max_eseq; /* extended by 65536 × cycles; the first cycle is 1 */
    uint64_t received, bytes, duplicates, reordered; /* since the last restart */
    uint64_t expected_prior, received_prior;         /* at the last block */
    uint64_t seen[4];                                /* the 256 newest numbers, for duplicates */
    uint64_t last_arrival_us;
    uint32_t last_ts;
    uint64_t jitter_q4; /* timestamp units × 16 */
    uint32_t restarts;
};

enum aura_recv_verdict {
    AURA_RECV_OK,
    AURA_RECV_RESTART,   /* two packets in a row far off: counting began anew with this one */
    AURA_RECV_DUPLICATE, /* seen already: drop it */
    AURA_RECV_OLD,       /* too far behind to know, or the first of a jump: drop it */
};
void aura_recv_stats_init(struct aura_recv_stats *s, uint32_t clock_rate);
/** @param eseq  out: the extended number (only for OK and RESTART) */
enum aura_recv_verdict aura_recv_stats_packet(struct aura_recv_stats *s, uint16_t seq, uint32_t ts,
                                              uint64_t now_us, size_t bytes, uint64_t *eseq);
/** Extended number of a packet that is not counted here (it came by RTX). */
uint64_t aura_recv_stats_eseq(const struct aura_recv_stats *s, uint16_t seq);
uint64_t aura_recv_stats_expected(const struct aura_recv_stats *s);
/** Expected − received; negative where there were duplicates, clamped to 24 bits. */
int32_t aura_recv_stats_lost(const struct aura_recv_stats *s);
uint32_t aura_recv_stats_jitter_us(const struct aura_recv_stats *s);
/** A report block; the fraction is since the previous block. lsr and dlsr stay 0 (see sr.h). */
void aura_recv_stats_block(struct aura_recv_stats *s, uint32_t ssrc, struct aura_rtcp_block *out);

#endif
