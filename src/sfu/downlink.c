/* SPDX-License-Identifier: Apache-2.0 */
#include "sfu/downlink.h"

#include "base/mem.h"
#include "rtp/rtcp.h"

enum {
    PACING_PERCENT = 250, /* of the estimate: a key frame must not be held back long */
    START_BPS = 10000000, /* before anything is known */
    PACING_BURST_US = 10000,
    DRAIN_MIN_US = 2000,
    PROBE_STEP_US = 1000,
    QUIET_US = 2000000, /* nothing sent for so long: the tick sleeps */
    UNFED_US = 3000000, /* no feedback for so long: there will be none */
    AT_ONCE_MAX = 32,   /* subscriptions of a peer whose wishes are shared out at once */
    TOGETHER_US = 10000,
    FULL_QUEUE_US = 100000,
    BUDGET_PERCENT = 95, /* of the estimate, for media; the rest is for repair */
};

static const float full_loss =
    0.15F; /* in a second of one video; radio alone loses a tenth at times */

static void tick(void *arg, uint64_t now_us);
static void share_out(struct aura_downlink *d, uint64_t now_us);

static void learn_feedback(struct aura_downlink *d, const struct aura_subscribed *sub) {
    const struct aura_media *m = &sub->conf.media;
    for (size_t i = 0; i < m->codec_count; i++) {
        d->twcc |= (m->codecs[i].feedback & AURA_FB_TWCC) && m->ext.id[AURA_EXT_TWCC];
        d->remb |= (m->codecs[i].feedback & AURA_FB_REMB) != 0;
    }
}

static struct aura_downlink *ensure(struct aura_subscribed *sub) {
    struct aura_peer *peer = sub->peer;
    struct aura_downlink *d = peer->down;
    if (!d) {
        d = aura_zalloc(sizeof(*d));
        if (!d) {
            return NULL; /* without it nothing is held back */
        }
        d->peer = peer;
        d->tail = &d->head;
        peer->down = d;
    }
    learn_feedback(d, sub);
    const struct aura_bwe_conf conf = {.start_bps = 0};
    if (!d->bwe && (d->twcc || d->remb) && aura_bwe_new(&d->bwe, &conf, aura__now(peer->worker))) {
        d->bwe = NULL;
    }
    return d;
}

void aura__downlink_free(struct aura_peer *peer) {
    struct aura_downlink *d = peer->down;
    if (d) {
        aura__queue_clear(d);
        aura_timer_stop(aura_loop_timers(peer->worker->loop), &d->drain);
        aura__wheel_remove(&d->tick);
        aura_bwe_free(d->bwe);
        aura_free(d);
        peer->down = NULL;
    }
}

uint32_t aura__downlink_target_bps(const struct aura_peer *peer) {
    return peer->down && peer->down->bwe ? aura_bwe_target_bps(peer->down->bwe) : 0;
}

/* ---- sending ---- */

static void due(void *arg) {
    struct aura_downlink *d = arg;
    if (aura__probe_running(d)) {
        aura__probe_step(d);
    }
    aura__queue_drain(d);
}

void aura__downlink_arm(struct aura_downlink *d) {
    struct aura_timers *timers = aura_loop_timers(d->peer->worker->loop);
    uint64_t now_us = aura__now(d->peer->worker);
    if (!d->head && !aura__probe_running(d)) {
        aura_timer_stop(timers, &d->drain);
        return;
    }
    uint64_t in_us = d->head ? aura_pacer_wait_us(&d->pacer, now_us) : UINT64_MAX;
    in_us = in_us < DRAIN_MIN_US ? DRAIN_MIN_US : in_us;
    in_us = aura__probe_running(d) && in_us > PROBE_STEP_US ? PROBE_STEP_US : in_us;
    if (!aura_timer_running(&d->drain) || d->drain.due_us > now_us + in_us) {
        /* Without memory for the timer the next packet tries again. */
        (void)!aura_timer_start(timers, &d->drain, in_us, due, d);
    }
}

