/* SPDX-License-Identifier: Apache-2.0 */
/** @file series.h  Samples of tracks and subscriptions, for files of src/room alone (show.h is for
 * others). */
#ifndef AURA_ROOM_SERIES_H
#define AURA_ROOM_SERIES_H

#include "room/room_priv.h"
#include "room/show.h"

struct series;

/** A report of the SFU: at most one sample each AURA_ROOMS_STEP_S. */
void aura__series_pub(struct encoding *e, const struct aura_sfu_pub_stats *stats);
void aura__series_sub(struct subscription *sub, const struct aura_sfu_sub_stats *stats);
/** NULL is fine. Returns NULL. */
struct series *aura__series_free(struct series *s);
size_t aura__series_count(const struct series *s);
void aura__sub_view(const struct subscription *s, struct aura_rooms_sub_view *view);

#endif
