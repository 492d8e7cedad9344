/* SPDX-License-Identifier: Apache-2.0 */
#include "sfu/derived.h"

#include "aic/core.h"
#include "base/buf.h"
#include "base/log.h"
#include "base/mem.h"
#include "rtp/av1_pack.h"
#include "rtp/vp8.h"
#include "sfu/subscribed.h"

#include <pthread.h>
#include <string.h>

enum {
    PAYLOAD_MAX = 1100,
    LOST_US = 250000,    /* a packet missing for so long will not come: go on with a key frame */
    CHOOSE_US = 2000000, /* between two layers that are compressed */
    CLOCK_RATE = 90000,
};

/* ---- from AI Core's connection to the worker ---- */

/* What a stream's handlers know: it may outlive the track. */
struct origin {
    struct aura_derived_inbox *inbox;
    aura_pub_id pub;
    uint32_t generation;
};

struct event {
    struct event *next;
    aura_pub_id pub;
    uint32_t generation;
    bool closed;
    enum aura_aic_reason why;
    struct aura_aic_frame_out frame; /* data points behind the event */
    uint8_t bytes[];
};

struct aura_derived_inbox {
    struct aura_worker *worker;
    struct aura_task task;
    pthread_mutex_t lock; /* of what follows */
    pthread_cond_t idle;
    struct event *first, **end;
    size_t count, origins;
};

struct aura_derived {
    struct aura_published *pub;
    struct aura_aic_machine machine;
    struct aura_timer timer;
    struct aura_aic_stream *stream;
    uint32_t generation; /* of the stream: answers of older ones are not ours */

    unsigned layer; /* that is compressed */
    bool synced;    /* a key frame was begun: `next` is the packet to take */
    uint64_t next, missing_since_us, chosen_us;
    struct aura_buf frame;

    bool key_wanted;
    uint64_t eseq;
    bool announced; /* the log knows that it works */
};

static void drain(void *arg);

static void post(struct aura_derived_inbox *inbox, struct event *e) {
    pthread_mutex_lock(&inbox->lock);
    /* Ends are never dropped: the mode machine waits for frames, but not for these. */
    bool room = e->closed || inbox->count < AURA_DERIVED_INBOX_MAX;
    if (room) {
        *inbox->end = e;
        inbox->end = &e->next;
        inbox->count++;
    }
    pthread_mutex_unlock(&inbox->lock);
    if (room) {
        aura_loop_post_task(inbox->worker->loop, &inbox->task, drain, inbox);
    } else {
        aura_free(e);
    }
}

static void on_frame(void *arg, const struct aura_aic_frame_out *frame) {
    const struct origin *o = arg;
    struct event *e = aura_zalloc(sizeof(*e) + frame->len);
    if (!e) {
        return; /* as if AI Core had not answered */
    }
    e->pub = o->pub;
    e->generation = o->generation;
    e->frame = *frame;
    memcpy(e->bytes, frame->data, frame->len);
    e->frame.data = e->bytes;
    post(o->inbox, e);
}

static void on_closed(void *arg, enum aura_aic_reason why, const char *text) {
    struct origin *o = arg;
    struct aura_derived_inbox *inbox = o->inbox;
    struct event *e = aura_zalloc(sizeof(*e));
    AURA_LOG_LIMITED("aic", AURA_LOG_DEBUG, "stream_closed",
                     AURA_S("why", aura_aic_reason_name(why)), AURA_S("text", text));
    if (e) {
        e->pub = o->pub;
        e->generation = o->generation;
        e->closed = true;
        e->why = why;
        post(inbox, e);
    }
    aura_free(o);
    pthread_mutex_lock(&inbox->lock);
    if (--inbox->origins == 0) {
        pthread_cond_signal(&inbox->idle);
    }
    pthread_mutex_unlock(&inbox->lock);
}

int aura__derived_inbox_new(struct aura_derived_inbox **ip, struct aura_worker *w) {
    struct aura_derived_inbox *inbox = aura_zalloc(sizeof(*inbox));
    if (!inbox) {
        return AURA_ENOMEM;
    }
    inbox->worker = w;
    inbox->end = &inbox->first;
    pthread_mutex_init(&inbox->lock, NULL);
    pthread_cond_init(&inbox->idle, NULL);
    *ip = inbox;
    return 0;
}

