/* SPDX-License-Identifier: Apache-2.0 */
/* Calls and their races, on a clock that stands still. Events are written down as lines
 * "TYPE to[/device|!device] about state reason" and compared whole. */
#include "auraid/calls.h"
#include "base/buf.h"
#include "harness.h"

#include <stdio.h>
#include <string.h>

static const struct aura_id alice = {"alice"}, bob = {"bob"}, carol = {"carol"}, dave = {"dave"};

struct world {
    struct aura_clock_manual clock;
    struct aura_rand_seeded rand;
    struct aura_timers *timers;
    struct aura_calls *calls;
    struct aura_buf log;
};

static void event(void *arg, const struct aura_call_event *e) {
    static const char *const types[] = {"ring", "quiet", "join", "person", "over", "missed"};
    static const char *const states[] = {" ringing", " accepted", " ended"};
    struct world *w = arg;
    bool person = e->type == AURA_CALL_PERSON,
         ring = e->type == AURA_CALL_RING || e->type == AURA_CALL_MISSED;
    aura_buf_printf(&w->log, "%s %s%s%s%s%s%s%s%s%s\n", types[e->type], e->to->name,
                    e->device || e->except ? e->device ? "/" : "!" : "",
                    e->device   ? e->device
                    : e->except ? e->except
                                : "",
                    person || ring ? " " : "", person || ring ? e->about->name : "",
                    person ? states[e->state] : "", e->reason ? " " : "",
                    aura_call_reason_name(e->reason), e->waiting ? " waiting" : "");
}

static void ended(void *arg, const char *call) {
    struct world *w = arg;
    assert_int_equal(strlen(call), AURA_CALL_ID_BYTES - 1);
    aura_buf_str(&w->log, "ended\n");
}

static int begin(struct world *w, bool busy_in_call) {
    aura_clock_manual_init(&w->clock, 1000, 0);
    aura_rand_seeded_init(&w->rand, 3);
    w->log = AURA_BUF(100000);
    w->timers = NULL;
    w->calls = NULL;
    TRY(aura_timers_new(&w->timers, &w->clock.clock));
    const struct aura_calls_conf conf = {.max_calls = 10,
                                         .busy_in_call = busy_in_call,
                                         .timers = w->timers,
                                         .rand = &w->rand.rand,
                                         .event = event,
                                         .ended = ended,
                                         .arg = w};
    int err = aura_calls_new(&w->calls, &conf);
    if (err) {
        aura_timers_free(w->timers);
    }
    return err;
}

static void end(struct world *w) {
    aura_calls_free(w->calls);
    assert_true(aura_timers_next_us(w->timers) == UINT64_MAX);
    aura_timers_free(w->timers);
    aura_buf_free(&w->log);
}

/* All that was told since the last time. */
static void told(struct world *w, const char *lines) {
    if (!w->log.err) { /* where memory fails the log may be cut */
        assert_string_equal(aura_buf_text(&w->log), lines);
    }
    aura_buf_clear(&w->log);
}

static void pass(struct world *w, uint64_t ms) {
    aura_clock_manual_advance(&w->clock, ms * 1000);
    aura_timers_run(w->timers);
}

static int ring(struct world *w, const struct aura_id *from, const char *device,
                const struct aura_id *to, size_t count, char id[AURA_CALL_ID_BYTES]) {
    const struct aura_call_request r = {
        .from = from, .to = to, .to_count = count, .device = device};
    return aura_calls_ring(w->calls, &r, id);
}

static int run_simple(struct world *w) {
    char id[AURA_CALL_ID_BYTES];
    TRY(ring(w, &alice, "a1", &bob, 1, id));
    told(w, "ring bob alice\n");
    pass(w, 29999);
    assert_int_equal(aura_calls_accept(w->calls, id, &bob, "b2"), 0);
    told(w, "quiet bob!b2 answered_elsewhere\njoin alice/a1\njoin bob/b2\nperson alice/a1 bob "
            "accepted\nperson bob/b2 alice accepted\n");
    pass(w, 3600000);
    assert_int_equal(aura_calls_leave(w->calls, id, &alice), 0);
    told(w, "over alice/a1 left\nperson bob/b2 alice ended left\nover bob/b2 left\nended\n");
    assert_int_equal(aura_calls_count(w->calls), 0);
    assert_int_equal(aura_calls_leave(w->calls, id, &bob), AURA_ENOENT);
    return 0;
}

