/* SPDX-License-Identifier: Apache-2.0 */
#include "auraid/exchange_priv.h"

#include "base/map.h"
#include "base/mem.h"

#include <stdio.h>
#include <string.h>

enum { AWAY_KEY_BYTES = AURA_ID_BYTES_MAX + AURA_CALL_DEVICE_MAX };

/* A device that is in a call and has lost its connection. */
struct away {
    struct aura_exchange *x;
    struct aura_id who;
    char device[AURA_CALL_DEVICE_MAX];
    struct aura_timer timer;
};

static const char *away_key(const struct aura_id *who, const char *device,
                            char key[AWAY_KEY_BYTES]) {
    (void)snprintf(key, AWAY_KEY_BYTES, "%s %s", who->name, device);
    return key;
}

static void away_free(struct away *a) {
    char key[AWAY_KEY_BYTES];
    aura_timer_stop(a->x->conf.timers, &a->timer);
    aura_map_del_str(a->x->away, away_key(&a->who, a->device, key));
    aura_free(a);
}

static void on_away_end(void *arg) {
    struct away *a = arg;
    aura_calls_gone(a->x->calls, &a->who, a->device);
    away_free(a);
}

static struct away *away_find(const struct aura_exchange *x, const struct aura_id *who,
                              const char *device) {
    char key[AWAY_KEY_BYTES];
    return aura_map_get_str(x->away, away_key(who, device, key));
}

static int away_begin(struct aura_exchange *x, const struct aura_id *who, const char *device) {
    char key[AWAY_KEY_BYTES];
    struct away *a = away_find(x, who, device);
    if (a) {
        return 0; /* gone again before it was back */
    }
    a = aura_zalloc(sizeof(*a));
    if (!a) {
        return AURA_ENOMEM;
    }
    a->x = x;
    a->who = *who;
    (void)snprintf(a->device, sizeof(a->device), "%s", device);
    int err = aura_map_put_str(x->away, away_key(who, device, key), a);
    if (err) {
        aura_free(a);
        return err;
    }
    err = aura_timer_start(x->conf.timers, &a->timer, x->conf.rules.grace_us, on_away_end, a);
    if (err) {
        away_free(a);
    }
    return err;
}

/* ---- devices ---- */

static void say_hello(struct aura_exchange *x, struct aura_hub_device *d) {
    char id[AURA_ID_BYTES_MAX];
    json_t *missed = aura_exchange_missed(x, &d->who);
    json_t *hello = missed
                        ? json_pack("{s:s, s:s, s:s, s:o}", "event", "hello", "id",
                                    aura_id_text(&d->who, id), "device", d->name, "missed", missed)
                        : NULL;
    aura__exchange_tell(x, d, hello);
}

int aura_exchange_open(struct aura_exchange *x, const struct aura_exchange_caller *c,
                       const struct aura_hub_sink *sink, void *arg, struct aura_hub_device **out) {
    struct aura_hub_device *d;
    int err = aura_hub_open(x->hub, c->who, c->app, c->device, sink, arg, &d);
    if (err) {
        return err;
    }
    *out = d;
    struct away *away = away_find(x, &d->who, d->call_name);
    if (away) {
        away_free(away);
    }
    say_hello(x, d);
    aura_calls_present(x->calls, &d->who, d->call_name);
    return 0;
}

void aura_exchange_closed(struct aura_exchange *x, struct aura_hub_device *d) {
    struct aura_id who = d->who;
    char device[AURA_CALL_DEVICE_MAX];
    memcpy(device, d->call_name, sizeof(device));
    aura_hub_closed(x->hub, d);
    if (!aura_hub_find(x->hub, &who, device) && aura_calls_holds(x->calls, &who, device) &&
        away_begin(x, &who, device)) {
        aura_calls_gone(x->calls, &who, device); /* nothing would remind us of it */
    }
}

static void shut_one(void *arg, struct aura_hub_device *d) {
    const struct aura_exchange *x = arg;
    aura_hub_shut(x->hub, d, AURA_HUB_FORGOTTEN, "the AuraID has been deleted");
}

void aura_exchange_forget(struct aura_exchange *x, const struct aura_id *who) {
    aura_calls_forget(x->calls, who);
    aura_hub_each(x->hub, who, shut_one, x);
}

/* ---- agents ---- */

/* Calls want a device; an agent's is its room. No app has an empty API key. */
static const char agent_device[] = "/agent";

void aura_exchange_agent_joined(struct aura_exchange *x, const char *call,
                                const struct aura_id *who) {
    x->stats.accepted += aura_calls_accept(x->calls, call, who, agent_device) == 0;
}

