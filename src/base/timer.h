/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file timer.h  Timers on an injected clock; the owner of the loop asks when the next one is due.
 *
 * A timer is embedded in its owner's struct and must be zeroed before its first use. Stop it before
 * its memory goes.
 */
#ifndef AURA_BASE_TIMER_H
#define AURA_BASE_TIMER_H

#include "base/clock.h"
#include "base/err.h"

#include <stddef.h>
#include <stdint.h>

struct aura_timers;
typedef void(aura_timer_fn)(void *arg);

struct aura_timer {
    uint64_t due_us;
    uint64_t order; /* equal due times fire in the order in which they were set */
    aura_timer_fn *fn;
    void *arg;
    size_t at; /* place in the heap + 1; 0 = not running */
};

AURA_NODISCARD int aura_timers_new(struct aura_timers **tp, const struct aura_clock *clock);
struct aura_timers *aura_timers_free(struct aura_timers *t);
const struct aura_clock *aura_timers_clock(const struct aura_timers *t);

/** (Re)starts a timer to fire once, @p in_us from now. @return 0 or AURA_ENOMEM (it is then
 * stopped) */
AURA_NODISCARD int aura_timer_start(struct aura_timers *t, struct aura_timer *timer, uint64_t in_us,
                                    aura_timer_fn *fn, void *arg);
/** Stops a timer; fine if it is not running. */
void aura_timer_stop(struct aura_timers *t, struct aura_timer *timer);
static inline bool aura_timer_running(const struct aura_timer *timer) {
    return timer->at != 0;
}

/** Calls fn(arg) whenever a timer is started that is due before all others; NULL ends that. For the
 * owner of a loop that must wake up earlier then. */
void aura_timers_on_earlier(struct aura_timers *t, aura_timer_fn *fn, void *arg);

/** Microseconds until the next timer is due: 0 = now, UINT64_MAX = none. */
uint64_t aura_timers_next_us(const struct aura_timers *t);
/** Fires all that are due; timers set meanwhile wait for the next call. @return how many fired */
size_t aura_timers_run(struct aura_timers *t);

#endif