static int two_people_talk(void) {
    struct world w;
    TRY(begin(&w, true));
    int err = run_simple(&w);
    end(&w);
    return err;
}

static int run_race(struct world *w) {
    char id[AURA_CALL_ID_BYTES];
    TRY(ring(w, &alice, "a1", &bob, 1, id));
    assert_int_equal(aura_calls_accept(w->calls, id, &bob, "b1"), 0);
    assert_int_equal(aura_calls_accept(w->calls, id, &bob, "b2"), AURA_ESTATE);
    assert_int_equal(aura_calls_accept(w->calls, id, &bob, "b1"), 0); /* asked twice */
    assert_int_equal(aura_calls_decline(w->calls, id, &bob, "b2", AURA_CALL_DECLINED), AURA_ESTATE);
    assert_int_equal(aura_calls_accept(w->calls, id, &carol, "c"), AURA_ENOENT);
    told(w, "ring bob alice\nquiet bob!b1 answered_elsewhere\njoin alice/a1\njoin bob/b1\nperson "
            "alice/a1 bob accepted\nperson bob/b1 alice accepted\n");
    return 0;
}

static int one_device_wins(void) {
    struct world w;
    TRY(begin(&w, true));
    int err = run_race(&w);
    end(&w);
    return err;
}

static int run_ends(struct world *w) {
    char id[AURA_CALL_ID_BYTES];
    TRY(ring(w, &alice, "a1", &bob, 1, id));
    assert_int_equal(aura_calls_decline(w->calls, id, &bob, "b1", AURA_CALL_DECLINED), 0);
    told(w, "ring bob alice\nquiet bob declined\nperson alice/a1 bob ended declined\nover alice/a1 "
            "declined\nended\n");
    assert_int_equal(aura_calls_accept(w->calls, id, &bob, "b2"), AURA_ENOENT); /* too late */
    TRY(ring(w, &alice, "a1", &bob, 1, id));
    assert_int_equal(aura_calls_decline(w->calls, id, &bob, "b1", AURA_CALL_BUSY), 0);
    told(w, "ring bob alice\nquiet bob busy\nperson alice/a1 bob ended busy\nover alice/a1 "
            "busy\nended\n");
    TRY(ring(w, &alice, "a1", &bob, 1, id));
    pass(w, 30000);
    told(w,
         "ring bob alice\nquiet bob timeout\nmissed bob alice timeout\nperson alice/a1 bob ended "
         "timeout\nover alice/a1 timeout\nended\n");
    TRY(ring(w, &alice, "a1", &bob, 1, id));
    assert_int_equal(aura_calls_leave(w->calls, id, &bob), AURA_ESTATE); /* it only rings there */
    assert_int_equal(aura_calls_leave(w->calls, id, &alice), 0);
    told(w, "ring bob alice\nover alice/a1 cancelled\nquiet bob cancelled\nmissed bob alice "
            "cancelled\nended\n");
    assert_int_equal(aura_calls_accept(w->calls, id, &bob, "b1"), AURA_ENOENT); /* too late */
    assert_int_equal(aura_calls_count(w->calls), 0);
    return 0;
}

static int calls_end_in_all_ways(void) {
    struct world w;
    TRY(begin(&w, true));
    int err = run_ends(&w);
    end(&w);
    return err;
}

static int run_glare(struct world *w) {
    char one[AURA_CALL_ID_BYTES], two[AURA_CALL_ID_BYTES];
    TRY(ring(w, &alice, "a1", &bob, 1, one));
    TRY(ring(w, &bob, "b1", &alice, 1, two));
    assert_string_equal(one, two);
    told(w, "ring bob alice\nquiet bob!b1 answered_elsewhere\njoin alice/a1\njoin bob/b1\nperson "
            "alice/a1 bob accepted\nperson bob/b1 alice accepted\n");
    assert_int_equal(aura_calls_count(w->calls), 1);
    assert_int_equal(aura_calls_leave(w->calls, one, &bob), 0);
    aura_buf_clear(&w->log);
    /* Somebody who rings a group is not taken for one who rings that person alone. */
    const struct aura_id both[] = {bob, carol};
    TRY(ring(w, &alice, "a1", both, 2, one));
    TRY(ring(w, &bob, "b1", &alice, 1, two));
    assert_string_not_equal(one, two);
    return 0;
}

