/* SPDX-License-Identifier: Apache-2.0 */
#include "net/loop.h"

#include "base/mem.h"
#include "net/ring.h"

#include <errno.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

enum {
    EVENTS_MAX = 64,        /* taken from the kernel in one turn */
    POSTS_PER_TURN = 1024,  /* so that posts cannot starve the sockets */
    WAIT_MAX_US = 60000000, /* nothing depends on it: keeps the arithmetic small */
};

struct post {
    aura_loop_fn *fn;
    void *arg;
};

struct aura_loop {
    int epoll_fd, timer_fd; /* timer_fd: only when nested, else -1 */
    struct aura_timers *timers;
    const struct aura_clock *clock;
    struct aura_ring *posts;
    struct aura_task *tasks; /* stack, newest first; atomic */
    struct aura_watch posts_watch, timer_watch;
    struct epoll_event events[EVENTS_MAX];
    int event, event_count; /* the one being handled, and how many there are in this turn */
    bool in_turn, no_pwait2;
    uint32_t stop; /* atomic */
    aura_loop_fn *turn_end_fn;
    void *turn_end_arg;
    uint64_t now_us;
    struct aura_loop_stats stats; /* written by the loop, read by any thread: atomic */
};

static void count(uint64_t *counter, uint64_t n) {
    __atomic_store_n(counter, __atomic_load_n(counter, __ATOMIC_RELAXED) + n, __ATOMIC_RELAXED);
}

static void run_post(void *arg, void *message) {
    struct aura_loop *loop = arg;
    struct post post = *(struct post *)message;
    count(&loop->stats.posts, 1);
    post.fn(post.arg);
}

static void run_tasks(struct aura_loop *loop) {
    struct aura_task *newest = __atomic_exchange_n(&loop->tasks, NULL, __ATOMIC_ACQUIRE);
    struct aura_task *oldest = NULL;
    while (newest) {
        struct aura_task *next = newest->next;
        newest->next = oldest;
        oldest = newest;
        newest = next;
    }
    while (oldest) {
        struct aura_task *task = oldest;
        aura_loop_fn *fn = task->fn;
        void *arg = task->arg;
        oldest = task->next;
        /* From here on the task may be posted again, and fn may free it. */
        __atomic_store_n(&task->pending, 0, __ATOMIC_RELEASE);
        count(&loop->stats.posts, 1);
        fn(arg);
    }
}

static void on_posts(void *arg, struct aura_watch *watch, unsigned events) {
    struct aura_loop *loop = arg;
    (void)watch;
    (void)events;
    /* Rests first, takes the tasks then: a task that comes later wakes us again. */
    aura_ring_drain(loop->posts, POSTS_PER_TURN, run_post, loop);
    run_tasks(loop);
}

static void on_timer_fd(void *arg, struct aura_watch *watch, unsigned events) {
    uint64_t expired;
    (void)arg;
    (void)events;
    /* Only to make it unreadable; the timers themselves run in each turn. */
    if (read(watch->fd, &expired, sizeof(expired)) < 0) {
        return;
    }
}

int aura_loop_new(struct aura_loop **lp, const struct aura_clock *clock) {
    AURA_REQUIRE(lp && clock, AURA_EINVAL);
    struct aura_loop *loop = aura_zalloc(sizeof(*loop));
    if (!loop) {
        return AURA_ENOMEM;
    }
    loop->clock = clock;
    loop->now_us = aura_now_us(clock);
    loop->timer_fd = -1;
    loop->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    int err = loop->epoll_fd < 0 ? AURA_EIO : 0;
    if (err) {
        goto out;
    }
    err = aura_timers_new(&loop->timers, clock);
    if (err) {
        goto out;
    }
    err = aura_ring_new(&loop->posts, AURA_LOOP_POSTS_MAX, sizeof(struct post));
    if (err) {
        goto out;
    }
    err = aura_loop_add_fd(loop, &loop->posts_watch, aura_ring_fd(loop->posts), AURA_LOOP_READ,
                           on_posts, loop);
    if (err) {
        goto out;
    }
    *lp = loop;
    return 0;
out:
    aura_loop_free(loop);
    return err;
}

struct aura_loop *aura_loop_free(struct aura_loop *loop) {
    if (loop) {
        AURA_BUG_ON(loop->in_turn);
        if (loop->timer_fd >= 0) {
            close(loop->timer_fd);
        }
        if (loop->epoll_fd >= 0) {
            close(loop->epoll_fd);
        }
        aura_ring_free(loop->posts);
        aura_timers_free(loop->timers);
        aura_free(loop);
    }
    return NULL;
}

