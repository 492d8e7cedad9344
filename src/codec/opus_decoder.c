/* SPDX-License-Identifier: Apache-2.0 */
#include "codec/opus_decoder.h"

#include "base/mem.h"

#include <opus.h>
#include <string.h>

enum {
    COMPLEXITY_PLAIN = 0,
    COMPLEXITY_NEURAL = 7, /* from 5 deep PLC, 6 LACE, 7 NoLACE */
    SILENCE_BYTES = 2,     /* packets up to that are DTX */
    QUANTUM = AURA_OPUS_RATE / 400,
};

struct aura_opus_decoder {
    OpusDecoder *codec;
    uint32_t channels;
#ifdef OPUS_SET_DRED_DURATION_REQUEST
    OpusDREDDecoder *dred_codec; /* NULL: this build has none */
    OpusDRED *dred;
#endif
};

#ifdef OPUS_SET_DRED_DURATION_REQUEST
static void open_dred(struct aura_opus_decoder *d) {
    int code = OPUS_OK;
    d->dred_codec = opus_dred_decoder_create(&code);
    d->dred = d->dred_codec ? opus_dred_alloc(&code) : NULL;
}

static void close_dred(struct aura_opus_decoder *d) {
    if (d->dred) {
        opus_dred_free(d->dred);
    }
    if (d->dred_codec) {
        opus_dred_decoder_destroy(d->dred_codec);
    }
}

/* @return how much of the gap's end the packet's redundancy covers */
static uint32_t dred_reach(struct aura_opus_decoder *d, uint32_t gap, const uint8_t *next,
                           size_t len) {
    int end = 0;
    if (!d->dred || len > INT32_MAX) {
        return 0;
    }
    int reach = opus_dred_parse(d->dred_codec, d->dred, next, (opus_int32)len, (opus_int32)gap,
                                AURA_OPUS_RATE, &end, 0);
    uint32_t covered = reach > 0 ? (uint32_t)reach / QUANTUM * QUANTUM : 0;
    return covered < gap ? covered : gap;
}

static bool decode_dred(struct aura_opus_decoder *d, uint32_t count, int16_t *out) {
    return opus_decoder_dred_decode(d->codec, d->dred, (opus_int32)count, out, (opus_int32)count) ==
           (int)count;
}
#else
static void open_dred(struct aura_opus_decoder *d) {
    (void)d;
}
static void close_dred(struct aura_opus_decoder *d) {
    (void)d;
}
static uint32_t dred_reach(struct aura_opus_decoder *d, uint32_t gap, const uint8_t *next,
                           size_t len) {
    (void)d;
    (void)gap;
    (void)next;
    (void)len;
    return 0;
}
static bool decode_dred(struct aura_opus_decoder *d, uint32_t count, int16_t *out) {
    (void)d;
    (void)count;
    (void)out;
    return false;
}
#endif

int aura_opus_decoder_new(struct aura_opus_decoder **dp, uint32_t channels, bool enhance) {
    int code = OPUS_OK;
    if (channels != 1 && channels != 2) {
        return AURA_EINVAL;
    }
    struct aura_opus_decoder *d = aura_zalloc(sizeof(*d));
    if (!d) {
        return AURA_ENOMEM;
    }
    d->channels = channels;
    d->codec = opus_decoder_create(AURA_OPUS_RATE, (int)channels, &code);
    if (!d->codec) {
        aura_opus_decoder_free(d);
        return AURA_ENOMEM;
    }
    /* Older libraries know no complexity of decoders, and say so. */
    (void)opus_decoder_ctl(d->codec,
                           OPUS_SET_COMPLEXITY(enhance ? COMPLEXITY_NEURAL : COMPLEXITY_PLAIN));
#ifdef OPUS_SET_OSCE_BWE_REQUEST
    (void)opus_decoder_ctl(d->codec, OPUS_SET_OSCE_BWE(enhance ? 1 : 0));
#endif
    if (enhance) {
        open_dred(d);
    }
    *dp = d;
    return 0;
}

struct aura_opus_decoder *aura_opus_decoder_free(struct aura_opus_decoder *d) {
    if (d) {
        close_dred(d);
        if (d->codec) {
            opus_decoder_destroy(d->codec);
        }
        aura_free(d);
    }
    return NULL;
}

int aura_opus_packet_samples(const uint8_t *data, size_t len, uint32_t *samples) {
    int n = len && len <= INT32_MAX
                ? opus_packet_get_nb_samples(data, (opus_int32)len, AURA_OPUS_RATE)
                : 0;
    if (n <= 0 || n > AURA_OPUS_PACKET_SAMPLES_MAX) {
        return AURA_EMALFORMED;
    }
    *samples = (uint32_t)n;
    return 0;
}

bool aura_opus_packet_is_stereo(const uint8_t *data, size_t len) {
    return len && opus_packet_get_nb_channels(data) == 2;
}

bool aura_opus_packet_is_silence(size_t len) {
    return len <= SILENCE_BYTES;
}

int aura_opus_decoder_decode(struct aura_opus_decoder *d, const uint8_t *data, size_t len,
                             int16_t *out, uint32_t *count) {
    uint32_t promised;
    int err = aura_opus_packet_samples(data, len, &promised);
    if (err) {
        return err;
    }
    int n = opus_decode(d->codec, data, (opus_int32)len, out, AURA_OPUS_PACKET_SAMPLES_MAX, 0);
    if (n <= 0) {
        return AURA_EMALFORMED;
    }
    *count = (uint32_t)n;
    return 0;
}

static void guess(struct aura_opus_decoder *d, uint32_t count, int16_t *out) {
    if (count && opus_decode(d->codec, NULL, 0, out, (int)count, 0) != (int)count) {
        memset(out, 0, (size_t)count * d->channels * sizeof(*out));
    }
}

enum aura_opus_source aura_opus_decoder_recover(struct aura_opus_decoder *d, uint32_t gap,
                                                const uint8_t *next, size_t len, int16_t *out) {
    uint32_t covered = next ? dred_reach(d, gap, next, len) : 0, samples = 0;
    if (covered) {
        guess(d, gap - covered, out);
        int16_t *to = out + (size_t)(gap - covered) * d->channels;
        if (!decode_dred(d, covered, to)) {
            guess(d, covered, to);
        }
        return AURA_OPUS_DRED;
    }
    /* Opus' own copy is of the last packet's length. */
    bool copied = next && !aura_opus_packet_samples(next, len, &samples) && samples <= gap &&
                  !aura_opus_packet_is_silence(len);
#ifdef OPUS_SET_DRED_DURATION_REQUEST
    copied = copied && opus_packet_has_lbrr(next, (opus_int32)len) > 0;
#endif
    if (copied) {
        guess(d, gap - samples, out);
        int16_t *to = out + (size_t)(gap - samples) * d->channels;
        if (opus_decode(d->codec, next, (opus_int32)len, to, (int)samples, 1) == (int)samples) {
            return AURA_OPUS_FEC;
        }
        guess(d, samples, to);
        return AURA_OPUS_GUESSED;
    }
    guess(d, gap, out);
    return AURA_OPUS_GUESSED;
}
