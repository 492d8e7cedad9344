/* SPDX-License-Identifier: Apache-2.0 */
#include "auraid/calls_priv.h"
#include "base/map.h"
#include "base/mem.h"

#include <stdio.h>
#include <string.h>

enum { RING_US = 30000000, ID_RANDOM = AURA_CALL_ID_BYTES - 4 };

/* ---- people ---- */

static int person_need(struct aura_calls *c, const struct aura_id *id, struct person **out) {
    struct person *p = aura__calls_person(c, id);
    if (!p) {
        p = aura_zalloc(sizeof(*p));
        if (!p) {
            return AURA_ENOMEM;
        }
        p->id = *id;
        aura_list_init(&p->legs);
        int err = aura_map_put_str(c->people, id->name, p);
        if (err) {
            aura_free(p);
            return err;
        }
    }
    *out = p;
    return 0;
}

static void person_drop(struct aura_calls *c, struct person *p) {
    if (aura_list_empty(&p->legs)) {
        aura_map_del_str(c->people, p->id.name);
        aura_free(p);
    }
}

/* ---- telling ---- */

static struct aura_call_event event_of(enum aura_call_event_type type, const struct leg *to) {
    return (struct aura_call_event){.type = type,
                                    .call = to->call->id,
                                    .to = &to->person->id,
                                    .about = &to->person->id,
                                    .by = &to->by,
                                    .by_device = to->by_device,
                                    .state = to->state,
                                    .reason = to->reason,
                                    .video = to->call->video};
}

static void emit(const struct call *k, const struct aura_call_event *e) {
    k->calls->conf.event(k->calls->conf.arg, e);
}

static bool in_another_call(const struct leg *leg) {
    AURA_LIST_EACH(&leg->person->legs, struct leg, other, person_node) {
        if (other != leg && other->state == AURA_LEG_ACCEPTED) {
            return true;
        }
    }
    return false;
}

static void tell_ring(const struct leg *to, const char *device) {
    struct aura_call_event e = event_of(AURA_CALL_RING, to);
    e.about = &to->by;
    e.device = device;
    e.waiting = in_another_call(to);
    e.two = to->call->people == 2 && !to->call->connected;
    e.on = to->call->connected;
    emit(to->call, &e);
}

static void tell_join(const struct leg *to) {
    struct aura_call_event e = event_of(AURA_CALL_JOIN, to);
    e.device = to->device;
    emit(to->call, &e);
}

static void tell_person(const struct leg *to, const struct leg *about) {
    struct aura_call_event e = event_of(AURA_CALL_PERSON, to);
    e.device = to->device;
    e.about = &about->person->id;
    e.state = about->state;
    e.reason = about->reason;
    emit(to->call, &e);
}

static void tell_others(const struct leg *about) {
    AURA_LIST_EACH(&about->call->legs, struct leg, to, node) {
        if (to != about && to->state == AURA_LEG_ACCEPTED) {
            tell_person(to, about);
        }
    }
}

static void tell_of_others(const struct leg *to) {
    AURA_LIST_EACH(&to->call->legs, struct leg, about, node) {
        if (about != to) {
            tell_person(to, about);
        }
    }
}

static void tell_over(const struct leg *to, enum aura_call_reason reason) {
    struct aura_call_event e = event_of(AURA_CALL_OVER, to);
    e.device = to->device;
    e.reason = reason;
    emit(to->call, &e);
}

static void tell_quiet(const struct leg *to, enum aura_call_reason reason, const char *except) {
    struct aura_call_event e = event_of(AURA_CALL_QUIET, to);
    e.reason = reason;
    e.except = except;
    emit(to->call, &e);
}

static void tell_missed(const struct leg *to, enum aura_call_reason reason) {
    struct aura_call_event e = event_of(AURA_CALL_MISSED, to);
    e.about = &to->by;
    e.reason = reason;
    emit(to->call, &e);
}

