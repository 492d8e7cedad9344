/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file vp8.h  VP8 payload descriptor (RFC 7741 §4.2).
 */
#ifndef AURA_RTP_VP8_H
#define AURA_RTP_VP8_H

#include "base/err.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { AURA_VP8_DESCRIPTOR_MAX = 6 };

struct aura_vp8 {
    uint8_t len;               /* of the descriptor */
    bool non_reference, start; /* start: S set and partition 0 */
    uint8_t partition;
    bool has_pid, has_tl0, has_tid, has_keyidx;
    bool pid_long; /* 15 bits */
    uint16_t pid;
    uint8_t tl0, tid, keyidx;
    bool sync;                      /* Y: depends only on TL0 */
    uint8_t pid_at, tl0_at, key_at; /* where they lie in the payload; 0 = absent */
    bool key_frame;                 /* start of a key frame */
    uint16_t width, height;         /* of a key frame, else 0 */
};
/** An opaque payload is fine: a wrong start code only leaves the size unknown. @return 0,
 * AURA_ETRUNC (also: nothing behind the descriptor) */
AURA_NODISCARD int aura_vp8_parse(struct aura_vp8 *out, const uint8_t *payload, size_t len);

#endif
