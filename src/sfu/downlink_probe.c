/* SPDX-License-Identifier: Apache-2.0 */
/* Probes: for some milliseconds more is sent than the estimate allows, to see whether it arrives.
 * What is due anyway counts; the rest is filled with packets sent again (RFC 4588), which cost the
 * receiver nothing but their bytes, or with padding. */
#include "sfu/downlink.h"

enum {
    BACK_MAX = 64,          /* how far behind the newest packet repeats are taken from */
    WORTH_BYTES = 500,      /* shorter packets are not worth repeating */
    STEP_BYTES_MAX = 40000, /* at once */
};

/* Any video will do, also one that has not begun; one that flows has packets to repeat. */
static struct aura_subscribed *carrier(struct aura_peer *peer) {
    struct aura_subscribed *found = NULL;
    AURA_LIST_EACH(&peer->subs, struct aura_subscribed, sub, peer_node) {
        bool video = sub->source && sub->source->kind == AURA_KIND_VIDEO;
        if (video && sub->conf.rtx_ssrc && (!found || sub->running)) {
            found = sub;
            if (sub->running) {
                break;
            }
        }
    }
    return found;
}

static size_t repeat_one(struct aura_downlink *d, struct aura_subscribed *sub) {
    for (unsigned i = 0; i < BACK_MAX; i++) {
        uint64_t newest = sub->sent.seq;
        const struct aura_sub_segment *seg;
        struct aura_sub_out out;
        if (d->pad_seq > newest || d->pad_seq + BACK_MAX < newest || d->pad_seq == 0) {
            d->pad_seq = newest;
        }
        const struct aura_packet *p = aura__subscribed_sent_as(sub, d->pad_seq--, &seg);
        if (p && p->payload_len >= WORTH_BYTES && aura__subscribed_number(sub, seg, p, &out)) {
            out.repeat = true;
            out.cluster = (uint8_t)d->probe.cluster;
            return aura__subscribed_send(sub, p, &out);
        }
    }
    return aura__subscribed_pad(sub, d->probe.cluster);
}

static bool enough(const struct aura_downlink *d) {
    return d->probe_sent >= d->probe.bytes && d->probe_packets >= d->probe.packets_min;
}

void aura__probe_step(struct aura_downlink *d) {
    uint64_t passed_us = aura__now(d->peer->worker) - d->probe_us;
    uint64_t due = passed_us * d->probe.rate_bps / 8 / AURA_US_PER_S;
    struct aura_subscribed *sub = carrier(d->peer);
    size_t begun_at = d->probe_sent;
    while (sub && !enough(d) && d->probe_sent <= due && d->probe_sent - begun_at < STEP_BYTES_MAX) {
        if (repeat_one(d, sub) == 0) {
            sub = NULL;
        }
    }
    if (enough(d) || !sub) {
        d->probe.cluster = 0;
    }
}

void aura__probe_begin(struct aura_downlink *d) {
    uint64_t now_us = aura__now(d->peer->worker);
    if (aura__probe_running(d) || !carrier(d->peer) ||
        !aura_bwe_probe_due(d->bwe, now_us, &d->probe)) {
        return;
    }
    d->probe.cluster &= 0xff;
    d->probe_us = now_us;
    d->probe_sent = d->probe_packets = 0;
    aura__probe_step(d);
    aura__downlink_arm(d);
}
