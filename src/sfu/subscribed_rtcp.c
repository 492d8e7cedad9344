/* SPDX-License-Identifier: Apache-2.0 */
/* Feedback of a subscriber, and the sender reports to it. */
#include "sfu/subscribed.h"

#include "base/mem.h"
#include "rtp/rtcp.h"
#include "sfu/downlink.h"
#include "transport/pc.h"

enum { REPEAT_MIN_US = 10000, REPEAT_DEFAULT_US = 50000, REPORT_START_US = 10000 };

/* A repetition is on its way for about a round trip: asking again meanwhile is not a new loss. */
static bool may_repeat(struct aura_subscribed *sub, uint64_t out) {
    if (!sub->repeats) {
        sub->repeats = aura_calloc(AURA_SUB_REPEATS, sizeof(*sub->repeats));
        if (!sub->repeats) {
            return false;
        }
    }
    uint32_t wait_us = sub->rtt_us ? sub->rtt_us : aura_pc_rtt_us(sub->peer->pc);
    wait_us = wait_us ? wait_us : REPEAT_DEFAULT_US;
    wait_us = wait_us < REPEAT_MIN_US ? REPEAT_MIN_US : wait_us;
    uint32_t now_ms = (uint32_t)(aura__now(sub->peer->worker) / AURA_US_PER_MS);
    struct aura_sub_repeat *r = &sub->repeats[out % AURA_SUB_REPEATS];
    if (r->tries && r->seq == (uint32_t)out) {
        if (r->tries >= AURA_SUB_REPEATS_MAX || now_ms - r->at_ms < wait_us / 1000) {
            return false;
        }
    } else {
        *r = (struct aura_sub_repeat){.seq = (uint32_t)out};
    }
    r->tries++;
    r->at_ms = now_ms;
    return true;
}

void aura__subscribed_nack(struct aura_subscribed *sub, uint16_t seq) {
    const struct aura_sub_segment *seg;
    struct aura_sub_out out;
    sub->nacks++;
    if (!sub->source || !sub->seg_count || sub->settings.paused || sub->source->muted) {
        return;
    }
    uint64_t newest = sub->sent.seq;
    uint16_t behind = (uint16_t)((uint16_t)newest - seq);
    if (behind > 0x7fff || behind > newest) {
        return; /* not sent yet */
    }
    const struct aura_packet *p = aura__subscribed_sent_as(sub, newest - behind, &seg);
    if (!p || !aura__subscribed_number(sub, seg, p, &out) || !may_repeat(sub, out.seq)) {
        return;
    }
    out.repeat = true;
    out.padding = sub->source->kind == AURA_KIND_VIDEO && seg == &sub->seg[sub->seg_at] &&
                  !aura__filter_passed(&sub->filter, p);
    aura__downlink_send(sub, p, &out);
}

void aura__subscribed_key(struct aura_subscribed *sub) {
    sub->plis++;
    if (sub->source && !sub->settings.paused) {
        aura__source_want_key(sub->source, sub->running ? sub->layer : sub->target);
    }
}

void aura__subscribed_report(struct aura_subscribed *sub, const struct aura_rtcp_block *b) {
    uint64_t now_us = aura__now(sub->peer->worker);
    uint32_t rtt_us = aura_sr_rtt_us(&sub->sr_log, b, now_us);
    if (rtt_us) {
        sub->rtt_us = sub->rtt_us ? (sub->rtt_us * 7 + rtt_us) / 8 : rtt_us;
    }
    aura__downlink_report(sub->peer, b->fraction_lost, rtt_us);
    aura__subscribed_sound_report(sub, b->fraction_lost);
    uint32_t lost = b->lost > 0 ? (uint32_t)b->lost : 0;
    if (sub->rr_seen && lost > sub->rr_lost) {
        sub->interval_lost += lost - sub->rr_lost;
    }
    sub->rr_seen = true;
    sub->rr_lost = lost;
    const struct aura_media *m = &sub->conf.media;
    uint32_t clock = m->codec_count && m->codecs[0].clock_rate ? m->codecs[0].clock_rate : 90000;
    sub->jitter_us = (uint32_t)((uint64_t)b->jitter * AURA_US_PER_S / clock);
    aura_playout_report(&sub->playout, (uint16_t)b->max_eseq, sub->jitter_us);
}

static void send_report(void *arg, uint64_t now_us) {
    struct aura_subscribed *sub = arg;
    if (!sub->source || !sub->running || sub->packets == sub->sr_packets) {
        return; /* nothing flows: the next packet begins anew */
    }
    const struct aura_sub_segment *seg = &sub->seg[sub->seg_at];
    const struct aura_sr_source *clock = &sub->source->layer[seg->layer].sr;
    struct aura_rtcp_sender sender;
    uint64_t wall_us = aura_wall_us(sub->peer->worker->shared->clock);
    /* Before the publisher's own report there is no clock to pass on: a made-up one would have to
     * be corrected a moment later, and the receiver would move sound against picture for it. */
    if (clock->has_sr && seg->epoch == sub->source->layer[seg->layer].epoch &&
        aura_sr_make(clock, seg->ts_offset, now_us, wall_us, (uint32_t)sub->packets,
                     (uint32_t)sub->payload_bytes, &sender)) {
        uint8_t buf[256];
        struct aura_wr w = aura_wr_of(buf, sizeof(buf));
        aura_rtcp_write_sr(&w, sub->conf.ssrc, &sender, NULL, 0);
        aura_rtcp_write_cname(&w, sub->conf.ssrc, sub->conf.cname);
        if (!w.fail) {
            aura_sr_sent(&sub->sr_log, sender.ntp, now_us);
            aura__peer_send_rtcp(sub->peer, buf, aura_wr_len(&w));
        }
    }
    sub->sr_packets = sub->packets;
    aura__wheel_add(&sub->peer->worker->wheel, &sub->sr_due, AURA_SFU_REPORT_US, send_report, sub);
}

void aura__subscribed_sr_soon(struct aura_subscribed *sub) {
    sub->sr_packets = UINT64_MAX; /* this one is sent in any case */
    aura__wheel_add(&sub->peer->worker->wheel, &sub->sr_due, REPORT_START_US, send_report, sub);
}
