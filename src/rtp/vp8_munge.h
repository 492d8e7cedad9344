/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file vp8_munge.h  Keeps VP8 picture id, TL0PICIDX and KEYIDX continuous over switches (per
 * subscriber).
 *
 * Receivers wait for frames whose picture id is missing, so frames that we drop leave no gap. Flat
 * state; zero it.
 */
#ifndef AURA_RTP_VP8_MUNGE_H
#define AURA_RTP_VP8_MUNGE_H

#include "rtp/gapmap.h"
#include "rtp/seq.h"
#include "rtp/vp8.h"

struct aura_vp8_munge {
    bool started, sent;
    bool in_pid_long;
    uint64_t in_pid; /* newest, extended */
    struct aura_gapmap gaps;
    uint64_t out_base;
    uint16_t pid_newest;
    uint8_t tl0_offset, tl0_newest;
    uint8_t key_offset, key_newest;
};
/** The packet @p v begins a new source (a key frame): go on from what was sent last. */
void aura_vp8_munge_switch(struct aura_vp8_munge *m, const struct aura_vp8 *v);
/** Rewrites @p v's numbers in place. @return false if its frame must not be sent (dropped, old) */
bool aura_vp8_munge_packet(struct aura_vp8_munge *m, struct aura_vp8 *v);
/** A packet of a frame that is dropped on purpose (a temporal layer). */
void aura_vp8_munge_drop(struct aura_vp8_munge *m, const struct aura_vp8 *v);

#endif
