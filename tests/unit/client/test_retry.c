/* SPDX-License-Identifier: Apache-2.0 */
/* How long a call goes on trying. */
#include "client/retry.h"

#include "base/clock.h"
#include "base/err.h"
#include "harness.h"

static int soon_at_first_and_not_for_ever(void) {
    struct aura_rand_seeded rand;
    struct aura_retry r = {.tries = 0};
    uint64_t wait_us = 0, before_us = 0, sum_us = 0;
    unsigned tries = 0;
    aura_rand_seeded_init(&rand, 1);
    assert_false(aura_retry_connected(&r));
    while (aura_retry_lost(&r, AURA_EIO, &rand.rand, &wait_us)) {
        assert_true(tries || wait_us < AURA_US_PER_S / 2); /* most losses are short */
        assert_true(tries > 5 || wait_us >= before_us);
        assert_true(wait_us <= 8 * AURA_US_PER_S);
        before_us = wait_us;
        sum_us += wait_us;
        tries++;
    }
    assert_int_equal(tries, AURA_RETRY_MAX);
    assert_in_range(sum_us, 40 * AURA_US_PER_S, 60 * AURA_US_PER_S);
    assert_int_equal(r.count, 1);
    return 0;
}

static int success_begins_anew(void) {
    struct aura_rand_seeded rand;
    struct aura_retry r = {.tries = 0};
    uint64_t wait_us = 0;
    aura_rand_seeded_init(&rand, 1);
    (void)aura_retry_connected(&r);
    for (int loss = 1; loss <= 30; loss++) {
        for (int i = 0; i < 4; i++) {
            assert_true(aura_retry_lost(&r, AURA_ETIMEDOUT, &rand.rand, &wait_us));
            assert_true(i || wait_us < AURA_US_PER_S / 2);
        }
        assert_int_equal(r.count, loss);
        assert_true(aura_retry_connected(&r));
        assert_false(aura_retry_connected(&r)); /* once for each loss */
    }
    return 0;
}

static int some_failures_are_final(void) {
    static const int final[] = {AURA_EAUTH, AURA_ENOENT, AURA_EPOLICY, AURA_ENOMEM};
    struct aura_rand_seeded rand;
    uint64_t wait_us = 0;
    aura_rand_seeded_init(&rand, 1);
    for (size_t i = 0; i < sizeof(final) / sizeof(*final); i++) {
        struct aura_retry r = {.tries = 0};
        (void)aura_retry_connected(&r);
        assert_true(aura_retry_lost(&r, AURA_EIO, &rand.rand, &wait_us));
        assert_false(aura_retry_lost(&r, final[i], &rand.rand, &wait_us));
    }
    struct aura_retry never = {.tries = 0}; /* who never got in has a wrong address, most likely */
    assert_false(aura_retry_lost(&never, AURA_EIO, &rand.rand, &wait_us));
    return 0;
}

int main(void) {
    const struct CMUnitTest cases[] = {
        AURA_CASE(soon_at_first_and_not_for_ever),
        AURA_CASE(success_begins_anew),
        AURA_CASE(some_failures_are_final),
    };
    return RUN_CASES("retry", cases);
}