static int people_who_call_each_other_meet(void) {
    struct world w;
    TRY(begin(&w, false));
    int err = run_glare(&w);
    end(&w);
    return err;
}

static int run_repeats(struct world *w) {
    char one[AURA_CALL_ID_BYTES], two[AURA_CALL_ID_BYTES];
    struct aura_id others[5] = {{"p0"}, {"p1"}, {"p2"}, {"p3"}, {"p4"}};
    TRY(ring(w, &alice, "a1", &bob, 1, one));
    TRY(ring(w, &alice, "a1", &bob, 1, two)); /* the button was pressed twice */
    assert_string_equal(one, two);
    told(w, "ring bob alice\n");
    for (int i = 0; i < 3; i++) {
        TRY(ring(w, &alice, "a1", &others[i], 1, one));
    }
    assert_int_equal(ring(w, &alice, "a1", &others[3], 1, one), AURA_ELIMIT);
    assert_int_equal(ring(w, &alice, "a1", &alice, 1, one), AURA_EINVAL);
    assert_int_equal(ring(w, &alice, "", &bob, 1, one), AURA_EINVAL);
    assert_int_equal(ring(w, &alice, "a1", &bob, 0, one), AURA_EINVAL);
    others[1] = others[0];
    assert_int_equal(ring(w, &bob, "b1", others, 2, one), AURA_EINVAL);
    return 0;
}

static int callers_are_held_back(void) {
    struct world w;
    TRY(begin(&w, false));
    int err = run_repeats(&w);
    end(&w);
    return err;
}

static int run_busy(struct world *w, bool busy_in_call) {
    char id[AURA_CALL_ID_BYTES];
    TRY(ring(w, &alice, "a1", &bob, 1, id));
    assert_int_equal(aura_calls_accept(w->calls, id, &bob, "b1"), 0);
    aura_buf_clear(&w->log);
    TRY(ring(w, &carol, "c1", &bob, 1, id));
    told(w, busy_in_call ? "missed bob carol busy\nperson carol/c1 bob ended busy\nover "
                           "carol/c1 busy\nended\n"
                         : "ring bob carol waiting\n");
    assert_int_equal(aura_calls_count(w->calls), busy_in_call ? 1 : 2);
    return 0;
}

static int people_in_calls_are_busy(void) {
    struct world w;
    TRY(begin(&w, true));
    int err = run_busy(&w, true);
    end(&w);
    return err;
}

static int people_in_calls_may_be_rung(void) {
    struct world w;
    TRY(begin(&w, false));
    int err = run_busy(&w, false);
    end(&w);
    return err;
}

static int run_group(struct world *w) {
    char id[AURA_CALL_ID_BYTES];
    const struct aura_id both[] = {bob, carol};
    TRY(ring(w, &alice, "a1", both, 2, id));
    told(w, "ring bob alice\nring carol alice\n");
    assert_int_equal(aura_calls_decline(w->calls, id, &bob, "b1", AURA_CALL_DECLINED), 0);
    told(w, "quiet bob declined\nperson alice/a1 bob ended declined\n");
    assert_int_equal(aura_calls_accept(w->calls, id, &carol, "c1"), 0);
    told(w, "quiet carol!c1 answered_elsewhere\njoin alice/a1\njoin carol/c1\nperson alice/a1 "
            "carol accepted\nperson carol/c1 alice accepted\n");
    TRY(aura_calls_add(w->calls, id, &carol, &dave)); /* upgraded, by any of them */
    told(w, "person alice/a1 dave ringing\nperson carol/c1 dave ringing\nring dave carol\n");
    assert_int_equal(aura_calls_add(w->calls, id, &alice, &dave), AURA_EEXISTS);
    assert_int_equal(aura_calls_add(w->calls, id, &dave, &bob), AURA_ESTATE);
    assert_int_equal(aura_calls_add(w->calls, id, &bob, &bob), AURA_ENOENT);
    assert_int_equal(aura_calls_leave(w->calls, id, &alice), 0); /* who began it may go */
    told(w, "over alice/a1 left\nperson carol/c1 alice ended left\n");
    assert_int_equal(aura_calls_accept(w->calls, id, &dave, "d1"), 0);
    told(w, "quiet dave!d1 answered_elsewhere\njoin dave/d1\nperson carol/c1 dave accepted\nperson "
            "dave/d1 carol accepted\n");
    TRY(aura_calls_add(w->calls, id, &dave, &alice)); /* and come back */
    told(w, "person carol/c1 alice ringing\nperson dave/d1 alice ringing\nring alice dave\n");
    assert_int_equal(aura_calls_leave(w->calls, id, &carol), 0);
    assert_int_equal(aura_calls_leave(w->calls, id, &dave), 0);
    told(w, "over carol/c1 left\nperson dave/d1 carol ended left\nover dave/d1 left\nquiet alice "
            "cancelled\nmissed alice dave cancelled\nended\n");
    assert_int_equal(aura_calls_count(w->calls), 0);
    return 0;
}

