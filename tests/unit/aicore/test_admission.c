/* SPDX-License-Identifier: Apache-2.0 */
#include "aicore/admission.h"
#include "harness.h"

#include <stdio.h>

static const struct aura_admission_conf two_threads = {.threads = 2, .opens_per_s = 10};

static int fill_up(struct aura_admission *a, const struct aura_promise *p) {
    int let_in = 0;
    while (let_in < 100 && aura_admission_enter(a, p) == 0) {
        let_in++;
    }
    return let_in;
}

static int time_is_promised_once(void) {
    struct aura_clock_manual clock;
    struct aura_admission *a = NULL;
    uint32_t streams;
    float load;
    aura_clock_manual_init(&clock, 1000000, 0);
    TRY(aura_admission_new(&a, &two_threads, &clock.clock));
    const struct aura_promise quarter = {.share = 0.25F}, cheap = {.share = 0.06F};
    assert_int_equal(fill_up(a, &quarter), 6); /* of 1.6 threads */
    aura_admission_leave(a, &quarter);
    assert_int_equal(aura_admission_enter(a, &quarter), 0);
    aura_admission_load(a, &streams, &load);
    assert_int_equal(streams, 6);
    assert_true(load > 0.7F && load <= 0.8F);
    for (int i = 0; i < 3; i++) { /* they turn out to be cheap */
        aura_admission_change(a, &quarter, &cheap);
    }
    assert_int_equal(aura_admission_enter(a, &quarter), 0);
    aura_admission_free(a);
    /* One is let in however large it is. */
    a = NULL;
    TRY(aura_admission_new(&a, &two_threads, &clock.clock));
    const struct aura_promise large = {.share = 5, .answer_us = 60000}, small = {.share = 0.01F};
    assert_int_equal(aura_admission_enter(a, &large), 0);
    assert_int_equal(aura_admission_enter(a, &small), AURA_ELIMIT);
    aura_admission_free(a);
    return 0;
}

/* Though the threads had time for more: frames that come at once must not wait for each other too
 * long. */
static int answers_are_on_time_even_if_frames_come_at_once(void) {
    struct aura_clock_manual clock;
    struct aura_admission *a = NULL;
    aura_clock_manual_init(&clock, 1000000, 0);
    TRY(aura_admission_new(&a, &two_threads, &clock.clock));
    const struct aura_promise slow = {.share = 0.3F, .answer_us = 11000},
                              fast = {.share = 0.1F, .answer_us = 4000}, patient = {.share = 0.1F};
    assert_int_equal(fill_up(a, &slow), 2); /* a thread each */
    assert_int_equal(aura_admission_enter(a, &fast), AURA_ELIMIT);
    assert_int_equal(aura_admission_enter(a, &patient), 0); /* nobody waits for its answers */
    for (int i = 0; i < 2; i++) {
        aura_admission_leave(a, &slow);
    }
    aura_admission_leave(a, &patient);
    int fast_ones = fill_up(a, &fast);
    assert_int_equal(fast_ones, 5); /* the fifth: (4 × 4 / 2 + 4) × 1.3 + 2 < 20 */
    assert_int_equal(aura_admission_enter(a, &slow), AURA_ELIMIT);
    aura_admission_free(a);
    return 0;
}

static int it_learns_what_frames_cost(void) {
    struct aura_clock_manual clock;
    struct aura_admission *a = NULL;
    aura_clock_manual_init(&clock, 1000000, 0);
    TRY(aura_admission_new(&a, &two_threads, &clock.clock));
    struct aura_promise p = aura_admission_expect(a, 1280, 720, 30);
    assert_true(p.share > 0.3F && p.share < 0.4F); /* about 12 ms of 33 */
    assert_true(p.answer_us > 8000 && p.answer_us < 8600);
    for (int i = 0; i < 3000; i++) {
        aura_admission_learn(a, 640, 360, 8000, 5000);
    }
    p = aura_admission_expect(a, 640, 360, 30);
    assert_true(p.share > 0.23F && p.share < 0.25F);
    assert_true(p.answer_us > 4900 && p.answer_us < 5100);
    /* Tiny pictures, as spoilt frames may say they are, and a single wild one teach nothing. */
    for (int i = 0; i < 1000; i++) {
        aura_admission_learn(a, 16, 16, 5000, 5000);
    }
    aura_admission_learn(a, 1280, 720, 10000000, 10000000);
    struct aura_promise after = aura_admission_expect(a, 640, 360, 30);
    assert_true(after.share < p.share * 1.02F && after.answer_us < p.answer_us * 1.02F);
    aura_admission_free(a);
    return 0;
}

