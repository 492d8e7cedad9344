/* SPDX-License-Identifier: Apache-2.0 */
#include "exchange_world.h"

#include <stdio.h>
#include <string.h>

const char world_rings[] = "b1 ring @ann.aura\nb2 ring @ann.aura\n";
const char world_connects[] = "b2 quiet answered_elsewhere\na1 join ann@one\nb1 join bob@one\n"
                              "a1 person @bob.aura accepted\nb1 person @ann.aura accepted\n";

static void note(struct world *w, const char *text) {
    size_t len = strlen(w->log);
    if (!w->quiet) {
        assert_true(len + strlen(text) + 2 < sizeof(w->log));
        (void)snprintf(w->log + len, sizeof(w->log) - len, "%s\n", text);
    }
}

/* All that was told since the last time. */
void world_told(struct world *w, const char *lines) {
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
    const struct world *w = arg;
    note(arg, "room closes");
    if (w->ended) {
        w->ended(w->watcher, call);
    }
}

static void hook_watch(void *arg, const struct aura_call_event *e) {
    const struct world *w = arg;
    if (w->watch) {
        w->watch(w->watcher, e);
    }
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
                       json_string_value(json_object_get(body, "app")),
                       json_string_value(json_object_get(d, "device")),
                       json_string_value(json_object_get(d, "push")));
        note(arg, text);
    }
}

static const struct aura_exchange_hooks hooks = {hook_open,  hook_join, hook_left, hook_ended,
                                                 hook_agent, hook_push, hook_watch};

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

struct aura_exchange_caller world_of(const struct aura_id *who, const char *app,
                                     const char *device) {
    return (struct aura_exchange_caller){who, app, device};
}

/* @param i  of w->lines */
int world_come(struct world *w, size_t i, const struct aura_id *who, const char *app,
               const char *device) {
    struct line *l = &w->lines[i];
    const struct aura_exchange_caller c = world_of(who, app, device);
    *l = (struct line){.w = w, .name = device};
    return aura_exchange_open(w->x, &c, &sink, l, &l->d);
}

void world_go(struct world *w, size_t i) {
    struct line *l = &w->lines[i];
    if (l->d) {
        aura_exchange_closed(w->x, l->d);
        l->d = NULL;
    }
}

void world_pass(struct world *w, uint64_t ms) {
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

void world_end(struct world *w) {
    for (size_t i = 0; i < DEVICES && w->x; i++) {
        world_go(w, i);
    }
    aura_exchange_free(w->x);
    aura_directory_close(w->d);
    assert_true(!w->timers || aura_timers_next_us(w->timers) == UINT64_MAX);
    aura_timers_free(w->timers);
}

int world_begin_with(struct world *w, const struct aura_exchange_conf *given) {
    *w = (struct world){.count = 0};
    aura_clock_manual_init(&w->clock, 1000, 1700000000000000);
    aura_rand_seeded_init(&w->rand, 7);
    int err = aura_timers_new(&w->timers, &w->clock.clock);
    err = err ? err : open_directory(w);
    struct aura_exchange_conf conf = *given;
    conf.rules.reach.directory = w->d;
    conf.timers = w->timers;
    conf.rand = &w->rand.rand;
    conf.max_calls = conf.max_devices = 100;
    conf.rules.ring_us = RING_S * AURA_US_PER_S;
    conf.rules.grace_us = GRACE_S * AURA_US_PER_S;
    conf.hooks = &hooks;
    conf.arg = w;
    err = err ? err : aura_exchange_new(&w->x, &conf);
    if (err) {
        world_end(w);
    }
    return err;
}

/* ann: a1; bob: b1 and b2; cid: c1 in another app */
void world_begin(struct world *w) {
    const struct aura_exchange_conf conf = {.rules.busy_in_call = true,
                                            .rules.reach.cross_app = AURA_PRIVACY_EVERYONE};
    assert_int_equal(world_begin_with(w, &conf), 0);
    assert_int_equal(world_come(w, 0, &w->ann, "one", "a1"), 0);
    assert_int_equal(world_come(w, 1, &w->bob, "one", "b1"), 0);
    assert_int_equal(world_come(w, 2, &w->bob, "one", "b2"), 0);
    assert_int_equal(world_come(w, 3, &w->cid, "two", "c1"), 0);
    world_told(w, "a1 hello 0\nb1 hello 0\nb2 hello 0\nc1 hello 0\n");
}

int world_ring(struct world *w, const struct aura_id *from, const char *app, const char *device,
               const struct aura_id *to) {
    const struct aura_exchange_caller c = world_of(from, app, device);
    struct aura_exchange_rung rung;
    int err = aura_exchange_ring(w->x, &c, to, 1, false, &rung);
    if (!err) {
        memcpy(w->call, rung.call, sizeof(w->call));
    }
    return err;
}

int world_accept_on(struct world *w, const struct aura_id *who, const char *app,
                    const char *device) {
    const struct aura_exchange_caller c = world_of(who, app, device);
    return aura_exchange_accept(w->x, w->call, &c);
}

int world_decline_on(struct world *w, const struct aura_id *who, const char *device) {
    const struct aura_exchange_caller c = world_of(who, "one", device);
    return aura_exchange_decline(w->x, w->call, &c, false);
}

int world_leave_on(struct world *w, const struct aura_id *who, const char *device) {
    const struct aura_exchange_caller c = world_of(who, "one", device);
    return aura_exchange_leave(w->x, w->call, &c);
}
