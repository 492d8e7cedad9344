/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file gapmap.h  Closes the gaps that we make on purpose in a numbered stream.
 *
 * Numbers that are dropped shift all later ones down; numbers that come late keep the place that
 * was left for them. Flat state over the last AURA_GAPMAP_WINDOW numbers.
 */
#ifndef AURA_RTP_GAPMAP_H
#define AURA_RTP_GAPMAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { AURA_GAPMAP_WINDOW = 512 };

struct aura_gapmap {
    bool started;
    uint64_t newest;                        /* highest number seen, mapped or dropped */
    uint64_t first;                         /* nothing below is mapped */
    uint64_t dropped;                       /* how many so far */
    uint64_t bits[AURA_GAPMAP_WINDOW / 64]; /* set = dropped, by number modulo window */
};
/** Begins at @p first: what is older will not be mapped. */
void aura_gapmap_start(struct aura_gapmap *g, uint64_t first);
/**
 * @param out  number − drops before it; the difference to `first` begins at 0
 * @return false if it lies before the start, beyond the window, or was dropped
 */
bool aura_gapmap_map(struct aura_gapmap *g, uint64_t number, uint64_t *out);
/** @return true if the gap is closed; false if later numbers have gone out: it looks like a loss */
bool aura_gapmap_drop(struct aura_gapmap *g, uint64_t number);

/** The number that was mapped to @p mapped. @return false if it is not in the window, or none yet
 */
bool aura_gapmap_inverse(const struct aura_gapmap *g, uint64_t mapped, uint64_t *number);

#endif
