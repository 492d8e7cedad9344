/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file client.h  A WebRTC client reduced to what the SFU needs to see, over real loopback sockets:
 * checks, DTLS as the active end, SRTP, data channels. Runs on the loop of the test.
 */
#ifndef AURA_TESTS_SFU_CLIENT_H
#define AURA_TESTS_SFU_CLIENT_H

#include "base/bytes.h"
#include "fleet/fleet.h"
#include "harness.h"
#include "net/loop.h"
#include "net/tcp.h"
#include "net/udp.h"
#include "rtp/rtcp.h"
#include "rtp/rtp.h"
#include "sfu/sfu.h"
#include "transport/dtls.h"
#include "transport/sctp.h"
#include "transport/srtp.h"

enum { CLIENT_LOG = 16384 };

/** What came in, in order. */
struct client_packet {
    uint32_t ssrc, ts;
    uint16_t seq;
    uint8_t pt;
    bool marker;
    uint16_t payload_len;
    uint8_t payload[40]; /* its beginning */
    uint16_t ext_profile;
    uint8_t ext[64];
    uint16_t ext_len;
};

struct client {
    struct aura_loop *loop;
    struct aura_sfu *sfu;
    struct aura_fleet *fleet; /* of the room's owner; NULL = there are no other nodes */
    unsigned node;            /* where it comes in, as the owner numbers them */
    aura_peer_id peer;
    char ufrag[AURA_ICE_UFRAG_LEN + 1], pwd[AURA_ICE_PWD_LEN + 1];
    struct aura_addr server;
    struct aura_udp *udp;
    struct aura_watch watch;
    bool use_tcp, tcp_framing;
    int tcp_fd;
    struct aura_watch tcp_watch;
    uint8_t tcp_in[8192];
    size_t tcp_len;
    struct aura_timer check;
    struct aura_dtls *dtls;
    struct aura_srtp *srtp;
    struct aura_sctp *sctp;
    bool nominated, connected, open_channels, no_sctp;
    uint32_t ceiling_kbps; /* that the SFU is to hold it at */
    bool gives_feedback;   /* transport-wide, to what it subscribes to */
    bool opened[AURA_DATA_CHANNELS];
    size_t messages[AURA_DATA_CHANNELS], bytes[AURA_DATA_CHANNELS];
    enum aura_pc_state state; /* as the SFU reported it */

    struct client_packet *log; /* CLIENT_LOG entries */
    size_t count;
    uint32_t drop_every; /* every n-th RTP packet that comes in is lost on the way; 0 = none */
    uint32_t arrived;
    size_t dropped, discarded; /* discarded: refused by SRTP */
    size_t srs, rrs, nacks, plis, firs, twccs, rembs, sdes, dlrrs;
    struct aura_rtcp_report last_sr, last_rr;
    struct aura_rtcp_nack nack_log[256];
    size_t nack_log_count;
    uint32_t pli_ssrc;
    uint64_t remb_bps; /* told last */
    void (*on_nack)(struct client *c, uint32_t ssrc, uint16_t seq);
    void *arg;
};

/** @param affinity  worker; the peer is made and the client starts to connect */
void client_start(struct client *c, struct aura_loop *loop, struct aura_sfu *sfu, uint32_t affinity,
                  bool tcp);
void client_stop(struct client *c);

/** Sends one RTP packet with header extension elements. */
void client_rtp(struct client *c, uint8_t pt, uint16_t seq, uint32_t ts, uint32_t ssrc, bool marker,
                const struct aura_rtp_item *items, size_t item_count, const uint8_t *payload,
                size_t len);
/** Sends one RTCP compound. */
void client_rtcp(struct client *c, const struct aura_wr *w);
void client_nack(struct client *c, uint32_t media, uint16_t seq);
void client_pli(struct client *c, uint32_t media);
void client_data(struct client *c, enum aura_data_channel channel, const void *data, size_t len);

/** Runs the loop until @p cond holds, at most a minute: a busy machine is no failure. */
#define WAIT_FOR(loop, cond)                                                                       \
    do {                                                                                           \
        uint64_t until_ = aura_now_us(aura_clock_system()) + 60 * AURA_US_PER_S;                   \
        while (!(cond)) {                                                                          \
            if (aura_now_us(aura_clock_system()) > until_) {                                       \
                fail_msg("waited for: %s", #cond);                                                 \
            }                                                                                      \
            assert_int_equal(aura_loop_run_once(loop, 20000), 0);                                  \
        }                                                                                          \
    } while (0)

#endif
