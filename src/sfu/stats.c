/* SPDX-License-Identifier: Apache-2.0 */
#include "sfu/stats.h"

#include "base/mem.h"
#include "sfu/derived.h"
#include "sfu/derived_meter.h"
#include "sfu/derived_sound.h"
#include "sfu/downlink.h"
#include "sfu/published.h"
#include "sfu/subscribed.h"
#include "transport/pc.h"

static uint32_t rate_bps(uint64_t bytes, uint64_t us) {
    uint64_t bps = us ? bytes * 8 * AURA_US_PER_S / us : 0;
    return bps > UINT32_MAX ? UINT32_MAX : (uint32_t)bps;
}

static void add_stream(struct aura_stream *s, struct aura_sfu_pub_stats *out, uint64_t *bytes,
                       uint64_t now_us) {
    uint64_t expected = s->stats.started ? aura_recv_stats_expected(&s->stats) : 0;
    uint64_t received = s->stats.started ? s->stats.received : 0;
    int32_t lost = s->stats.started ? aura_recv_stats_lost(&s->stats) : 0;
    uint64_t exp = expected > s->stat_expected ? expected - s->stat_expected : 0;
    uint64_t reordered = s->stats.started ? s->stats.reordered : 0;
    uint64_t rec = received > s->stat_received ? received - s->stat_received : 0;
    out->packets += s->packets;
    out->bytes += s->bytes;
    out->packets_lost += lost > 0 ? (uint64_t)lost : 0;
    out->packets_repaired += s->repaired;
    out->nacks_sent += s->nack ? aura_nack_stats(s->nack).asked : 0;
    out->plis_sent += s->plis;
    out->frames += s->frames;
    out->key_frames += s->key_frames;
    out->interval_packets += (uint32_t)(s->packets - s->stat_packets);
    out->interval_expected += (uint32_t)exp;
    out->interval_lost += (uint32_t)(exp > rec ? exp - rec : 0);
    out->interval_reordered +=
        (uint32_t)(reordered > s->stat_reordered ? reordered - s->stat_reordered : 0);
    if (s->stats.started) {
        uint32_t jitter_us = aura_recv_stats_jitter_us(&s->stats);
        out->jitter_us = jitter_us > out->jitter_us ? jitter_us : out->jitter_us;
    }
    const struct aura_source_layer *l = &s->pub->source.layer[s->index];
    if (l->started && now_us < l->arrival_us + AURA_LAYER_QUIET_US) {
        out->layers_active |= (uint8_t)(1u << s->index);
    }
    *bytes += s->bytes - s->stat_bytes;
    s->stat_expected = expected;
    s->stat_received = received;
    s->stat_reordered = reordered;
    s->stat_packets = s->packets;
    s->stat_bytes = s->bytes;
}

/* @return true if media came since the last report */
static bool report_pub(struct aura_published *pub, uint64_t now_us) {
    struct aura_sfu_pub_stats *out = aura_zalloc(sizeof(*out));
    if (!out) {
        return true;
    }
    uint64_t bytes = 0;
    out->pub = pub->source.id;
    for (size_t i = 0; i < AURA_MEDIA_LAYERS_MAX; i++) {
        add_stream(&pub->stream[i], out, &bytes, now_us);
    }
    out->rtt_us = aura_pc_rtt_us(pub->peer->pc);
    out->bitrate_bps = rate_bps(bytes, now_us - pub->stats_us);
    pub->stats_us = now_us;
    bool flows = out->interval_packets > 0;
    struct aura_msg m = {.type = AURA_MSG_PUB_STATS, .id = out->pub, .ptr = out};
    aura__worker_tell(pub->peer->worker, &m);
    return flows;
}

