/* SPDX-License-Identifier: Apache-2.0 */
/* Calls with people of Matrix: what the exchange does, as what ghosts do. */
#include "auraid/matrix/appservice_priv.h"
#include "base/log.h"
#include "base/mem.h"

#include <stdio.h>
#include <string.h>

/* A ghost has one device in calls, whichever of its person's rings. Nothing signs in with it. */
static const char device[] = "AURALINK";

static bool same(const struct aura_id *a, const struct aura_id *b) {
    return strcmp(a->name, b->name) == 0;
}

static struct link *link_of(const struct aura_as *as, const char *call) {
    AURA_LIST_EACH(&as->links, struct link, l, node) {
        if (l->call[0] && strcmp(l->call, call) == 0) {
            return l;
        }
    }
    return NULL;
}

struct link *aura__as_link_new(struct aura_as *as) {
    struct link *l = as->stats.links < AURA_AS_LINKS_MAX ? aura_zalloc(sizeof(*l)) : NULL;
    if (!l) {
        AURA_LOG_LIMITED("matrix", AURA_LOG_WARN, "call_not_linked",
                         AURA_S("why", "there are too many calls with people of Matrix"));
        return NULL;
    }
    l->as = as;
    l->id = ++as->last_id;
    aura_list_add(&as->links, &l->node);
    as->stats.links++;
    return l;
}

void aura__as_set_room(struct link *l, const char *room) {
    struct aura_rtc_request r = {.kind = AURA_RTC_SFU_GET, .slot = "m.call#ROOM"};
    (void)snprintf(l->room, sizeof(l->room), "%.*s", (int)sizeof(l->room) - 1, room);
    if (l->kind != AS_TWO) {
        return; /* its media are the call's */
    }
    (void)snprintf(r.room, sizeof(r.room), "%s", l->room);
    if (!l->room[0] || aura_rtc_room(&r, l->media)) {
        l->media[0] = 0;
    }
}

void aura__as_link_free(struct link *l) {
    aura_timer_stop(l->as->conf.timers, &l->retry);
    aura_timer_stop(l->as->conf.timers, &l->expiry);
    aura_timer_stop(l->as->conf.timers, &l->renewal);
    aura_timer_stop(l->as->conf.timers, &l->away);
    aura_node_remove(&l->node);
    l->as->stats.links--;
    aura_free(l);
}

/* ---- errands ---- */

static void on_result(struct link *l, const struct aura_as_errand *e);

void aura__as_begin(struct link *l, enum aura_as_do what) {
    struct aura_as *as = l->as;
    struct aura_as_errand e = {.what = what, .lifetime_ms = as->conf.ring_ms, .term = l->term};
    struct aura_identity who;
    aura__as_ghost_name(as, &l->ghost, e.ghost);
    if ((what == AURA_AS_DO_ROOM || what == AURA_AS_DO_BRING) &&
        aura_directory_get(as->conf.directory, &l->ghost, &who) == 0) {
        (void)snprintf(e.display, sizeof(e.display), "%s", who.display);
    }
    if (what == AURA_AS_DO_BRING) {
        aura__as_ghost_name(as, aura__as_group_host(l), e.host);
    }
    memcpy(e.device, device, sizeof(device));
    memcpy(e.peer, l->mxid, sizeof(e.peer));
    memcpy(e.room, l->room, sizeof(e.room));
    memcpy(e.ring, l->ring, sizeof(e.ring));
    memcpy(e.member, l->member, sizeof(e.member));
    /* The same errand tried again is the same event. */
    (void)snprintf(e.txn, sizeof(e.txn), "%s.%d.%llu", l->call, (int)what,
                   (unsigned long long)(l->kind == AS_TWO ? 0 : l->id));
    l->busy = true;
    l->doing = what;
    as->stats.errands++;
    int err = as->conf.act(as->conf.arg, l->id, &e);
    if (err) {
        e.err = err;
        e.why = aura_err_text(err);
        on_result(l, &e);
    }
}

