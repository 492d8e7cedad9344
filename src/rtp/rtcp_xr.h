/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file rtcp_xr.h  RTCP extended reports (RFC 3611): the receiver reference time blocks.
 */
#ifndef AURA_RTP_RTCP_XR_H
#define AURA_RTP_RTCP_XR_H

#include "rtp/rtcp.h"

enum { AURA_XR_RRTR = 4, AURA_XR_DLRR = 5, AURA_XR_DLRRS_MAX = 32 };

struct aura_xr_dlrr {
    uint32_t ssrc, lrr, dlrr; /* dlrr: 1/65536 s */
};
struct aura_xr {
    uint32_t ssrc;
    bool has_rrtr;
    uint64_t rrtr_ntp;
    size_t dlrr_count;
    struct aura_xr_dlrr dlrrs[AURA_XR_DLRRS_MAX];
};
/** Unknown blocks are stepped over. @return 0, AURA_ETRUNC, AURA_EMALFORMED */
AURA_NODISCARD int aura_xr_parse(struct aura_xr *out, const struct aura_rtcp *p);
/** Writes the blocks that @p xr holds. */
void aura_xr_write(struct aura_wr *w, const struct aura_xr *xr);

#endif
