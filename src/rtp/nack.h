/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file nack.h  Decides what a receiver of one stream asks for again (RFC 4585 §6.2.1).
 */
#ifndef AURA_RTP_NACK_H
#define AURA_RTP_NACK_H

#include "rtp/rtcp.h"

enum {
    AURA_NACK_OUTSTANDING_MAX = 500, /* then the oldest are given up */
    AURA_NACK_GAP_MAX = 1000,        /* a bigger jump is a restart: nothing is asked for */
    AURA_NACK_TRIES_MAX = 10,
    AURA_NACK_REORDER_US = 5000, /* how long a gap may close by itself */
    AURA_NACK_INTERVAL_MIN_US = 20000,
    AURA_NACK_INTERVAL_MAX_US = 400000,
};

struct aura_nack;
AURA_NODISCARD int aura_nack_new(struct aura_nack **np);
/** Returns NULL. */
struct aura_nack *aura_nack_free(struct aura_nack *n);

enum aura_nack_result {
    AURA_NACK_IN_ORDER, /* newest so far */
    AURA_NACK_LATE,     /* was missing, came before it was asked for */
    AURA_NACK_REPAIRED, /* was missing and asked for */
    AURA_NACK_UNKNOWN,  /* a duplicate, or was given up */
};
/** A packet arrived, by RTX or itself. @param eseq  extended sequence number */
enum aura_nack_result aura_nack_received(struct aura_nack *n, uint64_t eseq, uint64_t now_us);
/** A key frame begins at @p eseq: nothing older is needed any more. */
void aura_nack_key_frame(struct aura_nack *n, uint64_t eseq);
/**
 * What to ask for now. Retries come after the RTT (20..400 ms), each 1.5 times later than before.
 * @param rtt_us  0 = unknown: 100 ms is taken
 * @return pairs written
 */
size_t aura_nack_poll(struct aura_nack *n, uint64_t now_us, uint32_t rtt_us,
                      struct aura_rtcp_nack *out, size_t cap);
size_t aura_nack_outstanding(const struct aura_nack *n);
/** Sequence numbers asked for (each try counts), that arrived after asking, and given up. */
struct aura_nack_stats {
    uint64_t asked, repaired, given_up;
};
struct aura_nack_stats aura_nack_stats(const struct aura_nack *n);

#endif
