/* SPDX-License-Identifier: Apache-2.0 */
/* A packet's way from the decrypted bytes to the shared packet that is forwarded. */
#include "sfu/published.h"

#include "base/mem.h"
#include "rtp/opus.h"
#include "rtp/rtx.h"
#include "sfu/ceiling.h"
#include "sfu/derived.h"
#include "sfu/derived_sound.h"
#include "sfu/governed.h"
#include "sfu/levels.h"

#include <string.h>

enum {
    RESTART_GAP = 4096, /* between the numbers of two runs: more than anything asks for again */
    LEVEL_DEFAULT_US = 20000,
    PID_BASE = 1 << 16, /* so that a late picture's id does not go below zero */
};

/* What is passed on to subscribers that negotiated it; the rest is per hop or of no use to them. */
static const uint8_t forwarded_exts[] = {
    AURA_EXT_AUDIO_LEVEL,
    AURA_EXT_ABS_CAPTURE_TIME,
    AURA_EXT_DEPENDENCY_DESCRIPTOR,
    AURA_EXT_VIDEO_ORIENTATION,
    AURA_EXT_COLOR_SPACE,
    AURA_EXT_VIDEO_CONTENT_TYPE,
    AURA_EXT_AIC,
};
_Static_assert(sizeof(forwarded_exts) <= AURA_PACKET_EXTS_MAX, "all of them fit in a packet");

const struct aura_media_codec *aura__published_codec(const struct aura_published *pub, uint8_t pt) {
    int at = pub->codec_of_pt[pt & 0x7f];
    return at >= 0 ? &pub->conf.media.codecs[at] : NULL;
}

static void record_twcc(struct aura_peer *peer, const struct aura_rtp *rtp) {
    struct aura_rtp_item item;
    if (peer->twcc_id && aura_rtp_find(rtp, peer->twcc_id, &item) && item.len >= 2) {
        aura_twcc_record(peer->twcc, aura_get_u16(item.data), aura__now(peer->worker));
        aura__rtcp_twcc_soon(peer);
    }
}

static void tell_layer(struct aura_stream *s, const struct aura_media_codec *codec) {
    struct aura_sfu_layer *layer = aura_zalloc(sizeof(*layer));
    if (!layer) {
        return; /* the next packet tries again */
    }
    layer->codec = codec->codec;
    layer->pt = codec->pt;
    layer->ssrc = s->ssrc;
    layer->rtx_ssrc = s->rtx_ssrc;
    if (s->index < s->pub->conf.stream_count) {
        memcpy(layer->rid, s->pub->conf.streams[s->index].rid, sizeof(layer->rid));
    }
    struct aura_msg m = {.type = AURA_MSG_PUB_LAYER, .id = s->pub->source.id, .ptr = layer};
    s->told = true;
    aura__worker_tell(s->pub->peer->worker, &m);
}

static void begin_run(struct aura_stream *s, const struct aura_media_codec *codec) {
    aura_recv_stats_init(&s->stats, codec->clock_rate ? codec->clock_rate : 90000);
    s->stat_expected = s->stat_received = s->reported = 0;
    s->eseq_base = s->newest_eseq ? s->newest_eseq + RESTART_GAP : 0;
    if ((codec->feedback & AURA_FB_NACK) && !s->nack && aura_nack_new(&s->nack)) {
        s->nack = NULL; /* no memory: media without repair */
    }
}

