/* SPDX-License-Identifier: Apache-2.0 */
/* Calls between devices, with each race that there is, on a clock that stands still. What devices
 * are told is written down as "device event …" and compared whole; sequence numbers are checked on
 * the way. */
#include "auraid/exchange.h"
#include "harness.h"

#include <stdio.h>
#include <string.h>

enum { DEVICES = 8, LOG_BYTES = 20000, RING_S = 30, GRACE_S = 60 };

struct world;

struct line {
    struct world *w;
    const char *name;
    struct aura_hub_device *d;
    json_int_t seq;
    size_t queued;
    int code;
};

struct world {
    struct aura_clock_manual clock;
    struct aura_rand_seeded rand;
    struct aura_timers *timers;
    struct aura_directory *d;
    struct aura_exchange *x;
    struct line lines[DEVICES];
    size_t count;
    struct aura_id ann, bob, cid, bot;
    char call[AURA_CALL_ID_BYTES];
    char log[LOG_BYTES];
    int open_fails, agent_fails;
    bool quiet; /* nothing is written down */
};

static const char *const allow[] = {"one>two"};

static void note(struct world *w, const char *text) {
    size_t len = strlen(w->log);
    if (!w->quiet) {
        assert_true(len + strlen(text) + 2 < sizeof(w->log));
        (void)snprintf(w->log + len, sizeof(w->log) - len, "%s\n", text);
    }
}

/* All that was told since the last time. */
static void told(struct world *w, const char *lines) {
    if (!w->quiet) {
        assert_string_equal(w->log, lines);
    }
    w->log[0] = 0;
}

/* ---- hooks ---- */

static int hook_open(void *arg, const char *call) {
    assert_int_equal(strlen(call), AURA_CALL_ID_BYTES - 1);
    return ((struct world *)arg)->open_fails;
}

static int hook_join(void *arg, const struct aura_exchange_join *j, json_t *event) {
    (void)arg;
    json_object_set_new(event, "token", json_sprintf("%s@%s", j->who->name, j->app));
    return 0;
}

static void hook_left(void *arg, const char *call, const struct aura_id *who) {
    char text[80];
    (void)call;
    (void)snprintf(text, sizeof(text), "room -%s", who->name);
    note(arg, text);
}

static void hook_ended(void *arg, const char *call) {
    (void)call;
    note(arg, "room closes");
}

static int hook_agent(void *arg, const struct aura_exchange_agent *a) {
    struct world *w = arg;
    char text[200];
    (void)snprintf(text, sizeof(text), "agent %s of %s for %s", a->name, a->app, a->from->name);
    note(w, text);
    return w->agent_fails;
}

static void hook_push(void *arg, const char *event, const char *call, const json_t *body) {
    char text[300];
    json_t *devices = json_object_get(body, "devices");
    assert_string_equal(json_string_value(json_object_get(body, "id")), call);
    for (size_t i = 0; i < json_array_size(devices); i++) {
        const json_t *d = json_array_get(devices, i);
        (void)snprintf(text, sizeof(text), "push %s %s/%s %s", event,
                       json_string_value(json_object_get(d, "app")),
                       json_string_value(json_object_get(d, "device")),
                       json_string_value(json_object_get(d, "push")));
        note(arg, text);
    }
}

static const struct aura_exchange_hooks hooks = {hook_open,  hook_join,  hook_left,
                                                 hook_ended, hook_agent, hook_push};

/* ---- devices ---- */

static const char *text_of(const json_t *event, const char *key) {
    const char *text = json_string_value(json_object_get(event, key));
    return text ? text : "";
}