static int groups_grow_and_shrink(void) {
    struct world w;
    TRY(begin(&w, true));
    int err = run_group(&w);
    end(&w);
    return err;
}

static int run_transfer(struct world *w) {
    char id[AURA_CALL_ID_BYTES];
    TRY(ring(w, &alice, "a1", &bob, 1, id));
    assert_int_equal(aura_calls_accept(w->calls, id, &bob, "b1"), 0);
    TRY(aura_calls_transfer(w->calls, id, &bob, &carol));
    aura_buf_clear(&w->log);
    assert_int_equal(aura_calls_decline(w->calls, id, &carol, "c1", AURA_CALL_DECLINED), 0);
    told(w, "quiet carol declined\nperson alice/a1 carol ended declined\nperson bob/b1 carol ended "
            "declined\n"); /* nothing else changed */
    TRY(aura_calls_transfer(w->calls, id, &bob, &carol));
    aura_buf_clear(&w->log);
    assert_int_equal(aura_calls_accept(w->calls, id, &carol, "c1"), 0);
    told(w, "quiet carol!c1 answered_elsewhere\njoin carol/c1\nperson alice/a1 carol "
            "accepted\nperson bob/b1 carol accepted\nperson carol/c1 alice accepted\nperson "
            "carol/c1 bob accepted\nover bob/b1 transferred\nperson alice/a1 bob ended "
            "transferred\nperson carol/c1 bob ended transferred\n");
    /* Who asked has gone before the other accepts: an ordinary third person then. */
    TRY(aura_calls_transfer(w->calls, id, &carol, &dave));
    assert_int_equal(aura_calls_leave(w->calls, id, &carol), 0);
    aura_buf_clear(&w->log);
    assert_int_equal(aura_calls_accept(w->calls, id, &dave, "d1"), 0);
    told(w, "quiet dave!d1 answered_elsewhere\njoin dave/d1\nperson alice/a1 dave accepted\nperson "
            "dave/d1 alice accepted\n");
    return 0;
}

static int calls_are_handed_on(void) {
    struct world w;
    TRY(begin(&w, true));
    int err = run_transfer(&w);
    end(&w);
    return err;
}

static int run_present(struct world *w) {
    char id[AURA_CALL_ID_BYTES];
    const struct aura_id both[] = {bob, carol};
    TRY(ring(w, &alice, "a1", both, 2, id));
    aura_buf_clear(&w->log);
    aura_calls_present(w->calls, &bob, "b9");
    told(w, "ring bob/b9 alice\n");
    aura_calls_present(w->calls, &alice, "a1");
    told(w, "person alice/a1 bob ringing\nperson alice/a1 carol ringing\n");
    aura_calls_present(w->calls, &alice, "a2"); /* the call is the other device's */
    aura_calls_present(w->calls, &dave, "d1");
    told(w, "");
    assert_int_equal(aura_calls_accept(w->calls, id, &bob, "b9"), 0);
    aura_buf_clear(&w->log);
    aura_calls_present(w->calls, &alice, "a1");
    told(w, "join alice/a1\nperson alice/a1 bob accepted\nperson alice/a1 carol ringing\n");
    return 0;
}

