/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file loop.h  Event loop of one thread: file descriptors, timers, calls posted by other threads.
 *
 * Threading: everything belongs to the thread that runs the loop, except what says "any thread".
 * One turn = wait, fd callbacks, posted calls, due timers, the turn-end hook.
 */
#ifndef AURA_NET_LOOP_H
#define AURA_NET_LOOP_H

#include "base/clock.h"
#include "base/err.h"
#include "base/timer.h"

#include <stddef.h>
#include <stdint.h>

struct aura_loop;
struct aura_watch;

enum {
    AURA_LOOP_READ = 1,
    AURA_LOOP_WRITE = 2,
    AURA_LOOP_HANGUP = 4,       /* reported only: error or the peer is gone */
    AURA_LOOP_POSTS_MAX = 8192, /* calls posted and not yet run */
};

typedef void(aura_watch_fn)(void *arg, struct aura_watch *watch, unsigned events);
typedef void(aura_loop_fn)(void *arg);

/** Embedded in its owner; zero it before the first use. */
struct aura_watch {
    struct aura_loop *loop; /* NULL = not watched */
    int fd;
    unsigned events;
    aura_watch_fn *fn;
    void *arg;
};

/** @return 0, AURA_ENOMEM, AURA_EIO */
AURA_NODISCARD int aura_loop_new(struct aura_loop **lp, const struct aura_clock *clock);
/** Frees it; calls posted and not yet run are forgotten. NULL is fine. Returns NULL. */
struct aura_loop *aura_loop_free(struct aura_loop *loop);

struct aura_timers *aura_loop_timers(struct aura_loop *loop);
const struct aura_clock *aura_loop_clock(const struct aura_loop *loop);
/** The clock as read at the start of this turn; cheap. */
uint64_t aura_loop_now_us(const struct aura_loop *loop);

/**
 * Watches @p fd (level triggered; not owned). @param events  AURA_LOOP_READ | AURA_LOOP_WRITE
 * @return 0, AURA_EEXISTS (this watch or fd is watched already), AURA_ENOMEM, AURA_EIO
 */
AURA_NODISCARD int aura_loop_add_fd(struct aura_loop *loop, struct aura_watch *watch, int fd,
                                    unsigned events, aura_watch_fn *fn, void *arg);
/** Changes the events; @return 0 or AURA_EIO. Does nothing if they are the same. */
int aura_loop_mod_fd(struct aura_watch *watch, unsigned events);
/** Ends watching; no callback comes any more, not even in this turn. Fine if not watched. */
void aura_loop_remove_fd(struct aura_watch *watch);

/** Any thread: runs fn(arg) on the loop, in the order of posting. @return 0 or AURA_EAGAIN (full)
 */
AURA_NODISCARD int aura_loop_post(struct aura_loop *loop, aura_loop_fn *fn, void *arg);

/** A post that cannot fail: embedded in its owner, zeroed before the first use. */
struct aura_task {
    struct aura_task *next;
    aura_loop_fn *fn;
    void *arg;
    uint32_t pending;
};
/**
 * Any thread: runs fn(arg) on the loop once. If the task is still pending from before, that run
 * serves this post too; fn and arg must be the same each time.
 */
void aura_loop_post_task(struct aura_loop *loop, struct aura_task *task, aura_loop_fn *fn,
                         void *arg);

/** Runs turns until aura_loop_stop(). @return 0 or AURA_EIO */
int aura_loop_run(struct aura_loop *loop);
/** Any thread: ends aura_loop_run() after the current turn (or the next run at once). */
void aura_loop_stop(struct aura_loop *loop);
/** One turn, waiting at most @p timeout_us (0 = not at all, UINT64_MAX = as long as it takes).
 * @return 0 or AURA_EIO */
int aura_loop_run_once(struct aura_loop *loop, uint64_t timeout_us);

/** Called last in each turn in which something ran; NULL removes it. For batched sending. */
void aura_loop_set_turn_end(struct aura_loop *loop, aura_loop_fn *fn, void *arg);

/**
 * For a loop inside another one: a descriptor that is readable whenever aura_loop_run_once(loop, 0)
 * has something to do, timers included. Both loops then run on the same thread. @return the fd
 * (borrowed) or AURA_EIO
 */
int aura_loop_fd(struct aura_loop *loop);

struct aura_loop_stats {
    uint64_t turns, events, posts, posts_refused;
    uint64_t turn_us_max; /* longest turn without the waiting, since the last reset */
};
/** Any thread. @param reset_max  starts a new maximum */
void aura_loop_stats(struct aura_loop *loop, struct aura_loop_stats *out, bool reset_max);

#endif