void aura_exchange_agent_left(struct aura_exchange *x, const char *call,
                              const struct aura_id *who) {
    int err = aura_calls_leave(x->calls, call, who);
    (void)err; /* the call may be over: that is why it left */
}

/* ---- whose calls are whose ---- */

void aura__exchange_own(struct aura_exchange *x, const char *call, const char *app) {
    struct owned *o = aura_map_get_str(x->calls_of, call) ? NULL : aura_zalloc(sizeof(*o));
    if (!o) {
        return; /* glare, or a second wish; or no memory, and it does not count */
    }
    (void)snprintf(o->call, sizeof(o->call), "%s", call);
    (void)snprintf(o->app, sizeof(o->app), "%s", app);
    if (aura_map_put_str(x->calls_of, call, o)) {
        aura_free(o);
        return;
    }
    aura_share_take(x->apps, app, 1);
}

void aura__exchange_disown(struct aura_exchange *x, const char *call) {
    struct owned *o = aura_map_get_str(x->calls_of, call);
    if (o) {
        aura_share_give(x->apps, o->app);
        aura_map_del_str(x->calls_of, call);
        aura_free(o);
    }
}

/* ---- all of it ---- */

void aura_exchange_change(struct aura_exchange *x, const struct aura_exchange_rules *rules) {
    x->conf.rules = *rules;
    aura_calls_change(x->calls, rules->ring_us, rules->busy_in_call);
    aura_hub_set_share(x->hub, rules->max_devices_of_app);
}

int aura_exchange_new(struct aura_exchange **xp, const struct aura_exchange_conf *conf) {
    struct aura_exchange *x = aura_zalloc(sizeof(*x));
    if (!x) {
        return AURA_ENOMEM;
    }
    x->conf = *conf;
    aura_list_init(&x->busy);
    const struct aura_calls_conf calls = {.max_calls = conf->max_calls,
                                          .ring_us = conf->rules.ring_us,
                                          .busy_in_call = conf->rules.busy_in_call,
                                          .timers = conf->timers,
                                          .rand = conf->rand,
                                          .event = aura__exchange_event,
                                          .ended = aura__exchange_ended,
                                          .arg = x};
    int err = aura_calls_new(&x->calls, &calls);
    err = err ? err : aura_hub_new(&x->hub, conf->max_devices);
    err = err ? err : aura_map_new(&x->away, conf->max_devices);
    err = err ? err : aura_map_new(&x->calls_of, conf->max_calls);
    err = err ? err : aura_share_new(&x->apps);
    err = err ? err : aura_pace_new(&x->callers, AURA_EXCHANGE_PACED_MAX);
    err = err ? err : aura_pace_new(&x->strangers, AURA_EXCHANGE_PACED_MAX);
    if (err) {
        aura_exchange_free(x);
        return err;
    }
    aura_hub_set_share(x->hub, conf->rules.max_devices_of_app);
    *xp = x;
    return 0;
}

struct aura_exchange *aura_exchange_free(struct aura_exchange *x) {
    if (!x) {
        return NULL;
    }
    size_t it = 0;
    struct away *a;
    while (x->away && (a = aura_map_next(x->away, &it))) {
        away_free(a);
    }
    it = 0;
    struct owned *o;
    while (x->calls_of && (o = aura_map_next(x->calls_of, &it))) {
        aura__exchange_disown(x, o->call);
    }
    AURA_LIST_EACH(&x->busy, struct busy, b, node) {
        aura_node_remove(&b->node);
        aura_free(b);
    }
    aura_timer_stop(x->conf.timers, &x->busy_timer);
    aura_calls_free(x->calls);
    aura_map_free(x->away);
    aura_map_free(x->calls_of);
    aura_share_free(x->apps);
    aura_hub_free(x->hub);
    aura_pace_free(x->callers);
    aura_pace_free(x->strangers);
    aura_free(x);
    return NULL;
}

static void count_one(void *arg, struct aura_hub_device *d) {
    (void)d;
    ++*(size_t *)arg;
}

bool aura_exchange_connected(const struct aura_exchange *x, const struct aura_id *who) {
    size_t count = 0;
    aura_hub_each(x->hub, who, count_one, &count);
    return count > 0;
}

void aura_exchange_stats(const struct aura_exchange *x, struct aura_exchange_stats *out) {
    *out = x->stats;
    out->calls = aura_calls_count(x->calls);
    out->devices = aura_hub_count(x->hub);
    out->slow_closed = aura_hub_slow(x->hub);
}
