/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file seq.h  Sequence numbers and timestamps that wrap: compared and unwrapped only here.
 */
#ifndef AURA_RTP_SEQ_H
#define AURA_RTP_SEQ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** a - b on the 16-bit circle: > 0 if @p a is newer. */
static inline int16_t aura_seq_diff(uint16_t a, uint16_t b) {
    return (int16_t)(uint16_t)(a - b);
}
static inline bool aura_seq_newer(uint16_t a, uint16_t b) {
    return aura_seq_diff(a, b) > 0;
}
/** a - b on the 32-bit circle, in timestamp ticks. */
static inline int32_t aura_ts_diff(uint32_t a, uint32_t b) {
    return (int32_t)(a - b);
}
static inline bool aura_ts_newer(uint32_t a, uint32_t b) {
    return aura_ts_diff(a, b) > 0;
}

/** Extends 16-bit numbers; starts in the second cycle, so that what is late at the start fits. */
struct aura_seq_unwrapper {
    bool started;
    uint64_t newest;
};

/** The extended number next to the newest one seen; does not move the state. */
static inline uint64_t aura_seq_unwrap_peek(const struct aura_seq_unwrapper *u, uint16_t seq) {
    return u->started ? u->newest + (uint64_t)(int64_t)aura_seq_diff(seq, (uint16_t)u->newest)
                      : UINT64_C(65536) + seq;
}
static inline uint64_t aura_seq_unwrap(struct aura_seq_unwrapper *u, uint16_t seq) {
    uint64_t eseq = aura_seq_unwrap_peek(u, seq);
    if (!u->started || eseq > u->newest) {
        u->newest = eseq;
        u->started = true;
    }
    return eseq;
}

/** The same for 32-bit timestamps. */
struct aura_ts_unwrapper {
    bool started;
    uint64_t newest;
};
static inline uint64_t aura_ts_unwrap(struct aura_ts_unwrapper *u, uint32_t ts) {
    uint64_t ets = u->started ? u->newest + (uint64_t)(int64_t)aura_ts_diff(ts, (uint32_t)u->newest)
                              : (UINT64_C(1) << 32) + ts;
    if (!u->started || ets > u->newest) {
        u->newest = ets;
        u->started = true;
    }
    return ets;
}

#endif