static int sink_send(void *arg, const char *text, size_t len) {
    struct line *l = arg;
    char out[300];
    json_t *e = json_loadb(text, len, 0, NULL);
    assert_non_null(e);
    assert_int_equal(json_integer_value(json_object_get(e, "seq")), ++l->seq);
    const json_t *who = json_object_get(e, "from");
    who = who ? who : json_object_get(e, "person");
    (void)snprintf(out, sizeof(out), "%s %s%s%s%s%s%s%s%s%s%s", l->name, text_of(e, "event"),
                   who ? " " : "", who ? text_of(who, "id") : "", *text_of(e, "state") ? " " : "",
                   text_of(e, "state"), *text_of(e, "reason") ? " " : "", text_of(e, "reason"),
                   *text_of(e, "token") ? " " : "", text_of(e, "token"),
                   json_is_true(json_object_get(e, "waiting")) ? " waiting" : "");
    if (strcmp(text_of(e, "event"), "hello") == 0) {
        size_t len_now = strlen(out);
        (void)snprintf(out + len_now, sizeof(out) - len_now, " %zu",
                       json_array_size(json_object_get(e, "missed")));
    }
    note(l->w, out);
    json_decref(e);
    return 0;
}

static size_t sink_queued(void *arg) {
    return ((struct line *)arg)->queued;
}

static void sink_close(void *arg, int code, const char *reason) {
    struct line *l = arg;
    (void)reason;
    l->code = code;
}

static const struct aura_hub_sink sink = {sink_send, sink_queued, sink_close};

static struct aura_exchange_caller of(const struct aura_id *who, const char *app,
                                      const char *device) {
    return (struct aura_exchange_caller){who, app, device};
}

/* @param i  of w->lines */
static int come(struct world *w, size_t i, const struct aura_id *who, const char *app,
                const char *device) {
    struct line *l = &w->lines[i];
    const struct aura_exchange_caller c = of(who, app, device);
    *l = (struct line){.w = w, .name = device};
    return aura_exchange_open(w->x, &c, &sink, l, &l->d);
}

static void go(struct world *w, size_t i) {
    struct line *l = &w->lines[i];
    if (l->d) {
        aura_exchange_closed(w->x, l->d);
        l->d = NULL;
    }
}

static void pass(struct world *w, uint64_t ms) {
    aura_clock_manual_advance(&w->clock, ms * 1000);
    aura_timers_run(w->timers);
}

/* ---- the world ---- */

static struct aura_id join(struct world *w, const char *provider, const char *name,
                           enum aura_id_kind kind) {
    const struct aura_proof proof = {provider, name};
    struct aura_identity who = {.id = {.name = ""}};
    bool created;
    int err = aura_directory_join(w->d, &proof, name, "", kind, &who, &created);
    assert_int_equal(err, 0);
    return who.id;
}

static int open_directory(struct world *w) {
    struct aura_buf why = AURA_BUF(1000);
    const struct aura_directory_conf conf = {
        .path = ":memory:", .max_identities = 100, .clock = &w->clock.clock, .rand = &w->rand.rand};
    int err = aura_directory_open(&w->d, &conf, &why);
    aura_buf_free(&why);
    if (!err) {
        w->ann = join(w, "livekit/one", "ann", AURA_ID_USER);
        w->bob = join(w, "livekit/one", "bob", AURA_ID_USER);
        w->cid = join(w, "livekit/two", "cid", AURA_ID_USER);
        w->bot = join(w, "livekit-agent/one", "bot", AURA_ID_AGENT);
    }
    return err;
}

static void end(struct world *w) {
    for (size_t i = 0; i < DEVICES && w->x; i++) {
        go(w, i);
    }
    aura_exchange_free(w->x);
    aura_directory_close(w->d);
    assert_true(!w->timers || aura_timers_next_us(w->timers) == UINT64_MAX);
    aura_timers_free(w->timers);
}

static int begin_with(struct world *w, const struct aura_exchange_conf *given) {
    *w = (struct world){.count = 0};
    aura_clock_manual_init(&w->clock, 1000, 1700000000000000);
    aura_rand_seeded_init(&w->rand, 7);
    int err = aura_timers_new(&w->timers, &w->clock.clock);
    err = err ? err : open_directory(w);
    struct aura_exchange_conf conf = *given;
    conf.reach.directory = w->d;
    conf.timers = w->timers;
    conf.rand = &w->rand.rand;
    conf.max_calls = conf.max_devices = 100;
    conf.ring_us = RING_S * AURA_US_PER_S;
    conf.grace_us = GRACE_S * AURA_US_PER_S;
    conf.hooks = &hooks;
    conf.arg = w;
    err = err ? err : aura_exchange_new(&w->x, &conf);
    if (err) {
        end(w);
    }
    return err;
}

