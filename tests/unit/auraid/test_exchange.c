/* SPDX-License-Identifier: Apache-2.0 */
/* Calls between devices: each race that there is. */
#include "exchange_world.h"

#include <string.h>

static int accepted_before_it_is_cancelled(void) {
    struct world w;
    world_begin(&w);
    assert_int_equal(world_ring(&w, &w.ann, "one", "a1", &w.bob), 0);
    world_told(&w, world_rings);
    assert_int_equal(world_accept_on(&w, &w.bob, "one", "b1"), 0);
    world_told(&w, world_connects);
    assert_int_equal(world_leave_on(&w, &w.ann, "a1"), 0); /* was meant to cancel: it hangs up */
    world_told(&w,
               "room -ann\na1 over left\nb1 person @ann.aura ended left\nroom -bob\nb1 over left\n"
               "room closes\n");
    world_end(&w);
    return 0;
}

static int cancelled_before_it_is_accepted(void) {
    struct world w;
    world_begin(&w);
    assert_int_equal(world_ring(&w, &w.ann, "one", "a1", &w.bob), 0);
    world_told(&w, world_rings);
    assert_int_equal(world_leave_on(&w, &w.ann, "a1"), 0);
    world_told(&w,
               "room -ann\na1 over cancelled\nb1 quiet cancelled\nb2 quiet cancelled\nb1 missed "
               "@ann.aura cancelled\nb2 missed @ann.aura cancelled\nroom closes\n");
    assert_int_equal(world_accept_on(&w, &w.bob, "one", "b1"), AURA_ENOENT);
    world_told(&w, "");
    world_end(&w);
    return 0;
}

static int accepted_twice(void) {
    struct world w;
    world_begin(&w);
    assert_int_equal(world_ring(&w, &w.ann, "one", "a1", &w.bob), 0);
    world_told(&w, world_rings);
    assert_int_equal(world_accept_on(&w, &w.bob, "one", "b1"), 0);
    assert_int_equal(world_accept_on(&w, &w.bob, "one", "b2"), AURA_ESTATE);
    assert_int_equal(world_accept_on(&w, &w.bob, "one", "b1"),
                     0); /* asked again: no second token */
    world_told(&w, world_connects);
    world_end(&w);
    return 0;
}

static int declined_and_accepted(void) {
    struct world w;
    world_begin(&w);
    assert_int_equal(world_ring(&w, &w.ann, "one", "a1", &w.bob), 0);
    assert_int_equal(world_decline_on(&w, &w.bob, "b2"), 0);
    assert_int_equal(world_accept_on(&w, &w.bob, "one", "b1"), AURA_ENOENT);
    world_told(
        &w, "b1 ring @ann.aura\nb2 ring @ann.aura\nb1 quiet declined\nb2 quiet declined\na1 person "
            "@bob.aura ended declined\nroom -ann\na1 over declined\nroom closes\n");
    assert_int_equal(world_ring(&w, &w.ann, "one", "a1", &w.bob), 0);
    assert_int_equal(world_accept_on(&w, &w.bob, "one", "b1"), 0);
    assert_int_equal(world_decline_on(&w, &w.bob, "b2"), AURA_ESTATE);
    world_end(&w);
    return 0;
}

static int timed_out_and_accepted(void) {
    struct world w;
    world_begin(&w);
    assert_int_equal(world_ring(&w, &w.ann, "one", "a1", &w.bob), 0);
    world_pass(&w, RING_S * 1000 - 1);
    world_told(&w, world_rings);
    assert_int_equal(world_accept_on(&w, &w.bob, "one", "b1"), 0); /* in the last millisecond */
    world_told(&w, world_connects);
    assert_int_equal(world_leave_on(&w, &w.bob, "b1"), 0);
    w.log[0] = 0;
    assert_int_equal(world_ring(&w, &w.ann, "one", "a1", &w.bob), 0);
    world_pass(&w, RING_S * 1000);
    assert_int_equal(world_accept_on(&w, &w.bob, "one", "b1"), AURA_ENOENT);
    world_told(
        &w, "b1 ring @ann.aura\nb2 ring @ann.aura\nb1 quiet timeout\nb2 quiet timeout\nb1 missed "
            "@ann.aura timeout\nb2 missed @ann.aura timeout\na1 person @bob.aura ended timeout\n"
            "room -ann\na1 over timeout\nroom closes\n");
    assert_int_equal(world_come(&w, 4, &w.bob, "one", "b3"), 0);
    world_told(&w, "b3 hello 1\n"); /* it is told what was missed, and rings no more */
    world_end(&w);
    return 0;
}