struct aura_timers *aura_loop_timers(struct aura_loop *loop) {
    return loop->timers;
}

const struct aura_clock *aura_loop_clock(const struct aura_loop *loop) {
    return loop->clock;
}

uint64_t aura_loop_now_us(const struct aura_loop *loop) {
    return loop->now_us;
}

static struct epoll_event epoll_events(struct aura_watch *watch, unsigned events) {
    return (struct epoll_event){
        .events = (events & AURA_LOOP_READ ? EPOLLIN | EPOLLRDHUP : 0U) |
                  (events & AURA_LOOP_WRITE ? EPOLLOUT : 0U),
        .data.ptr = watch,
    };
}

int aura_loop_add_fd(struct aura_loop *loop, struct aura_watch *watch, int fd, unsigned events,
                     aura_watch_fn *fn, void *arg) {
    AURA_REQUIRE(loop && watch && fn, AURA_EINVAL);
    if (watch->loop) {
        return AURA_EEXISTS;
    }
    struct epoll_event ev = epoll_events(watch, events);
    if (epoll_ctl(loop->epoll_fd, EPOLL_CTL_ADD, fd, &ev) != 0) {
        return errno == EEXIST ? AURA_EEXISTS : errno == ENOMEM ? AURA_ENOMEM : AURA_EIO;
    }
    *watch = (struct aura_watch){.loop = loop, .fd = fd, .events = events, .fn = fn, .arg = arg};
    return 0;
}

int aura_loop_mod_fd(struct aura_watch *watch, unsigned events) {
    AURA_REQUIRE(watch->loop, AURA_EINVAL);
    if (watch->events == events) {
        return 0;
    }
    struct epoll_event ev = epoll_events(watch, events);
    if (epoll_ctl(watch->loop->epoll_fd, EPOLL_CTL_MOD, watch->fd, &ev) != 0) {
        return AURA_EIO;
    }
    watch->events = events;
    return 0;
}

void aura_loop_remove_fd(struct aura_watch *watch) {
    struct aura_loop *loop = watch->loop;
    if (!loop) {
        return;
    }
    epoll_ctl(loop->epoll_fd, EPOLL_CTL_DEL, watch->fd, NULL);
    watch->loop = NULL;
    for (int i = loop->event + 1; i < loop->event_count; i++) {
        if (loop->events[i].data.ptr == watch) {
            loop->events[i].data.ptr = NULL;
        }
    }
}

int aura_loop_post(struct aura_loop *loop, aura_loop_fn *fn, void *arg) {
    struct post post = {.fn = fn, .arg = arg};
    return aura_ring_push(loop->posts, &post);
}

void aura_loop_post_task(struct aura_loop *loop, struct aura_task *task, aura_loop_fn *fn,
                         void *arg) {
    if (__atomic_exchange_n(&task->pending, 1, __ATOMIC_ACQ_REL)) {
        return;
    }
    task->fn = fn;
    task->arg = arg;
    task->next = __atomic_load_n(&loop->tasks, __ATOMIC_RELAXED);
    while (!__atomic_compare_exchange_n(&loop->tasks, &task->next, task, true, __ATOMIC_RELEASE,
                                        __ATOMIC_RELAXED)) {
    }
    aura_ring_wake(loop->posts);
}

static int wait_us(struct aura_loop *loop, uint64_t us) {
    if (!loop->no_pwait2) {
        struct timespec ts = {.tv_sec = (time_t)(us / AURA_US_PER_S),
                              .tv_nsec = (long)(us % AURA_US_PER_S) * 1000};
        int n = epoll_pwait2(loop->epoll_fd, loop->events, EVENTS_MAX, &ts, NULL);
        if (n >= 0 || (errno != ENOSYS && errno != EPERM)) {
            return n;
        }
        loop->no_pwait2 = true; /* Linux before 5.11, or a sandbox that does not know it */
    }
    int ms = (int)((us + AURA_US_PER_MS - 1) / AURA_US_PER_MS);
    return epoll_wait(loop->epoll_fd, loop->events, EVENTS_MAX, ms);
}

/* When nested: the timer descriptor follows the earliest timer. */
static void arm_timer_fd(void *arg) {
    struct aura_loop *loop = arg;
    if (loop->timer_fd < 0 || loop->in_turn) {
        return;
    }
    uint64_t us = aura_timers_next_us(loop->timers);
    struct itimerspec at = {0};
    if (us != UINT64_MAX) {
        us = us > WAIT_MAX_US ? WAIT_MAX_US : us;
        at.it_value.tv_sec = (time_t)(us / AURA_US_PER_S);
        at.it_value.tv_nsec = (long)(us % AURA_US_PER_S) * 1000 + 1; /* all zeros would disarm */
    }
    AURA_BUG_ON(timerfd_settime(loop->timer_fd, 0, &at, NULL) != 0);
}

