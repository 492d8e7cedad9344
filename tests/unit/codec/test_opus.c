/* SPDX-License-Identifier: Apache-2.0 */
/* Opus there and back, with losses. */
#include "codec/opus_decoder.h"
#include "harness.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { PACKET = 2880, PACKETS = 50 };

static const struct aura_opus_point plain = {.bps = 24000, .voice = true};

/* A vowel whose pitch and loudness move. */
static void draw(int16_t *out, unsigned from, unsigned count) {
    const double pi = acos(-1);
    for (unsigned i = 0; i < count; i++) {
        double t = (from + i) / 48000.0, f = 140 + 20 * sin(2 * pi * 0.7 * t), v = 0;
        for (int k = 1; k < 20; k++) {
            double at = k * f,
                   formant = exp(-pow((at - 600) / 300, 2)) + 0.4 * exp(-pow((at - 1700) / 400, 2));
            v += (formant + 0.02) * sin(k * (2 * pi * 140 * t - 20 / 0.7 * cos(2 * pi * 0.7 * t)));
        }
        out[i] = (int16_t)(4000 * v * (0.6 + 0.4 * sin(2 * pi * 3 * t)));
    }
}

static double power(const int16_t *s, unsigned count) {
    double sum = 0;
    for (unsigned i = 0; i < count; i++) {
        sum += (double)s[i] * s[i];
    }
    return sum / count;
}

static int packets_come_back(void) {
    static const uint32_t lengths[] = {480, 960, 1920, 2880, 3840, 4800, 5760};
    static int16_t in[AURA_OPUS_PACKET_SAMPLES_MAX], out[2 * AURA_OPUS_PACKET_SAMPLES_MAX];
    uint8_t packet[AURA_OPUS_PACKET_BYTES_MAX];
    struct aura_opus_encoder *e = NULL;
    struct aura_opus_decoder *d = NULL;
    int err = 0;
    TRY_OUT(aura_opus_encoder_new(&e, 1));
    TRY_OUT(aura_opus_decoder_new(&d, 2, true));
    aura_opus_encoder_set(e, &plain);
    for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
        uint32_t count = 0, promised = 0;
        size_t len = 0;
        draw(in, 5760 * (unsigned)i, lengths[i]);
        TRY_OUT(aura_opus_encoder_encode(e, in, lengths[i], packet, &len));
        TRY_OUT(aura_opus_packet_samples(packet, len, &promised));
        assert_false(aura_opus_packet_is_stereo(packet, len));
        TRY_OUT(aura_opus_decoder_decode(d, packet, len, out, &count));
        assert_int_equal(count, lengths[i]);
        assert_int_equal(promised, lengths[i]);
        assert_int_equal(out[2 * 300], out[2 * 300 + 1]); /* one channel, twice */
        assert_true(i < 2 || power(out, 2 * count) > 1e5);
        /* Silence of the same length, said in a byte or two. */
        TRY_OUT(aura_opus_silence(packet, len, packet, &len));
        assert_true(aura_opus_packet_is_silence(len));
        TRY_OUT(aura_opus_decoder_decode(d, packet, len, out, &count));
        assert_int_equal(count, lengths[i]);
    }
out:
    aura_opus_encoder_free(e);
    aura_opus_decoder_free(d);
    return err;
}

