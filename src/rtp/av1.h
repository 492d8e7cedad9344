/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file av1.h  AV1 RTP payloads (AV1 RTP specification 1.0, §4).
 */
#ifndef AURA_RTP_AV1_H
#define AURA_RTP_AV1_H

#include "base/err.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { AURA_AV1_OBUS_MAX = 64 };
enum {
    AURA_OBU_SEQUENCE_HEADER = 1,
    AURA_OBU_TEMPORAL_DELIMITER = 2,
    AURA_OBU_FRAME_HEADER = 3,
    AURA_OBU_TILE_GROUP = 4,
    AURA_OBU_METADATA = 5,
    AURA_OBU_FRAME = 6,
};

struct aura_av1 {
    bool continues;    /* Z: the first element continues an OBU of the previous packet */
    bool continued;    /* Y: the last element goes on in the next packet */
    bool new_sequence; /* N: first packet of a coded video sequence */
    uint8_t obu_count; /* that begin here */
    bool sequence_header, frame;
    bool key_frame;            /* N, with a sequence header */
    uint8_t temporal, spatial; /* of the first OBU that has an extension, else 0 */
    uint16_t width, height;    /* from a sequence header, else 0 */
};
/** @return 0, AURA_ETRUNC, AURA_EMALFORMED, AURA_ELIMIT */
AURA_NODISCARD int aura_av1_parse(struct aura_av1 *out, const uint8_t *payload, size_t len);

#endif
