/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file vp9.h  VP9 payload descriptor (RFC 9628 §4.2).
 */
#ifndef AURA_RTP_VP9_H
#define AURA_RTP_VP9_H

#include "base/err.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { AURA_VP9_SPATIAL_MAX = 8, AURA_VP9_REFS_MAX = 3 };

struct aura_vp9 {
    uint16_t len;                                                     /* of the descriptor */
    bool inter, layered, flexible, begin, end, has_ss, not_reference; /* P L F B E V Z */
    bool has_pid, pid_long;
    uint16_t pid;
    uint8_t tid, sid, tl0;
    uint8_t pid_at, tl0_at;         /* where they are in the payload; 0 = absent */
    bool switching_up, inter_layer; /* U, D */
    uint8_t ref_count, refs[AURA_VP9_REFS_MAX];
    uint8_t ss_spatial; /* N_S + 1; 0 without structure */
    uint16_t ss_width[AURA_VP9_SPATIAL_MAX], ss_height[AURA_VP9_SPATIAL_MAX];
    bool key_frame;         /* first packet of a key frame's lowest spatial layer */
    uint16_t width, height; /* of the highest spatial layer in the structure, else 0 */
};
/** @return 0, AURA_ETRUNC, AURA_EMALFORMED (more than three references) */
AURA_NODISCARD int aura_vp9_parse(struct aura_vp9 *out, const uint8_t *payload, size_t len);

#endif