/* ---- legs and calls end ---- */

static void free_leg(struct leg *leg) {
    struct call *k = leg->call;
    aura_timer_stop(k->calls->conf.timers, &leg->timer);
    aura_node_remove(&leg->node);
    aura_node_remove(&leg->person_node);
    AURA_LIST_EACH(&k->legs, struct leg, other, node) {
        other->replaces = other->replaces == leg ? NULL : other->replaces;
    }
    k->first = k->first == leg ? NULL : k->first;
    k->people--;
    person_drop(k->calls, leg->person);
    aura_free(leg);
}

static void free_call(struct call *k) {
    AURA_LIST_EACH(&k->legs, struct leg, leg, node) {
        free_leg(leg);
    }
    aura_map_del_str(k->calls->calls, k->id);
    aura_free(k);
}

static void tell_ended(const struct call *k) {
    const struct aura_calls_conf *conf = &k->calls->conf;
    if (conf->ended) {
        conf->ended(conf->arg, k->id);
    }
}

static void end_leg(struct leg *leg, enum aura_call_reason reason) {
    bool rang = leg->state == AURA_LEG_RINGING;
    leg->state = AURA_LEG_ENDED;
    leg->reason = leg->call->last = reason;
    if (rang) {
        tell_quiet(leg, reason, NULL);
    }
    if (rang && (reason == AURA_CALL_TIMEOUT || reason == AURA_CALL_UNREACHABLE)) {
        tell_missed(leg, reason);
    }
    tell_others(leg);
    free_leg(leg);
}

static void end_call(struct call *k, enum aura_call_reason reason) {
    AURA_LIST_EACH(&k->legs, struct leg, leg, node) {
        if (leg->state == AURA_LEG_RINGING) {
            tell_quiet(leg, AURA_CALL_CANCELLED, NULL);
            tell_missed(leg, AURA_CALL_CANCELLED);
        } else {
            tell_over(leg, reason);
        }
    }
    tell_ended(k);
    free_call(k);
}

/* What is left of a call after one of its legs has gone. The call may be gone afterwards. */
static void settle(struct call *k) {
    size_t accepted = 0, ringing = 0;
    AURA_LIST_EACH(&k->legs, struct leg, leg, node) {
        accepted += leg->state == AURA_LEG_ACCEPTED;
        ringing += leg->state == AURA_LEG_RINGING;
    }
    bool cancelled = !k->connected && !k->first;
    if (cancelled || accepted == 0 || (accepted == 1 && ringing == 0)) {
        end_call(k, k->last);
    }
}

static void on_ring_end(void *arg) {
    struct leg *leg = arg;
    struct call *k = leg->call;
    end_leg(leg, AURA_CALL_TIMEOUT);
    settle(k);
}

/* ---- calls begin ---- */

/* @param by  who rings them, from @p device; NULL: it is the initiator, who is there with it */
static int add_leg(struct call *k, const struct aura_id *who, const struct aura_id *by,
                   const char *device, struct leg **out) {
    struct aura_calls *c = k->calls;
    struct person *person = NULL;
    struct leg *leg = aura_zalloc(sizeof(*leg));
    int err = leg ? person_need(c, who, &person) : AURA_ENOMEM;
    if (err) {
        aura_free(leg);
        return err;
    }
    leg->call = k;
    leg->person = person;
    leg->state = by ? AURA_LEG_RINGING : AURA_LEG_ACCEPTED;
    leg->by = by ? *by : *who;
    (void)snprintf(by ? leg->by_device : leg->device, AURA_CALL_DEVICE_MAX, "%s", device);
    if (by) {
        err = aura_timer_start(c->conf.timers, &leg->timer, c->conf.ring_us, on_ring_end, leg);
    }
    if (err) {
        person_drop(c, person);
        aura_free(leg);
        return err;
    }
    aura_list_add(&k->legs, &leg->node);
    aura_list_add(&person->legs, &leg->person_node);
    k->people++;
    *out = leg;
    return 0;
}

