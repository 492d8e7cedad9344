/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file sctp_priv.h  One association inside the process-wide SCTP stack.
 *
 * All calls are made by the owner's thread. Whatever the stack produces is put into the
 * association's queues under the stack's lock, by whichever thread drove it; the owner takes it out
 * with aura__assoc_next_packet() and aura__assoc_next_event(), outside the lock.
 */
#ifndef AURA_TRANSPORT_SCTP_PRIV_H
#define AURA_TRANSPORT_SCTP_PRIV_H

#include "base/list.h"
#include "base/timer.h"

#include <stddef.h>
#include <stdint.h>

enum {
    AURA__SCTP_STREAMS = 128,     /* each way; the stack keeps state for every one */
    AURA__SCTP_PACKET_MAX = 1136, /* DTLS record in 1200 bytes */
    AURA__SCTP_OUTBOX_MAX = 2048, /* packets; more are dropped as a network would */
};

/* RFC 8831 section 8, RFC 8832 section 8.1 */
enum {
    AURA__PPID_DCEP = 50,
    AURA__PPID_STRING = 51,
    AURA__PPID_BINARY = 53,
    AURA__PPID_STRING_EMPTY = 56,
    AURA__PPID_BINARY_EMPTY = 57,
};

enum aura__assoc_event_kind {
    AURA__ASSOC_UP,
    AURA__ASSOC_DOWN,
    AURA__ASSOC_DATA,
    AURA__ASSOC_RESET,   /* the peer reset its stream */
    AURA__ASSOC_PARTIAL, /* the rest of a partly delivered message will not come */
};

struct aura__assoc_event {
    struct aura_node node;
    enum aura__assoc_event_kind kind;
    uint16_t stream;
    uint32_t ppid;
    bool last; /* end of the message */
    uint8_t *data;
    size_t len;
};

struct aura__assoc_packet {
    struct aura_node node;
    size_t len;
    uint8_t data[];
};

struct aura__assoc;

struct aura__assoc_conf {
    struct aura_timers *timers;
    uint16_t local_port, remote_port;
    size_t message_bytes;    /* longest that will be sent */
    void (*work)(void *arg); /* from the tick: something is in the queues */
    void *arg;
};

struct aura__assoc_message {
    uint16_t stream;
    uint32_t ppid;
    bool unordered;
    bool unreliable; /* never sent again */
    const uint8_t *data;
    size_t len;
};

AURA_NODISCARD int aura__assoc_new(struct aura__assoc **ap, const struct aura__assoc_conf *conf);
/** Aborts; the last packets can still be taken out. */
void aura__assoc_close(struct aura__assoc *a);
void aura__assoc_free(struct aura__assoc *a);
void aura__assoc_input(struct aura__assoc *a, const uint8_t *packet, size_t len);
/** @return 0, AURA_EAGAIN (the stack has enough), AURA_ESTATE */
AURA_NODISCARD int aura__assoc_send(struct aura__assoc *a, const struct aura__assoc_message *m);
void aura__assoc_reset(struct aura__assoc *a, uint16_t stream);
/** The caller frees what it gets with aura_free(); NULL = empty. */
struct aura__assoc_packet *aura__assoc_next_packet(struct aura__assoc *a);
/** The caller frees it with aura__assoc_event_free(). */
struct aura__assoc_event *aura__assoc_next_event(struct aura__assoc *a);
void aura__assoc_event_free(struct aura__assoc_event *e);
uint32_t aura__assoc_rtt_us(struct aura__assoc *a);

#endif
