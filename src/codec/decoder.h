/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file decoder.h  Frames to pictures, whatever the codec. Threading: one thread at a time each.
 *
 * Frames come from peers: what is in them is not trusted, sizes are limited before memory is taken.
 */
#ifndef AURA_CODEC_DECODER_H
#define AURA_CODEC_DECODER_H

#include "base/err.h"
#include "codec/picture.h"

enum aura_codec_kind {
    AURA_CODEC_KIND_NONE,
    AURA_CODEC_KIND_VP8,
    AURA_CODEC_KIND_VP9,
    AURA_CODEC_KIND_H264,
    AURA_CODEC_KIND_AV1,
};

struct aura_decoder;

/** @return 0, AURA_ENOMEM, AURA_EUNSUPPORTED (this build has no such decoder) */
AURA_NODISCARD int aura_decoder_new(struct aura_decoder **dp, enum aura_codec_kind kind);
struct aura_decoder *aura_decoder_free(struct aura_decoder *d);
/**
 * @param out  the picture, borrowed until the next call
 * @return 0, AURA_EAGAIN (no picture from this frame), AURA_EMALFORMED, AURA_ELIMIT (its sides),
 * AURA_EUNSUPPORTED (not 8-bit 4:2:0), AURA_ENOMEM
 */
AURA_NODISCARD int aura_decoder_decode(struct aura_decoder *d, const uint8_t *data, size_t len,
                                       struct aura_picture *out);

#endif