static void begin_ringing(struct leg *leg) {
    if (leg->call->calls->conf.busy_in_call && in_another_call(leg)) {
        leg->state = AURA_LEG_ENDED; /* without a sound */
        leg->reason = leg->call->last = AURA_CALL_BUSY;
        tell_missed(leg, AURA_CALL_BUSY);
        tell_others(leg);
        free_leg(leg);
    } else {
        tell_ring(leg, NULL);
    }
}

static bool is_device(const char *device) {
    size_t len = strnlen(device, AURA_CALL_DEVICE_MAX);
    return len > 0 && len < AURA_CALL_DEVICE_MAX;
}

static bool same(const struct aura_id *a, const struct aura_id *b) {
    return strcmp(a->name, b->name) == 0;
}

bool aura_calls_sane(const struct aura_call_request *r) {
    if (r->to_count < 1 || r->to_count >= AURA_CALL_PEOPLE_MAX || !is_device(r->device)) {
        return false;
    }
    for (size_t i = 0; i < r->to_count; i++) {
        for (size_t j = 0; j < i; j++) {
            if (same(&r->to[i], &r->to[j])) {
                return false;
            }
        }
        if (same(&r->to[i], r->from)) {
            return false;
        }
    }
    return true;
}

static bool rings_exactly(const struct call *k, const struct aura_call_request *r) {
    size_t found = 0;
    for (size_t i = 0; i < r->to_count; i++) {
        const struct leg *leg = aura__call_leg(k, &r->to[i]);
        found += leg && leg->state == AURA_LEG_RINGING;
    }
    return found == r->to_count && k->people == r->to_count + 1;
}

/* The caller's own call that this request would only repeat; and how many ring for it in all. */
static struct call *repeated(const struct person *p, const struct aura_call_request *r,
                             size_t *outgoing) {
    struct call *found = NULL;
    AURA_LIST_EACH(&p->legs, struct leg, leg, person_node) {
        if (leg == leg->call->first && !leg->call->connected) {
            ++*outgoing;
            bool it = strcmp(leg->device, r->device) == 0 && rings_exactly(leg->call, r);
            found = it ? leg->call : found;
        }
    }
    return found;
}

/* The one who is called is just calling the caller, and nobody else. */
static struct call *glaring(const struct person *p, const struct aura_call_request *r) {
    AURA_LIST_EACH(&p->legs, struct leg, leg, person_node) {
        const struct call *k = leg->call;
        if (r->to_count == 1 && leg->state == AURA_LEG_RINGING && !k->connected && k->people == 2 &&
            same(&k->initiator, &r->to[0])) {
            return leg->call;
        }
    }
    return NULL;
}

static int new_call(struct aura_calls *c, const struct aura_call_request *r, struct call **out) {
    struct call *k = aura_zalloc(sizeof(*k));
    if (!k) {
        return AURA_ENOMEM;
    }
    k->calls = c;
    k->video = r->video;
    k->initiator = *r->from;
    aura_list_init(&k->legs);
    memcpy(k->id, "CA_", 3);
    aura_rand_text(c->conf.rand, k->id + 3, ID_RANDOM);
    int err = aura_map_put_str(c->calls, k->id, k);
    if (err) {
        aura_free(k);
        return err;
    }
    struct leg *leg;
    err = add_leg(k, r->from, NULL, r->device, &k->first);
    for (size_t i = 0; i < r->to_count && !err; i++) {
        err = add_leg(k, &r->to[i], r->from, r->device, &leg);
    }
    if (err) {
        free_call(k);
        return err;
    }
    *out = k;
    return 0;
}

