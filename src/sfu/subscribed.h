/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file subscribed.h  A track on its way to one subscriber: layer choice, rewriting, sending.
 *
 * Within a segment (from one switch of the source to the next) the rewriting is constant: so a
 * repeated packet needs nothing but its segment. Threading: worker-affine. Private to src/sfu.
 */
#ifndef AURA_SFU_SUBSCRIBED_H
#define AURA_SFU_SUBSCRIBED_H

#include "base/list.h"
#include "sfu/peer.h"
#include "sfu/source.h"

enum {
    AURA_SUB_SEGMENTS = 4,    /* how many switches back a packet can be repeated */
    AURA_SUB_REPEATS = 64,    /* recent repeats remembered, by sequence number */
    AURA_SUB_REPEATS_MAX = 5, /* of one packet */
    AURA_SUB_PTS = 8,
};

/** What is added to the packets of one run from one layer; all modulo the field's size. */
struct aura_sub_segment {
    uint64_t out_from; /* first output number */
    uint64_t in_from;  /* first source number */
    uint32_t ts_offset;
    uint16_t pid_offset;
    uint8_t tl0_offset, keyidx_offset;
    uint8_t layer, epoch;
};

/** How a payload type of the source is sent to this subscriber. */
struct aura_sub_pt {
    uint8_t in, codec, out, rtx;
    bool refused, unpack_red;
};

struct aura_sub_repeat {
    uint32_t seq; /* lower bits of the output number; valid if tries > 0 */
    uint32_t at_ms;
    uint8_t tries;
};

struct aura_subscribed {
    aura_sub_id id;
    struct aura_peer *peer;
    struct aura_source *source; /* NULL = the track ended */
    struct aura_node source_node, peer_node;
    struct aura_sfu_sub_conf conf;
    struct aura_sfu_sub_settings settings;

    bool running; /* a segment is open: packets of `layer` are forwarded */
    bool told_started;
    bool has_ext;
    uint8_t layer, target, epoch;
    uint8_t pt_count;
    struct aura_sub_pt pts[AURA_SUB_PTS];
    struct aura_sub_segment seg[AURA_SUB_SEGMENTS];
    unsigned seg_at, seg_count; /* the newest, and how many are valid */
    uint64_t out_newest;
    uint32_t out_ts; /* of the newest */
    uint64_t out_us; /* when it was sent */
    uint16_t out_pid;
    uint8_t out_tl0, out_keyidx;
    uint16_t rtx_seq;
    struct aura_sub_repeat *repeats; /* NULL until the first NACK */

    struct aura_due sr_due;
    struct aura_sr_log sr_log;
    uint64_t sr_packets; /* `packets` at the last report: nothing sent, no report */

    /* Statistics. */
    uint64_t packets, bytes, payload_bytes, retransmits, nacks, plis;
    uint64_t reported_packets, reported_bytes, reported_us;
    uint32_t interval_lost, jitter_us, rtt_us, rr_lost;
    bool rr_seen;
};

AURA_NODISCARD int aura__subscribed_new(struct aura_peer *peer, aura_sub_id id,
                                        const struct aura_msg_sub *conf);
void aura__subscribed_free(struct aura_subscribed *sub);
struct aura_subscribed *aura__subscribed_find(const struct aura_worker *w, aura_sub_id id);
/** The source is there (again): asks for a key frame if one is needed. */
void aura__subscribed_begin(struct aura_subscribed *sub);
/** The source goes; the subscription stays, silent. */
void aura__subscribed_detach(struct aura_subscribed *sub);
void aura__subscribed_set(struct aura_subscribed *sub,
                          const struct aura_sfu_sub_settings *settings);
/** One packet of its source. */
void aura__subscribed_packet(struct aura_subscribed *sub, unsigned layer,
                             const struct aura_packet *p);
/** The layer's first sender report came. */
void aura__subscribed_first_sr(struct aura_subscribed *sub, unsigned layer);

/** The output of one packet in a segment (subscribed_send.c). @param rtx  as a repetition */
void aura__subscribed_send(struct aura_subscribed *sub, const struct aura_sub_segment *seg,
                           const struct aura_packet *p, bool rtx);
/** How the packet's payload type goes to this subscriber, or NULL if not at all. */
const struct aura_sub_pt *aura__subscribed_pt(struct aura_subscribed *sub,
                                              const struct aura_packet *p);
/** Feedback from the subscriber (subscribed_rtcp.c). */
void aura__subscribed_nack(struct aura_subscribed *sub, uint16_t seq);
void aura__subscribed_key(struct aura_subscribed *sub);
void aura__subscribed_report(struct aura_subscribed *sub, const struct aura_rtcp_block *block);
/** Sends a sender report with the next chance and from then on once a second while media flows. */
void aura__subscribed_sr_soon(struct aura_subscribed *sub);

#endif
