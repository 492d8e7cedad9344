/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file live.h  Sends one track of frames as they come: AV1 or VP8, on one SSRC with the payload
 * type of each frame's codec, or Opus; with AIC's hints where they were negotiated.
 *
 * Threading: the client's thread. Nothing is allocated after aura_live_new().
 */
#ifndef AURA_CLIENT_LIVE_H
#define AURA_CLIENT_LIVE_H

#include "client/outbound.h"
#include "rtp/media.h"

struct aura_live;

enum {
    AURA_LIVE_PAYLOAD_MAX = 1100, /* leaves room for headers with hints, and the tag, in 1200 */
    AURA_LIVE_FRAME_MAX = 700 * AURA_LIVE_PAYLOAD_MAX, /* more than that cannot be kept for NACK */
};

struct aura_live_conf {
    struct aura_timers *timers;
    struct aura_rand *rand;
    struct aura_wire *wire;
    struct aura_meter *meter;
    struct aura_bwe *bwe;
    uint16_t *twcc_seq;             /* shared by all tracks of the wire */
    const char *mid, *cname;        /* copied */
    uint32_t ssrc, rtx_ssrc;        /* rtx 0 = none */
    const struct aura_media *media; /* as answered; copied */
    void (*key_wanted)(void *arg);  /* by the server */
    void *arg;
};

struct aura_live_frame {
    enum aura_codec codec;
    const uint8_t *data;
    size_t len;
    uint32_t ts; /* of the track, from 0 on; the track adds a random beginning */
    bool key_frame;
    bool has_hints;
    struct aura_aic_hints hints;
};

/** @return 0 or AURA_ENOMEM */
AURA_NODISCARD int aura_live_new(struct aura_live **out, const struct aura_live_conf *conf);
/** NULL is fine; returns NULL. */
struct aura_live *aura_live_free(struct aura_live *l);
/** @return 0, AURA_EUNSUPPORTED (the codec was not negotiated), AURA_EMALFORMED, AURA_ELIMIT */
int aura_live_send(struct aura_live *l, const struct aura_live_frame *frame);
/** One RTCP packet; those about other streams are ignored. */
void aura_live_rtcp(struct aura_live *l, const struct aura_rtcp *packet);

struct aura_live_stats {
    uint64_t packets, bytes; /* header and payload, without retransmissions */
    uint64_t resent;
    float loss; /* 0…1, of the server's last report */
};
void aura_live_stats(const struct aura_live *l, struct aura_live_stats *out);

#endif