static void set_pacer(struct aura_downlink *d) {
    uint64_t bps = (uint64_t)aura_bwe_target_bps(d->bwe) * PACING_PERCENT / 100;
    if (!d->fed && bps < START_BPS) {
        bps = START_BPS;
    }
    aura_pacer_set(&d->pacer, bps > UINT32_MAX ? UINT32_MAX : (uint32_t)bps, PACING_BURST_US);
}

/* Somebody who promised feedback and never gives any would be starved for nothing. */
static bool limited(const struct aura_downlink *d, uint64_t now_us) {
    return d->bwe && (d->fed || !d->first_us || now_us < d->first_us + UNFED_US);
}

void aura__downlink_send(struct aura_subscribed *sub, const struct aura_packet *p,
                         const struct aura_sub_out *out) {
    struct aura_downlink *d = sub->peer->down;
    uint64_t now_us = aura__now(sub->peer->worker);
    bool video = sub->source->kind == AURA_KIND_VIDEO;
    if (video && d &&
        (d->head || (limited(d, now_us) && !aura_pacer_may_send(&d->pacer, now_us)))) {
        aura__queue_put(d, sub, p, out);
        return;
    }
    if (d && aura__probe_running(d)) {
        struct aura_sub_out probing = *out;
        probing.cluster = (uint8_t)d->probe.cluster;
        (void)aura__subscribed_send(sub, p, &probing);
        return;
    }
    size_t wire = aura__subscribed_send(sub, p, out);
    if (d && !video) {
        d->audio_bytes += wire;
    } else if (d && !d->first_us) {
        d->first_us = now_us;
    }
}

void aura__downlink_sent(struct aura_peer *peer, int twcc, size_t wire, unsigned cluster) {
    struct aura_downlink *d = peer->down;
    if (!d || !d->bwe) {
        return;
    }
    uint64_t now_us = aura__now(peer->worker);
    aura_pacer_sent(&d->pacer, wire, now_us);
    if (twcc >= 0) {
        aura_bwe_sent(d->bwe, (uint16_t)twcc, wire, now_us, cluster);
    }
    if (cluster && cluster == d->probe.cluster) {
        d->probe_sent += wire;
        d->probe_packets++;
    }
}

void aura__downlink_wake(struct aura_downlink *d) {
    d->media = true;
    aura__wheel_ensure(&d->peer->worker->wheel, &d->tick, AURA_DOWNLINK_TICK_US, tick, d);
}

/* ---- sharing ---- */

/* The fewest temporal layers with (about) as many pictures a second as asked for. */
static uint8_t temporal_for(const struct aura_rates *r, unsigned spatial, unsigned max_fps) {
    unsigned fps_x4 = 0;
    for (uint8_t t = 0; max_fps && t < AURA_RATES_TEMPORAL; t++) {
        fps_x4 += r->layer[spatial][t].fps_x4;
        if (fps_x4 * 10 >= max_fps * 4 * 9) {
            return t;
        }
    }
    return AURA_ALLOC_TEMPORAL - 1;
}

static void fill_rates(struct aura_alloc_track *a, struct aura_source *source, uint64_t now_us) {
    struct aura_rates *r = &source->rates;
    bool streams = source->layer_count > 1;
    uint32_t below[AURA_ALLOC_TEMPORAL] = {0};
    aura__rates_roll(r, now_us);
    for (unsigned s = 0; s < AURA_ALLOC_SPATIAL; s++) {
        bool quiet = streams && now_us > source->layer[s].arrival_us + AURA_LAYER_QUIET_US;
        uint32_t sum = 0;
        for (unsigned t = 0; t < AURA_ALLOC_TEMPORAL; t++) {
            const struct aura_rate *l = &r->layer[s][t];
            sum += l->bps;
            below[t] = streams ? 0 : below[t];
            a->bps[s][t] = l->bps && !quiet && !source->muted ? below[t] + sum : 0;
            below[t] += sum;
        }
    }
}

