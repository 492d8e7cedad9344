/* SPDX-License-Identifier: Apache-2.0 */
#include "sfu/subscribed.h"

#include "base/mem.h"
#include "sfu/downlink.h"

#include <string.h>

enum {
    CATCH_UP_MAX = 256,    /* packets sent at once behind a key frame that came late */
    SILENCE_PACKETS = 50,  /* of sound: a second */
    KEPT_KEY_US = 1000000, /* so old a key frame may be for a new subscriber to begin with */
    BEHIND_MAX = 5,        /* key frames of AI Core let go by, before one is taken anyway */
};

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

static uint8_t own_ext_bytes(const struct aura_sfu_sub_conf *conf) {
    const uint8_t *id = conf->media.ext.id;
    size_t mid = conf->send_mid && id[AURA_EXT_MID] ? 1 + strlen(conf->media.mid) : 0;
    return (uint8_t)(mid + (id[AURA_EXT_ABS_SEND_TIME] ? 4 : 0) + (id[AURA_EXT_TWCC] ? 3 : 0));
}

static void attach(struct aura_subscribed *sub) {
    struct aura_source *source =
        aura__source_attach(sub->peer->worker, sub->conf.pub, sub->conf.media.kind);
    if (source) {
        aura__source_flush(source); /* what came before it is not for it */
        sub->source = source;
        aura_list_add(&source->subs, &sub->source_node);
        aura__subscribed_begin(sub);
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
    sub->ext_bytes = own_ext_bytes(&sub->conf);
    if (sub->conf.media.ext.id[AURA_EXT_PLAYOUT_DELAY]) {
        aura_playout_init(&sub->playout, sub->conf.playout);
    }
    aura_list_add(&peer->subs, &sub->peer_node);
    peer->sub_count++;
    aura__count(&w->counters.subs, 1);
    /* RFC 3550 section 5.1: numbers begin at random; well below the wrap, so that receivers that
     * estimate the SRTP rollover from the first packets cannot guess wrong. */
    sub->newest.seq = 1 + aura_rand_below(w->shared->rand, 0x7000);
    sub->rtx_seq = (uint16_t)aura_rand_below(w->shared->rand, 0x7000);
    sub->newest.pid = (uint16_t)aura_rand_below(w->shared->rand, 0x7fff);
    sub->newest.tl0 = (uint8_t)aura_rand_below(w->shared->rand, 0x100);
    sub->newest.dd_frame = (uint16_t)aura_rand_below(w->shared->rand, 0x8000);
    sub->sent = sub->newest;
    int err = aura_map_put_u64(w->subs, id, sub);
    register_ssrc(sub, sub->conf.ssrc, &err);
    register_ssrc(sub, sub->conf.rtx_ssrc, &err);
    if (err) {
        aura__subscribed_free(sub);
        return err;
    }
    attach(sub);
    return 0;
}

void aura__subscribed_move(struct aura_subscribed *sub, aura_pub_id pub,
                           const struct aura_sfu_sub_settings *settings) {
    struct aura_source *old = sub->source;
    aura__subscribed_detach(sub);
    if (old) {
        aura__source_idle(old);
    }
    sub->conf.pub = pub;
    sub->settings = *settings;
    sub->starved = false;
    sub->alloc = (struct aura_alloc_track){.started = false};
    sub->told.once = false;
    /* The old track's packets cannot be repeated any more, and its payload types meant others. */
    sub->moved = sub->moved || sub->seg_count;
    sub->seg_count = sub->seg_at = 0;
    sub->pt_count = 0;
    sub->sound.begun = false;
    sub->sound.layer = 0;
    if (pub) {
        attach(sub);
    }
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
    aura__downlink_forget(sub);
    aura_node_remove(&sub->source_node);
    aura__wheel_remove(&sub->sr_due);
    sub->source = NULL;
    sub->running = false;
}

static bool is_video(const struct aura_subscribed *sub) {
    return sub->source && sub->source->kind == AURA_KIND_VIDEO;
}

static bool silenced(const struct aura_subscribed *sub) {
    return sub->settings.paused || sub->starved || !sub->peer->connected;
}

bool aura__subscribed_takes(const struct aura_subscribed *sub, enum aura_codec codec) {
    for (size_t i = 0; i < sub->conf.media.codec_count; i++) {
        if (sub->conf.media.codecs[i].codec == codec) {
            return true;
        }
    }
    return false;
}

bool aura__subscribed_takes_aic(const struct aura_subscribed *sub) {
    return sub->source->aic && !sub->settings.native && is_video(sub) &&
           aura__subscribed_takes(sub, AURA_CODEC_AV1);
}

static void pick_target(struct aura_subscribed *sub) {
    unsigned max = sub->settings.max_layer;
    if (!is_video(sub)) {
        sub->target = aura__subscribed_sound_target(sub);
        return;
    }
    if (sub->alloc.started && sub->alloc.spatial >= 0) {
        max = (unsigned)sub->alloc.spatial;
    }
    sub->target = (uint8_t)aura__source_pick(sub->source, max, aura__now(sub->peer->worker));
    /* Who is to have a smaller picture than AI Core's gets that natively. */
    bool small = sub->source->svc && max < aura__source_aic_spatial(sub->source);
    if (sub->target + 1 == sub->source->aic && !small && aura__subscribed_takes_aic(sub)) {
        sub->target = AURA_LAYER_AIC;
    }
}

/* Chooses the stream to go to; what is forwarded changes only at its key frame.
 * @param key_layer  a key frame of this layer is at hand; AURA_SOURCE_LAYERS = none */
static void retarget(struct aura_subscribed *sub, unsigned key_layer) {
    pick_target(sub);
    if (!is_video(sub)) {
        if (sub->sound.layer && sub->sound.layer != sub->target) {
            aura__subscribed_sound_native(sub);
        }
    } else if (sub->target != key_layer && (!sub->running || sub->target != sub->layer)) {
        aura__source_want_key(sub->source, sub->target);
    }
}

void aura__subscribed_retarget(struct aura_subscribed *sub) {
    if (!silenced(sub)) {
        retarget(sub, AURA_SOURCE_LAYERS);
    }
}

void aura__subscribed_set(struct aura_subscribed *sub,
                          const struct aura_sfu_sub_settings *settings) {
    bool was_paused = sub->settings.paused;
    sub->settings = *settings;
    if (settings->paused) {
        sub->running = sub->sound.begun = false;
    }
    if (sub->source && (was_paused || settings->paused || is_video(sub) || sub->source->aic)) {
        aura__subscribed_begin(sub);
    }
}

/* The wish as layers of one stream. Where streams are the layers, a stream has no others inside. */
static void set_filter(struct aura_subscribed *sub) {
    bool streams = sub->source->layer_count > 1;
    struct aura_filter_layers *want = &sub->filter.want;
    uint8_t before = want->spatial;
    want->spatial = streams ? AURA_MEDIA_LAYERS_MAX - 1 : (uint8_t)sub->alloc.spatial;
    want->temporal = (uint8_t)sub->alloc.temporal;
    if (streams && sub->running && sub->layer > sub->alloc.spatial) {
        want->temporal = 0; /* until the smaller stream's key frame comes */
    }
    if (!streams && sub->running && want->spatial > before &&
        want->spatial > sub->filter.now.spatial && sub->source->svc) {
        aura__source_want_key(sub->source, 0);
    }
}

static void tell_allotted(struct aura_subscribed *sub) {
    const struct aura_alloc_track *a = &sub->alloc;
    struct aura_msg m = {.type = AURA_MSG_SUB_STATE,
                         .id = sub->id,
                         .a = (uint8_t)a->spatial,
                         .b = (uint8_t)a->temporal,
                         .c = (uint8_t)a->why,
                         .n = sub->starved,
                         .w = {a->spatial < 0 ? 0 : a->bps[a->spatial][a->temporal],
                               aura__downlink_target_bps(sub->peer)}};
    aura__worker_tell(sub->peer->worker, &m);
}

void aura__subscribed_allotted(struct aura_subscribed *sub) {
    bool starved = sub->alloc.spatial < 0 && sub->alloc.why != AURA_ALLOC_DISABLED;
    bool resumed = sub->starved && !starved;
    sub->starved = starved;
    if (starved) {
        sub->running = false;
        aura__downlink_forget(sub);
    } else if (sub->alloc.spatial >= 0) {
        set_filter(sub);
        if (!sub->beginning &&
            (resumed || !sub->running || sub->source->layer_count > 1 || sub->source->aic)) {
            retarget(sub, AURA_SOURCE_LAYERS);
        }
    }
    tell_allotted(sub);
}

void aura__subscribed_dropped(struct aura_subscribed *sub) {
    sub->newest = sub->sent;
    sub->running = false;
    if (sub->source && !silenced(sub)) {
        aura__source_want_key(sub->source, sub->target);
    }
}

/* AI Core's key frame of a picture older than the newest sent: with it the viewer would see one
 * again. The next one is awaited, a few times: where AI Core is always so late, one picture seen
 * twice is the lesser evil. */
static bool comes_behind(struct aura_subscribed *sub, const struct aura_packet *p) {
    return sub->behind < BEHIND_MAX && aura__subscribed_is_behind(sub, p) && ++sub->behind;
}

/* A packet that is not of the running segment: may it begin one? */
static bool try_switch(struct aura_subscribed *sub, unsigned layer, const struct aura_packet *p) {
    if (sub->source->kind == AURA_KIND_AUDIO) {
        return !p->recovered;
    }
    if (layer != sub->target) {
        return false;
    }
    if (p->key_frame && !comes_behind(sub, p) &&
        (!p->recovered || sub->source->layer[layer].newest_eseq - p->eseq < CATCH_UP_MAX)) {
        return true;
    }
    aura__source_want_key(sub->source, layer);
    return false;
}

static bool target_is_quiet(const struct aura_subscribed *sub, uint64_t now_us) {
    return now_us > sub->source->layer[sub->target].arrival_us + AURA_LAYER_QUIET_US;
}

/* Another stream, another clock, or another codec than the running segment's: for a decoder it
 * begins anew. Audio codecs may alternate (RED and Opus). */
/* After a long gap in sound (hushed, or really lost) its numbers go on as if there had been none.
 */
static bool after_silence(const struct aura_subscribed *sub, const struct aura_packet *p) {
    const struct aura_sub_segment *seg = &sub->seg[sub->seg_at];
    return sub->source->kind == AURA_KIND_AUDIO &&
           p->eseq > seg->in_from + (sub->newest.seq - seg->out_from) + SILENCE_PACKETS;
}

static bool is_foreign(const struct aura_subscribed *sub, unsigned layer,
                       const struct aura_packet *p) {
    return !sub->running || layer != sub->layer || p->epoch != sub->epoch ||
           after_silence(sub, p) ||
           (p->codec != sub->seg[sub->seg_at].codec && sub->source->kind == AURA_KIND_VIDEO);
}

static void open_at(struct aura_subscribed *sub, unsigned layer, const struct aura_packet *p) {
    aura__subscribed_open(sub, layer, p);
    if (is_video(sub)) {
        set_filter(sub);
        aura__filter_start(&sub->filter, p);
    }
    aura__subscribed_sr_soon(sub);
}

static void placeholder(struct aura_subscribed *sub, const struct aura_sub_segment *seg,
                        const struct aura_packet *p) {
    struct aura_sub_out out;
    if (p->eseq >= seg->in_from && aura__subscribed_number(sub, seg, p, &out)) {
        out.padding = true;
        out.marker = false;
        aura__downlink_send(sub, p, &out);
    }
}

static void forward(struct aura_subscribed *sub, const struct aura_sub_segment *seg,
                    const struct aura_packet *p, uint8_t pad) {
    struct aura_sub_out out;
    if (sub->source->kind == AURA_KIND_VIDEO && !aura__filter_pass(&sub->filter, p)) {
        if (!aura__subscribed_leave_out(sub, p)) {
            placeholder(sub, seg, p);
        }
        return;
    }
    if (!aura__subscribed_number(sub, seg, p, &out)) {
        return;
    }
    out.pad = pad;
    if (out.seq > sub->newest.seq) {
        if (!p->pid_at) {
            out.pid = sub->newest.pid;
            out.tl0 = sub->newest.tl0;
            out.keyidx = sub->newest.keyidx;
        }
        sub->newest = out;
        sub->newest_us = p->arrival_us;
    }
    aura__downlink_send(sub, p, &out);
}

/* A key frame's beginning that came late, by RTX: what followed it has gone by meanwhile. */
static void catch_up(struct aura_subscribed *sub, const struct aura_sub_segment *seg,
                     const struct aura_packet *p) {
    uint64_t newest = sub->source->layer[seg->layer].newest_eseq;
    for (uint64_t eseq = p->eseq + 1; eseq <= newest && sub->running; eseq++) {
        const struct aura_packet *next = aura__source_kept(sub->source, seg->layer, eseq);
        if (next && next->epoch == seg->epoch && next->codec == seg->codec &&
            !aura__source_waits(sub->source, next)) {
            forward(sub, seg, next, 0);
        }
    }
}

static void tell_started(struct aura_subscribed *sub) {
    struct aura_msg m = {.type = AURA_MSG_SUB_STARTED, .id = sub->id};
    sub->told_started = true;
    aura__worker_tell(sub->peer->worker, &m);
}

/* A new subscriber need not wait for the next key frame while the last one is young: what has been
 * sent since is still there, and a decoder runs through it in no time. Publishers are spared a key
 * frame for each of many who join. */
static bool begin_from_kept(struct aura_subscribed *sub) {
    const struct aura_source_layer *l = &sub->source->layer[sub->target];
    if (sub->seg_count || !is_video(sub) || !l->key_us || sub->source->muted ||
        aura__now(sub->peer->worker) > l->key_us + KEPT_KEY_US) {
        return false;
    }
    const struct aura_packet *p = aura__source_kept(sub->source, sub->target, l->key_eseq);
    if (!p || p->epoch != l->epoch || !aura__subscribed_pt(sub, p)) {
        return false;
    }
    open_at(sub, sub->target, p);
    const struct aura_sub_segment *seg = &sub->seg[sub->seg_at];
    forward(sub, seg, p, 0);
    catch_up(sub, seg, p);
    if (!sub->told_started) {
        tell_started(sub);
    }
    return true;
}

void aura__subscribed_begin(struct aura_subscribed *sub) {
    if (!sub->source || !sub->peer->connected) {
        return;
    }
    if (is_video(sub)) {
        sub->beginning = true; /* it asks for a key frame below, if none is at hand */
        aura__downlink_wishes_changed(sub);
        sub->beginning = false;
    }
    if (!silenced(sub) && !sub->running) {
        aura__source_flush(sub->source);
        pick_target(sub);
        if (begin_from_kept(sub)) {
            return;
        }
    }
    if (!silenced(sub)) {
        retarget(sub, AURA_SOURCE_LAYERS);
    }
}

void aura__subscribed_packet(struct aura_subscribed *sub, unsigned layer,
                             const struct aura_packet *p, uint8_t pad) {
    bool opened = false;
    if (sub->peer->down) {
        aura__downlink_media(sub->peer->down);
    }
    if (silenced(sub)) {
        return;
    }
    if (layer != sub->target && sub->source->layer_count > 1 &&
        target_is_quiet(sub, p->arrival_us)) {
        retarget(sub, p->key_frame ? layer : AURA_SOURCE_LAYERS);
    }
    if (!aura__subscribed_pt(sub, p)) {
        aura__drop(sub->peer->worker, AURA_DROP_UNKNOWN_PT);
        return;
    }
    if (!is_video(sub) && !aura__subscribed_hears(sub, layer, p)) {
        return;
    }
    if (is_foreign(sub, layer, p)) {
        if (!try_switch(sub, layer, p)) {
            return;
        }
        open_at(sub, layer, p);
        opened = true;
    }
    const struct aura_sub_segment *seg = &sub->seg[sub->seg_at];
    if (p->eseq < seg->in_from) {
        return; /* from before the switch: its number belongs to another packet */
    }
    forward(sub, seg, p, pad);
    if (opened && p->recovered) {
        catch_up(sub, seg, p);
    }
    if (!aura__due_armed(&sub->sr_due)) {
        aura__subscribed_sr_soon(sub); /* after a silence */
    }
    if (!sub->told_started) {
        tell_started(sub);
    }
}

void aura__subscribed_first_sr(struct aura_subscribed *sub, unsigned layer) {
    if (sub->running && sub->layer == layer) {
        aura__subscribed_sr_soon(sub);
    }
}
