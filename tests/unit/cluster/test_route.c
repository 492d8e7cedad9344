/* SPDX-License-Identifier: Apache-2.0 */
#include "cluster/route.h"
#include "harness.h"

#include <string.h>

#define S 1000000ull
#define MS 1000u

enum { NODES = 100 };

static struct aura_route_link links[NODES][NODES];
static struct aura_route_relay relays[NODES];
static char why[AURA_ROUTE_WHY_MAX];

static const struct aura_route_link *link_of(const void *arg, size_t from, size_t to) {
    (void)arg;
    return &links[from][to];
}

static const struct aura_route_relay *relay_of(const void *arg, size_t node) {
    (void)arg;
    return &relays[node];
}

static struct aura_route_view view(size_t count) {
    return (struct aura_route_view){.count = count, .link = link_of, .relay = relay_of};
}

static void set(size_t from, size_t to, uint32_t rtt_ms) {
    links[from][to] = (struct aura_route_link){.up = true, .rtt_us = rtt_ms * MS};
}

/* All links up for long, 20 ms each. */
static void reset(size_t count) {
    memset(links, 0, sizeof(links));
    memset(relays, 0, sizeof(relays));
    for (size_t i = 0; i < count; i++) {
        for (size_t k = 0; k < count; k++) {
            set(i, k, 20);
        }
    }
}

static int direct_where_it_is_good(void) {
    const struct aura_route_view v = view(3);
    struct aura_route r;
    reset(3);
    aura_route_begin(&r, 0, 1);
    assert_int_equal(r.via, AURA_ROUTE_NOWHERE);
    assert_true(aura_route_look(&r, &v, 100 * S, why));
    assert_int_equal(r.via, AURA_ROUTE_DIRECT);
    for (uint64_t t = 101; t < 200; t++) {
        assert_false(aura_route_look(&r, &v, t * S, why));
    }
    return 0;
}

static int a_lost_link_is_left_at_once(void) {
    const struct aura_route_view v = view(4);
    struct aura_route r;
    reset(4);
    set(0, 3, 60);
    aura_route_begin(&r, 0, 1);
    assert_true(aura_route_look(&r, &v, 100 * S, why));
    links[0][1].up = false;
    assert_true(aura_route_look(&r, &v, 101 * S, why));
    assert_int_equal(r.via, 2); /* 3 is further */
    assert_non_null(strstr(why, "by node 2 at 25 ms, for the direct way was lost"));
    links[2][1].up = false;
    assert_true(aura_route_look(&r, &v, 102 * S, why));
    assert_int_equal(r.via, 3);
    links[0][3].up = false;
    assert_true(aura_route_look(&r, &v, 103 * S, why));
    assert_int_equal(r.via, AURA_ROUTE_NOWHERE);
    assert_non_null(strstr(why, "no other way"));
    assert_false(aura_route_look(&r, &v, 104 * S, why));
    links[0][1] = (struct aura_route_link){.up = true, .up_since_us = 105 * S, .rtt_us = 20 * MS};
    assert_true(aura_route_look(&r, &v, 105 * S, why)); /* unproven, but there is nothing else */
    assert_int_equal(r.via, AURA_ROUTE_DIRECT);
    return 0;
}

static int better_for_a_while(void) {
    const struct aura_route_view v = view(3);
    struct aura_route r;
    reset(3);
    aura_route_begin(&r, 0, 1);
    assert_true(aura_route_look(&r, &v, 100 * S, why));
    links[0][1].lost_permille = 100; /* 210 ms */
    uint64_t t = 101 * S;
    for (; t < 104 * S; t += S / 4) {
        assert_false(aura_route_look(&r, &v, t, why));
    }
    assert_true(aura_route_look(&r, &v, t, why));
    assert_int_equal(r.via, 2);
    assert_non_null(strstr(why, "by node 2 at 25 ms, the direct way was 210 ms"));
    return 0;
}

static int not_for_a_little(void) {
    const struct aura_route_view v = view(3);
    struct aura_route r;
    reset(3);
    set(0, 1, 56); /* 28 ms; by node 2: 25 */
    aura_route_begin(&r, 0, 1);
    r.via = AURA_ROUTE_DIRECT;
    for (uint64_t t = 100; t < 200; t++) {
        assert_false(aura_route_look(&r, &v, t * S, why));
    }
    return 0;
}

static int what_swings_changes_nothing(void) {
    const struct aura_route_view v = view(3);
    struct aura_route r;
    reset(3);
    aura_route_begin(&r, 0, 1);
    assert_true(aura_route_look(&r, &v, 100 * S, why));
    for (uint64_t t = 101; t < 300; t++) { /* bad for two seconds of three */
        links[0][1].lost_permille = t % 3 ? 100 : 0;
        assert_false(aura_route_look(&r, &v, t * S, why));
    }
    return 0;
}

