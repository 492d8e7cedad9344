/* SPDX-License-Identifier: Apache-2.0 */
#include "sfu/derived.h"

#include "aic/core.h"
#include "base/log.h"
#include "base/mem.h"
#include "rtp/av1_pack.h"
#include "sfu/about.h"
#include "sfu/aic_feed.h"
#include "sfu/aic_inbox.h"
#include "sfu/derived_meter.h"
#include "sfu/stats.h"
#include "sfu/subscribed.h"

#include <string.h>

enum {
    PAYLOAD_MAX = 1100,
    PACKET_OVERHEAD = 60, /* RTP with extensions, what SRTP adds, UDP, IP */
    CLOCK_RATE = 90000,
    TELL_US = 1000000,         /* between two reports to the control thread */
    TELL_STEP = 8,             /* other workers learn of a rate that differs by an eighth */
    AV1_BEGINS_MILLIBITS = 60, /* a pixel: 1.7 Mbps at 720p30, four times what AI Core needs */
    AV1_STAYS_MILLIBITS = 40,
};

struct aura_derived {
    struct aura_published *pub;
    struct aura_aic_machine machine;
    struct aura_timer timer;
    struct aura_aic_stream *stream;
    uint32_t generation; /* of the stream: answers of older ones are not ours */

    struct aura_aic_feed feed;
    struct aura_rates rates; /* of what comes back, before anybody gets it too */

    bool key_wanted;
    uint64_t eseq;
    bool announced; /* the log knows that it works */
    struct aura_meter meter;
    enum aura_aic_state told; /* to the control thread */
    uint64_t told_us;
};

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

static void handle(struct aura_worker *w, const struct aura_aic_event *e);

static void open_stream(struct aura_derived *d) {
    const struct aura_aic_origin from = {.inbox = d->pub->peer->worker->aic,
                                         .handle = handle,
                                         .pub = d->pub->source.id,
                                         .generation = ++d->generation};
    int err = aura__aic_open(&d->stream, &from, AURA_AIC_CALL_COMPRESS);
    if (err == AURA_ELIMIT) {
        aura_aic_machine_stream_down(&d->machine, AURA_AIC_REFUSED, now_of(d));
    }
    if (err) {
        return; /* else the next packet tries again */
    }
    aura_aic_machine_stream_up(&d->machine, now_of(d));
    aura__aic_feed_restart(&d->feed);
}

/* Subscribers go to AI Core's layer, or away from it, at the next key frame of where they go. */
static void show(struct aura_derived *d) {
    struct aura_source *s = &d->pub->source;
    bool active = d->machine.state == AURA_AIC_ACTIVE;
    uint8_t aic = active ? (uint8_t)(d->feed.layer + 1) : 0;
    uint32_t bps = d->rates.layer[0][0].bps, step = s->aic_bps / TELL_STEP;
    bool other_rate = bps > s->aic_bps + step || bps + step < s->aic_bps;
    if (s->aic != aic || (aic && other_rate)) {
        aura__source_set_aic(s, aic, bps);
        aura__published_tell_replicas(d->pub);
    }
}

static void tell(struct aura_derived *d) {
    aura__meter_count(&d->meter, &d->machine, d->pub->peer->worker);
    bool due = d->machine.state != AURA_AIC_OFF && now_of(d) >= d->told_us + TELL_US;
    if (d->machine.state != d->told || due) {
        d->told = d->machine.state;
        d->told_us = now_of(d);
        aura__stats_aic(&d->pub->source, d->machine.state == AURA_AIC_OFF);
    }
}

