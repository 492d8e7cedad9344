/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file probe.h  When to probe, how fast, and what the answers mean. Flat; private to src/cc.
 */
#ifndef AURA_CC_PROBE_H
#define AURA_CC_PROBE_H

#include "cc/bwe.h"
#include "cc/history.h"

enum { AURA_PROBE_CLUSTERS = 8 };

struct aura_cluster {
    uint8_t id; /* 0 = free */
    bool judged;
    uint32_t rate_bps;
    uint32_t sent, received; /* packets */
    uint64_t sent_bytes, received_bytes;
    uint64_t first_sent_us, last_sent_us;
    int64_t first_arrival_us, last_arrival_us;
    uint16_t first_bytes, last_bytes; /* of the first to arrive, of the last that was sent */
    uint64_t begun_us;
};

struct aura_probes {
    struct aura_cluster cluster[AURA_PROBE_CLUSTERS]; /* by id */
    uint8_t last_id;
    bool waiting;     /* for the answer to the last one */
    uint64_t next_us; /* not before */
    uint32_t fail_us; /* grows with every probe that showed nothing new */
    uint32_t begun, answered;
    bool first_done;
};

/** @param want_bps  see aura_bwe_want(). @return true with *out filled */
bool aura__probe_due(struct aura_probes *p, uint32_t target_bps, uint32_t want_bps,
                     uint32_t max_bps, uint64_t now_us, struct aura_bwe_probe *out);
void aura__probe_sent(struct aura_probes *p, unsigned cluster, size_t bytes, uint64_t now_us);
/** A packet of a probe arrived. */
void aura__probe_acked(struct aura_probes *p, const struct aura_sent *sent, int64_t arrival_us);
/**
 * What the probe has shown, once enough of it is known.
 * @return bits a second, 0 = nothing yet or nothing to be learned
 */
uint32_t aura__probe_result(struct aura_probes *p, uint32_t target_bps, uint32_t rtt_us,
                            uint64_t now_us);
/** Something went wrong: none for a while. */
void aura__probe_hold(struct aura_probes *p, uint64_t until_us);

#endif
