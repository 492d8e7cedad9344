/* SPDX-License-Identifier: Apache-2.0 */
/* Rooms and their owners, case by case, on virtual time. */
#include "model.h"

#include "cluster/scripts.h"

#include <string.h>

#define S AURA_US_PER_S

static struct world w;

/* Nodes that know each other, and a Redis that takes rooms. */
static void begin(size_t nodes) {
    assert_int_equal(world_start(&w, nodes), 0);
    world_run(&w, 6 * S);
}

static void stats(size_t i, struct aura_cluster_stats *s) {
    aura_cluster_stats(w.nodes[i].c, s);
}

static int one_owner_for_all(void) {
    struct result a, b, c;
    begin(3);
    join(&w, 0, 1, &a);
    join(&w, 1, 1, &b); /* at the same time */
    world_run(&w, S);
    join(&w, 2, 1, &c);
    world_run(&w, S);
    assert_int_equal(a.where, AURA_CLUSTER_HERE);
    assert_string_not_equal(a.why, "");
    assert_int_equal(b.where, AURA_CLUSTER_THERE);
    assert_int_equal(c.where, AURA_CLUSTER_THERE);
    assert_string_equal(b.node, w.nodes[0].id);
    assert_string_equal(c.address, w.nodes[0].address);
    assert_true(a.epoch == b.epoch && b.epoch == c.epoch);
    world_end(&w);
    return 0;
}

static int a_look_makes_none(void) {
    struct result a;
    begin(2);
    look(&w, 0, 1, &a);
    world_run(&w, S);
    assert_true(a.done);
    assert_int_equal(a.where, AURA_CLUSTER_NOWHERE);
    assert_int_equal(w.rooms[1].epoch, 0);
    world_end(&w);
    return 0;
}

static int an_ended_room_is_released(void) {
    struct result a, b;
    begin(2);
    join(&w, 0, 1, &a);
    world_run(&w, 60 * S); /* open: it stays */
    assert_true(w.rooms[1].epoch == a.epoch && aura_cluster_owns(w.nodes[0].c, "room1"));
    w.nodes[0].rooms[1] = false;
    world_run(&w, 10 * S);
    assert_int_equal(w.rooms[1].epoch, 0);
    assert_false(aura_cluster_owns(w.nodes[0].c, "room1"));
    join(&w, 1, 1, &b);
    world_run(&w, S);
    assert_int_equal(b.where, AURA_CLUSTER_HERE);
    assert_true(b.epoch > a.epoch);
    world_end(&w);
    return 0;
}

static int a_killed_owner_is_replaced(void) {
    struct result a, b;
    begin(2);
    join(&w, 0, 1, &a);
    world_run(&w, S);
    member_kill(&w, 0);
    join(&w, 1, 1, &b);
    world_run(&w, S);
    assert_int_equal(b.where, AURA_CLUSTER_THERE); /* nobody knows yet */
    assert_true(aura_cluster_find_again(&b.find)); /* … but it does not answer */
    b.done = false;
    world_run(&w, AURA_NODE_TTL_MS * AURA_US_PER_MS);
    while (!b.done || b.where == AURA_CLUSTER_THERE) {
        if (b.done) {
            b.done = false;
            assert_true(aura_cluster_find_again(&b.find));
        }
        world_run(&w, S / 10);
    }
    assert_int_equal(b.where, AURA_CLUSTER_HERE);
    assert_true(b.epoch > a.epoch);
    world_end(&w);
    return 0;
}

static int one_that_ends_in_order_is_replaced_at_once(void) {
    struct result a, b;
    begin(2);
    join(&w, 0, 1, &a);
    world_run(&w, S);
    member_end(&w, 0);
    join(&w, 1, 1, &b);
    world_run(&w, S);
    assert_int_equal(b.where, AURA_CLUSTER_HERE);
    assert_true(b.epoch > a.epoch);
    world_end(&w);
    return 0;
}

