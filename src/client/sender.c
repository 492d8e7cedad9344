/* SPDX-License-Identifier: Apache-2.0 */
#include "client/sender.h"

#include "base/log.h"
#include "base/mem.h"
#include "codec/encoder.h"
#include "codec/sharpen.h"
#include "codec/vp8_encoder.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

enum {
    KBPS_LEAST = 60,
    OFFSET_LEAST = 90, /* 1 ms: a frame from AI Core is later than the native one of its picture */
};

/* One stream to AI Core: what comes back after it was given up is not ours any more. */
struct link {
    struct aura_sender *sender;
    unsigned generation;
};

enum from { FROM_NOWHERE, FROM_US, FROM_CORE };

struct second {
    uint64_t began_us;
    uint64_t bytes;
};

struct aura_sender {
    struct aura_sender_conf conf;
    atomic_uint refs; /* the owner, and each stream to AI Core until it has ended */

    /* Of the thread that brings pictures. */
    struct aura_aic_stream *stream;
    bool one_codec;
    struct aura_vp8_encoder *vp8; /* of these two one is the native encoder */
    struct aura_encoder *av1;
    uint32_t width, height, kbps; /* of the native encoder */
    uint8_t *raw;
    size_t raw_cap;
    uint64_t pts_us;

    pthread_mutex_t lock; /* for what follows */
    struct aura_aic_machine machine;
    bool dead, stream_ended;
    unsigned generation;
    bool key_wanted;
    bool started;
    enum from from;      /* of the last frame that left */
    uint32_t ts, offset; /* of the last frame, and of AI Core's frames behind their pictures */
    unsigned marked;     /* frames left that say that the mode has changed */
    uint32_t target_bps;
    struct second second;
    bool announced; /* the log knows that it works */
    uint64_t fallbacks_told;
    struct aura_hist latency;
    struct aura_sender_stats stats;
};

static const struct {
    uint32_t pixels, kbps;
} presets[] = {{320 * 180, 160},   {384 * 216, 180},    {640 * 360, 450},    {960 * 540, 800},
               {1280 * 720, 1700}, {1920 * 1080, 3000}, {2560 * 1440, 5000}, {3840 * 2160, 8000}};

uint32_t aura_sender_default_kbps(uint32_t width, uint32_t height) {
    size_t i = 0, last = sizeof(presets) / sizeof(*presets) - 1;
    while (i < last && presets[i].pixels < width * height) {
        i++;
    }
    return presets[i].kbps;
}

static uint64_t now_of(const struct aura_sender *s) {
    return aura_now_us(s->conf.clock);
}

static void unref(struct aura_sender *s) {
    if (atomic_fetch_sub(&s->refs, 1) == 1) {
        pthread_mutex_destroy(&s->lock);
        aura_free(s);
    }
}

/* ---- frames leave; under the lock, so that they keep their order ---- */

static void emit(struct aura_sender *s, struct aura_live_frame *f, enum from from) {
    if (s->dead) {
        return;
    }
    if (s->from != from) {
        s->from = from;
        s->marked = AURA_SENDER_MARKED;
    }
    /* Two frames never have the same time, nor one before what has left. */
    if (s->started && (int32_t)(f->ts - s->ts) <= 0) {
        f->ts = s->ts + 1;
    }
    s->started = true;
    s->ts = f->ts;
    f->has_hints = true;
    f->hints.flags |= s->marked ? AURA_AIC_SWITCHED : 0;
    s->marked -= s->marked > 0;
    s->conf.frame(s->conf.arg, f);
}

static void measure(struct aura_sender *s, size_t len, uint64_t now_us) {
    uint64_t us = now_us - s->second.began_us;
    if (!s->second.began_us || us > 2 * AURA_US_PER_S) {
        s->second = (struct second){.began_us = now_us};
    } else if (us >= AURA_US_PER_S) {
        uint32_t native = s->stats.native_kbps;
        s->stats.aic_kbps = (uint32_t)(s->second.bytes * 8 * 1000 / us);
        s->stats.saved =
            native > s->stats.aic_kbps ? 1 - (float)s->stats.aic_kbps / (float)native : 0;
        s->second = (struct second){.began_us = now_us};
    }
    s->second.bytes += len;
}

static void fill_hints(struct aura_sender *s, const struct aura_aic_frame_out *in, uint32_t took_us,
                       struct aura_aic_hints *out) {
    *out = in->hints;
    out->mode = AURA_AIC_COMPRESSED;
    out->saved = s->stats.saved;
    out->latency_us = took_us;
    out->latency_known = true;
    bool plain = !(out->flags & (AURA_AIC_SCREEN | AURA_AIC_SHARPENED));
    out->restore = plain ? AURA_SHARPEN_COMPRESSED : 0;
    (void)aura_aic_hints_text(out, in->model[0] ? in->model : NULL, s->stats.hints);
}

