/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file meter.h  What the clients of one thread counted, readable by another thread at any time.
 *
 * One thread writes, so that a relaxed load and store is enough; all values only grow, but
 * `missing`, so that the difference of two readings is what happened in between.
 */
#ifndef AURA_CLIENT_METER_H
#define AURA_CLIENT_METER_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef _Atomic uint64_t aura_count;

static inline void aura_count_add(aura_count *c, uint64_t n) {
    atomic_store_explicit(c, atomic_load_explicit(c, memory_order_relaxed) + n,
                          memory_order_relaxed);
}
static inline void aura_count_set(aura_count *c, uint64_t n) {
    atomic_store_explicit(c, n, memory_order_relaxed);
}
static inline uint64_t aura_count_get(const aura_count *c) {
    return atomic_load_explicit(c, memory_order_relaxed);
}

enum {
    AURA_HIST_SUB = 16,      /* buckets of each power of two: 6 % steps */
    AURA_HIST_BUCKETS = 464, /* up to 2^32 */
};

/** Histogram of values in log-linear buckets. */
struct aura_hist {
    aura_count buckets[AURA_HIST_BUCKETS];
};
size_t aura_hist_bucket(uint64_t value);
/** Middle of a bucket. */
uint64_t aura_hist_value(size_t bucket);
static inline void aura_hist_add(struct aura_hist *h, uint64_t value) {
    aura_count_add(&h->buckets[aura_hist_bucket(value)], 1);
}
/** @param q  0..1. @return the value that this share of all is not above; 0 if there are none */
uint64_t aura_hist_quantile(const struct aura_hist *h, double q);
uint64_t aura_hist_total(const struct aura_hist *h);

/* Name, meaning. */
#define AURA_METER_TABLE(M)                                                                        \
    M(packets_sent)   /* media packets of our publishers, without retransmissions */               \
    M(bytes_sent)     /* of those, header and payload */                                           \
    M(resent)         /* retransmissions by our publishers */                                      \
    M(publisher_plis) /* key frames that the server asked for */                                   \
    M(packets)        /* RTP packets that came, without retransmissions */                         \
    M(bytes)          /* of those, header and payload */                                           \
    M(rtx_packets)    /* retransmissions and padding on retransmission streams */                  \
    M(expected)       /* by sequence numbers */                                                    \
    M(duplicates)     /* seen before, or too old to know */                                        \
    M(repaired)       /* missing, then came by retransmission */                                   \
    M(missing)        /* expected and not there (yet); grows and shrinks */                        \
    M(nacks)          /* sequence numbers that we asked for again */                               \
    M(plis)           /* key frames that we asked for */                                           \
    M(frames)         /* video frames of which the last packet came */                             \
    M(freezes)        /* see RTCInboundRtpStreamStats.freezeCount */                               \
    M(freeze_ms)      /* their time */                                                             \
    M(unknown)        /* packets of an SSRC that no description named */                           \
    M(rtcp_sent)      /* RTCP packets */

struct aura_meter {
#define AURA_METER_FIELD(name) aura_count name;
    AURA_METER_TABLE(AURA_METER_FIELD)
#undef AURA_METER_FIELD
    struct aura_hist audio_us, video_us; /* one-way latency of stamped packets */
};

/** sum += m. */
void aura_meter_sum(struct aura_meter *sum, const struct aura_meter *m);
/** m -= earlier. */
void aura_meter_since(struct aura_meter *m, const struct aura_meter *earlier);

#endif
