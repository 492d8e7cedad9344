/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file inbound.h  One received RTP stream, as a browser would treat it: loss, repair, key frames.
 *
 * Pure: packets in, wishes out (struct aura_inbound_wish); the receiver writes the RTCP.
 */
#ifndef AURA_CLIENT_INBOUND_H
#define AURA_CLIENT_INBOUND_H

#include "client/frames.h"
#include "client/meter.h"
#include "rtp/nack.h"
#include "rtp/payload.h"
#include "rtp/recv_stats.h"
#include "rtp/sr.h"

struct aura_inbound;

enum {
    AURA_INBOUND_WINDOW = 2048,  /* newest sequence numbers of which arrival is known */
    AURA_INBOUND_STALL_MS = 300, /* video that cannot be decoded for so long wants a key frame … */
    AURA_INBOUND_PLI_MS = 500,   /* … and asks again at this pace */
};

/** @param nack  retransmission was negotiated. @return 0 or AURA_ENOMEM */
AURA_NODISCARD int aura_inbound_new(struct aura_inbound **out, const struct aura_media *media,
                                    uint32_t ssrc, struct aura_meter *meter);
struct aura_inbound *aura_inbound_free(struct aura_inbound *in);

/** From now on its packets go on to `frames`, which it takes over; NULL ends that. */
void aura_inbound_watch(struct aura_inbound *in, struct aura_frames *frames);

/**
 * One packet of the stream. @param repaired  it came by retransmission, already unwrapped
 * @param size  bytes of the whole packet
 * @return true if it is new: not seen before, not too old
 */
bool aura_inbound_packet(struct aura_inbound *in, const struct aura_rtp *rtp, size_t size,
                         bool repaired, uint64_t now_us);
void aura_inbound_sender_report(struct aura_inbound *in, const struct aura_rtcp_sender *sr,
                                uint64_t now_us);
/** Sequence numbers to ask for now. @return pairs */
size_t aura_inbound_nacks(struct aura_inbound *in, uint64_t now_us, uint32_t rtt_us,
                          struct aura_rtcp_nack *out, size_t cap);
/** True if gaps wait for retransmission. */
bool aura_inbound_has_gaps(const struct aura_inbound *in);
/** True once each time a key frame shall be asked for. */
bool aura_inbound_wants_key(struct aura_inbound *in, uint64_t now_us);
/** The report block; false before the first packet. */
bool aura_inbound_report(struct aura_inbound *in, uint64_t now_us, struct aura_rtcp_block *out);

/** Payload type that retransmitted packets of @p rtx_pt get back; 0 = not one of ours. */
uint8_t aura_inbound_pt_of_rtx(const struct aura_inbound *in, uint8_t rtx_pt);
const struct aura_media *aura_inbound_media(const struct aura_inbound *in);
uint32_t aura_inbound_ssrc(const struct aura_inbound *in);
enum aura_kind aura_inbound_kind(const struct aura_inbound *in);
/** Packets so far, without retransmissions. */
uint64_t aura_inbound_packets(const struct aura_inbound *in);

#endif