static void settle(struct aura_derived *d) {
    struct aura_aic_machine *m = &d->machine;
    show(d);
    tell(d);
    if (aura_aic_machine_take_pli(m)) {
        AURA_LOG("aic", AURA_LOG_INFO, "fallback", LOG_ABOUT(&d->pub->conf.about),
                 AURA_I("track", d->pub->source.id),
                 AURA_S("why", aura_aic_reason_name(m->reason)));
        aura__source_want_key(&d->pub->source, d->feed.layer);
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

static void send_frame(void *arg, const struct aura_aic_frame_in *frame) {
    struct aura_derived *d = arg;
    uint64_t now_us = now_of(d);
    struct aura_aic_frame_in in = *frame;
    in.target_quality = aura__published_target_quality(d->pub);
    in.key_frame = d->key_wanted || aura_aic_machine_wants_key(&d->machine, now_us);
    if (!d->stream || !aura_aic_machine_sent(&d->machine, now_us)) {
        return;
    }
    if (aura_aic_stream_send(d->stream, &in)) {
        aura_aic_machine_stream_down(&d->machine, AURA_AIC_BROKEN, now_us);
    } else {
        d->key_wanted = false;
    }
}

/* What AV1 from the publisher weighs, in thousandths of a bit for a pixel of a picture 30 times a
 * second. */
static uint64_t millibits(const struct aura_derived *d) {
    const struct aura_source *s = &d->pub->source;
    const struct aura_payload_state *size = &d->pub->stream[d->feed.layer].payload;
    /* What was announced is the whole picture; a packet may be of one spatial layer. */
    uint64_t announced = (uint64_t)d->pub->conf.width * d->pub->conf.height;
    uint64_t pixels = announced ? announced : (uint64_t)size->width * size->height;
    uint64_t bps = 0;
    for (unsigned i = 0; i < AURA_MEDIA_LAYERS_MAX; i++) {
        for (unsigned t = 0; t < AURA_RATES_TEMPORAL; t++) {
            bool follows = s->layer_count == 1 || i == d->feed.layer;
            bps += follows ? s->rates.layer[i][t].bps : 0;
        }
    }
    return pixels ? bps * 1000 / (pixels * 30) : 0;
}

/* AV1 once more as AV1 costs quality: only where it saves most of a high rate. */
static bool worth(const struct aura_derived *d, const struct aura_packet *p) {
    if (p->codec != AURA_CODEC_AV1) {
        return aura__aic_codec((enum aura_codec)p->codec) != 0;
    }
    return millibits(d) > (d->machine.wanted ? AV1_STAYS_MILLIBITS : AV1_BEGINS_MILLIBITS);
}

void aura__derived_packet(struct aura_derived *d, unsigned layer, const struct aura_packet *p) {
    if (d->machine.holding && p->key_frame) {
        aura_aic_machine_native_key(&d->machine, p->arrival_us);
    }
    if (!aura__aic_feed_follows(&d->feed, layer, p)) {
        return;
    }
    bool wanted = worth(d, p);
    aura__meter_native(&d->meter, p);
    aura_aic_machine_want(&d->machine, wanted, p->arrival_us);
    aura_aic_machine_tick(&d->machine, p->arrival_us);
    settle(d);
    if (wanted) {
        aura__aic_feed_take(&d->feed, p);
        settle(d);
    }
}

/* ---- compressed frames come in ---- */

static struct aura_packet *make_packet(struct aura_derived *d, const struct aura_aic_frame_out *f,
                                       const uint8_t *payload, size_t len, bool first, bool last) {
    struct aura_worker *w = d->pub->peer->worker;
    uint8_t hints[AURA_AIC_HINTS_BYTES_MAX];
    size_t hint_len = aura__meter_hints(&d->meter, first, hints);
    struct aura_packet *p = aura__packet_new(w->pool, hint_len + len);
    if (!p) {
        aura__drop(w, AURA_DROP_LIMIT);
        return NULL;
    }
    /* Hints lie before the payload, as a header extension that came in would. */
    memcpy(p->data, hints, hint_len);
    memcpy(p->data + hint_len, payload, len);
    p->len = (uint16_t)(hint_len + len);
    p->payload_len = (uint16_t)len;
    p->payload_at = (uint16_t)hint_len;
    p->ext_count = hint_len > 0;
    p->exts[0] = (struct aura_packet_ext){.ext = AURA_EXT_AIC, .len = (uint8_t)hint_len};
    p->aic = true;
    p->native_bytes = 0;
    p->native_packets = 0;
    p->codec = AURA_CODEC_AV1;
    p->pt = 0;
    p->epoch = d->pub->source.layer[d->feed.layer].epoch;
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
            if (first) {
                aura__meter_stamp(&d->meter, p);
            }
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
    AURA_LOG("aic", AURA_LOG_INFO, "AIC Compressed!", LOG_ABOUT(&d->pub->conf.about),
             AURA_I("track", d->pub->source.id), AURA_S("hints", text),
             AURA_I("bytes_in", f->bytes_in), AURA_I("bytes_out", f->len));
}

static void answered(struct aura_derived *d, const struct aura_aic_frame_out *f) {
    uint64_t now_us = now_of(d);
    uint32_t took_us = aura_aic_machine_answer(&d->machine, f->key_frame, f->hints.vmaf, now_us);
    if (took_us == UINT32_MAX) {
        return;
    }
    size_t packets = f->len / PAYLOAD_MAX + 1;
    aura__rates_add(&d->rates, 0, 0, f->len + packets * PACKET_OVERHEAD, true, now_us);
    aura__meter_answer(&d->meter, d->pub->peer->worker, f, took_us,
                       d->machine.state == AURA_AIC_ACTIVE);
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

static void handle(struct aura_worker *w, const struct aura_aic_event *e) {
    struct aura_published *pub = aura__published_find(w, e->from.pub);
    struct aura_derived *d = pub ? pub->derived : NULL;
    if (!d || e->from.generation != d->generation || !d->stream) {
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

/* ---- its life ---- */

int aura__derived_new(struct aura_derived **dp, struct aura_published *pub) {
    const struct aura_aic_machine_conf conf = {.min_vmaf =
                                                   pub->peer->worker->shared->conf.aic_min_quality};
    struct aura_derived *d = aura_zalloc(sizeof(*d));
    if (!d) {
        return AURA_ENOMEM;
    }
    int err = aura__aic_feed_init(&d->feed, pub, send_frame, d);
    if (err) {
        aura_free(d);
        return err;
    }
    d->pub = pub;
    d->eseq = 1;
    aura_aic_machine_init(&d->machine, &conf);
    *dp = d;
    return 0;
}

struct aura_derived *aura__derived_free(struct aura_derived *d) {
    if (d) {
        d->machine.state = AURA_AIC_OFF;
        tell(d);
        aura_timer_stop(aura_loop_timers(d->pub->peer->worker->loop), &d->timer);
        aura_aic_stream_free(d->stream);
        aura__aic_feed_end(&d->feed);
        aura_free(d);
    }
    return NULL;
}

void aura__derived_report(struct aura_derived *d, struct aura_sfu_aic *out) {
    aura__meter_report(&d->meter, &d->machine, out);
    out->pub = d->pub->source.id;
}

void aura__derived_want_key(struct aura_derived *d) {
    d->key_wanted = true;
}