/* ann: a1; bob: b1 and b2; cid: c1 in another app */
static void begin(struct world *w) {
    const struct aura_exchange_conf conf = {.busy_in_call = true,
                                            .reach.cross_app = AURA_PRIVACY_EVERYONE};
    assert_int_equal(begin_with(w, &conf), 0);
    assert_int_equal(come(w, 0, &w->ann, "one", "a1"), 0);
    assert_int_equal(come(w, 1, &w->bob, "one", "b1"), 0);
    assert_int_equal(come(w, 2, &w->bob, "one", "b2"), 0);
    assert_int_equal(come(w, 3, &w->cid, "two", "c1"), 0);
    told(w, "a1 hello 0\nb1 hello 0\nb2 hello 0\nc1 hello 0\n");
}

static int ring(struct world *w, const struct aura_id *from, const char *app, const char *device,
                const struct aura_id *to) {
    const struct aura_exchange_caller c = of(from, app, device);
    struct aura_exchange_rung rung;
    int err = aura_exchange_ring(w->x, &c, to, 1, false, &rung);
    if (!err) {
        memcpy(w->call, rung.call, sizeof(w->call));
    }
    return err;
}

static int accept_on(struct world *w, const struct aura_id *who, const char *app,
                     const char *device) {
    const struct aura_exchange_caller c = of(who, app, device);
    return aura_exchange_accept(w->x, w->call, &c);
}

static int decline_on(struct world *w, const struct aura_id *who, const char *device) {
    const struct aura_exchange_caller c = of(who, "one", device);
    return aura_exchange_decline(w->x, w->call, &c, false);
}

static int leave_on(struct world *w, const struct aura_id *who, const char *device) {
    const struct aura_exchange_caller c = of(who, "one", device);
    return aura_exchange_leave(w->x, w->call, &c);
}

static const char rings[] = "b1 ring @ann.aura\nb2 ring @ann.aura\n";
static const char connects[] = "b2 quiet answered_elsewhere\na1 join ann@one\nb1 join bob@one\n"
                               "a1 person @bob.aura accepted\nb1 person @ann.aura accepted\n";

/* ---- the races ---- */

static int accepted_before_it_is_cancelled(void) {
    struct world w;
    begin(&w);
    assert_int_equal(ring(&w, &w.ann, "one", "a1", &w.bob), 0);
    told(&w, rings);
    assert_int_equal(accept_on(&w, &w.bob, "one", "b1"), 0);
    told(&w, connects);
    assert_int_equal(leave_on(&w, &w.ann, "a1"), 0); /* was meant to cancel: it hangs up */
    told(&w, "room -ann\na1 over left\nb1 person @ann.aura ended left\nroom -bob\nb1 over left\n"
             "room closes\n");
    end(&w);
    return 0;
}

static int cancelled_before_it_is_accepted(void) {
    struct world w;
    begin(&w);
    assert_int_equal(ring(&w, &w.ann, "one", "a1", &w.bob), 0);
    told(&w, rings);
    assert_int_equal(leave_on(&w, &w.ann, "a1"), 0);
    told(&w, "room -ann\na1 over cancelled\nb1 quiet cancelled\nb2 quiet cancelled\nb1 missed "
             "@ann.aura cancelled\nb2 missed @ann.aura cancelled\nroom closes\n");
    assert_int_equal(accept_on(&w, &w.bob, "one", "b1"), AURA_ENOENT);
    told(&w, "");
    end(&w);
    return 0;
}

static int accepted_twice(void) {
    struct world w;
    begin(&w);
    assert_int_equal(ring(&w, &w.ann, "one", "a1", &w.bob), 0);
    told(&w, rings);
    assert_int_equal(accept_on(&w, &w.bob, "one", "b1"), 0);
    assert_int_equal(accept_on(&w, &w.bob, "one", "b2"), AURA_ESTATE);
    assert_int_equal(accept_on(&w, &w.bob, "one", "b1"), 0); /* asked again: no second token */
    told(&w, connects);
    end(&w);
    return 0;
}

