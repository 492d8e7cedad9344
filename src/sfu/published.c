/* SPDX-License-Identifier: Apache-2.0 */
#include "sfu/published.h"

#include "base/mem.h"
#include "sfu/derived.h"
#include "sfu/derived_sound.h"
#include "sfu/governed.h"
#include "sfu/subscribed.h"
#include "transport/pc.h"

#include <string.h>

static void map_payload_types(struct aura_published *pub) {
    memset(pub->codec_of_pt, -1, sizeof(pub->codec_of_pt));
    memset(pub->rtx_of_pt, -1, sizeof(pub->rtx_of_pt));
    for (size_t i = 0; i < pub->conf.media.codec_count; i++) {
        const struct aura_media_codec *c = &pub->conf.media.codecs[i];
        pub->codec_of_pt[c->pt & 0x7f] = (int8_t)i;
        if (c->rtx_pt) {
            pub->rtx_of_pt[c->rtx_pt & 0x7f] = (int8_t)i;
        }
    }
}

/* What the peer's transport-wide settings follow from: they are the same for a whole bundle. */
static void learn_feedback(struct aura_published *pub) {
    struct aura_peer *peer = pub->peer;
    bool twcc = false, remb = false;
    for (size_t i = 0; i < pub->conf.media.codec_count; i++) {
        twcc |= (pub->conf.media.codecs[i].feedback & AURA_FB_TWCC) != 0;
        remb |= (pub->conf.media.codecs[i].feedback & AURA_FB_REMB) != 0;
    }
    if (twcc && pub->conf.media.ext.id[AURA_EXT_TWCC]) {
        peer->twcc_id = pub->conf.media.ext.id[AURA_EXT_TWCC];
        if (!peer->twcc && aura_twcc_new(&peer->twcc)) {
            peer->twcc_id = 0; /* without memory: no feedback rather than no media */
        }
    }
    peer->remb = (peer->remb || remb) && !peer->twcc_id;
}

static int bind_signalled(struct aura_published *pub) {
    int err = 0;
    for (size_t i = 0; i < AURA_MEDIA_LAYERS_MAX && !err; i++) {
        const struct aura_sfu_stream *s = &pub->conf.streams[i];
        if (i >= pub->conf.stream_count) {
            break;
        }
        if (s->ssrc && s->ssrc != pub->stream[i].ssrc) {
            err = aura__published_set_ssrc(&pub->stream[i], s->ssrc, false, NULL);
        }
        if (!err && s->rtx_ssrc && s->rtx_ssrc != pub->stream[i].rtx_ssrc) {
            err = aura__published_set_ssrc(&pub->stream[i], s->rtx_ssrc, true, NULL);
        }
    }
    return err;
}

static void apply(struct aura_published *pub, const struct aura_sfu_pub_conf *conf) {
    pub->conf = *conf;
    pub->source.kind = conf->media.kind;
    pub->source.encrypted = conf->encrypted;
    pub->source.layer_count = (uint8_t)(conf->stream_count ? conf->stream_count : 1);
    map_payload_types(pub);
    learn_feedback(pub);
    bool aic = conf->aic && pub->peer->worker->aic && !conf->encrypted;
    bool govern = aic && conf->govern && conf->media.kind == AURA_KIND_VIDEO;
    aic = aic && !govern;
    if (govern && !pub->governed && aura__governed_new(&pub->governed, pub)) {
        pub->governed = NULL; /* no memory: at its own rate */
    } else if (!govern) {
        pub->governed = aura__governed_free(pub->governed);
    }
    bool has = pub->derived || pub->sound;
    /* Without memory: native. */
    if (aic && !has && conf->media.kind == AURA_KIND_VIDEO) {
        (void)!aura__derived_new(&pub->derived, pub);
    } else if (aic && !has) {
        (void)!aura__derived_sound_new(&pub->sound, pub);
    } else if (!aic && has) {
        pub->derived = aura__derived_free(pub->derived);
        pub->sound = aura__derived_sound_free(pub->sound);
        aura__source_set_aic(&pub->source, 0, 0);
    }
}

static void init_streams(struct aura_published *pub) {
    const struct aura_sfu_conf *c = &pub->peer->worker->shared->conf;
    struct aura_audio_level_conf level = {.active_level = c->audio_active_level,
                                          .min_percentile = c->audio_min_percentile,
                                          .interval_us = c->audio_update_us,
                                          .smooth_intervals = 2};
    aura_audio_level_init(&pub->level, &level);
    for (size_t i = 0; i < AURA_MEDIA_LAYERS_MAX; i++) {
        pub->stream[i].pub = pub;
        pub->stream[i].index = (uint8_t)i;
    }
}

int aura__published_new(struct aura_peer *peer, aura_pub_id id,
                        const struct aura_sfu_pub_conf *conf) {
    if (peer->pub_count >= AURA_SFU_PEER_PUBS_MAX) {
        return AURA_ELIMIT;
    }
    struct aura_published *pub = aura_zalloc(sizeof(*pub));
    if (!pub) {
        return AURA_ENOMEM;
    }
    pub->peer = peer;
    pub->stats_us = aura__now(peer->worker);
    aura_list_add(&peer->pubs, &pub->peer_node);
    peer->pub_count++;
    aura__count(&peer->worker->counters.pubs, 1);
    init_streams(pub);
    int err = aura__source_init(&pub->source, peer->worker, id);
    if (!err) {
        apply(pub, conf);
        err = bind_signalled(pub);
    }
    if (err) {
        aura__published_free(pub);
    }
    return err;
}

