/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file sim.h  Two ends on a manual clock with a lossy, reordering wire between them, and a client
 * end (full ICE, reduced to what a browser sends) for tests of struct aura_pc.
 *
 * The C library's gettimeofday() is replaced by the manual clock, since OpenSSL measures the
 * retransmission of handshakes with it.
 */
#ifndef AURA_TESTS_TRANSPORT_SIM_H
#define AURA_TESTS_TRANSPORT_SIM_H

#include "base/list.h"
#include "base/rand.h"
#include "base/timer.h"
#include "harness.h"
#include "transport/ice.h"
#include "transport/sctp.h"
#include "transport/srtp.h"
#include "transport/stun.h"

typedef void(sim_deliver_fn)(void *arg, const struct aura_path *path, uint8_t *data, size_t len);

struct sim {
    struct aura_clock_manual clock;
    struct aura_timers *timers;
    struct aura_rand_seeded rand;
    struct aura_list wire;
    uint32_t loss_percent;
    uint32_t delay_us, jitter_us;
    struct {
        sim_deliver_fn *fn;
        void *arg;
    } ends[2];
    size_t sent;
    bool (*drop)(const uint8_t *data, size_t len); /* NULL = by loss_percent only */
};

AURA_NODISCARD int sim_init(struct sim *s);
void sim_fini(struct sim *s);
/** Puts a datagram on the wire towards an end. */
void sim_send(struct sim *s, int to, const struct aura_path *path, const uint8_t *data, size_t len);
/** Lets time pass in steps of a millisecond. */
void sim_run(struct sim *s, uint32_t ms);

struct client {
    struct sim *sim;
    struct aura_path path; /* as the server sees us */
    char local_ufrag[32], remote_ufrag[32], remote_pwd[64];
    bool controlled; /* claims the wrong role */
    bool silent;     /* sends no checks */
    bool nominate;
    uint32_t priority;
    struct aura_timer check;
    size_t ok, errors;
    uint16_t last_error;
    struct aura_addr mapped;
    struct aura_dtls *dtls;
    struct aura_sctp *sctp;
    struct aura_srtp *srtp;
    bool dtls_client, open_channels, negotiated, no_sctp;
    int dtls_error;
    bool opened[AURA_DATA_CHANNELS];
    size_t messages[AURA_DATA_CHANNELS], bytes[AURA_DATA_CHANNELS], drained;
    uint32_t sum[AURA_DATA_CHANNELS];
    uint8_t rtp[1500];
    size_t rtp_len, rtp_count;
};

AURA_NODISCARD int client_start(struct client *c, struct sim *s,
                                const struct aura_dtls_identity *identity,
                                const struct aura_fingerprint *server);
void client_stop(struct client *c);
/** For sim.ends: what the server sent. */
void client_deliver(void *arg, const struct aura_path *path, uint8_t *data, size_t len);
void client_check(struct client *c);

/** Sum over bytes that notices changed and exchanged ones. */
uint32_t sim_sum(const uint8_t *data, size_t len);

#endif
