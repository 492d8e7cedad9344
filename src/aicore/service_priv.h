/* SPDX-License-Identifier: Apache-2.0 */
/** @file service_priv.h  What the files of the service share. */
#ifndef AURA_AICORE_SERVICE_PRIV_H
#define AURA_AICORE_SERVICE_PRIV_H

#include "aicore/admission.h"
#include "aicore/grpc_server.h"
#include "aicore/metrics.h"
#include "aicore/pool.h"
#include "aicore/service.h"
#include "aicore/sound.h"
#include "aicore/urgent.h"

#include "aicore.pb-c.h"

#include <protobuf-c/protobuf-c.h>
#include <stdatomic.h>

enum { AURA__SERVICE_METHODS = 16 };

struct aura_aicore {
    const struct aura_clock *clock;
    struct aura_grpc_server *server;
    struct aura_pool *pool;
    struct aura_urgent *urgent; /* NULL: its threads are like others */
    struct aura_admission *admission;
    const struct aura_models *models; /* NULL: codecs only */
    unsigned without;                 /* set of enum aura_stage */
    atomic_bool draining;
    atomic_uint_least64_t streams_opened, streams_refused, frames, frames_failed, bytes_in,
        bytes_out;
    struct aura_metrics metrics;
    unsigned threads;
    struct aura_grpc_method methods[AURA__SERVICE_METHODS];
};

/** A unary call that only needs its `message` handler. */
void *aura__service_open(void *arg, struct aura_grpc_call *call);
void aura__service_closed(void *user, struct aura_grpc_call *call);
/** Packs and sends. @return as aura_grpc_send() */
int aura__service_send(struct aura_grpc_call *call, const ProtobufCMessage *m);

/** Of the names that are not empty, the steps of an answer. @return how many */
size_t aura__service_steps(const uint32_t step_us[AURA_STEPS], bool sound,
                           Auralink__Aicore__V1__StepTime steps[AURA_STEPS],
                           Auralink__Aicore__V1__StepTime *list[AURA_STEPS]);

/** It holds sound. */
bool aura__sound_is(const Auralink__Aicore__V1__CompressRequest *q);
/** Milliseconds of sound in it, as it says itself; 20 if it says nothing that can be. */
uint32_t aura__sound_ms(const Auralink__Aicore__V1__CompressRequest *q);
/** @param look, alone  Analyze, Compress. @return as aura_sound_packet() */
AURA_NODISCARD int aura__sound_take(struct aura_sound *s,
                                    const Auralink__Aicore__V1__CompressRequest *q, bool look,
                                    bool alone, struct aura_sound_out *out);
/** @return as aura_grpc_send() */
int aura__sound_answer(struct aura_aicore *core, struct aura_grpc_call *call,
                       const Auralink__Aicore__V1__CompressRequest *q,
                       const struct aura_sound_out *out, uint32_t total_us);
int aura__sound_answer_look(struct aura_grpc_call *call,
                            const Auralink__Aicore__V1__CompressRequest *q,
                            const struct aura_sound_out *out, uint32_t total_us);

/** Rows for the method table; each file's own. */
extern const struct aura_grpc_method
    aura__compress_methods[3]; /* Compress, CompressStream, Analyze */
extern const struct aura_grpc_method aura__models_method;
extern const struct aura_grpc_method aura__health_methods[2];
extern const struct aura_grpc_method aura__reflection_methods[2]; /* v1 and v1alpha */

#endif
