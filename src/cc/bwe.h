/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file bwe.h  How much may be sent to one peer: send-side bandwidth estimation.
 *
 * Delay and loss based, as in draft-ietf-rmcat-gcc-02, on transport-wide feedback
 * (draft-holmer-rmcat-transport-wide-cc-extensions-01), with probes to go up. Where a peer gives no
 * such feedback, REMB and receiver reports bound the estimate.
 *
 * Pure: no clock, no timers, no sockets; every call says what time it is (microseconds, monotonic).
 * Threading: worker-affine. No allocation after aura_bwe_new() but for the history of sent packets,
 * which grows by doubling up to a ceiling.
 */
#ifndef AURA_CC_BWE_H
#define AURA_CC_BWE_H

#include "base/err.h"
#include "rtp/twcc.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct aura_bwe;

struct aura_bwe_conf {
    uint32_t start_bps; /* before anything is known; 0 = 5 Mbps */
    uint32_t min_bps;   /* never below; 0 = 50 kbps */
    uint32_t max_bps;   /* never above; 0 = 200 Mbps */
};

/** What the estimate is held down (or up) by, for people. */
enum aura_bwe_limit {
    AURA_BWE_START,   /* nothing measured yet */
    AURA_BWE_DELAY,   /* queues grew, and the rate is recovering from that */
    AURA_BWE_LOSS,    /* packets are lost */
    AURA_BWE_REMB,    /* the receiver said so */
    AURA_BWE_PROBED,  /* as much as a probe could show */
    AURA_BWE_DEMAND,  /* more was never tried: nothing more to send */
    AURA_BWE_CEILING, /* aura_bwe_conf.max_bps */
    AURA_BWE_SILENCE, /* no feedback comes back */
};
const char *aura_bwe_limit_name(enum aura_bwe_limit limit);

struct aura_bwe_info {
    uint32_t target_bps;
    uint32_t delay_bps, loss_bps; /* of the two controllers */
    uint32_t acked_bps;           /* delivered in the last half second */
    uint32_t remb_bps;            /* 0 = none */
    uint32_t rtt_us, queue_us;    /* smoothed; queue: delay above the least that was seen */
    float loss;                   /* 0..1, smoothed */
    bool overusing;
    enum aura_bwe_limit limit;
    uint32_t probes, probes_answered, backoffs; /* since the beginning */
};

/** @return 0, AURA_ENOMEM, AURA_EINVAL (limits that contradict each other) */
AURA_NODISCARD int aura_bwe_new(struct aura_bwe **bp, const struct aura_bwe_conf *conf,
                                uint64_t now_us);
/** NULL is fine. Returns NULL. */
struct aura_bwe *aura_bwe_free(struct aura_bwe *b);

/**
 * A packet went out. Cheap: called for each one.
 * @param seq      its transport-wide number
 * @param bytes    on the wire, as far as known (UDP payload + 28)
 * @param cluster  of the probe that it belongs to, 0 = none
 */
void aura_bwe_sent(struct aura_bwe *b, uint16_t seq, size_t bytes, uint64_t now_us,
                   unsigned cluster);
/** One transport-wide feedback packet, as parsed. */
void aura_bwe_feedback(struct aura_bwe *b, const struct aura_twcc_feedback *fb,
                       const struct aura_twcc_status *statuses, size_t count, uint64_t now_us);
void aura_bwe_remb(struct aura_bwe *b, uint64_t bps, uint64_t now_us);
/** A receiver report: used for loss only while no transport-wide feedback comes.
 * @param fraction_lost  Q8 as in the report @param rtt_us  0 = not known */
void aura_bwe_report(struct aura_bwe *b, uint8_t fraction_lost, uint32_t rtt_us, uint64_t now_us);
/** What would be sent if all were allowed; 0 = nothing more than now. Governs probing. */
void aura_bwe_want(struct aura_bwe *b, uint32_t want_bps, uint64_t now_us);
/** Time passes: to be called every 20–100 ms while media flows (silence of feedback, probes). */
void aura_bwe_tick(struct aura_bwe *b, uint64_t now_us);
/** The network path changed (ICE): begins again, but not from zero knowledge of the old rate. */
void aura_bwe_path_changed(struct aura_bwe *b, uint64_t now_us);

/** What may be sent now. */
uint32_t aura_bwe_target_bps(const struct aura_bwe *b);
/** The same without what is held back for a moment, until a queue that has grown is gone: for what
 * should not end because of a moment. */
uint32_t aura_bwe_lasting_bps(const struct aura_bwe *b);
void aura_bwe_info(const struct aura_bwe *b, struct aura_bwe_info *out);

/** A burst above the estimate that shows whether there is room: send `bytes` more bytes (media that
 * is due anyway counts) at `rate_bps`, all marked with `cluster`, then it is over. */
struct aura_bwe_probe {
    unsigned cluster; /* 1.. */
    uint32_t rate_bps;
    size_t bytes;
    size_t packets_min; /* fewer cannot be measured */
};
/** @return true if a probe should be sent now; it is then taken as begun */
bool aura_bwe_probe_due(struct aura_bwe *b, uint64_t now_us, struct aura_bwe_probe *out);

#endif
