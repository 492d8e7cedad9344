/* SPDX-License-Identifier: Apache-2.0 */
#include "sfu/subscribed.h"

#include "base/mem.h"

#include <string.h>

enum { CATCH_UP_MAX = 256 }; /* packets sent at once behind a key frame that came late */

static void register_ssrc(struct aura_subscribed *sub, uint32_t ssrc, int *err) {
    if (ssrc && !*err) {
        *err = aura_map_get_u64(sub->peer->local, ssrc)
                   ? AURA_EEXISTS
                   : aura_map_put_u64(sub->peer->local, ssrc, sub);
    }
}

static void forget_ssrc(struct aura_subscribed *sub, uint32_t ssrc) {
    if (ssrc && aura_map_get_u64(sub->peer->local, ssrc) == sub) {
        aura_map_del_u64(sub->peer->local, ssrc);
        aura_pc_forget_ssrc(sub->peer->pc, ssrc);
    }
}

int aura__subscribed_new(struct aura_peer *peer, aura_sub_id id, const struct aura_msg_sub *conf) {
    if (peer->sub_count >= AURA_SFU_PEER_SUBS_MAX) {
        return AURA_ELIMIT;
    }
    struct aura_subscribed *sub = aura_zalloc(sizeof(*sub));
    if (!sub) {
        return AURA_ENOMEM;
    }
    struct aura_worker *w = peer->worker;
    sub->id = id;
    sub->peer = peer;
    sub->conf = conf->conf;
    sub->settings = conf->settings;
    for (size_t i = 0; i < AURA_EXT_COUNT; i++) {
        sub->has_ext |= conf->conf.media.ext.id[i] != 0;
    }
    aura_list_add(&peer->subs, &sub->peer_node);
    peer->sub_count++;
    aura__count(&w->counters.subs, 1);
    /* RFC 3550 section 5.1: numbers begin at random; well below the wrap, so that receivers that
     * estimate the SRTP rollover from the first packets cannot guess wrong. */
    sub->out_newest = 1 + aura_rand_below(w->shared->rand, 0x7000);
    sub->rtx_seq = (uint16_t)aura_rand_below(w->shared->rand, 0x7000);
    sub->out_pid = (uint16_t)aura_rand_below(w->shared->rand, 0x7fff);
    sub->out_tl0 = (uint8_t)aura_rand_below(w->shared->rand, 0x100);
    int err = aura_map_put_u64(w->subs, id, sub);
    register_ssrc(sub, sub->conf.ssrc, &err);
    register_ssrc(sub, sub->conf.rtx_ssrc, &err);
    if (err) {
        aura__subscribed_free(sub);
        return err;
    }
    struct aura_source *source = aura__source_attach(w, sub->conf.pub);
    if (source) {
        sub->source = source;
        aura_list_add(&source->subs, &sub->source_node);
        aura__subscribed_begin(sub);
    }
    return 0;
}

void aura__subscribed_free(struct aura_subscribed *sub) {
    struct aura_worker *w = sub->peer->worker;
    struct aura_source *source = sub->source;
    aura__subscribed_detach(sub);
    if (source) {
        aura__source_idle(source);
    }
    forget_ssrc(sub, sub->conf.ssrc);
    forget_ssrc(sub, sub->conf.rtx_ssrc);
    if (aura__subscribed_find(w, sub->id) == sub) {
        aura_map_del_u64(w->subs, sub->id);
    }
    aura_node_remove(&sub->peer_node);
    sub->peer->sub_count--;
    aura__count(&w->counters.subs, (uint64_t)-1);
    aura_free(sub->repeats);
    aura_free(sub);
}

struct aura_subscribed *aura__subscribed_find(const struct aura_worker *w, aura_sub_id id) {
    return aura_map_get_u64(w->subs, id);
}

void aura__subscribed_detach(struct aura_subscribed *sub) {
    aura_node_remove(&sub->source_node);
    aura__wheel_remove(&sub->sr_due);
    sub->source = NULL;
    sub->running = false;
}

static bool is_video(const struct aura_subscribed *sub) {
    return sub->source && sub->source->kind == AURA_KIND_VIDEO;
}