static void fill(struct aura_subscribed *sub, uint64_t now_us) {
    struct aura_alloc_track *a = &sub->alloc;
    const struct aura_sfu_sub_settings *wish = &sub->settings;
    a->disabled = wish->paused;
    a->screen = wish->screen;
    a->essential = wish->essential;
    a->priority = wish->priority;
    a->pixels = wish->pixels;
    a->max_spatial =
        wish->max_layer < AURA_ALLOC_SPATIAL ? wish->max_layer : AURA_ALLOC_SPATIAL - 1;
    fill_rates(a, sub->source, now_us);
    if (aura__subscribed_takes_aic(sub)) {
        aura_alloc_replace(a, aura__source_aic_spatial(sub->source), sub->source->aic_bps);
    }
    a->max_temporal = temporal_for(&sub->source->rates, a->max_spatial, wish->max_fps);
}

/* One stream with layers inside: before they are measured all of them are taken, for to begin with
 * few would need another key frame later. */
static void all_of_one_stream(struct aura_subscribed *sub) {
    if (sub->alloc.why == AURA_ALLOC_NO_MEDIA && sub->source->layer_count == 1) {
        sub->alloc.spatial = (int8_t)sub->alloc.max_spatial;
    }
}

static void apply(struct aura_subscribed *sub) {
    const struct aura_alloc_track *a = &sub->alloc;
    if (a->spatial != sub->told.spatial || a->temporal != sub->told.temporal ||
        a->why != sub->told.why || !sub->told.once) {
        sub->told.spatial = a->spatial;
        sub->told.temporal = a->temporal;
        sub->told.why = (uint8_t)a->why;
        sub->told.once = true;
        aura__subscribed_allotted(sub);
    }
}

static uint32_t budget_of(const struct aura_downlink *d, uint32_t estimate_bps, uint64_t now_us) {
    if (!limited(d, now_us)) {
        return UINT32_MAX;
    }
    uint64_t bps = (uint64_t)estimate_bps * BUDGET_PERCENT / 100;
    if (!d->fed && bps < START_BPS) {
        bps = START_BPS; /* most networks can: better to begin well than to climb in sight */
    }
    return bps > d->audio_bps ? (uint32_t)(bps - d->audio_bps) : 0;
}

/* A video is paused only on a link that shows that it is full, not for an estimate that gave way to
 * a delay: lowest layers may take twice of it until then. */
static uint32_t least_bps(const struct aura_downlink *d) {
    struct aura_bwe_info info;
    uint32_t bps = aura_bwe_lasting_bps(d->bwe);
    aura_bwe_info(d->bwe, &info);
    bool full = info.queue_us > FULL_QUEUE_US || info.loss > full_loss || info.remb_bps ||
                info.limit == AURA_BWE_SILENCE;
    return full || bps > UINT32_MAX / 2 ? bps : bps * 2;
}

static void share_out(struct aura_downlink *d, uint64_t now_us) {
    struct aura_alloc_track *tracks[AURA_SFU_PEER_SUBS_MAX];
    size_t n = 0;
    AURA_LIST_EACH(&d->peer->subs, struct aura_subscribed, sub, peer_node) {
        if (sub->source && sub->source->kind == AURA_KIND_VIDEO && n < AURA_SFU_PEER_SUBS_MAX) {
            fill(sub, now_us);
            tracks[n++] = &sub->alloc;
        }
    }
    uint32_t now_bps = d->bwe ? aura_bwe_target_bps(d->bwe) : 0;
    uint32_t lasting_bps = d->bwe ? least_bps(d) : 0;
    aura_alloc(tracks, n, budget_of(d, now_bps, now_us), budget_of(d, lasting_bps, now_us), now_us,
               &d->result);
    for (size_t i = 0; i < n; i++) {
        struct aura_subscribed *sub = AURA_CONTAINER(tracks[i], struct aura_subscribed, alloc);
        all_of_one_stream(sub);
        apply(sub);
    }
    if (d->bwe) {
        const struct aura_alloc_result *r = &d->result;
        uint64_t want = r->wanted_bps > r->given_bps ? (uint64_t)r->wanted_bps + d->audio_bps : 0;
        want = want * 100 / BUDGET_PERCENT;
        aura_bwe_want(d->bwe, want > UINT32_MAX ? UINT32_MAX : (uint32_t)want, now_us);
        d->allocated_bps = aura_bwe_target_bps(d->bwe);
    }
}

