/* SPDX-License-Identifier: Apache-2.0 */
/* RTCP to a publisher: receiver reports, transport-wide feedback, NACK, REMB, DLRR. Each kind is
 * armed by arriving media and falls silent with it. */
#include "sfu/peer.h"

#include "rtp/rtcp.h"
#include "rtp/rtcp_xr.h"
#include "sfu/published.h"
#include "transport/pc.h"

enum {
    TWCC_US = 80000,
    NACK_US = 10000,       /* also gives a reordered packet time to come */
    NACK_AGAIN_US = 20000, /* while something is outstanding */
    NACK_PAIRS = 64,
    REMB_MIN_BPS = 10000000,
    DLRR_MAX_AGE_US = 5000000,
};

static void finish(struct aura_peer *peer, const struct aura_wr *w) {
    if (!w->fail && aura_wr_len(w)) {
        aura__peer_send_rtcp(peer, w->begin, aura_wr_len(w));
    }
}

/* ---- receiver reports, once a second ---- */

struct report {
    struct aura_rtcp_block blocks[AURA_RTCP_BLOCKS_MAX];
    uint32_t ssrcs[AURA_RTCP_BLOCKS_MAX];
    size_t count;
};

static void add_block(struct aura_stream *s, uint64_t now_us, struct report *r) {
    if (!s->ssrc || !s->stats.started || s->stats.received == s->reported ||
        r->count == AURA_RTCP_BLOCKS_MAX) {
        return;
    }
    s->reported = s->stats.received;
    struct aura_rtcp_block *b = &r->blocks[r->count];
    aura_recv_stats_block(&s->stats, s->ssrc, b);
    aura_sr_lsr(&s->pub->source.layer[s->index].sr, now_us, &b->lsr, &b->dlsr);
    r->ssrcs[r->count++] = s->ssrc;
}

static void write_remb(struct aura_peer *peer, const struct report *r, uint64_t since_us,
                       struct aura_wr *w) {
    uint64_t bps = since_us ? peer->remb_bytes * 8 * AURA_US_PER_S / since_us : 0;
    struct aura_rtcp_remb remb = {.bitrate_bps = bps * 3 / 2, .ssrc_count = r->count};
    if (remb.bitrate_bps < REMB_MIN_BPS) {
        remb.bitrate_bps = REMB_MIN_BPS;
    }
    if (peer->ceiling.bps && remb.bitrate_bps > peer->ceiling.bps) {
        remb.bitrate_bps = peer->ceiling.bps;
    }
    for (size_t i = 0; i < r->count; i++) {
        remb.ssrcs[i] = r->ssrcs[i];
    }
    aura_rtcp_write_remb(w, peer->rtcp_ssrc, &remb);
}

static void write_dlrr(struct aura_peer *peer, uint64_t now_us, struct aura_wr *w) {
    uint64_t age_us = now_us - peer->rrtr_arrival_us;
    if (!peer->rrtr_ntp || age_us > DLRR_MAX_AGE_US) {
        return;
    }
    struct aura_xr xr = {.ssrc = peer->rtcp_ssrc, .dlrr_count = 1};
    xr.dlrrs[0] = (struct aura_xr_dlrr){.ssrc = peer->rrtr_ssrc,
                                        .lrr = peer->rrtr_ntp,
                                        .dlrr = (uint32_t)((age_us << 16) / AURA_US_PER_S)};
    peer->rrtr_ntp = 0;
    aura_xr_write(w, &xr);
}

static void send_reports(void *arg, uint64_t now_us) {
    struct aura_peer *peer = arg;
    struct report r = {.count = 0};
    AURA_LIST_EACH(&peer->pubs, struct aura_published, pub, peer_node) {
        for (size_t i = 0; i < AURA_MEDIA_LAYERS_MAX; i++) {
            add_block(&pub->stream[i], now_us, &r);
        }
    }
    uint8_t buf[AURA_PEER_RTCP_MAX];
    struct aura_wr w = aura_wr_of(buf, sizeof(buf));
    if (r.count || peer->rrtr_ntp) {
        aura_rtcp_write_rr(&w, peer->rtcp_ssrc, r.blocks, r.count);
        if (peer->remb && r.count) {
            write_remb(peer, &r, now_us - peer->report_us, &w);
        }
        write_dlrr(peer, now_us, &w);
        finish(peer, &w);
    }
    peer->remb_bytes = 0;
    peer->report_us = now_us;
    if (r.count) {
        aura__rtcp_report_soon(peer);
    }
}

void aura__rtcp_report_soon(struct aura_peer *peer) {
    aura__wheel_ensure(&peer->worker->wheel, &peer->report_due, AURA_SFU_REPORT_US, send_reports,
                       peer);
}

/* ---- transport-wide feedback ---- */

static void send_twcc(void *arg, uint64_t now_us) {
    (void)now_us;
    struct aura_peer *peer = arg;
    uint32_t media = peer->last ? peer->last->ssrc : 0;
    while (aura_twcc_pending(peer->twcc)) {
        uint8_t buf[AURA_PEER_RTCP_MAX];
        struct aura_wr w = aura_wr_of(buf, sizeof(buf));
        if (aura_twcc_build(peer->twcc, &w, peer->rtcp_ssrc, media) == 0) {
            return;
        }
        finish(peer, &w);
    }
}

void aura__rtcp_twcc_soon(struct aura_peer *peer) {
    aura__wheel_ensure(&peer->worker->wheel, &peer->twcc_due, TWCC_US, send_twcc, peer);
}

/* ---- NACK ---- */

/* @return true if something is still missing */
static bool nack_stream(struct aura_stream *s, uint64_t now_us) {
    struct aura_peer *peer = s->pub->peer;
    if (!s->nack || !s->ssrc) {
        return false;
    }
    struct aura_rtcp_nack pairs[NACK_PAIRS];
    size_t n = aura_nack_poll(s->nack, now_us, aura_pc_rtt_us(peer->pc), pairs, NACK_PAIRS);
    if (n && !s->pub->source.muted) {
        uint8_t buf[AURA_PEER_RTCP_MAX];
        struct aura_wr w = aura_wr_of(buf, sizeof(buf));
        aura_rtcp_write_rr(&w, peer->rtcp_ssrc, NULL, 0);
        aura_rtcp_write_nack(&w, peer->rtcp_ssrc, s->ssrc, pairs, n);
        finish(peer, &w);
        aura__count(&peer->worker->counters.nack_out, n);
    }
    return aura_nack_outstanding(s->nack) > 0;
}

static void send_nacks(void *arg, uint64_t now_us) {
    struct aura_peer *peer = arg;
    bool again = false;
    AURA_LIST_EACH(&peer->pubs, struct aura_published, pub, peer_node) {
        for (size_t i = 0; i < AURA_MEDIA_LAYERS_MAX; i++) {
            again |= nack_stream(&pub->stream[i], now_us);
        }
    }
    if (again) {
        aura__wheel_ensure(&peer->worker->wheel, &peer->nack_due, NACK_AGAIN_US, send_nacks, peer);
    }
}

void aura__rtcp_nack_soon(struct aura_peer *peer) {
    aura__wheel_ensure(&peer->worker->wheel, &peer->nack_due, NACK_US, send_nacks, peer);
}

void aura__rtcp_stop(struct aura_peer *peer) {
    aura__wheel_remove(&peer->twcc_due);
    aura__wheel_remove(&peer->report_due);
    aura__wheel_remove(&peer->nack_due);
    aura__wheel_remove(&peer->ceiling_due);
    peer->twcc = aura_twcc_free(peer->twcc);
}
