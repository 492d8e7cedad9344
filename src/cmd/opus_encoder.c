/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/opus_encoder.h"

#include "base/clock.h"
#include "base/mem.h"

#include <libavcodec/avcodec.h>
#include <libavutil/channel_layout.h>
#include <libavutil/opt.h>
#include <libswresample/swresample.h>

#include <string.h>

enum {
    RATE = 48000,
    CHANNELS = 2,
    FRAME_SAMPLES = RATE / 50, /* 20 ms */
    FRAME_US = 20000,
    BITS_PER_S = 48000, /* LiveKit's default for music and speech alike */
    WAITING_SAMPLES = RATE,
};

struct opus_encoder {
    AVCodecContext *codec;
    SwrContext *resampler;
    AVFrame *frame;
    AVPacket *packets[OPUS_PACKETS_MAX];
    uint64_t times_us[OPUS_PACKETS_MAX];
    unsigned first, count;
    int16_t samples[WAITING_SAMPLES * CHANNELS]; /* resampled, not encoded yet */
    int sample_count;
    uint64_t time_us; /* of the first of them */
    int rate, format; /* of what comes in */
};

int opus_encoder_new(struct opus_encoder **out) {
    const AVCodec *codec = avcodec_find_encoder_by_name("libopus");
    struct opus_encoder *e = codec ? aura_zalloc(sizeof(*e)) : NULL;
    if (!e) {
        return codec ? AURA_ENOMEM : AURA_EUNSUPPORTED;
    }
    e->codec = avcodec_alloc_context3(codec);
    e->frame = av_frame_alloc();
    if (!e->codec || !e->frame) {
        opus_encoder_free(e);
        return AURA_ENOMEM;
    }
    e->codec->sample_fmt = AV_SAMPLE_FMT_S16;
    e->codec->sample_rate = RATE;
    e->codec->bit_rate = BITS_PER_S;
    av_channel_layout_default(&e->codec->ch_layout, CHANNELS);
    av_opt_set(e->codec->priv_data, "frame_duration", "20", 0);
    e->frame->format = AV_SAMPLE_FMT_S16;
    e->frame->sample_rate = RATE;
    e->frame->nb_samples = FRAME_SAMPLES;
    int code = avcodec_open2(e->codec, codec, NULL);
    code = code < 0 ? code : av_channel_layout_copy(&e->frame->ch_layout, &e->codec->ch_layout);
    code = code < 0 ? code : av_frame_get_buffer(e->frame, 0);
    if (code < 0) {
        opus_encoder_free(e);
        return AURA_EUNSUPPORTED;
    }
    *out = e;
    return 0;
}

struct opus_encoder *opus_encoder_free(struct opus_encoder *e) {
    if (e) {
        for (size_t i = 0; i < OPUS_PACKETS_MAX; i++) {
            av_packet_free(&e->packets[i]);
        }
        swr_free(&e->resampler);
        av_frame_free(&e->frame);
        avcodec_free_context(&e->codec);
        aura_free(e);
    }
    return NULL;
}

static int ensure_resampler(struct opus_encoder *e, const AVFrame *in) {
    AVChannelLayout from = in->ch_layout;
    if (e->resampler && e->rate == in->sample_rate && e->format == in->format) {
        return 0;
    }
    if (from.order == AV_CHANNEL_ORDER_UNSPEC) {
        av_channel_layout_default(&from, in->ch_layout.nb_channels);
    }
    swr_free(&e->resampler);
    e->rate = in->sample_rate;
    e->format = in->format;
    int code =
        swr_alloc_set_opts2(&e->resampler, &e->codec->ch_layout, AV_SAMPLE_FMT_S16, RATE, &from,
                            (enum AVSampleFormat)in->format, in->sample_rate, 0, NULL);
    code = code < 0 ? code : swr_init(e->resampler);
    return code < 0 ? AURA_EUNSUPPORTED : 0;
}

static int take_packet(struct opus_encoder *e) {
    unsigned at = (e->first + e->count) % OPUS_PACKETS_MAX;
    if (e->count == OPUS_PACKETS_MAX) {
        e->first = (e->first + 1) % OPUS_PACKETS_MAX;
        e->count--;
    }
    e->packets[at] = e->packets[at] ? e->packets[at] : av_packet_alloc();
    if (!e->packets[at]) {
        return AURA_ENOMEM;
    }
    av_packet_unref(e->packets[at]);
    if (avcodec_receive_packet(e->codec, e->packets[at]) >= 0) {
        e->times_us[at] = e->time_us;
        e->count++;
    }
    return 0;
}

static int encode_whole(struct opus_encoder *e) {
    int err = 0;
    while (!err && e->sample_count >= FRAME_SAMPLES) {
        size_t bytes = FRAME_SAMPLES * CHANNELS * sizeof(int16_t);
        if (av_frame_make_writable(e->frame) < 0) {
            return AURA_ENOMEM;
        }
        memcpy(e->frame->data[0], e->samples, bytes);
        if (avcodec_send_frame(e->codec, e->frame) >= 0) {
            err = take_packet(e);
        }
        e->sample_count -= FRAME_SAMPLES;
        e->time_us += FRAME_US;
        memmove(e->samples, (uint8_t *)e->samples + bytes,
                (size_t)e->sample_count * CHANNELS * sizeof(int16_t));
    }
    return err;
}

int opus_encoder_add(struct opus_encoder *e, const AVFrame *sound, uint64_t time_us) {
    int err = ensure_resampler(e, sound);
    if (err) {
        return err;
    }
    if (e->sample_count == 0) {
        e->time_us = time_us;
    }
    uint8_t *to = (uint8_t *)(e->samples + (size_t)e->sample_count * CHANNELS);
    int n = swr_convert(e->resampler, &to, WAITING_SAMPLES - e->sample_count,
                        (const uint8_t **)(uintptr_t)sound->extended_data, sound->nb_samples);
    if (n < 0) {
        return AURA_EUNSUPPORTED;
    }
    e->sample_count += n;
    return encode_whole(e);
}

bool opus_encoder_peek(const struct opus_encoder *e, struct opus_packet *out) {
    if (e->count) {
        const AVPacket *p = e->packets[e->first];
        *out = (struct opus_packet){p->data, (size_t)p->size, e->times_us[e->first]};
    }
    return e->count > 0;
}

void opus_encoder_pop(struct opus_encoder *e) {
    e->first = (e->first + 1) % OPUS_PACKETS_MAX;
    e->count--;
}
