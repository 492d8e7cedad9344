/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file urgent.h  Threads whose answer somebody waits for go before other programs, within bounds.
 *
 * On a machine that is busy a frame waits longer for a processor than it is worked on. Where the
 * system allows it (RLIMIT_RTPRIO or CAP_SYS_NICE) such threads are real-time ones (SCHED_RR at the
 * lowest priority). So that they cannot starve the machine,
 *
 * - all of them together get AURA_URGENT_PERCENT of the cores' time in each window; beyond it they
 *   are threads like others until the next one;
 * - one that runs for AURA_URGENT_AT_ONCE_US without a pause is made one like others by a signal,
 *   whatever it is in, for a window at least (RLIMIT_RTTIME and SIGXCPU, of the whole process);
 * - the kernel's own bound on real-time threads comes on top (sched_rt_runtime_us).
 *
 * Threads that they start are normal ones. One for a process. Thread-safe.
 */
#ifndef AURA_AICORE_URGENT_H
#define AURA_AICORE_URGENT_H

#include "base/clock.h"
#include "base/err.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

enum {
    AURA_URGENT_WINDOW_US = 100000,
    AURA_URGENT_PERCENT = 50,        /* of the cores' time in a window */
    AURA_URGENT_AT_ONCE_US = 100000, /* of one thread */
    AURA_URGENT_THREADS_MAX = 128,   /* at once; others stay as they are */
};

/** What real-time threads have used; on the caller's clock. */
struct aura_urgent_budget {
    uint64_t most_us;  /* in a window */
    uint64_t began_us; /* the window */
    uint64_t used_us;
};

/** @param used_us  processor time since the last call. @return some is left of this window */
bool aura_urgent_spend(struct aura_urgent_budget *b, uint64_t used_us, uint64_t now_us);

struct aura_urgent;

/** A thread; of that thread only. */
struct aura_urgent_thread {
    unsigned slot;
    bool joined, real_time;
    uint64_t cpu_us;        /* at the last turn */
    uint64_t not_before_us; /* real-time again, after the signal */
};

/** @param cores  whose time is shared. @return 0, AURA_ENOMEM, AURA_EUNSUPPORTED (the system does
 * not allow it, or there is one already) */
AURA_NODISCARD int aura_urgent_new(struct aura_urgent **up, unsigned cores,
                                   const struct aura_clock *clock);
/** All threads must have left. */
struct aura_urgent *aura_urgent_free(struct aura_urgent *u);

/** The calling thread becomes one of them. `u` NULL: it stays as it is, here and below. */
void aura_urgent_join(struct aura_urgent *u, struct aura_urgent_thread *t);
/** Between two pieces of its work: real-time while the budget lasts. Cheap if nothing changes. */
void aura_urgent_turn(struct aura_urgent *u, struct aura_urgent_thread *t);
/** It is a normal one again. */
void aura_urgent_leave(struct aura_urgent *u, struct aura_urgent_thread *t);

#endif
