/* SPDX-License-Identifier: Apache-2.0 */
#include "sfu/derived_sound.h"

#include "aic/core.h"
#include "base/log.h"
#include "base/mem.h"
#include "rtp/opus.h"
#include "rtp/red.h"
#include "sfu/about.h"
#include "sfu/aic_inbox.h"
#include "sfu/derived_meter.h"
#include "sfu/stats.h"

#include <string.h>

enum {
    LANES = AURA_LAYERS_SOUND,
    CLOCK_RATE = 48000,
    PACKET_BYTES_MAX = 1275, /* of an Opus frame (RFC 6716 section 3.2.1) */
    TELL_US = 1000000,       /* between two reports to the control thread */
    LEVEL_SILENT = 127,      /* −127 dBov (RFC 6464 section 3) */
    LEVEL_VOICE = 0x80,
};

/* What answers of each layer are to stand for. AI Core chooses the rate that goes with it. */
static const uint32_t packet_ms[LANES] = {60, 120};

struct lane {
    struct aura_derived_sound *sound;
    unsigned index;
    struct aura_aic_machine machine;
    struct aura_timer timer;
    struct aura_aic_stream *stream;
    uint32_t generation; /* of the stream: answers of older ones are not ours */
    bool keeps;          /* music: viewers get it as it comes */
    bool talks;          /* the last window was sent: the next is no talkspurt's beginning */
    bool announced;      /* the log knows that it works */
    uint8_t level;       /* loudest native packet since the last window, as RFC 6464 has it */
    uint64_t eseq;
    struct aura_meter meter;
};

struct aura_derived_sound {
    struct aura_published *pub;
    struct lane lane[LANES];
    uint32_t generations;
    bool fed;
    uint32_t fed_ts; /* of the newest packet that AI Core was given */
    uint8_t epoch;
    enum aura_aic_state told; /* to the control thread */
    uint64_t told_us;
};

uint32_t aura__derived_sound_samples(enum aura_codec codec, const uint8_t *payload, size_t len) {
    struct aura_red_block blocks[AURA_RED_BLOCKS_MAX];
    struct aura_opus opus;
    if (codec == AURA_CODEC_RED) {
        int n = aura_red_parse(payload, len, blocks);
        payload = n > 0 ? blocks[n - 1].data : NULL;
        len = n > 0 ? blocks[n - 1].len : 0;
    } else if (codec != AURA_CODEC_OPUS) {
        return 0;
    }
    return payload && !aura_opus_parse(&opus, payload, len)
               ? opus.duration_us * (CLOCK_RATE / 1000) / 1000
               : 0;
}

/* ---- the streams to AI Core follow the mode machines ---- */

static uint64_t now_of(const struct aura_derived_sound *s) {
    return aura__now(s->pub->peer->worker);
}

static void settle(struct lane *l);
static void handle(struct aura_worker *w, const struct aura_aic_event *e);

static void on_timer(void *arg) {
    struct lane *l = arg;
    aura_aic_machine_tick(&l->machine, now_of(l->sound));
    settle(l);
}

static void open_stream(struct lane *l) {
    struct aura_derived_sound *s = l->sound;
    const struct aura_aic_origin from = {.inbox = s->pub->peer->worker->aic,
                                         .handle = handle,
                                         .pub = s->pub->source.id,
                                         .generation = ++s->generations};
    if (aura__aic_open(&l->stream, &from, AURA_AIC_CALL_COMPRESS)) {
        return; /* the next packet tries again */
    }
    l->generation = from.generation;
    l->keeps = l->talks = false;
    l->level = LEVEL_SILENT;
    aura_aic_machine_stream_up(&l->machine, now_of(s));
}

static void show(struct aura_derived_sound *s) {
    uint8_t layers = 0;
    for (unsigned i = 0; i < LANES; i++) {
        bool shown = s->lane[i].machine.state == AURA_AIC_ACTIVE && !s->lane[i].keeps;
        layers |= shown ? (uint8_t)(1u << i) : 0;
    }
    if (s->pub->source.aic != layers) {
        aura__source_set_aic(&s->pub->source, layers, 0);
        aura__published_tell_replicas(s->pub);
    }
}

