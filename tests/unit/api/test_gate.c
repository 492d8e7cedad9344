/* SPDX-License-Identifier: Apache-2.0 */
/* What each address may ask of the HTTP port. */
#include "api/gate.h"
#include "base/clock.h"
#include "harness.h"

#include <stdio.h>

static const struct aura_gate_rates rates = {{[AURA_GATE_REQUESTS] = 10,
                                              [AURA_GATE_REFUSALS] = 1,
                                              [AURA_GATE_GUESTS] = 2,
                                              [AURA_GATE_SIGN_INS] = 2}};
static uint64_t now_us = 5 * AURA_US_PER_S;

static struct aura_addr address(const char *text) {
    struct aura_addr a = {.family = AURA_FAMILY_NONE};
    assert_int_equal(aura_addr_parse(&a, text), 0);
    return a;
}

static struct aura_gate *fresh(void) {
    static struct aura_rand_seeded rand;
    struct aura_gate *g = NULL;
    aura_rand_seeded_init(&rand, 7);
    return aura_gate_new(&g, &rand.rand) ? NULL : g;
}

static size_t taken(struct aura_gate *g, const char *from, enum aura_gate_what what, size_t tries) {
    struct aura_addr a = address(from);
    size_t n = 0;
    for (size_t i = 0; i < tries; i++) {
        n += aura_gate_take(g, &a, what, &rates, now_us) == 0;
    }
    return n;
}

static int budgets(void) {
    struct aura_gate *g = fresh();
    if (!g) {
        return AURA_ENOMEM;
    }
    struct aura_addr a = address("10.0.0.1");
    assert_int_equal(taken(g, "10.0.0.1", AURA_GATE_REQUESTS, 500), 100);
    assert_int_equal(aura_gate_wait_s(g, &a, AURA_GATE_REQUESTS, &rates, now_us), 1);
    assert_int_equal(aura_gate_wait_s(g, &a, AURA_GATE_REFUSALS, &rates, now_us), 0);
    assert_int_equal(taken(g, "10.0.0.1", AURA_GATE_REFUSALS, 500), 10);
    assert_int_equal(taken(g, "10.0.0.2", AURA_GATE_REQUESTS, 500), 100);
    assert_int_equal(taken(g, "10.0.0.1", AURA_GATE_GUESTS, 500), 20);
    now_us += 3 * AURA_US_PER_S;
    assert_int_equal(taken(g, "10.0.0.1", AURA_GATE_REQUESTS, 500), 30);
    now_us += 3600 * AURA_US_PER_S;
    assert_int_equal(taken(g, "10.0.0.1", AURA_GATE_REQUESTS, 500), 100);
    aura_gate_free(g);
    return 0;
}

static int prefixes(void) {
    struct aura_gate *g = fresh();
    if (!g) {
        return AURA_ENOMEM;
    }
    assert_int_equal(taken(g, "2001:db8:1:2::1", AURA_GATE_REFUSALS, 6), 6);
    assert_int_equal(taken(g, "2001:db8:1:2:ffff::9", AURA_GATE_REFUSALS, 6), 4);
    assert_int_equal(taken(g, "2001:db8:1:3::1", AURA_GATE_REFUSALS, 6), 6);
    /* The same bytes in the other family. */
    assert_int_equal(taken(g, "32.1.13.184", AURA_GATE_REFUSALS, 6), 6);
    aura_gate_free(g);
    return 0;
}

static int no_limit(void) {
    static const struct aura_gate_rates none = {{0, 0}};
    struct aura_gate *g = fresh();
    if (!g) {
        return AURA_ENOMEM;
    }
    struct aura_addr a = address("10.0.0.1");
    for (size_t i = 0; i < 10000; i++) {
        assert_int_equal(aura_gate_take(g, &a, AURA_GATE_REQUESTS, &none, now_us), 0);
    }
    aura_gate_free(g);
    return 0;
}

/* A hundred thousand addresses pass through; the culprit of the beginning is still known. */
static int flood(void) {
    struct aura_gate *g = fresh();
    if (!g) {
        return AURA_ENOMEM;
    }
    assert_int_equal(taken(g, "10.0.0.1", AURA_GATE_REFUSALS, 500), 10);
    assert_int_equal(taken(g, "10.0.0.9", AURA_GATE_GUESTS, 500), 20);
    for (uint32_t i = 0; i < 100000; i++) {
        struct aura_addr a = {.family = AURA_FAMILY_V4, .ip = {11}};
        a.ip[1] = (uint8_t)(i >> 16);
        a.ip[2] = (uint8_t)(i >> 8);
        a.ip[3] = (uint8_t)i;
        assert_int_equal(aura_gate_take(g, &a, AURA_GATE_REQUESTS, &rates, now_us), 0);
    }
    assert_int_equal(taken(g, "10.0.0.1", AURA_GATE_REFUSALS, 500), 0);
    assert_int_equal(taken(g, "10.0.0.9", AURA_GATE_GUESTS, 500), 0);
    aura_gate_free(g);
    return 0;
}

int main(void) {
    const struct CMUnitTest cases[] = {AURA_CASE(budgets), AURA_CASE(prefixes), AURA_CASE(no_limit),
                                       AURA_CASE(flood)};
    return RUN_CASES("api/gate", cases);
}