static int redis_away_stops_nothing(void) {
    struct result a, b, c, d;
    struct aura_cluster_stats s;
    begin(3);
    join(&w, 0, 1, &a);
    world_run(&w, S);
    join(&w, 1, 1, &b);
    world_run(&w, S);
    world_down(&w, true);
    world_run(&w, 60 * S);
    assert_true(w.nodes[0].rooms[1]);
    join(&w, 0, 1, &a);                                /* it runs here */
    join(&w, 1, 1, &b);                                /* it is remembered */
    join(&w, 2, 1, &c);                                /* never heard of it */
    join(&w, 0, 2, &d);                                /* a new one */
    assert_true(a.done && b.done && c.done && d.done); /* all at once: nobody waits for Redis */
    assert_int_equal(a.where, AURA_CLUSTER_HERE);
    assert_int_equal(b.where, AURA_CLUSTER_THERE);
    assert_string_equal(b.address, w.nodes[0].address);
    assert_int_equal(c.where, AURA_CLUSTER_UNKNOWN);
    assert_int_equal(d.where, AURA_CLUSTER_UNKNOWN);
    assert_non_null(strstr(d.why, "Redis cannot be reached"));
    world_down(&w, false);
    world_run(&w, 2 * S);
    stats(0, &s);
    assert_int_equal(s.lost, 0);
    join(&w, 2, 1, &c);
    world_run(&w, S);
    assert_int_equal(c.where, AURA_CLUSTER_THERE);
    assert_true(c.epoch == a.epoch);
    world_end(&w);
    return 0;
}

static int redis_comes_back_empty(void) {
    struct result a, b, c;
    struct aura_cluster_stats s;
    begin(2);
    join(&w, 0, 1, &a);
    world_run(&w, S);
    world_down(&w, true);
    world_run(&w, 60 * S);
    world_empty(&w);
    world_cut(&w, 0, true); /* the owner sees it last */
    world_down(&w, false);
    world_run(&w, S);
    join(&w, 1, 1, &b);
    world_run(&w, S);
    assert_false(b.done); /* it settles */
    world_cut(&w, 0, false);
    world_run(&w, 4 * S);
    assert_int_equal(b.where, AURA_CLUSTER_THERE);
    assert_true(b.epoch == a.epoch);
    stats(0, &s);
    assert_int_equal(s.lost, 0);
    join(&w, 1, 2, &c);
    world_run(&w, S);
    assert_int_equal(c.where, AURA_CLUSTER_HERE);
    assert_true(c.epoch > a.epoch);
    world_end(&w);
    return 0;
}

static int one_that_lost_redis_stays_owner(void) {
    struct result a, b;
    struct aura_cluster_stats s;
    begin(2);
    join(&w, 0, 1, &a);
    world_run(&w, S);
    world_cut(&w, 0, true);
    world_run(&w, 30 * S); /* its record is long gone */
    join(&w, 1, 1, &b);
    world_run(&w, S);
    assert_int_equal(b.where, AURA_CLUSTER_THERE);
    assert_string_equal(b.address, w.nodes[0].address);
    stats(1, &s);
    assert_int_equal(s.probes, 1);
    assert_int_equal(s.taken_over, 0);
    world_end(&w);
    return 0;
}

/* Redis is restored from a copy that is older than the room, and somebody places it anew. */
static int the_older_epoch_is_fenced(void) {
    struct result a, b;
    struct aura_cluster_stats s;
    begin(2);
    join(&w, 0, 1, &a);
    world_run(&w, S);
    world_cut(&w, 0, true);
    w.rooms[1].epoch = 0;
    join(&w, 1, 1, &b);
    world_run(&w, S);
    assert_int_equal(b.where, AURA_CLUSTER_HERE);
    assert_true(w.nodes[0].rooms[1] && w.nodes[1].rooms[1]); /* two halves */
    world_cut(&w, 0, false);
    world_run(&w, S);
    assert_true(!w.nodes[0].rooms[1] && w.nodes[1].rooms[1]);
    assert_false(aura_cluster_owns(w.nodes[0].c, "room1"));
    stats(0, &s);
    assert_int_equal(s.lost, 1);
    world_end(&w);
    return 0;
}