static int declined_and_accepted(void) {
    struct world w;
    begin(&w);
    assert_int_equal(ring(&w, &w.ann, "one", "a1", &w.bob), 0);
    assert_int_equal(decline_on(&w, &w.bob, "b2"), 0);
    assert_int_equal(accept_on(&w, &w.bob, "one", "b1"), AURA_ENOENT);
    told(&w,
         "b1 ring @ann.aura\nb2 ring @ann.aura\nb1 quiet declined\nb2 quiet declined\na1 person "
         "@bob.aura ended declined\nroom -ann\na1 over declined\nroom closes\n");
    assert_int_equal(ring(&w, &w.ann, "one", "a1", &w.bob), 0);
    assert_int_equal(accept_on(&w, &w.bob, "one", "b1"), 0);
    assert_int_equal(decline_on(&w, &w.bob, "b2"), AURA_ESTATE);
    end(&w);
    return 0;
}

static int timed_out_and_accepted(void) {
    struct world w;
    begin(&w);
    assert_int_equal(ring(&w, &w.ann, "one", "a1", &w.bob), 0);
    pass(&w, RING_S * 1000 - 1);
    told(&w, rings);
    assert_int_equal(accept_on(&w, &w.bob, "one", "b1"), 0); /* in the last millisecond */
    told(&w, connects);
    assert_int_equal(leave_on(&w, &w.bob, "b1"), 0);
    w.log[0] = 0;
    assert_int_equal(ring(&w, &w.ann, "one", "a1", &w.bob), 0);
    pass(&w, RING_S * 1000);
    assert_int_equal(accept_on(&w, &w.bob, "one", "b1"), AURA_ENOENT);
    told(&w, "b1 ring @ann.aura\nb2 ring @ann.aura\nb1 quiet timeout\nb2 quiet timeout\nb1 missed "
             "@ann.aura timeout\nb2 missed @ann.aura timeout\na1 person @bob.aura ended timeout\n"
             "room -ann\na1 over timeout\nroom closes\n");
    assert_int_equal(come(&w, 4, &w.bob, "one", "b3"), 0);
    told(&w, "b3 hello 1\n"); /* it is told what was missed, and rings no more */
    end(&w);
    return 0;
}

static int both_ring_each_other(void) {
    struct world w;
    char first[AURA_CALL_ID_BYTES];
    begin(&w);
    assert_int_equal(ring(&w, &w.ann, "one", "a1", &w.bob), 0);
    memcpy(first, w.call, sizeof(first));
    /* Not even who wants calls from nobody is unreachable for the one that they ring. */
    struct aura_identity who;
    assert_int_equal(aura_directory_get(w.d, &w.ann, &who), 0);
    who.privacy = AURA_PRIVACY_NOBODY;
    assert_int_equal(aura_directory_update(w.d, &who), 0);
    assert_int_equal(ring(&w, &w.bob, "one", "b1", &w.ann), 0);
    assert_string_equal(first, w.call);
    char both[1000];
    (void)snprintf(both, sizeof(both), "%s%s", rings, connects);
    told(&w, both);
    end(&w);
    return 0;
}

static int comes_back_while_it_rings(void) {
    struct world w;
    begin(&w);
    assert_int_equal(ring(&w, &w.ann, "one", "a1", &w.bob), 0);
    go(&w, 2);
    told(&w, rings);
    assert_int_equal(come(&w, 2, &w.bob, "one", "b2"), 0);
    told(&w, "b2 hello 0\nb2 ring @ann.aura\n");
    /* The caller's device too: the call goes on for a while without it. */
    go(&w, 0);
    pass(&w, GRACE_S * 500 - 1);
    assert_int_equal(come(&w, 0, &w.ann, "one", "a1"), 0);
    end(&w);
    return 0;
}

