/* SPDX-License-Identifier: Apache-2.0 */
#include "sfu/wheel.h"

static void run(void *arg);

void aura__wheel_init(struct aura_wheel *w, struct aura_timers *timers) {
    *w = (struct aura_wheel){.timers = timers};
    w->tick = aura_now_us(aura_timers_clock(timers)) / AURA_WHEEL_SLOT_US;
    for (size_t i = 0; i < AURA_WHEEL_SLOTS; i++) {
        aura_list_init(&w->slot[i]);
    }
}

void aura__wheel_stop(struct aura_wheel *w) {
    if (w->timers) {
        aura_timer_stop(w->timers, &w->timer);
        w->armed_us = 0;
    }
}

static void arm(struct aura_wheel *w, uint64_t at_us, uint64_t now_us) {
    if (w->armed_us && w->armed_us <= at_us) {
        return;
    }
    uint64_t in_us = at_us > now_us ? at_us - now_us : 0;
    /* Without memory for the timer the next aura__wheel_add() tries again. */
    w->armed_us = aura_timer_start(w->timers, &w->timer, in_us, run, w) ? 0 : at_us;
}

static void insert(struct aura_wheel *w, struct aura_due *due) {
    size_t slot = (size_t)(due->due_us / AURA_WHEEL_SLOT_US) % AURA_WHEEL_SLOTS;
    aura_list_add(&w->slot[slot], &due->node);
    w->used[slot / 64] |= UINT64_C(1) << slot % 64;
}

void aura__wheel_add(struct aura_wheel *w, struct aura_due *due, uint64_t in_us, aura_due_fn *fn,
                     void *arg) {
    uint64_t now_us = aura_now_us(aura_timers_clock(w->timers));
    uint64_t grain = in_us >= 4 * AURA_WHEEL_GRID_US ? AURA_WHEEL_GRID_US : AURA_WHEEL_SLOT_US;
    aura_node_remove(&due->node);
    due->due_us = (now_us + in_us + grain - 1) / grain * grain;
    if (due->due_us / AURA_WHEEL_SLOT_US <= w->tick) {
        due->due_us = (w->tick + 1) * AURA_WHEEL_SLOT_US; /* that slot has been run */
    }
    due->fn = fn;
    due->arg = arg;
    insert(w, due);
    arm(w, due->due_us, now_us);
}

void aura__wheel_ensure(struct aura_wheel *w, struct aura_due *due, uint64_t in_us, aura_due_fn *fn,
                        void *arg) {
    if (!aura__due_armed(due)) {
        aura__wheel_add(w, due, in_us, fn, arg);
    }
}

void aura__wheel_remove(struct aura_due *due) {
    aura_node_remove(&due->node);
}

static void run_slot(struct aura_wheel *w, size_t slot, uint64_t now_us) {
    struct aura_list firing;
    aura_list_init(&firing);
    w->used[slot / 64] &= ~(UINT64_C(1) << slot % 64);
    while (!aura_list_empty(&w->slot[slot])) {
        struct aura_node *n = w->slot[slot].head.next;
        aura_node_remove(n);
        aura_list_add(&firing, n);
    }
    /* Callbacks may remove any entry, also of `firing`: so always take the first one left. */
    while (!aura_list_empty(&firing)) {
        struct aura_due *due = AURA_LIST_FIRST(&firing, struct aura_due, node);
        aura_node_remove(&due->node);
        if (due->due_us > now_us) {
            insert(w, due); /* a later round */
        } else {
            due->fn(due->arg, now_us);
        }
    }
}

static void arm_next(struct aura_wheel *w, uint64_t now_us) {
    for (uint64_t step = 1; step <= AURA_WHEEL_SLOTS; step++) {
        size_t slot = (size_t)(w->tick + step) % AURA_WHEEL_SLOTS;
        if (w->used[slot / 64] >> slot % 64 & 1) {
            if (!aura_list_empty(&w->slot[slot])) {
                arm(w, (w->tick + step) * AURA_WHEEL_SLOT_US, now_us);
                return;
            }
            w->used[slot / 64] &= ~(UINT64_C(1) << slot % 64);
        }
    }
}

static void run(void *arg) {
    struct aura_wheel *w = arg;
    uint64_t now_us = aura_now_us(aura_timers_clock(w->timers));
    uint64_t to = now_us / AURA_WHEEL_SLOT_US;
    uint64_t from = w->tick + 1;
    w->armed_us = 0;
    if (to >= from + AURA_WHEEL_SLOTS) {
        from = to - AURA_WHEEL_SLOTS + 1; /* more than a round late: each slot once is enough */
    }
    for (uint64_t tick = from; tick <= to; tick++) {
        size_t slot = (size_t)tick % AURA_WHEEL_SLOTS;
        w->tick = tick;
        if (w->used[slot / 64] >> slot % 64 & 1) {
            run_slot(w, slot, now_us);
        }
    }
    arm_next(w, now_us);
}
