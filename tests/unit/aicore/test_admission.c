/* SPDX-License-Identifier: Apache-2.0 */
#include "aicore/admission.h"
#include "harness.h"

#include <stdio.h>

static const struct aura_admission_conf two_threads = {.threads = 2, .opens_per_s = 10};

static int time_is_promised_once(void) {
    struct aura_clock_manual clock;
    struct aura_admission *a = NULL;
    uint32_t streams;
    float load;
    aura_clock_manual_init(&clock, 1000000, 0);
    TRY(aura_admission_new(&a, &two_threads, &clock.clock));
    float share = aura_admission_expect(a, 1280, 720, 30);
    assert_true(share > 0.2F && share < 0.3F); /* about 8 ms of 33 */
    int let_in = 0;
    while (let_in < 100 && aura_admission_enter(a, share) == 0) {
        let_in++;
    }
    assert_int_equal(let_in, 6); /* of 1.6 threads */
    aura_admission_leave(a, share);
    assert_int_equal(aura_admission_enter(a, share), 0);
    aura_admission_load(a, &streams, &load);
    assert_int_equal(streams, 6);
    assert_true(load > 0.7F && load <= 0.8F);
    for (int i = 0; i < 3; i++) { /* they turn out to be cheap */
        aura_admission_change(a, share, share / 4);
    }
    assert_int_equal(aura_admission_enter(a, share), 0);
    aura_admission_free(a);
    /* One is let in however large it is. */
    a = NULL;
    TRY(aura_admission_new(&a, &two_threads, &clock.clock));
    assert_int_equal(aura_admission_enter(a, 5), 0);
    assert_int_equal(aura_admission_enter(a, 0.01F), AURA_ELIMIT);
    aura_admission_free(a);
    return 0;
}

static int it_learns_what_frames_cost(void) {
    struct aura_clock_manual clock;
    struct aura_admission *a = NULL;
    aura_clock_manual_init(&clock, 1000000, 0);
    TRY(aura_admission_new(&a, &two_threads, &clock.clock));
    for (int i = 0; i < 3000; i++) {
        aura_admission_learn(a, 640, 360, 8000);
    }
    float share = aura_admission_expect(a, 640, 360, 30);
    assert_true(share > 0.23F && share < 0.25F);
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
    aura_clock_manual_init(&clock, 1000000, 0);
    TRY(aura_admission_new(&a, &two_threads, &clock.clock));
    for (int i = 0; i < 3; i++) {
        assert_int_equal(aura_admission_enter(a, 0.5F), 0);
    }
    assert_true(aura_admission_shed(a));
    assert_false(aura_admission_shed(a));
    aura_admission_leave(a, 0.5F);
    aura_clock_manual_advance(&clock, 200000);
    assert_false(aura_admission_shed(a));
    aura_clock_manual_advance(&clock, 200000);
    assert_true(aura_admission_shed(a));
    aura_admission_leave(a, 0.5F);
    aura_clock_manual_advance(&clock, AURA_US_PER_S);
    assert_false(aura_admission_shed(a));
    aura_admission_free(a);
    return 0;
}

int main(void) {
    const struct CMUnitTest cases[] = {
        AURA_CASE(time_is_promised_once),
        AURA_CASE(it_learns_what_frames_cost),
        AURA_CASE(one_goes_so_that_the_others_stay),
        AURA_CASE(clients_are_slowed_down_alone),
    };
    return RUN_CASES("admission", cases);
}
