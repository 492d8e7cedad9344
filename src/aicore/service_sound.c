/* SPDX-License-Identifier: Apache-2.0 */
/* Requests with sound, and their answers. */
#include "aicore/service_priv.h"

typedef Auralink__Aicore__V1__CompressRequest request_t;

enum { PACKET_MS_USUAL = 20 };

bool aura__sound_is(const request_t *q) {
    return q->codec == AURALINK__AICORE__V1__CODEC__CODEC_OPUS ||
           q->codec == AURALINK__AICORE__V1__CODEC__CODEC_PCM;
}

uint32_t aura__sound_ms(const request_t *q) {
    uint32_t samples = 0;
    if (q->codec == AURALINK__AICORE__V1__CODEC__CODEC_PCM) {
        samples = q->channels == 1 || q->channels == 2
                      ? (uint32_t)(q->frame.len / (2 * (size_t)q->channels))
                      : 0;
        samples = samples <= AURA_OPUS_PACKET_SAMPLES_MAX ? samples : 0;
    } else if (aura_opus_packet_samples(q->frame.data, q->frame.len, &samples)) {
        samples = 0;
    }
    uint32_t ms = samples * 1000 / AURA_OPUS_RATE;
    return ms ? ms : PACKET_MS_USUAL;
}

int aura__sound_take(struct aura_sound *s, const request_t *q, bool look, bool alone,
                     struct aura_sound_out *out) {
    const Auralink__Aicore__V1__OperatingPoint *p = q->point;
    const struct aura_sound_in in = {
        .data = q->frame.data,
        .len = q->frame.len,
        .pcm = q->codec == AURALINK__AICORE__V1__CODEC__CODEC_PCM,
        .channels = q->channels,
        .rtp_timestamp = q->rtp_timestamp,
        .packet_ms = p ? p->packet_ms : 0,
        .max_kbps = p ? p->max_kbps : 0,
        .exact_kbps = p ? p->exact_kbps : 0,
        .loss_percent = p ? p->loss_percent : 0,
        .redundancy = p && p->redundancy,
        .alone = alone,
    };
    return look ? aura_sound_listen(s, &in, out) : aura_sound_packet(s, &in, out);
}

static Auralink__Aicore__V1__Content content_of(enum aura_sound_content c) {
    switch (c) {
    case AURA_SOUND_SPEECH:
        return AURALINK__AICORE__V1__CONTENT__CONTENT_SPEECH;
    case AURA_SOUND_MUSIC:
        return AURALINK__AICORE__V1__CONTENT__CONTENT_MUSIC;
    case AURA_SOUND_SILENCE:
        return AURALINK__AICORE__V1__CONTENT__CONTENT_SILENCE;
    case AURA_SOUND_UNKNOWN:
        break;
    }
    return AURALINK__AICORE__V1__CONTENT__CONTENT_UNKNOWN;
}

int aura__sound_answer(struct aura_aicore *core, struct aura_grpc_call *call, const request_t *q,
                       const struct aura_sound_out *out, uint32_t total_us) {
    Auralink__Aicore__V1__StepTime steps[AURA_STEPS], *list[AURA_STEPS];
    Auralink__Aicore__V1__Coding coding = AURALINK__AICORE__V1__CODING__INIT;
    Auralink__Aicore__V1__CompressResponse r = AURALINK__AICORE__V1__COMPRESS_RESPONSE__INIT;
    coding.kbps = out->kbps;
    r.frame.data = (uint8_t *)(uintptr_t)out->data;
    r.frame.len = out->len;
    r.codec = AURALINK__AICORE__V1__CODEC__CODEC_OPUS;
    r.rtp_timestamp = out->rtp_timestamp;
    r.samples = out->samples;
    r.bytes_in = (uint32_t)q->frame.len;
    r.bytes_out = (uint32_t)out->len;
    r.ratio = out->ratio;
    r.quality = -1;
    r.content = content_of(out->content);
    r.keep = out->keep;
    r.speech = out->speech < 0 ? 0 : out->speech;
    r.model = (char *)(uintptr_t)(out->model ? out->model : "");
    r.model_id = out->model_number;
    r.coding = &coding;
    r.total_us = total_us;
    r.draining = atomic_load(&core->draining);
    r.n_steps = aura__service_steps(out->step_us, true, steps, list);
    r.steps = list;
    return aura__service_send(call, &r.base);
}

int aura__sound_answer_look(struct aura_grpc_call *call, const request_t *q,
                            const struct aura_sound_out *out, uint32_t total_us) {
    Auralink__Aicore__V1__AnalyzeResponse r = AURALINK__AICORE__V1__ANALYZE_RESPONSE__INIT;
    r.rtp_timestamp = q->rtp_timestamp;
    r.content = content_of(out->content);
    r.speech = out->speech < 0 ? 0 : out->speech;
    r.quality = -1;
    r.total_us = total_us;
    return aura__service_send(call, &r.base);
}
