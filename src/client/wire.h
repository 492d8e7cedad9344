/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file wire.h  One peer connection of a client: ICE, DTLS, SRTP and data channels.
 *
 * Threading: one thread. Memory: owned by who made it; aura_wire_close() may be called from inside
 * its callbacks.
 */
#ifndef AURA_CLIENT_WIRE_H
#define AURA_CLIENT_WIRE_H

#include "base/rand.h"
#include "client/ports.h"
#include "transport/channels.h"
#include "transport/dtls.h"

struct aura_wire;

enum {
    AURA_WIRE_PACKET_MAX = 1500, /* longest packet, tag included */
    AURA_WIRE_CANDIDATE_MAX = 128,
};

struct aura_wire_handlers {
    void (*connected)(void *arg);
    /* AURA_ETIMEDOUT (no pair works: UDP is blocked, or consent is gone), AURA_EAUTH, AURA_ECLOSED
     * (the peer closed), AURA_EIO; final */
    void (*failed)(void *arg, int err);
    /* Decrypted whole packets, in the buffer they came in. `now_us`: when the kernel took it. */
    void (*rtp)(void *arg, uint8_t *packet, size_t len, uint64_t now_us);
    void (*rtcp)(void *arg, uint8_t *packet, size_t len, uint64_t now_us);
    void (*data)(void *arg, enum aura_data_channel channel, const uint8_t *data, size_t len);
};

struct aura_wire_conf {
    struct aura_loop *loop;
    struct aura_ports *ports;
    struct aura_rand *rand;
    const struct aura_dtls_identity *identity;
    bool open_channels; /* by DCEP, once SCTP is up */
};

AURA_NODISCARD int aura_wire_new(struct aura_wire **out, const struct aura_wire_conf *conf,
                                 const struct aura_wire_handlers *handlers, void *arg);
/** Says goodbye to the peer and frees it, from inside a callback soon after. NULL is fine. */
void aura_wire_close(struct aura_wire *w);

const char *aura_wire_ufrag(const struct aura_wire *w);
const char *aura_wire_pwd(const struct aura_wire *w);

struct aura_wire_remote {
    const char *ufrag, *pwd;
    const struct aura_fingerprint *fingerprints;
    size_t fingerprint_count;
    bool controlling; /* our ICE role */
    bool active;      /* we are the DTLS client */
    bool sctp;
    uint16_t sctp_port;
};
/** What the peer's description says; again with new credentials after its ICE restart.
 * @return 0, AURA_ENOMEM, AURA_EINVAL */
AURA_NODISCARD int aura_wire_set_remote(struct aura_wire *w, const struct aura_wire_remote *r);
/** A candidate's text; those that cannot be used are ignored. @return 0, AURA_ENOMEM, AURA_EIO */
int aura_wire_add_candidate(struct aura_wire *w, const char *text);

/**
 * The next candidate of our own that was not told yet, as in a=candidate; they come into being as
 * the peer's are added. A peer that is not ICE-lite wants them. @return false if there is none
 */
bool aura_wire_next_candidate(struct aura_wire *w, char out[AURA_WIRE_CANDIDATE_MAX]);

bool aura_wire_connected(const struct aura_wire *w);
uint32_t aura_wire_rtt_us(const struct aura_wire *w);
/** Room for one packet of ours, or NULL while nothing can be sent. */
uint8_t *aura_wire_reserve(struct aura_wire *w);
/** Encrypts the packet in the reserved room and queues it. @return 0, AURA_ESTATE, AURA_ELIMIT */
int aura_wire_commit_rtp(struct aura_wire *w, uint8_t *packet, size_t len);
int aura_wire_commit_rtcp(struct aura_wire *w, uint8_t *packet, size_t len);
/** @return as aura_sctp_send() */
int aura_wire_send_data(struct aura_wire *w, enum aura_data_channel channel, const uint8_t *data,
                        size_t len);

#endif
