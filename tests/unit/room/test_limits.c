/* SPDX-License-Identifier: Apache-2.0 */
/* How much may come, and which sources a list allows. */
#include "harness.h"
#include "room/room_priv.h"

static size_t taken(struct pace *p, uint32_t rate, uint32_t weight, uint64_t now_us) {
    size_t n = 0;
    while (n < 100000 && aura__pace_take(p, rate, weight, now_us)) {
        n++;
    }
    return n;
}

static int a_pace_lets_ten_seconds_worth_come_at_once(void) {
    struct pace p = {0};
    assert_int_equal(taken(&p, 20, 1, 5 * AURA_US_PER_S), 200);
    assert_int_equal(taken(&p, 20, 1, 5 * AURA_US_PER_S), 0);
    assert_int_equal(taken(&p, 20, 1, 6 * AURA_US_PER_S), 20);     /* then its rate */
    assert_int_equal(taken(&p, 20, 10, 8 * AURA_US_PER_S), 4);     /* long ones count as several */
    assert_int_equal(taken(&p, 20, 1, 1000 * AURA_US_PER_S), 200); /* but no more than that */
    return 0;
}

static int a_pace_of_none_lets_all_come(void) {
    struct pace p = {0};
    assert_int_equal(taken(&p, 0, 1000, 0), 100000);
    return 0;
}

static int a_list_of_unknown_sources_does_not_allow_all(void) {
    const Livekit__TrackSource list[] = {LIVEKIT__TRACK_SOURCE__SCREEN_SHARE,
                                         (Livekit__TrackSource)77, (Livekit__TrackSource)-1};
    assert_int_equal(aura__publish_sources(list, 0), 0); /* all */
    assert_int_equal(aura__publish_sources(list, 1), 1u << LIVEKIT__TRACK_SOURCE__SCREEN_SHARE);
    assert_int_equal(aura__publish_sources(list + 1, 1), 1u << LIVEKIT__TRACK_SOURCE__UNKNOWN);
    assert_int_equal(aura__publish_sources(list + 2, 1), 1u << LIVEKIT__TRACK_SOURCE__UNKNOWN);
    struct participant p = {.may = {.publish = true, .sources = 1}};
    assert_true(aura__publish_allowed(&p, LIVEKIT__TRACK_SOURCE__UNKNOWN));
    assert_false(aura__publish_allowed(&p, LIVEKIT__TRACK_SOURCE__CAMERA));
    assert_false(aura__publish_allowed(&p, (Livekit__TrackSource)32)); /* no bit of it */
    assert_false(aura__publish_allowed(&p, (Livekit__TrackSource)-1));
    return 0;
}

int main(void) {
    const struct CMUnitTest cases[] = {
        AURA_PLAIN(a_pace_lets_ten_seconds_worth_come_at_once),
        AURA_PLAIN(a_pace_of_none_lets_all_come),
        AURA_PLAIN(a_list_of_unknown_sources_does_not_allow_all),
    };
    return RUN_CASES("limits", cases);
}
