/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file opus_decoder.h  Opus packets to samples of 48 kHz, with what was lost between them made up
 * or taken from the next packet. Threading: one thread at a time each.
 *
 * Packets come from peers: what is in them is not trusted.
 */
#ifndef AURA_CODEC_OPUS_DECODER_H
#define AURA_CODEC_OPUS_DECODER_H

#include "codec/opus_encoder.h"

/** Where lost sound came from. */
enum aura_opus_source {
    AURA_OPUS_GUESSED, /* concealment: deep PLC where the library has it */
    AURA_OPUS_FEC,     /* the next packet's coarse copy */
    AURA_OPUS_DRED,    /* the next packet's deep redundancy */
};

struct aura_opus_decoder;

/**
 * @param channels  that come out, 1 or 2
 * @param enhance   neural tools after decoding: deep PLC, NoLACE, wider bandwidth; they cost more
 * @return 0, AURA_ENOMEM, AURA_EINVAL
 */
AURA_NODISCARD int aura_opus_decoder_new(struct aura_opus_decoder **dp, uint32_t channels,
                                         bool enhance);
struct aura_opus_decoder *aura_opus_decoder_free(struct aura_opus_decoder *d);
/** Samples of one channel that a packet stands for. @return 0 or AURA_EMALFORMED */
AURA_NODISCARD int aura_opus_packet_samples(const uint8_t *data, size_t len, uint32_t *samples);
/** It carries two channels. */
bool aura_opus_packet_is_stereo(const uint8_t *data, size_t len);
/** It holds no sound, but says that there is none. */
bool aura_opus_packet_is_silence(size_t len);
/**
 * @param out    AURA_OPUS_PACKET_SAMPLES_MAX of each channel, interleaved
 * @param count  that came out, of one channel
 * @return 0 or AURA_EMALFORMED
 */
AURA_NODISCARD int aura_opus_decoder_decode(struct aura_opus_decoder *d, const uint8_t *data,
                                            size_t len, int16_t *out, uint32_t *count);
/**
 * Sound that was lost before a packet, which is decoded afterwards as ever.
 * @param gap    samples of one channel that are missing just before it, a multiple of 2.5 ms;
 * AURA_OPUS_PACKET_SAMPLES_MAX at most
 * @param next   the packet; NULL = it is not there yet
 * @param out    gap samples of each channel
 */
enum aura_opus_source aura_opus_decoder_recover(struct aura_opus_decoder *d, uint32_t gap,
                                                const uint8_t *next, size_t len, int16_t *out);

#endif
