/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file pool.h  Threads for what blocks: each job runs on one of them, its end on the loop.
 *
 * Threads are begun when they are needed, up to a ceiling, and stay. Some are kept for jobs of
 * one's own servers, so that strangers whose servers hang take nothing from them. Jobs of one key
 * (a server) run a few at a time.
 *
 * Threading: everything belongs to the loop's thread but `run`.
 */
#ifndef AURA_AURAID_MATRIX_POOL_H
#define AURA_AURAID_MATRIX_POOL_H

#include "base/list.h"
#include "net/loop.h"

enum {
    AURA_POOL_THREADS_MAX = 24,
    AURA_POOL_OWN_THREADS = 8,  /* of those, that only jobs of one's own servers get */
    AURA_POOL_JOBS_MAX = 256,   /* running and waiting; strangers' may be half of it */
    AURA_POOL_KEY_JOBS_MAX = 8, /* of one server that is not one's own */
};

struct aura_pool;

/** Embedded in its owner; zero it before use. It must stay until `done`. */
struct aura_job {
    void (*run)(void *arg);  /* on a thread; must end by itself, in seconds */
    void (*done)(void *arg); /* on the loop, or inside aura_pool_free(); also if it never ran */
    void *arg;
    const char *key; /* lives as long as the job */
    bool own;
    bool ran;                        /* false in done(): the pool ended before */
    struct aura_node node, own_node; /* the pool's */
};

/** @return 0 or AURA_ENOMEM */
AURA_NODISCARD int aura_pool_new(struct aura_pool **pp, struct aura_loop *loop);
/** Waits for what runs, then calls done() for all that is left. NULL is fine. Returns NULL. */
struct aura_pool *aura_pool_free(struct aura_pool *p);
/** @return 0: done() will be called once; AURA_ELIMIT (too many of all, or of its key), AURA_ENOMEM
 * (there is no thread) */
AURA_NODISCARD int aura_pool_add(struct aura_pool *p, struct aura_job *job);
/** Running and waiting. */
size_t aura_pool_jobs(const struct aura_pool *p);

#endif
