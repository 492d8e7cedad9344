/* SPDX-License-Identifier: Apache-2.0 */
#include "sfu/source.h"

#include "base/mem.h"
#include "base/prefetch.h"
#include "sfu/downlink.h"
#include "sfu/published.h"
#include "sfu/stats.h"
#include "sfu/subscribed.h"

enum {
    PACKET_OVERHEAD = 40,    /* UDP, IP, and what SRTP adds */
    PAD_MAX = 16,            /* bytes, to make packets equal … */
    PAD_FROM = 500,          /* … that have so many */
    HURRY_US = 1000000,      /* a key frame is urgent for so long … */
    HURRY_AGAIN_US = 100000, /* … and asked for so often */
};

int aura__source_init(struct aura_source *s, struct aura_worker *w, aura_pub_id id) {
    s->id = id;
    s->worker = w;
    aura_list_init(&s->subs);
    return aura_map_put_u64(w->sources, id, s);
}

void aura__source_end(struct aura_source *s) {
    aura__source_flush(s);
    while (!aura_list_empty(&s->subs)) {
        aura__subscribed_detach(AURA_LIST_FIRST(&s->subs, struct aura_subscribed, source_node));
    }
    for (size_t i = 0; i < AURA_SOURCE_LAYERS; i++) {
        struct aura_source_layer *l = &s->layer[i];
        for (size_t k = 0; l->ring && k <= l->ring_mask; k++) {
            aura__packet_unref(l->ring[k], s->worker->pool);
        }
        aura_free(l->ring);
        l->ring = NULL;
    }
    if (aura__source_find(s->worker, s->id) == s) {
        aura_map_del_u64(s->worker->sources, s->id);
    }
}

struct aura_source *aura__source_find(const struct aura_worker *w, aura_pub_id id) {
    return aura_map_get_u64(w->sources, id);
}

static bool make_ring(struct aura_source *s, struct aura_source_layer *l) {
    const struct aura_sfu_conf *conf = &s->worker->shared->conf;
    size_t want = s->kind == AURA_KIND_VIDEO ? conf->nack_ring_video : conf->nack_ring_audio;
    uint32_t size = 16;
    while (size < want && size < 16384) {
        size *= 2;
    }
    l->ring = aura_calloc(size, sizeof(struct aura_packet *));
    l->ring_mask = size - 1;
    return l->ring != NULL;
}

static void keep(struct aura_source *s, struct aura_source_layer *l, struct aura_packet *p) {
    if (!l->ring && !make_ring(s, l)) {
        return; /* forwarded all the same, only not repeatable */
    }
    if (p->eseq + l->ring_mask < l->newest_eseq) {
        return; /* so late that its place belongs to a newer one */
    }
    struct aura_packet **slot = &l->ring[p->eseq & l->ring_mask];
    aura__packet_unref(*slot, s->worker->pool);
    *slot = aura__packet_ref(p);
}

struct aura_packet *aura__source_kept(const struct aura_source *s, unsigned layer, uint64_t eseq) {
    const struct aura_source_layer *l = &s->layer[layer];
    struct aura_packet *p = l->ring ? l->ring[eseq & l->ring_mask] : NULL;
    return p && p->eseq == eseq ? p : NULL;
}

static unsigned wire_size(const struct aura_source *s, unsigned i, unsigned own_ext_bytes) {
    unsigned ext = own_ext_bytes + s->batch[i].ext_bytes;
    return ((ext + 3) & ~3u) + s->batch[i].p->payload_len;
}

/* Senders split a frame about equally, to a byte. The kernel takes packets as one only if all but
 * the last are equal: so a few bytes of RTP padding (RFC 3550 section 5.1) make them so. */