static int devices_that_return_learn_what_is(void) {
    struct world w;
    TRY(begin(&w, true));
    int err = run_present(&w);
    end(&w);
    return err;
}

/* Two devices of alice are in two calls; only what the lost one had ends. */
static int run_gone(struct world *w) {
    char one[AURA_CALL_ID_BYTES], two[AURA_CALL_ID_BYTES];
    TRY(ring(w, &alice, "a1", &bob, 1, one));
    assert_int_equal(aura_calls_accept(w->calls, one, &bob, "b1"), 0);
    TRY(ring(w, &alice, "a2", &carol, 1, two));
    assert_true(aura_calls_holds(w->calls, &alice, "a2") && aura_calls_holds(w->calls, &bob, "b1"));
    assert_false(aura_calls_holds(w->calls, &carol, "c1") ||
                 aura_calls_holds(w->calls, &bob, "b2"));
    assert_true(aura_calls_rings(w->calls, &alice, &carol));
    assert_false(aura_calls_rings(w->calls, &alice, &bob));
    aura_buf_clear(&w->log);
    aura_calls_gone(w->calls, &alice, "a3");
    told(w, "");
    aura_calls_gone(w->calls, &alice, "a2");
    told(w, "over alice/a2 device_gone\nquiet carol cancelled\nmissed carol alice "
            "cancelled\nended\n");
    assert_int_equal(aura_calls_accept(w->calls, two, &carol, "c1"), AURA_ENOENT); /* too late */
    aura_calls_gone(w->calls, &bob, "b1");
    told(w, "over bob/b1 device_gone\nperson alice/a1 bob ended device_gone\nover alice/a1 "
            "device_gone\nended\n");
    assert_int_equal(aura_calls_count(w->calls), 0);
    return 0;
}

static int devices_that_stay_away_leave(void) {
    struct world w;
    TRY(begin(&w, false));
    int err = run_gone(&w);
    end(&w);
    return err;
}

static void write_leg(void *arg, const struct aura_leg_view *leg) {
    static const char *const states[] = {"ringing", "accepted", "ended"};
    struct world *w = arg;
    aura_buf_printf(&w->log, "%s/%s %s by %s/%s\n", leg->who->name, leg->device, states[leg->state],
                    leg->by->name, leg->by_device);
}

static int run_look(struct world *w) {
    char id[AURA_CALL_ID_BYTES];
    struct aura_call_view view;
    TRY(ring(w, &alice, "a1", &bob, 1, id));
    assert_int_equal(aura_calls_accept(w->calls, id, &bob, "b1"), 0);
    TRY(aura_calls_add(w->calls, id, &bob, &carol));
    aura_buf_clear(&w->log);
    assert_int_equal(aura_calls_look(w->calls, id, &dave, &view, write_leg, w), AURA_ENOENT);
    assert_int_equal(aura_calls_look(w->calls, "CA_", &bob, &view, write_leg, w), AURA_ENOENT);
    assert_int_equal(aura_calls_look(w->calls, id, &carol, &view, write_leg, w), 0);
    told(w, "carol/ ringing by bob/b1\nalice/a1 accepted by alice/\nbob/b1 accepted by "
            "alice/a1\n");
    assert_string_equal(view.initiator->name, "alice");
    assert_true(view.connected && !view.video);
    return 0;
}

static int calls_can_be_looked_at(void) {
    struct world w;
    TRY(begin(&w, false));
    int err = run_look(&w);
    end(&w);
    return err;
}

int main(void) {
    const struct CMUnitTest cases[] = {
        AURA_CASE(two_people_talk),
        AURA_CASE(one_device_wins),
        AURA_CASE(calls_end_in_all_ways),
        AURA_CASE(people_who_call_each_other_meet),
        AURA_CASE(callers_are_held_back),
        AURA_CASE(people_in_calls_are_busy),
        AURA_CASE(people_in_calls_may_be_rung),
        AURA_CASE(groups_grow_and_shrink),
        AURA_CASE(calls_are_handed_on),
        AURA_CASE(devices_that_return_learn_what_is),
        AURA_CASE(devices_that_stay_away_leave),
        AURA_CASE(calls_can_be_looked_at),
    };
    return RUN_CASES("auraid/calls", cases);
}
