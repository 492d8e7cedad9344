/* SPDX-License-Identifier: Apache-2.0 */
#include "api/webhooks_priv.h"

#include "api/pbjson.h"
#include "base/log.h"
#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

enum { ID_LEN = 15 };

/* ---- events ---- */

static bool in_list(const char *const *list, size_t n, const char *what) {
    for (size_t i = 0; i < n; i++) {
        if (strcmp(list[i], what) == 0) {
            return true;
        }
    }
    return false;
}

static bool wanted(const struct aura_webhooks *w, const char *name) {
    const struct aura_webhooks_conf *c = &w->conf;
    return (c->include_count == 0 || in_list(c->include, c->include_count, name)) &&
           !in_list(c->exclude, c->exclude_count, name);
}

static struct aura__webhook *make(struct aura_webhooks *w, const char *room, const char *event_id,
                                  const char *event, const char *body) {
    size_t id = strlen(event_id) + 1, name = strlen(event) + 1, in = strlen(room) + 1;
    size_t len = strlen(body);
    struct aura__webhook *m =
        len <= AURA_WEBHOOK_BODY_BYTES_MAX ? aura_zalloc(sizeof(*m) + id + name + in + len) : NULL;
    if (m) {
        char *at = (char *)m->bytes;
        m->e.id = memcpy(at, event_id, id);
        m->e.name = memcpy(at + id, event, name);
        m->e.room = memcpy(at + id + name, room, in);
        m->e.body = memcpy(at + id + name + in, body, len);
        m->e.len = len;
        m->e.created_us = aura_wall_us(w->conf.clock);
    }
    return m;
}

/* @param json  taken; NULL = no memory. @return 0, or the event is lost */
static int post(struct aura_webhooks *w, const char *room, const char *id, const char *event,
                json_t *json) {
    char *body = json ? json_dumps(json, JSON_COMPACT) : NULL;
    struct aura__webhook *m = body ? make(w, room, id, event, body) : NULL;
    struct aura__webhook_command command = {.event = m};
    json_decref(json);
    free(body); /* library's memory */
    int err = m ? aura_ring_push(w->ring, &command) : AURA_ENOMEM;
    if (err) {
        aura_free(m);
        atomic_fetch_add(&w->lost, 1);
    }
    return err;
}

void aura_webhooks_event(void *arg, const char *room, const Livekit__WebhookEvent *event) {
    struct aura_webhooks *w = arg;
    if (wanted(w, event->event) && post(w, room, event->id, event->event,
                                        aura_pbjson_encode(&event->base, AURA_PBJSON_COMPACT))) {
        AURA_LOG_LIMITED("webhook", AURA_LOG_ERROR, "event_lost", AURA_S("event", event->event),
                         AURA_S("room", room),
                         AURA_S("room_sid", event->room ? event->room->sid : NULL));
    }
}

void aura_webhooks_tell(struct aura_webhooks *w, const char *lane, const char *event,
                        const char *name, const json_t *about) {
    char id[ID_LEN + 1] = "EV_";
    if (!wanted(w, event)) {
        return;
    }
    aura_rand_text(w->conf.rand, id + 3, ID_LEN - 3);
    int64_t now_s = (int64_t)(aura_wall_us(w->conf.clock) / AURA_US_PER_S);
    /* As proto3 JSON has it, 64 bits are a text. */
    json_t *json = json_pack("{s:s, s:s, s:o, s:O}", "event", event, "id", id, "createdAt",
                             json_sprintf("%lld", (long long)now_s), name, about);
    if (post(w, lane, id, event, json)) {
        AURA_LOG_LIMITED("webhook", AURA_LOG_ERROR, "event_lost", AURA_S("event", event),
                         AURA_S("lane", lane));
    }
}

/* ---- questions ---- */

void aura__webhook_ask_free(struct aura__webhook_ask *ask) {
    json_decref(ask->answer);
    aura_free(ask->room);
    aura_free(ask);
}

int aura_webhooks_ask(struct aura_webhooks *w, const struct aura_outbox_query *q, bool replay,
                      aura_webhooks_answer_fn *fn, void *arg) {
    if (w->asks == AURA_WEBHOOK_ASKS_MAX) {
        return AURA_EAGAIN;
    }
    struct aura__webhook_ask *ask = aura_zalloc(sizeof(*ask));
    if (!ask) {
        return AURA_ENOMEM;
    }
    *ask = (struct aura__webhook_ask){.q = *q, .replay = replay, .fn = fn, .arg = arg};
    ask->room = aura_strdup(q->room);
    ask->q.room = ask->room;
    struct aura__webhook_command command = {.ask = ask};
    int err = q->room && !ask->room ? AURA_ENOMEM : aura_ring_push(w->ring, &command);
    if (err) {
        aura__webhook_ask_free(ask);
        return err;
    }
    w->asks++;
    return 0;
}