/* What is due next, from what is so now. */
static void step(struct link *l) {
    if (l->busy || aura_timer_running(&l->retry)) {
        return;
    }
    if (l->kind != AS_TWO) {
        aura__as_group_step(l);
    } else if (l->outgoing && !l->rung && !l->over) {
        aura__as_begin(l, l->room[0] ? AURA_AS_DO_CALL : AURA_AS_DO_ROOM);
    } else if (l->wants_decline) {
        aura__as_begin(l, AURA_AS_DO_DECLINE);
    } else if (((l->wants_in && !l->in) || l->renews) && !l->over && !l->left) {
        aura__as_begin(l, AURA_AS_DO_ENTER);
    } else if (l->in && (l->over || l->left)) {
        aura__as_begin(l, AURA_AS_DO_LEAVE);
    } else if (l->over) {
        aura__as_link_free(l);
    }
}

static void on_turn(void *arg) {
    struct aura_as *as = arg;
    AURA_LIST_EACH(&as->links, struct link, l, node) {
        step(l);
    }
}

void aura__as_turn(struct aura_as *as) {
    if (!aura_timer_running(&as->turn) &&
        aura_timer_start(as->conf.timers, &as->turn, 0, on_turn, as)) {
        AURA_LOG_LIMITED("matrix", AURA_LOG_ERROR, "call_stuck",
                         AURA_S("why", aura_err_text(AURA_ENOMEM)));
    }
}

static void on_retry(void *arg) {
    step(arg);
}

/* ---- what became of them ---- */

static const char *const names[] = {"register", "join",   "room",   "call",  "enter", "leave",
                                    "decline",  "refuse", "forget", "bring", "ring",  "part"};

void aura__as_say_failed(struct aura_as *as, const struct aura_as_errand *e, bool again) {
    as->stats.failed++;
    AURA_LOG_LIMITED("matrix", AURA_LOG_WARN, "homeserver_failed", AURA_S("at", names[e->what]),
                     AURA_I("status", e->status), AURA_S("why", e->why),
                     AURA_S("so", again ? "it is tried again" : "it is left out"));
}

/* Nothing was there to do it with; the next time is another one. @return false: it is given up */
static bool try_again(struct link *l, const struct aura_as_errand *e) {
    bool rings = (l->outgoing && !l->rung) || (l->host && !l->in && !l->over);
    bool may = e->err != AURA_EPOLICY && ++l->tries < AURA_AS_TRIES_MAX && !rings;
    uint64_t in_us = (uint64_t)AURA_AS_RETRY_MS * AURA_US_PER_MS << (may ? l->tries - 1 : 0);
    may = may && !aura_timer_start(l->as->conf.timers, &l->retry, in_us, on_retry, l);
    aura__as_say_failed(l->as, e, may);
    return may;
}

static void on_renewal(void *arg) {
    struct link *l = arg;
    l->renews = true;
    l->term++;
    step(l);
}

static void renew_later(struct link *l) {
    int err = aura_timer_start(l->as->conf.timers, &l->renewal, AURA_AS_RENEW_S * AURA_US_PER_S,
                               on_renewal, l);
    (void)err; /* without memory it ends in its time, and media go on */
}

static void on_entered(struct link *l, const struct aura_as_errand *e) {
    l->in = l->in || !e->err;
    l->wants_in = l->in; /* media go on without it */
    l->renews = false;
    if (!e->err) {
        memcpy(l->member, e->member, sizeof(l->member));
    }
    if (l->in) {
        renew_later(l);
    }
}

static void on_rung(struct link *l, const struct aura_as_errand *e) {
    struct aura_as *as = l->as;
    struct aura_id peer = l->peer;
    l->rung = true;
    l->in = true; /* also after a failure: its first half may have been done */
    if (!e->err) {
        memcpy(l->ring, e->ring, sizeof(l->ring));
        memcpy(l->member, e->member, sizeof(l->member));
        renew_later(l);
        as->stats.ringing++;
    } else if (!l->over) {
        aura_exchange_matrix_failed(as->conf.exchange, l->call, &peer);
    }
}

static void on_room(struct link *l, const struct aura_as_errand *e) {
    struct aura_as *as = l->as;
    struct aura_id peer = l->peer;
    if (!e->err) {
        aura__as_set_room(l, e->room);
        int err = aura_directory_enter_room(as->conf.directory, &l->ghost, l->room, l->mxid);
        if (err) {
            AURA_LOG_LIMITED("matrix", AURA_LOG_WARN, "room_not_kept",
                             AURA_S("why", aura_err_text(err)));
        }
    } else {
        l->rung = true;
        if (!l->over) {
            aura_exchange_matrix_failed(as->conf.exchange, l->call, &peer);
        }
    }
}

