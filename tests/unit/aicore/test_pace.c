/* SPDX-License-Identifier: Apache-2.0 */
#include "aicore/pace.h"
#include "harness.h"

static unsigned frames(struct aura_pace *p, unsigned n, uint32_t us) {
    unsigned hurry = p->hurry;
    for (unsigned i = 0; i < n; i++) {
        hurry = aura_pace_frame(p, us);
    }
    return hurry;
}

static int a_slow_machine_gets_a_faster_encoder(void) {
    struct aura_pace p;
    aura_pace_init(&p);
    assert_int_equal(frames(&p, 3200, 8000), 0); /* on time */
    assert_int_equal(frames(&p, 64, 9000), 2);
    assert_int_equal(frames(&p, 3200, 30000), AURA_PACE_HURRY_MAX); /* and no more than there is */
    assert_int_equal(frames(&p, 3200, 7000), AURA_PACE_HURRY_MAX);  /* just right now */
    return 0;
}

static int late_frames_count_though_the_mean_is_fine(void) {
    struct aura_pace p;
    aura_pace_init(&p);
    for (unsigned i = 0; i < 320; i++) { /* a key frame now and then is late: nothing to do */
        (void)aura_pace_frame(&p, i % 32 ? 5000 : 25000);
    }
    assert_int_equal(p.hurry, 0);
    for (unsigned i = 0; i < 32; i++) {
        (void)aura_pace_frame(&p, i % 10 ? 5000 : 25000);
    }
    assert_int_equal(p.hurry, 1);
    return 0;
}

/* Where a step back is too much it is tried less and less often. */
static int it_does_not_swing(void) {
    struct aura_pace p;
    unsigned changes = 0, before = 0;
    aura_pace_init(&p);
    for (unsigned i = 0; i < 60 * 30 * 10; i++) { /* ten minutes */
        unsigned hurry = aura_pace_frame(&p, p.hurry ? 5000 : 9000);
        changes += hurry != before;
        before = hurry;
    }
    assert_in_range(changes, 6, 20);
    return 0;
}

int main(void) {
    const struct CMUnitTest cases[] = {
        AURA_CASE(a_slow_machine_gets_a_faster_encoder),
        AURA_CASE(late_frames_count_though_the_mean_is_fine),
        AURA_CASE(it_does_not_swing),
    };
    return RUN_CASES("pace", cases);
}