static int both_ring_each_other(void) {
    struct world w;
    char first[AURA_CALL_ID_BYTES];
    world_begin(&w);
    assert_int_equal(world_ring(&w, &w.ann, "one", "a1", &w.bob), 0);
    memcpy(first, w.call, sizeof(first));
    /* Not even who wants calls from nobody is unreachable for the one that they ring. */
    struct aura_identity who;
    assert_int_equal(aura_directory_get(w.d, &w.ann, &who), 0);
    who.privacy = AURA_PRIVACY_NOBODY;
    assert_int_equal(aura_directory_update(w.d, &who), 0);
    assert_int_equal(world_ring(&w, &w.bob, "one", "b1", &w.ann), 0);
    assert_string_equal(first, w.call);
    char both[1000];
    (void)snprintf(both, sizeof(both), "%s%s", world_rings, world_connects);
    world_told(&w, both);
    world_end(&w);
    return 0;
}

static int comes_back_while_it_rings(void) {
    struct world w;
    world_begin(&w);
    assert_int_equal(world_ring(&w, &w.ann, "one", "a1", &w.bob), 0);
    world_go(&w, 2);
    world_told(&w, world_rings);
    assert_int_equal(world_come(&w, 2, &w.bob, "one", "b2"), 0);
    world_told(&w, "b2 hello 0\nb2 ring @ann.aura\n");
    /* The caller's device too: the call goes on for a while without it. */
    world_go(&w, 0);
    world_pass(&w, GRACE_S * 500 - 1);
    assert_int_equal(world_come(&w, 0, &w.ann, "one", "a1"), 0);
    world_end(&w);
    return 0;
}

static int comes_back_after_another_has_answered(void) {
    struct world w;
    world_begin(&w);
    assert_int_equal(world_ring(&w, &w.ann, "one", "a1", &w.bob), 0);
    world_go(&w, 2);
    assert_int_equal(world_accept_on(&w, &w.bob, "one", "b1"), 0);
    w.log[0] = 0;
    assert_int_equal(world_come(&w, 2, &w.bob, "one", "b2"), 0);
    world_told(&w, "b2 hello 0\n"); /* no stale ring */
    assert_int_equal(world_accept_on(&w, &w.bob, "one", "b2"), AURA_ESTATE);
    world_end(&w);
    return 0;
}

static int a_device_is_gone_in_a_call(void) {
    struct world w;
    world_begin(&w);
    assert_int_equal(world_ring(&w, &w.ann, "one", "a1", &w.bob), 0);
    assert_int_equal(world_accept_on(&w, &w.bob, "one", "b1"), 0);
    w.log[0] = 0;
    world_go(&w, 1);
    world_pass(&w, GRACE_S * 1000 - 1);
    assert_int_equal(world_come(&w, 1, &w.bob, "one", "b1"), 0); /* in time: what is so now */
    world_told(&w, "b1 hello 0\nb1 join bob@one\nb1 person @ann.aura accepted\n");
    world_pass(&w, GRACE_S * 2000);
    world_told(&w, "");
    world_go(&w, 1);
    world_pass(&w, GRACE_S * 1000);
    world_told(&w,
               "room -bob\na1 person @bob.aura ended device_gone\nroom -ann\na1 over device_gone\n"
               "room closes\n");
    assert_int_equal(world_come(&w, 1, &w.bob, "one", "b1"), 0);
    world_told(&w, "b1 hello 0\n");
    world_end(&w);
    return 0;
}

