/* SPDX-License-Identifier: Apache-2.0 */
/* Delayed leaves on a clock that stands still. What is asked of the homeserver is written down as
 * "SECONDS verb delay-id". */
#include "auraid/matrix/leave.h"
#include "harness.h"

#include <stdio.h>
#include <string.h>

struct world {
    struct aura_clock_manual clock;
    struct aura_timers *timers;
    struct aura_leaves *leaves;
    struct aura_buf log;
    uint64_t job;         /* asked last */
    bool present, broken; /* in the room; requests cannot be begun */
};

static bool is_present(void *arg, const char *room, const char *identity) {
    struct world *w = arg;
    assert_memory_equal(room, "room", 4);
    assert_string_equal(identity, "identity");
    return w->present;
}

static int act(void *arg, uint64_t job, enum aura_leave_act what, const char *url,
               const char *delay_id) {
    struct world *w = arg;
    assert_string_equal(url, "https://hs");
    uint64_t ms = w->clock.now_us / 1000;
    aura_buf_printf(&w->log, "%llu.%llu %s %s\n", (unsigned long long)ms / 1000,
                    (unsigned long long)ms % 1000 / 100,
                    what == AURA_LEAVE_SEND ? "send" : "restart", delay_id);
    w->job = job;
    return w->broken ? AURA_ELIMIT : 0;
}

static int add(struct world *w, const char *delay_id, uint32_t delay_ms) {
    struct aura_rtc_request r = {.delay_url = "https://hs", .delay_ms = delay_ms};
    memcpy(r.delay_id, delay_id, strlen(delay_id) + 1);
    return aura_leaves_add(w->leaves, "room", "identity", &r);
}

/* In steps, so that timers that timers start fire in their time. */
static void pass(struct world *w, uint64_t ms) {
    aura_timers_run(w->timers);
    for (; ms; ms -= ms < 100 ? ms : 100) {
        aura_clock_manual_advance(&w->clock, (ms < 100 ? ms : 100) * 1000);
        aura_timers_run(w->timers);
    }
}

static void told(struct world *w, const char *lines) {
    if (!w->log.err) {
        assert_string_equal(aura_buf_text(&w->log), lines);
    }
    aura_buf_clear(&w->log);
}

static struct aura_leaves_stats stats(const struct world *w) {
    struct aura_leaves_stats s;
    aura_leaves_stats(w->leaves, &s);
    return s;
}

static int play(int (*fn)(struct world *w)) {
    struct world w = {.log = AURA_BUF(100000)};
    aura_clock_manual_init(&w.clock, 1, 0);
    int err = aura_timers_new(&w.timers, &w.clock.clock);
    const struct aura_leaves_conf conf = {
        .timers = w.timers, .is_present = is_present, .act = act, .arg = &w};
    err = err ? err : aura_leaves_new(&w.leaves, &conf);
    err = err ? err : fn(&w);
    aura_leaves_free(w.leaves);
    assert_true(!w.timers || aura_timers_next_us(w.timers) == UINT64_MAX);
    aura_timers_free(w.timers);
    aura_buf_free(&w.log);
    return err;
}