static int comes_back_after_another_has_answered(void) {
    struct world w;
    begin(&w);
    assert_int_equal(ring(&w, &w.ann, "one", "a1", &w.bob), 0);
    go(&w, 2);
    assert_int_equal(accept_on(&w, &w.bob, "one", "b1"), 0);
    w.log[0] = 0;
    assert_int_equal(come(&w, 2, &w.bob, "one", "b2"), 0);
    told(&w, "b2 hello 0\n"); /* no stale ring */
    assert_int_equal(accept_on(&w, &w.bob, "one", "b2"), AURA_ESTATE);
    end(&w);
    return 0;
}

static int a_device_is_gone_in_a_call(void) {
    struct world w;
    begin(&w);
    assert_int_equal(ring(&w, &w.ann, "one", "a1", &w.bob), 0);
    assert_int_equal(accept_on(&w, &w.bob, "one", "b1"), 0);
    w.log[0] = 0;
    go(&w, 1);
    pass(&w, GRACE_S * 1000 - 1);
    assert_int_equal(come(&w, 1, &w.bob, "one", "b1"), 0); /* in time: what is so now */
    told(&w, "b1 hello 0\nb1 join bob@one\nb1 person @ann.aura accepted\n");
    pass(&w, GRACE_S * 2000);
    told(&w, "");
    go(&w, 1);
    pass(&w, GRACE_S * 1000);
    told(&w, "room -bob\na1 person @bob.aura ended device_gone\nroom -ann\na1 over device_gone\n"
             "room closes\n");
    assert_int_equal(come(&w, 1, &w.bob, "one", "b1"), 0);
    told(&w, "b1 hello 0\n");
    end(&w);
    return 0;
}

/* The caller's device is away when the other one accepts; and a caller who stays away cancels. */
static int the_caller_is_away(void) {
    struct world w;
    begin(&w);
    assert_int_equal(ring(&w, &w.ann, "one", "a1", &w.bob), 0);
    go(&w, 0);
    assert_int_equal(accept_on(&w, &w.bob, "one", "b1"), 0);
    w.log[0] = 0;
    assert_int_equal(come(&w, 0, &w.ann, "one", "a1"), 0);
    told(&w, "a1 hello 0\na1 join ann@one\na1 person @bob.aura accepted\n");
    assert_int_equal(leave_on(&w, &w.ann, "a1"), 0);
    assert_int_equal(ring(&w, &w.ann, "one", "a1", &w.bob), 0);
    go(&w, 0);
    w.log[0] = 0;
    pass(&w, RING_S * 1000 - 1);
    told(&w, "");
    end(&w);
    return 0;
}

static int a_slow_reader_is_closed_and_told_later(void) {
    struct world w;
    begin(&w);
    w.lines[2].queued = AURA_HUB_QUEUE_BYTES_MAX + 1;
    assert_int_equal(ring(&w, &w.ann, "one", "a1", &w.bob), 0);
    told(&w, "b1 ring @ann.aura\n");
    assert_int_equal(w.lines[2].code, AURA_HUB_TOO_SLOW);
    assert_int_equal(accept_on(&w, &w.bob, "one", "b2"), AURA_ECLOSED);
    go(&w, 2);
    assert_int_equal(come(&w, 2, &w.bob, "one", "b2"), 0);
    told(&w, "b2 hello 0\nb2 ring @ann.aura\n");
    struct aura_exchange_stats stats;
    aura_exchange_stats(w.x, &stats);
    assert_int_equal(stats.slow_closed, 1);
    assert_int_equal(stats.devices, 4);
    end(&w);
    return 0;
}

/* A new connection of a device in a call takes over: nothing is away. */
static int a_device_connects_twice(void) {
    struct world w;
    begin(&w);
    assert_int_equal(ring(&w, &w.ann, "one", "a1", &w.bob), 0);
    assert_int_equal(accept_on(&w, &w.bob, "one", "b1"), 0);
    w.log[0] = 0;
    struct line old = w.lines[1];
    assert_int_equal(come(&w, 4, &w.bob, "one", "b1"), 0);
    assert_int_equal(w.lines[1].code, AURA_HUB_REPLACED);
    told(&w, "b1 hello 0\nb1 join bob@one\nb1 person @ann.aura accepted\n");
    aura_exchange_closed(w.x, old.d);
    w.lines[1].d = NULL;
    pass(&w, GRACE_S * 2000);
    told(&w, "");
    end(&w);
    return 0;
}