/* Chooses the layer to go to; what is forwarded changes only at its key frame.
 * @param key_layer  a key frame of this layer is at hand; AURA_MEDIA_LAYERS_MAX = none */
static void retarget(struct aura_subscribed *sub, unsigned key_layer) {
    uint64_t now_us = aura__now(sub->peer->worker);
    sub->target = (uint8_t)aura__source_pick(sub->source, sub->settings.max_layer, now_us);
    if (sub->target != key_layer && (!sub->running || sub->target != sub->layer)) {
        aura__source_want_key(sub->source, sub->target);
    }
}

void aura__subscribed_begin(struct aura_subscribed *sub) {
    if (sub->source && !sub->settings.paused && sub->peer->connected) {
        retarget(sub, AURA_MEDIA_LAYERS_MAX);
    }
}

void aura__subscribed_set(struct aura_subscribed *sub,
                          const struct aura_sfu_sub_settings *settings) {
    bool was_paused = sub->settings.paused;
    sub->settings = *settings;
    if (settings->paused) {
        sub->running = false;
    } else if (sub->source && (was_paused || is_video(sub))) {
        aura__subscribed_begin(sub);
    }
}

/* Where the output's timestamps would be now if the source had not changed. */
static uint32_t expected_ts(const struct aura_subscribed *sub, uint64_t now_us, uint32_t clock) {
    uint64_t passed_us = now_us > sub->out_us ? now_us - sub->out_us : 0;
    uint64_t ticks = passed_us * clock / AURA_US_PER_S;
    return sub->out_ts + (ticks ? (uint32_t)ticks : 1);
}

/* Timestamp of the new layer's packet on the old layer's clock, through the sender reports of
 * both (RFC 3550 section 6.4.1): exact where the publisher gave both. */
static bool ts_by_reports(const struct aura_subscribed *sub, unsigned layer,
                          const struct aura_packet *p, uint32_t *ts) {
    const struct aura_sub_segment *old = &sub->seg[sub->seg_at];
    const struct aura_sr_source *from = &sub->source->layer[layer].sr;
    const struct aura_sr_source *to = &sub->source->layer[old->layer].sr;
    if (old->epoch != p->epoch || !from->has_sr || !to->has_sr ||
        !aura_sr_source_convert(from, p->ts, to, ts)) {
        return false;
    }
    *ts += old->ts_offset;
    return true;
}

static uint32_t first_ts(const struct aura_subscribed *sub, unsigned layer,
                         const struct aura_packet *p) {
    if (sub->seg_count == 0) {
        return p->ts; /* nothing to be continuous with */
    }
    uint32_t clock = p->clock_rate ? p->clock_rate : 90000;
    uint32_t expected = expected_ts(sub, p->arrival_us, clock);
    uint32_t ts;
    /* Reports that disagree with the arrival times by over a second are not believed, and the
     * output must never step back: receivers drop frames then. */
    if (ts_by_reports(sub, layer, p, &ts) && (int32_t)(ts - sub->out_ts) > 0) {
        int32_t off = (int32_t)(ts - expected);
        if (off < (int32_t)clock && off > -(int32_t)clock) {
            return ts;
        }
    }
    return expected;
}

static void open_segment(struct aura_subscribed *sub, unsigned layer, const struct aura_packet *p) {
    struct aura_sub_segment s = {.layer = (uint8_t)layer,
                                 .epoch = p->epoch,
                                 .out_from = sub->out_newest + 1,
                                 .in_from = p->eseq,
                                 .ts_offset = first_ts(sub, layer, p) - p->ts,
                                 .pid_offset = (uint16_t)(sub->out_pid + 1 - p->vp8_pid),
                                 .tl0_offset = (uint8_t)(sub->out_tl0 + 1 - p->vp8_tl0),
                                 .keyidx_offset = (uint8_t)(sub->out_keyidx + 1 - p->vp8_keyidx)};
    if (sub->seg_count) {
        sub->seg_at = (sub->seg_at + 1) % AURA_SUB_SEGMENTS;
    }
    sub->seg_count += sub->seg_count < AURA_SUB_SEGMENTS;
    sub->seg[sub->seg_at] = s;
    sub->layer = sub->target = (uint8_t)layer;
    sub->epoch = p->epoch;
    sub->running = true;
    aura__subscribed_sr_soon(sub);
}

