/* SPDX-License-Identifier: Apache-2.0 */
/* Tracks whose frames come while they run, and what the connection bears for them. */
#include "client/client_priv.h"

#include "base/mem.h"
#include "cc/bwe.h"

enum {
    TICK_MS = 50,
    TELL_STEP = 20, /* a target that differs by a twentieth is told */
};

static struct aura_timers *timers_of(const struct aura_client *c) {
    return aura_loop_timers(c->env.loop);
}

/* ---- the estimate ---- */

static void tell_target(struct aura_client *c) {
    uint32_t bps = aura_bwe_target_bps(c->bwe), step = c->told_bps / TELL_STEP;
    if (c->told_bps && bps < c->told_bps + step && bps + step > c->told_bps) {
        return;
    }
    c->told_bps = bps;
    for (size_t i = 0; i < c->track_count; i++) {
        const struct aura_client_live *live = &c->tracks[i].conf.live;
        if (live->on && !live->audio) {
            live->target(live->arg, bps);
        }
    }
}

static void on_tick(void *arg) {
    struct aura_client *c = arg;
    uint64_t now_us = aura__client_now(c);
    /* The heap has the place that this timer just left. */
    AURA_BUG_ON(aura_timer_start(timers_of(c), &c->bwe_tick, TICK_MS * AURA_US_PER_MS, on_tick, c));
    if (c->up && aura_wire_connected(c->up)) {
        aura_bwe_tick(c->bwe, now_us);
        tell_target(c);
    }
}

static void take_twcc(struct aura_client *c, const struct aura_rtcp *packet, uint64_t now_us) {
    struct aura_twcc_status statuses[AURA_TWCC_STATUSES_MAX];
    struct aura_twcc_feedback feedback;
    int n = aura_twcc_parse(packet, &feedback, statuses);
    if (n > 0) {
        aura_bwe_feedback(c->bwe, &feedback, statuses, (size_t)n, now_us);
    }
}

static void take_report(struct aura_client *c, const struct aura_rtcp *packet, uint64_t now_us) {
    struct aura_rtcp_report report;
    if (aura_rtcp_parse_report(&report, packet) == 0 && report.block_count) {
        aura_bwe_report(c->bwe, report.blocks[0].fraction_lost, aura_wire_rtt_us(c->up), now_us);
    }
}

static void estimate(struct aura_client *c, const struct aura_rtcp *packet, uint64_t now_us) {
    struct aura_rtcp_remb remb;
    uint32_t sender;
    if (packet->type == AURA_RTCP_RTPFB && packet->count == AURA_RTPFB_TWCC) {
        take_twcc(c, packet, now_us);
    } else if (packet->type == AURA_RTCP_PSFB && packet->count == AURA_PSFB_AFB &&
               aura_rtcp_parse_remb(packet, &sender, &remb) == 0) {
        aura_bwe_remb(c->bwe, remb.bitrate_bps, now_us);
    } else if (packet->type == AURA_RTCP_RR) {
        take_report(c, packet, now_us);
    }
    tell_target(c);
}

void aura__client_live_rtcp(struct aura_client *c, const struct aura_rtcp *packet,
                            uint64_t now_us) {
    if (!c->bwe) {
        return;
    }
    estimate(c, packet, now_us);
    for (size_t i = 0; i < c->track_count; i++) {
        if (c->tracks[i].live) {
            aura_live_rtcp(c->tracks[i].live, packet);
        }
    }
}

/* ---- tracks ---- */

static void key_wanted(void *arg) {
    const struct aura_client_live *live = arg;
    if (!live->audio) {
        live->key_wanted(live->arg);
    }
}

int aura__client_live_start(struct aura_client *c, struct aura__client_track *t) {
    if (t->live || !t->answered.active || !t->answered.media.codec_count) {
        return 0;
    }
    const struct aura_live_conf conf = {.timers = timers_of(c),
                                        .rand = c->env.rand,
                                        .wire = c->up,
                                        .meter = c->env.meter,
                                        .bwe = c->bwe,
                                        .twcc_seq = &c->twcc_seq,
                                        .mid = t->desc.mid,
                                        .cname = c->cname,
                                        .ssrc = t->desc.ssrcs[0],
                                        .rtx_ssrc = t->desc.rtx_ssrcs[0],
                                        .media = &t->answered.media,
                                        .key_wanted = key_wanted,
                                        .arg = &t->conf.live};
    int err = aura_live_new(&t->live, &conf);
    if (!err) {
        t->conf.live.started(t->conf.live.arg, t->answered.media.ext.id[AURA_EXT_AIC] != 0);
    }
    return err;
}

int aura_client_send(struct aura_client *c, size_t track, const struct aura_live_frame *frame) {
    struct aura_live *live = track < c->track_count ? c->tracks[track].live : NULL;
    return live && !c->ended ? aura_live_send(live, frame) : AURA_ESTATE;
}

void aura_client_live_stats(const struct aura_client *c, size_t track,
                            struct aura_live_stats *out) {
    *out = (struct aura_live_stats){.packets = 0};
    if (track < c->track_count && c->tracks[track].live) {
        aura_live_stats(c->tracks[track].live, out);
    }
}

uint32_t aura_client_rtt_us(const struct aura_client *c) {
    const struct aura_wire *wire = c->up ? c->up : c->down;
    return wire ? aura_wire_rtt_us(wire) : 0;
}

/* ---- life ---- */

int aura__client_live_init(struct aura_client *c) {
    const struct aura_bwe_conf conf = {.start_bps = 0};
    bool any = false;
    for (size_t i = 0; i < c->track_count; i++) {
        any |= c->tracks[i].conf.live.on;
    }
    int err = any ? aura_bwe_new(&c->bwe, &conf, aura__client_now(c)) : 0;
    return err || !any
               ? err
               : aura_timer_start(timers_of(c), &c->bwe_tick, TICK_MS * AURA_US_PER_MS, on_tick, c);
}

void aura__client_live_close(struct aura_client *c) {
    aura_timer_stop(timers_of(c), &c->bwe_tick);
    for (size_t i = 0; i < c->track_count; i++) {
        c->tracks[i].live = aura_live_free(c->tracks[i].live);
    }
    c->bwe = aura_bwe_free(c->bwe);
}
