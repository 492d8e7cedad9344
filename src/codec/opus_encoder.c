/* SPDX-License-Identifier: Apache-2.0 */
#include "codec/opus_encoder.h"

#include "base/mem.h"

#include <opus.h>

enum {
    COMPLEXITY = 9,
    DRED_FRAMES = 100,  /* of 10 ms: what DRED reaches back at most */
    TOC_COUNT_CODE = 3, /* mask: frames in the packet */
};

struct aura_opus_encoder {
    OpusEncoder *codec;
    struct aura_opus_point point;
};

int aura_opus_encoder_new(struct aura_opus_encoder **ep, uint32_t channels) {
    int code = OPUS_OK;
    if (channels != 1 && channels != 2) {
        return AURA_EINVAL;
    }
    struct aura_opus_encoder *e = aura_zalloc(sizeof(*e));
    if (!e) {
        return AURA_ENOMEM;
    }
    e->codec = opus_encoder_create(AURA_OPUS_RATE, (int)channels, OPUS_APPLICATION_VOIP, &code);
    if (!e->codec) {
        aura_opus_encoder_free(e);
        return AURA_ENOMEM;
    }
    (void)opus_encoder_ctl(e->codec, OPUS_SET_COMPLEXITY(COMPLEXITY));
    *ep = e;
    return 0;
}

struct aura_opus_encoder *aura_opus_encoder_free(struct aura_opus_encoder *e) {
    if (e) {
        if (e->codec) {
            opus_encoder_destroy(e->codec);
        }
        aura_free(e);
    }
    return NULL;
}

/* Not every libopus knows it, and those that do may be built without. */
static bool set_dred(OpusEncoder *codec, int frames) {
#ifdef OPUS_SET_DRED_DURATION_REQUEST
    return opus_encoder_ctl(codec, OPUS_SET_DRED_DURATION(frames)) == OPUS_OK;
#else
    (void)codec;
    (void)frames;
    return false;
#endif
}

void aura_opus_encoder_set(struct aura_opus_encoder *e, const struct aura_opus_point *point) {
    const struct aura_opus_point *old = &e->point;
    if (old->bps == point->bps && old->loss_percent == point->loss_percent &&
        old->fec == point->fec && old->redundancy == point->redundancy &&
        old->voice == point->voice) {
        return;
    }
    e->point = *point;
    int loss = point->loss_percent < 100 ? (int)point->loss_percent : 100;
    (void)opus_encoder_ctl(e->codec, OPUS_SET_BITRATE((opus_int32)point->bps));
    (void)opus_encoder_ctl(e->codec, OPUS_SET_PACKET_LOSS_PERC(loss));
    (void)opus_encoder_ctl(e->codec, OPUS_SET_INBAND_FEC(point->fec ? 1 : 0));
    (void)opus_encoder_ctl(e->codec, OPUS_SET_SIGNAL(point->voice ? OPUS_SIGNAL_VOICE : OPUS_AUTO));
    (void)set_dred(e->codec, point->redundancy && loss ? DRED_FRAMES : 0);
}

int aura_opus_encoder_encode(struct aura_opus_encoder *e, const int16_t *samples, uint32_t count,
                             uint8_t out[AURA_OPUS_PACKET_BYTES_MAX], size_t *len) {
    if (count > AURA_OPUS_PACKET_SAMPLES_MAX) {
        return AURA_EINVAL;
    }
    opus_int32 n = opus_encode(e->codec, samples, (int)count, out, AURA_OPUS_PACKET_BYTES_MAX);
    if (n <= 0) {
        return AURA_EINVAL;
    }
    *len = (size_t)n;
    return 0;
}

bool aura_opus_has_redundancy(void) {
    int code = OPUS_OK;
    OpusEncoder *codec = opus_encoder_create(AURA_OPUS_RATE, 1, OPUS_APPLICATION_VOIP, &code);
    bool has = codec && set_dred(codec, DRED_FRAMES);
    if (codec) {
        opus_encoder_destroy(codec);
    }
    return has;
}

const char *aura_opus_version(void) {
    return opus_get_version_string();
}

int aura_opus_silence(const uint8_t *like, size_t len, uint8_t out[2], size_t *out_len) {
    int frames = len ? opus_packet_get_nb_frames(like, (opus_int32)len) : 0;
    if (frames <= 0) {
        return AURA_EMALFORMED;
    }
    /* Code 0 is one frame, code 3 any number of the same length, which a second byte tells. */
    out[0] = (uint8_t)((like[0] & ~TOC_COUNT_CODE) | (frames > 1 ? TOC_COUNT_CODE : 0));
    out[1] = (uint8_t)frames;
    *out_len = frames > 1 ? 2 : 1;
    return 0;
}
