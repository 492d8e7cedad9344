/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file frames.h  Coded frames out of the packets of one received stream, in order, whatever order
 * they came in; with AIC's hints. What is missing holds the frames behind it up, until it comes or
 * a key frame begins anew.
 *
 * Pure: packets in, frames out. Threading: one thread.
 */
#ifndef AURA_CLIENT_FRAMES_H
#define AURA_CLIENT_FRAMES_H

#include "auralink/aic.h"
#include "base/err.h"
#include "rtp/media.h"
#include "rtp/rtp.h"

struct aura_frames;

enum {
    AURA_FRAMES_PACKETS = 1024, /* that wait for one before them; older ones are given up */
    AURA_FRAMES_PACKET_MAX = 1500,
    AURA_FRAMES_BYTES_MAX = 4 << 20, /* of one frame */
    AURA_FRAMES_TRACK_MAX = 63,
};

struct aura_frame {
    const char *track; /* as given to aura_frames_new() */
    enum aura_codec codec;
    const uint8_t *data; /* borrowed */
    size_t len;
    uint32_t ts;
    bool key_frame, has_hints;
    struct aura_aic_hints hints;
    uint64_t arrival_us; /* of its last packet */
};
/** @return false: it cannot be used, what refers to it is not wanted before the next key frame */
typedef bool(aura_frames_fn)(void *arg, const struct aura_frame *frame);

/** @param media  of the section, copied. @param track  a name for it, copied
 * @return 0 or AURA_ENOMEM */
AURA_NODISCARD int aura_frames_new(struct aura_frames **out, const struct aura_media *media,
                                   const char *track, aura_frames_fn *fn, void *arg);
struct aura_frames *aura_frames_free(struct aura_frames *f);
/** One packet, once each; by retransmission too. @param eseq  its extended number */
void aura_frames_packet(struct aura_frames *f, const struct aura_rtp *rtp, uint64_t eseq,
                        uint64_t now_us);
/** Nothing can be shown before the next key frame. */
bool aura_frames_wants_key(const struct aura_frames *f);

#endif
