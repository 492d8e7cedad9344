/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file payload.h  What the SFU wants to know of a media packet, for every codec.
 */
#ifndef AURA_RTP_PAYLOAD_H
#define AURA_RTP_PAYLOAD_H

#include "rtp/dd.h"
#include "rtp/media.h"
#include "rtp/rtp.h"
#include "rtp/vp8.h"

/** Per-stream memory: H.264 parameter sets come before the IDR; DD structures with key frames. */
struct aura_payload_state {
    bool sps, pps, vps; /* seen with the timestamp ps_ts */
    uint32_t ps_ts;
    uint16_t width, height;             /* newest known */
    const struct aura_dd_structure *dd; /* in force, borrowed; may be NULL */
};
struct aura_payload {
    bool key_frame_start; /* a decoder can start with this packet */
    bool start_of_frame, end_of_frame;
    bool discardable; /* nothing refers to it */
    /* Who gets all of the temporal layers up to `up_from` and this frame can decode those up to
     * up_to[spatial layer] from here on; -1 = no such chance. A spatial layer above the one
     * received so far can be joined where up_to is not negative and up_spatial is set. */
    uint8_t up_from;
    bool up_spatial;
    int8_t up_to[AURA_MEDIA_LAYERS_MAX];
    bool has_layers; /* spatial and temporal come from the packet */
    uint8_t spatial, temporal;
    uint16_t width, height; /* known from this packet, else 0 */
    bool dtx;               /* Opus */
    /* Numbers that count frames, as VP8 and VP9 have them (RFC 7741, RFC 9628); *_at: where they
     * are in the payload, 0 = absent. */
    uint8_t pid_at, tl0_at, keyidx_at;
    bool pid_long;
    uint16_t pid;
    uint8_t tl0, keyidx;
};
/**
 * Looks into a packet; never fails: what cannot be read leaves the fields false.
 * @param dd  parsed dependency descriptor of the packet, or NULL; it wins over the payload
 * @param opaque  the payload is encrypted end to end: only its descriptor is read
 */
void aura_payload_inspect(struct aura_payload_state *state, enum aura_codec codec,
                          const struct aura_rtp *rtp, const struct aura_dd *dd, bool opaque,
                          struct aura_payload *out);

#endif
