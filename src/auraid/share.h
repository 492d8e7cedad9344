/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file share.h  How much each app (API key) takes of something that all of them share.
 *
 * Threading: one thread.
 */
#ifndef AURA_AURAID_SHARE_H
#define AURA_AURAID_SHARE_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { AURA_SHARE_APPS_MAX = 10000 }; /* that are counted; more are not */

struct aura_share;

/** @return 0 or AURA_ENOMEM */
AURA_NODISCARD int aura_share_new(struct aura_share **sp);
/** NULL is fine. Returns NULL. */
struct aura_share *aura_share_free(struct aura_share *s);
/** May it take one more? @param max  0 = any number */
bool aura_share_fits(const struct aura_share *s, const char *app, uint64_t max);
/** It takes that many more. Without memory for it they are not counted. */
void aura_share_take(struct aura_share *s, const char *app, uint64_t count);
void aura_share_give(struct aura_share *s, const char *app);
/** @p percent of @p all, 1 at least; 0 (= all) where there is one app only. */
uint64_t aura_share_of(uint64_t all, unsigned percent, size_t apps);

#endif
