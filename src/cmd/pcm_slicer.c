/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/pcm_slicer.h"

#include "base/clock.h"
#include "base/mem.h"

#include <libavutil/channel_layout.h>
#include <libswresample/swresample.h>

#include <string.h>

enum {
    RATE = 48000,
    CHANNELS = PCM_CHANNELS,
    FRAME_SAMPLES = PCM_SLICE_SAMPLES,
    FRAME_US = 20000,
    WAITING_SAMPLES = RATE,
};

struct waiting {
    uint64_t time_us;
    int16_t samples[FRAME_SAMPLES * CHANNELS];
};

struct pcm_slicer {
    SwrContext *resampler;
    struct waiting slices[PCM_SLICES_MAX];
    unsigned first, count;
    int16_t samples[WAITING_SAMPLES * CHANNELS]; /* resampled, not sliced yet */
    int sample_count;
    uint64_t time_us; /* of the first of them */
    int rate, format; /* of what comes in */
};

int pcm_slicer_new(struct pcm_slicer **out) {
    *out = aura_zalloc(sizeof(**out));
    return *out ? 0 : AURA_ENOMEM;
}

struct pcm_slicer *pcm_slicer_free(struct pcm_slicer *p) {
    if (p) {
        swr_free(&p->resampler);
        aura_free(p);
    }
    return NULL;
}

static int ensure_resampler(struct pcm_slicer *p, const AVFrame *in) {
    AVChannelLayout from = in->ch_layout;
    if (p->resampler && p->rate == in->sample_rate && p->format == in->format) {
        return 0;
    }
    if (from.order == AV_CHANNEL_ORDER_UNSPEC) {
        av_channel_layout_default(&from, in->ch_layout.nb_channels);
    }
    swr_free(&p->resampler);
    p->rate = in->sample_rate;
    p->format = in->format;
    AVChannelLayout to;
    av_channel_layout_default(&to, CHANNELS);
    int code = swr_alloc_set_opts2(&p->resampler, &to, AV_SAMPLE_FMT_S16, RATE, &from,
                                   (enum AVSampleFormat)in->format, in->sample_rate, 0, NULL);
    code = code < 0 ? code : swr_init(p->resampler);
    return code < 0 ? AURA_EUNSUPPORTED : 0;
}

static void slice_whole(struct pcm_slicer *p) {
    while (p->sample_count >= FRAME_SAMPLES) {
        if (p->count == PCM_SLICES_MAX) {
            pcm_slicer_pop(p);
        }
        struct waiting *w = &p->slices[(p->first + p->count) % PCM_SLICES_MAX];
        memcpy(w->samples, p->samples, sizeof(w->samples));
        w->time_us = p->time_us;
        p->count++;
        p->sample_count -= FRAME_SAMPLES;
        p->time_us += FRAME_US;
        memmove(p->samples, p->samples + FRAME_SAMPLES * CHANNELS,
                (size_t)p->sample_count * CHANNELS * sizeof(int16_t));
    }
}

int pcm_slicer_add(struct pcm_slicer *p, const AVFrame *sound, uint64_t time_us) {
    int err = ensure_resampler(p, sound);
    if (err) {
        return err;
    }
    if (p->sample_count == 0) {
        p->time_us = time_us;
    }
    uint8_t *to = (uint8_t *)(p->samples + (size_t)p->sample_count * CHANNELS);
    int n = swr_convert(p->resampler, &to, WAITING_SAMPLES - p->sample_count,
                        (const uint8_t **)(uintptr_t)sound->extended_data, sound->nb_samples);
    if (n < 0) {
        return AURA_EUNSUPPORTED;
    }
    p->sample_count += n;
    slice_whole(p);
    return 0;
}

bool pcm_slicer_peek(const struct pcm_slicer *p, struct pcm_slice *out) {
    if (p->count) {
        const struct waiting *w = &p->slices[p->first];
        *out = (struct pcm_slice){w->samples, w->time_us};
    }
    return p->count > 0;
}

void pcm_slicer_pop(struct pcm_slicer *p) {
    p->first = (p->first + 1) % PCM_SLICES_MAX;
    p->count--;
}
