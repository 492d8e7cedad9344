/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file pool.h  Threads that work for many lanes: the jobs of a lane run one after the other, in
 * order; lanes take turns. Thread-safe.
 */
#ifndef AURA_AICORE_POOL_H
#define AURA_AICORE_POOL_H

#include "base/err.h"

#include <stddef.h>
#include <stdint.h>

enum {
    AURA_POOL_THREADS_MAX = 64,
    AURA_LANE_JOBS_MAX = 16, /* that wait in one lane */
};

struct aura_pool;
struct aura_lane;

/** @return 0, AURA_ENOMEM, AURA_ELIMIT (threads: 1…AURA_POOL_THREADS_MAX) */
AURA_NODISCARD int aura_pool_new(struct aura_pool **pp, unsigned threads);
/** Waits for the running jobs; every lane must have been closed. */
struct aura_pool *aura_pool_free(struct aura_pool *p);

/**
 * @param run    does one job, on some thread; owns `job` from then on
 * @param ended  the lane is closed, its last job is done: `arg` is not used any more. Called once,
 * on some thread, for every lane
 */
AURA_NODISCARD int aura_lane_new(struct aura_lane **lp, struct aura_pool *pool,
                                 void (*run)(void *arg, void *job), void (*ended)(void *arg),
                                 void *arg);
/** Takes `job` unless it fails. @return 0, AURA_ENOMEM, AURA_ELIMIT (too many wait), AURA_ECLOSED
 */
AURA_NODISCARD int aura_lane_add(struct aura_lane *lane, void *job);
/** No more jobs; those that wait are done. The lane is gone for the caller. */
void aura_lane_close(struct aura_lane *lane);

#endif