int aura_calls_ring(struct aura_calls *c, const struct aura_call_request *r,
                    char id[AURA_CALL_ID_BYTES]) {
    size_t outgoing = 0;
    if (!aura_calls_sane(r)) {
        return AURA_EINVAL;
    }
    const struct person *p = aura__calls_person(c, r->from);
    struct call *k = p ? repeated(p, r, &outgoing) : NULL;
    if (k) {
        memcpy(id, k->id, AURA_CALL_ID_BYTES);
        return 0;
    }
    k = p ? glaring(p, r) : NULL;
    if (k) {
        memcpy(id, k->id, AURA_CALL_ID_BYTES);
        return aura_calls_accept(c, id, r->from, r->device);
    }
    if (outgoing >= AURA_CALL_OUTGOING_MAX || aura_map_count(c->calls) >= c->conf.max_calls) {
        return AURA_ELIMIT;
    }
    int err = new_call(c, r, &k);
    if (err) {
        return err;
    }
    memcpy(id, k->id, AURA_CALL_ID_BYTES);
    AURA_LIST_EACH(&k->legs, struct leg, leg, node) {
        if (leg != k->first) {
            begin_ringing(leg);
        }
    }
    settle(k); /* all may be busy */
    return 0;
}

bool aura_calls_begins(const struct aura_calls *c, const struct aura_call_request *r) {
    size_t outgoing = 0;
    const struct person *p = aura__calls_person(c, r->from);
    return !p || !(repeated(p, r, &outgoing) || glaring(p, r));
}

/* ---- what people do ---- */

static struct leg *find(const struct aura_calls *c, const char *call, const struct aura_id *who) {
    const struct call *k = aura_map_get_str(c->calls, call);
    return k ? aura__call_leg(k, who) : NULL;
}

/* People who are in the call learn of whom they will see; who comes learns the same of them. */
static void connect(struct leg *leg) {
    struct call *k = leg->call;
    bool first = !k->connected;
    k->connected = true;
    if (first && k->first) {
        tell_join(k->first);
    }
    tell_join(leg);
    tell_others(leg);
    tell_of_others(leg);
}

int aura_calls_accept(struct aura_calls *c, const char *call, const struct aura_id *who,
                      const char *device) {
    struct leg *leg = find(c, call, who);
    if (!leg) {
        return AURA_ENOENT;
    }
    if (!is_device(device)) {
        return AURA_EINVAL;
    }
    if (leg->state == AURA_LEG_ACCEPTED) {
        return strcmp(leg->device, device) == 0 ? 0 : AURA_ESTATE;
    }
    aura_timer_stop(c->conf.timers, &leg->timer);
    leg->state = AURA_LEG_ACCEPTED;
    (void)snprintf(leg->device, sizeof(leg->device), "%s", device);
    tell_quiet(leg, AURA_CALL_ELSEWHERE, device);
    connect(leg);
    struct leg *leaves = leg->replaces;
    leg->replaces = NULL;
    if (leaves) {
        tell_over(leaves, AURA_CALL_TRANSFERRED);
        end_leg(leaves, AURA_CALL_TRANSFERRED);
        settle(leg->call);
    }
    return 0;
}

int aura_calls_decline(struct aura_calls *c, const char *call, const struct aura_id *who,
                       const char *device, enum aura_call_reason why) {
    struct leg *leg = find(c, call, who);
    if (!leg) {
        return AURA_ENOENT;
    }
    if (!is_device(device)) {
        return AURA_EINVAL;
    }
    if (leg->state != AURA_LEG_RINGING) {
        return AURA_ESTATE;
    }
    struct call *k = leg->call;
    end_leg(leg, why);
    settle(k);
    return 0;
}

/* Also its own device learns of it: another one may have hung up. */
static void hang_up(struct leg *leg, enum aura_call_reason reason) {
    struct call *k = leg->call;
    tell_over(leg, reason);
    end_leg(leg, reason);
    settle(k);
}

