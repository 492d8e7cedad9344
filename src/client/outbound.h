/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file outbound.h  One sent RTP stream: numbers, header extensions, sender reports, and packets
 * again when somebody asks for them. The payload comes from its owner, each time anew.
 *
 * Flat state inside its owner. Threading: the client's thread. Nothing is allocated.
 */
#ifndef AURA_CLIENT_OUTBOUND_H
#define AURA_CLIENT_OUTBOUND_H

#include "auralink/aic.h"
#include "cc/bwe.h"
#include "client/clip.h"
#include "client/meter.h"
#include "client/wire.h"
#include "rtp/rtcp.h"

enum {
    AURA_OUTBOUND_HISTORY = 1024, /* packets that can be sent again */
    AURA_OUTBOUND_RESEND_MS = 20, /* a packet goes again at most this often */
    AURA_OUTBOUND_BURST = 10,     /* packets sent at once; the rest of a frame follows … */
    AURA_OUTBOUND_PACE_MS = 5,    /* … this much later */
    AURA_OUTBOUND_REPORT_MS = 1000,
};

/** Where the owner finds a payload again. */
struct aura_outbound_ref {
    uint32_t frame;
    uint16_t part;
    struct aura_clip_vp8 vp8;
    uint64_t stamp_us;
};

struct aura_outbound_packet {
    uint32_t ts;
    uint8_t pt, rtx_pt; /* rtx 0 = it is sent again as it is */
    bool marker;
    uint8_t hint_len; /* of AIC; 0 = none */
    uint8_t hints[AURA_AIC_HINTS_BYTES_MAX];
    struct aura_outbound_ref ref;
};

/** Writes a payload. @return its length, 0 if there is none any more */
typedef size_t(aura_outbound_write_fn)(void *arg, const struct aura_outbound_ref *ref, uint8_t *out,
                                       size_t cap);

struct aura_outbound_conf {
    const struct aura_clock *clock;
    struct aura_rand *rand;
    struct aura_wire *wire;
    struct aura_meter *meter;
    struct aura_bwe *bwe;    /* learns of what is sent; NULL = nobody wants to know */
    uint16_t *twcc_seq;      /* shared by all tracks of the wire */
    const char *mid, *cname; /* outlive it, as does the rest */
    const char *rid;         /* NULL without simulcast */
    uint32_t ssrc, rtx_ssrc; /* rtx 0 = none */
    struct aura_ext_map ext;
    bool voice; /* says how loud it is */
    aura_outbound_write_fn *write;
    void *arg;
};

struct aura_outbound_sent {
    bool used;
    uint16_t seq;
    uint64_t resent_us;
    struct aura_outbound_packet packet;
};

struct aura_outbound {
    struct aura_outbound_conf conf;
    bool acknowledged; /* a report named it: no more mid and rid */
    uint16_t seq, rtx_seq;
    uint32_t packets, bytes; /* for sender reports */
    uint64_t sent, resent;   /* the same without an end, and what went again */
    uint8_t loss;            /* Q8, of the last report block */
    struct aura_outbound_sent history[AURA_OUTBOUND_HISTORY];
};

void aura_outbound_init(struct aura_outbound *o, const struct aura_outbound_conf *conf);
/** Sends a packet under the next number; it counts as lost if it cannot leave now. */
void aura_outbound_send(struct aura_outbound *o, const struct aura_outbound_packet *p);
/** A sender report. @param rtp  timestamp of this moment */
void aura_outbound_report(struct aura_outbound *o, uint32_t rtp);
/** One RTCP packet: reports and NACK are seen to; other packets and streams are ignored.
 * @return true if a key frame is asked for */
bool aura_outbound_rtcp(struct aura_outbound *o, const struct aura_rtcp *packet);

#endif
