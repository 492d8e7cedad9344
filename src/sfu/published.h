/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file published.h  A track on its way in: its streams (simulcast layers), repair, statistics.
 *
 * Threading: worker-affine, on the worker of the publisher. Private to src/sfu.
 */
#ifndef AURA_SFU_PUBLISHED_H
#define AURA_SFU_PUBLISHED_H

#include "rtp/audio_level.h"
#include "rtp/nack.h"
#include "rtp/payload.h"
#include "rtp/recv_stats.h"
#include "rtp/rtp.h"
#include "sfu/peer.h"
#include "sfu/source.h"

/** One encoding that arrives. */
struct aura_stream {
    struct aura_published *pub;
    uint8_t index;           /* layer */
    uint8_t epoch;           /* restarts so far */
    bool told;               /* the control thread knows of it */
    uint32_t ssrc, rtx_ssrc; /* 0 = not bound yet */
    uint64_t eseq_base;      /* added, so that numbers grow over restarts */
    uint64_t newest_eseq;
    struct aura_recv_stats stats;
    struct aura_nack *nack; /* NULL where not negotiated */
    struct aura_payload_state payload;
    struct aura_dd_structure *dd; /* two, used in turns; NULL before the first descriptor */
    unsigned dd_at;
    uint64_t pid; /* newest picture id, extended; 0 = none yet */
    uint8_t fir_seq;
    uint64_t reported; /* stats.received at the last receiver report */

    uint64_t packets, bytes, repaired, plis, frames, key_frames;
    /* At the last statistics. */
    uint64_t stat_expected, stat_received, stat_bytes, stat_packets, stat_reordered;
    uint32_t restarts_seen;
};

struct aura_published {
    struct aura_source source;
    struct aura_peer *peer;
    struct aura_node peer_node;
    struct aura_sfu_pub_conf conf;
    int8_t codec_of_pt[128]; /* index into conf.media.codecs, -1 = none */
    int8_t rtx_of_pt[128];   /* the same for RTX payload types */
    struct aura_stream stream[AURA_MEDIA_LAYERS_MAX];
    struct aura_derived *derived;     /* NULL: AI Core does not compress it … */
    struct aura_derived_sound *sound; /* … nor this, if it is sound */
    struct aura_governed *governed;   /* NULL: its rate is its own */

    struct aura_audio_level level;
    struct aura_node level_node; /* in aura_worker.speaking */
    bool level_told_active;
    float level_told;
    uint32_t level_ts;
    uint64_t level_eseq, level_seen_us;
    uint64_t stats_us;
};

AURA_NODISCARD int aura__published_new(struct aura_peer *peer, aura_pub_id id,
                                       const struct aura_sfu_pub_conf *conf);
void aura__published_free(struct aura_published *pub);
struct aura_published *aura__published_find(const struct aura_worker *w, aura_pub_id id);
void aura__published_update(struct aura_published *pub, const struct aura_sfu_pub_conf *conf);
/** Of its pictures at AI Core: VMAF against what came in; 0 = as AI Core thinks best. */
float aura__published_target_quality(const struct aura_published *pub);
void aura__published_set_muted(struct aura_published *pub, bool muted);
/** The publisher can be reached now: key frames that are waited for are asked for. */
void aura__published_begin(struct aura_published *pub);
/** A worker gets, or needs no more, this track's packets. */
void aura__published_replica(struct aura_published *pub, unsigned worker, bool add);

/** What they have to know of the track changed. */
void aura__published_tell_replicas(struct aura_published *pub);
/** One decrypted RTP packet of a peer (published_receive.c). */
void aura__published_receive(struct aura_peer *peer, uint8_t *data, size_t len);
/** Asks the publisher for a key frame now. @return false if the layer is not there yet */
bool aura__published_ask_key(struct aura_source *source, unsigned layer);

/** Finds or learns what an SSRC is (published_bind.c). @return NULL: unknown */
struct aura_ssrc *aura__published_bind(struct aura_peer *peer, const struct aura_rtp *rtp);
/** Enters an SSRC for a stream; an older one of the same kind is forgotten. */
AURA_NODISCARD int aura__published_set_ssrc(struct aura_stream *s, uint32_t ssrc, bool rtx,
                                            struct aura_ssrc **out);
/** Forgets all SSRCs of a stream. */
void aura__published_unbind(struct aura_stream *s);

/** Statistics of all layers (stats.c). */
const struct aura_media_codec *aura__published_codec(const struct aura_published *pub, uint8_t pt);
/** A sender report of the publisher about one of its SSRCs. */
void aura__published_sender_report(struct aura_stream *s, const struct aura_rtcp_sender *sender);

#endif
