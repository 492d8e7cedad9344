/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file aic_inbox.h  From AI Core's connection to a worker: what streams answer waits here for the
 * worker's next turn.
 *
 * A stream's origin says whose answers they are; it may outlive its track, so that it knows the
 * track by id and generation only. Private to src/sfu.
 */
#ifndef AURA_SFU_AIC_INBOX_H
#define AURA_SFU_AIC_INBOX_H

#include "aic/core.h"
#include "sfu/worker.h"

enum { AURA_AIC_INBOX_MAX = 1024 }; /* answers that wait for the worker; more are dropped */

struct aura_aic_inbox;
struct aura_aic_event;

/** An answer, or the end of a stream, on the worker. */
typedef void(aura_aic_event_fn)(struct aura_worker *w, const struct aura_aic_event *e);

struct aura_aic_origin {
    struct aura_aic_inbox *inbox;
    aura_aic_event_fn *handle;
    aura_pub_id pub;
    uint32_t generation; /* of the track's stream: answers of older ones are not for the newest */
};

struct aura_aic_event {
    struct aura_aic_event *next;
    struct aura_aic_origin from;
    bool closed; /* the stream ended; else `frame` or `look` is valid */
    enum aura_aic_reason why;
    struct aura_aic_frame_out frame; /* data points behind the event */
    struct aura_aic_look look;
    uint8_t bytes[];
};

/** What the worker needs before any track can have a stream. */
AURA_NODISCARD int aura__aic_inbox_new(struct aura_aic_inbox **ip, struct aura_worker *w);
/** Waits until AI Core's connection knows none of the worker's streams any more. */
struct aura_aic_inbox *aura__aic_inbox_free(struct aura_aic_inbox *inbox);

/** Opens CompressStream or Analyze; answers come to `from.handle`.
 * @return 0, AURA_ENOMEM, AURA_ECLOSED, AURA_ELIMIT (as many streams as the operator allows) */
AURA_NODISCARD int aura__aic_open(struct aura_aic_stream **sp, const struct aura_aic_origin *from,
                                  enum aura_aic_call call);

#endif
