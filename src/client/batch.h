/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file batch.h  Reads datagrams of many sockets through one set of buffers, with the time at which
 * the kernel took each.
 *
 * A process that plays hundreds of receivers comes late to some of them; the kernel's times keep
 * that out of latencies and out of congestion feedback, as libwebrtc does. Threading: one thread.
 */
#ifndef AURA_CLIENT_BATCH_H
#define AURA_CLIENT_BATCH_H

#include "base/clock.h"
#include "net/addr.h"

#include <stddef.h>
#include <stdint.h>

struct aura_batch;

enum {
    AURA_BATCH_DATAGRAMS = 64,       /* of one recvmmsg */
    AURA_BATCH_BYTES = 4096,         /* longer datagrams are cut, and dropped */
    AURA_BATCH_JOINED_BYTES = 65536, /* the same with GRO: datagrams joined by the kernel */
    AURA_BATCH_ROUNDS_MAX = 4,       /* before other sockets get their turn */
    AURA_BATCH_LATE_MAX_MS = 10000,  /* an older time is a clock that was set: now is taken */
};

struct aura_batch_packet {
    uint8_t *data; /* may be overwritten; gone when the callback returns */
    size_t len;
    struct aura_addr remote;
    struct aura_addr local; /* family NONE where the socket does not tell; the port is 0 */
    uint64_t arrival_us;    /* monotonic */
};
typedef void(aura_batch_fn)(void *arg, const struct aura_batch_packet *packet);

/** @param gro  sockets have UDP_GRO on. @return 0 or AURA_ENOMEM */
AURA_NODISCARD int aura_batch_new(struct aura_batch **out, const struct aura_clock *clock,
                                  bool gro);
struct aura_batch *aura_batch_free(struct aura_batch *b);
/** Asks the kernel for times on a socket; without them the time of reading is taken. */
void aura_batch_prepare(int fd);
/** Reads what has arrived. @return datagrams handed out */
int aura_batch_recv(struct aura_batch *b, int fd, aura_batch_fn *fn, void *arg);

#endif