static void equalize(const struct aura_source *s, unsigned own_ext_bytes,
                     uint8_t pad[AURA_SOURCE_BATCH]) {
    for (unsigned from = 0, to; from < s->batch_count; from = to) {
        const struct aura_packet *first = s->batch[from].p;
        unsigned most = 0;
        for (to = from; to < s->batch_count && s->batch[to].layer == s->batch[from].layer &&
                        s->batch[to].p->ts == first->ts;
             to++) {
            unsigned size = wire_size(s, to, own_ext_bytes);
            most = size > most ? size : most;
        }
        for (unsigned i = from; i < to; i++) {
            unsigned missing = most - wire_size(s, i, own_ext_bytes);
            bool worth = s->kind == AURA_KIND_VIDEO && to - from > 1 && i + 1 < to &&
                         missing <= PAD_MAX && first->payload_len >= PAD_FROM;
            pad[i] = worth ? (uint8_t)missing : 0;
        }
    }
}

/* Of hundreds of subscribers none is in the processor's cache when its turn comes: what the next
 * one and the one after it need is asked for while this one is served. */
static void fetch_ahead(const struct aura_source *s, const struct aura_subscribed *sub) {
    const struct aura_node *next = sub->source_node.next;
    if (next == &s->subs.head) {
        return;
    }
    const struct aura_subscribed *second;
    aura__peer_prefetch(AURA_CONTAINER(next, struct aura_subscribed, source_node)->peer);
    if (next->next != &s->subs.head) {
        second = AURA_CONTAINER(next->next, struct aura_subscribed, source_node);
        aura_prefetch(second, sizeof(*second));
        aura_prefetch(second->peer, sizeof(*second->peer));
    }
}

void aura__source_flush(struct aura_source *s) {
    unsigned n = s->batch_count;
    aura_node_remove(&s->batch_node);
    if (!aura_list_empty(&s->subs)) {
        s->worker->sending_us = aura_now_us(s->worker->shared->clock);
    }
    AURA_LIST_EACH(&s->subs, struct aura_subscribed, sub, source_node) {
        uint8_t pad[AURA_SOURCE_BATCH];
        fetch_ahead(s, sub);
        equalize(s, sub->ext_bytes, pad);
        for (unsigned i = 0; i < n && !s->muted; i++) {
            aura__subscribed_packet(sub, s->batch[i].layer, s->batch[i].p, pad[i]);
        }
    }
    s->batch_count = 0;
    for (unsigned i = 0; i < n; i++) {
        aura__packet_unref(s->batch[i].p, s->worker->pool);
    }
}

void aura__source_flush_all(struct aura_worker *w) {
    while (!aura_list_empty(&w->batches)) {
        aura__source_flush(AURA_LIST_FIRST(&w->batches, struct aura_source, batch_node));
    }
}

bool aura__source_waits(const struct aura_source *s, const struct aura_packet *p) {
    for (unsigned i = 0; i < s->batch_count; i++) {
        if (s->batch[i].p == p) {
            return true;
        }
    }
    return false;
}

static void put_into_batch(struct aura_source *s, unsigned layer, struct aura_packet *p) {
    if (s->batch_count == AURA_SOURCE_BATCH) {
        aura__source_flush(s);
    }
    if (s->batch_count == 0) {
        aura_list_add(&s->worker->batches, &s->batch_node);
    }
    unsigned ext_bytes = 0;
    for (size_t i = 0; i < p->ext_count; i++) {
        /* Few take hints: the others' packets must not be made equal to what they don't get. */
        ext_bytes += p->exts[i].ext == AURA_EXT_AIC ? 0 : p->exts[i].len + 1u;
    }
    s->batch[s->batch_count].p = aura__packet_ref(p);
    s->batch[s->batch_count].ext_bytes = (uint8_t)(ext_bytes < UINT8_MAX ? ext_bytes : UINT8_MAX);
    s->batch[s->batch_count++].layer = (uint8_t)layer;
}