static int back_when_it_is_proven(void) {
    const struct aura_route_view v = view(3);
    struct aura_route r;
    reset(3);
    aura_route_begin(&r, 0, 1);
    assert_true(aura_route_look(&r, &v, 100 * S, why));
    links[0][1].up = false;
    assert_true(aura_route_look(&r, &v, 101 * S, why));
    links[0][1] = (struct aura_route_link){.up = true, .up_since_us = 102 * S, .rtt_us = 20 * MS};
    uint64_t t = 102 * S;
    while (!aura_route_look(&r, &v, t, why)) {
        t += S / 4;
        assert_true(t < 200 * S);
    }
    assert_int_equal(r.via, AURA_ROUTE_DIRECT);
    assert_int_equal(t, 115 * S); /* ten to prove it, three to be better */
    return 0;
}

static int relays_that_are_no_good(void) {
    const struct aura_route_view v = view(4);
    struct aura_route r;
    reset(4);
    links[0][1].up = false;
    relays[2].cpu_permille = 900;
    aura_route_begin(&r, 0, 1);
    assert_true(aura_route_look(&r, &v, 100 * S, why));
    assert_int_equal(r.via, 3);
    relays[2].cpu_permille = 0;
    relays[3].drain = true;
    for (uint64_t t = 101; r.via == 3; t++) {
        (void)aura_route_look(&r, &v, t * S, why);
        assert_true(t < 110);
    }
    assert_int_equal(r.via, 2);
    links[0][2].up = false;
    assert_true(aura_route_look(&r, &v, 120 * S, why));
    assert_int_equal(r.via, 3); /* better by one that drains than not at all */
    return 0;
}

/* ---- a hundred nodes ---- */

static uint64_t seed;

static uint32_t chance(uint32_t below) {
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(seed >> 33) % below;
}

static void disturb(uint64_t now_us) {
    struct aura_route_link *l = &links[chance(NODES)][chance(NODES)];
    if (l->up) {
        l->up = chance(2);
        l->rtt_us = 2 * MS + chance(200) * MS;
        l->lost_permille = chance(4) ? 0 : chance(150);
    } else {
        *l = (struct aura_route_link){.up = true, .up_since_us = now_us, .rtt_us = 20 * MS};
    }
}

static bool is_open(const struct aura_route_view *v, const struct aura_route *r, uint64_t now_us) {
    return aura_route_cost(v, r->from, r->to, r->via, now_us) != UINT64_MAX;
}

static bool any_open(const struct aura_route_view *v, const struct aura_route *r, uint64_t now_us) {
    for (int via = AURA_ROUTE_DIRECT; via < NODES; via++) {
        if (aura_route_cost(v, r->from, r->to, via, now_us) != UINT64_MAX) {
            return true;
        }
    }
    return false;
}

/* After each look the way is open if any is, and it has no loop; and ways do not swing. */
static int storm(void) {
    const struct aura_route_view v = view(NODES);
    static struct aura_route routes[NODES];
    reset(NODES);
    seed = 7;
    for (size_t i = 0; i < NODES; i++) {
        aura_route_begin(&routes[i], i, (i * 37 + 11) % NODES);
    }
    uint64_t forced = 0, changes = 0;
    for (uint64_t t = 100 * S; t < 400 * S; t += S / 4) {
        for (size_t i = 0; i < 40; i++) {
            disturb(t);
        }
        for (size_t i = 0; i < NODES; i++) {
            struct aura_route *r = &routes[i];
            bool was_open = r->via != AURA_ROUTE_NOWHERE && is_open(&v, r, t);
            bool changed = aura_route_look(r, &v, t, why);
            forced += changed && !was_open;
            changes += changed;
            assert_true(r->via != (int)r->from && r->via != (int)r->to && r->via < NODES);
            assert_int_equal(is_open(&v, r, t), any_open(&v, r, t));
        }
    }
    /* Nobody leaves a good way more often than each three seconds. */
    assert_true(forced > NODES);
    assert_true(changes - forced < NODES * 300 / 3);
    return 0;
}

int main(void) {
    const struct CMUnitTest cases[] = {
        AURA_CASE(direct_where_it_is_good),     AURA_CASE(a_lost_link_is_left_at_once),
        AURA_CASE(better_for_a_while),          AURA_CASE(not_for_a_little),
        AURA_CASE(what_swings_changes_nothing), AURA_CASE(back_when_it_is_proven),
        AURA_CASE(relays_that_are_no_good),     AURA_CASE(storm),
    };
    return RUN_CASES("route", cases);
}