/* The packet's number over all runs of the stream. @return false if it must be dropped */
static bool number(struct aura_stream *s, const struct aura_media_codec *codec,
                   const struct aura_rtp *rtp, size_t len, bool recovered, uint64_t *eseq) {
    uint64_t now_us = aura__now(s->pub->peer->worker);
    if (recovered) {
        if (!s->stats.started) {
            return false; /* nothing was lost yet */
        }
        uint64_t newest = s->stats.max_eseq;
        *eseq =
            s->eseq_base + newest + (uint64_t)(int64_t)aura_seq_diff(rtp->seq, (uint16_t)newest);
        return *eseq <= s->eseq_base + newest;
    }
    if (!s->stats.started) {
        begin_run(s, codec);
    }
    switch (aura_recv_stats_packet(&s->stats, rtp->seq, rtp->ts, now_us, len, eseq)) {
    case AURA_RECV_OK:
        break;
    case AURA_RECV_RESTART:
        s->epoch++;
        s->stat_expected = s->stat_received = s->reported = 0;
        s->eseq_base = s->newest_eseq + RESTART_GAP;
        break;
    case AURA_RECV_DUPLICATE:
    case AURA_RECV_OLD:
        return false;
    }
    *eseq += s->eseq_base;
    return true;
}

static void note_exts(struct aura_packet *p, const struct aura_rtp_exts *x, const uint8_t *base) {
    p->ext_count = 0;
    for (size_t i = 0; i < sizeof(forwarded_exts); i++) {
        enum aura_ext ext = (enum aura_ext)forwarded_exts[i];
        if (aura_rtp_has(x, ext)) {
            struct aura_packet_ext *e = &p->exts[p->ext_count++];
            e->ext = (uint8_t)ext;
            e->len = x->at[ext].len;
            e->at = (uint16_t)(x->at[ext].data - base);
        }
    }
}

/* Picture ids have 7 or 15 bits: extended next to the newest one. */
static uint64_t extend_pid(struct aura_stream *s, const struct aura_payload *info) {
    uint32_t range = info->pid_long ? 0x8000 : 0x80;
    if (!s->pid) {
        s->pid = PID_BASE + info->pid;
    }
    uint32_t delta = (info->pid - (uint32_t)s->pid) & (range - 1);
    uint64_t pid = delta < range / 2 ? s->pid + delta : s->pid + delta - range;
    s->pid = pid > s->pid ? pid : s->pid;
    return pid;
}

static void note_payload(struct aura_stream *s, struct aura_packet *p,
                         const struct aura_payload *info) {
    p->key_frame = info->key_frame_start;
    p->frame_start = info->start_of_frame;
    p->frame_end = info->end_of_frame;
    p->spatial = info->spatial < AURA_MEDIA_LAYERS_MAX ? info->spatial : AURA_MEDIA_LAYERS_MAX - 1;
    p->temporal = info->temporal < AURA_RATES_TEMPORAL ? info->temporal : AURA_RATES_TEMPORAL - 1;
    p->up_from = info->up_from;
    p->up_spatial = info->up_spatial;
    memcpy(p->up_to, info->up_to, sizeof(p->up_to));
    p->pid_at = info->pid_at;
    p->tl0_at = info->tl0_at;
    p->keyidx_at = info->keyidx_at;
    p->pid_long = info->pid_long;
    p->pid = info->pid_at ? extend_pid(s, info) : 0;
    p->tl0 = info->tl0;
    p->keyidx = info->keyidx;
}

/* The packet's dependency descriptor, read with the stream's structure, which a key frame
 * replaces. @return NULL if there is none that can be read */
static const struct aura_dd *read_dd(struct aura_stream *s, const struct aura_rtp_exts *x,
                                     struct aura_dd *out) {
    enum aura_ext ext = AURA_EXT_DEPENDENCY_DESCRIPTOR;
    if (!aura_rtp_has(x, ext)) {
        return NULL;
    }
    if (!s->dd) {
        s->dd = aura_calloc(2, sizeof(*s->dd));
        if (!s->dd) {
            return NULL;
        }
    }
    struct aura_dd_structure *next = &s->dd[s->dd_at ^ 1];
    if (aura_dd_parse(out, x->at[ext].data, x->at[ext].len, s->payload.dd, next)) {
        return NULL;
    }
    if (out->has_structure) {
        s->dd_at ^= 1;
        s->payload.dd = next;
    }
    return out;
}

