/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file admission.h  Who may use AI Core's time: a stream gets in only if those that are in keep
 * theirs. Thread-safe.
 */
#ifndef AURA_AICORE_ADMISSION_H
#define AURA_AICORE_ADMISSION_H

#include "base/clock.h"
#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

enum { AURA_ADMISSION_CLIENTS_MAX = 1024 }; /* whose rates are known at once */

struct aura_admission_conf {
    unsigned threads;
    unsigned max_streams; /* 0 = no limit but time */
    unsigned opens_per_s; /* of one client */
    float ns_per_pixel;   /* of a frame, measured before; 0 = not */
};

struct aura_admission;

AURA_NODISCARD int aura_admission_new(struct aura_admission **ap,
                                      const struct aura_admission_conf *conf,
                                      const struct aura_clock *clock);
struct aura_admission *aura_admission_free(struct aura_admission *a);

/** A call of this client may begin. @param peer  as gRPC names it; the port does not count */
bool aura_admission_may_open(struct aura_admission *a, const char *peer);
/**
 * Takes time for a stream.
 * @param share  of one thread that it is expected to need
 * @return 0 or AURA_ELIMIT
 */
AURA_NODISCARD int aura_admission_enter(struct aura_admission *a, float share);
/** It turned out to need another share. */
void aura_admission_change(struct aura_admission *a, float from, float to);
/**
 * A frame waited too long: the promises were too many. One stream at a time is to go, so that the
 * others keep theirs.
 * @return true: it is the caller's that goes
 */
bool aura_admission_shed(struct aura_admission *a);
void aura_admission_leave(struct aura_admission *a, float share);

/** Share of a thread for pictures of a size: what this processor needed so far. */
float aura_admission_expect(struct aura_admission *a, uint32_t width, uint32_t height,
                            uint32_t fps);
/** A frame of that size took so long. */
void aura_admission_learn(struct aura_admission *a, uint32_t width, uint32_t height, uint32_t us);

/** Streams now, and the share of all threads' time that is promised to them. */
void aura_admission_load(struct aura_admission *a, uint32_t *streams, float *load);

#endif