static void on_drained(void *arg) {
    *(bool *)arg = true;
}

static int a_draining_node_gives_away(void) {
    struct result a, b, c;
    bool drained = false;
    begin(2);
    join(&w, 0, 1, &a);
    world_run(&w, S);
    aura_cluster_drain(w.nodes[0].c, on_drained, &drained);
    assert_false(drained); /* first the others must be able to know */
    world_run(&w, S);
    assert_true(drained);
    join(&w, 0, 1, &b); /* who comes to the old node is sent to the new one */
    world_run(&w, S);
    assert_int_equal(b.where, AURA_CLUSTER_THERE);
    assert_string_equal(b.node, w.nodes[1].id);
    assert_true(b.epoch > a.epoch);
    join(&w, 1, 1, &c);
    world_run(&w, S);
    assert_int_equal(c.where, AURA_CLUSTER_HERE);
    assert_true(c.epoch == b.epoch);
    world_end(&w);
    return 0;
}

static int none_is_left(void) {
    struct result a;
    bool drained = false;
    begin(1);
    aura_cluster_drain(w.nodes[0].c, on_drained, &drained);
    world_run(&w, S);
    join(&w, 0, 1, &a);
    world_run(&w, AURA_CLUSTER_FIND_MS * AURA_US_PER_MS + S);
    assert_true(a.done);
    assert_int_equal(a.where, AURA_CLUSTER_UNKNOWN);
    assert_non_null(strstr(a.why, "drain"));
    world_end(&w);
    return 0;
}

static int the_idlest_gets_it(void) {
    struct result a;
    w.rand = NULL;
    begin(3);
    w.nodes[0].cpu = 950;
    w.nodes[1].cpu = 700;
    w.nodes[2].cpu = 200;
    world_run(&w, 3 * S);
    join(&w, 0, 1, &a);
    world_run(&w, S);
    assert_int_equal(a.where, AURA_CLUSTER_THERE);
    assert_string_equal(a.node, w.nodes[2].id);
    world_end(&w);
    return 0;
}

static int a_search_can_be_ended(void) {
    struct result a;
    begin(1);
    join(&w, 0, 1, &a);
    aura_cluster_find_stop(&a.find);
    aura_cluster_find_stop(&a.find);
    world_run(&w, S);
    assert_false(a.done);
    assert_false(aura_cluster_find_again(&a.find));
    world_run(&w, 15 * S); /* it was placed all the same, and nobody came */
    assert_int_equal(w.rooms[1].epoch == 0, false);
    world_end(&w);
    return 0;
}

/* Every allocation fails once: no room is opened by a node that does not hold it. */
static int without_memory(void) {
    struct result a;
    memset(&a, 0, sizeof(a));
    int err = world_start(&w, 1);
    if (!err) {
        world_run(&w, 7 * S);
        join(&w, 0, 1, &a);
        world_run(&w, 20 * S);
        assert_true(a.done);
        err = a.where == AURA_CLUSTER_HERE ? 0 : AURA_ENOMEM;
    }
    world_end(&w);
    return err;
}

int main(void) {
    const struct CMUnitTest cases[] = {
        AURA_PLAIN(one_owner_for_all),
        AURA_PLAIN(a_look_makes_none),
        AURA_PLAIN(an_ended_room_is_released),
        AURA_PLAIN(a_killed_owner_is_replaced),
        AURA_PLAIN(one_that_ends_in_order_is_replaced_at_once),
        AURA_PLAIN(redis_away_stops_nothing),
        AURA_PLAIN(redis_comes_back_empty),
        AURA_PLAIN(one_that_lost_redis_stays_owner),
        AURA_PLAIN(the_older_epoch_is_fenced),
        AURA_PLAIN(a_draining_node_gives_away),
        AURA_PLAIN(none_is_left),
        AURA_PLAIN(the_idlest_gets_it),
        AURA_PLAIN(a_search_can_be_ended),
        AURA_CASE(without_memory),
    };
    return RUN_CASES("cluster", cases);
}
