/* SPDX-License-Identifier: Apache-2.0 */
/* What devices ask for. */
#include "auraid/exchange_priv.h"

#include <stdio.h>
#include <string.h>

/* The caller's device as calls know it. @return 0, AURA_EINVAL, AURA_ECLOSED (not connected) */
static int device_of(const struct aura_exchange *x, const struct aura_exchange_caller *c,
                     char out[AURA_CALL_DEVICE_MAX]) {
    int err = aura_hub_call_name(out, c->app, c->device);
    return err ? err : aura_hub_find(x->hub, c->who, out) ? 0 : AURA_ECLOSED;
}

static uint64_t now_us(const struct aura_exchange *x) {
    return aura_now_us(aura_timers_clock(x->conf.timers));
}

/* Each person that somebody wants to ring counts, there or not: so nobody looks for names. */
static uint32_t pace_caller(struct aura_exchange *x, const struct aura_id *who, size_t people) {
    uint32_t wait_s = 0;
    for (size_t i = 0; i < people && !wait_s; i++) {
        wait_s = aura_pace_take(x->callers, who->name, x->conf.rules.rings_per_minute, now_us(x));
    }
    x->stats.paced += wait_s != 0;
    return wait_s;
}

/* @param wait_s  with AURA_ELIMIT: too many strangers ring there */
static int may_ring(struct aura_exchange *x, const struct aura_exchange_caller *c,
                    const struct aura_id *to, uint32_t *wait_s) {
    enum aura_stance stance;
    if (aura_calls_rings(x->calls, to, c->who)) {
        return 0; /* who rings somebody is there for them */
    }
    int err = aura_reach_person(&x->conf.rules.reach, c->who, c->app, to, &stance);
    x->stats.refused += err == AURA_ENOENT;
    if (!err && stance != AURA_STANCE_ALLOW) {
        *wait_s =
            aura_pace_take(x->strangers, to->name, x->conf.rules.strangers_per_minute, now_us(x));
        x->stats.paced += *wait_s != 0;
        err = *wait_s ? AURA_ELIMIT : 0;
    }
    return err;
}

static int begin(struct aura_exchange *x, const char *app, const struct aura_call_request *r,
                 char call[AURA_CALL_ID_BYTES]) {
    struct aura_call_view view;
    if (!aura_share_fits(x->apps, app, x->conf.rules.max_calls_of_app) &&
        aura_calls_begins(x->calls, r)) {
        return AURA_ELIMIT;
    }
    int err = aura_calls_ring(x->calls, r, call);
    if (!err && aura_calls_look(x->calls, call, r->from, &view, NULL, NULL) == 0) {
        aura__exchange_own(x, call, app); /* else all were busy: it is over */
    }
    return err;
}

int aura__exchange_ring(struct aura_exchange *x, const struct aura_exchange_caller *c,
                        const char *device, const struct aura_id *to, size_t to_count, bool video,
                        struct aura_exchange_rung *out) {
    struct aura_id list[AURA_CALL_PEOPLE_MAX];
    struct aura_call_request r = {
        .from = c->who, .to = to, .to_count = to_count, .device = device, .video = video};
    int err, why = AURA_ENOENT;
    *out = (struct aura_exchange_rung){.wait_s = 0};
    if (!aura_calls_sane(&r)) {
        return AURA_EINVAL;
    }
    out->wait_s = pace_caller(x, c->who, to_count);
    if (out->wait_s) {
        return AURA_ELIMIT;
    }
    r.to = list;
    r.to_count = 0;
    for (size_t i = 0; i < to_count; i++) {
        uint32_t wait_s = 0;
        err = may_ring(x, c, &to[i], &wait_s);
        out->reached[i] = !err;
        why = err && err != AURA_ENOENT ? err : why;
        out->wait_s = wait_s > out->wait_s ? wait_s : out->wait_s;
        if (!err) {
            list[r.to_count++] = to[i];
        }
    }
    return r.to_count ? begin(x, c->app, &r, out->call) : why;
}

int aura_exchange_ring(struct aura_exchange *x, const struct aura_exchange_caller *c,
                       const struct aura_id *to, size_t to_count, bool video,
                       struct aura_exchange_rung *out) {
    char device[AURA_CALL_DEVICE_MAX];
    *out = (struct aura_exchange_rung){.wait_s = 0};
    int err = device_of(x, c, device);
    return err ? err : aura__exchange_ring(x, c, device, to, to_count, video, out);
}

static void take_own(void *arg, const struct aura_leg_view *leg) {
    struct aura_leg_view *own = arg;
    if (!own->who) { /* it comes first */
        *own = *leg;
    }
}

