/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file vp8_encoder.h  Pictures to VP8 in real time, as browsers do it: one in, one out. Threading:
 * one thread at a time each.
 */
#ifndef AURA_CODEC_VP8_ENCODER_H
#define AURA_CODEC_VP8_ENCODER_H

#include "codec/encoder.h"

struct aura_vp8_encoder;

/** @param conf  `screen` and `speed` mean nothing here. @return 0, AURA_ENOMEM, AURA_ELIMIT (sides,
 * rate) */
AURA_NODISCARD int aura_vp8_encoder_new(struct aura_vp8_encoder **ep,
                                        const struct aura_encoder_conf *conf);
struct aura_vp8_encoder *aura_vp8_encoder_free(struct aura_vp8_encoder *e);
/** From the next picture on. @return 0 or AURA_ELIMIT */
AURA_NODISCARD int aura_vp8_encoder_set(struct aura_vp8_encoder *e, uint32_t kbps);
/**
 * @param pts_us  later than the one before
 * @return 0, AURA_EAGAIN (the rate control left this picture out), AURA_EINVAL (another size),
 * AURA_ENOMEM
 */
AURA_NODISCARD int aura_vp8_encoder_encode(struct aura_vp8_encoder *e, const struct aura_picture *p,
                                           uint64_t pts_us, bool key_frame, struct aura_coded *out);

#endif
