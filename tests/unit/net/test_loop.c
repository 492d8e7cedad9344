/* SPDX-License-Identifier: Apache-2.0 */
#include "harness.h"

#include "net/loop.h"

#include <poll.h>
#include <pthread.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

struct notes {
    char text[64];
};

static void note(struct notes *n, const char *what) {
    strncat(n->text, what, sizeof(n->text) - strlen(n->text) - 1);
}

struct named {
    struct notes *notes;
    const char *name;
};

static void on_named(void *arg) {
    struct named *n = arg;
    note(n->notes, n->name);
}

static int timers_in_order(void) {
    struct aura_clock_manual clock;
    struct aura_loop *loop = NULL;
    struct notes notes = {0};
    struct aura_timer timers[4] = {0};
    struct named named[4] = {{&notes, "a"}, {&notes, "b"}, {&notes, "c"}, {&notes, "d"}};
    static const uint64_t due_us[4] = {300, 100, 200, 100};
    int err = 0;
    aura_clock_manual_init(&clock, 1, 1);
    TRY(aura_loop_new(&loop, &clock.clock));
    for (size_t i = 0; i < 4; i++) {
        TRY_OUT(
            aura_timer_start(aura_loop_timers(loop), &timers[i], due_us[i], on_named, &named[i]));
    }
    TRY_OUT(aura_loop_run_once(loop, 0));
    assert_string_equal(notes.text, "");
    aura_clock_manual_advance(&clock, 250);
    TRY_OUT(aura_loop_run_once(loop, UINT64_MAX));
    assert_string_equal(notes.text, "bdc"); /* equal due times in the order of starting */
    assert_int_equal(aura_loop_now_us(loop), 251);
    aura_clock_manual_advance(&clock, 50);
    TRY_OUT(aura_loop_run_once(loop, UINT64_MAX));
    assert_string_equal(notes.text, "bdca");
out:
    aura_loop_free(loop);
    return err;
}

static int posts_in_order(void) {
    struct aura_loop *loop = NULL;
    struct notes notes = {0};
    struct named a = {&notes, "a"}, b = {&notes, "b"}, end = {&notes, "."};
    struct aura_loop_stats stats;
    TRY(aura_loop_new(&loop, aura_clock_system()));
    aura_loop_set_turn_end(loop, on_named, &end);
    assert_int_equal(aura_loop_run_once(loop, 0), 0);
    assert_string_equal(notes.text, ""); /* nothing ran: no end of turn */
    assert_int_equal(aura_loop_post(loop, on_named, &a), 0);
    assert_int_equal(aura_loop_post(loop, on_named, &b), 0);
    assert_int_equal(aura_loop_run_once(loop, UINT64_MAX), 0);
    assert_string_equal(notes.text, "ab.");
    aura_loop_stats(loop, &stats, true);
    assert_int_equal(stats.turns, 2);
    assert_int_equal(stats.posts, 2);
    assert_int_equal(stats.posts_refused, 0);
    aura_loop_free(loop);
    return 0;
}

static void do_nothing(void *arg) {
    (void)arg;
}

static int posts_have_a_ceiling(void) {
    struct aura_loop *loop = NULL;
    struct aura_loop_stats stats;
    TRY(aura_loop_new(&loop, aura_clock_system()));
    for (int i = 0; i < AURA_LOOP_POSTS_MAX; i++) {
        assert_int_equal(aura_loop_post(loop, do_nothing, NULL), 0);
    }
    assert_int_equal(aura_loop_post(loop, do_nothing, NULL), AURA_EAGAIN);
    aura_loop_stats(loop, &stats, false);
    assert_int_equal(stats.posts_refused, 1);
    while (stats.posts < AURA_LOOP_POSTS_MAX) { /* in more than one turn */
        assert_int_equal(aura_loop_run_once(loop, 1000000), 0);
        aura_loop_stats(loop, &stats, false);
    }
    assert_true(stats.turns > 1);
    aura_loop_free(loop);
    return 0;
}

struct reposting {
    struct aura_loop *loop;
    struct aura_task task;
    int runs;
};

