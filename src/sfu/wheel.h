/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file wheel.h  Periodic work of one media worker on a single timer.
 *
 * Work due within the same 10 ms runs in one wake-up, and slow work (a report a second) is moved to
 * a 50 ms grid, so that a thousand subscribers cost twenty wake-ups a second and not a thousand. An
 * empty wheel costs nothing. Threading: worker-affine.
 */
#ifndef AURA_SFU_WHEEL_H
#define AURA_SFU_WHEEL_H

#include "base/list.h"
#include "base/timer.h"

enum { AURA_WHEEL_SLOTS = 256, AURA_WHEEL_SLOT_US = 10000, AURA_WHEEL_GRID_US = 50000 };

typedef void(aura_due_fn)(void *arg, uint64_t now_us);

/** Embedded in its owner; zero it before the first use, remove it before its memory goes. */
struct aura_due {
    struct aura_node node;
    uint64_t due_us;
    aura_due_fn *fn;
    void *arg;
};

struct aura_wheel {
    struct aura_timers *timers;
    struct aura_timer timer;
    uint64_t armed_us; /* when the timer fires; 0 = not running */
    uint64_t tick;     /* last slot time that was run */
    struct aura_list slot[AURA_WHEEL_SLOTS];
    uint64_t used[AURA_WHEEL_SLOTS / 64]; /* a bit per slot that may hold something */
};

void aura__wheel_init(struct aura_wheel *w, struct aura_timers *timers);
void aura__wheel_stop(struct aura_wheel *w);
/** (Re)arms @p due to run once, @p in_us from now (rounded up to the wheel's grain). */
void aura__wheel_add(struct aura_wheel *w, struct aura_due *due, uint64_t in_us, aura_due_fn *fn,
                     void *arg);
/** Arms it unless it is armed already. */
void aura__wheel_ensure(struct aura_wheel *w, struct aura_due *due, uint64_t in_us, aura_due_fn *fn,
                        void *arg);
void aura__wheel_remove(struct aura_due *due);
static inline bool aura__due_armed(const struct aura_due *due) {
    return aura_node_linked(&due->node);
}

#endif