/* ---- rules ---- */

static int who_is_in_a_call_is_busy(void) {
    struct world w;
    begin(&w);
    assert_int_equal(ring(&w, &w.ann, "one", "a1", &w.bob), 0);
    assert_int_equal(accept_on(&w, &w.bob, "one", "b1"), 0);
    w.log[0] = 0;
    assert_int_equal(ring(&w, &w.cid, "two", "c1", &w.bob), 0);
    told(&w, "b1 missed @cid.aura busy\nb2 missed @cid.aura busy\nc1 person @bob.aura ended busy\n"
             "room -cid\nc1 over busy\nroom closes\n");
    end(&w);
    return 0;
}

static int other_apps_devices_are_left_alone(void) {
    struct world w;
    const struct aura_exchange_conf conf = {
        .reach = {.cross_app = AURA_PRIVACY_CONTACTS, .allow = allow, .allow_count = 1}};
    const struct aura_proof second = {"livekit/three", "bob"};
    assert_int_equal(begin_with(&w, &conf), 0);
    assert_int_equal(aura_directory_link(w.d, &w.bob, &second), 0);
    assert_int_equal(come(&w, 0, &w.ann, "one", "a1"), 0);
    assert_int_equal(come(&w, 1, &w.bob, "one", "b1"), 0);
    assert_int_equal(come(&w, 2, &w.bob, "three", "b3"), 0);
    assert_int_equal(come(&w, 3, &w.cid, "two", "c1"), 0);
    assert_int_equal(aura_directory_device(w.d, &w.bob, "one", "phone", "push-1"), 0);
    assert_int_equal(aura_directory_device(w.d, &w.bob, "three", "phone", "push-3"), 0);
    assert_int_equal(aura_directory_device(w.d, &w.bob, "one", "b1", "connected"), 0);
    w.log[0] = 0;
    assert_int_equal(ring(&w, &w.ann, "one", "a1", &w.bob), 0);
    told(&w, "b1 ring @ann.aura\npush aura_call_ringing one/phone push-1\n");
    assert_int_equal(accept_on(&w, &w.bob, "three", "b3"), AURA_ENOENT);
    assert_int_equal(leave_on(&w, &w.ann, "a1"), 0);
    told(&w, "room -ann\na1 over cancelled\nb1 quiet cancelled\npush aura_call_quiet one/phone "
             "push-1\nb1 missed @ann.aura cancelled\nroom closes\n");
    assert_int_equal(ring(&w, &w.cid, "two", "c1", &w.bob), AURA_ENOENT);
    assert_int_equal(ring(&w, &w.ann, "one", "a1", &w.cid), 0); /* that way it is allowed */
    told(&w, "c1 ring @ann.aura\n");
    assert_int_equal(leave_on(&w, &w.ann, "a1"), 0);
    assert_int_equal(aura_directory_set_stance(w.d, &w.bob, &w.ann, AURA_STANCE_ALLOW), 0);
    w.log[0] = 0;
    assert_int_equal(ring(&w, &w.ann, "one", "a1", &w.bob), 0);
    told(&w, "b1 ring @ann.aura\nb3 ring @ann.aura\npush aura_call_ringing one/phone push-1\npush "
             "aura_call_ringing three/phone push-3\n");
    assert_int_equal(accept_on(&w, &w.bob, "three", "b3"), 0);
    told(&w, "b1 quiet answered_elsewhere\npush aura_call_quiet one/phone push-1\npush "
             "aura_call_quiet three/phone push-3\na1 join ann@one\nb3 join bob@three\na1 person "
             "@bob.aura accepted\nb3 person @ann.aura accepted\n");
    end(&w);
    return 0;
}

