/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file source.h  A published track as its subscribers on one worker see it: layers, packets kept
 * for retransmission, sender reports, fan-out.
 *
 * The worker that owns the publisher has it inside struct aura_published; every other worker with
 * subscribers has a replica, fed through the media ring (replica.h). Threading: worker-affine.
 * Private to src/sfu.
 */
#ifndef AURA_SFU_SOURCE_H
#define AURA_SFU_SOURCE_H

#include "base/list.h"
#include "rtp/sr.h"
#include "sfu/packet.h"
#include "sfu/rates.h"
#include "sfu/worker.h"

enum {
    AURA_LAYER_AIC = AURA_MEDIA_LAYERS_MAX, /* AI Core's, behind the publisher's (derived.h) */
    AURA_LAYERS_SOUND =
        2, /* that AI Core makes of sound: for most, for those who save (derived_sound.h) */
    AURA_SOURCE_LAYERS = AURA_MEDIA_LAYERS_MAX + AURA_LAYERS_SOUND,
    AURA_LAYER_QUIET_US = 1000000, /* a layer silent for so long may be replaced by another */
    AURA_SOURCE_BATCH = 32,        /* packets of one turn that are forwarded together */
};

struct aura_source_layer {
    struct aura_packet **ring; /* by eseq & ring_mask; NULL until the first packet */
    uint32_t ring_mask;
    bool started;
    uint8_t epoch;
    uint64_t newest_eseq, arrival_us;
    struct aura_sr_source sr;  /* the publisher's clock */
    uint64_t key_eseq, key_us; /* newest key frame's beginning, and when it came; 0 = none */
    uint64_t key_wanted_us;    /* since when a key frame is waited for; 0 = not */
    uint64_t key_asked_us;     /* last request that went to the publisher or its worker */
    uint64_t key_hurry_us;     /* until then requests wait for each other less */
};

struct aura_source {
    aura_pub_id id;
    struct aura_worker *worker;
    enum aura_kind kind;
    bool encrypted, muted, hushed, replica;
    uint8_t aic;      /* 1 + layer that AURA_LAYER_AIC was made from; 0 = it is not to be had.
                         Sound: a bit for each of AURA_LAYERS_SOUND */
    uint32_t aic_bps; /* what AURA_LAYER_AIC weighs; 0 = not known yet */
    uint64_t aic_sent, aic_native; /* bytes since the last report (derived_meter.h) … */
    uint64_t aic_told_us;          /* … which was then */
    bool svc;                      /* one stream with spatial layers inside */
    uint8_t layer_count;
    struct aura_source_layer layer[AURA_SOURCE_LAYERS];
    struct aura_rates rates; /* by stream, or by spatial layer where there is one stream */
    /* Packets of this turn. They go out subscriber by subscriber: what goes to one address leaves
     * as one (UDP_SEGMENT), and a subscriber's state is fetched into the cache once. */
    struct aura_node batch_node; /* in aura_worker.batches */
    struct {
        struct aura_packet *p;
        uint8_t layer;
        uint8_t ext_bytes; /* of header extensions that are passed on */
    } batch[AURA_SOURCE_BATCH];
    unsigned batch_count;
    struct aura_list subs;   /* struct aura_subscribed.source_node */
    uint32_t remote_workers; /* owner: bit per worker that has a replica */
};

/** @return 0, AURA_ENOMEM, AURA_ELIMIT. The source is in aura_worker.sources then. */
AURA_NODISCARD int aura__source_init(struct aura_source *s, struct aura_worker *w, aura_pub_id id);
/** Detaches subscribers and gives all packets back. */
void aura__source_end(struct aura_source *s);
struct aura_source *aura__source_find(const struct aura_worker *w, aura_pub_id id);

/** Keeps one packet and forwards it to the local subscribers (borrows the caller's reference). */
void aura__source_packet(struct aura_source *s, unsigned layer, struct aura_packet *p);
/** Forwards what waits for the end of the turn. */
void aura__source_flush(struct aura_source *s);
/** The same for all sources of a worker. */
void aura__source_flush_all(struct aura_worker *w);
/** The packet waits for the end of the turn. */
bool aura__source_waits(const struct aura_source *s, const struct aura_packet *p);
/** A packet still kept, or NULL. Borrowed. */
struct aura_packet *aura__source_kept(const struct aura_source *s, unsigned layer, uint64_t eseq);
/** A sender report of the publisher. */
void aura__source_sr(struct aura_source *s, unsigned layer, const struct aura_rtcp_sender *sr,
                     uint64_t arrival_us);
/** Muted: nothing is forwarded; afterwards subscribers go on with a key frame. */
void aura__source_set_muted(struct aura_source *s, bool muted);
/** AI Core's layer can be had, or no more: subscribers come or go at the next key frame there.
 * @param aic  as in struct aura_source */
void aura__source_set_aic(struct aura_source *s, uint8_t aic, uint32_t bps);
/** The spatial layer, as the allocator counts them, that AURA_LAYER_AIC stands for. */
unsigned aura__source_aic_spatial(const struct aura_source *s);
/** Hushed: measured, not forwarded. */
void aura__source_set_hushed(struct aura_source *s, bool hushed);
/** Somebody can go on only with a key frame of this layer: asked for now or once throttling lets
 * it, and again until one comes. Cheap when called for each packet. */
void aura__source_want_key(struct aura_source *s, unsigned layer);
/** The same where a picture stands until that key frame comes: for a second requests wait 100 ms
 * for each other, whatever the throttle is. Asked again so soon, for an encoder may ignore what
 * follows a key frame closely (libwebrtc: 300 ms). */
void aura__source_hurry_key(struct aura_source *s, unsigned layer);
/** The best layer that flows, at most @p max; any other that flows; else the lowest. */
unsigned aura__source_pick(const struct aura_source *s, unsigned max, uint64_t now_us);

/** The local source of a published track for a new subscriber: the track itself, or a replica that
 * is made now. @return NULL without memory, or if the track is gone */
struct aura_source *aura__source_attach(struct aura_worker *w, aura_pub_id id, enum aura_kind kind);
/** Its last subscriber left: a replica ends. */
void aura__source_idle(struct aura_source *s);

/* Replicas (replica.c). */
AURA_NODISCARD int aura__replica_new(struct aura_source **sp, struct aura_worker *w, aura_pub_id id,
                                     enum aura_kind kind);
void aura__replica_free(struct aura_source *s);
void aura__replica_message(struct aura_worker *w, const struct aura_msg *m);
void aura__replica_ask_key(struct aura_source *s, unsigned layer);

#endif
