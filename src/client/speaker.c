/* SPDX-License-Identifier: Apache-2.0 */
#include "client/speaker.h"

#include "base/log.h"
#include "base/mem.h"
#include "codec/opus_encoder.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

enum {
    FRAME = AURA_SPEAKER_RATE / 50, /* 20 ms, as AI Core takes it */
    PER_MS = AURA_SPEAKER_RATE / 1000,
    PACKET_MS = 60, /* that AI Core's packets are to stand for */
    CHANNELS_MAX = 2,
    /* Jitter buffers for sound hold more than those for pictures. */
    LATE_US = 40000,
    SILENT_US = 250000,
};

/* Of the loss, from one packet to the next: half of it after four seconds. */
static const float LOSS_STAYS = 0.99F;

/* One stream to AI Core: what comes back after it was given up is not ours any more. */
struct link {
    struct aura_speaker *speaker;
    unsigned generation;
};

struct waiting {
    uint32_t ts;
    size_t len;
    uint8_t data[AURA_OPUS_PACKET_BYTES_MAX];
};

struct aura_speaker {
    struct aura_speaker_conf conf;
    atomic_uint refs; /* the owner, and each stream to AI Core until it has ended */

    /* Of the thread that brings samples. */
    struct aura_aic_stream *stream;
    struct aura_opus_encoder *encoder;
    int16_t samples[FRAME * CHANNELS_MAX];
    uint8_t bytes[FRAME * CHANNELS_MAX * 2];
    size_t count; /* of `samples`, of one channel */
    uint32_t ts;  /* of the first of them */

    pthread_mutex_t lock; /* for what follows */
    struct aura_aic_machine machine;
    bool dead, stream_ended, announced;
    unsigned generation;
    uint64_t fallbacks_told;
    float loss_percent;
    bool sent;
    uint32_t sent_ts; /* the end of what left, or was silence */
    unsigned first, waits;
    struct waiting waiting[AURA_SPEAKER_WAITING_MAX];
    struct aura_speaker_stats stats;
};

static uint64_t now_of(const struct aura_speaker *s) {
    return aura_now_us(s->conf.clock);
}

static void unref(struct aura_speaker *s) {
    if (atomic_fetch_sub(&s->refs, 1) == 1) {
        pthread_mutex_destroy(&s->lock);
        aura_free(s);
    }
}

/* ---- packets leave; under the lock, so that they keep their order ---- */

static void send_own(struct aura_speaker *s) {
    const struct waiting *w = &s->waiting[s->first];
    const struct aura_live_frame f = {
        .codec = AURA_CODEC_OPUS, .data = w->data, .len = w->len, .ts = w->ts};
    s->first = (s->first + 1) % AURA_SPEAKER_WAITING_MAX;
    s->waits--;
    if (!s->dead) {
        s->stats.native++;
        s->sent = true;
        s->sent_ts = w->ts + FRAME;
        s->conf.packet(s->conf.arg, &f);
    }
}

static bool waits_before(const struct aura_speaker *s, uint32_t ts) {
    return s->waits && (int32_t)(s->waiting[s->first].ts - ts) < 0;
}

static void send_own_before(struct aura_speaker *s, uint32_t ts) {
    while (waits_before(s, ts)) {
        send_own(s);
    }
}

static void send_all_own(struct aura_speaker *s) {
    while (s->waits) {
        send_own(s);
    }
}

static bool is_compressed(const struct aura_speaker *s) {
    return s->machine.state == AURA_AIC_ACTIVE && !s->stats.keeps;
}

/* A new state of the machine. */
static void follow(struct aura_speaker *s) {
    if (aura_aic_machine_take_pli(&s->machine)) {
        aura_aic_machine_native_key(&s->machine, now_of(s)); /* any packet can be gone on with */
    }
    if (!is_compressed(s)) {
        send_all_own(s);
    }
}

/* ---- AI Core's answers, on its connection's thread ---- */

static void send_theirs(struct aura_speaker *s, const struct aura_aic_frame_out *in,
                        uint32_t took_us) {
    struct aura_live_frame f = {.codec = AURA_CODEC_OPUS,
                                .data = in->data,
                                .len = in->len,
                                .ts = in->rtp_timestamp,
                                .has_hints = true,
                                .hints = in->hints};
    f.hints.mode = AURA_AIC_COMPRESSED;
    f.hints.latency_us = took_us;
    f.hints.latency_known = true;
    if (!s->announced) {
        s->announced = true;
        AURA_LOG("aic", AURA_LOG_INFO, "AIC Compressed!", AURA_S("track", s->conf.name),
                 AURA_S("kind", "audio"), AURA_I("samples", in->samples),
                 AURA_I("bytes_out", in->len));
    }
    s->stats.aic++;
    s->conf.packet(s->conf.arg, &f);
}

