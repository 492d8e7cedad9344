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

enum {
    AURA_ADMISSION_CLIENTS_MAX = 1024, /* whose rates are known at once */
    AURA_ADMISSION_BUDGET_US = 20000,  /* that 99 of 100 answers are to keep */
};

struct aura_admission_conf {
    unsigned threads;
    unsigned max_streams; /* 0 = no limit but time */
    unsigned opens_per_s; /* of one client */
    /* Of a frame, measured before; 0 = not. */
    float work_ns_per_pixel, answer_ns_per_pixel;
};

/** What a stream is expected to need. */
struct aura_promise {
    float share;     /* of one thread's time */
    float answer_us; /* of work until a frame's answer is out; 0 = nobody waits for it */
};

struct aura_admission;

AURA_NODISCARD int aura_admission_new(struct aura_admission **ap,
                                      const struct aura_admission_conf *conf,
                                      const struct aura_clock *clock);
struct aura_admission *aura_admission_free(struct aura_admission *a);

/** A call of this client may begin. @param peer  as gRPC names it; the port does not count */
bool aura_admission_may_open(struct aura_admission *a, const char *peer);
/**
 * Takes time for a stream: if the threads have as much, and if all streams' answers would be on
 * time (AURA_ADMISSION_BUDGET_US) even with their frames coming at the same moment.
 * @return 0 or AURA_ELIMIT
 */
AURA_NODISCARD int aura_admission_enter(struct aura_admission *a, const struct aura_promise *p);
/** It turned out to need something else. */
void aura_admission_change(struct aura_admission *a, const struct aura_promise *from,
                           const struct aura_promise *to);
/**
 * A stream is late: the promises were too many. One at a time is to go, so that the others keep
 * theirs.
 * @param hopeless  frames wait so long that nobody can use them: then it goes sooner
 * @return true: it is the caller's that goes
 */
bool aura_admission_shed(struct aura_admission *a, bool hopeless);
void aura_admission_leave(struct aura_admission *a, const struct aura_promise *p);

/** For pictures of a size: what this processor needed so far. */
struct aura_promise aura_admission_expect(struct aura_admission *a, uint32_t width, uint32_t height,
                                          uint32_t fps);
/** A frame of that size took so long: in all, and until its answer. */
void aura_admission_learn(struct aura_admission *a, uint32_t width, uint32_t height,
                          uint32_t work_us, uint32_t answer_us);

/** Streams now, and the share of all threads' time that is promised to them. */
void aura_admission_load(struct aura_admission *a, uint32_t *streams, float *load);

#endif
