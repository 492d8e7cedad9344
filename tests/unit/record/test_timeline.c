/* SPDX-License-Identifier: Apache-2.0 */
#include "harness.h"
#include "record/timeline.h"

#include "rtp/sr.h"

enum { RATE = 90000, SECOND = 1000000 };

static int goes_on(void) {
    struct aura_timeline t = {.rate = RATE};
    assert_int_equal(aura_timeline_packet(&t, 0xfffffff0, 5 * SECOND), 0);
    /* Over the end of 32 bits, and over a gap that arrival knows of. */
    assert_int_equal(aura_timeline_packet(&t, 0xfffffff0 + RATE, 6 * SECOND), SECOND);
    assert_int_equal(aura_timeline_packet(&t, 0xfffffff0 + 61u * RATE, 66 * SECOND), 61 * SECOND);
    assert_int_equal(t.jumps, 0);
    /* One that comes late is as old as it says, and changes nothing. */
    assert_int_equal(aura_timeline_packet(&t, 0xfffffff0 + 60u * RATE, 66 * SECOND), 60 * SECOND);
    assert_int_equal(aura_timeline_packet(&t, 0xfffffff0 + 62u * RATE, 67 * SECOND), 62 * SECOND);
    return 0;
}

static int begins_anew(void) {
    struct aura_timeline t = {.rate = RATE};
    int64_t captured;
    (void)aura_timeline_packet(&t, 1000, 0);
    aura_timeline_report(&t, 1000, aura_ntp_of_us(UINT64_C(1700000000) * SECOND));
    assert_int_equal(aura_timeline_packet(&t, 1000 + 1000u * RATE, 2 * SECOND), 2 * SECOND);
    assert_int_equal(t.jumps, 1);
    assert_false(aura_timeline_captured(&t, 0, &captured)); /* of the sender's old count */
    assert_int_equal(aura_timeline_packet(&t, 1000 + 1001u * RATE, 3 * SECOND), 3 * SECOND);
    return 0;
}

static int lines_up(void) {
    const int64_t wall = INT64_C(1700000000) * SECOND;
    struct aura_timeline t = {.rate = RATE};
    int64_t captured;
    aura_timeline_report(&t, 77, 1); /* before any packet: of no use */
    assert_false(aura_timeline_captured(&t, 0, &captured));
    (void)aura_timeline_packet(&t, 1000, 0);
    aura_timeline_report(&t, 1000 + RATE, aura_ntp_of_us((uint64_t)wall));
    assert_true(aura_timeline_captured(&t, 3 * SECOND, &captured));
    assert_in_range(captured, wall + 2 * SECOND - 1, wall + 2 * SECOND + 1);
    /* The shortest way counts. */
    aura_timeline_seen(&t, SECOND, wall + 500000);
    aura_timeline_seen(&t, 2 * SECOND, wall + SECOND + 400000);
    aura_timeline_seen(&t, 3 * SECOND, wall + 2 * SECOND + 450000);
    assert_in_range(t.offset_us, 399999, 400001);
    return 0;
}

int main(void) {
    const struct CMUnitTest cases[] = {AURA_PLAIN(goes_on), AURA_PLAIN(begins_anew),
                                       AURA_PLAIN(lines_up)};
    return RUN_CASES("record/timeline", cases);
}
