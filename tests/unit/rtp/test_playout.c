/* SPDX-License-Identifier: Apache-2.0 */
#include "harness.h"
#include "rtp/playout.h"

static unsigned min_of(const uint8_t *b) {
    return (unsigned)(b[0] << 4 | b[1] >> 4) * 10;
}
static unsigned max_of(const uint8_t *b) {
    return (unsigned)((b[1] & 0x0f) << 8 | b[2]) * 10;
}

static int a_range_is_what_can_be_said(void) {
    struct aura_playout_range r = aura_playout_range(400, 0);
    assert_true(r.on && r.min_ms == 400 && r.max_ms == 10000);
    r = aura_playout_range(0, 300);
    assert_true(r.on && r.min_ms == 0 && r.max_ms == 300);
    r = aura_playout_range(500, 300); /* the minimum is what is asked for */
    assert_true(r.min_ms == 500 && r.max_ms == 500);
    r = aura_playout_range(UINT32_MAX, UINT32_MAX);
    assert_true(r.min_ms == 40950 && r.max_ms == 40950);
    return 0;
}

static int it_is_said_until_it_arrived(void) {
    struct aura_playout p;
    aura_playout_init(&p, aura_playout_range(401, 2005));
    const uint8_t *b = aura_playout_next(&p, 65534);
    assert_non_null(b);
    assert_int_equal(min_of(b), 410); /* at least what was asked for */
    assert_int_equal(max_of(b), 2000);
    assert_ptr_equal(aura_playout_next(&p, 65535), b);
    aura_playout_report(&p, 65533, 0); /* what it names did not carry it */
    assert_non_null(aura_playout_next(&p, 0));
    aura_playout_report(&p, 0, 0); /* over the wrap */
    assert_null(aura_playout_next(&p, 1));
    aura_playout_report(&p, 40000, 0);
    assert_null(aura_playout_next(&p, 40001));
    return 0;
}

static int nothing_is_said_where_nobody_asked(void) {
    struct aura_playout p;
    aura_playout_init(&p, (struct aura_playout_range){.on = false});
    assert_null(aura_playout_next(&p, 1));
    aura_playout_report(&p, 2, 1000000);
    assert_null(aura_playout_next(&p, 3));
    return 0;
}

static int it_follows_jitter_within_the_range(void) {
    struct aura_playout p;
    aura_playout_init(&p, aura_playout_range(100, 600));
    assert_non_null(aura_playout_next(&p, 1));
    aura_playout_report(&p, 1, 12000); /* 96 ms: less than the least */
    assert_null(aura_playout_next(&p, 2));
    aura_playout_report(&p, 2, 15000); /* 120 ms: not worth a change */
    assert_null(aura_playout_next(&p, 3));
    aura_playout_report(&p, 3, 50000);
    const uint8_t *b = aura_playout_next(&p, 4);
    assert_non_null(b);
    assert_int_equal(min_of(b), 400);
    aura_playout_report(&p, 3, 50000); /* of before the change */
    assert_non_null(aura_playout_next(&p, 5));
    aura_playout_report(&p, 4, 50000);
    assert_null(aura_playout_next(&p, 6));
    aura_playout_report(&p, 6, UINT32_MAX);
    assert_int_equal(min_of(aura_playout_next(&p, 7)), 600);
    unsigned last = 600, steps = 0;
    for (uint16_t seq = 8; seq < 100; seq++) { /* back, slowly, and never below */
        aura_playout_report(&p, (uint16_t)(seq - 1), 0);
        b = aura_playout_next(&p, seq);
        if (b) {
            steps++;
            assert_true(min_of(b) < last && min_of(b) >= 100 && min_of(b) + 180 >= last);
            last = min_of(b);
        }
    }
    assert_true(steps > 3 && last < 140);
    return 0;
}

int main(void) {
    const struct CMUnitTest cases[] = {
        AURA_CASE(a_range_is_what_can_be_said),
        AURA_CASE(it_is_said_until_it_arrived),
        AURA_CASE(nothing_is_said_where_nobody_asked),
        AURA_CASE(it_follows_jitter_within_the_range),
    };
    return RUN_CASES("playout", cases);
}
