/* SPDX-License-Identifier: Apache-2.0 */
#include "rtp/rtcp.h"
#include "rtp/rtcp_xr.h"

#include <string.h>

static void check_report(const struct aura_rtcp *p) {
    struct aura_rtcp_report r, again;
    if (aura_rtcp_parse_report(&r, p)) {
        return;
    }
    uint8_t out[1024];
    struct aura_wr w = aura_wr_of(out, sizeof(out));
    if (r.has_sender) {
        aura_rtcp_write_sr(&w, r.ssrc, &r.sender, r.blocks, r.block_count);
    } else {
        aura_rtcp_write_rr(&w, r.ssrc, r.blocks, r.block_count);
    }
    struct aura_rtcp_iter it = aura_rtcp_packets(out, aura_wr_len(&w));
    struct aura_rtcp p2;
    if (w.fail || aura_rtcp_next(&it, &p2) != 1 || aura_rtcp_parse_report(&again, &p2) ||
        memcmp(&r, &again, sizeof(r)) != 0) {
        __builtin_trap();
    }
}

static void check_remb(const struct aura_rtcp *p) {
    struct aura_rtcp_remb r, again;
    uint32_t sender;
    if (aura_rtcp_parse_remb(p, &sender, &r)) {
        return;
    }
    uint8_t out[512];
    struct aura_wr w = aura_wr_of(out, sizeof(out));
    aura_rtcp_write_remb(&w, sender, &r);
    struct aura_rtcp_iter it = aura_rtcp_packets(out, aura_wr_len(&w));
    struct aura_rtcp p2;
    if (w.fail || aura_rtcp_next(&it, &p2) != 1 || aura_rtcp_parse_remb(&p2, &sender, &again) ||
        again.ssrc_count != r.ssrc_count) {
        __builtin_trap();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct aura_rtcp_iter it = aura_rtcp_packets(data, size);
    struct aura_rtcp p;
    (void)aura_rtcp_is_rtcp(data, size);
    while (aura_rtcp_next(&it, &p) == 1) {
        uint32_t a, b, ssrcs[AURA_RTCP_BLOCKS_MAX];
        struct aura_rtcp_nack nacks[AURA_RTCP_NACKS_MAX];
        struct aura_rtcp_fir firs[AURA_RTCP_FIRS_MAX];
        struct aura_xr xr;
        const char *cname;
        size_t len;
        check_report(&p);
        check_remb(&p);
        volatile int sink = aura_rtcp_parse_nack(&p, &a, &b, nacks, AURA_RTCP_NACKS_MAX);
        sink = aura_rtcp_parse_pli(&p, &a, &b);
        sink = aura_rtcp_parse_fir(&p, &a, firs, AURA_RTCP_FIRS_MAX);
        sink = aura_rtcp_parse_bye(&p, ssrcs);
        sink = aura_xr_parse(&xr, &p);
        if (aura_rtcp_parse_cname(&p, &a, &cname, &len) == 0 && len) {
            sink = cname[len - 1];
        }
        (void)sink;
    }
    return 0;
}
