/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file sctp.h  Data channels of one peer: SCTP over DTLS and DCEP (RFC 9260, 8261, 8831, 8832).
 *
 * The SCTP stack underneath is one for the process, behind one lock; its callbacks only fill queues
 * of the association they concern, and the owner works those off on its own thread. What another
 * worker's tick produced waits for the owner's next tick (10 ms). So: worker-affine for the caller.
 */
#ifndef AURA_TRANSPORT_SCTP_H
#define AURA_TRANSPORT_SCTP_H

#include "base/timer.h"
#include "transport/channels.h"

#include <stddef.h>
#include <stdint.h>

enum {
    AURA_SCTP_MESSAGE_MAX = 262144,         /* own limit for one message, both ways */
    AURA_SCTP_BUFFER_MAX = 2 * 1024 * 1024, /* queued on one channel: then AURA_EAGAIN */
    AURA_SCTP_BUFFER_LOW = 512 * 1024,      /* data_drained comes when it falls to this */
    AURA_SCTP_TICK_MS = 50,
};

struct aura_sctp;

struct aura_sctp_handlers {
    void (*send)(void *arg, const uint8_t *packet, size_t len); /* for one DTLS record; borrowed */
    void (*data_open)(void *arg, enum aura_data_channel channel);
    void (*data)(void *arg, enum aura_data_channel channel, const uint8_t *data, size_t len);
    void (*data_drained)(void *arg, enum aura_data_channel channel);
    void (*closed)(void *arg); /* the association is gone; final */
};

struct aura_sctp_conf {
    struct aura_timers *timers;
    uint16_t local_port, remote_port; /* 0 = 5000 */
    bool dtls_client;                 /* then our streams are even, RFC 8832 section 6 */
    bool open_channels;               /* open the labelled channels by DCEP */
    bool negotiated;                  /* ids 100/101/102, no DCEP */
    size_t max_receive_bytes;         /* of a message; 0 = 65535 */
    size_t max_send_bytes;            /* what the peer takes; 0 = any (then our limit) */
};

/** Starts the association at once (both ends do). No callback from inside.
 * @return 0, AURA_ENOMEM, AURA_EBUG */
AURA_NODISCARD int aura_sctp_new(struct aura_sctp **sp, const struct aura_sctp_conf *conf,
                                 const struct aura_sctp_handlers *handlers, void *arg);
/** Aborts: the ABORT goes out through `send` meanwhile; after that no callback comes any more. May
 * be called from inside a callback. */
void aura_sctp_close(struct aura_sctp *s);
/** Closes and frees. Not from inside a callback. */
struct aura_sctp *aura_sctp_free(struct aura_sctp *s);
/** One decrypted SCTP packet. */
void aura_sctp_recv(struct aura_sctp *s, const uint8_t *packet, size_t len);
/** See aura_pc_send_data(). */
AURA_NODISCARD int aura_sctp_send(struct aura_sctp *s, enum aura_data_channel channel,
                                  const uint8_t *data, size_t len);
bool aura_sctp_open(const struct aura_sctp *s, enum aura_data_channel channel);
size_t aura_sctp_buffered(const struct aura_sctp *s, enum aura_data_channel channel);
/** Smoothed round trip of the association in microseconds, 0 = not known. */
uint32_t aura_sctp_rtt_us(const struct aura_sctp *s);

#endif
