/* SPDX-License-Identifier: Apache-2.0 */
#include "rtp/h264.h"

#include "base/bytes.h"
#include "rtp/bits.h"

enum { NAL_SLICE = 1, NAL_IDR = 5, NAL_SPS = 7, NAL_PPS = 8, NAL_STAP_A = 24, NAL_FU_A = 28 };

/* Removes emulation prevention (H.264 §7.4.1.1), up to the ceiling. */
static size_t unescape(uint8_t *out, size_t cap, const uint8_t *in, size_t len) {
    size_t n = 0, zeros = 0;
    for (size_t i = 0; i < len && n < cap; i++) {
        if (zeros >= 2 && in[i] == 3) {
            zeros = 0;
            continue;
        }
        zeros = in[i] == 0 ? zeros + 1 : 0;
        out[n++] = in[i];
    }
    return n;
}

static void skip_scaling_list(struct aura_bits *b, unsigned size) {
    int32_t last = 8, next = 8;
    for (unsigned i = 0; i < size && next != 0 && !b->fail; i++) {
        next = (int32_t)(((int64_t)last + aura_bits_se(b) + 256) % 256);
        last = next ? next : last;
    }
}

/* The part that only high profiles have (H.264 §7.3.2.1.1). @return chroma_format_idc */
static uint32_t read_high_profile(struct aura_bits *b, bool *separate) {
    uint32_t chroma = aura_bits_ue(b);
    if (chroma == 3) {
        *separate = aura_bits_get(b, 1);
    }
    (void)aura_bits_ue(b); /* bit depths */
    (void)aura_bits_ue(b);
    aura_bits_skip(b, 1);
    if (aura_bits_get(b, 1)) {
        for (unsigned i = 0; i < (chroma == 3 ? 12u : 8u); i++) {
            if (aura_bits_get(b, 1)) {
                skip_scaling_list(b, i < 6 ? 16 : 64);
            }
        }
    }
    return chroma;
}

static bool is_high(uint32_t profile) {
    switch (profile) {
    case 100:
    case 110:
    case 122:
    case 244:
    case 44:
    case 83:
    case 86:
    case 118:
    case 128:
    case 138:
    case 139:
    case 134:
    case 135:
        return true;
    default:
        return false;
    }
}

static void skip_order_count(struct aura_bits *b) {
    uint32_t type = aura_bits_ue(b);
    if (type == 0) {
        (void)aura_bits_ue(b);
    } else if (type == 1) {
        aura_bits_skip(b, 1);
        (void)aura_bits_se(b);
        (void)aura_bits_se(b);
        uint32_t n = aura_bits_ue(b);
        for (uint32_t i = 0; i < n && i < 256 && !b->fail; i++) {
            (void)aura_bits_se(b);
        }
    }
}

int aura_h264_sps_size(const uint8_t *nal, size_t len, uint16_t *width, uint16_t *height) {
    uint8_t raw[AURA_H264_SPS_BYTES_MAX];
    struct aura_bits b = aura_bits_of(raw, unescape(raw, sizeof(raw), nal, len));
    bool separate = false;
    uint32_t chroma = 1;
    aura_bits_skip(&b, 8);
    uint32_t profile = aura_bits_get(&b, 8);
    aura_bits_skip(&b, 16);
    (void)aura_bits_ue(&b); /* id */
    if (is_high(profile)) {
        chroma = read_high_profile(&b, &separate);
    }
    (void)aura_bits_ue(&b); /* log2_max_frame_num */
    skip_order_count(&b);
    (void)aura_bits_ue(&b); /* max_num_ref_frames */
    aura_bits_skip(&b, 1);
    uint64_t w = ((uint64_t)aura_bits_ue(&b) + 1) * 16;
    uint64_t map_units = (uint64_t)aura_bits_ue(&b) + 1;
    bool frames_only = aura_bits_get(&b, 1);
    uint64_t h = map_units * 16 * (frames_only ? 1 : 2);
    if (!frames_only) {
        aura_bits_skip(&b, 1);
    }
    aura_bits_skip(&b, 1);
    uint64_t crop_x = 0, crop_y = 0;
    if (aura_bits_get(&b, 1)) {
        crop_x = aura_bits_ue(&b);
        crop_x += aura_bits_ue(&b);
        crop_y = aura_bits_ue(&b);
        crop_y += aura_bits_ue(&b);
        bool planar = chroma == 0 || separate;
        crop_x *= !planar && (chroma == 1 || chroma == 2) ? 2 : 1;
        crop_y *= (!planar && chroma == 1 ? 2u : 1u) * (frames_only ? 1 : 2);
    }
    if (b.fail) {
        return AURA_ETRUNC;
    }
    if (chroma > 3 || crop_x >= w || crop_y >= h || w > UINT16_MAX || h > UINT16_MAX) {
        return AURA_EMALFORMED;
    }
    *width = (uint16_t)(w - crop_x);
    *height = (uint16_t)(h - crop_y);
    return 0;
}

/* A NAL unit begins; @p body is what follows its header byte. */
static void note_nal(struct aura_h264 *out, uint8_t type, uint8_t ref_idc, const uint8_t *body,
                     size_t len) {
    out->nal_count++;
    if (ref_idc) {
        out->discardable = false;
    }
    switch (type) {
    case NAL_SLICE:
    case NAL_IDR:
        out->idr |= type == NAL_IDR;
        out->slice_start |= len > 0 && (body[0] & 0x80); /* first_mb_in_slice = 0 is one bit 1 */
        break;
    case NAL_SPS:
        out->sps = true;
        break;
    case NAL_PPS:
        out->pps = true;
        break;
    default:
        break;
    }
}

static void note_whole(struct aura_h264 *out, const uint8_t *nal, size_t len) {
    note_nal(out, nal[0] & 0x1f, nal[0] >> 5 & 3, nal + 1, len - 1);
    uint16_t w, h;
    if ((nal[0] & 0x1f) == NAL_SPS && aura_h264_sps_size(nal, len, &w, &h) == 0) {
        out->width = w;
        out->height = h;
    }
}

static int parse_stap(struct aura_h264 *out, struct aura_cur *c) {
    while (aura_cur_left(c) > 0) {
        if (out->nal_count == AURA_H264_NALS_MAX) {
            return AURA_ELIMIT;
        }
        size_t len = aura_cur_u16(c);
        const uint8_t *nal = aura_cur_take(c, len);
        if (!nal || len == 0) {
            return AURA_ETRUNC;
        }
        note_whole(out, nal, len);
    }
    return out->nal_count ? 0 : AURA_ETRUNC;
}

int aura_h264_parse(struct aura_h264 *out, const uint8_t *payload, size_t len) {
    *out = (struct aura_h264){.discardable = true};
    struct aura_cur c = aura_cur_of(payload, len);
    uint8_t first = aura_cur_u8(&c);
    if (c.fail) {
        return AURA_ETRUNC;
    }
    uint8_t type = first & 0x1f;
    if (type >= 1 && type < NAL_STAP_A) {
        note_whole(out, payload, len);
        return 0;
    }
    if (type == NAL_STAP_A) {
        return parse_stap(out, &c);
    }
    if (type != NAL_FU_A) {
        return AURA_EUNSUPPORTED;
    }
    uint8_t fu = aura_cur_u8(&c);
    if (c.fail || aura_cur_left(&c) == 0) {
        return AURA_ETRUNC;
    }
    out->discardable = (first >> 5 & 3) == 0;
    if (fu & 0x80) {
        note_nal(out, fu & 0x1f, first >> 5 & 3, c.p, aura_cur_left(&c));
    }
    return 0;
}
