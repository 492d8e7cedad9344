/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/opus_encoder.h"

#include "base/clock.h"
#include "base/mem.h"
#include "codec/opus_encoder.h"

#include <libavutil/channel_layout.h>
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

struct waiting {
    uint64_t time_us;
    size_t len;
    uint8_t data[AURA_OPUS_PACKET_BYTES_MAX];
};

struct opus_encoder {
    struct aura_opus_encoder *codec;
    SwrContext *resampler;
    struct waiting packets[OPUS_PACKETS_MAX];
    unsigned first, count;
    int16_t samples[WAITING_SAMPLES * CHANNELS]; /* resampled, not encoded yet */
    int sample_count;
    uint64_t time_us; /* of the first of them */
    int rate, format; /* of what comes in */
};

int opus_encoder_new(struct opus_encoder **out) {
    const struct aura_opus_point point = {.bps = BITS_PER_S};
    struct opus_encoder *e = aura_zalloc(sizeof(*e));
    int err = e ? aura_opus_encoder_new(&e->codec, CHANNELS) : AURA_ENOMEM;
    if (err) {
        opus_encoder_free(e);
        return err;
    }
    aura_opus_encoder_set(e->codec, &point);
    *out = e;
    return 0;
}

struct opus_encoder *opus_encoder_free(struct opus_encoder *e) {
    if (e) {
        swr_free(&e->resampler);
        aura_opus_encoder_free(e->codec);
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
    AVChannelLayout to;
    av_channel_layout_default(&to, CHANNELS);
    int code = swr_alloc_set_opts2(&e->resampler, &to, AV_SAMPLE_FMT_S16, RATE, &from,
                                   (enum AVSampleFormat)in->format, in->sample_rate, 0, NULL);
    code = code < 0 ? code : swr_init(e->resampler);
    return code < 0 ? AURA_EUNSUPPORTED : 0;
}

static int encode_whole(struct opus_encoder *e) {
    int err = 0;
    while (!err && e->sample_count >= FRAME_SAMPLES) {
        if (e->count == OPUS_PACKETS_MAX) {
            opus_encoder_pop(e);
        }
        struct waiting *w = &e->packets[(e->first + e->count) % OPUS_PACKETS_MAX];
        err = aura_opus_encoder_encode(e->codec, e->samples, FRAME_SAMPLES, w->data, &w->len);
        w->time_us = e->time_us;
        e->count += !err;
        e->sample_count -= FRAME_SAMPLES;
        e->time_us += FRAME_US;
        memmove(e->samples, e->samples + FRAME_SAMPLES * CHANNELS,
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
        const struct waiting *w = &e->packets[e->first];
        *out = (struct opus_packet){w->data, w->len, w->time_us};
    }
    return e->count > 0;
}

void opus_encoder_pop(struct opus_encoder *e) {
    e->first = (e->first + 1) % OPUS_PACKETS_MAX;
    e->count--;
}