static void announce(struct aura_sender *s, const struct aura_aic_frame_out *in) {
    if (!s->announced) {
        s->announced = true;
        AURA_LOG("aic", AURA_LOG_INFO, "AIC Compressed!", AURA_S("track", s->conf.name),
                 AURA_S("hints", s->stats.hints), AURA_I("bytes_out", in->len));
    }
}

/* ---- AI Core's answers, on its connection's thread ---- */

static void forward(struct aura_sender *s, const struct aura_aic_frame_out *in, uint32_t took_us) {
    struct aura_live_frame f = {
        .codec = AURA_CODEC_AV1, .data = in->data, .len = in->len, .key_frame = in->key_frame};
    if (s->from != FROM_CORE) {
        /* The native frame of the same picture has left: all of this stretch is as much later. */
        uint32_t step = AURA_SENDER_CLOCK_RATE / (s->conf.fps ? s->conf.fps : 30);
        uint64_t ticks = (uint64_t)took_us * AURA_SENDER_CLOCK_RATE / AURA_US_PER_S;
        s->offset = ticks < OFFSET_LEAST ? OFFSET_LEAST : ticks < step ? (uint32_t)ticks : step - 1;
    }
    f.ts = in->rtp_timestamp + s->offset;
    fill_hints(s, in, took_us, &f.hints);
    announce(s, in);
    s->stats.aic_frames++;
    s->stats.aic_bytes += in->len;
    s->stats.vmaf = in->hints.vmaf;
    emit(s, &f, FROM_CORE);
}

static void on_frame(void *arg, const struct aura_aic_frame_out *in) {
    struct link *link = arg;
    struct aura_sender *s = link->sender;
    uint64_t now_us = now_of(s);
    pthread_mutex_lock(&s->lock);
    if (link->generation == s->generation && !s->dead) {
        uint32_t took_us =
            aura_aic_machine_answer(&s->machine, in->key_frame, in->hints.vmaf, now_us);
        if (took_us != UINT32_MAX) {
            aura_hist_add(&s->latency, took_us);
            measure(s, in->len, now_us);
        }
        if (took_us != UINT32_MAX && s->machine.state == AURA_AIC_ACTIVE && in->len) {
            forward(s, in, took_us);
        }
        if (in->draining) {
            aura_aic_machine_stream_down(&s->machine, AURA_AIC_DRAINING, now_us);
        }
    }
    pthread_mutex_unlock(&s->lock);
}

static void on_closed(void *arg, enum aura_aic_reason why, const char *text) {
    struct link *link = arg;
    struct aura_sender *s = link->sender;
    pthread_mutex_lock(&s->lock);
    if (link->generation == s->generation) {
        s->stream_ended = true;
        if (s->machine.stream && !s->dead) {
            AURA_LOG("aic", AURA_LOG_INFO, "AI Core ended the stream",
                     AURA_S("track", s->conf.name), AURA_S("why", aura_aic_reason_name(why)),
                     AURA_S("text", text));
        }
        aura_aic_machine_stream_down(&s->machine, why, now_of(s));
    }
    pthread_mutex_unlock(&s->lock);
    aura_free(link);
    unref(s);
}

/* ---- the stream follows the mode machine; on the pictures' thread ---- */

static void open_stream(struct aura_sender *s, unsigned generation) {
    static const struct aura_aic_stream_handlers handlers = {.frame = on_frame,
                                                             .closed = on_closed};
    struct link *link = aura_zalloc(sizeof(*link));
    if (!link) {
        return; /* the next picture tries again */
    }
    *link = (struct link){.sender = s, .generation = generation};
    atomic_fetch_add(&s->refs, 1);
    if (aura_aic_stream_open(&s->stream, s->conf.core, AURA_AIC_CALL_COMPRESS, &handlers, link)) {
        aura_free(link);
        unref(s);
        return;
    }
    pthread_mutex_lock(&s->lock);
    if (!s->stream_ended) {
        aura_aic_machine_stream_up(&s->machine, now_of(s));
    }
    pthread_mutex_unlock(&s->lock);
}

static uint64_t fallbacks_of(const struct aura_sender *s) {
    uint64_t sum = 0;
    for (size_t i = 0; i < AURA_AIC_REASONS; i++) {
        sum += s->machine.fallbacks[i];
    }
    return sum;
}