void aura__source_packet(struct aura_source *s, unsigned layer, struct aura_packet *p) {
    struct aura_source_layer *l = &s->layer[layer];
    if (p->payload_len || layer < AURA_LAYER_AIC) {
        keep(s, l, p); /* and no mark of silence (derived_sound.h) */
    }
    if (p->eseq > l->newest_eseq) {
        l->newest_eseq = p->eseq;
    }
    l->arrival_us = p->arrival_us;
    l->started = true;
    if (p->epoch != l->epoch) {
        l->epoch = p->epoch;
        l->sr = (struct aura_sr_source){.has_sr = false}; /* another clock */
    }
    if (s->kind == AURA_KIND_VIDEO && layer < AURA_MEDIA_LAYERS_MAX) {
        s->svc |= s->layer_count == 1 && p->spatial > 0;
        aura__rates_add(&s->rates, s->layer_count > 1 ? layer : p->spatial, p->temporal,
                        (size_t)p->len + PACKET_OVERHEAD, p->frame_start, p->arrival_us);
    }
    if (!p->recovered) {
        l->sr.clock_rate = p->clock_rate;
        aura_sr_source_packet(&l->sr, p->ts, p->arrival_us);
    }
    aura__stats_soon(s->worker);
    if (s->muted || s->hushed) {
        return;
    }
    if (p->key_frame) {
        l->key_eseq = p->eseq;
        l->key_us = p->arrival_us;
        l->key_wanted_us = 0; /* who cannot begin with this one asks again */
        l->key_hurry_us = 0;
    }
    if (!aura_list_empty(&s->subs)) {
        put_into_batch(s, layer, p);
    }
    struct aura_msg m = {
        .type = AURA_MSG_PACKET, .id = s->id, .a = (uint8_t)layer, .b = (uint8_t)s->kind, .ptr = p};
    for (uint32_t left = s->remote_workers; left; left &= left - 1) {
        aura__worker_share(s->worker, (unsigned)__builtin_ctz(left), &m);
    }
    if (l->key_wanted_us) {
        aura__source_want_key(s, layer); /* throttled: asks again when it is time */
    }
}

void aura__source_sr(struct aura_source *s, unsigned layer, const struct aura_rtcp_sender *sr,
                     uint64_t arrival_us) {
    bool first = !s->layer[layer].sr.has_sr;
    aura_sr_source_report(&s->layer[layer].sr, sr, arrival_us);
    /* AI Core's frames keep the times of the ones they were made from. */
    for (unsigned i = AURA_LAYER_AIC; i < AURA_SOURCE_LAYERS; i++) {
        aura_sr_source_report(&s->layer[i].sr, sr, arrival_us);
    }
    if (first) {
        AURA_LIST_EACH(&s->subs, struct aura_subscribed, sub, source_node) {
            aura__subscribed_first_sr(sub, layer);
        }
    }
    for (uint32_t left = s->remote_workers; left; left &= left - 1) {
        struct aura_msg m = {.type = AURA_MSG_REPLICA_SR,
                             .id = s->id,
                             .a = (uint8_t)layer,
                             .u = sr->ntp,
                             .w = {sr->rtp, 0},
                             .v = arrival_us};
        aura__worker_tell_worker(s->worker, (unsigned)__builtin_ctz(left), &m);
    }
}

void aura__source_set_muted(struct aura_source *s, bool muted) {
    aura__source_flush(s);
    s->muted = muted;
    AURA_LIST_EACH(&s->subs, struct aura_subscribed, sub, source_node) {
        if (muted) {
            sub->running = false;
        } else {
            aura__subscribed_begin(sub);
        }
    }
}

void aura__source_set_aic(struct aura_source *s, uint8_t aic, uint32_t bps) {
    s->aic_bps = bps;
    if (s->aic == aic) {
        return; /* a new rate counts when the downlinks' budgets are shared out next */
    }
    aura__source_flush(s);
    s->aic = aic;
    AURA_LIST_EACH(&s->subs, struct aura_subscribed, sub, source_node) {
        /* Another rate, and perhaps another layer that fits: known before anybody goes there. */
        aura__downlink_wishes_changed(sub);
        aura__subscribed_retarget(sub);
        if (sub->running && sub->layer == AURA_LAYER_AIC && sub->target != AURA_LAYER_AIC) {
            aura__source_hurry_key(s, sub->target); /* its picture stands until then */
        }
    }
}

