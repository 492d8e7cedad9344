/* SPDX-License-Identifier: Apache-2.0 */
/* Calls between devices: who may ring whom, groups, agents, and what fails. */
#include "exchange_world.h"

#include <string.h>

static const char *const allow[] = {"one>two"};

static int who_is_in_a_call_is_busy(void) {
    struct world w;
    world_begin(&w);
    assert_int_equal(world_ring(&w, &w.ann, "one", "a1", &w.bob), 0);
    assert_int_equal(world_accept_on(&w, &w.bob, "one", "b1"), 0);
    w.log[0] = 0;
    assert_int_equal(world_ring(&w, &w.cid, "two", "c1", &w.bob), 0);
    world_told(
        &w, "b1 missed @cid.aura busy\nb2 missed @cid.aura busy\nc1 person @bob.aura ended busy\n"
            "room -cid\nc1 over busy\nroom closes\n");
    world_end(&w);
    return 0;
}

static int other_apps_devices_are_left_alone(void) {
    struct world w;
    const struct aura_exchange_conf conf = {
        .rules.reach = {.cross_app = AURA_PRIVACY_CONTACTS, .allow = allow, .allow_count = 1}};
    const struct aura_proof second = {"livekit/three", "bob"};
    assert_int_equal(world_begin_with(&w, &conf), 0);
    assert_int_equal(aura_directory_link(w.d, &w.bob, &second), 0);
    assert_int_equal(world_come(&w, 0, &w.ann, "one", "a1"), 0);
    assert_int_equal(world_come(&w, 1, &w.bob, "one", "b1"), 0);
    assert_int_equal(world_come(&w, 2, &w.bob, "three", "b3"), 0);
    assert_int_equal(world_come(&w, 3, &w.cid, "two", "c1"), 0);
    assert_int_equal(aura_directory_device(w.d, &w.bob, "one", "phone", "push-1"), 0);
    assert_int_equal(aura_directory_device(w.d, &w.bob, "three", "phone", "push-3"), 0);
    assert_int_equal(aura_directory_device(w.d, &w.bob, "one", "b1", "connected"), 0);
    w.log[0] = 0;
    assert_int_equal(world_ring(&w, &w.ann, "one", "a1", &w.bob), 0);
    world_told(&w, "b1 ring @ann.aura\npush aura_call_ringing one/phone push-1\n");
    assert_int_equal(world_accept_on(&w, &w.bob, "three", "b3"), AURA_ENOENT);
    assert_int_equal(world_leave_on(&w, &w.ann, "a1"), 0);
    world_told(&w,
               "room -ann\na1 over cancelled\nb1 quiet cancelled\npush aura_call_quiet one/phone "
               "push-1\nb1 missed @ann.aura cancelled\nroom closes\n");
    assert_int_equal(world_ring(&w, &w.cid, "two", "c1", &w.bob), AURA_ENOENT);
    assert_int_equal(world_ring(&w, &w.ann, "one", "a1", &w.cid), 0); /* that way it is allowed */
    world_told(&w, "c1 ring @ann.aura\n");
    assert_int_equal(world_leave_on(&w, &w.ann, "a1"), 0);
    assert_int_equal(aura_directory_set_stance(w.d, &w.bob, &w.ann, AURA_STANCE_ALLOW), 0);
    w.log[0] = 0;
    assert_int_equal(world_ring(&w, &w.ann, "one", "a1", &w.bob), 0);
    world_told(
        &w, "b1 ring @ann.aura\nb3 ring @ann.aura\npush aura_call_ringing one/phone push-1\npush "
            "aura_call_ringing three/phone push-3\n");
    assert_int_equal(world_accept_on(&w, &w.bob, "three", "b3"), 0);
    world_told(&w,
               "b1 quiet answered_elsewhere\npush aura_call_quiet one/phone push-1\npush "
               "aura_call_quiet three/phone push-3\na1 join ann@one\nb3 join bob@three\na1 person "
               "@bob.aura accepted\nb3 person @ann.aura accepted\n");
    world_end(&w);
    return 0;
}

