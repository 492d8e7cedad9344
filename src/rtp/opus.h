/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file opus.h  Opus packets (RFC 6716 §3): what the TOC byte tells.
 */
#ifndef AURA_RTP_OPUS_H
#define AURA_RTP_OPUS_H

#include "base/err.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct aura_opus {
    uint8_t config; /* 0..31 */
    bool stereo;
    uint8_t frames;       /* 1..48 */
    uint32_t frame_us;    /* of one frame */
    uint32_t duration_us; /* of the packet, at most 120 ms */
    bool dtx;             /* two bytes or less: no speech (RFC 7587 §3.1.3 practice) */
};
/** @return 0, AURA_ETRUNC, AURA_EMALFORMED */
AURA_NODISCARD int aura_opus_parse(struct aura_opus *out, const uint8_t *payload, size_t len);

#endif
