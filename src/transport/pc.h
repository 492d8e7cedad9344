/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file pc.h  One peer connection: ICE-lite, DTLS, SRTP and SCTP over whatever carries datagrams.
 *
 * Threading: worker-affine. Memory: ref-counted. Pure protocol: bytes in through aura_pc_recv(),
 * bytes out through the handlers, time from the worker's timers; so it runs in simulation. No
 * callback comes after aura_pc_close() returns, and none from inside aura_pc_new().
 */
#ifndef AURA_TRANSPORT_PC_H
#define AURA_TRANSPORT_PC_H

#include "base/rand.h"
#include "base/timer.h"
#include "net/addr.h"
#include "transport/channels.h"
#include "transport/dtls.h"
#include "transport/ice.h"
#include "transport/srtp.h"

#include <stddef.h>
#include <stdint.h>

struct aura_pc;

enum aura_pc_state {
    AURA_PC_NEW,          /* no valid check yet */
    AURA_PC_CONNECTING,   /* a path is nominated, DTLS runs */
    AURA_PC_CONNECTED,    /* DTLS done, fingerprint verified: media may flow */
    AURA_PC_DISCONNECTED, /* no consent for 10 s (RFC 7675: media stops at 30 s) */
    AURA_PC_FAILED,       /* consent gone for 30 s, DTLS failed or the peer closed it */
};

struct aura_pc_handlers {
    /* Sends one datagram (STUN, DTLS); bytes are borrowed. SRTP does not pass here. */
    void (*send)(void *arg, const struct aura_path *path, const uint8_t *data, size_t len);
    void (*state)(void *arg, enum aura_pc_state state);
    /* The nominated path moved (also the first time): media goes there from now on. */
    void (*path)(void *arg, const struct aura_path *path);
    /* Decrypted, still whole RTP / RTCP packets; the bytes lie in the buffer given to recv. */
    void (*rtp)(void *arg, uint8_t *packet, size_t len);
    void (*rtcp)(void *arg, uint8_t *packet, size_t len);
    void (*data_open)(void *arg, enum aura_data_channel channel);
    void (*data)(void *arg, enum aura_data_channel channel, const uint8_t *data, size_t len);
    /* Bytes queued on a channel went under its low-water mark. */
    void (*data_drained)(void *arg, enum aura_data_channel channel);
    /* A media packet was not delivered: AURA_EAUTH (forged or damaged), AURA_ESTALE (replayed),
     * AURA_EMALFORMED, AURA_ELIMIT (too many SSRCs), AURA_ESTATE (before DTLS is done). For
     * counting; may be NULL. */
    void (*dropped)(void *arg, int why);
};

struct aura_pc_conf {
    const char *local_ufrag, *local_pwd;       /* RFC 8839; copied */
    const struct aura_dtls_identity *identity; /* certificate; outlives the pc */
    struct aura_timers *timers;
    struct aura_rand *rand;
    bool offerer;             /* we sent the first offer: the DTLS role then follows the answer */
    bool open_data_channels;  /* we open _reliable, _lossy, _data_track by DCEP once SCTP is up */
    bool negotiated_channels; /* use ids 100/101/102 without DCEP instead */
    size_t max_message_bytes; /* of data channels, in both directions */
    uint32_t patience_ms;     /* without a check: DISCONNECTED; 0 = 10 s */
};

AURA_NODISCARD int aura_pc_new(struct aura_pc **pcp, const struct aura_pc_conf *conf,
                               const struct aura_pc_handlers *handlers, void *arg);
/**
 * Ends it: SCTP ABORT and DTLS close_notify go out through `send`, then no callback comes any more.
 * The caller's reference stays and goes with aura_unref(). May be called from inside a callback
 * (then before that unref); the memory then lives until the timers run next.
 */
void aura_pc_close(struct aura_pc *pc);

/**
 * What the peer's description said. May be called again (ICE restart: new ufrag/pwd; the DTLS part
 * must then be the same). @param fingerprints  RFC 8122 values, `count` of them: one must match.
 * @param active  we take the DTLS client role.
 * @return 0, AURA_EINVAL, AURA_ESTATE (DTLS identity changed on a running association)
 */
struct aura_pc_remote {
    const char *ufrag, *pwd;
    const struct aura_fingerprint *fingerprints;
    size_t fingerprint_count;
    bool active;
    bool sctp; /* an m=application section was negotiated */
    uint16_t sctp_port;
    size_t max_message_bytes; /* what the peer takes; 0 = any */
    /* It has this one address and only answers, as another node of the cluster: we check (see
     * aura_ice_dial()). NULL: it checks. */
    const struct aura_addr *dial;
};
AURA_NODISCARD int aura_pc_set_remote(struct aura_pc *pc, const struct aura_pc_remote *remote);
/** New local ICE credentials; the old ones stay valid until the first check with the new ones. */
AURA_NODISCARD int aura_pc_restart_ice(struct aura_pc *pc, const char *ufrag, const char *pwd);

/** One received datagram, demultiplexed by RFC 7983; `data` may be overwritten (decrypted in
 * place). */
void aura_pc_recv(struct aura_pc *pc, const struct aura_path *path, uint8_t *data, size_t len);

/**
 * Encrypts in place. `*len` grows by the tag; `cap` is the room in `data`.
 * @return 0, AURA_ESTATE (not connected, or media is not allowed without consent), AURA_ELIMIT
 */
AURA_NODISCARD int aura_pc_protect_rtp(struct aura_pc *pc, uint8_t *data, size_t *len, size_t cap);
/** Asks the processor for what the next aura_pc_protect_rtp() reads. */
void aura_pc_prefetch(const struct aura_pc *pc);
/** Drops the sending state of an SSRC that will never be used again on this connection. */
void aura_pc_forget_ssrc(struct aura_pc *pc, uint32_t ssrc);
AURA_NODISCARD int aura_pc_protect_rtcp(struct aura_pc *pc, uint8_t *data, size_t *len, size_t cap);

/**
 * Queues a message. @return 0, AURA_ESTATE (channel not open), AURA_ELIMIT (too long),
 * AURA_EAGAIN (more than the buffer ceiling is queued; data_drained will be called)
 */
AURA_NODISCARD int aura_pc_send_data(struct aura_pc *pc, enum aura_data_channel channel,
                                     const uint8_t *data, size_t len);
bool aura_pc_data_open(const struct aura_pc *pc, enum aura_data_channel channel);
size_t aura_pc_data_buffered(const struct aura_pc *pc, enum aura_data_channel channel);

enum aura_pc_state aura_pc_state(const struct aura_pc *pc);
/** Round trip in microseconds: of SCTP, smoothed, or of the newest check where we dial; else 0. */
uint32_t aura_pc_rtt_us(const struct aura_pc *pc);

#endif