static void on_task(void *arg) {
    struct reposting *r = arg;
    if (++r->runs == 2) {
        aura_loop_post_task(r->loop, &r->task, on_task, r);
    }
}

static int tasks_run_once_for_many_posts(void) {
    struct reposting r = {0};
    TRY(aura_loop_new(&r.loop, aura_clock_system()));
    for (int i = 0; i < 3; i++) {
        aura_loop_post_task(r.loop, &r.task, on_task, &r);
    }
    assert_int_equal(aura_loop_run_once(r.loop, UINT64_MAX), 0);
    assert_int_equal(r.runs, 1);
    aura_loop_post_task(r.loop, &r.task, on_task, &r);
    assert_int_equal(aura_loop_run_once(r.loop, UINT64_MAX), 0);
    assert_int_equal(r.runs, 2); /* it posted itself again */
    assert_int_equal(aura_loop_run_once(r.loop, UINT64_MAX), 0);
    assert_int_equal(r.runs, 3);
    assert_int_equal(aura_loop_run_once(r.loop, 0), 0);
    assert_int_equal(r.runs, 3);
    aura_loop_free(r.loop);
    return 0;
}

struct pair {
    int fds[2];
    struct aura_watch watch;
    struct pair *victim;
    unsigned events;
    int calls;
};

static void on_pair(void *arg, struct aura_watch *watch, unsigned events) {
    struct pair *p = arg;
    assert_ptr_equal(watch, &p->watch);
    p->calls++;
    p->events = events;
    if (p->victim) {
        aura_loop_remove_fd(&p->victim->watch);
    }
}

/* Both are ready in one turn; whoever runs first removes the other. */
static int removal_inside_a_callback(void) {
    struct aura_loop *loop = NULL;
    struct pair p[2] = {0};
    int err = 0;
    TRY(aura_loop_new(&loop, aura_clock_system()));
    for (int i = 0; i < 2; i++) {
        assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, p[i].fds), 0);
        assert_int_equal(write(p[i].fds[1], "x", 1), 1);
        p[i].victim = &p[1 - i];
        TRY_OUT(aura_loop_add_fd(loop, &p[i].watch, p[i].fds[0], AURA_LOOP_READ, on_pair, &p[i]));
    }
    TRY_OUT(aura_loop_run_once(loop, UINT64_MAX));
    assert_int_equal(p[0].calls + p[1].calls, 1);
    int left = p[0].calls ? 0 : 1;
    assert_null(p[1 - left].watch.loop);
    p[left].victim = &p[left]; /* and then itself */
    TRY_OUT(aura_loop_run_once(loop, UINT64_MAX));
    TRY_OUT(aura_loop_run_once(loop, 0));
    assert_int_equal(p[left].calls, 2);
out:
    aura_loop_free(loop);
    for (int i = 0; i < 2; i++) {
        close(p[i].fds[0]);
        close(p[i].fds[1]);
    }
    return err;
}

static int events_and_hangup(void) {
    struct aura_loop *loop = NULL;
    struct pair p = {0};
    struct aura_watch second = {0};
    int err = 0;
    TRY(aura_loop_new(&loop, aura_clock_system()));
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, p.fds), 0);
    TRY_OUT(aura_loop_add_fd(loop, &p.watch, p.fds[0], AURA_LOOP_READ, on_pair, &p));
    assert_int_equal(aura_loop_add_fd(loop, &p.watch, p.fds[0], AURA_LOOP_READ, on_pair, &p),
                     AURA_EEXISTS);
    assert_int_equal(aura_loop_add_fd(loop, &second, p.fds[0], AURA_LOOP_READ, on_pair, &p),
                     AURA_EEXISTS);
    TRY_OUT(aura_loop_run_once(loop, 0));
    assert_int_equal(p.calls, 0);
    TRY_OUT(aura_loop_mod_fd(&p.watch, AURA_LOOP_READ | AURA_LOOP_WRITE));
    TRY_OUT(aura_loop_run_once(loop, 0));
    assert_int_equal(p.events, AURA_LOOP_WRITE);
    TRY_OUT(aura_loop_mod_fd(&p.watch, AURA_LOOP_READ));
    shutdown(p.fds[1], SHUT_WR);
    TRY_OUT(aura_loop_run_once(loop, 0));
    assert_int_equal(p.events, AURA_LOOP_READ | AURA_LOOP_HANGUP);