unsigned aura__source_aic_spatial(const struct aura_source *s) {
    if (s->layer_count > 1 && s->aic) {
        return s->aic - 1u;
    }
    unsigned top = 0;
    for (unsigned i = 1; s->svc && i < AURA_MEDIA_LAYERS_MAX; i++) {
        for (unsigned t = 0; t < AURA_RATES_TEMPORAL; t++) {
            top = s->rates.layer[i][t].bps ? i : top;
        }
    }
    return top;
}

void aura__source_set_hushed(struct aura_source *s, bool hushed) {
    aura__source_flush(s);
    s->hushed = hushed;
}

static bool asked_lately(const struct aura_source *s, unsigned layer, uint64_t now_us) {
    const struct aura_source_layer *l = &s->layer[layer];
    if (layer == AURA_LAYER_AIC) {
        return false; /* it is asked with the next frame: there is nothing to spare it */
    }
    uint64_t apart_us = s->worker->shared->conf.pli_throttle_us[layer];
    if (now_us < l->key_hurry_us && apart_us > HURRY_AGAIN_US) {
        apart_us = HURRY_AGAIN_US;
    }
    return l->key_asked_us && now_us - l->key_asked_us < apart_us;
}

void aura__source_want_key(struct aura_source *s, unsigned layer) {
    struct aura_source_layer *l = &s->layer[layer];
    uint64_t now_us = aura__now(s->worker);
    if (s->kind != AURA_KIND_VIDEO) {
        return;
    }
    if (!l->key_wanted_us) {
        l->key_wanted_us = now_us;
    }
    if (asked_lately(s, layer, now_us)) {
        return;
    }
    if (s->muted) {
        return; /* the first packet after it asks again */
    }
    if (s->replica) {
        l->key_asked_us = now_us;
        aura__replica_ask_key(s, layer);
    } else if (aura__published_ask_key(s, layer)) {
        l->key_asked_us = now_us;
    }
}

void aura__source_hurry_key(struct aura_source *s, unsigned layer) {
    s->layer[layer].key_hurry_us = aura__now(s->worker) + HURRY_US;
    aura__source_want_key(s, layer);
}

unsigned aura__source_pick(const struct aura_source *s, unsigned max, uint64_t now_us) {
    unsigned lowest = AURA_MEDIA_LAYERS_MAX, best = AURA_MEDIA_LAYERS_MAX;
    unsigned freshest = 0;
    for (unsigned i = 0; i < s->layer_count; i++) {
        const struct aura_source_layer *l = &s->layer[i];
        if (l->arrival_us > s->layer[freshest].arrival_us) {
            freshest = i;
        }
        if (l->started && now_us < l->arrival_us + AURA_LAYER_QUIET_US) {
            lowest = lowest == AURA_MEDIA_LAYERS_MAX ? i : lowest;
            best = i <= max ? i : best;
        }
    }
    if (best < AURA_MEDIA_LAYERS_MAX) {
        return best;
    }
    return lowest < AURA_MEDIA_LAYERS_MAX ? lowest : freshest;
}

struct aura_source *aura__source_attach(struct aura_worker *w, aura_pub_id id,
                                        enum aura_kind kind) {
    struct aura_source *s = aura__source_find(w, id);
    unsigned owner = (unsigned)(id & 0xff);
    if (!s && owner != w->index && owner < w->shared->worker_count &&
        aura__replica_new(&s, w, id, kind)) {
        return NULL;
    }
    return s;
}

void aura__source_idle(struct aura_source *s) {
    if (s->replica && aura_list_empty(&s->subs)) {
        aura__replica_free(s);
    }
}