/* The first layer speaks for both: it is there whenever the second is. */
static void tell(struct lane *l) {
    struct aura_derived_sound *s = l->sound;
    aura__meter_count(&l->meter, &l->machine, s->pub->peer->worker);
    bool due = l->machine.state != AURA_AIC_OFF && now_of(s) >= s->told_us + TELL_US;
    if (l->index == 0 && (l->machine.state != s->told || due)) {
        s->told = l->machine.state;
        s->told_us = now_of(s);
        aura__stats_aic(&s->pub->source, l->machine.state == AURA_AIC_OFF);
    }
}

static void settle(struct lane *l) {
    struct aura_aic_machine *m = &l->machine;
    struct aura_derived_sound *s = l->sound;
    uint64_t now_us = now_of(s);
    if (aura_aic_machine_take_pli(m)) {
        AURA_LOG("aic", AURA_LOG_INFO, "fallback", LOG_ABOUT(&s->pub->conf.about),
                 AURA_I("track", s->pub->source.id),
                 AURA_S("why", aura_aic_reason_name(m->reason)));
        aura_aic_machine_native_key(m, now_us); /* any packet of sound can be gone on with */
    }
    show(s);
    tell(l);
    if (aura_aic_machine_feeds(m) && !l->stream) {
        open_stream(l);
    } else if (!aura_aic_machine_feeds(m)) {
        l->stream = aura_aic_stream_free(l->stream);
    }
    struct aura_timers *timers = aura_loop_timers(s->pub->peer->worker->loop);
    uint64_t due_us = aura_aic_machine_due_us(m);
    if (due_us == UINT64_MAX) {
        aura_timer_stop(timers, &l->timer);
    } else {
        /* Without memory for it the next packet is in time. */
        (void)!aura_timer_start(timers, &l->timer, due_us > now_us ? due_us - now_us : 0, on_timer,
                                l);
    }
}

/* ---- native packets go out ---- */

static void send_packet(struct lane *l, const struct aura_red_block *b, uint32_t ts,
                        uint64_t now_us) {
    const struct aura_aic_frame_in in = {.data = b->data,
                                         .len = b->len,
                                         .codec = AURA_AIC_OPUS,
                                         .rtp_timestamp = ts,
                                         .packet_ms = packet_ms[l->index]};
    if (l->stream && aura_aic_machine_sent(&l->machine, now_us) &&
        aura_aic_stream_send(l->stream, &in)) {
        aura_aic_machine_stream_down(&l->machine, AURA_AIC_BROKEN, now_us);
    }
}

/* Opus packets in the order of their samples; what got lost may be in RED (RFC 2198). */
static void feed(struct aura_derived_sound *s, const struct aura_packet *p) {
    struct aura_red_block blocks[AURA_RED_BLOCKS_MAX] = {
        {.data = p->data + p->payload_at, .len = p->payload_len}};
    int n = 1;
    if (p->codec == AURA_CODEC_RED) {
        n = aura_red_parse(p->data + p->payload_at, p->payload_len, blocks);
    }
    for (int i = s->fed || n < 1 ? 0 : n - 1; i < n; i++) {
        uint32_t ts = p->ts - blocks[i].ts_offset;
        bool fits = blocks[i].len && blocks[i].len <= PACKET_BYTES_MAX;
        if (!fits || (s->fed && (int32_t)(ts - s->fed_ts) <= 0)) {
            continue;
        }
        s->fed = true;
        s->fed_ts = ts;
        for (unsigned k = 0; k < LANES; k++) {
            send_packet(&s->lane[k], &blocks[i], ts, p->arrival_us);
        }
    }
}

static void note_level(struct aura_derived_sound *s, const struct aura_packet *p) {
    for (size_t i = 0; i < p->ext_count; i++) {
        if (p->exts[i].ext != AURA_EXT_AUDIO_LEVEL || p->exts[i].len < 1) {
            continue;
        }
        uint8_t level = p->data[p->exts[i].at];
        for (unsigned k = 0; k < LANES; k++) {
            struct lane *l = &s->lane[k];
            bool louder = (level & ~LEVEL_VOICE) < (l->level & ~LEVEL_VOICE);
            l->level = (uint8_t)((louder ? level : l->level) | ((level | l->level) & LEVEL_VOICE));
        }
    }
}

