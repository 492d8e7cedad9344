/* SPDX-License-Identifier: Apache-2.0 */
/** @file service.h  AI Core's gRPC services: AICore, health and reflection, on one server. */
#ifndef AURA_AICORE_SERVICE_H
#define AURA_AICORE_SERVICE_H

#include "aicore/models.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    AURA_AICORE_MESSAGE_BYTES_MAX = 32 << 20, /* of a request: a raw 4K picture is 12.4 MB */
};

struct aura_aicore_conf {
    const char *address;                       /* as in grpc_server.h */
    const char *certificate, *key, *client_ca; /* PEM text, NULL = none */
    const struct aura_models *models;          /* borrowed; NULL = codecs only */
    unsigned without;     /* set of enum aura_stage (stages.h); 0 = all do their work */
    unsigned threads;     /* that decode and encode; 0 = one for each core */
    bool urgent;          /* real-time threads, where the system allows it (urgent.h) */
    unsigned max_streams; /* at once; 0 = as many as the threads' time allows */
    unsigned opens_per_s; /* new calls of one client a second, in the long run; 0 = 50 */
};

struct aura_aicore_stats {
    uint64_t streams_opened, streams_refused, frames, frames_failed, bytes_in, bytes_out;
    uint32_t streams; /* now */
    float load;       /* of the threads' time, promised to streams: 0…1 */
};

struct aura_aicore;

/** Starts to serve. @return 0, AURA_ENOMEM, AURA_EEXISTS (address), AURA_EINVAL (certificates) */
AURA_NODISCARD int aura_aicore_new(struct aura_aicore **ap, const struct aura_aicore_conf *conf,
                                   const struct aura_clock *clock);
uint16_t aura_aicore_port(const struct aura_aicore *a);
/** New calls are refused, health says NOT_SERVING, running streams are told to move. */
void aura_aicore_drain(struct aura_aicore *a);
/** Its threads go before other programs: it was asked for and is allowed. */
bool aura_aicore_is_urgent(const struct aura_aicore *a);
bool aura_aicore_drains(const struct aura_aicore *a);
void aura_aicore_stats(struct aura_aicore *a, struct aura_aicore_stats *out);
/** All of its figures as text for Prometheus. Any thread. */
void aura_aicore_metrics(struct aura_aicore *a, struct aura_buf *out);
/** Ends what runs. */
struct aura_aicore *aura_aicore_free(struct aura_aicore *a);

#endif
