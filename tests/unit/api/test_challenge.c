/* SPDX-License-Identifier: Apache-2.0 */
#include "api/challenge.h"
#include "base/clock.h"
#include "base/rand.h"
#include "harness.h"

#include <string.h>

static const uint64_t start_us = 5000000;
static const uint64_t end_us = 5000000 + AURA_CHALLENGE_TTL_S * AURA_US_PER_S;

static int good_once_for_one_thing(void) {
    struct aura_rand_seeded rand;
    struct aura_challenges *c;
    uint8_t a[AURA_CHALLENGE_BYTES], b[AURA_CHALLENGE_BYTES];
    aura_rand_seeded_init(&rand, 1);
    TRY(aura_challenges_new(&c, &rand.rand));
    aura_challenge_give(c, "sign in", start_us, a);
    aura_challenge_give(c, "sign in", start_us, b);
    assert_true(memcmp(a, b, sizeof(a)) != 0);
    assert_int_equal(aura_challenge_check(c, "sign up", start_us, a, sizeof(a)), AURA_EAUTH);
    assert_int_equal(aura_challenge_check(c, "sign in", start_us, a, sizeof(a) - 1), AURA_EAUTH);
    assert_int_equal(aura_challenge_check(c, "sign in", end_us - 1, a, sizeof(a)), 0);
    assert_int_equal(aura_challenge_check(c, "sign in", end_us, a, sizeof(a)), AURA_ETIMEDOUT);
    for (size_t i = 0; i < sizeof(a); i++) { /* each of its bits matters */
        a[i] ^= 1;
        assert_int_equal(aura_challenge_check(c, "sign in", start_us, a, sizeof(a)), AURA_EAUTH);
        a[i] ^= 1;
    }
    int err = aura_challenge_use(c, "sign in", start_us, a, sizeof(a));
    if (!err) {
        assert_int_equal(aura_challenge_use(c, "sign in", start_us, a, sizeof(a)), AURA_ESTALE);
        assert_int_equal(aura_challenge_use(c, "sign in", start_us, b, sizeof(b)), 0);
    }
    aura_challenges_free(c);
    return err;
}

static int another_server_knows_none_of_ours(void) {
    struct aura_rand_seeded rand;
    struct aura_challenges *c, *other;
    uint8_t a[AURA_CHALLENGE_BYTES], own[16], again[16], theirs[16];
    aura_rand_seeded_init(&rand, 1);
    TRY(aura_challenges_new(&c, &rand.rand));
    int err = aura_challenges_new(&other, &rand.rand);
    if (!err) {
        aura_challenge_give(c, "x", start_us, a);
        assert_int_equal(aura_challenge_check(other, "x", start_us, a, sizeof(a)), AURA_EAUTH);
        aura_challenge_derive(c, a, own);
        aura_challenge_derive(c, a, again);
        aura_challenge_derive(other, a, theirs);
        assert_memory_equal(own, again, sizeof(own));
        assert_true(memcmp(own, theirs, sizeof(own)) != 0);
        aura_challenges_free(other);
    }
    aura_challenges_free(c);
    return err;
}

static int a_full_table_refuses_and_empties(void) {
    struct aura_rand_seeded rand;
    struct aura_challenges *c;
    uint8_t a[AURA_CHALLENGE_BYTES], first[AURA_CHALLENGE_BYTES];
    aura_rand_seeded_init(&rand, 1);
    TRY(aura_challenges_new(&c, &rand.rand));
    int err = 0;
    for (size_t i = 0; i < AURA_CHALLENGES_USED_MAX && !err; i++) {
        aura_challenge_give(c, "x", start_us, a);
        memcpy(first, i ? first : a, sizeof(a));
        err = aura_challenge_use(c, "x", start_us, a, sizeof(a));
    }
    if (!err) {
        aura_challenge_give(c, "x", start_us + 1, a);
        assert_int_equal(aura_challenge_use(c, "x", end_us - 1, a, sizeof(a)), AURA_ELIMIT);
        assert_int_equal(aura_challenge_use(c, "x", end_us - 1, first, sizeof(a)), AURA_ESTALE);
        assert_int_equal(aura_challenge_use(c, "x", end_us, a, sizeof(a)), 0);
    }
    aura_challenges_free(c);
    return err;
}

int main(void) {
    const struct CMUnitTest cases[] = {
        AURA_CASE(good_once_for_one_thing),
        AURA_CASE(another_server_knows_none_of_ours),
        AURA_CASE(a_full_table_refuses_and_empties),
    };
    return RUN_CASES("api/challenge", cases);
}