/* May this device answer, or does the call not even ring there? */
static int rings_here(const struct aura_exchange *x, const char *call,
                      const struct aura_exchange_caller *c) {
    struct aura_leg_view own = {.who = NULL};
    struct aura_call_view view;
    char from[AURA_CALL_DEVICE_MAX];
    enum aura_stance stance;
    int err = aura_calls_look(x->calls, call, c->who, &view, take_own, &own);
    if (err || own.state != AURA_LEG_RINGING) {
        return err;
    }
    aura__exchange_app(own.by_device, from);
    err = aura_directory_stance(x->conf.rules.reach.directory, c->who, own.by, &stance);
    return err ? err : aura_reach_app(&x->conf.rules.reach, from, c->app, stance) ? 0 : AURA_ENOENT;
}

int aura_exchange_accept(struct aura_exchange *x, const char *call,
                         const struct aura_exchange_caller *c) {
    char device[AURA_CALL_DEVICE_MAX];
    int err = device_of(x, c, device);
    err = err ? err : rings_here(x, call, c);
    if (!err && x->conf.hooks->open(x->conf.arg, call)) {
        return AURA_EAGAIN;
    }
    err = err ? err : aura_calls_accept(x->calls, call, c->who, device);
    x->stats.accepted += !err;
    return err;
}

int aura_exchange_decline(struct aura_exchange *x, const char *call,
                          const struct aura_exchange_caller *c, bool busy) {
    char device[AURA_CALL_DEVICE_MAX];
    int err = aura_hub_call_name(device, c->app, c->device);
    err = err ? err : rings_here(x, call, c);
    return err ? err
               : aura_calls_decline(x->calls, call, c->who, device,
                                    busy ? AURA_CALL_BUSY : AURA_CALL_DECLINED);
}

int aura_exchange_leave(struct aura_exchange *x, const char *call,
                        const struct aura_exchange_caller *c) {
    return aura_calls_leave(x->calls, call, c->who);
}

/* Is somebody in the call and not only rung? */
static int is_in(const struct aura_exchange *x, const char *call, const struct aura_id *who) {
    struct aura_leg_view own = {.who = NULL};
    struct aura_call_view view;
    int err = aura_calls_look(x->calls, call, who, &view, take_own, &own);
    return err ? err : own.state == AURA_LEG_ACCEPTED ? 0 : AURA_ESTATE;
}

int aura_exchange_add(struct aura_exchange *x, const char *call,
                      const struct aura_exchange_caller *c, const struct aura_id *who,
                      bool transfer, uint32_t *wait_s) {
    *wait_s = 0;
    int err = is_in(x, call, c->who);
    if (err) {
        return err;
    }
    *wait_s = pace_caller(x, c->who, 1);
    err = *wait_s ? AURA_ELIMIT : may_ring(x, c, who, wait_s);
    if (err) {
        return err;
    }
    return transfer ? aura_calls_transfer(x->calls, call, c->who, who)
                    : aura_calls_add(x->calls, call, c->who, who);
}

/* ---- looking ---- */

struct showing {
    const struct aura_exchange *x;
    json_t *people;
};

static void show_leg(void *arg, const struct aura_leg_view *leg) {
    static const char *const states[] = {"ringing", "accepted", "ended"};
    const struct showing *s = arg;
    json_t *person = aura__exchange_person(s->x, leg->who);
    json_object_set_new(person, "state", json_string(states[leg->state]));
    json_array_append_new(s->people, person);
}

json_t *aura_exchange_show(struct aura_exchange *x, const char *call, const struct aura_id *who) {
    struct aura_call_view view;
    struct showing s = {.x = x, .people = json_array()};
    char text[AURA_ID_BYTES_MAX];
    if (aura_calls_look(x->calls, call, who, &view, show_leg, &s)) {
        json_decref(s.people);
        return NULL;
    }
    return json_pack("{s:s, s:s, s:b, s:b, s:o}", "call", call, "initiator",
                     aura_id_text(view.initiator, text), "video", view.video, "connected",
                     view.connected, "people", s.people);
}

static void on_missed(void *arg, const struct aura_missed *m) {
    char text[AURA_ID_BYTES_MAX];
    json_array_append_new(arg,
                          json_pack("{s:s, s:{s:s}, s:b, s:s, s:I}", "call", m->call, "from", "id",
                                    aura_id_text(&m->caller, text), "video", m->video, "reason",
                                    m->reason, "at", (json_int_t)(m->at_us / AURA_US_PER_S)));
}

json_t *aura_exchange_missed(struct aura_exchange *x, const struct aura_id *who) {
    json_t *list = json_array();
    if (list && aura_directory_missed(x->conf.rules.reach.directory, who, on_missed, list)) {
        json_decref(list);
        list = NULL;
    }
    return list;
}
