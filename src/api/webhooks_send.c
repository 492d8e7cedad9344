/* SPDX-License-Identifier: Apache-2.0 */
/* The webhooks' thread: takes events from the ring into the file, answers questions, turns lanes
 * and libcurl. */
#include "api/webhooks_priv.h"

#include "base/log.h"
#include "base/mem.h"

enum {
    BATCH = 256,       /* events in one write */
    STORE_RETRY_S = 1, /* the disk is full, say */
    RESCAN_S = 1,      /* for lanes that found no memory */
    POLL_MAX_MS = 60000,
};

static void publish_stats(struct aura_webhooks *w) {
    struct aura_outbox_stats s;
    aura_outbox_stats(w->outbox, &s);
    atomic_store(&w->events, s.events);
    atomic_store(&w->bytes, s.bytes);
    atomic_store(&w->waiting, s.waiting);
    atomic_store(&w->dropped, s.dropped);
}

/* ---- storing ---- */

static void on_store_timer(void *arg) {
    (void)arg; /* the loop looks whether it runs */
}

static int store_held(struct aura_webhooks *w) {
    int err = aura_outbox_begin(w->outbox);
    if (err) {
        return err;
    }
    for (struct aura__webhook *m = w->held; m && !err; m = m->next) {
        err = aura_outbox_add(w->outbox, &m->e);
    }
    err = err ? err : aura_outbox_trim(w->outbox);
    if (err) {
        aura_outbox_rollback(w->outbox);
        return err;
    }
    return aura_outbox_commit(w->outbox);
}

/* Only what is on the disk is sent. What cannot be stored stays in memory and is tried again; the
 * ring fills behind it. */
static void store(struct aura_webhooks *w) {
    if (!w->held || aura_timer_running(&w->store_timer)) {
        return;
    }
    if (store_held(w)) {
        if (aura_timer_start(w->timers, &w->store_timer, STORE_RETRY_S * AURA_US_PER_S,
                             on_store_timer, w)) {
            AURA_LOG_LIMITED("webhook", AURA_LOG_ERROR, "no_memory_for_timer",
                             AURA_I("events", w->held_count));
        }
        return;
    }
    for (struct aura__webhook *m = w->held, *next; m; m = next) {
        next = m->next;
        for (size_t i = 0; i < w->conf.outbox.url_count; i++) {
            aura__lanes_poke(&w->targets[i], m->e.room);
        }
        aura_free(m);
    }
    w->held = NULL;
    w->held_end = &w->held;
    w->held_count = 0;
}

/* ---- questions ---- */

static void add_listed(void *arg, const struct aura_outbox_event *e,
                       const struct aura_outbox_delivery *d, size_t n) {
    json_t *o =
        json_pack("{s:I, s:I, s:s, s:s, s:s, s:I, s:[]}", "seq", (json_int_t)e->seq, "room_seq",
                  (json_int_t)e->room_seq, "id", e->id, "event", e->name, "room", e->room,
                  "created_ms", (json_int_t)(e->created_us / AURA_US_PER_MS), "deliveries");
    for (size_t i = 0; o && i < n; i++) {
        json_array_append_new(json_object_get(o, "deliveries"),
                              json_pack("{s:s, s:s, s:I, s:I}", "url", d[i].url, "state",
                                        aura_outbox_state_name(d[i].state), "attempts",
                                        (json_int_t)d[i].attempts, "status",
                                        (json_int_t)d[i].status));
    }
    if (o && e->body) {
        json_object_set_new(o, "body", json_loadb((const char *)e->body, e->len, 0, NULL));
    }
    json_array_append_new(json_object_get(arg, "events"), o);
}

static void answer(struct aura_webhooks *w, struct aura__webhook_ask *ask) {
    if (ask->replay) {
        uint64_t count = 0;
        ask->err = aura_outbox_replay(w->outbox, &ask->q, &count);
        ask->answer = json_pack("{s:I}", "replayed", (json_int_t)count);
        aura__lanes_scan(w);
    } else {
        ask->answer = json_pack("{s:[]}", "events");
        ask->err = aura_outbox_list(w->outbox, &ask->q, add_listed, ask->answer);
    }
    ask->err = ask->answer ? ask->err : AURA_ENOMEM;
    aura__webhooks_answer(w, ask);
}

static void on_command(void *arg, void *message) {
    struct aura_webhooks *w = arg;
    const struct aura__webhook_command *c = message;
    if (c->ask) {
        store(w); /* what came before it is seen */
        answer(w, c->ask);
    } else {
        *w->held_end = c->event;
        w->held_end = &c->event->next;
        w->held_count++;
    }
}

/* ---- the turn ---- */

static void on_rescan(void *arg) {
    struct aura_webhooks *w = arg;
    w->missed = false;
    aura__lanes_scan(w);
}

static void wait_for_work(struct aura_webhooks *w, uint64_t limit_us) {
    struct curl_waitfd ring = {.fd = aura_ring_fd(w->ring), .events = CURL_WAIT_POLLIN};
    uint64_t us = aura_timers_next_us(w->timers);
    us = us < limit_us ? us : limit_us;
    int ms = us / 1000 < POLL_MAX_MS ? (int)((us + 999) / 1000) : POLL_MAX_MS;
    bool room = w->held_count < BATCH;
    curl_multi_poll(w->multi, &ring, room ? 1 : 0, ms, NULL);
}

static void turn(struct aura_webhooks *w) {
    int running;
    if (w->held_count < BATCH) {
        aura_ring_drain(w->ring, BATCH - w->held_count, on_command, w);
    }
    (void)aura_timers_run(w->timers);
    store(w);
    aura__lanes_go(w);
    curl_multi_perform(w->multi, &running);
    aura__lanes_done(w);
    if (w->missed && !aura_timer_running(&w->rescan_timer)) {
        (void)!aura_timer_start(w->timers, &w->rescan_timer, RESCAN_S * AURA_US_PER_S, on_rescan,
                                w);
    }
    publish_stats(w);
}

/* Everything that was told is stored first; then a short while for what can be sent. */
static void finish(struct aura_webhooks *w) {
    uint64_t until = aura_now_us(w->conf.clock) + w->conf.grace_us;
    for (;;) {
        uint64_t now = aura_now_us(w->conf.clock);
        turn(w);
        bool stored = !w->held;
        if ((stored && !aura__lanes_busy(w)) || now >= until) {
            break;
        }
        wait_for_work(w, until - now);
    }
    if (w->held) {
        AURA_LOG("webhook", AURA_LOG_ERROR, "events_not_stored", AURA_I("count", w->held_count));
    }
    for (struct aura__webhook *m = w->held, *next; m; m = next) {
        next = m->next;
        aura_free(m);
    }
    w->held = NULL;
    struct aura__webhook_command c;
    while (aura_ring_pop(w->ring, &c)) { /* only if the file took nothing any more */
        aura_free(c.event);
        if (c.ask) {
            c.ask->err = AURA_ECLOSED;
            aura__webhooks_answer(w, c.ask);
        }
    }
}

void *aura__webhooks_thread(void *arg) {
    struct aura_webhooks *w = arg;
    aura__lanes_scan(w);
    while (!atomic_load(&w->stopping)) {
        turn(w);
        if (!atomic_load(&w->stopping)) {
            wait_for_work(w, UINT64_MAX);
        }
    }
    finish(w);
    return NULL;
}
