/* SPDX-License-Identifier: Apache-2.0 */
/* How often somebody may do something. */
#include "auraid/pace.h"
#include "base/clock.h"
#include "harness.h"

#include <stdio.h>

enum { START = 1000 };

static uint64_t at(uint64_t seconds) {
    return START + seconds * AURA_US_PER_S;
}

static int a_minutes_worth_and_then_a_pace(void) {
    struct aura_pace *p;
    TRY(aura_pace_new(&p, 10));
    for (int i = 0; i < 4; i++) {
        uint32_t wait_s = aura_pace_take(p, "ann", 4, at(0));
        if (wait_s && aura_mem_failed()) {
            aura_pace_free(p);
            return AURA_ENOMEM;
        }
        assert_int_equal(wait_s, 0);
    }
    assert_int_equal(aura_pace_take(p, "ann", 4, at(0)), 15); /* one each 15 s */
    assert_int_equal(aura_pace_take(p, "ann", 0, at(0)), 0);  /* no limit */
    assert_int_equal(aura_pace_take(p, "ann", 4, at(14)), 1);
    assert_int_equal(aura_pace_take(p, "ann", 4, at(15)), 0); /* who was refused loses nothing */
    assert_true(aura_pace_take(p, "ann", 4, at(15)) > 0);
    for (int i = 0; i < 4; i++) {
        assert_int_equal(aura_pace_take(p, "ann", 4, at(1000)), 0);
    }
    assert_true(aura_pace_take(p, "ann", 4, at(1000)) > 0);
    aura_pace_free(p);
    return 0;
}

static int who_is_at_rest_makes_room(void) {
    struct aura_pace *p;
    char name[16];
    TRY(aura_pace_new(&p, 3));
    for (int i = 0; i < 3; i++) {
        (void)snprintf(name, sizeof(name), "p%d", i);
        uint32_t wait_s = aura_pace_take(p, name, 1, at(0));
        if (wait_s && aura_mem_failed()) {
            aura_pace_free(p);
            return AURA_ENOMEM;
        }
        assert_int_equal(wait_s, 0);
    }
    assert_true(aura_pace_take(p, "more", 1, at(59)) > 0); /* each of them counts still */
    uint32_t wait_s = aura_pace_take(p, "more", 1, at(61));
    assert_true(wait_s == 0 || aura_mem_failed());
    assert_int_equal(aura_pace_take(p, "p0", 60, at(61)) > 0 && !aura_mem_failed(), 0);
    aura_pace_free(p);
    return wait_s ? AURA_ENOMEM : 0;
}

int main(void) {
    const struct CMUnitTest cases[] = {
        AURA_CASE(a_minutes_worth_and_then_a_pace),
        AURA_CASE(who_is_at_rest_makes_room),
    };
    return RUN_CASES("auraid/pace", cases);
}
