/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file grpc_server.h  A gRPC server on the C core, as bytes in and out of named methods.
 *
 * The library's whole surface stays in grpc_server.c. Threading: the server's one thread calls all
 * handlers; aura_grpc_send() and aura_grpc_finish() may be called from every thread. A call is
 * reference-counted: who keeps one holds a reference.
 */
#ifndef AURA_AICORE_GRPC_SERVER_H
#define AURA_AICORE_GRPC_SERVER_H

#include "aicore/urgent.h"
#include "base/err.h"

#include <stddef.h>
#include <stdint.h>

/** Status codes of gRPC that are used here. */
enum aura_grpc_status {
    AURA_GRPC_OK = 0,
    AURA_GRPC_CANCELLED = 1,
    AURA_GRPC_INVALID_ARGUMENT = 3,
    AURA_GRPC_NOT_FOUND = 5,
    AURA_GRPC_RESOURCE_EXHAUSTED = 8,
    AURA_GRPC_UNIMPLEMENTED = 12,
    AURA_GRPC_INTERNAL = 13,
    AURA_GRPC_UNAVAILABLE = 14,
};

enum {
    AURA_GRPC_CALLS_MAX = 4096, /* at once */
    AURA_GRPC_OUTBOX_MAX = 64,  /* answers of one call that wait for its reader */
};

struct aura_grpc_server;
struct aura_grpc_call;

/** One method, or all of a service. Handlers run on the server's thread and must not block. */
struct aura_grpc_method {
    const char *path; /* "/package.Service/Method" */
    void *arg;
    /* A call begins. @return what the other two get; NULL if it was finished here */
    void *(*open)(void *arg, struct aura_grpc_call *call);
    /* One message, borrowed; data NULL: the client has sent its last. */
    void (*message)(void *user, struct aura_grpc_call *call, const uint8_t *data, size_t len);
    /* The call is over, however it ended. */
    void (*closed)(void *user, struct aura_grpc_call *call);
};

struct aura_grpc_server_conf {
    const char *address;           /* "127.0.0.1:50051", "[::]:50051", "unix:/run/aicore.sock" */
    const char *certificate, *key; /* PEM text; NULL = no TLS */
    const char *client_ca;         /* PEM text; clients must show a certificate of it */
    size_t message_bytes_max;
    const struct aura_grpc_method *methods; /* borrowed; path NULL at the end */
    struct aura_urgent *urgent; /* borrowed: its thread goes before other programs; NULL = none */
};

/**
 * Listens and starts its thread.
 * @return 0, AURA_ENOMEM, AURA_EEXISTS (the address is taken, or cannot be bound), AURA_EINVAL
 * (certificates)
 */
AURA_NODISCARD int aura_grpc_server_new(struct aura_grpc_server **sp,
                                        const struct aura_grpc_server_conf *conf);
/** The port it listens on (the kernel's choice for port 0); 0 for a unix socket. */
uint16_t aura_grpc_server_port(const struct aura_grpc_server *s);
/** Refuses new calls, ends the running ones, waits for the thread. */
struct aura_grpc_server *aura_grpc_server_free(struct aura_grpc_server *s);

struct aura_grpc_call *aura_grpc_call_ref(struct aura_grpc_call *call);
struct aura_grpc_call *aura_grpc_call_unref(struct aura_grpc_call *call);
/** Who calls: "ipv4:127.0.0.1:4711"; valid as long as the call. */
const char *aura_grpc_peer(const struct aura_grpc_call *call);
/**
 * Queues one answer; `data` is copied.
 * @return 0, AURA_ENOMEM, AURA_ECLOSED (the call is over), AURA_ELIMIT (the reader is too slow)
 */
int aura_grpc_send(struct aura_grpc_call *call, const uint8_t *data, size_t len);
/** Ends the call behind what is queued. Only the first one counts. */
void aura_grpc_finish(struct aura_grpc_call *call, enum aura_grpc_status status, const char *text);

#endif
