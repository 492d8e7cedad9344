/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file h265.h  H.265 payloads (RFC 7798): key frame detection.
 */
#ifndef AURA_RTP_H265_H
#define AURA_RTP_H265_H

#include "base/err.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct aura_h265 {
    bool irap, vps, sps, pps; /* a NAL unit of this kind begins here */
    bool slice_start;         /* first slice segment of a picture */
    uint8_t temporal;         /* lowest TID among the units */
    uint8_t nal_count;
};
/** @return 0, AURA_ETRUNC, AURA_EUNSUPPORTED (PACI), AURA_ELIMIT */
AURA_NODISCARD int aura_h265_parse(struct aura_h265 *out, const uint8_t *payload, size_t len);

#endif
