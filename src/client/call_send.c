/* SPDX-License-Identifier: Apache-2.0 */
/* The public client library: tracks that are published. */
#include "base/mem.h"
#include "client/call_priv.h"

#include <stdio.h>
#include <string.h>

enum { AUDIO_RATE = 48000, FPS_DEFAULT = 30, FPS_MAX = 120 };

/* ---- on the call's thread ---- */

static void note_loss(const struct aura_call_track *t) {
    struct aura_live_stats live;
    aura_client_live_stats(t->call->client, t->index, &live);
    aura_speaker_loss(t->speaker, (uint32_t)(live.loss * 100 + 0.5F));
}

static void on_drain(void *arg) {
    struct aura_call *call = arg;
    pthread_mutex_lock(&call->lock);
    struct aura__call_frame *f = call->queue;
    call->queue = NULL;
    call->queue_end = &call->queue;
    call->queued = call->queued_bytes = 0;
    pthread_mutex_unlock(&call->lock);
    for (struct aura__call_frame *next; f; f = next) {
        next = f->next;
        f->frame.data = f->bytes;
        if (call->client) {
            (void)aura_client_send(call->client, f->track, &f->frame); /* ended: `ended` tells */
            if (call->tracks[f->track].speaker) {
                note_loss(&call->tracks[f->track]);
            }
        }
        aura_free(f);
    }
}

static void on_started(void *arg, bool knows_aic) {
    struct aura_call_track *t = arg;
    if (t->sender) {
        if (t->video.aic && !knows_aic) {
            aura_sender_one_codec(t->sender);
        }
        aura_sender_want_key(t->sender);
    }
    atomic_store(&t->started, true);
}

static void on_key_wanted(void *arg) {
    struct aura_call_track *t = arg;
    aura_sender_want_key(t->sender);
}

static void on_target(void *arg, uint32_t bps) {
    struct aura_call_track *t = arg;
    aura_sender_target(t->sender, bps);
    pthread_mutex_lock(&t->call->lock);
    t->call->stats.target_kbps = bps / 1000;
    pthread_mutex_unlock(&t->call->lock);
}

/* ---- hand-over ---- */

static struct aura__call_frame *copy_of(size_t track, const struct aura_live_frame *frame) {
    struct aura__call_frame *f = aura_zalloc(sizeof(*f) + frame->len);
    if (f) {
        f->track = track;
        f->frame = *frame;
        memcpy(f->bytes, frame->data, frame->len);
    }
    return f;
}

void aura__call_queue(struct aura_call *call, size_t track, const struct aura_live_frame *frame) {
    struct aura__call_frame *f = copy_of(track, frame);
    pthread_mutex_lock(&call->lock);
    bool fits = f && call->queued < AURA__CALL_QUEUE_MAX &&
                call->queued_bytes + frame->len <= AURA__CALL_QUEUE_BYTES_MAX;
    if (fits) {
        *call->queue_end = f;
        call->queue_end = &f->next;
        call->queued++;
        call->queued_bytes += frame->len;
    }
    pthread_mutex_unlock(&call->lock);
    if (fits) {
        aura_loop_post_task(call->on.loop, &call->drain, on_drain, call);
    } else {
        aura_free(f); /* receivers see the gap in the picture, and ask for a key frame */
    }
}

static void on_frame(void *arg, const struct aura_live_frame *frame) {
    struct aura_call_track *t = arg;
    aura__call_queue(t->call, t->index, frame);
}

/* ---- tracks ---- */

static int new_track(struct aura_call *call, const char *name, const char *standard,
                     struct aura_call_track **out) {
    if (call->on.loop) {
        return AURA_ESTATE;
    }
    if (call->track_count == AURA_CLIENT_TRACKS_MAX) {
        return AURA_ELIMIT;
    }
    struct aura_call_track *t = &call->tracks[call->track_count];
    *t = (struct aura_call_track){.call = call, .index = call->track_count};
    snprintf(t->name, sizeof(t->name), "%s", name ? name : standard);
    *out = t;
    return 0;
}

int aura_call_add_video(struct aura_call *call, const struct aura_call_video_conf *conf,
                        struct aura_call_track **out) {
    struct aura_call_track *t;
    uint32_t fps = conf->fps ? conf->fps : FPS_DEFAULT;
    bool sides = conf->width >= AURA_PICTURE_SIDE_MIN && conf->width <= AURA_PICTURE_SIDE_MAX &&
                 conf->height >= AURA_PICTURE_SIDE_MIN && conf->height <= AURA_PICTURE_SIDE_MAX;
    if (!sides || fps > FPS_MAX || (conf->aic && !call->core)) {
        return AURA_EINVAL;
    }
    int err = new_track(call, conf->name, "video", &t);
    if (err) {
        return err;
    }
    const struct aura_sender_conf sender = {.clock = aura_clock_system(),
                                            .core = conf->aic ? call->core : NULL,
                                            .fps = fps,
                                            .native_kbps = conf->native_kbps,
                                            .target_quality = conf->target_quality,
                                            .name = t->name,
                                            .frame = on_frame,
                                            .arg = t};
    err = aura_sender_new(&t->sender, &sender);
    if (err) {
        return err;
    }
    t->video = *conf;
    call->track_count++;
    *out = t;
    return 0;
}

int aura_call_add_audio(struct aura_call *call, const char *name, struct aura_call_track **out) {
    struct aura_call_track *t;
    int err = new_track(call, name, "audio", &t);
    if (!err) {
        t->audio = true;
        call->track_count++;
        *out = t;
    }
    return err;
}

