/* SPDX-License-Identifier: Apache-2.0 */
#include "harness.h"

#include "base/clock.h"
#include "cc/alloc.h"

#include <string.h>

enum { KBPS = 1000 };

/* Three streams of three temporal layers each, about as browsers send them. */
static struct aura_alloc_track camera(void) {
    struct aura_alloc_track a = {.max_spatial = 2, .max_temporal = 3};
    static const uint32_t kbps[3][3] = {{80, 110, 150}, {260, 380, 500}, {900, 1300, 1700}};
    for (int s = 0; s < 3; s++) {
        for (int t = 0; t < 4; t++) {
            a.bps[s][t] = kbps[s][t < 3 ? t : 2] * KBPS;
        }
    }
    return a;
}

static struct aura_alloc_result run(struct aura_alloc_track **list, size_t n, uint32_t kbps,
                                    uint64_t ms) {
    struct aura_alloc_result out;
    aura_alloc(list, n, kbps * KBPS, kbps * KBPS, ms * AURA_US_PER_MS + 1, &out);
    return out;
}

static void check_layer(const struct aura_alloc_track *a, int s, int t, enum aura_alloc_why why) {
    assert_int_equal(a->spatial, s);
    if (t >= 0) {
        assert_int_equal(a->temporal, t);
    }
    assert_int_equal(a->why, why);
}

static int everything_fits_where_nothing_is_known(void) {
    struct aura_alloc_track a = camera(), b = camera(), *list[] = {&a, &b};
    struct aura_alloc_result out;
    b.max_spatial = 1;
    aura_alloc(list, 2, UINT32_MAX, UINT32_MAX, 1, &out);
    check_layer(&a, 2, 3, AURA_ALLOC_BEST);
    check_layer(&b, 1, 3, AURA_ALLOC_AS_WISHED);
    assert_int_equal(out.given_bps, 2200 * KBPS);
    assert_int_equal(out.wanted_bps, out.given_bps);
    assert_int_equal(out.next_bps, 0);
    assert_true(out.changed);
    return 0;
}

/* 700 kbps carry the half picture natively, and all of it compressed. */
static int a_compressed_picture_costs_what_it_weighs(void) {
    struct aura_alloc_track a = camera(), b = camera(), *one[] = {&a}, *two[] = {&b};
    run(one, 1, 700, 0);
    check_layer(&a, 1, -1, AURA_ALLOC_BANDWIDTH);
    aura_alloc_replace(&b, 2, 420 * KBPS);
    struct aura_alloc_result out = run(two, 1, 700, 0);
    check_layer(&b, 2, 3, AURA_ALLOC_BEST);
    assert_int_equal(out.given_bps, 420 * KBPS);
    assert_int_equal(out.wanted_bps, 420 * KBPS);
    /* It does not fit any more: what is cheaper natively, and back without a detour. */
    b = camera();
    b.started = true;
    b.spatial = 2;
    b.temporal = 3;
    aura_alloc_replace(&b, 2, 420 * KBPS);
    run(two, 1, 300, 1000);
    check_layer(&b, 0, 3, AURA_ALLOC_BANDWIDTH);
    run(two, 1, 700, 5000);
    check_layer(&b, 2, 3, AURA_ALLOC_BEST);
    return 0;
}

static int small_pictures_stay_native(void) {
    struct aura_alloc_track a = camera(), *list[] = {&a};
    a.max_spatial = 0;
    aura_alloc_replace(&a, 2, 100 * KBPS);
    struct aura_alloc_result out = run(list, 1, 3000, 0);
    check_layer(&a, 0, 3, AURA_ALLOC_AS_WISHED);
    assert_int_equal(out.given_bps, 150 * KBPS);
    a = camera();
    aura_alloc_replace(&a, 2, 0); /* its rate is not known yet */
    assert_int_equal(run(list, 1, 3000, 0).given_bps, 1700 * KBPS);
    return 0;
}

static int the_lowest_layer_for_all_comes_first(void) {
    struct aura_alloc_track t[4], *list[4];
    for (size_t i = 0; i < 4; i++) {
        t[i] = camera();
        list[i] = &t[i];
    }
    t[2].priority = 1;
    struct aura_alloc_result out = run(list, 4, 1000, 0);
    for (size_t i = 0; i < 4; i++) {
        assert_true(t[i].spatial >= 0);
    }
    assert_true(t[2].spatial > t[0].spatial); /* what is left goes to the important one first */
    assert_true(out.given_bps <= 1000 * KBPS);
    assert_true(out.next_bps > out.given_bps);
    out = run(list, 4, 200, 100);
    unsigned paused = 0;
    for (size_t i = 0; i < 4; i++) {
        paused += t[i].spatial < 0;
        assert_true(t[i].spatial >= 0 || t[i].why == AURA_ALLOC_NO_ROOM);
    }
    assert_int_equal(paused, 2);
    assert_true(t[2].spatial >= 0);
    assert_true(out.given_bps <= 210 * KBPS); /* within the tolerance for what was there before */
    return 0;
}

static int screens_come_before_cameras_and_large_before_small(void) {
    struct aura_alloc_track screen = camera(), small = camera(), large = camera();
    struct aura_alloc_track *list[] = {&small, &large, &screen};
    screen.screen = true;
    small.pixels = 100 * 100;
    large.pixels = 1000 * 1000;
    run(list, 3, 1700 + 150 + 150, 0);
    assert_ptr_equal(list[0], &screen);
    check_layer(&screen, 2, 3, AURA_ALLOC_BEST);
    assert_true(large.spatial > small.spatial ||
                (large.spatial == small.spatial && large.temporal >= small.temporal));
    return 0;
}