/* The ghost is not in that room any more, or may not be in its calls. */
static bool needs_room(struct link *l, const struct aura_as_errand *e) {
    bool needs = e->what == AURA_AS_DO_CALL && e->err == AURA_EPOLICY && !l->remade && !l->over;
    if (needs) {
        int err = aura_directory_leave_room(l->as->conf.directory, &l->ghost, l->room);
        needs = !err;
        l->remade = true;
        aura__as_set_room(l, "");
    }
    return needs;
}

static void on_result(struct link *l, const struct aura_as_errand *e) {
    l->busy = false;
    if (e->err && !needs_room(l, e) && try_again(l, e)) {
        return;
    }
    l->tries = 0;
    switch (e->what) {
    case AURA_AS_DO_ROOM:
        if (l->kind == AS_TWO) {
            on_room(l, e);
            break;
        }
        aura__as_group_result(l, e);
        break;
    case AURA_AS_DO_CALL:
        if (!e->err || l->room[0]) {
            on_rung(l, e);
        }
        break;
    case AURA_AS_DO_ENTER:
        on_entered(l, e);
        break;
    case AURA_AS_DO_LEAVE:
        l->in = false;
        break;
    case AURA_AS_DO_DECLINE:
        l->wants_decline = false;
        break;
    case AURA_AS_DO_BRING:
    case AURA_AS_DO_RING:
    case AURA_AS_DO_PART:
        aura__as_group_result(l, e);
        break;
    case AURA_AS_DO_REGISTER:
    case AURA_AS_DO_JOIN:
    case AURA_AS_DO_REFUSE:
    case AURA_AS_DO_FORGET:
        break;
    }
    aura__as_turn(l->as);
}

/* A ghost is in a room that it was invited to. */
static void on_joined(struct aura_as *as, const struct aura_as_errand *e) {
    struct aura_id ghost;
    if (e->what == AURA_AS_DO_FORGET) {
        aura__as_on_forgotten(as, e);
    } else if (e->err) {
        aura__as_say_failed(as, e, false);
    } else if (e->what == AURA_AS_DO_JOIN && aura__as_ghost(as, e->ghost, &ghost) == 0) {
        int err = aura_directory_enter_room(as->conf.directory, &ghost, e->room, e->peer);
        if (err) {
            AURA_LOG_LIMITED("matrix", AURA_LOG_WARN, "room_not_kept",
                             AURA_S("why", aura_err_text(err)));
        }
    }
}

void aura_as_result(struct aura_as *as, uint64_t id, const struct aura_as_errand *errand) {
    if (!id) {
        on_joined(as, errand);
        return;
    }
    AURA_LIST_EACH(&as->links, struct link, l, node) {
        if (l->id == id) {
            on_result(l, errand);
            return;
        }
    }
}

/* ---- rings end ---- */

static void on_expiry(void *arg) {
    struct link *l = arg;
    if (!l->answered && !l->over) {
        struct aura_id peer = l->peer;
        aura_exchange_matrix_left(l->as->conf.exchange, l->call, &peer);
    }
}

void aura__as_expire_at(struct link *l, uint64_t in_us) {
    int err = aura_timer_start(l->as->conf.timers, &l->expiry, in_us, on_expiry, l);
    (void)err; /* without memory it rings as long as any call */
}

/* ---- what happens in calls ---- */

struct search {
    const struct aura_as *as;
    char mxid[AURA_MXID_BYTES_MAX];
};

static void on_proof(void *arg, const struct aura_proof *proof) {
    struct search *s = arg;
    struct aura_id ghost;
    if (!s->mxid[0] && strcmp(proof->provider, "matrix") == 0 &&
        strlen(proof->subject) < sizeof(s->mxid) && aura__as_ghost(s->as, proof->subject, &ghost)) {
        (void)snprintf(s->mxid, sizeof(s->mxid), "%s", proof->subject);
    }
}

