/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file pool.h  Threads that work for many lanes: the jobs of a lane run one after the other, in
 * order; lanes take turns. What a job leaves to do is done when no lane has a job that waits, or
 * before that lane's next one. Thread-safe.
 */
#ifndef AURA_AICORE_POOL_H
#define AURA_AICORE_POOL_H

#include "aicore/urgent.h"
#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    AURA_POOL_THREADS_MAX = 64,
    AURA_LANE_JOBS_MAX = 16, /* that wait in one lane */
};

struct aura_pool;
struct aura_lane;

/** @param urgent  borrowed, its threads go before other programs; NULL: they are like others.
 * @return 0, AURA_ENOMEM, AURA_ELIMIT (threads: 1…AURA_POOL_THREADS_MAX) */
AURA_NODISCARD int aura_pool_new(struct aura_pool **pp, unsigned threads,
                                 struct aura_urgent *urgent);
/** Waits for the running jobs; every lane must have been closed. */
struct aura_pool *aura_pool_free(struct aura_pool *p);

/** All of them are called on some thread of the pool, for one lane on one at a time. */
struct aura_lane_handlers {
    /** Does one job; owns `job` from then on. @return true: it leaves something for `rest` */
    bool (*run)(void *arg, void *job);
    /**
     * Does a piece of what the last job left; NULL if none ever does.
     * @param hurry  the lane's next job waits
     * @return true: more is left
     */
    bool (*rest)(void *arg, bool hurry);
    /** The lane is closed, its last job is done, whatever that left: `arg` is not used any more.
     * Once for every lane. */
    void (*ended)(void *arg);
};

/** @param handlers  borrowed as long as the lane lives */
AURA_NODISCARD int aura_lane_new(struct aura_lane **lp, struct aura_pool *pool,
                                 const struct aura_lane_handlers *handlers, void *arg);
/** Takes `job` unless it fails. @return 0, AURA_ENOMEM, AURA_ELIMIT (too many wait), AURA_ECLOSED
 */
AURA_NODISCARD int aura_lane_add(struct aura_lane *lane, void *job);
/** No more jobs; those that wait are done. The lane is gone for the caller. */
void aura_lane_close(struct aura_lane *lane);

#endif