static void settle(struct aura_sender *s, bool usable) {
    pthread_mutex_lock(&s->lock);
    uint64_t now_us = now_of(s);
    aura_aic_machine_want(&s->machine, usable && s->conf.core, now_us);
    aura_aic_machine_tick(&s->machine, now_us);
    uint64_t fallbacks = fallbacks_of(s);
    if (fallbacks > s->fallbacks_told) {
        s->fallbacks_told = fallbacks;
        AURA_LOG("aic", AURA_LOG_INFO, "fallback", AURA_S("track", s->conf.name),
                 AURA_S("why", aura_aic_reason_name(s->machine.reason)));
    }
    bool feeds = aura_aic_machine_feeds(&s->machine);
    bool drop = s->stream && (!feeds || s->stream_ended);
    bool open = feeds && (!s->stream || drop);
    unsigned generation = s->generation += drop || open;
    if (drop || open) {
        s->stream_ended = false;
    }
    pthread_mutex_unlock(&s->lock);
    if (drop) {
        s->stream = aura_aic_stream_free(s->stream);
    }
    if (open) {
        open_stream(s, generation);
    }
}

/* ---- a picture to AI Core ---- */

static void copy_plane(uint8_t **to, const uint8_t *from, size_t stride, size_t w, size_t h) {
    for (size_t y = 0; y < h; y++) {
        memcpy(*to, from + y * stride, w);
        *to += w;
    }
}

static int make_raw(struct aura_sender *s, const struct aura_picture *p, size_t *len) {
    *len = (size_t)p->width * p->height * 3 / 2;
    if (*len > s->raw_cap) {
        uint8_t *more = aura_realloc(s->raw, *len);
        if (!more) {
            return AURA_ENOMEM;
        }
        s->raw = more;
        s->raw_cap = *len;
    }
    uint8_t *to = s->raw;
    copy_plane(&to, p->plane[0], p->stride[0], p->width, p->height);
    copy_plane(&to, p->plane[1], p->stride[1], p->width / 2, p->height / 2);
    copy_plane(&to, p->plane[2], p->stride[2], p->width / 2, p->height / 2);
    return 0;
}

/* Under the lock: the request for a picture, if one is to be made. */
static bool ask(struct aura_sender *s, const struct aura_picture *p, uint32_t ts,
                struct aura_aic_frame_in *in) {
    uint64_t now_us = now_of(s);
    bool active = s->machine.state == AURA_AIC_ACTIVE;
    *in = (struct aura_aic_frame_in){.codec = AURA_AIC_I420,
                                     .width = p->width,
                                     .height = p->height,
                                     .max_kbps = s->target_bps / 1000,
                                     .fps = s->conf.fps,
                                     .rtp_timestamp = ts,
                                     .key_frame = (active && s->key_wanted) ||
                                                  aura_aic_machine_wants_key(&s->machine, now_us),
                                     .target_quality = s->conf.target_quality};
    if (!aura_aic_machine_sent(&s->machine, now_us)) {
        return false;
    }
    s->key_wanted = s->key_wanted && !active;
    return true;
}

static void to_ai_core(struct aura_sender *s, const struct aura_picture *p, uint32_t ts) {
    struct aura_aic_frame_in in;
    pthread_mutex_lock(&s->lock);
    bool wanted = s->stream && ask(s, p, ts, &in);
    pthread_mutex_unlock(&s->lock);
    if (!wanted) {
        return;
    }
    int err = make_raw(s, p, &in.len);
    in.data = s->raw;
    err = err ? err : aura_aic_stream_send(s->stream, &in);
    if (err) {
        pthread_mutex_lock(&s->lock);
        aura_aic_machine_stream_down(&s->machine, AURA_AIC_BROKEN, now_of(s));
        pthread_mutex_unlock(&s->lock);
    }
}

/* ---- the client's own codec ---- */

static int ensure_native(struct aura_sender *s, const struct aura_picture *p, uint32_t kbps,
                         bool *fresh) {
    *fresh = !(s->vp8 || s->av1) || s->width != p->width || s->height != p->height;
    if (!*fresh) {
        return s->av1 ? aura_encoder_set(s->av1, kbps, 0) : aura_vp8_encoder_set(s->vp8, kbps);
    }
    struct aura_encoder_conf conf = {.width = p->width,
                                     .height = p->height,
                                     .fps = s->conf.fps ? s->conf.fps : 30,
                                     .kbps = kbps};
    s->vp8 = aura_vp8_encoder_free(s->vp8);
    s->av1 = aura_encoder_free(s->av1);
    s->width = p->width;
    s->height = p->height;
    return s->one_codec ? aura_encoder_new(&s->av1, &conf) : aura_vp8_encoder_new(&s->vp8, &conf);
}