static int nobody_can_be_told_apart(void) {
    struct world w;
    const struct aura_id nobody = {"nobody"};
    begin(&w);
    assert_int_equal(aura_directory_set_stance(w.d, &w.bob, &w.ann, AURA_STANCE_BLOCK), 0);
    assert_int_equal(ring(&w, &w.ann, "one", "a1", &w.bob), AURA_ENOENT);
    assert_int_equal(ring(&w, &w.ann, "one", "a1", &nobody), AURA_ENOENT);
    assert_int_equal(ring(&w, &w.ann, "one", "a9", &w.cid), AURA_ECLOSED);
    assert_int_equal(ring(&w, &w.ann, "one", "a/1", &w.cid), AURA_EINVAL);
    assert_int_equal(ring(&w, &w.ann, "one", "a1", &w.ann), AURA_EINVAL);
    told(&w, "");
    const struct aura_id group[] = {nobody, w.cid, w.bob};
    const struct aura_exchange_caller c = of(&w.ann, "one", "a1");
    struct aura_exchange_rung rung;
    assert_int_equal(aura_exchange_ring(w.x, &c, group, 3, false, &rung), 0);
    assert_true(!rung.reached[0] && rung.reached[1] && !rung.reached[2]);
    told(&w, "c1 ring @ann.aura\n");
    end(&w);
    return 0;
}

static int spam_is_held_back(void) {
    struct world w;
    const struct aura_exchange_conf conf = {
        .rings_per_minute = 4, .strangers_per_minute = 2, .reach.cross_app = AURA_PRIVACY_EVERYONE};
    const struct aura_id nobody = {"nobody"};
    assert_int_equal(begin_with(&w, &conf), 0);
    assert_int_equal(come(&w, 0, &w.ann, "one", "a1"), 0);
    assert_int_equal(come(&w, 1, &w.cid, "two", "c1"), 0);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(ring(&w, &w.ann, "one", "a1", &w.bob), 0);
        assert_int_equal(leave_on(&w, &w.ann, "a1"), 0);
    }
    assert_int_equal(ring(&w, &w.ann, "one", "a1", &w.bob), AURA_ELIMIT); /* bob has had enough */
    assert_int_equal(ring(&w, &w.cid, "two", "c1", &w.bob), AURA_ELIMIT); /* of all strangers */
    assert_int_equal(aura_directory_set_stance(w.d, &w.bob, &w.cid, AURA_STANCE_ALLOW), 0);
    assert_int_equal(ring(&w, &w.cid, "two", "c1", &w.bob), 0); /* not of friends */
    assert_int_equal(ring(&w, &w.ann, "one", "a1", &nobody), AURA_ENOENT);
    const struct aura_exchange_caller c = of(&w.ann, "one", "a1");
    struct aura_exchange_rung rung;
    assert_int_equal(aura_exchange_ring(w.x, &c, &w.cid, 1, false, &rung), AURA_ELIMIT);
    assert_int_equal(rung.wait_s, 15); /* four a minute, whether anybody was there or not */
    pass(&w, 15000);
    assert_int_equal(ring(&w, &w.ann, "one", "a1", &w.cid), 0);
    end(&w);
    return 0;
}

static int groups_and_transfers(void) {
    struct world w;
    uint32_t wait_s;
    begin(&w);
    assert_int_equal(ring(&w, &w.ann, "one", "a1", &w.bob), 0);
    const struct aura_exchange_caller a = of(&w.ann, "one", "a1"), b = of(&w.bob, "one", "b1");
    assert_int_equal(aura_exchange_add(w.x, w.call, &b, &w.cid, false, &wait_s), AURA_ESTATE);
    assert_int_equal(accept_on(&w, &w.bob, "one", "b1"), 0);
    w.log[0] = 0;
    /* By who asks it is decided, not by who began the call. */
    assert_int_equal(aura_directory_set_stance(w.d, &w.cid, &w.ann, AURA_STANCE_BLOCK), 0);
    assert_int_equal(aura_exchange_add(w.x, w.call, &a, &w.cid, false, &wait_s), AURA_ENOENT);
    assert_int_equal(aura_exchange_add(w.x, w.call, &b, &w.cid, true, &wait_s), 0);
    assert_int_equal(aura_exchange_add(w.x, w.call, &b, &w.cid, true, &wait_s), AURA_EEXISTS);
    told(&w, "a1 person @cid.aura ringing\nb1 person @cid.aura ringing\nc1 ring @bob.aura\n");
    assert_int_equal(accept_on(&w, &w.cid, "two", "c1"), 0);
    told(&w, "c1 join cid@two\na1 person @cid.aura accepted\nb1 person @cid.aura accepted\nc1 "
             "person @ann.aura accepted\nc1 person @bob.aura accepted\nroom -bob\nb1 over "
             "transferred\na1 person @bob.aura ended transferred\nc1 person @bob.aura ended "
             "transferred\n");
    json_t *shown = aura_exchange_show(w.x, w.call, &w.cid);
    assert_int_equal(json_array_size(json_object_get(shown, "people")), 2);
    json_decref(shown);
    assert_null(aura_exchange_show(w.x, w.call, &w.bob));
    end(&w);
    return 0;
}