static int clients_are_slowed_down_alone(void) {
    struct aura_clock_manual clock;
    struct aura_admission *a = NULL;
    int err = 0, opened = 0;
    aura_clock_manual_init(&clock, 1000000, 0);
    TRY_OUT(aura_admission_new(&a, &two_threads, &clock.clock));
    bool first = aura_admission_may_open(a, "ipv4:10.0.0.1:1000");
    if (!first) {
        err = AURA_ENOMEM; /* the only reason */
        goto out;
    }
    for (int port = 1001; port < 1100; port++) {
        char peer[32];
        snprintf(peer, sizeof(peer), "ipv4:10.0.0.1:%d", port);
        opened += aura_admission_may_open(a, peer);
    }
    assert_int_equal(opened, 19); /* two seconds' worth at once */
    if (!aura_admission_may_open(a, "ipv4:10.0.0.2:1000")) {
        err = AURA_ENOMEM;
        goto out;
    }
    aura_clock_manual_advance(&clock, AURA_US_PER_S);
    for (opened = 0; aura_admission_may_open(a, "ipv4:10.0.0.1:7"); opened++) {
    }
    assert_int_equal(opened, 10);
    for (int i = 0; i < 2 * AURA_ADMISSION_CLIENTS_MAX; i++) { /* does not grow without end */
        char peer[32];
        snprintf(peer, sizeof(peer), "ipv4:10.1.%d.%d:1", i / 256, i % 256);
        (void)aura_admission_may_open(a, peer);
    }
out:
    aura_admission_free(a);
    return err;
}

/* Too much was promised: streams go one after the other, with time between, and never the last. */
static int one_goes_so_that_the_others_stay(void) {
    struct aura_clock_manual clock;
    struct aura_admission *a = NULL;
    const struct aura_promise half = {.share = 0.4F, .answer_us = 3000};
    aura_clock_manual_init(&clock, 1000000, 0);
    TRY(aura_admission_new(&a, &two_threads, &clock.clock));
    for (int i = 0; i < 4; i++) {
        assert_int_equal(aura_admission_enter(a, &half), 0);
    }
    assert_true(aura_admission_shed(a, true));
    assert_false(aura_admission_shed(a, true));
    aura_admission_leave(a, &half);
    aura_clock_manual_advance(&clock, 200000);
    assert_false(aura_admission_shed(a, true));
    aura_clock_manual_advance(&clock, 200000);
    assert_true(aura_admission_shed(a, true));
    aura_admission_leave(a, &half);
    aura_clock_manual_advance(&clock, AURA_US_PER_S);
    assert_false(aura_admission_shed(a, false)); /* frames that are only late have time */
    aura_clock_manual_advance(&clock, 5 * AURA_US_PER_S);
    assert_true(aura_admission_shed(a, false));
    aura_admission_leave(a, &half);
    aura_clock_manual_advance(&clock, 60 * AURA_US_PER_S);
    assert_false(aura_admission_shed(a, true));
    aura_admission_free(a);
    return 0;
}

int main(void) {
    const struct CMUnitTest cases[] = {
        AURA_CASE(time_is_promised_once),
        AURA_CASE(answers_are_on_time_even_if_frames_come_at_once),
        AURA_CASE(it_learns_what_frames_cost),
        AURA_CASE(one_goes_so_that_the_others_stay),
        AURA_CASE(clients_are_slowed_down_alone),
    };
    return RUN_CASES("admission", cases);
}
