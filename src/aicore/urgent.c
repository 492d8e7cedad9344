/* SPDX-License-Identifier: Apache-2.0 */
#include "aicore/urgent.h"

#include "base/mem.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

enum { PRIORITY = 1, NS_PER_US = 1000 };

/* Signal handlers find threads here, without a lock. 0 = free. */
static atomic_int tids[AURA_URGENT_THREADS_MAX];
static atomic_bool stopped[AURA_URGENT_THREADS_MAX]; /* by the signal: it took too long */
static atomic_bool in_use;

struct aura_urgent {
    const struct aura_clock *clock;
    pthread_mutex_t lock;
    struct aura_urgent_budget budget;
    struct rlimit less;      /* RLIMIT_RTTIME while it works */
    struct rlimit limit;     /* as they were */
    struct sigaction action; /* the same */
    bool limited, handled;
};

bool aura_urgent_spend(struct aura_urgent_budget *b, uint64_t used_us, uint64_t now_us) {
    if (now_us >= b->began_us + AURA_URGENT_WINDOW_US) {
        b->began_us = now_us;
        b->used_us = 0;
    }
    b->used_us += used_us;
    return b->used_us < b->most_us;
}

/* Safe in a signal handler. What a thread starts is normal again (reset on fork). */
static bool become(int tid, bool real_time) {
    const struct sched_param p = {.sched_priority = real_time ? PRIORITY : 0};
    int policy = (real_time ? SCHED_RR : SCHED_OTHER) | SCHED_RESET_ON_FORK;
    return sched_setscheduler(tid, policy, &p) == 0;
}

static bool is_ours(int tid) {
    unsigned i = 0;
    while (i < AURA_URGENT_THREADS_MAX && atomic_load(&tids[i]) != tid) {
        i++;
    }
    return i < AURA_URGENT_THREADS_MAX;
}

/* The kernel hands the signal to the thread that ran for so long, unless that cannot take it: then
 * it may be each of them. */
static void on_too_long(int number) {
    int self = gettid();
    bool known = is_ours(self);
    (void)number;
    for (unsigned i = 0; i < AURA_URGENT_THREADS_MAX; i++) {
        int tid = atomic_load(&tids[i]);
        if (tid && (!known || tid == self)) {
            atomic_store(&stopped[i], true);
            (void)become(tid, false);
        }
    }
}

/* Whether it is allowed shows when it is tried. */
static bool is_allowed(void) {
    struct sched_param before = {.sched_priority = 0};
    int policy = sched_getscheduler(0);
    if (policy < 0 || sched_getparam(0, &before)) {
        return false;
    }
    const struct sched_param p = {.sched_priority = PRIORITY};
    return sched_setscheduler(0, SCHED_RR, &p) == 0 && sched_setscheduler(0, policy, &before) == 0;
}

static bool bound(struct aura_urgent *u) {
    const struct sigaction action = {.sa_handler = on_too_long, .sa_flags = SA_RESTART};
    if (getrlimit(RLIMIT_RTTIME, &u->limit)) {
        return false;
    }
    u->less = u->limit;
    u->less.rlim_cur =
        u->limit.rlim_cur < AURA_URGENT_AT_ONCE_US ? u->limit.rlim_cur : AURA_URGENT_AT_ONCE_US;
    u->handled = sigaction(SIGXCPU, &action, &u->action) == 0;
    u->limited = u->handled && setrlimit(RLIMIT_RTTIME, &u->less) == 0;
    return u->limited;
}

int aura_urgent_new(struct aura_urgent **up, unsigned cores, const struct aura_clock *clock) {
    if (!is_allowed() || atomic_exchange(&in_use, true)) {
        return AURA_EUNSUPPORTED;
    }
    struct aura_urgent *u = aura_zalloc(sizeof(*u));
    if (!u) {
        atomic_store(&in_use, false);
        return AURA_ENOMEM;
    }
    u->clock = clock;
    u->budget.most_us =
        (uint64_t)AURA_URGENT_WINDOW_US * AURA_URGENT_PERCENT / 100 * (cores ? cores : 1);
    pthread_mutex_init(&u->lock, NULL);
    if (!bound(u)) {
        aura_urgent_free(u);
        return AURA_EUNSUPPORTED;
    }
    *up = u;
    return 0;
}

struct aura_urgent *aura_urgent_free(struct aura_urgent *u) {
    if (u) {
        if (u->limited) {
            (void)setrlimit(RLIMIT_RTTIME, &u->limit);
        }
        if (u->handled) {
            (void)sigaction(SIGXCPU, &u->action, NULL);
        }
        pthread_mutex_destroy(&u->lock);
        atomic_store(&in_use, false);
        aura_free(u);
    }
    return NULL;
}

static uint64_t cpu_us(void) {
    struct timespec t = {.tv_sec = 0};
    (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (uint64_t)t.tv_sec * AURA_US_PER_S + (uint64_t)t.tv_nsec / NS_PER_US;
}

void aura_urgent_join(struct aura_urgent *u, struct aura_urgent_thread *t) {
    *t = (struct aura_urgent_thread){.slot = 0};
    for (unsigned i = 0; u && i < AURA_URGENT_THREADS_MAX && !t->joined; i++) {
        int none = 0;
        t->slot = i;
        t->joined = atomic_compare_exchange_strong(&tids[i], &none, gettid());
    }
    if (t->joined) {
        atomic_store(&stopped[t->slot], false);
        t->cpu_us = cpu_us();
        aura_urgent_turn(u, t);
    }
}

void aura_urgent_turn(struct aura_urgent *u, struct aura_urgent_thread *t) {
    if (!t->joined) {
        return;
    }
    uint64_t now_cpu_us = cpu_us(), used_us = now_cpu_us - t->cpu_us;
    t->cpu_us = now_cpu_us;
    uint64_t now_us = aura_now_us(u->clock);
    if (atomic_exchange(&stopped[t->slot], false)) {
        t->real_time = false;
        t->not_before_us = now_us + AURA_URGENT_WINDOW_US;
        (void)setrlimit(RLIMIT_RTTIME, &u->less); /* each signal makes it a second longer */
    }
    pthread_mutex_lock(&u->lock);
    bool left = aura_urgent_spend(&u->budget, t->real_time ? used_us : 0, now_us) &&
                now_us >= t->not_before_us;
    pthread_mutex_unlock(&u->lock);
    if (left != t->real_time) {
        t->real_time = become(0, left) && left;
    }
}

void aura_urgent_leave(struct aura_urgent *u, struct aura_urgent_thread *t) {
    (void)u;
    if (t->joined) {
        atomic_store(&tids[t->slot], 0);
        (void)become(0, false);
        t->joined = t->real_time = false;
    }
}
