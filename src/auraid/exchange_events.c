/* SPDX-License-Identifier: Apache-2.0 */
/* What happens in calls, as JSON for devices. */
#include "auraid/exchange_priv.h"
#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

static const char *const states[] = {"ringing", "accepted", "ended"};

json_t *aura__exchange_person(const struct aura_exchange *x, const struct aura_id *id) {
    struct aura_identity who;
    char text[AURA_ID_BYTES_MAX];
    int err = aura_directory_get(x->conf.rules.reach.directory, id, &who);
    const char *name = err || !*who.display ? NULL : who.display;
    return json_pack("{s:s, s:s*}", "id", aura_id_text(id, text), "name", name);
}

void aura__exchange_tell(struct aura_exchange *x, struct aura_hub_device *d, json_t *event) {
    char *text = event ? json_dumps(event, JSON_COMPACT | JSON_PRESERVE_ORDER) : NULL;
    aura_hub_tell(x->hub, d, text ? text + 1 : NULL); /* without its "{" */
    free(text);                                       /* library's memory */
    json_decref(event);
}

/* ---- to all devices of somebody that may know ---- */

struct round {
    struct aura_exchange *x;
    const struct aura_call_event *e;
    const char *members; /* of the event; NULL = no memory */
    enum aura_stance stance;
};

/* A call from one app is not told to devices in another one that takes none from there. */
static bool may_know(const struct round *r, const struct aura_hub_device *d) {
    char from[AURA_CALL_DEVICE_MAX], to[AURA_CALL_DEVICE_MAX];
    aura__exchange_app(r->e->by_device, from);
    aura__exchange_app(d->call_name, to);
    return aura_reach_app(&r->x->conf.rules.reach, from, to, r->stance);
}

static void tell_one(void *arg, struct aura_hub_device *d) {
    const struct round *r = arg;
    bool meant = !r->e->device || strcmp(r->e->device, d->call_name) == 0;
    bool except = r->e->except && strcmp(r->e->except, d->call_name) == 0;
    if (meant && !except && may_know(r, d)) {
        aura_hub_tell(r->x->hub, d, r->members);
    }
}

static void tell_all(struct round *r, json_t *event) {
    char *text = event ? json_dumps(event, JSON_COMPACT | JSON_PRESERVE_ORDER) : NULL;
    r->members = text ? text + 1 : NULL;
    aura_hub_each(r->x->hub, r->e->to, tell_one, r);
    free(text); /* library's memory */
    json_decref(event);
}

/* ---- agents ---- */

static void on_busy(void *arg) {
    struct aura_exchange *x = arg;
    struct busy *b;
    while ((b = AURA_LIST_FIRST(&x->busy, struct busy, node))) {
        aura_node_remove(&b->node);
        int err = aura_calls_decline(x->calls, b->call, &b->who, "/agent", AURA_CALL_BUSY);
        (void)err; /* the caller may have hung up meanwhile */
        aura_free(b);
    }
}

/* Without memory it rings on, until the time is up. */
static void be_busy(struct aura_exchange *x, const struct aura_call_event *e) {
    struct busy *b = aura_zalloc(sizeof(*b));
    if (b && aura_timer_start(x->conf.timers, &x->busy_timer, 0, on_busy, x)) {
        aura_free(b);
        b = NULL;
    }
    if (b) {
        b->who = *e->to;
        memcpy(b->call, e->call, sizeof(b->call));
        aura_list_add(&x->busy, &b->node);
    }
}

struct worker {
    char app[AURA_DIRECTORY_TEXT_MAX + 1], name[AURA_DIRECTORY_TEXT_MAX + 1];
};

static void on_proof(void *arg, const struct aura_proof *proof) {
    static const char prefix[] = "livekit-agent/";
    struct worker *w = arg;
    if (!*w->name && strncmp(proof->provider, prefix, sizeof(prefix) - 1) == 0) {
        strncpy(w->app, proof->provider + sizeof(prefix) - 1, sizeof(w->app) - 1);
        strncpy(w->name, proof->subject, sizeof(w->name) - 1);
    }
}

static void ring_agent(struct aura_exchange *x, const struct aura_call_event *e) {
    struct worker w = {.name = ""};
    struct aura_identity who;
    struct aura_directory *d = x->conf.rules.reach.directory;
    if (aura_directory_get(d, e->to, &who) || who.kind != AURA_ID_AGENT) {
        return;
    }
    int err = aura_directory_proofs(d, e->to, on_proof, &w);
    err = err ? err : *w.name ? 0 : AURA_ENOENT;
    const struct aura_exchange_agent agent = {.call = e->call,
                                              .app = w.app,
                                              .name = w.name,
                                              .who = e->to,
                                              .from = e->by,
                                              .video = e->video};
    err = err ? err : x->conf.hooks->agent(x->conf.arg, &agent);
    if (err) {
        be_busy(x, e);
    }
}

/* ---- each event ---- */

