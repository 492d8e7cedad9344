/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file dd.h  AV1 dependency descriptor header extension (AV1 RTP specification 1.0, appendix A).
 */
#ifndef AURA_RTP_DD_H
#define AURA_RTP_DD_H

#include "base/err.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    AURA_DD_TEMPLATES_MAX = 64,
    AURA_DD_TARGETS_MAX = 32,
    AURA_DD_CHAINS_MAX = 32,
    AURA_DD_DIFFS_MAX = 8, /* frame differences of one frame; own policy */
    AURA_DD_SPATIAL_MAX = 4,
    AURA_DD_TEMPORAL_MAX = 8,
};
enum aura_dti {
    AURA_DTI_NOT_PRESENT,
    AURA_DTI_DISCARDABLE,
    AURA_DTI_SWITCH,
    AURA_DTI_REQUIRED,
};

struct aura_dd_template {
    uint8_t spatial, temporal;
    uint8_t diff_count;
    uint8_t diffs[AURA_DD_DIFFS_MAX]; /* frame_diff values, 1..16 */
    uint8_t dtis[AURA_DD_TARGETS_MAX];
    uint8_t chain_diffs[AURA_DD_CHAINS_MAX];
};
/** Template dependency structure: comes with key frames, needed to read the frames after. ~5 KiB.
 */
struct aura_dd_structure {
    uint8_t id_offset, template_count, target_count, chain_count;
    uint8_t max_spatial, max_temporal;
    uint8_t protected_by[AURA_DD_TARGETS_MAX]; /* chain of each target */
    uint8_t target_spatial[AURA_DD_TARGETS_MAX], target_temporal[AURA_DD_TARGETS_MAX];
    bool has_resolutions;
    uint16_t width[AURA_DD_SPATIAL_MAX], height[AURA_DD_SPATIAL_MAX];
    struct aura_dd_template templates[AURA_DD_TEMPLATES_MAX];
};
struct aura_dd {
    bool start_of_frame, end_of_frame;
    uint8_t template_id;
    uint16_t frame_number;
    bool has_structure;   /* `structure` passed to parse was replaced */
    bool has_active_mask; /* active_mask came in this packet */
    uint32_t active_mask; /* decode targets; all if a structure came without a mask */
    uint16_t active_bit;  /* where the mask is, or would be inserted, in bits; 0 = 3-byte form */
    uint16_t end_bit;     /* behind the last field; 0 if has_frame is not set */
    bool has_frame;       /* the fields below are known: a structure was there */
    uint8_t spatial, temporal;
    uint8_t diff_count;
    uint16_t diffs[AURA_DD_DIFFS_MAX]; /* frame number − diff is referenced; 1..4096 */
    uint8_t dtis[AURA_DD_TARGETS_MAX];
    uint8_t chain_diffs[AURA_DD_CHAINS_MAX];
    uint16_t width, height; /* of the frame's spatial layer, 0 = unknown */
};
/**
 * @param have  structure to read by (as `next` gave it before), NULL = none yet
 * @param next  out, valid only if out->has_structure (scratch otherwise); must not alias @p have
 * @return 0, AURA_ETRUNC, AURA_EMALFORMED, AURA_ELIMIT
 */
AURA_NODISCARD int aura_dd_parse(struct aura_dd *out, const uint8_t *data, size_t len,
                                 const struct aura_dd_structure *have,
                                 struct aura_dd_structure *next);
/** Only the three mandatory bytes and whether a structure follows. */
AURA_NODISCARD int aura_dd_parse_mandatory(struct aura_dd *out, const uint8_t *data, size_t len);

#endif
