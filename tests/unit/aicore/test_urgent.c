/* SPDX-License-Identifier: Apache-2.0 */
/* Real-time threads and their bounds. Where the system refuses them there is only that to see. */
#include "aicore/urgent.h"
#include "harness.h"

#include <sched.h>
#include <signal.h>
#include <sys/resource.h>
#include <time.h>

static int a_window_has_a_budget(void) {
    struct aura_urgent_budget b = {.most_us = 100000};
    uint64_t now_us = AURA_US_PER_S;
    assert_true(aura_urgent_spend(&b, 60000, now_us));
    assert_true(aura_urgent_spend(&b, 39999, now_us + 50000));
    assert_false(aura_urgent_spend(&b, 1, now_us + 60000));
    assert_false(aura_urgent_spend(&b, 0, now_us + AURA_URGENT_WINDOW_US - 1));
    assert_true(aura_urgent_spend(&b, 0, now_us + AURA_URGENT_WINDOW_US)); /* the next one */
    assert_false(aura_urgent_spend(&b, 100000, now_us + AURA_URGENT_WINDOW_US));
    return 0;
}

static bool is_real_time(void) {
    int policy = sched_getscheduler(0);
    return policy == SCHED_RR || policy == (SCHED_RR | SCHED_RESET_ON_FORK);
}

static uint64_t cpu_us(void) {
    struct timespec t;
    (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (uint64_t)t.tv_sec * AURA_US_PER_S + (uint64_t)t.tv_nsec / 1000;
}

/* A thread that has slept begins anew. */
static void rest(void) {
    const struct timespec pause = {.tv_nsec = 100000};
    (void)nanosleep(&pause, NULL);
}

/* Whoever runs the tests need not have the right to real-time threads. */
static struct aura_urgent *begin(struct aura_clock_manual *clock) {
    struct aura_urgent *u = NULL;
    aura_clock_manual_init(clock, AURA_US_PER_S, 0);
    int err = aura_urgent_new(&u, 1, &clock->clock);
    assert_true(err == 0 || err == AURA_EUNSUPPORTED || err == AURA_ENOMEM);
    if (err == AURA_EUNSUPPORTED) {
        print_message("not allowed here\n");
    }
    return u;
}

static int threads_are_urgent_while_the_budget_lasts(void) {
    struct aura_clock_manual clock;
    struct aura_urgent_thread t;
    struct aura_urgent *u = begin(&clock), *second = NULL;
    if (!u) {
        aura_urgent_join(NULL, &t); /* and nothing of it does anything */
        aura_urgent_turn(NULL, &t);
        aura_urgent_leave(NULL, &t);
        assert_false(is_real_time());
        return 0;
    }
    assert_int_equal(aura_urgent_new(&second, 1, &clock.clock), AURA_EUNSUPPORTED);
    assert_false(is_real_time());
    aura_urgent_join(u, &t);
    assert_true(is_real_time());
    /* In pieces: none of them is too long by itself. */
    uint64_t since_us = cpu_us();
    while (is_real_time() && cpu_us() < since_us + AURA_US_PER_S) {
        uint64_t piece_us = cpu_us();
        while (cpu_us() < piece_us + 1000) {
        }
        rest();
        aura_urgent_turn(u, &t);
    }
    assert_false(is_real_time());
    assert_true(cpu_us() - since_us >=
                AURA_URGENT_WINDOW_US * AURA_URGENT_PERCENT / 100 - 1000); /* of one core */
    aura_urgent_turn(u, &t);
    assert_false(is_real_time());
    aura_clock_manual_advance(&clock, AURA_URGENT_WINDOW_US);
    aura_urgent_turn(u, &t);
    assert_true(is_real_time());
    aura_urgent_leave(u, &t);
    assert_false(is_real_time());
    aura_urgent_free(u);
    return 0;
}

static int what_takes_too_long_is_stopped(void) {
    struct rlimit before, after;
    struct aura_clock_manual clock;
    struct aura_urgent_thread t;
    assert_int_equal(getrlimit(RLIMIT_RTTIME, &before), 0);
    struct aura_urgent *u = begin(&clock);
    if (!u) {
        return 0;
    }
    aura_urgent_join(u, &t);
    rest();
    uint64_t since_us = cpu_us();
    while (is_real_time() && cpu_us() < since_us + 10 * AURA_US_PER_S) {
    }
    assert_false(is_real_time()); /* by the signal, for nobody called turn() */
    assert_true(cpu_us() - since_us >= AURA_URGENT_AT_ONCE_US / 10); /* the kernel counts ticks */
    aura_urgent_turn(u, &t);
    assert_false(is_real_time()); /* nor at once again */
    assert_int_equal(getrlimit(RLIMIT_RTTIME, &after), 0);
    assert_int_equal(after.rlim_cur, AURA_URGENT_AT_ONCE_US); /* the kernel had made it longer */
    rest();
    aura_clock_manual_advance(&clock, AURA_URGENT_WINDOW_US);
    aura_urgent_turn(u, &t); /* a later frame has its chance */
    assert_true(is_real_time());
    aura_urgent_leave(u, &t);
    aura_urgent_free(u);
    assert_int_equal(getrlimit(RLIMIT_RTTIME, &after), 0);
    assert_int_equal(after.rlim_cur, before.rlim_cur);
    return 0;
}

int main(void) {
    const struct CMUnitTest cases[] = {
        AURA_PLAIN(a_window_has_a_budget),
        AURA_PLAIN(threads_are_urgent_while_the_budget_lasts),
        AURA_PLAIN(what_takes_too_long_is_stopped),
    };
    return RUN_CASES("urgent", cases);
}
