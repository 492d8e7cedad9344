/* SPDX-License-Identifier: Apache-2.0 */
/* Files of a recording, decoded as time goes by. */
#include "record/compose_priv.h"

#include "base/mem.h"

#include <math.h>
#include <string.h>

enum { ERRORS_MAX = 1000 /* packets in a row that cannot be decoded */ };

static int open_codec(struct aura__source *s) {
    const AVStream *stream = s->format->streams[0];
    const AVCodecParameters *p = stream->codecpar;
    const AVCodec *codec = p->codec_id == AV_CODEC_ID_AV1 ? avcodec_find_decoder_by_name("libdav1d")
                                                          : avcodec_find_decoder(p->codec_id);
    bool fits = p->codec_type == (s->video ? AVMEDIA_TYPE_VIDEO : AVMEDIA_TYPE_AUDIO);
    if (!codec || !fits) {
        return AURA_EMALFORMED;
    }
    s->codec = avcodec_alloc_context3(codec);
    if (!s->codec || avcodec_parameters_to_context(s->codec, p) < 0) {
        return AURA_ENOMEM;
    }
    s->codec->pkt_timebase = stream->time_base;
    s->codec->max_pixels = (int64_t)AURA_COMPOSE_SIDE_MAX * AURA_COMPOSE_SIDE_MAX;
    s->codec->thread_count = 1;
    return avcodec_open2(s->codec, codec, NULL) < 0 ? AURA_EMALFORMED : 0;
}

int aura__source_open(struct aura__source *s, const char *path) {
    if (avformat_open_input(&s->format, path, NULL, NULL) < 0 || s->format->nb_streams != 1) {
        return AURA_EMALFORMED;
    }
    s->packet = av_packet_alloc();
    s->now = av_frame_alloc();
    s->next = av_frame_alloc();
    return s->packet && s->now && s->next ? open_codec(s) : AURA_ENOMEM;
}

void aura__source_close(struct aura__source *s) {
    avformat_close_input(&s->format);
    avcodec_free_context(&s->codec);
    av_packet_free(&s->packet);
    av_frame_free(&s->now);
    av_frame_free(&s->next);
    sws_freeContext(s->scale);
    s->scale = NULL;
}

/* Damaged packets are stepped over: what follows may be fine. */
static bool feed(struct aura__source *s) {
    for (int i = 0; i < ERRORS_MAX; i++) {
        int err = av_read_frame(s->format, s->packet);
        if (err < 0) {
            return avcodec_send_packet(s->codec, NULL) == 0;
        }
        err = avcodec_send_packet(s->codec, s->packet);
        av_packet_unref(s->packet);
        if (err >= 0) {
            return true;
        }
    }
    return false;
}

/* Decodes into `next`. */
static void advance(struct aura__source *s) {
    const AVRational us = {1, 1000000};
    s->has_next = false;
    while (!s->ended) {
        int err = avcodec_receive_frame(s->codec, s->next);
        if (err >= 0) {
            int64_t pts = s->next->best_effort_timestamp;
            s->has_next = true;
            s->next_us =
                s->start_us + (pts == AV_NOPTS_VALUE
                                   ? 0
                                   : av_rescale_q(pts, s->format->streams[0]->time_base, us));
            return;
        }
        s->ended = err != AVERROR(EAGAIN) || !feed(s);
    }
}

const AVFrame *aura__source_picture(struct aura__source *s, int64_t us) {
    if (us < s->start_us) {
        return NULL;
    }
    if (!s->has_now && !s->has_next) {
        advance(s);
    }
    while (s->has_next && s->next_us <= us) {
        AVFrame *swap = s->now;
        s->now = s->next;
        s->next = swap;
        s->now_us = s->next_us;
        s->has_now = true;
        advance(s);
    }
    bool stale = us - s->now_us > AURA_COMPOSE_STALE_MS * 1000;
    return s->has_now && !stale ? s->now : NULL;
}

/* One sample of the decoded frame, from the left or the right. */
static float sample_of(const AVFrame *f, int channel, int i) {
    int channels = f->ch_layout.nb_channels;
    channel = channel < channels ? channel : 0;
    switch (f->format) {
    case AV_SAMPLE_FMT_FLTP:
        return ((const float *)(const void *)f->extended_data[channel])[i];
    case AV_SAMPLE_FMT_FLT:
        return ((const float *)(const void *)f->data[0])[i * channels + channel];
    case AV_SAMPLE_FMT_S16:
        return (float)((const int16_t *)(const void *)f->data[0])[i * channels + channel] / 32768;
    default:
        return 0;
    }
}

/* @return the sum of squares of what was added */
static float add_frame(const struct aura__source *s, int64_t begin, int64_t from, float *mix,
                       int samples) {
    int64_t first = begin > from ? begin : from, end = begin + s->next->nb_samples;
    float sum = 0;
    for (int64_t at = first; at < end && at < from + samples; at++) {
        for (int c = 0; c < 2; c++) {
            float v = sample_of(s->next, c, (int)(at - begin));
            mix[(at - from) * 2 + c] += v;
            sum += v * v;
        }
    }
    return sum;
}

void aura__source_mix(struct aura__source *s, int64_t from, float *mix, int samples) {
    const float keep = 0.9f; /* of the level, over a block */
    float sum = 0;
    if (s->start_us > av_rescale(from + samples, 1000000, AURA__SOUND_RATE)) {
        return;
    }
    if (!s->has_next) {
        advance(s);
    }
    while (s->has_next) {
        int64_t begin = av_rescale(s->next_us, AURA__SOUND_RATE, 1000000);
        if (begin >= from + samples) {
            break;
        }
        sum += add_frame(s, begin, from, mix, samples);
        if (begin + s->next->nb_samples > from + samples) {
            break; /* the rest of it belongs to the next block */
        }
        advance(s);
    }
    s->level = s->level * keep + sqrtf(sum / (float)samples) * (1 - keep);
}
