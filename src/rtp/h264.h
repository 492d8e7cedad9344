/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file h264.h  H.264 payloads (RFC 6184): what the start of a NAL unit tells.
 */
#ifndef AURA_RTP_H264_H
#define AURA_RTP_H264_H

#include "base/err.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { AURA_H264_NALS_MAX = 64, AURA_H264_SPS_BYTES_MAX = 256 };

struct aura_h264 {
    bool idr, sps, pps; /* a NAL unit of this type begins here */
    bool slice_start;   /* a coded slice begins here, and it is the picture's first one */
    bool discardable;   /* nal_ref_idc of every unit is 0 */
    uint8_t nal_count;
    uint16_t width, height; /* from an SPS, else 0 */
};
/** Single NAL unit, STAP-A or FU-A. @return 0, AURA_ETRUNC, AURA_EUNSUPPORTED, AURA_ELIMIT */
AURA_NODISCARD int aura_h264_parse(struct aura_h264 *out, const uint8_t *payload, size_t len);
/** Picture size of an SPS (with its NAL header). @return 0, AURA_ETRUNC, AURA_EMALFORMED */
AURA_NODISCARD int aura_h264_sps_size(const uint8_t *nal, size_t len, uint16_t *width,
                                      uint16_t *height);

#endif