/* Nobody hears it: AI Core has better things to do. */
static bool heard(const struct aura_source *s) {
    return !s->muted && !s->hushed && (!aura_list_empty(&s->subs) || s->remote_workers);
}

void aura__derived_sound_packet(struct aura_derived_sound *s, const struct aura_packet *p) {
    bool wanted = heard(&s->pub->source);
    if (p->epoch != s->epoch) {
        s->epoch = p->epoch;
        s->fed = false;
    }
    note_level(s, p);
    for (unsigned i = 0; i < LANES; i++) {
        struct lane *l = &s->lane[i];
        aura__meter_native(&l->meter, p);
        aura_aic_machine_want(&l->machine, wanted && (i == 0 || s->pub->conf.savers),
                              p->arrival_us);
        aura_aic_machine_tick(&l->machine, p->arrival_us);
        settle(l);
    }
    if (wanted) {
        feed(s, p);
    }
    for (unsigned i = 0; i < LANES; i++) {
        settle(&s->lane[i]);
    }
}

/* ---- what AI Core made of them comes in ---- */

static size_t write_exts(struct lane *l, struct aura_packet *p, uint8_t *at) {
    size_t len = aura__meter_hints(&l->meter, true, at);
    p->ext_count = 0;
    if (len) {
        p->exts[p->ext_count++] =
            (struct aura_packet_ext){.ext = AURA_EXT_AIC, .len = (uint8_t)len, .at = 0};
    }
    p->exts[p->ext_count++] =
        (struct aura_packet_ext){.ext = AURA_EXT_AUDIO_LEVEL, .len = 1, .at = (uint16_t)len};
    at[len++] = l->level;
    return len;
}

/* A packet, or where there is none (silence) the mark of what it would have stood for. */
static void forward(struct lane *l, const struct aura_aic_frame_out *f) {
    struct aura_derived_sound *s = l->sound;
    struct aura_worker *w = s->pub->peer->worker;
    struct aura_packet *p = aura__packet_new(w->pool, AURA_AIC_HINTS_BYTES_MAX + 1 + f->len);
    if (!p) {
        aura__drop(w, AURA_DROP_LIMIT);
        return;
    }
    size_t ext_len = f->len ? write_exts(l, p, p->data) : 0;
    memcpy(p->data + ext_len, f->data, f->len);
    p->len = (uint16_t)(ext_len + f->len);
    p->payload_len = (uint16_t)f->len;
    p->payload_at = (uint16_t)ext_len;
    p->ext_count = f->len ? p->ext_count : 0;
    p->aic = true;
    p->native_bytes = p->native_packets = 0;
    p->samples = (uint16_t)f->samples;
    p->codec = AURA_CODEC_OPUS;
    p->pt = 0;
    p->epoch = s->epoch;
    p->clock_rate = CLOCK_RATE;
    p->marker = !l->talks; /* a talkspurt begins (RFC 3551 section 4.1) */
    p->frame_start = p->frame_end = true;
    p->key_frame = p->recovered = p->up_spatial = false;
    p->spatial = p->temporal = p->up_from = 0;
    memset(p->up_to, -1, sizeof(p->up_to));
    p->pid_at = p->tl0_at = p->keyidx_at = 0;
    p->pid = 0;
    p->dd_frame = 0;
    p->ts = f->rtp_timestamp;
    p->eseq = l->eseq;
    p->arrival_us = now_of(s);
    if (f->len) {
        l->eseq++;
        l->level = LEVEL_SILENT;
        aura__meter_stamp(&l->meter, p);
    }
    l->talks = f->len > 0;
    aura__source_packet(&s->pub->source, AURA_LAYER_AIC + l->index, p);
    aura__packet_unref(p, w->pool);
}

