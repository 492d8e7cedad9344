/* SPDX-License-Identifier: Apache-2.0 */
#include "rtp/opus.h"

int aura_opus_parse(struct aura_opus *out, const uint8_t *payload, size_t len) {
    static const uint32_t silk_us[] = {10000, 20000, 40000, 60000};
    static const uint32_t hybrid_us[] = {10000, 20000};
    static const uint32_t celt_us[] = {2500, 5000, 10000, 20000};
    *out = (struct aura_opus){0};
    if (len < 1) {
        return AURA_ETRUNC;
    }
    out->config = payload[0] >> 3;
    out->stereo = payload[0] & 4;
    out->dtx = len <= 2;
    out->frame_us = out->config < 12   ? silk_us[out->config % 4]
                    : out->config < 16 ? hybrid_us[out->config % 2]
                                       : celt_us[out->config % 4];
    switch (payload[0] & 3) {
    case 0:
        out->frames = 1;
        break;
    case 3:
        if (len < 2) {
            return AURA_ETRUNC;
        }
        out->frames = payload[1] & 0x3f;
        break;
    default:
        out->frames = 2;
        break;
    }
    out->duration_us = out->frames * out->frame_us;
    return out->frames == 0 || out->duration_us > 120000 ? AURA_EMALFORMED : 0;
}