static void handle_events(struct aura_loop *loop) {
    for (loop->event = 0; loop->event < loop->event_count; loop->event++) {
        const struct epoll_event *ev = &loop->events[loop->event];
        struct aura_watch *watch = ev->data.ptr;
        if (!watch) {
            continue; /* removed by an earlier callback of this turn */
        }
        unsigned events = ev->events & EPOLLOUT ? AURA_LOOP_WRITE : 0U;
        if (ev->events & (EPOLLERR | EPOLLHUP | EPOLLRDHUP)) {
            events |= AURA_LOOP_HANGUP;
        }
        if (ev->events & (EPOLLIN | EPOLLERR | EPOLLHUP | EPOLLRDHUP)) {
            events |= watch->events & AURA_LOOP_READ;
        }
        watch->fn(watch->arg, watch, events);
    }
    loop->event_count = 0;
}

int aura_loop_run_once(struct aura_loop *loop, uint64_t timeout_us) {
    AURA_BUG_ON(loop->in_turn);
    uint64_t next_us = aura_timers_next_us(loop->timers);
    uint64_t us = timeout_us < next_us ? timeout_us : next_us;
    int n = wait_us(loop, us < WAIT_MAX_US ? us : WAIT_MAX_US);
    if (n < 0 && errno != EINTR) {
        return AURA_EIO;
    }
    loop->in_turn = true;
    loop->now_us = aura_now_us(loop->clock);
    loop->event_count = n > 0 ? n : 0;
    uint64_t ran = (uint64_t)loop->event_count;
    handle_events(loop);
    ran += aura_timers_run(loop->timers);
    if (ran && loop->turn_end_fn) {
        loop->turn_end_fn(loop->turn_end_arg);
    }
    loop->in_turn = false;
    arm_timer_fd(loop);

    uint64_t took_us = aura_now_us(loop->clock) - loop->now_us;
    count(&loop->stats.turns, 1);
    count(&loop->stats.events, ran);
    if (took_us > __atomic_load_n(&loop->stats.turn_us_max, __ATOMIC_RELAXED)) {
        __atomic_store_n(&loop->stats.turn_us_max, took_us, __ATOMIC_RELAXED);
    }
    return 0;
}

int aura_loop_run(struct aura_loop *loop) {
    int err = 0;
    while (!err && !__atomic_exchange_n(&loop->stop, 0, __ATOMIC_ACQUIRE)) {
        err = aura_loop_run_once(loop, UINT64_MAX);
    }
    return err;
}

void aura_loop_stop(struct aura_loop *loop) {
    __atomic_store_n(&loop->stop, 1, __ATOMIC_RELEASE);
    aura_ring_wake(loop->posts);
}

void aura_loop_set_turn_end(struct aura_loop *loop, aura_loop_fn *fn, void *arg) {
    loop->turn_end_fn = fn;
    loop->turn_end_arg = arg;
}

int aura_loop_fd(struct aura_loop *loop) {
    if (loop->timer_fd < 0) {
        int fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
        if (fd < 0) {
            return AURA_EIO;
        }
        if (aura_loop_add_fd(loop, &loop->timer_watch, fd, AURA_LOOP_READ, on_timer_fd, loop)) {
            close(fd);
            return AURA_EIO;
        }
        loop->timer_fd = fd;
        aura_timers_on_earlier(loop->timers, arm_timer_fd, loop);
        arm_timer_fd(loop);
    }
    return loop->epoll_fd;
}

void aura_loop_stats(struct aura_loop *loop, struct aura_loop_stats *out, bool reset_max) {
    struct aura_loop_stats *s = &loop->stats;
    out->turns = __atomic_load_n(&s->turns, __ATOMIC_RELAXED);
    out->events = __atomic_load_n(&s->events, __ATOMIC_RELAXED);
    out->posts = __atomic_load_n(&s->posts, __ATOMIC_RELAXED);
    out->posts_refused = aura_ring_overflows(loop->posts);
    out->turn_us_max = reset_max ? __atomic_exchange_n(&s->turn_us_max, 0, __ATOMIC_RELAXED)
                                 : __atomic_load_n(&s->turn_us_max, __ATOMIC_RELAXED);
}