static void announce(struct lane *l, const struct aura_aic_frame_out *f, uint32_t took_us) {
    char text[AURA_AIC_TEXT_MAX];
    struct aura_aic_hints hints = f->hints;
    hints.mode = AURA_AIC_COMPRESSED;
    hints.latency_us = took_us;
    hints.latency_known = true;
    (void)aura_aic_hints_text(&hints, f->model, text);
    AURA_LOG("aic", AURA_LOG_INFO, "AIC Compressed!", LOG_ABOUT(&l->sound->pub->conf.about),
             AURA_I("track", l->sound->pub->source.id), AURA_S("kind", "audio"),
             AURA_S("hints", text), AURA_I("samples", f->samples), AURA_I("bytes_out", f->len));
}

static void window(struct lane *l, const struct aura_aic_frame_out *f, uint32_t took_us) {
    bool shown = l->machine.state == AURA_AIC_ACTIVE && !l->keeps;
    struct aura_aic_frame_out to_end = *f; /* all that the window stands for is dealt with */
    to_end.rtp_timestamp += f->samples - 1;
    aura__meter_answer(&l->meter, l->sound->pub->peer->worker, &to_end, took_us, shown);
    settle(l);
    if (shown) {
        if (!l->announced && f->len) {
            l->announced = true;
            announce(l, f, took_us);
        }
        forward(l, f);
    }
}

static void answered(struct lane *l, const struct aura_aic_frame_out *f) {
    uint64_t now_us = now_of(l->sound);
    bool whole = f->samples > 0 && f->samples <= UINT16_MAX;
    uint32_t took_us = aura_aic_machine_answer(&l->machine, whole, f->hints.vmaf, now_us);
    if (took_us == UINT32_MAX) {
        return;
    }
    l->keeps = f->keep;
    settle(l);
    if (whole && f->len <= PACKET_BYTES_MAX && l->stream) {
        window(l, f, took_us);
    }
    if (f->draining) {
        aura_aic_machine_stream_down(&l->machine, AURA_AIC_DRAINING, now_us);
        settle(l);
    }
}

static void handle(struct aura_worker *w, const struct aura_aic_event *e) {
    struct aura_published *pub = aura__published_find(w, e->from.pub);
    struct aura_derived_sound *s = pub ? pub->sound : NULL;
    for (unsigned i = 0; s && i < LANES; i++) {
        struct lane *l = &s->lane[i];
        if (e->from.generation != l->generation || !l->stream) {
            continue;
        }
        if (e->closed) {
            l->stream = aura_aic_stream_free(l->stream);
            aura_aic_machine_stream_down(&l->machine, e->why, now_of(s));
            settle(l);
        } else {
            answered(l, &e->frame);
        }
    }
}

/* ---- its life ---- */

int aura__derived_sound_new(struct aura_derived_sound **sp, struct aura_published *pub) {
    /* Jitter buffers for sound hold more than those for pictures. */
    static const struct aura_aic_machine_conf conf = {.late_us = 40000, .silent_us = 250000};
    struct aura_derived_sound *s = aura_zalloc(sizeof(*s));
    if (!s) {
        return AURA_ENOMEM;
    }
    s->pub = pub;
    for (unsigned i = 0; i < LANES; i++) {
        s->lane[i] = (struct lane){.sound = s, .index = i, .eseq = 1, .level = LEVEL_SILENT};
        aura_aic_machine_init(&s->lane[i].machine, &conf);
    }
    *sp = s;
    return 0;
}

struct aura_derived_sound *aura__derived_sound_free(struct aura_derived_sound *s) {
    for (unsigned i = 0; s && i < LANES; i++) {
        struct lane *l = &s->lane[i];
        l->machine.state = AURA_AIC_OFF;
        tell(l);
        aura_timer_stop(aura_loop_timers(s->pub->peer->worker->loop), &l->timer);
        aura_aic_stream_free(l->stream);
    }
    aura_free(s);
    return NULL;
}

void aura__derived_sound_report(const struct aura_derived_sound *s, struct aura_sfu_aic *out) {
    aura__meter_report(&s->lane[0].meter, &s->lane[0].machine, out);
    out->pub = s->pub->source.id;
}