static int down_at_once_up_with_room_and_time(void) {
    struct aura_alloc_track a = camera(), *list[] = {&a};
    run(list, 1, 3000, 0);
    check_layer(&a, 2, 3, AURA_ALLOC_BEST);
    run(list, 1, 600, 100);
    check_layer(&a, 1, 3, AURA_ALLOC_BANDWIDTH);
    /* It fits again, but a moment ago it did not. */
    run(list, 1, 3000, 200);
    check_layer(&a, 1, 3, AURA_ALLOC_SETTLING);
    run(list, 1, 3000, 2200);
    assert_int_equal(a.spatial, 2);
    /* To go up an eighth more than the rate is needed, to stay a twentieth less is enough. */
    struct aura_alloc_track b = camera(), *other[] = {&b};
    run(other, 1, 500, 0);
    check_layer(&b, 1, 3, AURA_ALLOC_BANDWIDTH);
    run(other, 1, 1310, 10000);
    check_layer(&b, 1, 3, AURA_ALLOC_BANDWIDTH);
    run(other, 1, 1500, 11000);
    check_layer(&b, 2, 1, AURA_ALLOC_BANDWIDTH);
    run(other, 1, 1250, 11100);
    check_layer(&b, 2, 1, AURA_ALLOC_BANDWIDTH);
    run(other, 1, 1200, 11200);
    check_layer(&b, 1, 3, AURA_ALLOC_BANDWIDTH);
    return 0;
}

static int the_essential_is_never_paused(void) {
    struct aura_alloc_track a = camera(), b = camera(), *list[] = {&a, &b};
    b.essential = true;
    struct aura_alloc_result out = run(list, 2, 50, 0);
    check_layer(&a, AURA_ALLOC_PAUSED, AURA_ALLOC_PAUSED, AURA_ALLOC_NO_ROOM);
    check_layer(&b, 0, 0, AURA_ALLOC_BANDWIDTH);
    assert_int_equal(out.given_bps, 80 * KBPS);
    return 0;
}

static int wishes_and_silence_have_their_reasons(void) {
    struct aura_alloc_track off = camera(), silent = {.max_spatial = 2, .max_temporal = 3};
    struct aura_alloc_track low = camera(), gone = camera();
    struct aura_alloc_track *list[] = {&off, &silent, &low, &gone};
    off.disabled = true;
    low.max_spatial = 0;
    low.max_temporal = 0;
    memset(low.bps[0], 0, sizeof(low.bps[0])); /* the low layer is not sent: the next will do */
    run(list, 4, 5000, 0);
    check_layer(&off, -1, -1, AURA_ALLOC_DISABLED);
    check_layer(&silent, 0, 3, AURA_ALLOC_NO_MEDIA);
    check_layer(&low, 1, 0, AURA_ALLOC_AS_WISHED);
    check_layer(&gone, 2, 3, AURA_ALLOC_BEST);
    memset(gone.bps, 0, sizeof(gone.bps)); /* silent for a moment: it stays where it is */
    run(list, 4, 5000, 100);
    check_layer(&gone, 2, 3, AURA_ALLOC_NO_MEDIA);
    for (int why = AURA_ALLOC_NO_MEDIA; why <= AURA_ALLOC_SETTLING; why++) {
        assert_string_not_equal(aura_alloc_why_name((enum aura_alloc_why)why), "unknown");
    }
    return 0;
}

/* Many tracks, many budgets: never over the budget but for the tolerance, never paused where it
 * fits, and the same again for the same input. */
static int the_budget_holds(void) {
    enum { N = 30 };
    struct aura_alloc_track t[N], *list[N];
    uint64_t ms = 0;
    for (size_t i = 0; i < N; i++) {
        t[i] = camera();
        t[i].priority = (uint8_t)(i % 3);
        t[i].pixels = (uint32_t)(i * 7919 % 1000);
        list[i] = &t[i];
    }
    for (uint32_t round = 0; round < 500; round++, ms += 100) {
        uint32_t kbps = 100 + round * 7919 % 60000;
        struct aura_alloc_result out = run(list, N, kbps, ms);
        uint64_t sum = 0;
        for (size_t i = 0; i < N; i++) {
            sum += t[i].spatial < 0 ? 0 : t[i].bps[t[i].spatial][t[i].temporal];
        }
        assert_int_equal(sum, out.given_bps);
        assert_true(sum <= (uint64_t)kbps * KBPS * 106 / 100);
        struct aura_alloc_result again = run(list, N, kbps, ms);
        assert_false(again.changed);
    }
    return 0;
}

int main(void) {
    const struct CMUnitTest cases[] = {
        AURA_CASE(everything_fits_where_nothing_is_known),
        AURA_CASE(a_compressed_picture_costs_what_it_weighs),
        AURA_CASE(small_pictures_stay_native),
        AURA_CASE(the_lowest_layer_for_all_comes_first),
        AURA_CASE(screens_come_before_cameras_and_large_before_small),
        AURA_CASE(down_at_once_up_with_room_and_time),
        AURA_CASE(the_essential_is_never_paused),
        AURA_CASE(wishes_and_silence_have_their_reasons),
        AURA_CASE(the_budget_holds),
    };
    return RUN_CASES("cc/alloc", cases);
}
