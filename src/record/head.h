/* SPDX-License-Identifier: Apache-2.0 */
/** @file head.h  What a file must say of its codec before the first frame. Pure functions on bytes.
 */
#ifndef AURA_RECORD_HEAD_H
#define AURA_RECORD_HEAD_H

#include "base/err.h"
#include "rtp/media.h"

#include <stddef.h>
#include <stdint.h>

enum { AURA_HEAD_BYTES_MAX = 2048 };

struct aura_head {
    uint8_t bytes[AURA_HEAD_BYTES_MAX];
    size_t len; /* 0: the codec needs none */
};

/**
 * From a key frame, as aura_frames gives it. AV1: its sequence header (an OBU with a size). H.264:
 * parameter sets with start codes. VP8, VP9: nothing.
 * @return 0, AURA_EMALFORMED (there is none), AURA_ELIMIT, AURA_EUNSUPPORTED
 */
AURA_NODISCARD int aura_head_read(struct aura_head *out, enum aura_codec codec, const uint8_t *data,
                                  size_t len);
/** OpusHead (RFC 7845 section 5.1), stereo, nothing to skip. */
void aura_head_opus(struct aura_head *out);

#endif
