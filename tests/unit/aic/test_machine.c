/* SPDX-License-Identifier: Apache-2.0 */
/* The mode machine on virtual time: 30 frames a second, AI Core's delay is the test's choice. */
#include "aic/machine.h"
#include "base/clock.h"
#include "harness.h"

enum { FRAME_US = 33333, FAST_US = 8000, SLOW_US = 30000, T0 = 1000000 };

struct run {
    struct aura_aic_machine m;
    uint64_t now_us;
};

static void begin(struct run *r) {
    const struct aura_aic_machine_conf conf = {.min_vmaf = 60};
    *r = (struct run){.now_us = T0};
    aura_aic_machine_init(&r->m, &conf);
    aura_aic_machine_want(&r->m, true, r->now_us);
    aura_aic_machine_stream_up(&r->m, r->now_us);
}

static void wait_us(struct run *r, uint64_t us) {
    for (uint64_t end = r->now_us + us; r->now_us < end;) {
        uint64_t due = aura_aic_machine_due_us(&r->m);
        r->now_us = due > r->now_us && due < end ? due : end;
        aura_aic_machine_tick(&r->m, r->now_us);
    }
}

/* One frame goes to AI Core and comes back. */
static void frame(struct run *r, uint32_t delay_us, float vmaf) {
    bool key = aura_aic_machine_wants_key(&r->m, r->now_us);
    uint64_t next_us = r->now_us + FRAME_US;
    if (aura_aic_machine_sent(&r->m, r->now_us)) {
        wait_us(r, delay_us);
        (void)aura_aic_machine_answer(&r->m, key, vmaf, r->now_us);
    }
    if (r->now_us < next_us) {
        wait_us(r, next_us - r->now_us);
    }
}

static void frames(struct run *r, unsigned n, uint32_t delay_us) {
    for (unsigned i = 0; i < n; i++) {
        frame(r, delay_us, 90);
    }
}

static void activate(struct run *r) {
    begin(r);
    frames(r, 60, FAST_US);
    assert_int_equal(r->m.state, AURA_AIC_ACTIVE);
}

static int warms_before_it_takes_over(void) {
    struct run r;
    begin(&r);
    uint64_t first_us = 0;
    for (int i = 0; i < 90 && !first_us; i++) {
        assert_int_equal(aura_aic_machine_shows_aic(&r.m), false);
        frame(&r, FAST_US, 90);
        first_us = r.m.state == AURA_AIC_ACTIVE ? r.m.since_us : 0;
    }
    assert_true(first_us >= T0 + 1500000 && first_us < T0 + 1700000);
    assert_true(aura_aic_machine_shows_aic(&r.m));
    /* One that is late now and then does not get warm. */
    begin(&r);
    for (int i = 0; i < 300; i++) {
        frame(&r, i % 40 == 39 ? SLOW_US : FAST_US, 90);
    }
    assert_int_equal(r.m.state, AURA_AIC_WARMING);
    assert_false(aura_aic_machine_take_pli(&r.m));
    return 0;
}

/* It is more work than other frames; those behind it need not be key frames too. */
static int its_first_key_frame_may_be_late(void) {
    struct run r;
    unsigned keys = 0;
    begin(&r);
    for (int i = 0; i < 60; i++) {
        bool key = aura_aic_machine_wants_key(&r.m, r.now_us);
        keys += key;
        frame(&r, key ? SLOW_US : FAST_US, 90);
    }
    assert_int_equal(r.m.state, AURA_AIC_ACTIVE);
    assert_int_equal(r.m.late, 1);
    assert_int_equal(keys, 1);
    begin(&r);
    while (!aura_aic_machine_wants_key(&r.m, r.now_us)) {
        frame(&r, FAST_US, 90);
    }
    assert_true(aura_aic_machine_sent(&r.m, r.now_us)); /* the key frame … */
    assert_false(aura_aic_machine_wants_key(&r.m, r.now_us));
    assert_true(aura_aic_machine_sent(&r.m, r.now_us)); /* … and one behind it */
    (void)aura_aic_machine_answer(&r.m, false, 90, r.now_us);
    assert_true(aura_aic_machine_wants_key(&r.m, r.now_us)); /* it was none */
    assert_int_equal(r.m.state, AURA_AIC_WARMING);
    return 0;
}