/* A packet that is not of the running segment: may it begin one? */
static bool try_switch(struct aura_subscribed *sub, unsigned layer, const struct aura_packet *p) {
    if (sub->source->kind == AURA_KIND_AUDIO) {
        return !p->recovered;
    }
    if (layer != sub->target) {
        return false;
    }
    if (p->key_frame &&
        (!p->recovered || sub->source->layer[layer].newest_eseq - p->eseq < CATCH_UP_MAX)) {
        return true;
    }
    aura__source_want_key(sub->source, layer);
    return false;
}

static bool current_is_quiet(const struct aura_subscribed *sub, uint64_t now_us) {
    return now_us > sub->source->layer[sub->target].arrival_us + AURA_LAYER_QUIET_US;
}

/* What the next packets are compared with. */
static void remember(struct aura_subscribed *sub, const struct aura_sub_segment *seg,
                     const struct aura_packet *p, uint64_t out) {
    if (out <= sub->out_newest) {
        return;
    }
    sub->out_newest = out;
    sub->out_ts = p->ts + seg->ts_offset;
    sub->out_us = p->arrival_us;
    if (p->codec == AURA_CODEC_VP8) {
        sub->out_pid = (uint16_t)((p->vp8_pid + seg->pid_offset) & 0x7fff);
        sub->out_tl0 = (uint8_t)(p->vp8_tl0 + seg->tl0_offset);
        sub->out_keyidx = (uint8_t)((p->vp8_keyidx + seg->keyidx_offset) & 0x1f);
    }
}

static void forward(struct aura_subscribed *sub, const struct aura_sub_segment *seg,
                    const struct aura_packet *p) {
    remember(sub, seg, p, seg->out_from + (p->eseq - seg->in_from));
    aura__subscribed_send(sub, seg, p, false);
}

/* A key frame's beginning that came late, by RTX: what followed it has gone by meanwhile. */
static void catch_up(struct aura_subscribed *sub, const struct aura_sub_segment *seg,
                     const struct aura_packet *p) {
    uint64_t newest = sub->source->layer[seg->layer].newest_eseq;
    for (uint64_t eseq = p->eseq + 1; eseq <= newest; eseq++) {
        const struct aura_packet *next = aura__source_kept(sub->source, seg->layer, eseq);
        if (next && next->epoch == seg->epoch) {
            forward(sub, seg, next);
        }
    }
}

void aura__subscribed_packet(struct aura_subscribed *sub, unsigned layer,
                             const struct aura_packet *p) {
    bool opened = false;
    if (sub->settings.paused || !sub->peer->connected) {
        return;
    }
    if (layer != sub->target && sub->source->layer_count > 1 &&
        (current_is_quiet(sub, p->arrival_us) ||
         (layer > sub->target && layer <= sub->settings.max_layer))) {
        /* The layer went silent, or a better one has begun. */
        retarget(sub, p->key_frame ? layer : AURA_MEDIA_LAYERS_MAX);
    }
    if (!aura__subscribed_pt(sub, p)) {
        aura__drop(sub->peer->worker, AURA_DROP_UNKNOWN_PT);
        return;
    }
    if (!sub->running || layer != sub->layer || p->epoch != sub->epoch) {
        if (!try_switch(sub, layer, p)) {
            return;
        }
        open_segment(sub, layer, p);
        opened = true;
    }
    const struct aura_sub_segment *seg = &sub->seg[sub->seg_at];
    if (p->eseq < seg->in_from) {
        return; /* from before the switch: its number belongs to another packet */
    }
    forward(sub, seg, p);
    if (opened && p->recovered) {
        catch_up(sub, seg, p);
    }
    if (!aura__due_armed(&sub->sr_due)) {
        aura__subscribed_sr_soon(sub); /* after a silence */
    }
    if (!sub->told_started) {
        struct aura_msg m = {.type = AURA_MSG_SUB_STARTED, .id = sub->id};
        sub->told_started = true;
        aura__worker_tell(sub->peer->worker, &m);
    }
}

void aura__subscribed_first_sr(struct aura_subscribed *sub, unsigned layer) {
    if (sub->running && sub->layer == layer) {
        aura__subscribed_sr_soon(sub);
    }
}