static void note_level(struct aura_published *pub, const struct aura_packet *p,
                       const struct aura_rtp_exts *x) {
    if (pub->source.kind != AURA_KIND_AUDIO || !aura_rtp_has(x, AURA_EXT_AUDIO_LEVEL) ||
        p->recovered) {
        return;
    }
    uint32_t us = LEVEL_DEFAULT_US;
    if (p->eseq == pub->level_eseq + 1 && p->clock_rate) {
        uint64_t us64 = (uint64_t)(uint32_t)(p->ts - pub->level_ts) * 1000000 / p->clock_rate;
        us = us64 <= 120000 ? (uint32_t)us64 : LEVEL_DEFAULT_US;
    }
    pub->level_eseq = p->eseq;
    pub->level_ts = p->ts;
    pub->level_seen_us = p->arrival_us;
    aura_audio_level_observe(&pub->level, x->audio_level_dbov, us, p->arrival_us);
    aura__levels_observed(pub);
}

static void note_codec(struct aura_packet *p, const struct aura_media_codec *codec) {
    p->codec = (uint8_t)codec->codec;
    p->pt = codec->pt;
    p->clock_rate = codec->clock_rate;
    p->h264_mode = codec->h264_packetization_mode;
    p->h264_profile_level_id = codec->h264_profile_level_id;
    p->vp9_profile = codec->vp9_profile;
}

static void inspect(struct aura_stream *s, struct aura_packet *p, const struct aura_rtp *rtp) {
    struct aura_published *pub = s->pub;
    struct aura_rtp_exts x;
    struct aura_payload info;
    struct aura_dd dd;
    aura_rtp_ext_parse_all(rtp, &pub->conf.media.ext, &x);
    note_exts(p, &x, rtp->payload - rtp->header_len);
    if (pub->source.kind == AURA_KIND_VIDEO) {
        const struct aura_dd *have = read_dd(s, &x, &dd);
        aura_payload_inspect(&s->payload, (enum aura_codec)p->codec, rtp, have, pub->conf.encrypted,
                             &info);
        note_payload(s, p, &info);
        p->dd_frame = have ? have->frame_number : 0;
        s->frames += p->frame_start;
        s->key_frames += p->key_frame;
    } else {
        static const struct aura_payload none = {.up_to = {-1, -1, -1}};
        note_payload(s, p, &none);
        p->samples = pub->sound ? (uint16_t)aura__derived_sound_samples(
                                      (enum aura_codec)p->codec, rtp->payload, rtp->payload_len)
                                : 0;
        note_level(pub, p, &x);
    }
}

static void repair(struct aura_stream *s, const struct aura_packet *p) {
    if (!s->nack) {
        return;
    }
    uint64_t now_us = p->arrival_us;
    enum aura_nack_result r = aura_nack_received(s->nack, p->eseq, now_us);
    s->repaired += r == AURA_NACK_REPAIRED;
    if (p->key_frame) {
        aura_nack_key_frame(s->nack, p->eseq);
    }
    if (aura_nack_outstanding(s->nack)) {
        aura__rtcp_nack_soon(s->pub->peer);
    }
}

/* Makes the shared packet. @return NULL: dropped and counted */
static struct aura_packet *make_packet(struct aura_stream *s, const struct aura_media_codec *codec,
                                       const uint8_t *data, size_t len, bool recovered) {
    struct aura_worker *w = s->pub->peer->worker;
    struct aura_rtp rtp;
    uint64_t eseq;
    struct aura_packet *p = aura__packet_new(w->pool, len);
    if (!p) {
        aura__drop(w, AURA_DROP_LIMIT);
        return NULL;
    }
    memcpy(p->data, data, len);
    p->len = (uint16_t)len;
    if (aura_rtp_parse(&rtp, p->data, len)) {
        aura__drop(w, AURA_DROP_BAD_RTP);
        return aura__packet_unref(p, w->pool);
    }
    if (!number(s, codec, &rtp, len, recovered, &eseq) ||
        aura__source_kept(&s->pub->source, s->index, eseq)) {
        aura__drop(w, AURA_DROP_STALE);
        return aura__packet_unref(p, w->pool);
    }
    p->eseq = eseq;
    p->epoch = s->epoch;
    p->ts = rtp.ts;
    p->marker = rtp.marker;
    p->recovered = recovered;
    p->aic = false;
    p->arrival_us = aura__now(w);
    p->payload_at = (uint16_t)rtp.header_len;
    p->payload_len = (uint16_t)rtp.payload_len;
    note_codec(p, codec);
    inspect(s, p, &rtp);
    return p;
}

