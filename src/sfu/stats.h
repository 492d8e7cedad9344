/* SPDX-License-Identifier: Apache-2.0 */
/** @file stats.h  Periodic statistics of the tracks on a worker, for the control thread. */
#ifndef AURA_SFU_STATS_H
#define AURA_SFU_STATS_H

#include <stdbool.h>

struct aura_source;
struct aura_worker;

/** Media flows: there will be something to report. */
void aura__stats_soon(struct aura_worker *w);
/** Reports now. */
void aura__stats_report(struct aura_worker *w);
/** The same for one source's part in AIC; nothing where it has none. @param bytes  them too */
void aura__stats_aic(struct aura_source *s, bool bytes);

#endif