void aura__published_free(struct aura_published *pub) {
    struct aura_worker *w = pub->peer->worker;
    for (uint32_t left = pub->source.remote_workers; left; left &= left - 1) {
        struct aura_msg m = {.type = AURA_MSG_REPLICA_END, .id = pub->source.id};
        aura__worker_tell_worker(w, (unsigned)__builtin_ctz(left), &m);
    }
    pub->derived = aura__derived_free(pub->derived);
    pub->sound = aura__derived_sound_free(pub->sound);
    pub->governed = aura__governed_free(pub->governed);
    aura__source_end(&pub->source);
    for (size_t i = 0; i < AURA_MEDIA_LAYERS_MAX; i++) {
        aura__published_unbind(&pub->stream[i]);
        aura_nack_free(pub->stream[i].nack);
        aura_free(pub->stream[i].dd);
    }
    aura_node_remove(&pub->level_node);
    aura_node_remove(&pub->peer_node);
    pub->peer->pub_count--;
    aura__count(&w->counters.pubs, (uint64_t)-1);
    aura_free(pub);
}

struct aura_published *aura__published_find(const struct aura_worker *w, aura_pub_id id) {
    struct aura_source *s = aura__source_find(w, id);
    return s && !s->replica ? AURA_CONTAINER(s, struct aura_published, source) : NULL;
}

static void tell_replica(struct aura_published *pub, unsigned worker) {
    const struct aura_source *s = &pub->source;
    struct aura_msg m = {.type = AURA_MSG_REPLICA_INFO,
                         .id = s->id,
                         .a = (uint8_t)s->kind,
                         .b = s->encrypted,
                         .c = s->muted,
                         .u = s->aic_bps,
                         .w = {s->layer_count, s->aic}};
    aura__worker_tell_worker(pub->peer->worker, worker, &m);
}

void aura__published_tell_replicas(struct aura_published *pub) {
    for (uint32_t left = pub->source.remote_workers; left; left &= left - 1) {
        tell_replica(pub, (unsigned)__builtin_ctz(left));
    }
}

void aura__published_update(struct aura_published *pub, const struct aura_sfu_pub_conf *conf) {
    aura_peer_id peer = pub->conf.peer;
    apply(pub, conf);
    pub->conf.peer = peer;
    if (bind_signalled(pub)) {
        aura__drop(pub->peer->worker, AURA_DROP_LIMIT);
    }
    aura__published_tell_replicas(pub);
}

float aura__published_target_quality(const struct aura_published *pub) {
    const struct aura_sfu_conf *conf = &pub->peer->worker->shared->conf;
    return pub->conf.frugal && conf->aic_saver_quality > 0 ? conf->aic_saver_quality
                                                           : conf->aic_target_quality;
}

void aura__published_set_muted(struct aura_published *pub, bool muted) {
    if (pub->source.muted != muted) {
        aura__source_set_muted(&pub->source, muted);
        aura__published_tell_replicas(pub);
    }
}

void aura__published_begin(struct aura_published *pub) {
    for (unsigned i = 0; i < pub->source.layer_count; i++) {
        if (pub->source.layer[i].key_wanted_us) {
            aura__source_want_key(&pub->source, i);
        }
    }
}

void aura__published_replica(struct aura_published *pub, unsigned worker, bool add) {
    struct aura_source *s = &pub->source;
    uint32_t bit = UINT32_C(1) << worker % AURA_SFU_WORKERS_MAX;
    if (!add) {
        s->remote_workers &= ~bit;
        return;
    }
    s->remote_workers |= bit;
    tell_replica(pub, worker);
    for (unsigned i = 0; i < s->layer_count; i++) {
        const struct aura_sr_source *sr = &s->layer[i].sr;
        if (sr->has_sr) {
            struct aura_msg m = {.type = AURA_MSG_REPLICA_SR,
                                 .id = s->id,
                                 .a = (uint8_t)i,
                                 .u = sr->sr_ntp,
                                 .w = {sr->sr_rtp, 0},
                                 .v = sr->sr_arrival_us};
            aura__worker_tell_worker(pub->peer->worker, worker, &m);
        }
    }
}

bool aura__published_ask_key(struct aura_source *source, unsigned layer) {
    struct aura_published *pub = AURA_CONTAINER(source, struct aura_published, source);
    if (layer == AURA_LAYER_AIC) {
        if (pub->derived) {
            aura__derived_want_key(pub->derived);
        }
        return pub->derived != NULL;
    }
    struct aura_stream *s = &pub->stream[layer];
    struct aura_peer *peer = pub->peer;
    if (!s->ssrc || !peer->connected || !peer->out) {
        return false;
    }
    const struct aura_media_codec *c =
        pub->conf.media.codec_count ? &pub->conf.media.codecs[0] : NULL;
    uint8_t buf[64];
    struct aura_wr w = aura_wr_of(buf, sizeof(buf));
    aura_rtcp_write_rr(&w, peer->rtcp_ssrc, NULL, 0);
    if (c && (c->feedback & AURA_FB_FIR) && !(c->feedback & AURA_FB_PLI)) {
        struct aura_rtcp_fir fir = {.ssrc = s->ssrc, .seq = s->fir_seq++};
        aura_rtcp_write_fir(&w, peer->rtcp_ssrc, &fir, 1);
    } else {
        aura_rtcp_write_pli(&w, peer->rtcp_ssrc, s->ssrc);
    }
    if (w.fail) {
        return false;
    }
    aura__peer_send_rtcp(peer, buf, aura_wr_len(&w));
    s->plis++;
    aura__count(&peer->worker->counters.pli_out, 1);
    return true;
}

void aura__published_sender_report(struct aura_stream *s, const struct aura_rtcp_sender *sender) {
    aura__source_sr(&s->pub->source, s->index, sender, aura__now(s->pub->peer->worker));
}