static struct event *take_all(struct aura_derived_inbox *inbox) {
    pthread_mutex_lock(&inbox->lock);
    struct event *all = inbox->first;
    inbox->first = NULL;
    inbox->end = &inbox->first;
    inbox->count = 0;
    pthread_mutex_unlock(&inbox->lock);
    return all;
}

struct aura_derived_inbox *aura__derived_inbox_free(struct aura_derived_inbox *inbox) {
    if (!inbox) {
        return NULL;
    }
    pthread_mutex_lock(&inbox->lock);
    while (inbox->origins) {
        pthread_cond_wait(&inbox->idle, &inbox->lock);
    }
    pthread_mutex_unlock(&inbox->lock);
    for (struct event *e = take_all(inbox), *next; e; e = next) {
        next = e->next;
        aura_free(e);
    }
    pthread_cond_destroy(&inbox->idle);
    pthread_mutex_destroy(&inbox->lock);
    aura_free(inbox);
    return NULL;
}

/* ---- the stream to AI Core follows the mode machine ---- */

static uint64_t now_of(const struct aura_derived *d) {
    return aura__now(d->pub->peer->worker);
}

static void settle(struct aura_derived *d);

static void on_timer(void *arg) {
    struct aura_derived *d = arg;
    aura_aic_machine_tick(&d->machine, now_of(d));
    settle(d);
}

static void open_stream(struct aura_derived *d) {
    static const struct aura_aic_stream_handlers handlers = {on_frame, on_closed};
    struct aura_worker *w = d->pub->peer->worker;
    struct origin *o = aura_zalloc(sizeof(*o));
    if (!o) {
        return; /* the next packet tries again */
    }
    *o = (struct origin){
        .inbox = w->derived, .pub = d->pub->source.id, .generation = ++d->generation};
    pthread_mutex_lock(&w->derived->lock);
    w->derived->origins++;
    pthread_mutex_unlock(&w->derived->lock);
    if (aura_aic_stream_open(&d->stream, w->shared->conf.aic, &handlers, o)) {
        pthread_mutex_lock(&w->derived->lock);
        w->derived->origins--;
        pthread_mutex_unlock(&w->derived->lock);
        aura_free(o);
        return;
    }
    d->synced = false;
    aura_aic_machine_stream_up(&d->machine, now_of(d));
    aura__source_want_key(&d->pub->source, d->layer);
}

/* Subscribers go to AI Core's layer, or away from it, at the next key frame of where they go. */
static void show(struct aura_derived *d) {
    struct aura_source *s = &d->pub->source;
    bool active = d->machine.state == AURA_AIC_ACTIVE;
    uint8_t aic = active ? (uint8_t)(d->layer + 1) : 0;
    if (s->aic != aic) {
        aura__source_set_aic(s, aic);
        aura__published_tell_replicas(d->pub);
    }
}

static void settle(struct aura_derived *d) {
    struct aura_aic_machine *m = &d->machine;
    show(d);
    if (aura_aic_machine_take_pli(m)) {
        AURA_LOG("aic", AURA_LOG_INFO, "fallback", AURA_I("track", d->pub->source.id),
                 AURA_S("why", aura_aic_reason_name(m->reason)));
        aura__source_want_key(&d->pub->source, d->layer);
    }
    if (aura_aic_machine_feeds(m) && !d->stream) {
        open_stream(d);
    } else if (!aura_aic_machine_feeds(m)) {
        d->stream = aura_aic_stream_free(d->stream);
    }
    struct aura_timers *timers = aura_loop_timers(d->pub->peer->worker->loop);
    uint64_t due_us = aura_aic_machine_due_us(m), now_us = now_of(d);
    if (due_us == UINT64_MAX) {
        aura_timer_stop(timers, &d->timer);
    } else {
        /* Without memory for it the next packet is in time. */
        (void)!aura_timer_start(timers, &d->timer, due_us > now_us ? due_us - now_us : 0, on_timer,
                                d);
    }
}

/* ---- native frames go out ---- */

static void restart(struct aura_derived *d, unsigned layer) {
    d->layer = layer;
    d->synced = false;
    aura_buf_clear(&d->frame);
    aura__source_want_key(&d->pub->source, layer);
}

