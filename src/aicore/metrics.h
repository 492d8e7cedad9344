/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file metrics.h  AI Core's counters, and their text for Prometheus. Thread-safe; nothing in them
 * says what is in the media or whose it is.
 */
#ifndef AURA_AICORE_METRICS_H
#define AURA_AICORE_METRICS_H

#include "aicore/models.h"
#include "aicore/steps.h"
#include "base/buf.h"

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

enum { AURA_METRICS_BUCKETS = 12 };

/** Why a call or a frame was not served. */
enum aura_refusal {
    AURA_REFUSED_DRAINING,
    AURA_REFUSED_RATE,    /* too many calls of one client */
    AURA_REFUSED_ROOM,    /* the threads' time is promised to others */
    AURA_REFUSED_FAST,    /* frames come faster than they can be compressed */
    AURA_REFUSED_SLOW,    /* answers are read too slowly */
    AURA_REFUSED_MESSAGE, /* not a message of ours */
    AURA_REFUSED_FRAME,   /* not what its codec says */
    AURA_REFUSED_SIZE,    /* sides or rate out of range */
    AURA_REFUSED_CODEC,   /* this build has not got it */
    AURA_REFUSED_MEMORY,
    AURA_REFUSED_OTHER,
    AURA_REFUSALS,
};

struct aura_histogram {
    atomic_uint_least64_t bucket[AURA_METRICS_BUCKETS], sum_us;
};

struct aura_metrics {
    atomic_uint_least64_t refused[AURA_REFUSALS];
    struct aura_histogram step[AURA_STEPS];
    struct aura_histogram total;                     /* from the request's arrival to its answer */
    atomic_uint_least64_t native_bytes, coded_bytes; /* of frames that were compressed */
};

void aura_metrics_refused(struct aura_metrics *m, enum aura_refusal why);
/** The refusal that an error of a frame is. */
enum aura_refusal aura_metrics_why(int err);
/**
 * A frame was answered.
 * @param in, out   bytes; `in` 0: it was not compressed, and does not count for what is saved
 * @param total_us  since it came
 */
void aura_metrics_frame(struct aura_metrics *m, const uint32_t step_us[AURA_STEPS], size_t in,
                        size_t out, uint32_t total_us);
/** "decode", "analyse", "faces", "person", "speech", "encode", "learn". */
const char *aura_step_name(enum aura_step step);

/** Writes all of it. @param models  NULL = none */
void aura_metrics_write(const struct aura_metrics *m, const struct aura_models *models,
                        struct aura_buf *out);

#endif
