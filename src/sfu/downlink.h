/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file downlink.h  Everything that a peer with subscribed video gets: how much of it (estimate,
 * allocation), and when (pacing, probes).
 *
 * A peer has one from its first subscribed video on; where it gives no feedback about what arrives,
 * nothing is held back. Audio always leaves at once. Threading: worker-affine. Private to src/sfu.
 */
#ifndef AURA_SFU_DOWNLINK_H
#define AURA_SFU_DOWNLINK_H

#include "cc/alloc.h"
#include "cc/bwe.h"
#include "cc/pacer.h"
#include "sfu/subscribed.h"

enum {
    AURA_DOWNLINK_QUEUE_MAX = 4096, /* packets of one peer that wait */
    AURA_DOWNLINK_WAIT_US = 400000, /* a packet that waited so long is of no use any more */
    AURA_DOWNLINK_TICK_US = 100000,
};

struct aura_queued {
    struct aura_queued *next;
    struct aura_subscribed *sub;
    struct aura_packet *p; /* one reference */
    struct aura_sub_out out;
    uint64_t since_us;
};

struct aura_downlink {
    struct aura_peer *peer;
    struct aura_bwe *bwe; /* NULL: no feedback was negotiated, no limit is known */
    struct aura_pacer pacer;
    struct aura_queued *head, **tail; /* first in, first out; repeats go first */
    size_t queued, queued_bytes;
    struct aura_timer drain;
    struct aura_due tick;
    bool twcc, remb;   /* what the peer negotiated */
    bool fed;          /* feedback has come */
    bool media;        /* has come for it since the last tick */
    uint64_t first_us; /* when the first video left; 0 = not yet */
    uint64_t media_us; /* last tick with media */
    uint64_t tick_us;
    uint64_t audio_bytes; /* since the last tick */
    uint32_t audio_bps;
    uint32_t allocated_bps; /* estimate that the last allocation used */
    struct aura_alloc_result result;
    struct aura_bwe_probe probe; /* cluster 0 = none */
    uint64_t probe_us;
    size_t probe_sent, probe_packets;
    uint64_t pad_seq; /* repeated last as padding */
    uint64_t queue_drops;
};

void aura__downlink_free(struct aura_peer *peer);

/** A video subscription began, its wishes changed, or its source can be (or not be) had again:
 * shares anew. */
void aura__downlink_wishes_changed(struct aura_subscribed *sub);
/** Takes everything of this subscription out of the queue. */
void aura__downlink_forget(struct aura_subscribed *sub);
/** Sends now, or when its turn comes. */
void aura__downlink_send(struct aura_subscribed *sub, const struct aura_packet *p,
                         const struct aura_sub_out *out);
/** Media has come for the peer, whether it is forwarded or not: there is something to share. */
void aura__downlink_wake(struct aura_downlink *d);
static inline void aura__downlink_media(struct aura_downlink *d) {
    if (!d->media) {
        aura__downlink_wake(d);
    }
}
/** A packet left. @param twcc  its transport-wide number, -1 = none @param wire  bytes with IP */
void aura__downlink_sent(struct aura_peer *peer, int twcc, size_t wire, unsigned cluster);

/** Feedback of the peer. */
int aura__downlink_twcc(struct aura_peer *peer, const struct aura_rtcp *p);
void aura__downlink_remb(struct aura_peer *peer, uint64_t bps);
void aura__downlink_report(struct aura_peer *peer, uint8_t fraction_lost, uint32_t rtt_us);
void aura__downlink_path_changed(struct aura_peer *peer);

/** Estimate in bits a second; 0 = none. */
uint32_t aura__downlink_target_bps(const struct aura_peer *peer);

/** Queue (downlink_queue.c). */
void aura__queue_put(struct aura_downlink *d, struct aura_subscribed *sub,
                     const struct aura_packet *p, const struct aura_sub_out *out);
/** Sends what may leave now, and sets the timer for the rest. */
void aura__queue_drain(struct aura_downlink *d);
void aura__queue_clear(struct aura_downlink *d);
/** Frees the worker's spare entries. */
void aura__queue_free_spares(struct aura_worker *w);

/** Probing (downlink_probe.c). */
void aura__probe_begin(struct aura_downlink *d);
/** Fills up to what the probe's rate asks for by now. */
void aura__probe_step(struct aura_downlink *d);
static inline bool aura__probe_running(const struct aura_downlink *d) {
    return d->probe.cluster != 0;
}
/** The timer for the queue and the probe, whichever is due first. */
void aura__downlink_arm(struct aura_downlink *d);

#endif