static void report_sub(struct aura_subscribed *sub, uint64_t now_us) {
    struct aura_sfu_sub_stats *out = aura_zalloc(sizeof(*out));
    if (!out) {
        return;
    }
    out->sub = sub->id;
    out->packets = sub->packets;
    out->bytes = sub->bytes;
    out->retransmits = sub->retransmits;
    out->nacks_received = sub->nacks;
    out->plis_received = sub->plis;
    out->interval_packets = (uint32_t)(sub->packets - sub->reported_packets);
    out->interval_lost = sub->interval_lost;
    out->jitter_us = sub->jitter_us;
    out->rtt_us = sub->rtt_us;
    out->aic = sub->running && sub->layer >= AURA_LAYER_AIC;
    out->bitrate_bps = rate_bps(sub->bytes - sub->reported_bytes, now_us - sub->reported_us);
    sub->reported_packets = sub->packets;
    sub->reported_bytes = sub->bytes;
    sub->reported_us = now_us;
    sub->interval_lost = 0;
    struct aura_msg m = {.type = AURA_MSG_SUB_STATS, .id = sub->id, .ptr = out};
    aura__worker_tell(sub->peer->worker, &m);
}

static void report_peer(struct aura_peer *peer) {
    const struct aura_downlink *d = peer->down;
    struct aura_sfu_peer_stats *out = d && d->bwe ? aura_zalloc(sizeof(*out)) : NULL;
    if (!out) {
        return;
    }
    out->peer = peer->id;
    aura_bwe_info(d->bwe, &out->bwe);
    out->given_bps = d->result.given_bps;
    out->wanted_bps = d->result.wanted_bps;
    out->audio_bps = d->audio_bps;
    out->queued_packets = (uint32_t)d->queued;
    out->queue_drops = (uint32_t)d->queue_drops;
    struct aura_msg m = {.type = AURA_MSG_PEER_STATS, .id = peer->id, .ptr = out};
    aura__worker_tell(peer->worker, &m);
}

void aura__stats_aic(struct aura_source *s, bool bytes) {
    struct aura_published *pub =
        s->replica ? NULL : AURA_CONTAINER(s, struct aura_published, source);
    if (s->replica ? !s->aic_sent || !bytes : !pub->derived && !pub->sound) {
        return;
    }
    struct aura_sfu_aic *out = aura_zalloc(sizeof(*out));
    if (out) {
        if (pub && pub->derived) {
            aura__derived_report(pub->derived, out);
        } else if (pub) {
            aura__derived_sound_report(pub->sound, out);
        }
        if (bytes) {
            aura__meter_bytes(s, out);
            s->aic_told_us = aura__now(s->worker);
        }
        struct aura_msg m = {.type = AURA_MSG_AIC, .id = s->id, .ptr = out};
        aura__worker_tell(s->worker, &m);
    }
}

static void report_all(struct aura_worker *w, bool asked);

static void due(void *arg, uint64_t now_us) {
    (void)now_us;
    report_all(arg, false);
}

void aura__stats_soon(struct aura_worker *w) {
    aura__wheel_ensure(&w->wheel, &w->stats_due, AURA_SFU_STATS_US, due, w);
}

void aura__stats_report(struct aura_worker *w) {
    report_all(w, true);
}

static void report_all(struct aura_worker *w, bool asked) {
    uint64_t now_us = aura__now(w);
    bool flows = false;
    size_t it = 0;
    struct aura_source *s;
    while ((s = aura_map_next(w->sources, &it)) != NULL) {
        /* While somebody looks the bytes of all workers come when he asks: so rates are right. */
        aura__stats_aic(s, asked || now_us >= s->aic_told_us + AURA_SFU_STATS_US);
        if (!s->replica) {
            flows |= report_pub(AURA_CONTAINER(s, struct aura_published, source), now_us);
        } else {
            flows |= !aura_list_empty(&s->subs);
        }
    }
    struct aura_subscribed *sub;
    for (it = 0; (sub = aura_map_next(w->subs, &it)) != NULL;) {
        report_sub(sub, now_us);
    }
    struct aura_peer *peer;
    for (it = 0; (peer = aura_map_next(w->peers, &it)) != NULL;) {
        report_peer(peer);
    }
    if (flows) {
        aura__stats_soon(w);
    }
}