/* @param loudness  of what was recovered, as a share of what was lost */
static int lose(const struct aura_opus_point *point, enum aura_opus_source *source,
                double *loudness) {
    static int16_t in[PACKET], out[AURA_OPUS_PACKET_SAMPLES_MAX];
    uint8_t packet[AURA_OPUS_PACKET_BYTES_MAX];
    struct aura_opus_encoder *e = NULL;
    struct aura_opus_decoder *d = NULL;
    int err = 0;
    TRY_OUT(aura_opus_encoder_new(&e, 1));
    TRY_OUT(aura_opus_decoder_new(&d, 1, true));
    aura_opus_encoder_set(e, point);
    for (unsigned i = 0; i < PACKETS; i++) {
        uint32_t count = 0, size = point->fec ? 960 : PACKET;
        size_t len = 0;
        draw(in, size * i, size);
        TRY_OUT(aura_opus_encoder_encode(e, in, size, packet, &len));
        assert_true(len <= AURA_OPUS_PACKET_BYTES_MAX);
        if (i == PACKETS - 2) {
            *loudness = power(in, size);
            continue; /* lost */
        }
        if (i == PACKETS - 1) {
            *source = aura_opus_decoder_recover(d, size, packet, len, out);
            *loudness = power(out, size) / *loudness;
        }
        TRY_OUT(aura_opus_decoder_decode(d, packet, len, out, &count));
    }
out:
    aura_opus_encoder_free(e);
    aura_opus_decoder_free(d);
    return err;
}

static int losses_are_recovered(void) {
    enum aura_opus_source source = AURA_OPUS_GUESSED;
    struct aura_opus_point point = plain;
    double loudness = 0;
    int err = 0;
    TRY_OUT(lose(&point, &source, &loudness));
    /* Older libraries do not say whether a packet has a copy of the one before. */
    assert_true(source == AURA_OPUS_GUESSED || !aura_opus_has_redundancy());
    assert_true(loudness > 0.05 && loudness < 3);
    point.fec = true;
    point.loss_percent = 20;
    TRY_OUT(lose(&point, &source, &loudness));
    assert_true(loudness > 0.2 && loudness < 3);
    point = (struct aura_opus_point){
        .bps = 32000, .voice = true, .loss_percent = 20, .redundancy = true};
    if (aura_opus_has_redundancy()) {
        TRY_OUT(lose(&point, &source, &loudness));
        assert_int_equal(source, AURA_OPUS_DRED);
        assert_true(loudness > 0.2 && loudness < 3);
    }
out:
    return err;
}

static int what_is_no_packet_is_refused(void) {
    static int16_t out[2 * AURA_OPUS_PACKET_SAMPLES_MAX];
    static const uint8_t many[] = {0xff, 0xff, 0xff},
                         padded[] = {0x0b, 0xc1, 0xff, 0xff, 0xff, 0xff};
    struct aura_opus_decoder *d = NULL;
    struct aura_opus_encoder *e = NULL;
    uint8_t packet[AURA_OPUS_PACKET_BYTES_MAX];
    uint32_t count = 0;
    size_t len = 0;
    int err = 0;
    assert_int_equal(aura_opus_decoder_new(&d, 3, false), AURA_EINVAL);
    assert_int_equal(aura_opus_encoder_new(&e, 0), AURA_EINVAL);
    TRY_OUT(aura_opus_decoder_new(&d, 2, false));
    TRY_OUT(aura_opus_encoder_new(&e, 1));
    assert_int_equal(aura_opus_packet_samples(many, 0, &count), AURA_EMALFORMED);
    assert_int_equal(aura_opus_decoder_decode(d, many, sizeof(many), out, &count), AURA_EMALFORMED);
    assert_int_equal(aura_opus_decoder_decode(d, padded, sizeof(padded), out, &count),
                     AURA_EMALFORMED);
    assert_int_equal(aura_opus_silence(many, 0, packet, &len), AURA_EMALFORMED);
    assert_int_equal(aura_opus_encoder_encode(e, out, 1000, packet, &len), AURA_EINVAL);
    assert_int_equal(
        aura_opus_encoder_encode(e, out, AURA_OPUS_PACKET_SAMPLES_MAX + 960, packet, &len),
        AURA_EINVAL);
out:
    aura_opus_decoder_free(d);
    aura_opus_encoder_free(e);
    return err;
}

int main(void) {
    const struct CMUnitTest cases[] = {AURA_CASE(packets_come_back),
                                       AURA_CASE(losses_are_recovered),
                                       AURA_CASE(what_is_no_packet_is_refused)};
    return RUN_CASES("codec/opus", cases);
}