static int late_frames_end_it(void) {
    struct run r;
    activate(&r);
    frames(&r, 2, SLOW_US);
    frames(&r, 40, FAST_US);
    assert_int_equal(r.m.state, AURA_AIC_ACTIVE);
    frames(&r, 3, SLOW_US);
    assert_int_equal(r.m.state, AURA_AIC_FALLBACK);
    assert_int_equal(r.m.reason, AURA_AIC_LATE);
    activate(&r); /* every sixth */
    for (int i = 0; i < 30 && r.m.state == AURA_AIC_ACTIVE; i++) {
        frame(&r, i % 6 == 5 ? SLOW_US : FAST_US, 90);
    }
    assert_int_equal(r.m.state, AURA_AIC_FALLBACK);
    activate(&r); /* one in a second is no reason */
    for (int i = 0; i < 300; i++) {
        frame(&r, i % 30 == 29 ? SLOW_US : FAST_US, 90);
    }
    assert_int_equal(r.m.state, AURA_AIC_ACTIVE);
    assert_int_equal(r.m.late, 10);
    return 0;
}

static int silence_ends_it(void) {
    struct run r;
    activate(&r);
    uint64_t asked_us = r.now_us;
    assert_true(aura_aic_machine_sent(&r.m, r.now_us));
    wait_us(&r, 99000);
    assert_int_equal(r.m.state, AURA_AIC_ACTIVE);
    wait_us(&r, 2000);
    assert_int_equal(r.m.state, AURA_AIC_FALLBACK);
    assert_int_equal(r.m.reason, AURA_AIC_SILENT);
    assert_int_equal(r.m.since_us, asked_us + 100000);
    assert_false(aura_aic_machine_sent(&r.m, r.now_us));
    /* What comes after all is of no use any more. */
    assert_int_equal(aura_aic_machine_answer(&r.m, true, 90, r.now_us), UINT32_MAX);
    assert_int_equal(r.m.state, AURA_AIC_FALLBACK);
    return 0;
}

/* Key frames, connections and memory take their time: nobody sees it, and nobody begins again. */
static int fresh_streams_may_be_late(void) {
    struct run r;
    begin(&r);
    frames(&r, 6, 150000);
    assert_int_equal(r.m.state, AURA_AIC_WARMING);
    assert_int_equal(r.m.late, 6);
    assert_false(aura_aic_machine_shows_aic(&r.m));
    uint64_t on_time_us = r.now_us;
    frames(&r, 60, FAST_US);
    assert_int_equal(r.m.state, AURA_AIC_ACTIVE);
    assert_true(r.m.since_us >= on_time_us + 1500000); /* not a frame earlier for that */
    frames(&r, 3, SLOW_US);                            /* what is seen has no such time */
    assert_int_equal(r.m.state, AURA_AIC_FALLBACK);
    begin(&r); /* a second, not more */
    frames(&r, 28, SLOW_US);
    assert_int_equal(r.m.state, AURA_AIC_WARMING);
    frames(&r, 5, SLOW_US);
    assert_int_equal(r.m.state, AURA_AIC_FALLBACK);
    assert_int_equal(r.m.reason, AURA_AIC_LATE);
    begin(&r); /* nor does it wait for an answer for longer */
    assert_true(aura_aic_machine_sent(&r.m, r.now_us));
    wait_us(&r, 999000);
    assert_int_equal(r.m.state, AURA_AIC_WARMING);
    wait_us(&r, 2000);
    assert_int_equal(r.m.reason, AURA_AIC_SILENT);
    assert_int_equal(r.m.since_us, T0 + 1000000);
    return 0;
}

static int broken_streams_and_bad_quality_end_it(void) {
    static const enum aura_aic_reason reasons[] = {AURA_AIC_BROKEN, AURA_AIC_REFUSED,
                                                   AURA_AIC_DRAINING};
    struct run r;
    for (size_t i = 0; i < 3; i++) {
        activate(&r);
        aura_aic_machine_stream_down(&r.m, reasons[i], r.now_us);
        assert_int_equal(r.m.state, AURA_AIC_FALLBACK);
        assert_int_equal(r.m.reason, reasons[i]);
        assert_int_equal(r.m.fallbacks[reasons[i]], 1);
    }
    activate(&r);
    frame(&r, FAST_US, 59);
    assert_int_equal(r.m.reason, AURA_AIC_QUALITY);
    assert_int_equal(r.m.state, AURA_AIC_FALLBACK);
    begin(&r); /* nor does it begin with that, or ask for key frame after key frame */
    unsigned keys = 0;
    for (int i = 0; i < 200; i++) {
        keys += aura_aic_machine_wants_key(&r.m, r.now_us);
        frame(&r, FAST_US, 50);
        assert_int_not_equal(r.m.state, AURA_AIC_ACTIVE);
    }
    assert_int_equal(r.m.reason, AURA_AIC_QUALITY);
    assert_in_range(keys, 1, 3);
    activate(&r);
    frame(&r, FAST_US, -1); /* unknown is not bad */
    assert_int_equal(r.m.state, AURA_AIC_ACTIVE);
    return 0;
}

