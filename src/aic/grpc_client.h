/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file grpc_client.h  Bidirectional gRPC streams on the C core, as bytes.
 *
 * The library's whole surface on the client's side stays in grpc_client.c. Threading: one thread of
 * the client calls all handlers; every other call may come from every thread.
 */
#ifndef AURA_AIC_GRPC_CLIENT_H
#define AURA_AIC_GRPC_CLIENT_H

#include "base/err.h"

#include <stddef.h>
#include <stdint.h>

enum { AURA_GRPC_STREAM_OUTBOX_MAX = 32 }; /* messages of one stream that wait to be sent */

struct aura_grpc_client;
struct aura_grpc_stream;

struct aura_grpc_client_conf {
    const char *address;           /* "127.0.0.1:50051", "unix:/run/aicore.sock" */
    const char *ca;                /* PEM text of the authorities it trusts; NULL = no TLS */
    const char *certificate, *key; /* our own, PEM text; NULL = none */
    size_t message_bytes_max;
};

/** On the client's thread; must not block. `closed` is the last call for its stream. */
struct aura_grpc_stream_handlers {
    void (*message)(void *arg, const uint8_t *data, size_t len); /* borrowed */
    void (*closed)(void *arg, int status, const char *text);     /* gRPC's code; 0 = as it should */
};

/** Connects when the first stream opens. @return 0, AURA_ENOMEM, AURA_EINVAL (certificates) */
AURA_NODISCARD int aura_grpc_client_new(struct aura_grpc_client **cp,
                                        const struct aura_grpc_client_conf *conf);
/** Waits for the ends of all streams, which must have been freed, and for the thread. */
struct aura_grpc_client *aura_grpc_client_free(struct aura_grpc_client *c);

/**
 * @param method  "/package.Service/Method"
 * @param sp      out: usable until `closed` was called; then it must be given back by
 *                aura_grpc_stream_free()
 * @return 0 or AURA_ENOMEM
 */
AURA_NODISCARD int aura_grpc_stream_open(struct aura_grpc_stream **sp, struct aura_grpc_client *c,
                                         const char *method,
                                         const struct aura_grpc_stream_handlers *handlers,
                                         void *arg);
/** Queues one message; copied. @return 0, AURA_ENOMEM, AURA_ECLOSED, AURA_ELIMIT (too slow) */
int aura_grpc_stream_send(struct aura_grpc_stream *s, const uint8_t *data, size_t len);
/** Nothing more will be sent; answers still come. */
void aura_grpc_stream_finish(struct aura_grpc_stream *s);
/** Ends it now; `closed` follows. */
void aura_grpc_stream_cancel(struct aura_grpc_stream *s);
/** Gives the handle back; NULL is fine. Cancels it if it still runs. */
struct aura_grpc_stream *aura_grpc_stream_free(struct aura_grpc_stream *s);

#endif
