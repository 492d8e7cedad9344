/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file assemble.h  Coded frames out of RTP payloads, in the form that decoders take: VP8, VP9
 * (layers of one picture as a superframe), H.264 (Annex B, parameter sets before each IDR), AV1
 * (OBUs with sizes, without temporal delimiter).
 *
 * Payloads come in order and without gaps; who uses it sees to that. Threading: one at a time.
 */
#ifndef AURA_RTP_ASSEMBLE_H
#define AURA_RTP_ASSEMBLE_H

#include "base/err.h"
#include "rtp/media.h"

enum {
    AURA_ASSEMBLE_LAYERS_MAX = 8,           /* frames in a VP9 superframe (its Annex B) */
    AURA_ASSEMBLE_PARAMETER_BYTES_MAX = 512 /* of an H.264 parameter set that is kept */
};

struct aura_assembler;

/** Frames of this codec can be put together. */
bool aura_assembler_takes(enum aura_codec codec);

/** @param frame_max  bytes of a frame; a larger one is refused. @return 0, AURA_ENOMEM */
AURA_NODISCARD int aura_assembler_new(struct aura_assembler **ap, size_t frame_max);
struct aura_assembler *aura_assembler_free(struct aura_assembler *a);

/** Forgets everything: the next payload begins a stream of this codec. */
void aura_assembler_begin(struct aura_assembler *a, enum aura_codec codec);
/** Adds the next payload. What is wrong with it is told by aura_assembler_end(). */
void aura_assembler_add(struct aura_assembler *a, const uint8_t *payload, size_t len);
/**
 * The last payload of a frame was added (RTP's marker).
 * @param data  out: the frame, borrowed until the next call
 * @return 0, AURA_EMALFORMED, AURA_EUNSUPPORTED, AURA_ELIMIT (too large), AURA_ENOMEM, AURA_ETRUNC
 * (nothing in it). The next payload begins a frame in any case.
 */
AURA_NODISCARD int aura_assembler_end(struct aura_assembler *a, const uint8_t **data, size_t *len);

#endif
