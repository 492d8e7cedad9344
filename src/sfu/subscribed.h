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
#include "cc/alloc.h"
#include "rtp/gapmap.h"
#include "sfu/filter.h"
#include "sfu/peer.h"
#include "sfu/sound_switch.h"
#include "sfu/source.h"

enum {
    AURA_SUB_SEGMENTS = 4,    /* how many switches back a packet can be repeated */
    AURA_SUB_REPEATS = 64,    /* recent repeats remembered, by sequence number */
    AURA_SUB_REPEATS_MAX = 5, /* of one packet */
    AURA_SUB_PTS = 8,
};

/** One run of packets from one stream: what is added to their numbers, modulo the field's size. */
struct aura_sub_segment {
    uint64_t out_from; /* first output number */
    uint64_t in_from;  /* first source number */
    uint64_t in_pid;   /* first picture id */
    uint32_t ts_offset;
    uint16_t pid_base, dd_offset;
    uint8_t tl0_offset, keyidx_offset;
    uint8_t layer, epoch, codec;
    bool gapped; /* packets were left out: only the newest segment knows which */
};

/** The numbers that one packet carries to this subscriber. */
struct aura_sub_out {
    uint64_t seq; /* extended */
    uint32_t ts;
    uint16_t pid, dd_frame;
    uint8_t tl0, keyidx;
    bool marker;
    bool repeat;     /* sent again */
    bool padding;    /* keeps the number of a packet that is left out: no payload */
    uint8_t cluster; /* of a probe, 0 = none */
    uint8_t pad;     /* bytes of padding behind the payload */
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
    bool told_started, beginning;
    bool moved; /* its numbers go on from another track's */
    bool has_ext;
    uint8_t ext_bytes; /* of our own header extensions */
    uint8_t layer, target, epoch;
    uint8_t behind; /* AI Core's key frames that came too late to go over with */
    uint8_t pt_count;
    struct aura_sub_pt pts[AURA_SUB_PTS];
    struct aura_sub_segment seg[AURA_SUB_SEGMENTS];
    unsigned seg_at, seg_count; /* the newest, and how many are valid */
    struct aura_filter filter;
    struct aura_gapmap gaps;     /* of the newest segment: packets left out */
    struct aura_gapmap pid_gaps; /* VP8: frames left out */
    struct aura_sub_out newest;  /* numbers given out last; what waits to leave is included */
    struct aura_sub_out sent;    /* numbers that left last */
    uint64_t newest_us;          /* arrival of the packet that got `newest` */
    struct aura_alloc_track alloc;
    bool starved; /* the allocator has nothing for it */
    struct aura_sound_switch sound;
    struct aura_playout playout;
    struct {
        bool once;
        int8_t spatial, temporal;
        uint8_t why;
    } told; /* of `alloc`, to the control thread */
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
/** Follows another track, or (0) none; numbers and times go on where they were. */
void aura__subscribed_move(struct aura_subscribed *sub, aura_pub_id pub,
                           const struct aura_sfu_sub_settings *settings);
void aura__subscribed_set(struct aura_subscribed *sub,
                          const struct aura_sfu_sub_settings *settings);
/** One packet of its source. @param pad  bytes of padding that it gets */
void aura__subscribed_packet(struct aura_subscribed *sub, unsigned layer,
                             const struct aura_packet *p, uint8_t pad);
/** The layer's first sender report came. */
void aura__subscribed_first_sr(struct aura_subscribed *sub, unsigned layer);

/** That codec is negotiated. */
bool aura__subscribed_takes(const struct aura_subscribed *sub, enum aura_codec codec);
/** The layer of a sound that it is to hear now, whatever it hears (subscribed_sound.c). */
uint8_t aura__subscribed_sound_target(const struct aura_subscribed *sub);
/** @return this packet of sound is to be sent */
bool aura__subscribed_hears(struct aura_subscribed *sub, unsigned layer,
                            const struct aura_packet *p);
/** Goes back to the publisher's packets, from the first that AI Core has not given back. Nothing
 * may wait in the source's batch. */
void aura__subscribed_sound_native(struct aura_subscribed *sub);
/** A receiver report's loss, in 1/256. */
void aura__subscribed_sound_report(struct aura_subscribed *sub, uint8_t fraction_lost);
/** It gets AI Core's picture in place of the one that it was made from. */
bool aura__subscribed_takes_aic(const struct aura_subscribed *sub);
/** Goes to the layer that is best for it now, at the next key frame there. */
void aura__subscribed_retarget(struct aura_subscribed *sub);
/** Layers granted by the allocator (in sub->alloc): goes there at the next safe point. */
void aura__subscribed_allotted(struct aura_subscribed *sub);
/** What was numbered but will not leave: the numbers are free again; goes on with a key frame. */
void aura__subscribed_dropped(struct aura_subscribed *sub);

/** Opens a run at a packet and gives numbers to its packets (subscribed_number.c). */
void aura__subscribed_open(struct aura_subscribed *sub, unsigned layer,
                           const struct aura_packet *p);
/** AI Core's layer has its native layer's time stamps: what it shows was sent natively already. */
bool aura__subscribed_is_behind(const struct aura_subscribed *sub, const struct aura_packet *p);
/** @return false if the packet has no number: from before the run, or left out */
bool aura__subscribed_number(struct aura_subscribed *sub, const struct aura_sub_segment *seg,
                             const struct aura_packet *p, struct aura_sub_out *out);
/** Leaves a packet out. @return false if its number is taken already: then a placeholder must go */
bool aura__subscribed_leave_out(struct aura_subscribed *sub, const struct aura_packet *p);
/** The kept packet that was sent under a number, with its segment; NULL if it is too old. */
const struct aura_packet *aura__subscribed_sent_as(const struct aura_subscribed *sub, uint64_t seq,
                                                   const struct aura_sub_segment **seg);

/** Writes and sends one packet now (subscribed_send.c). @return bytes on the wire, 0 = dropped */
size_t aura__subscribed_send(struct aura_subscribed *sub, const struct aura_packet *p,
                             const struct aura_sub_out *out);
/** RTX padding for a probe; @return bytes on the wire, 0 = this subscriber cannot be padded */
size_t aura__subscribed_pad(struct aura_subscribed *sub, unsigned cluster);
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