static void on_ring(struct round *r) {
    const struct aura_call_event *e = r->e;
    tell_all(r, json_pack("{s:s, s:s, s:o, s:b, s:b}", "event", "ring", "call", e->call, "from",
                          aura__exchange_person(r->x, e->about), "video", e->video, "waiting",
                          e->waiting));
    if (!e->device) { /* not just to one that has come back */
        r->x->stats.rings++;
        aura__exchange_push(r->x, "aura_call_ringing", e, r->stance);
        ring_agent(r->x, e);
    }
}

static void on_quiet(struct round *r) {
    const struct aura_call_event *e = r->e;
    tell_all(r, json_pack("{s:s, s:s, s:s}", "event", "quiet", "call", e->call, "reason",
                          aura_call_reason_name(e->reason)));
    aura__exchange_push(r->x, "aura_call_quiet", e, r->stance);
}

static void on_missed(struct round *r) {
    const struct aura_call_event *e = r->e;
    struct aura_exchange *x = r->x;
    uint64_t at_us = aura_wall_us(aura_timers_clock(x->conf.timers));
    const struct aura_missed missed = {.call = e->call,
                                       .reason = aura_call_reason_name(e->reason),
                                       .caller = *e->about,
                                       .video = e->video,
                                       .at_us = at_us};
    int err = aura_directory_add_missed(x->conf.rules.reach.directory, e->to, &missed);
    (void)err; /* it has said so; who is connected learns it all the same */
    x->stats.missed++;
    tell_all(r, json_pack("{s:s, s:s, s:o, s:b, s:s, s:I}", "event", "missed", "call", e->call,
                          "from", aura__exchange_person(x, e->about), "video", e->video, "reason",
                          missed.reason, "at", (json_int_t)(at_us / AURA_US_PER_S)));
}

static json_t *join_event(struct aura_exchange *x, const struct aura_call_event *e,
                          const char *app) {
    json_t *person = aura__exchange_person(x, e->to);
    json_t *event =
        json_pack("{s:s, s:s, s:b}", "event", "join", "call", e->call, "video", e->video);
    const char *display = json_string_value(json_object_get(person, "name"));
    const struct aura_exchange_join join = {
        .call = e->call, .app = app, .who = e->to, .display = display ? display : ""};
    int err = event ? x->conf.hooks->join(x->conf.arg, &join, event) : 0;
    if (err) {
        json_object_set_new(event, "error",
                            json_string(err == AURA_ELIMIT || err == AURA_EAGAIN
                                            ? "the server has no room for the call: hang up and "
                                              "try again later"
                                            : "the server cannot let you into the call: hang up "
                                              "and try again"));
    }
    json_decref(person);
    return event;
}

static void on_join(struct aura_exchange *x, const struct aura_call_event *e) {
    struct aura_hub_device *d = aura_hub_find(x->hub, e->to, e->device);
    char app[AURA_CALL_DEVICE_MAX];
    if (d) { /* else it learns when it comes back */
        aura__exchange_app(e->device, app);
        aura__exchange_tell(x, d, join_event(x, e, app));
    }
}

static void on_person(struct aura_exchange *x, const struct aura_call_event *e) {
    struct aura_hub_device *d = aura_hub_find(x->hub, e->to, e->device);
    if (d) {
        aura__exchange_tell(x, d,
                            json_pack("{s:s, s:s, s:o, s:s, s:s*}", "event", "person", "call",
                                      e->call, "person", aura__exchange_person(x, e->about),
                                      "state", states[e->state], "reason",
                                      e->reason ? aura_call_reason_name(e->reason) : NULL));
    }
}

static void on_over(struct aura_exchange *x, const struct aura_call_event *e) {
    struct aura_hub_device *d = aura_hub_find(x->hub, e->to, e->device);
    x->conf.hooks->left(x->conf.arg, e->call, e->to);
    if (d) {
        aura__exchange_tell(x, d,
                            json_pack("{s:s, s:s, s:s}", "event", "over", "call", e->call, "reason",
                                      aura_call_reason_name(e->reason)));
    }
}

void aura__exchange_event(void *arg, const struct aura_call_event *e) {
    struct aura_exchange *x = arg;
    struct round r = {.x = x, .e = e};
    bool to_all =
        e->type == AURA_CALL_RING || e->type == AURA_CALL_QUIET || e->type == AURA_CALL_MISSED;
    if (to_all && aura_directory_stance(x->conf.rules.reach.directory, e->to, e->by, &r.stance)) {
        r.stance = AURA_STANCE_NONE;
    }
    if (x->conf.hooks->watch) {
        x->conf.hooks->watch(x->conf.arg, e);
    }
    switch (e->type) {
    case AURA_CALL_RING:
        on_ring(&r);
        break;
    case AURA_CALL_QUIET:
        on_quiet(&r);
        break;
    case AURA_CALL_MISSED:
        on_missed(&r);
        break;
    case AURA_CALL_JOIN:
        on_join(x, e);
        break;
    case AURA_CALL_PERSON:
        on_person(x, e);
        break;
    case AURA_CALL_OVER:
        on_over(x, e);
        break;
    }
}

void aura__exchange_ended(void *arg, const char *call) {
    struct aura_exchange *x = arg;
    aura__exchange_disown(x, call);
    x->conf.hooks->ended(x->conf.arg, call);
}