/* The caller's device is away when the other one accepts; and a caller who stays away cancels. */
static int the_caller_is_away(void) {
    struct world w;
    world_begin(&w);
    assert_int_equal(world_ring(&w, &w.ann, "one", "a1", &w.bob), 0);
    world_go(&w, 0);
    assert_int_equal(world_accept_on(&w, &w.bob, "one", "b1"), 0);
    w.log[0] = 0;
    assert_int_equal(world_come(&w, 0, &w.ann, "one", "a1"), 0);
    world_told(&w, "a1 hello 0\na1 join ann@one\na1 person @bob.aura accepted\n");
    assert_int_equal(world_leave_on(&w, &w.ann, "a1"), 0);
    assert_int_equal(world_ring(&w, &w.ann, "one", "a1", &w.bob), 0);
    world_go(&w, 0);
    w.log[0] = 0;
    world_pass(&w, RING_S * 1000 - 1);
    world_told(&w, "");
    world_end(&w);
    return 0;
}

static int a_slow_reader_is_closed_and_told_later(void) {
    struct world w;
    world_begin(&w);
    w.lines[2].queued = AURA_HUB_QUEUE_BYTES_MAX + 1;
    assert_int_equal(world_ring(&w, &w.ann, "one", "a1", &w.bob), 0);
    world_told(&w, "b1 ring @ann.aura\n");
    assert_int_equal(w.lines[2].code, AURA_HUB_TOO_SLOW);
    assert_int_equal(world_accept_on(&w, &w.bob, "one", "b2"), AURA_ECLOSED);
    world_go(&w, 2);
    assert_int_equal(world_come(&w, 2, &w.bob, "one", "b2"), 0);
    world_told(&w, "b2 hello 0\nb2 ring @ann.aura\n");
    struct aura_exchange_stats stats;
    aura_exchange_stats(w.x, &stats);
    assert_int_equal(stats.slow_closed, 1);
    assert_int_equal(stats.devices, 4);
    world_end(&w);
    return 0;
}

/* A new connection of a device in a call takes over: nothing is away. */
static int a_device_connects_twice(void) {
    struct world w;
    world_begin(&w);
    assert_int_equal(world_ring(&w, &w.ann, "one", "a1", &w.bob), 0);
    assert_int_equal(world_accept_on(&w, &w.bob, "one", "b1"), 0);
    w.log[0] = 0;
    struct line old = w.lines[1];
    assert_int_equal(world_come(&w, 4, &w.bob, "one", "b1"), 0);
    assert_int_equal(w.lines[1].code, AURA_HUB_REPLACED);
    world_told(&w, "b1 hello 0\nb1 join bob@one\nb1 person @ann.aura accepted\n");
    aura_exchange_closed(w.x, old.d);
    w.lines[1].d = NULL;
    world_pass(&w, GRACE_S * 2000);
    world_told(&w, "");
    world_end(&w);
    return 0;
}

int main(void) {
    const struct CMUnitTest cases[] = {
        AURA_PLAIN(accepted_before_it_is_cancelled),
        AURA_PLAIN(cancelled_before_it_is_accepted),
        AURA_PLAIN(accepted_twice),
        AURA_PLAIN(declined_and_accepted),
        AURA_PLAIN(timed_out_and_accepted),
        AURA_PLAIN(both_ring_each_other),
        AURA_PLAIN(comes_back_while_it_rings),
        AURA_PLAIN(comes_back_after_another_has_answered),
        AURA_PLAIN(a_device_is_gone_in_a_call),
        AURA_PLAIN(the_caller_is_away),
        AURA_PLAIN(a_slow_reader_is_closed_and_told_later),
        AURA_PLAIN(a_device_connects_twice),
    };
    return RUN_CASES("auraid/exchange", cases);
}
