/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file alloc.h  Shares an estimate over the tracks that a peer receives, and says why.
 *
 * Audio is taken off first. Then every video gets its lowest layer, in the order of rank (screen
 * shares, then priority, then visible size), then they are raised step by step, the one with the
 * worst picture for its rank first. What does not even fit with its lowest layer is paused,
 * unless it is essential.
 * Going up needs room to spare and some time since the last change, going down neither.
 *
 * Pure and deterministic; flat state inside struct aura_alloc_track.
 */
#ifndef AURA_CC_ALLOC_H
#define AURA_CC_ALLOC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { AURA_ALLOC_SPATIAL = 3, AURA_ALLOC_TEMPORAL = 4, AURA_ALLOC_PAUSED = -1 };

/** Why a track has the layer that it has; the first that applies. */
enum aura_alloc_why {
    AURA_ALLOC_NO_MEDIA,  /* the publisher sends nothing (or is muted) */
    AURA_ALLOC_DISABLED,  /* the subscriber does not want it now */
    AURA_ALLOC_BEST,      /* the publisher has nothing better */
    AURA_ALLOC_AS_WISHED, /* the subscriber asked for no more */
    AURA_ALLOC_BANDWIDTH, /* the next better layer does not fit */
    AURA_ALLOC_NO_ROOM,   /* paused: not even the lowest layer fits */
    AURA_ALLOC_SETTLING,  /* would fit, but it changed a moment ago */
};
const char *aura_alloc_why_name(enum aura_alloc_why why);

struct aura_alloc_track {
    /* Wishes. */
    bool disabled, screen;
    bool essential;   /* the lowest layer is sent whatever it costs */
    uint8_t priority; /* 0 = default, higher first */
    uint32_t pixels;  /* visible size; 0 = not known */
    uint8_t max_spatial, max_temporal;
    /* What there is: rate of sending everything up to (spatial, temporal); 0 = does not flow. */
    uint32_t bps[AURA_ALLOC_SPATIAL][AURA_ALLOC_TEMPORAL];
    /* Kept from one call to the next; zero at first. */
    int8_t spatial, temporal; /* chosen; AURA_ALLOC_PAUSED = none */
    enum aura_alloc_why why;
    bool started;
    uint64_t raised_us, lowered_us; /* last change in each direction */
    /* Only within a call. */
    int8_t next_spatial, next_temporal;
    bool blocked;
};

/**
 * The picture up to spatial layer @p top is sent in another form (AI Core's layer): it costs that
 * form's rate, with all its temporal layers. Smaller pictures that cost as much are no choice any
 * more, for who may have this one.
 * @param bps  of that form; 0 = not measured: the rates stay
 */
void aura_alloc_replace(struct aura_alloc_track *a, unsigned top, uint32_t bps);

struct aura_alloc_result {
    uint32_t given_bps;  /* sum of what was chosen */
    uint32_t wanted_bps; /* sum of everybody's best */
    uint32_t next_bps;   /* total that the next step up needs; 0 = none is wanted */
    bool changed;
};

/**
 * @param tracks  video tracks of one peer; are sorted by rank (cheap when they are so already)
 * @param budget_bps  what is left for them (estimate − audio); UINT32_MAX = no limit known
 * @param least_bps   the same for lowest layers alone, not less: pausing is for lasting shortage
 */
void aura_alloc(struct aura_alloc_track **tracks, size_t count, uint32_t budget_bps,
                uint32_t least_bps, uint64_t now_us, struct aura_alloc_result *out);

#endif
