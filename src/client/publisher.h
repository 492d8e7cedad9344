/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file publisher.h  Sends one track of encoded media: simulcast layers, sender reports,
 * retransmissions, key frames when asked for (the clip jumps to its next one).
 *
 * Threading: the client's thread. Nothing is allocated after aura_publisher_new().
 */
#ifndef AURA_CLIENT_PUBLISHER_H
#define AURA_CLIENT_PUBLISHER_H

#include "client/clip.h"
#include "client/meter.h"
#include "client/wire.h"
#include "rtp/rtcp.h"

struct aura_publisher;

struct aura_publisher_layer {
    const struct aura_clip *clip; /* shared, outlives the publisher */
    const char *rid;              /* NULL without simulcast */
    uint32_t ssrc, rtx_ssrc;      /* rtx 0 = none */
};

struct aura_publisher_conf {
    struct aura_timers *timers;
    struct aura_rand *rand;
    struct aura_wire *wire;
    struct aura_meter *meter;
    uint16_t *twcc_seq;      /* shared by all tracks of the wire */
    const char *mid, *cname; /* copied */
    size_t layer_count;      /* lowest first */
    struct aura_publisher_layer layers[AURA_MEDIA_LAYERS_MAX];
    uint8_t pt, rtx_pt; /* as answered; rtx 0 = none */
    struct aura_ext_map ext;
};

/** Starts to send within one frame. @return 0 or AURA_ENOMEM */
AURA_NODISCARD int aura_publisher_new(struct aura_publisher **out,
                                      const struct aura_publisher_conf *conf);
/** NULL is fine; returns NULL. */
struct aura_publisher *aura_publisher_free(struct aura_publisher *p);
/** One RTCP packet: reports, NACK, PLI and FIR about streams of ours; others are ignored. */
void aura_publisher_rtcp(struct aura_publisher *p, const struct aura_rtcp *packet);
/** Dynacast: a layer (0 = lowest) that is off is not sent; it comes back with a key frame. */
void aura_publisher_enable(struct aura_publisher *p, size_t layer, bool on);

#endif
