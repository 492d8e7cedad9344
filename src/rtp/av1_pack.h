/* SPDX-License-Identifier: Apache-2.0 */
/** @file av1_pack.h  A temporal unit as RTP payloads (AV1 RTP specification 1.0, section 4). */
#ifndef AURA_RTP_AV1_PACK_H
#define AURA_RTP_AV1_PACK_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { AURA_AV1_PAYLOAD_MIN = 64 };

/** Flat state of one temporal unit's way into packets. */
struct aura_av1_packer {
    const uint8_t *at, *end; /* OBUs not looked at yet */
    uint8_t head[2];         /* of the element under way: OBU header without size */
    uint8_t head_len, head_sent;
    const uint8_t *body;
    size_t body_len;
    bool first, key_frame;
};

/** @param tu  OBUs that all have a size field; borrowed while packing
 * @return 0, AURA_EMALFORMED (an OBU that does not end, or has no size) */
AURA_NODISCARD int aura_av1_pack_begin(struct aura_av1_packer *k, const uint8_t *tu, size_t len,
                                       bool key_frame);
/**
 * Writes the next payload.
 * @param cap   AURA_AV1_PAYLOAD_MIN at least
 * @param last  out: no other follows, the marker belongs here
 * @return its length, 0 = there is nothing (more) to send; `last` is then as it was
 */
size_t aura_av1_pack_next(struct aura_av1_packer *k, uint8_t *out, size_t cap, bool *last);

#endif