static int holds_until_the_native_key_frame(void) {
    struct run r;
    activate(&r);
    aura_aic_machine_stream_down(&r.m, AURA_AIC_BROKEN, r.now_us);
    assert_true(aura_aic_machine_take_pli(&r.m));
    assert_false(aura_aic_machine_take_pli(&r.m));
    assert_true(aura_aic_machine_shows_aic(&r.m));
    wait_us(&r, 50000);
    aura_aic_machine_native_key(&r.m, r.now_us);
    assert_false(aura_aic_machine_shows_aic(&r.m));
    /* From warming there is nothing to hold and nobody to ask. */
    begin(&r);
    frames(&r, 10, FAST_US);
    aura_aic_machine_stream_down(&r.m, AURA_AIC_BROKEN, r.now_us);
    assert_false(aura_aic_machine_take_pli(&r.m));
    assert_false(aura_aic_machine_shows_aic(&r.m));
    return 0;
}

/* How long it stays away when AI Core goes as soon as it is back. */
static uint64_t away_us(struct run *r) {
    uint64_t gone_us = r->now_us;
    aura_aic_machine_stream_down(&r->m, AURA_AIC_BROKEN, r->now_us);
    while (r->m.state == AURA_AIC_FALLBACK) {
        wait_us(r, 1000);
    }
    uint64_t away = r->now_us - gone_us;
    aura_aic_machine_stream_up(&r->m, r->now_us);
    frames(r, 60, FAST_US);
    assert_int_equal(r->m.state, AURA_AIC_ACTIVE);
    return away;
}

static int backs_off(void) {
    static const unsigned seconds[] = {2, 4, 8, 16, 32, 60, 60};
    struct run r;
    activate(&r);
    for (size_t i = 0; i < sizeof(seconds) / sizeof(*seconds); i++) {
        assert_int_equal(away_us(&r) / AURA_US_PER_S, seconds[i]);
    }
    frames(&r, 30 * 62, FAST_US);
    assert_int_equal(away_us(&r) / AURA_US_PER_S, 2);
    return 0;
}

static int off_is_off(void) {
    struct run r;
    activate(&r);
    aura_aic_machine_want(&r.m, false, r.now_us);
    assert_int_equal(r.m.state, AURA_AIC_OFF);
    assert_true(aura_aic_machine_take_pli(&r.m));
    assert_false(aura_aic_machine_sent(&r.m, r.now_us));
    assert_false(aura_aic_machine_feeds(&r.m));
    aura_aic_machine_native_key(&r.m, r.now_us);
    assert_false(aura_aic_machine_shows_aic(&r.m));
    wait_us(&r, 100 * AURA_US_PER_S);
    assert_int_equal(r.m.state, AURA_AIC_OFF);
    aura_aic_machine_want(&r.m, true, r.now_us);
    frames(&r, 60, FAST_US);
    assert_int_equal(r.m.state, AURA_AIC_ACTIVE);
    assert_string_equal(aura_aic_state_name(r.m.state), "active");
    assert_string_equal(aura_aic_reason_name(AURA_AIC_SILENT), "silent");
    return 0;
}

static int too_many_frames_are_not_sent(void) {
    struct run r;
    activate(&r);
    for (int i = 0; i < AURA_AIC_WAITING_MAX; i++) {
        assert_true(aura_aic_machine_sent(&r.m, r.now_us));
    }
    assert_false(aura_aic_machine_sent(&r.m, r.now_us));
    assert_int_equal(r.m.state, AURA_AIC_FALLBACK);
    assert_int_equal(r.m.reason, AURA_AIC_LATE);
    return 0;
}

int main(void) {
    const struct CMUnitTest cases[] = {
        AURA_CASE(warms_before_it_takes_over),
        AURA_CASE(its_first_key_frame_may_be_late),
        AURA_CASE(late_frames_end_it),
        AURA_CASE(silence_ends_it),
        AURA_CASE(fresh_streams_may_be_late),
        AURA_CASE(broken_streams_and_bad_quality_end_it),
        AURA_CASE(holds_until_the_native_key_frame),
        AURA_CASE(backs_off),
        AURA_CASE(off_is_off),
        AURA_CASE(too_many_frames_are_not_sent),
    };
    return RUN_CASES("machine", cases);
}
