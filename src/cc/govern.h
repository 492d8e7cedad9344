/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file govern.h  What rate a publisher is held at, from what AI Core recommends for its frames
 * (docs/aic-protocol.md section 9).
 *
 * Quality comes first: the cap follows a higher recommendation at once, a lower one in steps, and
 * never goes below a floor that follows from the picture. The recommendation may itself depend on
 * the rate that arrives: small steps and the floor keep that from running away. Pure; flat state on
 * the caller's clock; zero it.
 */
#ifndef AURA_CC_GOVERN_H
#define AURA_CC_GOVERN_H

#include "rtp/media.h"

#include <stdbool.h>
#include <stdint.h>

enum {
    AURA_GOVERN_SETTLE_US = 2000000, /* recommendations before the first cap */
    AURA_GOVERN_SILENT_US = 2000000, /* without one for so long: no cap */
    AURA_GOVERN_LOWER_US = 2000000,  /* between two steps down */
    AURA_GOVERN_LOWER_PERCENT = 15,  /* of the cap, at most, in one step */
    AURA_GOVERN_RAISE_PERCENT = 5,   /* more than that above the cap: up at once */
    AURA_GOVERN_BAD_US = 1000000,    /* predicted quality below the floor for so long: no cap … */
    AURA_GOVERN_HOLD_OFF_US = 10000000 /* … for so long */
};

struct aura_govern {
    float min_vmaf;    /* predicted quality's floor; 0 = none. Set by the owner */
    uint32_t cap_kbps; /* 0 = none */
    uint32_t mean_kbps;
    uint64_t first_us, heard_us; /* first and newest recommendation of this run; 0 = none */
    uint64_t lowered_us, bad_us; /* last step down; quality is bad since, 0 = it is not */
    uint64_t held_off_us;        /* no cap until then */
};

/** What a recommendation, which is AV1's, comes to in another codec for about the same picture. */
uint32_t aura_govern_in_codec(enum aura_codec codec, uint32_t av1_kbps);
/**
 * The least that a picture may be given, in kbps.
 * @param layers  spatial layers in its stream; 1 = none but itself. libwebrtc leaves the largest
 * one out when the rate is below the sum of what it holds to be each one's least
 * @param simulcast  smaller streams go beside it, as `layers` but each for itself
 */
uint32_t aura_govern_floor_kbps(enum aura_codec codec, uint32_t width, uint32_t height,
                                unsigned layers, bool simulcast);

/**
 * AI Core looked at a frame.
 * @param kbps   recommended; 0 = it does not know
 * @param vmaf   predicted at that rate, negative = unknown
 * @param floor_kbps  of aura_govern_floor_kbps()
 */
void aura_govern_look(struct aura_govern *g, uint32_t kbps, float vmaf, uint32_t floor_kbps,
                      uint64_t now_us);
/** AI Core is gone, or nobody wants it any more: no cap, and everything anew. */
void aura_govern_release(struct aura_govern *g);
/** The cap now; 0 = none. */
uint32_t aura_govern_cap_kbps(struct aura_govern *g, uint64_t now_us);

/** REMB repeats a ceiling, and takes it back with a high one: receivers of it keep the last. */
enum {
    AURA_REMB_EVERY_US = 200000,
    AURA_REMB_FREE_BPS = 100000000, /* no ceiling */
    AURA_REMB_FREE_TIMES = 10,      /* so often it is said, for some get lost */
};

struct aura_remb_ceiling {
    uint64_t bps;  /* said last, 0 = nothing is to be said */
    unsigned left; /* times that AURA_REMB_FREE_BPS is still said */
};

/**
 * Once in AURA_REMB_EVERY_US.
 * @param wanted_bps  0 = no ceiling
 * @return what to send now, 0 = nothing (and no need to ask again until there is a ceiling)
 */
uint64_t aura_remb_ceiling_next(struct aura_remb_ceiling *r, uint64_t wanted_bps);

#endif