/* Somebody is rung who is on Matrix too. */
static void on_ring(struct aura_as *as, const struct aura_call_event *e) {
    struct search s = {.as = as};
    char room[AURA_DIRECTORY_TEXT_MAX + 1];
    if (e->device || aura_directory_proofs(as->conf.directory, e->to, on_proof, &s) || !s.mxid[0]) {
        return;
    }
    if (!e->two) {
        aura__as_group_ring(as, e, s.mxid);
        return;
    }
    struct link *l = aura__as_link_new(as);
    if (!l) {
        return;
    }
    l->outgoing = true;
    l->ghost = *e->by;
    l->peer = *e->to;
    memcpy(l->call, e->call, strnlen(e->call, sizeof(l->call) - 1));
    memcpy(l->mxid, s.mxid, sizeof(l->mxid));
    if (aura_directory_direct_room(as->conf.directory, &l->ghost, l->mxid, room) == 0) {
        aura__as_set_room(l, room);
    }
}

static void on_outgoing(struct link *l, const struct aura_call_event *e) {
    bool by_matrix = e->except && strcmp(e->except, aura_exchange_matrix_device) == 0;
    if (e->type == AURA_CALL_QUIET && same(e->to, &l->peer) && !by_matrix) {
        l->over = true; /* answered elsewhere, too */
    } else if (e->type == AURA_CALL_JOIN && same(e->to, &l->peer)) {
        l->answered = true;
    }
}

static void on_incoming(struct link *l, const struct aura_call_event *e) {
    if (e->type == AURA_CALL_JOIN && same(e->to, &l->ghost)) {
        l->answered = l->wants_in = true;
    } else if (e->type == AURA_CALL_PERSON && same(e->about, &l->ghost) &&
               e->state == AURA_LEG_ENDED &&
               (e->reason == AURA_CALL_DECLINED || e->reason == AURA_CALL_BUSY)) {
        l->wants_decline = true;
    }
}

void aura_as_watch(struct aura_as *as, const struct aura_call_event *e) {
    if (as->beginning && !as->beginning->call[0] && !link_of(as, e->call)) {
        memcpy(as->beginning->call, e->call, strnlen(e->call, sizeof(as->beginning->call) - 1));
    } else if (e->type == AURA_CALL_RING) {
        on_ring(as, e);
    }
    AURA_LIST_EACH(&as->links, struct link, l, node) {
        if (strcmp(l->call, e->call) != 0) {
            continue;
        }
        if (l->outgoing) {
            on_outgoing(l, e);
        } else if (l->kind == AS_TWO) {
            on_incoming(l, e);
        }
    }
    aura__as_group_event(as, e);
    if (!aura_list_empty(&as->links)) {
        aura__as_turn(as);
    }
}

void aura_as_ended(struct aura_as *as, const char *call) {
    AURA_LIST_EACH(&as->links, struct link, l, node) {
        if (strcmp(l->call, call) == 0) {
            l->over = true;
            aura__as_turn(as);
        }
    }
}

bool aura_as_media(const struct aura_as *as, const char *call, const struct aura_id *who,
                   char room[AURA_RTC_ROOM_BYTES], char identity[AURA_RTC_IDENTITY_BYTES]) {
    const struct link *l = aura__as_room_link(as, call);
    struct aura_rtc_request r = {.kind = AURA_RTC_SFU_GET};
    char ghost[AURA_MXID_BYTES_MAX];
    if (!l) {
        return false;
    }
    memcpy(room, l->media, AURA_RTC_ROOM_BYTES);
    memcpy(r.device, device, sizeof(device));
    aura__as_ghost_name(as, who, ghost);
    return aura_rtc_identity(&r, ghost, identity) == 0;
}

/* ---- all of it ---- */

int aura_as_new(struct aura_as **ap, const struct aura_as_conf *conf) {
    struct aura_as *as = aura_zalloc(sizeof(*as));
    if (!as) {
        return AURA_ENOMEM;
    }
    as->conf = *conf;
    aura_list_init(&as->links);
    aura__as_end_ghosts(as, 0);
    *ap = as;
    return 0;
}

struct aura_as *aura_as_free(struct aura_as *as) {
    if (as) {
        aura_timer_stop(as->conf.timers, &as->turn);
        aura_timer_stop(as->conf.timers, &as->gone);
        aura_timer_stop(as->conf.timers, &as->lapse);
        AURA_LIST_EACH(&as->links, struct link, l, node) {
            aura__as_link_free(l);
        }
        aura_free(as);
    }
    return NULL;
}

void aura_as_stats(const struct aura_as *as, struct aura_as_stats *out) {
    *out = as->stats;
}