int aura_calls_leave(struct aura_calls *c, const char *call, const struct aura_id *who) {
    struct leg *leg = find(c, call, who);
    if (!leg || leg->state != AURA_LEG_ACCEPTED) {
        return leg ? AURA_ESTATE : AURA_ENOENT;
    }
    hang_up(leg, leg->call->connected ? AURA_CALL_LEFT : AURA_CALL_CANCELLED);
    return 0;
}

void aura_calls_gone(struct aura_calls *c, const struct aura_id *who, const char *device) {
    struct leg *leg;
    while ((leg = aura__calls_held(c, who, device))) {
        hang_up(leg, AURA_CALL_GONE);
    }
}

void aura_calls_forget(struct aura_calls *c, const struct aura_id *who) {
    const struct person *p;
    while ((p = aura__calls_person(c, who))) { /* who has no leg any more is not there */
        struct leg *leg = AURA_LIST_FIRST(&p->legs, struct leg, person_node);
        struct call *k = leg->call;
        if (leg->state == AURA_LEG_ACCEPTED) {
            hang_up(leg, AURA_CALL_GONE);
        } else {
            end_leg(leg, AURA_CALL_GONE);
            settle(k);
        }
    }
}

static int add(struct aura_calls *c, const char *call, const struct aura_id *by,
               const struct aura_id *who, bool transfer) {
    struct leg *from = find(c, call, by), *leg;
    if (!from || from->state != AURA_LEG_ACCEPTED) {
        return from ? AURA_ESTATE : AURA_ENOENT;
    }
    struct call *k = from->call;
    if (aura__call_leg(k, who)) {
        return AURA_EEXISTS;
    }
    if (k->people >= AURA_CALL_PEOPLE_MAX) {
        return AURA_ELIMIT;
    }
    int err = add_leg(k, who, by, from->device, &leg);
    if (err) {
        return err;
    }
    leg->replaces = transfer ? from : NULL;
    tell_others(leg);
    begin_ringing(leg);
    settle(k);
    return 0;
}

int aura_calls_add(struct aura_calls *c, const char *call, const struct aura_id *by,
                   const struct aura_id *who) {
    return add(c, call, by, who, false);
}

int aura_calls_transfer(struct aura_calls *c, const char *call, const struct aura_id *by,
                        const struct aura_id *to) {
    return add(c, call, by, to, true);
}

void aura_calls_present(struct aura_calls *c, const struct aura_id *who, const char *device) {
    const struct person *p = aura__calls_person(c, who);
    if (!p) {
        return;
    }
    AURA_LIST_EACH(&p->legs, struct leg, leg, person_node) {
        if (leg->state == AURA_LEG_RINGING) {
            tell_ring(leg, device);
        } else if (leg->state == AURA_LEG_ACCEPTED && strcmp(leg->device, device) == 0) {
            if (leg->call->connected) {
                tell_join(leg);
            }
            tell_of_others(leg);
        }
    }
}

/* ---- all of them ---- */

int aura_calls_new(struct aura_calls **cp, const struct aura_calls_conf *conf) {
    struct aura_calls *c = aura_zalloc(sizeof(*c));
    if (!c) {
        return AURA_ENOMEM;
    }
    c->conf = *conf;
    c->conf.ring_us = conf->ring_us ? conf->ring_us : RING_US;
    int err = aura_map_new(&c->calls, conf->max_calls);
    err = err ? err : aura_map_new(&c->people, conf->max_calls * AURA_CALL_PEOPLE_MAX);
    if (err) {
        aura_calls_free(c);
        return err;
    }
    *cp = c;
    return 0;
}

struct aura_calls *aura_calls_free(struct aura_calls *c) {
    if (c) {
        size_t it = 0;
        struct call *k;
        while (c->calls && (k = aura_map_next(c->calls, &it))) {
            free_call(k);
            it = 0; /* the map has changed */
        }
        aura_map_free(c->calls);
        aura_map_free(c->people);
        aura_free(c);
    }
    return NULL;
}
