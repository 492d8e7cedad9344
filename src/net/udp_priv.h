/* SPDX-License-Identifier: Apache-2.0 */
/** @file udp_priv.h  What the receiving and the sending half of the UDP socket share. */
#ifndef AURA_NET_UDP_PRIV_H
#define AURA_NET_UDP_PRIV_H

#include "net/udp.h"

#include <netinet/in.h>
#include <sys/socket.h>

/* Linux names that older headers lack. */
#ifndef UDP_SEGMENT
#define UDP_SEGMENT 103
#endif
#ifndef UDP_GRO
#define UDP_GRO 104
#endif

enum {
    AURA__UDP_CONTROL_BYTES = 128, /* pktinfo of IPv6 and one integer, with their headers */
    AURA__UDP_BUCKETS = 256,       /* of destinations in one flush */
    AURA__UDP_NONE = UINT16_MAX,
};

struct aura__udp_queued {
    uint32_t at; /* in the byte buffer */
    uint16_t len;
    uint16_t next; /* to the same destination */
};

struct aura__udp_dest {
    struct aura_addr to, from;
    struct sockaddr_storage sa;
    socklen_t sa_len;
    uint16_t first, last; /* queued packets */
    uint16_t next;        /* in the same bucket */
};

/* What one message of sendmmsg() carries: `count` packets from `first` on. */
struct aura__udp_group {
    uint16_t first, count, dest;
};

struct aura__udp_send {
    uint8_t *bytes;
    size_t used;
    size_t packet_count, dest_count, group_count;
    uint16_t last_dest;
    unsigned gso_refusals;
    uint16_t buckets[AURA__UDP_BUCKETS];
    struct aura__udp_queued packets[AURA_UDP_SEND_PACKETS];
    struct aura__udp_dest dests[AURA_UDP_SEND_PACKETS];
    struct aura__udp_group groups[AURA_UDP_SEND_PACKETS];
    struct mmsghdr msgs[AURA_UDP_SEND_PACKETS];
    struct iovec iov[AURA_UDP_SEND_PACKETS];
    uint64_t control[AURA_UDP_SEND_PACKETS][AURA__UDP_CONTROL_BYTES / 8];
};

struct aura__udp_recv {
    uint8_t *bytes;
    size_t buffer_bytes; /* of each of the AURA_UDP_RECV_BATCH buffers */
    struct mmsghdr msgs[AURA_UDP_RECV_BATCH];
    struct iovec iov[AURA_UDP_RECV_BATCH];
    struct sockaddr_storage names[AURA_UDP_RECV_BATCH];
    uint64_t control[AURA_UDP_RECV_BATCH][AURA__UDP_CONTROL_BYTES / 8];
};

struct aura_udp {
    int fd;
    struct aura_addr local;
    bool pktinfo; /* bound to all addresses: the local one comes and goes with each packet */
    struct aura_udp_stats stats;
    struct aura__udp_recv *recv;
    struct aura__udp_send *send;
};

AURA_NODISCARD int aura__udp_send_init(struct aura_udp *u);
void aura__udp_send_free(struct aura_udp *u);

#endif
