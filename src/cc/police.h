/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file police.h  Holds a sender at a ceiling that it was told (by REMB) and does not keep.
 *
 * Whoever keeps it is never touched: only after AURA_POLICE_PATIENCE seconds in a row above it, by
 * more than AURA_POLICE_TOLERANCE_PERCENT, a token bucket decides what is taken, until as many
 * seconds in a row were below. Sound may use the bucket to its bottom, video leaves a reserve in
 * it: so a call goes on in words. Pure; flat state on the caller's clock; zero it and set `bps`.
 */
#ifndef AURA_CC_POLICE_H
#define AURA_CC_POLICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    AURA_POLICE_PATIENCE = 4,
    AURA_POLICE_TOLERANCE_PERCENT = 25,
    AURA_POLICE_BUCKET_US = 1000000,  /* of the ceiling may come at once */
    AURA_POLICE_RESERVE_PERCENT = 25, /* of the bucket, for sound */
    AURA_POLICE_QUIET_US = 2000000,   /* a sender silent for so long begins anew */
};

struct aura_police {
    uint64_t bps; /* 0 = no ceiling */
    bool active;
    uint8_t row;           /* seconds in a row that speak for a change of `active` */
    bool changed;          /* `active` is new: for the owner to tell, and to clear */
    uint32_t kbps;         /* of the last whole second … */
    uint64_t sound_bps;    /* … of sound, falling slowly */
    uint64_t from_us;      /* when the second began; 0 = nothing has come */
    uint64_t seen_us;      /* newest packet */
    uint64_t bytes, sound; /* in it, dropped ones too */
    uint64_t full_us;      /* when the bucket will be full again */
};

/** What to tell the sender: senders in browsers count what RED repeats of sound beside the rate
 * that they are told. @return bps, at least a tenth of the ceiling; 0 = no ceiling */
uint64_t aura_police_told_bps(const struct aura_police *p);
/** One packet came. @param bytes  of RTP. @return true: it is to be dropped */
bool aura_police_packet(struct aura_police *p, size_t bytes, bool video, uint64_t now_us);

#endif