static int agents_answer_when_they_are_there(void) {
    struct world w;
    begin(&w);
    assert_int_equal(ring(&w, &w.ann, "one", "a1", &w.bot), 0);
    told(&w, "agent bot of one for ann\n");
    aura_exchange_agent_joined(w.x, w.call, &w.bot);
    told(&w, "a1 join ann@one\na1 person @bot.aura accepted\n");
    aura_exchange_agent_left(w.x, w.call, &w.bot);
    told(&w, "room -bot\na1 person @bot.aura ended left\nroom -ann\na1 over left\nroom closes\n");
    aura_exchange_agent_joined(w.x, w.call, &w.bot); /* too late */
    w.agent_fails = AURA_ENOMEM;
    assert_int_equal(ring(&w, &w.ann, "one", "a1", &w.bot), 0);
    pass(&w, 0);
    told(&w, "agent bot of one for ann\na1 person @bot.aura ended busy\nroom -ann\na1 over busy\n"
             "room closes\n");
    /* The caller hangs up before it is known that no agent can be had. */
    assert_int_equal(ring(&w, &w.ann, "one", "a1", &w.bot), 0);
    assert_int_equal(leave_on(&w, &w.ann, "a1"), 0);
    pass(&w, 0);
    end(&w);
    return 0;
}

static int without_a_room_it_rings_on(void) {
    struct world w;
    begin(&w);
    w.open_fails = AURA_ELIMIT;
    assert_int_equal(ring(&w, &w.ann, "one", "a1", &w.bob), 0);
    assert_int_equal(accept_on(&w, &w.bob, "one", "b1"), AURA_EAGAIN);
    told(&w, rings);
    w.open_fails = 0;
    assert_int_equal(accept_on(&w, &w.bob, "one", "b1"), 0);
    told(&w, connects);
    end(&w);
    return 0;
}

/* Whatever fails for want of memory: nothing is lost without a word, and nothing leaks. */
static int memory_fails(void) {
    struct world w;
    const struct aura_exchange_conf conf = {.rings_per_minute = 10,
                                            .reach.cross_app = AURA_PRIVACY_EVERYONE};
    TRY(begin_with(&w, &conf));
    w.quiet = true;
    int err = come(&w, 0, &w.ann, "one", "a1");
    err = err ? err : come(&w, 1, &w.bob, "one", "b1");
    err = err ? err : ring(&w, &w.ann, "one", "a1", &w.bob);
    err = err ? err : accept_on(&w, &w.bob, "one", "b1");
    if (!err) {
        go(&w, 1);
        pass(&w, GRACE_S * 1000);
    }
    end(&w);
    return aura_mem_failed() ? AURA_ENOMEM : err;
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
        AURA_PLAIN(who_is_in_a_call_is_busy),
        AURA_PLAIN(other_apps_devices_are_left_alone),
        AURA_PLAIN(nobody_can_be_told_apart),
        AURA_PLAIN(spam_is_held_back),
        AURA_PLAIN(groups_and_transfers),
        AURA_PLAIN(agents_answer_when_they_are_there),
        AURA_PLAIN(without_a_room_it_rings_on),
        AURA_CASE(memory_fails),
    };
    return RUN_CASES("auraid/exchange", cases);
}