/* A stretch of time that AI Core has dealt with. One of which a part has left already stays ours.
 */
static void window(struct aura_speaker *s, const struct aura_aic_frame_out *in, uint32_t took_us) {
    uint32_t end = in->rtp_timestamp + in->samples;
    send_own_before(s, in->rtp_timestamp);
    if (s->sent && (int32_t)(in->rtp_timestamp - s->sent_ts) < 0) {
        send_own_before(s, end);
        return;
    }
    while (waits_before(s, end)) {
        s->first = (s->first + 1) % AURA_SPEAKER_WAITING_MAX;
        s->waits--;
    }
    if (in->len) {
        send_theirs(s, in, took_us);
    } else {
        s->stats.cut_ms += in->samples / PER_MS;
    }
    s->sent = true;
    s->sent_ts = end;
}

static void on_frame(void *arg, const struct aura_aic_frame_out *in) {
    struct link *link = arg;
    struct aura_speaker *s = link->speaker;
    uint64_t now_us = now_of(s);
    pthread_mutex_lock(&s->lock);
    if (link->generation == s->generation && !s->dead) {
        bool whole = in->samples > 0 && in->len <= AURA_LIVE_PAYLOAD_MAX;
        uint32_t took_us = aura_aic_machine_answer(&s->machine, whole, in->hints.vmaf, now_us);
        s->stats.keeps = in->keep;
        if (in->draining) {
            aura_aic_machine_stream_down(&s->machine, AURA_AIC_DRAINING, now_us);
        }
        if (took_us != UINT32_MAX && whole && is_compressed(s)) {
            window(s, in, took_us);
        }
        follow(s);
    }
    pthread_mutex_unlock(&s->lock);
}

static void on_closed(void *arg, enum aura_aic_reason why, const char *text) {
    struct link *link = arg;
    struct aura_speaker *s = link->speaker;
    pthread_mutex_lock(&s->lock);
    if (link->generation == s->generation) {
        s->stream_ended = true;
        if (s->machine.stream && !s->dead) {
            AURA_LOG("aic", AURA_LOG_INFO, "AI Core ended the stream",
                     AURA_S("track", s->conf.name), AURA_S("why", aura_aic_reason_name(why)),
                     AURA_S("text", text));
        }
        aura_aic_machine_stream_down(&s->machine, why, now_of(s));
        follow(s);
    }
    pthread_mutex_unlock(&s->lock);
    aura_free(link);
    unref(s);
}

/* ---- the stream follows the mode machine; on the samples' thread ---- */

static void open_stream(struct aura_speaker *s, unsigned generation) {
    static const struct aura_aic_stream_handlers handlers = {.frame = on_frame,
                                                             .closed = on_closed};
    struct link *link = aura_zalloc(sizeof(*link));
    if (!link) {
        return; /* the next samples try again */
    }
    *link = (struct link){.speaker = s, .generation = generation};
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

static uint64_t fallbacks_of(const struct aura_speaker *s) {
    uint64_t sum = 0;
    for (size_t i = 0; i < AURA_AIC_REASONS; i++) {
        sum += s->machine.fallbacks[i];
    }
    return sum;
}

static void settle(struct aura_speaker *s) {
    pthread_mutex_lock(&s->lock);
    uint64_t now_us = now_of(s);
    aura_aic_machine_want(&s->machine, s->conf.core, now_us);
    aura_aic_machine_tick(&s->machine, now_us);
    follow(s);
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
        s->stream_ended = s->stats.keeps = false;
    }
    pthread_mutex_unlock(&s->lock);
    if (drop) {
        s->stream = aura_aic_stream_free(s->stream);
    }
    if (open) {
        open_stream(s, generation);
    }
}

/* ---- 20 ms of samples ---- */

