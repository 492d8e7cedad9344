/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file opus_encoder.h  Samples of 48 kHz to Opus packets. Threading: one thread at a time each.
 *
 * With the libopus that tools/opus.sh builds, packets can carry DRED (deep redundancy: the last
 * second again, very small, in the packet's padding); with another one that wish has no effect.
 */
#ifndef AURA_CODEC_OPUS_ENCODER_H
#define AURA_CODEC_OPUS_ENCODER_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    AURA_OPUS_RATE = 48000,
    AURA_OPUS_PACKET_MS_MAX = 120,
    AURA_OPUS_PACKET_SAMPLES_MAX = AURA_OPUS_RATE / 1000 * AURA_OPUS_PACKET_MS_MAX,
    AURA_OPUS_PACKET_BYTES_MAX = 1200, /* that we make, so that it fits a datagram */
};

/** How it is to encode; may change with any packet. */
struct aura_opus_point {
    uint32_t bps;
    uint32_t loss_percent; /* on the way to the receivers */
    bool fec;              /* each packet holds the one before once more, coarsely */
    bool redundancy;       /* DRED, if there is loss */
    bool voice;            /* nothing but speech is in it */
};

struct aura_opus_encoder;

/** @param channels  1 or 2 @return 0, AURA_ENOMEM, AURA_EINVAL */
AURA_NODISCARD int aura_opus_encoder_new(struct aura_opus_encoder **ep, uint32_t channels);
struct aura_opus_encoder *aura_opus_encoder_free(struct aura_opus_encoder *e);
void aura_opus_encoder_set(struct aura_opus_encoder *e, const struct aura_opus_point *point);
/**
 * @param samples  of each channel, interleaved
 * @param count    of them in one channel: 10, 20, 40, 60, 80, 100 or 120 ms
 * @param len      bytes that came out
 * @return 0 or AURA_EINVAL (count)
 */
AURA_NODISCARD int aura_opus_encoder_encode(struct aura_opus_encoder *e, const int16_t *samples,
                                            uint32_t count, uint8_t out[AURA_OPUS_PACKET_BYTES_MAX],
                                            size_t *len);
/** DRED can be made by this build. */
bool aura_opus_has_redundancy(void);
/** The library and its version; static text. */
const char *aura_opus_version(void);

/**
 * A packet of one or two bytes that says: silence, for as long as `like` lasts (RFC 6716, 3.2.1:
 * frames of no length). Receivers make noise like the last they heard.
 * @return 0 or AURA_EMALFORMED
 */
AURA_NODISCARD int aura_opus_silence(const uint8_t *like, size_t len, uint8_t out[2],
                                     size_t *out_len);

#endif