static int nobody_can_be_told_apart(void) {
    struct world w;
    const struct aura_id nobody = {"nobody"};
    world_begin(&w);
    assert_int_equal(aura_directory_set_stance(w.d, &w.bob, &w.ann, AURA_STANCE_BLOCK), 0);
    assert_int_equal(world_ring(&w, &w.ann, "one", "a1", &w.bob), AURA_ENOENT);
    assert_int_equal(world_ring(&w, &w.ann, "one", "a1", &nobody), AURA_ENOENT);
    assert_int_equal(world_ring(&w, &w.ann, "one", "a9", &w.cid), AURA_ECLOSED);
    assert_int_equal(world_ring(&w, &w.ann, "one", "a/1", &w.cid), AURA_EINVAL);
    assert_int_equal(world_ring(&w, &w.ann, "one", "a1", &w.ann), AURA_EINVAL);
    world_told(&w, "");
    const struct aura_id group[] = {nobody, w.cid, w.bob};
    const struct aura_exchange_caller c = world_of(&w.ann, "one", "a1");
    struct aura_exchange_rung rung;
    assert_int_equal(aura_exchange_ring(w.x, &c, group, 3, false, &rung), 0);
    assert_true(!rung.reached[0] && rung.reached[1] && !rung.reached[2]);
    world_told(&w, "c1 ring @ann.aura\n");
    world_end(&w);
    return 0;
}

static int spam_is_held_back(void) {
    struct world w;
    const struct aura_exchange_conf conf = {.rules = {.rings_per_minute = 4,
                                                      .strangers_per_minute = 2,
                                                      .reach.cross_app = AURA_PRIVACY_EVERYONE}};
    const struct aura_id nobody = {"nobody"};
    assert_int_equal(world_begin_with(&w, &conf), 0);
    assert_int_equal(world_come(&w, 0, &w.ann, "one", "a1"), 0);
    assert_int_equal(world_come(&w, 1, &w.cid, "two", "c1"), 0);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(world_ring(&w, &w.ann, "one", "a1", &w.bob), 0);
        assert_int_equal(world_leave_on(&w, &w.ann, "a1"), 0);
    }
    assert_int_equal(world_ring(&w, &w.ann, "one", "a1", &w.bob),
                     AURA_ELIMIT); /* bob has had enough */
    assert_int_equal(world_ring(&w, &w.cid, "two", "c1", &w.bob),
                     AURA_ELIMIT); /* of all strangers */
    assert_int_equal(aura_directory_set_stance(w.d, &w.bob, &w.cid, AURA_STANCE_ALLOW), 0);
    assert_int_equal(world_ring(&w, &w.cid, "two", "c1", &w.bob), 0); /* not of friends */
    assert_int_equal(world_ring(&w, &w.ann, "one", "a1", &nobody), AURA_ENOENT);
    const struct aura_exchange_caller c = world_of(&w.ann, "one", "a1");
    struct aura_exchange_rung rung;
    assert_int_equal(aura_exchange_ring(w.x, &c, &w.cid, 1, false, &rung), AURA_ELIMIT);
    assert_int_equal(rung.wait_s, 15); /* four a minute, whether anybody was there or not */
    world_pass(&w, 15000);
    assert_int_equal(world_ring(&w, &w.ann, "one", "a1", &w.cid), 0);
    world_end(&w);
    return 0;
}