static void to_ai_core(struct aura_speaker *s) {
    size_t total = FRAME * s->conf.channels;
    pthread_mutex_lock(&s->lock);
    struct aura_aic_frame_in in = {.data = s->bytes,
                                   .len = total * 2,
                                   .codec = AURA_AIC_PCM,
                                   .rtp_timestamp = s->ts,
                                   .packet_ms = PACKET_MS,
                                   .loss_percent = (uint32_t)(s->loss_percent + 0.5F),
                                   .redundancy = true,
                                   .channels = s->conf.channels};
    bool wanted = s->stream && aura_aic_machine_sent(&s->machine, now_of(s));
    pthread_mutex_unlock(&s->lock);
    if (!wanted) {
        return;
    }
    for (size_t i = 0; i < total; i++) {
        s->bytes[2 * i] = (uint8_t)s->samples[i];
        s->bytes[2 * i + 1] = (uint8_t)((uint16_t)s->samples[i] >> 8);
    }
    if (aura_aic_stream_send(s->stream, &in)) {
        pthread_mutex_lock(&s->lock);
        aura_aic_machine_stream_down(&s->machine, AURA_AIC_BROKEN, now_of(s));
        follow(s);
        pthread_mutex_unlock(&s->lock);
    }
}

static void frame(struct aura_speaker *s) {
    settle(s);
    pthread_mutex_lock(&s->lock);
    if (s->waits == AURA_SPEAKER_WAITING_MAX) {
        send_own(s);
    }
    struct waiting *w = &s->waiting[(s->first + s->waits) % AURA_SPEAKER_WAITING_MAX];
    w->ts = s->ts;
    if (!aura_opus_encoder_encode(s->encoder, s->samples, FRAME, w->data, &w->len)) {
        s->waits++;
    }
    follow(s);
    pthread_mutex_unlock(&s->lock);
    to_ai_core(s);
}

void aura_speaker_samples(struct aura_speaker *s, const int16_t *samples, size_t count,
                          uint32_t ts) {
    if (ts - (s->ts + (uint32_t)s->count) + PER_MS > 2 * PER_MS) {
        s->count = 0; /* the times of its own samples are a millisecond exact */
        s->ts = ts;
    }
    while (count > 0) {
        size_t n = FRAME - s->count < count ? FRAME - s->count : count;
        memcpy(s->samples + s->count * s->conf.channels, samples,
               n * s->conf.channels * sizeof(*samples));
        samples += n * s->conf.channels;
        count -= n;
        s->count += n;
        if (s->count == FRAME) {
            frame(s);
            s->ts += FRAME;
            s->count = 0;
        }
    }
}

/* ---- wishes and figures ---- */

void aura_speaker_loss(struct aura_speaker *s, uint32_t percent) {
    pthread_mutex_lock(&s->lock);
    /* A good second between bad ones changes nothing. */
    float faded = s->loss_percent * LOSS_STAYS;
    s->loss_percent = faded > (float)percent ? faded : (float)percent;
    pthread_mutex_unlock(&s->lock);
}

void aura_speaker_stats(struct aura_speaker *s, struct aura_speaker_stats *out) {
    pthread_mutex_lock(&s->lock);
    *out = s->stats;
    out->state = s->machine.state;
    out->fallbacks = fallbacks_of(s);
    pthread_mutex_unlock(&s->lock);
}

/* ---- life ---- */

int aura_speaker_new(struct aura_speaker **out, const struct aura_speaker_conf *conf) {
    const struct aura_aic_machine_conf machine = {.late_us = LATE_US, .silent_us = SILENT_US};
    const struct aura_opus_point point = {
        .bps = (conf->native_kbps ? conf->native_kbps : AURA_SPEAKER_DEFAULT_KBPS) * 1000};
    struct aura_speaker *s = aura_zalloc(sizeof(*s));
    int err = s ? aura_opus_encoder_new(&s->encoder, conf->channels) : AURA_ENOMEM;
    if (err) {
        aura_free(s);
        return err;
    }
    aura_opus_encoder_set(s->encoder, &point);
    s->conf = *conf;
    atomic_init(&s->refs, 1);
    pthread_mutex_init(&s->lock, NULL);
    aura_aic_machine_init(&s->machine, &machine);
    *out = s;
    return 0;
}

struct aura_speaker *aura_speaker_free(struct aura_speaker *s) {
    if (s) {
        pthread_mutex_lock(&s->lock);
        s->dead = true;
        pthread_mutex_unlock(&s->lock);
        aura_aic_stream_free(s->stream);
        aura_opus_encoder_free(s->encoder);
        unref(s);
    }
    return NULL;
}
