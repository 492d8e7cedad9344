/* SPDX-License-Identifier: Apache-2.0 */
#include "base/timer.h"

#include "base/mem.h"

struct aura_timers {
    const struct aura_clock *clock;
    struct aura_timer **heap;
    size_t count, cap;
    uint64_t order;
    aura_timer_fn *earlier_fn;
    void *earlier_arg;
};

static bool earlier(const struct aura_timer *a, const struct aura_timer *b) {
    return a->due_us != b->due_us ? a->due_us < b->due_us : a->order < b->order;
}

static void place(struct aura_timers *t, size_t i, struct aura_timer *timer) {
    t->heap[i] = timer;
    timer->at = i + 1;
}

static void sift_up(struct aura_timers *t, size_t i, struct aura_timer *timer) {
    while (i > 0 && earlier(timer, t->heap[(i - 1) / 2])) {
        place(t, i, t->heap[(i - 1) / 2]);
        i = (i - 1) / 2;
    }
    place(t, i, timer);
}

static void sift_down(struct aura_timers *t, size_t i, struct aura_timer *timer) {
    for (;;) {
        size_t child = 2 * i + 1;
        if (child >= t->count) {
            break;
        }
        if (child + 1 < t->count && earlier(t->heap[child + 1], t->heap[child])) {
            child++;
        }
        if (!earlier(t->heap[child], timer)) {
            break;
        }
        place(t, i, t->heap[child]);
        i = child;
    }
    place(t, i, timer);
}

int aura_timers_new(struct aura_timers **tp, const struct aura_clock *clock) {
    AURA_REQUIRE(tp && clock, AURA_EINVAL);
    struct aura_timers *t = aura_zalloc(sizeof(*t));
    if (!t) {
        return AURA_ENOMEM;
    }
    t->clock = clock;
    *tp = t;
    return 0;
}

struct aura_timers *aura_timers_free(struct aura_timers *t) {
    if (t) {
        aura_free(t->heap);
        aura_free(t);
    }
    return NULL;
}

const struct aura_clock *aura_timers_clock(const struct aura_timers *t) {
    return t->clock;
}

void aura_timer_stop(struct aura_timers *t, struct aura_timer *timer) {
    if (!timer->at) {
        return;
    }
    size_t i = timer->at - 1;
    AURA_BUG_ON(i >= t->count || t->heap[i] != timer);
    timer->at = 0;
    struct aura_timer *last = t->heap[--t->count];
    if (last == timer) {
        return;
    }
    if (i > 0 && earlier(last, t->heap[(i - 1) / 2])) {
        sift_up(t, i, last);
    } else {
        sift_down(t, i, last);
    }
}

int aura_timer_start(struct aura_timers *t, struct aura_timer *timer, uint64_t in_us,
                     aura_timer_fn *fn, void *arg) {
    aura_timer_stop(t, timer);
    if (t->count == t->cap) {
        size_t cap = t->cap ? t->cap * 2 : 16;
        struct aura_timer **heap = aura_realloc(t->heap, cap * sizeof(struct aura_timer *));
        if (!heap) {
            return AURA_ENOMEM;
        }
        t->heap = heap;
        t->cap = cap;
    }
    timer->due_us = aura_now_us(t->clock) + in_us;
    timer->order = t->order++;
    timer->fn = fn;
    timer->arg = arg;
    sift_up(t, t->count++, timer);
    if (timer->at == 1 && t->earlier_fn) {
        t->earlier_fn(t->earlier_arg);
    }
    return 0;
}

void aura_timers_on_earlier(struct aura_timers *t, aura_timer_fn *fn, void *arg) {
    t->earlier_fn = fn;
    t->earlier_arg = arg;
}

uint64_t aura_timers_next_us(const struct aura_timers *t) {
    if (t->count == 0) {
        return UINT64_MAX;
    }
    uint64_t now = aura_now_us(t->clock), due = t->heap[0]->due_us;
    return due > now ? due - now : 0;
}

size_t aura_timers_run(struct aura_timers *t) {
    uint64_t now = aura_now_us(t->clock), before = t->order;
    size_t fired = 0;
    while (t->count && t->heap[0]->due_us <= now && t->heap[0]->order < before) {
        struct aura_timer *timer = t->heap[0];
        aura_timer_stop(t, timer);
        timer->fn(timer->arg);
        fired++;
    }
    return fired;
}