out:
    aura_loop_free(loop);
    close(p.fds[0]);
    close(p.fds[1]);
    return err;
}

static bool fd_readable(int fd, int wait_ms) {
    struct pollfd p = {.fd = fd, .events = POLLIN};
    return poll(&p, 1, wait_ms) == 1;
}

/* The outer loop is poll(): whatever is due must make the inner loop's fd readable. */
static int nested_in_another_loop(void) {
    struct aura_loop *loop = NULL;
    struct notes notes = {0};
    struct named late = {&notes, "l"}, early = {&notes, "e"}, post = {&notes, "p"};
    struct aura_timer timers[2] = {0};
    int err = 0;
    TRY(aura_loop_new(&loop, aura_clock_system()));
    int fd = aura_loop_fd(loop);
    assert_true(fd >= 0);
    assert_int_equal(aura_loop_fd(loop), fd);
    assert_false(fd_readable(fd, 0));
    TRY_OUT(
        aura_timer_start(aura_loop_timers(loop), &timers[0], 60 * AURA_US_PER_S, on_named, &late));
    assert_false(fd_readable(fd, 0));
    /* Started outside of a turn and before the other one: must be seen at once. */
    TRY_OUT(aura_timer_start(aura_loop_timers(loop), &timers[1], 1000, on_named, &early));
    while (!strchr(notes.text, 'e')) {
        assert_true(fd_readable(fd, 10000));
        TRY_OUT(aura_loop_run_once(loop, 0));
    }
    assert_string_equal(notes.text, "e");
    TRY_OUT(aura_loop_run_once(loop, 0));
    assert_false(fd_readable(fd, 0));
    assert_int_equal(aura_loop_post(loop, on_named, &post), 0);
    assert_true(fd_readable(fd, 0));
    TRY_OUT(aura_loop_run_once(loop, 0));
    assert_string_equal(notes.text, "ep");
    assert_false(fd_readable(fd, 0));
out:
    aura_loop_free(loop);
    return err;
}

enum { POSTS = 5000 };

struct poster {
    struct aura_loop *loop;
    struct aura_task task;
    int ran, task_ran; /* loop thread only */
};

static void on_post(void *arg) {
    struct poster *p = arg;
    p->ran++;
}

static void on_last_task(void *arg) {
    struct poster *p = arg;
    p->task_ran++;
}

static void *post_many(void *arg) {
    struct poster *p = arg;
    for (int i = 0; i < POSTS; i++) {
        while (aura_loop_post(p->loop, on_post, p) == AURA_EAGAIN) {
            sched_yield();
        }
        aura_loop_post_task(p->loop, &p->task, on_last_task, p);
    }
    aura_loop_stop(p->loop);
    return NULL;
}

static int posts_from_another_thread(void) {
    struct poster p = {0};
    pthread_t thread;
    TRY(aura_loop_new(&p.loop, aura_clock_system()));
    assert_int_equal(pthread_create(&thread, NULL, post_many, &p), 0);
    assert_int_equal(aura_loop_run(p.loop), 0);
    pthread_join(thread, NULL);
    for (int i = 0; i < 2 * POSTS; i++) { /* what was left when it stopped */
        assert_int_equal(aura_loop_run_once(p.loop, 0), 0);
    }
    assert_int_equal(p.ran, POSTS);
    assert_in_range(p.task_ran, 1, POSTS);
    assert_int_equal(p.task.pending, 0);
    aura_loop_free(p.loop);
    return 0;
}

int main(void) {
    const struct CMUnitTest cases[] = {
        AURA_CASE(timers_in_order),           AURA_CASE(posts_in_order),
        AURA_CASE(posts_have_a_ceiling),      AURA_CASE(tasks_run_once_for_many_posts),
        AURA_CASE(removal_inside_a_callback), AURA_CASE(events_and_hangup),
        AURA_CASE(nested_in_another_loop),    AURA_PLAIN(posts_from_another_thread),
    };
    return RUN_CASES("net/loop", cases);
}
