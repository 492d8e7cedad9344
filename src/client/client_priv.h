/* SPDX-License-Identifier: Apache-2.0 */
/** @file client_priv.h  Shared by client.c (signalling) and client_media.c (connections). */
#ifndef AURA_CLIENT_CLIENT_PRIV_H
#define AURA_CLIENT_CLIENT_PRIV_H

#include "client/client.h"
#include "client/desc.h"
#include "client/publisher.h"
#include "client/wire.h"

enum { AURA__CLIENT_ID_LEN = 12, AURA__CLIENT_SID_MAX = 63 };

struct aura__client_track {
    struct aura_client_track conf;
    struct aura_desc_track desc;
    struct aura_desc_section answered;
    char cid[AURA__CLIENT_ID_LEN + 1], sid[AURA__CLIENT_SID_MAX + 1];
    struct aura_publisher *publisher; /* NULL until the connection is up, or for live ones */
    struct aura_live *live;
};

struct aura_client {
    struct aura_client_env env;
    struct aura_client_handlers handlers;
    void *arg;
    bool subscribe, dynacast, ended, sent_away, subscriber_primary, answered;
    enum aura_client_quality quality;
    struct aura_client_times times;
    struct aura_signal *signal;
    struct aura_timer ping;
    uint64_t ping_us, silence_us, heard_us; /* silence: that ends it; heard: the newest message */
    char cname[AURA__CLIENT_ID_LEN + 1];
    struct aura_wire *up, *down;
    bool up_lite, down_lite; /* the server's end is ICE-lite: it needs no candidates of ours */
    uint64_t offer_version, answer_version;
    uint16_t twcc_seq;
    struct aura_bwe *bwe; /* with live tracks */
    struct aura_timer bwe_tick;
    uint32_t told_bps;
    struct aura_receiver_watch watch;
    size_t track_count;
    struct aura__client_track tracks[AURA_CLIENT_TRACKS_MAX];
    struct aura_receiver *receiver;
};

static inline uint64_t aura__client_now(const struct aura_client *c) {
    return aura_now_us(aura_loop_clock(c->env.loop));
}

/** Calls `ended`, once. */
void aura__client_end(struct aura_client *c, int err, const char *why);
/** Live tracks: see client_live.c. */
int aura__client_live_init(struct aura_client *c);
int aura__client_live_start(struct aura_client *c, struct aura__client_track *t);
void aura__client_live_rtcp(struct aura_client *c, const struct aura_rtcp *packet, uint64_t now_us);
void aura__client_live_close(struct aura_client *c);
/** Opens the publishing connection and sends its offer. */
int aura__client_publish(struct aura_client *c);
int aura__client_on_answer(struct aura_client *c, const char *text);
int aura__client_on_offer(struct aura_client *c, const char *text, uint32_t id);
int aura__client_on_trickle(struct aura_client *c, const Livekit__TrickleRequest *t);
void aura__client_close_media(struct aura_client *c);

#endif
