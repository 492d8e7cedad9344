/* SPDX-License-Identifier: Apache-2.0 */
/** @file levels.h  Audio levels of the tracks published on a worker, reported when they change. */
#ifndef AURA_SFU_LEVELS_H
#define AURA_SFU_LEVELS_H

struct aura_published;

/** A level of this track has been observed: it will be in the next report. */
void aura__levels_observed(struct aura_published *pub);

#endif