static void send_frame(struct aura_derived *d, uint32_t ts) {
    uint64_t now_us = now_of(d);
    bool key = d->key_wanted || aura_aic_machine_wants_key(&d->machine, now_us);
    const struct aura_aic_frame_in in = {.data = d->frame.data,
                                         .len = d->frame.len,
                                         .codec = AURA_AIC_VP8,
                                         .rtp_timestamp = ts,
                                         .key_frame = key};
    if (!d->stream || d->frame.err || !d->frame.len ||
        !aura_aic_machine_sent(&d->machine, now_us)) {
        return;
    }
    if (aura_aic_stream_send(d->stream, &in)) {
        aura_aic_machine_stream_down(&d->machine, AURA_AIC_BROKEN, now_us);
    } else {
        d->key_wanted = false;
    }
}

static void take_packet(struct aura_derived *d, const struct aura_packet *p) {
    struct aura_vp8 v;
    const uint8_t *payload = p->data + p->payload_at;
    if (aura_vp8_parse(&v, payload, p->payload_len) == 0 && p->payload_len > v.len) {
        (void)aura_buf_add(&d->frame, payload + v.len, p->payload_len - (size_t)v.len);
    }
    if (p->marker) {
        send_frame(d, p->ts);
        aura_buf_clear(&d->frame);
    }
    d->next = p->eseq + 1;
    d->missing_since_us = 0;
}

static void pump(struct aura_derived *d) {
    const struct aura_source *s = &d->pub->source;
    uint64_t now_us = now_of(d);
    const struct aura_packet *p;
    while ((p = aura__source_kept(s, d->layer, d->next)) != NULL) {
        take_packet(d, p);
    }
    if (s->layer[d->layer].newest_eseq < d->next) {
        return;
    }
    d->missing_since_us = d->missing_since_us ? d->missing_since_us : now_us;
    if (now_us > d->missing_since_us + LOST_US) {
        restart(d, d->layer);
    }
}

/* The largest picture that flows. A larger one than so far is taken after a while only: each change
 * costs a key frame. */
static void choose_layer(struct aura_derived *d, uint64_t now_us) {
    unsigned best = aura__source_pick(&d->pub->source, AURA_MEDIA_LAYERS_MAX - 1, now_us);
    if (best == d->layer || (d->chosen_us && now_us < d->chosen_us + CHOOSE_US)) {
        return;
    }
    d->chosen_us = now_us;
    restart(d, best);
}

void aura__derived_packet(struct aura_derived *d, unsigned layer, const struct aura_packet *p) {
    if (d->machine.holding && p->key_frame) {
        aura_aic_machine_native_key(&d->machine, p->arrival_us);
    }
    if (p->codec != AURA_CODEC_VP8) {
        aura_aic_machine_want(&d->machine, false, p->arrival_us);
        settle(d);
        return;
    }
    choose_layer(d, p->arrival_us);
    if (layer != d->layer) {
        return;
    }
    aura_aic_machine_want(&d->machine, true, p->arrival_us);
    aura_aic_machine_tick(&d->machine, p->arrival_us);
    settle(d);
    if (!d->synced && p->key_frame && !p->recovered) {
        d->synced = true;
        d->next = p->eseq;
        d->missing_since_us = 0;
        aura_buf_clear(&d->frame);
    }
    if (d->synced) {
        pump(d);
    }
    settle(d);
}

/* ---- compressed frames come in ---- */

static struct aura_packet *make_packet(struct aura_derived *d, const struct aura_aic_frame_out *f,
                                       const uint8_t *payload, size_t len, bool first, bool last) {
    struct aura_worker *w = d->pub->peer->worker;
    struct aura_packet *p = aura__packet_new(w->pool, len);
    if (!p) {
        aura__drop(w, AURA_DROP_LIMIT);
        return NULL;
    }
    memcpy(p->data, payload, len);
    p->len = p->payload_len = (uint16_t)len;
    p->payload_at = 0;
    p->ext_count = 0;
    p->codec = AURA_CODEC_AV1;
    p->pt = 0;
    p->epoch = d->pub->source.layer[d->layer].epoch;
    p->clock_rate = CLOCK_RATE;
    p->marker = p->frame_end = last;
    p->frame_start = first;
    p->key_frame = first && f->key_frame;
    p->recovered = false;
    p->spatial = p->temporal = p->up_from = 0;
    p->up_spatial = false;
    memset(p->up_to, -1, sizeof(p->up_to));
    p->pid_at = p->tl0_at = p->keyidx_at = 0;
    p->pid = 0;
    p->dd_frame = 0;
    p->ts = f->rtp_timestamp;
    p->eseq = d->eseq++;
    p->arrival_us = now_of(d);
    return p;
}