static int groups_and_transfers(void) {
    struct world w;
    uint32_t wait_s;
    world_begin(&w);
    assert_int_equal(world_ring(&w, &w.ann, "one", "a1", &w.bob), 0);
    const struct aura_exchange_caller a = world_of(&w.ann, "one", "a1"),
                                      b = world_of(&w.bob, "one", "b1");
    assert_int_equal(aura_exchange_add(w.x, w.call, &b, &w.cid, false, &wait_s), AURA_ESTATE);
    assert_int_equal(world_accept_on(&w, &w.bob, "one", "b1"), 0);
    w.log[0] = 0;
    /* By who asks it is decided, not by who began the call. */
    assert_int_equal(aura_directory_set_stance(w.d, &w.cid, &w.ann, AURA_STANCE_BLOCK), 0);
    assert_int_equal(aura_exchange_add(w.x, w.call, &a, &w.cid, false, &wait_s), AURA_ENOENT);
    assert_int_equal(aura_exchange_add(w.x, w.call, &b, &w.cid, true, &wait_s), 0);
    assert_int_equal(aura_exchange_add(w.x, w.call, &b, &w.cid, true, &wait_s), AURA_EEXISTS);
    world_told(&w, "a1 person @cid.aura ringing\nb1 person @cid.aura ringing\nc1 ring @bob.aura\n");
    assert_int_equal(world_accept_on(&w, &w.cid, "two", "c1"), 0);
    world_told(&w,
               "c1 join cid@two\na1 person @cid.aura accepted\nb1 person @cid.aura accepted\nc1 "
               "person @ann.aura accepted\nc1 person @bob.aura accepted\nroom -bob\nb1 over "
               "transferred\na1 person @bob.aura ended transferred\nc1 person @bob.aura ended "
               "transferred\n");
    json_t *shown = aura_exchange_show(w.x, w.call, &w.cid);
    assert_int_equal(json_array_size(json_object_get(shown, "people")), 2);
    json_decref(shown);
    assert_null(aura_exchange_show(w.x, w.call, &w.bob));
    world_end(&w);
    return 0;
}

static int agents_answer_when_they_are_there(void) {
    struct world w;
    world_begin(&w);
    assert_int_equal(world_ring(&w, &w.ann, "one", "a1", &w.bot), 0);
    world_told(&w, "agent bot of one for ann\n");
    aura_exchange_agent_joined(w.x, w.call, &w.bot);
    world_told(&w, "a1 join ann@one\na1 person @bot.aura accepted\n");
    aura_exchange_agent_left(w.x, w.call, &w.bot);
    world_told(&w,
               "room -bot\na1 person @bot.aura ended left\nroom -ann\na1 over left\nroom closes\n");
    aura_exchange_agent_joined(w.x, w.call, &w.bot); /* too late */
    w.agent_fails = AURA_ENOMEM;
    assert_int_equal(world_ring(&w, &w.ann, "one", "a1", &w.bot), 0);
    world_pass(&w, 0);
    world_told(&w,
               "agent bot of one for ann\na1 person @bot.aura ended busy\nroom -ann\na1 over busy\n"
               "room closes\n");
    /* The caller hangs up before it is known that no agent can be had. */
    assert_int_equal(world_ring(&w, &w.ann, "one", "a1", &w.bot), 0);
    assert_int_equal(world_leave_on(&w, &w.ann, "a1"), 0);
    world_pass(&w, 0);
    world_end(&w);
    return 0;
}

static int without_a_room_it_rings_on(void) {
    struct world w;
    world_begin(&w);
    w.open_fails = AURA_ELIMIT;
    assert_int_equal(world_ring(&w, &w.ann, "one", "a1", &w.bob), 0);
    assert_int_equal(world_accept_on(&w, &w.bob, "one", "b1"), AURA_EAGAIN);
    world_told(&w, world_rings);
    w.open_fails = 0;
    assert_int_equal(world_accept_on(&w, &w.bob, "one", "b1"), 0);
    world_told(&w, world_connects);
    world_end(&w);
    return 0;
}

