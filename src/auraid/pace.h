/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file pace.h  How often somebody may do something, with a minute's worth at once.
 *
 * What is kept for each is the time at which all of the budget is there again (GCRA); who has all
 * of it is forgotten when room is needed. Threading: one thread.
 */
#ifndef AURA_AURAID_PACE_H
#define AURA_AURAID_PACE_H

#include "base/err.h"

#include <stddef.h>
#include <stdint.h>

struct aura_pace;

/** @param max  people counted at a time. @return 0 or AURA_ENOMEM */
AURA_NODISCARD int aura_pace_new(struct aura_pace **pp, size_t max);
/** NULL is fine. Returns NULL. */
struct aura_pace *aura_pace_free(struct aura_pace *p);
/**
 * One more of @p who.
 * @param per_minute  0 = any number
 * @return 0: it fits. Else seconds until it would, and nothing was counted; also where there is no
 *         room to count
 */
uint32_t aura_pace_take(struct aura_pace *p, const char *who, uint32_t per_minute, uint64_t now_us);

#endif