void aura__webhooks_answer(struct aura_webhooks *w, struct aura__webhook_ask *ask) {
    int err = aura_ring_push(w->answers, &ask);
    AURA_BUG_ON(err); /* it has a slot for each that may be asked */
}

static void on_answer(void *arg, void *message) {
    struct aura_webhooks *w = arg;
    struct aura__webhook_ask *ask = *(struct aura__webhook_ask **)message;
    w->asks--;
    ask->fn(ask->arg, ask->err, ask->answer);
    aura__webhook_ask_free(ask);
}

static void on_answers(void *arg, struct aura_watch *watch, unsigned events) {
    struct aura_webhooks *w = arg;
    (void)watch;
    (void)events;
    aura_ring_drain(w->answers, AURA_WEBHOOK_ASKS_MAX, on_answer, w);
}

/* ---- beginning and end ---- */

static void wipe(char *text) {
    if (text) {
        aura_wipe(text, strlen(text));
        aura_free(text);
    }
}

static void release(struct aura_webhooks *w) {
    aura_loop_remove_fd(&w->watch);
    aura__lanes_free(w);
    aura_timers_free(w->timers);
    aura_outbox_close(w->outbox);
    aura_ring_free(w->ring);
    aura_ring_free(w->answers);
    wipe(w->key);
    wipe(w->secret);
    aura_free(w);
}

static int check_urls(const struct aura_webhooks_conf *c, struct aura_buf *why) {
    for (size_t i = 0; i < c->outbox.url_count; i++) {
        const char *url = c->outbox.urls[i];
        if (strncmp(url, "http://", 7) != 0 && strncmp(url, "https://", 8) != 0) {
            aura_buf_printf(why, "%s: wanted http:// or https://", url);
            return AURA_EINVAL;
        }
    }
    return 0;
}

int aura_webhooks_new(struct aura_webhooks **wp, const struct aura_webhooks_conf *conf,
                      struct aura_loop *loop, struct aura_buf *why) {
    int err = check_urls(conf, why);
    if (err) {
        return err;
    }
    struct aura_webhooks *w = aura_zalloc(sizeof(*w));
    if (!w) {
        return AURA_ENOMEM;
    }
    w->conf = *conf;
    w->loop = loop;
    w->held_end = &w->held;
    aura_list_init(&w->flights);
    w->key = aura_strdup(conf->key);
    w->secret = aura_strdup(conf->secret);
    err = w->key && w->secret ? 0 : AURA_ENOMEM;
    err =
        err ? err
            : aura_ring_new(&w->ring, AURA_WEBHOOK_QUEUE_MAX, sizeof(struct aura__webhook_command));
    err =
        err ? err
            : aura_ring_new(&w->answers, AURA_WEBHOOK_ASKS_MAX, sizeof(struct aura__webhook_ask *));
    err = err ? err : aura_timers_new(&w->timers, conf->clock);
    err = err ? err : aura_outbox_open(&w->outbox, &conf->outbox, why);
    err = err ? err : aura__lanes_new(w);
    err = err ? err
              : aura_loop_add_fd(loop, &w->watch, aura_ring_fd(w->answers), AURA_LOOP_READ,
                                 on_answers, w);
    if (!err && pthread_create(&w->thread, NULL, aura__webhooks_thread, w)) {
        err = AURA_ENOMEM;
    }
    if (err) {
        release(w);
        return err;
    }
    *wp = w;
    return 0;
}

struct aura_webhooks *aura_webhooks_free(struct aura_webhooks *w) {
    if (w) {
        struct aura__webhook_ask *ask;
        atomic_store(&w->stopping, true);
        aura_ring_wake(w->ring);
        pthread_join(w->thread, NULL);
        while (aura_ring_pop(w->answers, &ask)) {
            on_answer(w, &ask);
        }
        release(w);
    }
    return NULL;
}

void aura_webhooks_stats(const struct aura_webhooks *w, struct aura_webhooks_stats *out) {
    *out = (struct aura_webhooks_stats){
        .delivered = atomic_load(&w->delivered),
        .refused = atomic_load(&w->refused),
        .expired = atomic_load(&w->expired),
        .failed = atomic_load(&w->failed),
        .lost = atomic_load(&w->lost),
        .outbox = {.events = atomic_load(&w->events),
                   .bytes = atomic_load(&w->bytes),
                   .waiting = atomic_load(&w->waiting),
                   .dropped = atomic_load(&w->dropped)},
    };
}
