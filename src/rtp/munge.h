/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file munge.h  Sequence number and timestamp of one forwarded stream (per subscriber).
 *
 * The subscriber sees one continuous stream over source switches, pauses and dropped layers: gaps
 * are only where packets were really lost. Flat state.
 */
#ifndef AURA_RTP_MUNGE_H
#define AURA_RTP_MUNGE_H

#include "rtp/gapmap.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct aura_munge {
    bool started;            /* a source is set */
    bool sent;               /* a packet went out */
    struct aura_gapmap gaps; /* source numbers */
    uint64_t out_base;       /* out = mapped + out_base (mod 2^64) */
    uint64_t out_newest;     /* highest extended number sent */
    uint32_t ts_offset;      /* out = source + ts_offset */
    uint32_t ts_newest;      /* of the newest packet sent */
    uint64_t sent_us;        /* when it went */
};
/** @param first_seq, first_ts  random (RFC 3550 §5.1): what the first packet will carry */
void aura_munge_init(struct aura_munge *m, uint16_t first_seq, uint32_t first_ts);
/**
 * The next packets come from a new source (also: after a pause), beginning at @p eseq. The first
 * gets the next sequence number; its timestamp is @p out_ts, or one tick after the newest if that
 * is not newer. Before the first packet only `init`'s values count.
 */
void aura_munge_switch(struct aura_munge *m, uint64_t eseq, uint32_t ts, uint32_t out_ts);
/**
 * A good @p out_ts for a switch when clocks cannot be compared: the newest timestamp plus the time
 * since it was sent.
 */
uint32_t aura_munge_ts_now(const struct aura_munge *m, uint64_t now_us, uint32_t clock_rate);
/**
 * Maps a packet that is to be sent.
 * @return false if it must not be sent: older than this source's start or the window, or dropped
 */
bool aura_munge_rtp(struct aura_munge *m, uint64_t eseq, uint32_t ts, uint64_t now_us,
                    uint16_t *out_seq, uint32_t *out_ts);
/** This packet is dropped on purpose: its gap closes (unless later ones have gone out already). */
void aura_munge_drop(struct aura_munge *m, uint64_t eseq);
/**
 * The number after the newest, taken for a packet of our own (padding). What is late from before is
 * not sent any more: so use it at frame ends or in pauses. @return false before any packet
 */
bool aura_munge_own(struct aura_munge *m, uint16_t *out_seq, uint32_t *out_ts);

#endif