#define PLAYED(name)                                                                               \
    static int name(void) {                                                                        \
        return play(run_##name);                                                                   \
    }

/* Comes after two seconds, stays for ten, goes. */
static int run_whole_life(struct world *w) {
    TRY(add(w, "d1", 5000));
    pass(w, 2000);
    told(w, "");
    w->present = true;
    pass(w, 500);
    told(w, "2.5 restart d1\n");
    aura_leaves_result(w->leaves, w->job, 200);
    pass(w, 3900);
    told(w, "");
    pass(w, 100); /* four fifths of its delay */
    told(w, "6.5 restart d1\n");
    aura_leaves_result(w->leaves, w->job, 204);
    pass(w, 4000);
    told(w, "10.5 restart d1\n");
    aura_leaves_result(w->leaves, w->job, 200);
    w->present = false;
    pass(w, 500);
    told(w, "11.0 send d1\n");
    assert_int_equal(aura_leaves_count(w->leaves), 1);
    aura_leaves_result(w->leaves, w->job, 200);
    assert_int_equal(aura_leaves_count(w->leaves), 0);
    aura_leaves_result(w->leaves, w->job, 200); /* too late is fine */
    assert_int_equal(stats(w).restarts, 3);
    assert_int_equal(stats(w).sent, 1);
    return 0;
}
PLAYED(whole_life)

static int run_nobody_comes(struct world *w) {
    TRY(add(w, "d1", 3000));
    pass(w, 2900);
    assert_int_equal(aura_leaves_count(w->leaves), 1);
    pass(w, 500);
    assert_int_equal(aura_leaves_count(w->leaves), 0);
    told(w, "");
    assert_int_equal(stats(w).given_up, 1);
    return 0;
}
PLAYED(nobody_comes)

/* A restart is under way when he goes: the send follows its answer, whatever that is. */
static int run_leaves_during_restart(struct world *w) {
    static const int answers[] = {200, 0, 500};
    for (size_t i = 0; i < 3; i++) {
        w->present = true;
        TRY(add(w, "d", 5000));
        pass(w, 0);
        aura_buf_clear(&w->log);
        w->present = false;
        pass(w, 1000);
        told(w, "");
        aura_leaves_result(w->leaves, w->job, answers[i]);
        assert_true(w->log.err || strstr(aura_buf_text(&w->log), "send d"));
        aura_leaves_result(w->leaves, w->job, 200);
        assert_int_equal(aura_leaves_count(w->leaves), 0);
        aura_buf_clear(&w->log);
    }
    return 0;
}
PLAYED(leaves_during_restart)

/* 404: sent or cancelled already. There is nothing left to do. */
static int run_unknown(struct world *w) {
    w->present = true;
    TRY(add(w, "d1", 5000));
    pass(w, 0);
    aura_leaves_result(w->leaves, w->job, 404);
    assert_int_equal(aura_leaves_count(w->leaves), 0);
    TRY(add(w, "d2", 5000));
    pass(w, 0);
    aura_leaves_result(w->leaves, w->job, 200);
    w->present = false;
    pass(w, 500);
    told(w, "0.0 restart d1\n0.0 restart d2\n0.5 send d2\n");
    aura_leaves_result(w->leaves, w->job, 404);
    assert_int_equal(aura_leaves_count(w->leaves), 0);
    assert_int_equal(stats(w).unknown, 2);
    return 0;
}
PLAYED(unknown)

/* A homeserver that is down: 1 s, then half as much again, for as long as the delay was. */
static int run_retries(struct world *w) {
    w->present = true;
    TRY(add(w, "d1", 10000));
    pass(w, 0);
    aura_leaves_result(w->leaves, w->job, 0);
    pass(w, 1000);
    aura_leaves_result(w->leaves, w->job, 503);
    pass(w, 1500);
    aura_leaves_result(w->leaves, w->job, 429);
    pass(w, 2300);
    told(w, "0.0 restart d1\n1.0 restart d1\n2.5 restart d1\n4.8 restart d1\n");
    aura_leaves_result(w->leaves, w->job, 200); /* and again from the beginning */
    w->present = false;
    pass(w, 500);
    for (int i = 0; i < 20 && aura_leaves_count(w->leaves); i++) {
        aura_leaves_result(w->leaves, w->job, 0);
        pass(w, 10000);
    }
    told(w, "5.0 send d1\n6.3 send d1\n");
    assert_int_equal(aura_leaves_count(w->leaves), 0);
    assert_int_equal(stats(w).given_up, 1);
    return 0;
}
PLAYED(retries)

/* What comes between the answers is not counted twice. */
static int run_backoff(struct world *w) {
    w->present = true;
    TRY(add(w, "d1", 3600000));
    pass(w, 0);
    for (int i = 0; i < 14; i++) {
        aura_leaves_result(w->leaves, w->job, 500);
        aura_buf_clear(&w->log);
        pass(w, 60000);
        assert_true(w->log.len > 0 || w->log.err); /* never later than a minute */
    }
    aura_leaves_result(w->leaves, w->job, 500);
    aura_buf_clear(&w->log);
    pass(w, 59000);
    told(w, "");
    pass(w, 1000);
    assert_true(w->log.len > 0 || w->log.err);
    return 0;
}
PLAYED(backoff)

static int run_broken(struct world *w) {
    w->present = true;
    w->broken = true;
    TRY(add(w, "d1", 5000));
    pass(w, 1000);
    told(w, "0.0 restart d1\n1.0 restart d1\n");
    w->present = false;
    pass(w, 20000);
    assert_int_equal(aura_leaves_count(w->leaves), 0);
    assert_int_equal(stats(w).given_up, 1);
    return 0;
}
PLAYED(broken)

/* A new one of the same participant takes the place of the first. */
static int run_replaced(struct world *w) {
    w->present = true;
    TRY(add(w, "d1", 5000));
    pass(w, 0);
    uint64_t first = w->job;
    TRY(add(w, "d2", 5000));
    assert_int_equal(aura_leaves_count(w->leaves), 1);
    aura_leaves_result(w->leaves, first, 404);
    assert_int_equal(aura_leaves_count(w->leaves), 1);
    pass(w, 0);
    told(w, "0.0 restart d1\n0.0 restart d2\n");
    return 0;
}
PLAYED(replaced)

static int run_ceiling(struct world *w) {
    struct aura_rtc_request r = {.delay_url = "https://hs", .delay_id = "d", .delay_ms = 5000};
    char room[AURA_RTC_ROOM_BYTES];
    for (int i = 0; i <= AURA_LEAVES_MAX; i++) {
        snprintf(room, sizeof(room), "room%d", i);
        int err = aura_leaves_add(w->leaves, room, "identity", &r);
        assert_int_equal(err, i < AURA_LEAVES_MAX ? 0 : AURA_ELIMIT);
    }
    assert_int_equal(aura_leaves_add(w->leaves, "room7", "identity", &r), 0); /* in its place */
    assert_int_equal(aura_leaves_count(w->leaves), AURA_LEAVES_MAX);
    return 0;
}
PLAYED(ceiling)

int main(void) {
    const struct CMUnitTest cases[] = {
        AURA_CASE(whole_life), AURA_CASE(nobody_comes), AURA_CASE(leaves_during_restart),
        AURA_CASE(unknown),    AURA_CASE(retries),      AURA_CASE(backoff),
        AURA_CASE(broken),     AURA_CASE(replaced),     AURA_PLAIN(ceiling),
    };
    return RUN_CASES("leave", cases);
}