/* One change at a time is answered at once; many (somebody joins a large room) together. */
static void share_soon(struct aura_downlink *d, uint64_t now_us) {
    struct aura_wheel *wheel = &d->peer->worker->wheel;
    if (d->peer->sub_count <= AT_ONCE_MAX) {
        share_out(d, now_us);
    } else if (!aura__due_armed(&d->tick) || d->tick.due_us > now_us + TOGETHER_US) {
        aura__wheel_add(wheel, &d->tick, TOGETHER_US, tick, d);
    }
}

void aura__downlink_wishes_changed(struct aura_subscribed *sub) {
    struct aura_downlink *d = ensure(sub);
    if (d) {
        if (d->bwe && !d->pacer.rate_bps) {
            set_pacer(d);
        }
        share_soon(d, aura__now(sub->peer->worker));
    }
}

/* ---- time and feedback ---- */

static bool anybody_starves(const struct aura_downlink *d) {
    AURA_LIST_EACH(&d->peer->subs, struct aura_subscribed, sub, peer_node) {
        if (sub->starved) {
            return true;
        }
    }
    return false;
}

static void tick(void *arg, uint64_t now_us) {
    struct aura_downlink *d = arg;
    if (!d->peer->connected) {
        d->media = false; /* so that what comes once it is connected wakes it */
        return;
    }
    uint64_t us = now_us - d->tick_us;
    if (us && us < AURA_US_PER_S) {
        d->audio_bps = (uint32_t)((d->audio_bps * 3 + d->audio_bytes * 8 * AURA_US_PER_S / us) / 4);
    }
    d->audio_bytes = 0;
    d->tick_us = now_us;
    d->media_us = d->media ? now_us : d->media_us;
    d->media = false;
    if (d->bwe) {
        aura_bwe_tick(d->bwe, now_us);
        set_pacer(d);
        aura__probe_begin(d);
    }
    share_out(d, now_us);
    if (now_us < d->media_us + QUIET_US || anybody_starves(d)) {
        aura__wheel_ensure(&d->peer->worker->wheel, &d->tick, AURA_DOWNLINK_TICK_US, tick, d);
    }
}

/* The estimate may have moved: what no longer fits must go at once, what fits now can wait for the
 * next tick. */
static void estimate_moved(struct aura_downlink *d) {
    uint64_t now_us = aura__now(d->peer->worker);
    set_pacer(d);
    uint32_t target = aura_bwe_target_bps(d->bwe);
    if (target < d->allocated_bps - d->allocated_bps / 32) {
        share_out(d, now_us);
    }
    aura__probe_begin(d);
}

int aura__downlink_twcc(struct aura_peer *peer, const struct aura_rtcp *p) {
    struct aura_twcc_status statuses[AURA_TWCC_STATUSES_MAX];
    struct aura_twcc_feedback fb;
    int n = aura_twcc_parse(p, &fb, statuses);
    struct aura_downlink *d = peer->down;
    if (n < 0 || !d || !d->bwe) {
        return n < 0 ? n : 0;
    }
    d->fed = true;
    aura_bwe_feedback(d->bwe, &fb, statuses, (size_t)n, aura__now(peer->worker));
    estimate_moved(d);
    return 0;
}

void aura__downlink_remb(struct aura_peer *peer, uint64_t bps) {
    struct aura_downlink *d = peer->down;
    if (d && d->bwe) {
        d->fed = true;
        aura_bwe_remb(d->bwe, bps, aura__now(peer->worker));
        estimate_moved(d);
    }
}

void aura__downlink_report(struct aura_peer *peer, uint8_t fraction_lost, uint32_t rtt_us) {
    if (peer->down && peer->down->bwe) {
        aura_bwe_report(peer->down->bwe, fraction_lost, rtt_us, aura__now(peer->worker));
    }
}

void aura__downlink_path_changed(struct aura_peer *peer) {
    if (peer->down && peer->down->bwe) {
        aura_bwe_path_changed(peer->down->bwe, aura__now(peer->worker));
    }
}
