/* SPDX-License-Identifier: Apache-2.0 */
/* RTCP from a peer: about what it sends (sender reports) and about what it gets (everything
 * else). */
#include "sfu/peer.h"

#include "rtp/rtcp.h"
#include "rtp/rtcp_xr.h"
#include "rtp/sr.h"
#include "sfu/downlink.h"
#include "sfu/published.h"
#include "sfu/subscribed.h"

static struct aura_subscribed *local(struct aura_peer *peer, uint32_t ssrc) {
    return aura_map_get_u64(peer->local, ssrc);
}

static int on_report(struct aura_peer *peer, const struct aura_rtcp *p) {
    struct aura_rtcp_report r;
    int err = aura_rtcp_parse_report(&r, p);
    if (err) {
        return err;
    }
    if (r.has_sender) {
        const struct aura_ssrc *e = aura_map_get_u64(peer->remote, r.ssrc);
        if (e && !e->rtx) {
            aura__published_sender_report(e->stream, &r.sender);
        }
    }
    for (size_t i = 0; i < r.block_count; i++) {
        struct aura_subscribed *sub = local(peer, r.blocks[i].ssrc);
        if (sub && r.blocks[i].ssrc == sub->conf.ssrc) {
            aura__subscribed_report(sub, &r.blocks[i]);
        }
    }
    return 0;
}

static int on_nack(struct aura_peer *peer, const struct aura_rtcp *p) {
    struct aura_rtcp_nack nacks[AURA_RTCP_NACKS_MAX];
    uint32_t sender, media;
    int n = aura_rtcp_parse_nack(p, &sender, &media, nacks, AURA_RTCP_NACKS_MAX);
    if (n < 0) {
        return n;
    }
    struct aura_subscribed *sub = local(peer, media);
    if (!sub || sub->conf.ssrc != media) {
        return 0;
    }
    for (int i = 0; i < n; i++) {
        AURA_RTCP_NACK_EACH(nacks[i], seq) {
            aura__count(&peer->worker->counters.nack_in, 1);
            aura__subscribed_nack(sub, seq);
        }
    }
    return 0;
}

static int on_pli(struct aura_peer *peer, const struct aura_rtcp *p) {
    uint32_t sender, media;
    int err = aura_rtcp_parse_pli(p, &sender, &media);
    struct aura_subscribed *sub = err ? NULL : local(peer, media);
    if (sub) {
        aura__count(&peer->worker->counters.pli_in, 1);
        aura__subscribed_key(sub);
    }
    return err;
}

static int on_fir(struct aura_peer *peer, const struct aura_rtcp *p) {
    struct aura_rtcp_fir firs[AURA_RTCP_FIRS_MAX];
    uint32_t sender;
    int n = aura_rtcp_parse_fir(p, &sender, firs, AURA_RTCP_FIRS_MAX);
    for (int i = 0; i < n; i++) {
        struct aura_subscribed *sub = local(peer, firs[i].ssrc);
        if (sub) {
            /* Repeats of a request are merged by the throttle (RFC 5104 section 4.3.1.2). */
            aura__count(&peer->worker->counters.fir_in, 1);
            aura__subscribed_key(sub);
        }
    }
    return n < 0 ? n : 0;
}

static int on_xr(struct aura_peer *peer, const struct aura_rtcp *p) {
    struct aura_xr xr;
    int err = aura_xr_parse(&xr, p);
    if (!err && xr.has_rrtr) {
        peer->rrtr_ssrc = xr.ssrc;
        peer->rrtr_ntp = aura_ntp_mid(xr.rrtr_ntp);
        peer->rrtr_arrival_us = aura__now(peer->worker);
        aura__rtcp_report_soon(peer);
    }
    return err;
}

static int on_remb(struct aura_peer *peer, const struct aura_rtcp *p) {
    struct aura_rtcp_remb remb;
    uint32_t sender;
    if (p->count != AURA_PSFB_AFB || aura_rtcp_parse_remb(p, &sender, &remb)) {
        return 0; /* another application's */
    }
    aura__downlink_remb(peer, remb.bitrate_bps);
    return 0;
}

static int on_packet(struct aura_peer *peer, const struct aura_rtcp *p) {
    switch (p->type) {
    case AURA_RTCP_SR:
    case AURA_RTCP_RR:
        return on_report(peer, p);
    case AURA_RTCP_RTPFB:
        if (p->count == AURA_RTPFB_TWCC) {
            return aura__downlink_twcc(peer, p);
        }
        return p->count == AURA_RTPFB_NACK ? on_nack(peer, p) : 0;
    case AURA_RTCP_PSFB:
        if (p->count == AURA_PSFB_PLI) {
            return on_pli(peer, p);
        }
        return p->count == AURA_PSFB_FIR ? on_fir(peer, p) : on_remb(peer, p);
    case AURA_RTCP_XR:
        return on_xr(peer, p);
    default:
        return 0; /* SDES, BYE and what we do not use */
    }
}

void aura__rtcp_receive(struct aura_peer *peer, const uint8_t *data, size_t len) {
    struct aura_rtcp_iter it = aura_rtcp_packets(data, len);
    struct aura_rtcp p;
    int more;
    while ((more = aura_rtcp_next(&it, &p)) == 1) {
        if (on_packet(peer, &p)) {
            aura__drop(peer->worker, AURA_DROP_BAD_RTCP);
        }
    }
    if (more < 0) {
        aura__drop(peer->worker, AURA_DROP_BAD_RTCP);
    }
}
