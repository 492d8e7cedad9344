/* SPDX-License-Identifier: Apache-2.0 */
#include "rtp/h265.h"

#include "base/bytes.h"

enum { NAL_IRAP_FIRST = 16, NAL_IRAP_LAST = 23, NAL_VCL_LAST = 31 };
enum { NAL_VPS = 32, NAL_SPS = 33, NAL_PPS = 34, NAL_AP = 48, NAL_FU = 49, NAL_PACI = 50 };
enum { NALS_MAX = 64 };

static void note_nal(struct aura_h265 *out, uint8_t type, uint8_t tid, const uint8_t *body,
                     size_t len) {
    out->temporal = out->nal_count == 0 || tid < out->temporal ? tid : out->temporal;
    out->nal_count++;
    if (type <= NAL_VCL_LAST) {
        out->irap |= type >= NAL_IRAP_FIRST && type <= NAL_IRAP_LAST;
        out->slice_start |= len > 0 && (body[0] & 0x80);
    }
    out->vps |= type == NAL_VPS;
    out->sps |= type == NAL_SPS;
    out->pps |= type == NAL_PPS;
}

static uint8_t nal_type(const uint8_t *nal) {
    return nal[0] >> 1 & 0x3f;
}
static uint8_t nal_tid(const uint8_t *nal) {
    uint8_t plus1 = nal[1] & 7;
    return plus1 ? (uint8_t)(plus1 - 1) : 0;
}

int aura_h265_parse(struct aura_h265 *out, const uint8_t *payload, size_t len) {
    *out = (struct aura_h265){0};
    struct aura_cur c = aura_cur_of(payload, len);
    const uint8_t *head = aura_cur_take(&c, 2);
    if (!head || aura_cur_left(&c) == 0) {
        return AURA_ETRUNC;
    }
    uint8_t type = nal_type(head);
    if (type == NAL_FU) {
        uint8_t fu = aura_cur_u8(&c);
        if (aura_cur_left(&c) == 0) {
            return AURA_ETRUNC;
        }
        out->temporal = nal_tid(head);
        if (fu & 0x80) {
            note_nal(out, fu & 0x3f, nal_tid(head), c.p, aura_cur_left(&c));
        }
        return 0;
    }
    if (type >= NAL_PACI) {
        return AURA_EUNSUPPORTED;
    }
    if (type != NAL_AP) {
        note_nal(out, type, nal_tid(head), c.p, aura_cur_left(&c));
        return 0;
    }
    while (aura_cur_left(&c) > 0) {
        if (out->nal_count == NALS_MAX) {
            return AURA_ELIMIT;
        }
        size_t n = aura_cur_u16(&c);
        const uint8_t *nal = aura_cur_take(&c, n);
        if (!nal || n < 2) {
            return AURA_ETRUNC;
        }
        note_nal(out, nal_type(nal), nal_tid(nal), nal + 2, n - 2);
    }
    return 0;
}
