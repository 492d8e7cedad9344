/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file loss.h  The rate that losses allow (draft-ietf-rmcat-gcc-02 section 6), made to tell losses
 * of a full link from those of a bad one: where sending less does not lose less, it was not our
 * sending. Flat; private to src/cc.
 */
#ifndef AURA_CC_LOSS_H
#define AURA_CC_LOSS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct aura_loss {
    uint32_t bps;            /* UINT32_MAX = no limit */
    uint32_t expected, lost; /* in this interval */
    uint64_t since_us;
    float fraction;  /* smoothed */
    float inherent;  /* of the link, whatever we send */
    uint64_t cut_us; /* last reduction */
    bool episode;    /* losses began at the rate below */
    float episode_fraction;
    uint32_t episode_bps;
};

void aura__loss_init(struct aura_loss *l);
/**
 * If most of what is sent is lost, what arrives is all that the link can carry: that is the limit
 * then, and what was lost before says nothing of it.
 * @param acked_bps  that arrives; 0 = not known
 */
void aura__loss_yield(struct aura_loss *l, uint32_t acked_bps);
/**
 * Packets whose fate is known. @param current_bps  the estimate so far
 * @param queued  packets wait long in a queue meanwhile: then losses are its overflow
 * @return true if the limit changed
 */
bool aura__loss_update(struct aura_loss *l, uint32_t received, uint32_t lost, uint32_t current_bps,
                       uint32_t rtt_us, bool queued, uint64_t now_us);

#endif