static void forward(struct aura_derived *d, const struct aura_aic_frame_out *f) {
    struct aura_worker *w = d->pub->peer->worker;
    struct aura_av1_packer k;
    uint8_t payload[PAYLOAD_MAX];
    bool first = true, last = false;
    if (aura_av1_pack_begin(&k, f->data, f->len, f->key_frame)) {
        return; /* it is late then, and the mode machine leaves if that goes on */
    }
    for (size_t n; (n = aura_av1_pack_next(&k, payload, sizeof(payload), &last)); first = false) {
        struct aura_packet *p = make_packet(d, f, payload, n, first, last);
        if (p) {
            aura__source_packet(&d->pub->source, AURA_LAYER_AIC, p);
            aura__packet_unref(p, w->pool);
        }
    }
}

static void announce(struct aura_derived *d, const struct aura_aic_frame_out *f, uint32_t took_us) {
    char text[AURA_AIC_TEXT_MAX];
    struct aura_aic_hints hints = f->hints;
    hints.mode = AURA_AIC_COMPRESSED;
    hints.latency_us = took_us;
    hints.latency_known = true;
    (void)aura_aic_hints_text(&hints, f->model, text);
    AURA_LOG("aic", AURA_LOG_INFO, "AIC Compressed!", AURA_I("track", d->pub->source.id),
             AURA_S("hints", text), AURA_I("bytes_in", f->bytes_in), AURA_I("bytes_out", f->len));
}

static void answered(struct aura_derived *d, const struct aura_aic_frame_out *f) {
    uint64_t now_us = now_of(d);
    uint32_t took_us = aura_aic_machine_answer(&d->machine, f->key_frame, f->hints.vmaf, now_us);
    if (took_us == UINT32_MAX) {
        return;
    }
    settle(d); /* first, so that subscribers come over with this very frame */
    if (d->machine.state == AURA_AIC_ACTIVE && f->len) {
        if (!d->announced) {
            d->announced = true;
            announce(d, f, took_us);
        }
        forward(d, f);
    }
    if (f->draining) {
        aura_aic_machine_stream_down(&d->machine, AURA_AIC_DRAINING, now_us);
        settle(d);
    }
}

static void handle(struct aura_worker *w, const struct event *e) {
    struct aura_published *pub = aura__published_find(w, e->pub);
    struct aura_derived *d = pub ? pub->derived : NULL;
    if (!d || e->generation != d->generation || !d->stream) {
        return;
    }
    if (e->closed) {
        d->stream = aura_aic_stream_free(d->stream);
        aura_aic_machine_stream_down(&d->machine, e->why, now_of(d));
        settle(d);
    } else {
        answered(d, &e->frame);
    }
}

static void drain(void *arg) {
    struct aura_derived_inbox *inbox = arg;
    for (struct event *e = take_all(inbox), *next; e; e = next) {
        next = e->next;
        handle(inbox->worker, e);
        aura_free(e);
    }
}

/* ---- its life ---- */

int aura__derived_new(struct aura_derived **dp, struct aura_published *pub) {
    const struct aura_aic_machine_conf conf = {.min_vmaf = 0};
    struct aura_derived *d = aura_zalloc(sizeof(*d));
    if (!d) {
        return AURA_ENOMEM;
    }
    d->pub = pub;
    d->frame = AURA_BUF(AURA_AIC_FRAME_BYTES_MAX);
    d->eseq = 1;
    aura_aic_machine_init(&d->machine, &conf);
    *dp = d;
    return 0;
}

struct aura_derived *aura__derived_free(struct aura_derived *d) {
    if (d) {
        aura_timer_stop(aura_loop_timers(d->pub->peer->worker->loop), &d->timer);
        aura_aic_stream_free(d->stream);
        aura_buf_free(&d->frame);
        aura_free(d);
    }
    return NULL;
}

void aura__derived_want_key(struct aura_derived *d) {
    d->key_wanted = true;
}