static int encode_native(struct aura_sender *s, const struct aura_picture *p, uint32_t ts) {
    struct aura_coded coded;
    bool fresh;
    pthread_mutex_lock(&s->lock);
    bool wanted = s->machine.state != AURA_AIC_ACTIVE;
    bool key = s->key_wanted || s->from != FROM_US || s->machine.holding;
    uint32_t kbps = s->stats.native_kbps, target = s->target_bps / 1000;
    kbps = target && target < kbps ? target : kbps;
    kbps = kbps < KBPS_LEAST ? KBPS_LEAST : kbps;
    s->key_wanted = s->key_wanted && !wanted;
    pthread_mutex_unlock(&s->lock);
    if (!wanted) {
        return 0;
    }
    int err = ensure_native(s, p, kbps, &fresh);
    s->pts_us = now_of(s) > s->pts_us ? now_of(s) : s->pts_us + 1;
    if (!err) {
        err = s->av1 ? aura_encoder_encode(s->av1, p, s->pts_us, key || fresh, &coded)
                     : aura_vp8_encoder_encode(s->vp8, p, s->pts_us, key || fresh, &coded);
    }
    pthread_mutex_lock(&s->lock);
    if (!err && s->machine.state != AURA_AIC_ACTIVE) {
        struct aura_live_frame f = {.codec = s->av1 ? AURA_CODEC_AV1 : AURA_CODEC_VP8,
                                    .data = coded.data,
                                    .len = coded.len,
                                    .ts = ts,
                                    .key_frame = coded.key_frame,
                                    .hints = {.vmaf = -1}};
        if (coded.key_frame) {
            aura_aic_machine_native_key(&s->machine, now_of(s));
        }
        s->stats.native_frames++;
        s->stats.native_bytes += coded.len;
        emit(s, &f, FROM_US);
    }
    s->stats.left_out += err == AURA_EAGAIN;
    s->key_wanted |= err && key;
    pthread_mutex_unlock(&s->lock);
    return err == AURA_EAGAIN ? 0 : err;
}

int aura_sender_picture(struct aura_sender *s, const struct aura_picture *p, uint32_t ts) {
    bool even = p->width % 2 == 0 && p->height % 2 == 0;
    if (p->width < AURA_PICTURE_SIDE_MIN || p->width > AURA_PICTURE_SIDE_MAX ||
        p->height < AURA_PICTURE_SIDE_MIN || p->height > AURA_PICTURE_SIDE_MAX) {
        return AURA_ELIMIT;
    }
    settle(s, even);
    pthread_mutex_lock(&s->lock);
    s->stats.pictures++;
    s->stats.native_kbps =
        s->conf.native_kbps ? s->conf.native_kbps : aura_sender_default_kbps(p->width, p->height);
    pthread_mutex_unlock(&s->lock);
    to_ai_core(s, p, ts);
    return encode_native(s, p, ts);
}

/* ---- wishes and figures ---- */

void aura_sender_want_key(struct aura_sender *s) {
    pthread_mutex_lock(&s->lock);
    s->key_wanted = true;
    pthread_mutex_unlock(&s->lock);
}

void aura_sender_one_codec(struct aura_sender *s) {
    s->one_codec = true;
}

void aura_sender_target(struct aura_sender *s, uint32_t bps) {
    pthread_mutex_lock(&s->lock);
    s->target_bps = bps;
    pthread_mutex_unlock(&s->lock);
}

void aura_sender_stats(struct aura_sender *s, struct aura_sender_stats *out) {
    pthread_mutex_lock(&s->lock);
    *out = s->stats;
    out->state = s->machine.state;
    out->reason = s->machine.reason;
    out->late = s->machine.late;
    out->fallbacks = fallbacks_of(s);
    out->latency_us_p50 = (uint32_t)aura_hist_quantile(&s->latency, 0.5);
    out->latency_us_p95 = (uint32_t)aura_hist_quantile(&s->latency, 0.95);
    out->latency_us_p99 = (uint32_t)aura_hist_quantile(&s->latency, 0.99);
    pthread_mutex_unlock(&s->lock);
}

/* ---- life ---- */

int aura_sender_new(struct aura_sender **out, const struct aura_sender_conf *conf) {
    const struct aura_aic_machine_conf machine = {.min_vmaf = 0};
    struct aura_sender *s = aura_zalloc(sizeof(*s));
    if (!s) {
        return AURA_ENOMEM;
    }
    s->conf = *conf;
    s->stats.vmaf = -1;
    atomic_init(&s->refs, 1);
    pthread_mutex_init(&s->lock, NULL);
    aura_aic_machine_init(&s->machine, &machine);
    *out = s;
    return 0;
}

struct aura_sender *aura_sender_free(struct aura_sender *s) {
    if (s) {
        pthread_mutex_lock(&s->lock);
        s->dead = true;
        pthread_mutex_unlock(&s->lock);
        aura_aic_stream_free(s->stream);
        aura_vp8_encoder_free(s->vp8);
        aura_encoder_free(s->av1);
        aura_free(s->raw);
        unref(s);
    }
    return NULL;
}
