/* SPDX-License-Identifier: Apache-2.0 */
#include "sfu/ceiling.h"

#include "rtp/rtcp.h"
#include "sfu/governed.h"
#include "sfu/published.h"

/* The operator's ceiling, and what AI Core recommends: the lower one. */
static uint64_t peer_bps(struct aura_peer *peer) {
    uint64_t own = aura_police_told_bps(&peer->police), governed = aura__governed_peer_bps(peer);
    return own && (!governed || own < governed) ? own : governed;
}

/* An operator's ceiling has no end, so it is said only while something comes. */
static bool falls_silent(const struct aura_peer *peer, uint64_t now_us) {
    return peer->police.bps && now_us > peer->police.seen_us + AURA_POLICE_QUIET_US;
}

static void say(void *arg, uint64_t now_us) {
    struct aura_peer *peer = arg;
    uint64_t bps = aura_remb_ceiling_next(&peer->ceiling, peer_bps(peer));
    if (!bps || falls_silent(peer, now_us)) {
        return;
    }
    struct aura_rtcp_remb remb = {.bitrate_bps = bps};
    AURA_LIST_EACH(&peer->pubs, struct aura_published, pub, peer_node) {
        for (unsigned i = 0; i < AURA_MEDIA_LAYERS_MAX; i++) {
            bool named = pub->source.kind == AURA_KIND_VIDEO && pub->stream[i].ssrc &&
                         remb.ssrc_count < AURA_RTCP_SSRCS_MAX;
            if (named) {
                remb.ssrcs[remb.ssrc_count++] = pub->stream[i].ssrc;
            }
        }
    }
    uint8_t buf[AURA_PEER_RTCP_MAX];
    struct aura_wr w = aura_wr_of(buf, sizeof(buf));
    aura_rtcp_write_rr(&w, peer->rtcp_ssrc, NULL, 0);
    aura_rtcp_write_remb(&w, peer->rtcp_ssrc, &remb);
    if (!w.fail && remb.ssrc_count) {
        aura__peer_send_rtcp(peer, buf, aura_wr_len(&w));
    }
    aura__wheel_add(&peer->worker->wheel, &peer->ceiling_due, AURA_REMB_EVERY_US, say, peer);
}

void aura__ceiling_soon(struct aura_peer *peer) {
    aura__wheel_ensure(&peer->worker->wheel, &peer->ceiling_due, AURA_REMB_EVERY_US, say, peer);
}

bool aura__ceiling_refuses(struct aura_peer *peer, size_t bytes, bool video) {
    bool drop = aura_police_packet(&peer->police, bytes, video, aura__now(peer->worker));
    if (peer->police.changed) {
        peer->police.changed = false;
        struct aura_msg m = {.type = AURA_MSG_PEER_CEILING,
                             .a = peer->police.active,
                             .n = peer->police.kbps,
                             .id = peer->id};
        aura__worker_tell(peer->worker, &m);
    }
    if (drop) {
        aura__drop(peer->worker, AURA_DROP_CEILING);
    }
    aura__ceiling_soon(peer);
    return drop;
}