int aura_call_add_sound(struct aura_call *call, const struct aura_call_sound_conf *conf,
                        struct aura_call_track **out) {
    struct aura_call_track *t;
    if (conf->aic && !call->core) {
        return AURA_EINVAL;
    }
    int err = new_track(call, conf->name, "audio", &t);
    if (err) {
        return err;
    }
    const struct aura_speaker_conf speaker = {.clock = aura_clock_system(),
                                              .core = conf->aic ? call->core : NULL,
                                              .channels = conf->channels,
                                              .native_kbps = conf->native_kbps,
                                              .name = t->name,
                                              .packet = on_frame,
                                              .arg = t};
    err = aura_speaker_new(&t->speaker, &speaker);
    if (err) {
        return err;
    }
    t->audio = true;
    call->track_count++;
    *out = t;
    return 0;
}

void aura__call_track_conf(struct aura_call_track *t, struct aura_client_track *out) {
    *out = (struct aura_client_track){.screen = t->video.screen,
                                      .live = {.on = true,
                                               .audio = t->audio,
                                               .av1 = t->video.aic,
                                               .width = t->video.width,
                                               .height = t->video.height,
                                               .name = t->name,
                                               .started = on_started,
                                               .key_wanted = on_key_wanted,
                                               .target = on_target,
                                               .arg = t}};
}

/* Timestamps count from the track's first frame. */
static uint32_t timestamp(struct aura_call_track *t, uint64_t time_us, uint64_t rate) {
    if (!t->timed) {
        t->timed = true;
        t->first_us = time_us;
    }
    uint64_t us = time_us > t->first_us ? time_us - t->first_us : 0;
    return (uint32_t)(us / AURA_US_PER_S * rate + us % AURA_US_PER_S * rate / AURA_US_PER_S);
}

int aura_call_video_push(struct aura_call_track *t, const struct aura_call_picture *picture,
                         uint64_t time_us) {
    struct aura_picture p = {.width = picture->width, .height = picture->height};
    if (!t->sender) {
        return AURA_EINVAL;
    }
    for (int i = 0; i < 3; i++) {
        p.plane[i] = picture->plane[i];
        p.stride[i] = picture->stride[i];
    }
    uint32_t ts = timestamp(t, time_us, AURA_SENDER_CLOCK_RATE);
    return atomic_load(&t->started) ? aura_sender_picture(t->sender, &p, ts) : 0;
}

int aura_call_audio_push(struct aura_call_track *t, const uint8_t *opus, size_t len,
                         uint64_t time_us) {
    if (!t->audio || t->speaker || len > AURA_LIVE_PAYLOAD_MAX) {
        return AURA_EINVAL;
    }
    struct aura_live_frame f = {.codec = AURA_CODEC_OPUS,
                                .data = opus,
                                .len = len,
                                .ts = timestamp(t, time_us, AUDIO_RATE)};
    if (len && atomic_load(&t->started)) {
        aura__call_queue(t->call, t->index, &f);
    }
    return 0;
}

int aura_call_sound_push(struct aura_call_track *t, const int16_t *samples, size_t count,
                         uint64_t time_us) {
    if (!t->speaker) {
        return AURA_EINVAL;
    }
    uint32_t ts = timestamp(t, time_us, AUDIO_RATE);
    if (atomic_load(&t->started)) {
        aura_speaker_samples(t->speaker, samples, count, ts);
    }
    return 0;
}

/* ---- figures; with the call's lock, on its thread ---- */

static void video_stats(const struct aura_call_track *t, struct aura_call_stats *out) {
    struct aura_sender_stats s;
    aura_sender_stats(t->sender, &s);
    out->mode = aura_aic_state_name(s.state);
    out->reason = aura_aic_reason_name(s.reason);
    out->pictures = s.pictures;
    out->native_frames = s.native_frames;
    out->aic_frames = s.aic_frames;
    out->late = s.late;
    out->fallbacks = s.fallbacks;
    out->native_kbps = s.native_kbps;
    out->latency_us_p50 = s.latency_us_p50;
    out->latency_us_p95 = s.latency_us_p95;
    out->latency_us_p99 = s.latency_us_p99;
    out->saved = s.saved;
    out->vmaf = s.vmaf;
    memcpy(out->sent_hints, s.hints, sizeof(out->sent_hints));
}

static void sound_stats(const struct aura_call_track *t, struct aura_call_stats *out) {
    struct aura_speaker_stats s;
    aura_speaker_stats(t->speaker, &s);
    out->sound_mode = s.keeps ? "kept" : aura_aic_state_name(s.state);
    out->sound_native = s.native;
    out->sound_aic = s.aic;
    out->sound_fallbacks = s.fallbacks;
    out->sound_cut_ms = s.cut_ms;
}

void aura__call_send_stats(struct aura_call *call, struct aura_call_stats *out) {
    out->mode = aura_aic_state_name(AURA_AIC_OFF);
    out->reason = aura_aic_reason_name(AURA_AIC_FINE);
    out->sound_mode = aura_aic_state_name(AURA_AIC_OFF);
    out->published = call->track_count > 0;
    out->packets = out->bytes = out->resent = 0;
    for (size_t i = 0; i < call->track_count; i++) {
        const struct aura_call_track *t = &call->tracks[i];
        struct aura_live_stats live = {.packets = 0};
        if (call->client) {
            aura_client_live_stats(call->client, i, &live);
        }
        out->published &= atomic_load(&t->started);
        out->packets += live.packets;
        out->bytes += live.bytes;
        out->resent += live.resent;
        if (t->sender) {
            out->loss = live.loss;
            video_stats(t, out);
        }
        if (t->speaker) {
            sound_stats(t, out);
        }
    }
}