static void receive(struct aura_stream *s, const struct aura_media_codec *codec,
                    const uint8_t *data, size_t len, bool recovered) {
    struct aura_published *pub = s->pub;
    struct aura_peer *peer = pub->peer;
    struct aura_packet *p = make_packet(s, codec, data, len, recovered);
    if (!p) {
        return;
    }
    s->newest_eseq = p->eseq > s->newest_eseq ? p->eseq : s->newest_eseq;
    s->packets++;
    s->bytes += len;
    peer->remb_bytes += len;
    repair(s, p);
    if (!s->told) {
        tell_layer(s, codec);
    }
    aura__rtcp_report_soon(peer);
    aura__source_packet(&pub->source, s->index, p);
    if (pub->derived) {
        aura__derived_packet(pub->derived, s->index, p);
    }
    if (pub->sound) {
        aura__derived_sound_packet(pub->sound, p);
    }
    if (pub->governed) {
        aura__governed_packet(pub->governed, s->index, p);
    }
    aura__packet_unref(p, peer->worker->pool);
}

/* An RTX packet (RFC 4588): the original one again, under the stream's SSRC. */
static void receive_rtx(struct aura_stream *s, const struct aura_rtp *rtp, uint8_t *data,
                        size_t len) {
    struct aura_worker *w = s->pub->peer->worker;
    int at = s->pub->rtx_of_pt[rtp->pt];
    if (at < 0) {
        aura__drop(w, AURA_DROP_UNKNOWN_PT);
        return;
    }
    const struct aura_media_codec *codec = &s->pub->conf.media.codecs[at];
    int err = aura_rtx_unwrap(&data, &len, codec->pt, s->ssrc);
    if (err == AURA_EIGNORED || s->ssrc == 0) {
        return; /* a bandwidth probe, or repair of what has not begun */
    }
    if (err) {
        aura__drop(w, AURA_DROP_BAD_RTP);
        return;
    }
    receive(s, codec, data, len, true);
}

static struct aura_ssrc *sender_of(struct aura_peer *peer, const struct aura_rtp *rtp) {
    struct aura_ssrc *e = peer->last;
    if (!e || e->ssrc != rtp->ssrc) {
        e = aura_map_get_u64(peer->remote, rtp->ssrc);
        e = e ? e : aura__published_bind(peer, rtp);
        peer->last = e ? e : peer->last;
    }
    return e;
}

void aura__published_receive(struct aura_peer *peer, uint8_t *data, size_t len) {
    struct aura_worker *w = peer->worker;
    struct aura_rtp rtp;
    if (aura_rtp_parse(&rtp, data, len)) {
        aura__drop(w, AURA_DROP_BAD_RTP);
        return;
    }
    struct aura_ssrc *e = sender_of(peer, &rtp);
    bool video = !e || e->stream->pub->source.kind == AURA_KIND_VIDEO;
    if (peer->police.bps && aura__ceiling_refuses(peer, len, video)) {
        return; /* to transport-wide feedback too it is lost */
    }
    record_twcc(peer, &rtp);
    if (!e) {
        aura__drop(w, AURA_DROP_UNKNOWN_SSRC);
        return;
    }
    if (e->rtx) {
        receive_rtx(e->stream, &rtp, data, len);
        return;
    }
    const struct aura_media_codec *codec = aura__published_codec(e->stream->pub, rtp.pt);
    if (!codec) {
        aura__drop(w, AURA_DROP_UNKNOWN_PT);
        return;
    }
    receive(e->stream, codec, data, len, false);
}