/* One app's devices and calls do not take all that there may be; rules may change at any time. */
static int no_app_takes_all(void) {
    struct world w;
    const struct aura_exchange_conf conf = {.rules = {.reach.cross_app = AURA_PRIVACY_EVERYONE,
                                                      .max_devices_of_app = 2,
                                                      .max_calls_of_app = 1}};
    assert_int_equal(world_begin_with(&w, &conf), 0);
    assert_int_equal(world_come(&w, 0, &w.ann, "one", "a1"), 0);
    assert_int_equal(world_come(&w, 1, &w.bob, "one", "b1"), 0);
    assert_int_equal(world_come(&w, 2, &w.bob, "one", "b2"), AURA_ELIMIT);
    assert_int_equal(world_come(&w, 3, &w.cid, "two", "c1"), 0);
    world_go(&w, 1);
    assert_int_equal(world_come(&w, 2, &w.bob, "one", "b2"), 0);
    assert_int_equal(world_ring(&w, &w.ann, "one", "a1", &w.bob), 0);
    assert_int_equal(world_ring(&w, &w.bob, "one", "b2", &w.cid), AURA_ELIMIT);
    assert_int_equal(world_ring(&w, &w.cid, "two", "c1", &w.ann), 0);
    assert_int_equal(world_leave_on(&w, &w.cid, "c1"), 0);
    memcpy(w.call, "", 1);
    world_pass(&w, RING_S * 1000);
    assert_int_equal(world_ring(&w, &w.bob, "one", "b2", &w.cid), 0);
    /* Now there is a name for nobody from another app, and rings are short. */
    struct aura_exchange_rules rules = {.reach = aura_exchange_reach(w.x), .ring_us = 5000000};
    rules.reach.cross_app = AURA_PRIVACY_NOBODY;
    aura_exchange_change(w.x, &rules);
    assert_int_equal(world_come(&w, 4, &w.ann, "one", "a4"), 0);
    assert_int_equal(world_ring(&w, &w.cid, "two", "c1", &w.ann), AURA_ENOENT);
    assert_int_equal(world_ring(&w, &w.ann, "one", "a1", &w.bob), 0);
    w.log[0] = 0;
    world_pass(&w, 5000);
    assert_non_null(strstr(w.log, "b2 quiet timeout\n"));
    world_end(&w);
    return 0;
}

/* At its ceiling an app's people still get the call that they have, or are just wanted for. */
static int full_apps_keep_their_calls(void) {
    struct world w;
    char first[AURA_CALL_ID_BYTES];
    const struct aura_exchange_conf conf = {
        .rules = {.reach.cross_app = AURA_PRIVACY_EVERYONE, .max_calls_of_app = 1}};
    assert_int_equal(world_begin_with(&w, &conf), 0);
    assert_int_equal(world_come(&w, 0, &w.ann, "one", "a1"), 0);
    assert_int_equal(world_come(&w, 1, &w.bob, "one", "b1"), 0);
    assert_int_equal(world_ring(&w, &w.ann, "one", "a1", &w.bob), 0);
    memcpy(first, w.call, sizeof(first));
    assert_int_equal(world_ring(&w, &w.ann, "one", "a1", &w.bob), 0); /* again */
    assert_string_equal(w.call, first);
    assert_int_equal(world_ring(&w, &w.ann, "one", "a1", &w.cid), AURA_ELIMIT);
    w.log[0] = 0;
    assert_int_equal(world_ring(&w, &w.bob, "one", "b1", &w.ann), 0); /* glare */
    assert_string_equal(w.call, first);
    assert_non_null(strstr(w.log, "b1 join"));
    world_end(&w);
    return 0;
}

/* Whatever fails for want of memory: nothing is lost without a word, and nothing leaks. */
static int memory_fails(void) {
    struct world w;
    const struct aura_exchange_conf conf = {.rules.rings_per_minute = 10,
                                            .rules.reach.cross_app = AURA_PRIVACY_EVERYONE};
    TRY(world_begin_with(&w, &conf));
    w.quiet = true;
    int err = world_come(&w, 0, &w.ann, "one", "a1");
    err = err ? err : world_come(&w, 1, &w.bob, "one", "b1");
    err = err ? err : world_ring(&w, &w.ann, "one", "a1", &w.bob);
    err = err ? err : world_accept_on(&w, &w.bob, "one", "b1");
    if (!err) {
        world_go(&w, 1);
        world_pass(&w, GRACE_S * 1000);
    }
    world_end(&w);
    return aura_mem_failed() ? AURA_ENOMEM : err;
}

int main(void) {
    const struct CMUnitTest cases[] = {
        AURA_PLAIN(who_is_in_a_call_is_busy),   AURA_PLAIN(other_apps_devices_are_left_alone),
        AURA_PLAIN(nobody_can_be_told_apart),   AURA_PLAIN(spam_is_held_back),
        AURA_PLAIN(no_app_takes_all),           AURA_PLAIN(full_apps_keep_their_calls),
        AURA_PLAIN(groups_and_transfers),       AURA_PLAIN(agents_answer_when_they_are_there),
        AURA_PLAIN(without_a_room_it_rings_on), AURA_CASE(memory_fails),
    };
    return RUN_CASES("auraid/exchange_rules", cases);
}
