/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file receiver.h  All streams that come over one peer connection, and the RTCP about them:
 * receiver reports every second, transport-wide feedback every 100 ms, NACK and PLI when needed.
 *
 * Threading: the client's thread.
 */
#ifndef AURA_CLIENT_RECEIVER_H
#define AURA_CLIENT_RECEIVER_H

#include "client/desc.h"
#include "client/inbound.h"
#include "client/wire.h"

struct aura_receiver;

enum {
    AURA_RECEIVER_REPORT_MS = 1000,
    AURA_RECEIVER_TWCC_MS = 100,
    AURA_RECEIVER_NACK_MS = 10,      /* while something is missing */
    AURA_RECEIVER_STREAMS_MAX = 2048 /* own limit */
};

/** A packet of sound, once each, in the order of arrival. Everything is borrowed. */
struct aura_sound {
    const char *track; /* the server's id of it */
    enum aura_codec codec;
    const uint8_t *payload;
    size_t len;
    uint32_t ts; /* of `clock_rate` a second */
    uint32_t clock_rate;
    uint64_t arrival_us;
};

/** Who wants to see the frames of video streams, and what audio streams bring. */
struct aura_receiver_watch {
    /* Asked at each packet of a stream that is not watched yet; `track` is the server's id of it.
     */
    bool (*wants)(void *arg, const char *track);
    aura_frames_fn *frame;
    /* NULL: audio streams are not watched. */
    void (*sound)(void *arg, const struct aura_sound *sound);
    /* A sender report about a watched stream: its RTP timestamp at an NTP time of the publisher's
     * clock (rtp/sr.h). NULL = of no interest. */
    void (*report)(void *arg, const char *track, uint64_t ntp, uint32_t ts);
    void *arg;
};

struct aura_receiver_conf {
    struct aura_timers *timers;
    struct aura_rand *rand;
    struct aura_wire *wire;
    struct aura_meter *meter;
    /* The first packet of each stream. */
    void (*first)(void *arg, enum aura_kind kind);
    void *arg;
    struct aura_receiver_watch watch; /* zeroed: nobody */
};

AURA_NODISCARD int aura_receiver_new(struct aura_receiver **out,
                                     const struct aura_receiver_conf *conf);
struct aura_receiver *aura_receiver_free(struct aura_receiver *r);
/** The streams that exist from now on; the others end. @return 0, AURA_ENOMEM, AURA_ELIMIT */
AURA_NODISCARD int aura_receiver_update(struct aura_receiver *r, const struct aura_sdp *offer);
void aura_receiver_rtp(struct aura_receiver *r, uint8_t *packet, size_t len, uint64_t now_us);
/** Reports of the sender; other packets are ignored. */
void aura_receiver_rtcp(struct aura_receiver *r, const struct aura_rtcp *packet, uint64_t now_us);

size_t aura_receiver_streams(const struct aura_receiver *r);
/** Streams of which packets came. */
size_t aura_receiver_flowing(const struct aura_receiver *r);

#endif
