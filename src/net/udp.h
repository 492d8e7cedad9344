/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file udp.h  UDP socket that receives and sends in batches.
 *
 * Receiving: recvmmsg(2) with UDP_GRO. Sending: packets are written into the socket's own buffer
 * and leave at aura_udp_flush(), grouped by destination with UDP_SEGMENT where the kernel takes it,
 * in as few sendmmsg(2) as possible. The order within one destination is kept. No allocation after
 * aura_udp_new(). Threading: belongs to one thread.
 */
#ifndef AURA_NET_UDP_H
#define AURA_NET_UDP_H

#include "net/addr.h"

struct aura_udp;

enum {
    AURA_UDP_PACKET_MAX = 2048,    /* longest packet that can be sent */
    AURA_UDP_RECV_BATCH = 64,      /* buffers of one recvmmsg */
    AURA_UDP_SEND_PACKETS = 1024,  /* packets queued before a flush comes by itself */
    AURA_UDP_SEND_BYTES = 1 << 20, /* bytes queued before a flush comes by itself */
    AURA_UDP_GSO_SEGMENTS = 64,    /* kernel's UDP_MAX_SEGMENTS before 6.9 */
    AURA_UDP_GSO_BYTES = 65000     /* an IP datagram's ceiling, less headers */
};

struct aura_udp_conf {
    struct aura_addr bind;             /* port 0 = any free one */
    size_t rcvbuf_bytes, sndbuf_bytes; /* 0 = 4 MiB; the kernel may grant less */
    bool no_gso, no_gro;
    bool shared; /* several sockets of ours on one port (SO_REUSEPORT): the kernel shares flows out
                  */
};

/** @return 0, AURA_EEXISTS (address in use), AURA_EINVAL (not our address), AURA_ENOMEM, AURA_EIO
 */
AURA_NODISCARD int aura_udp_new(struct aura_udp **up, const struct aura_udp_conf *conf);
/** Closes it; what was not flushed is lost. NULL is fine. Returns NULL. */
struct aura_udp *aura_udp_free(struct aura_udp *u);

int aura_udp_fd(const struct aura_udp *u);
/** The bound address with the real port. Borrowed. */
const struct aura_addr *aura_udp_local(const struct aura_udp *u);

struct aura_udp_packet {
    uint8_t *data; /* may be overwritten, up to data + len; gone when the callback returns */
    size_t len;
    struct aura_addr remote;
    struct aura_addr local; /* the address of ours that it was sent to, with our port */
};
typedef void(aura_udp_fn)(void *arg, const struct aura_udp_packet *packet);

/**
 * Reads what has arrived, at most a few batches (call again when the fd is still readable).
 * @return number of datagrams handed out (0 = nothing there) or AURA_EIO
 */
int aura_udp_recv(struct aura_udp *u, aura_udp_fn *fn, void *arg);

/**
 * Room for one packet of at most @p cap bytes, valid until the next call on this socket. Flushes by
 * itself when the queue is full. @return NULL only if cap > AURA_UDP_PACKET_MAX
 */
uint8_t *aura_udp_reserve(struct aura_udp *u, size_t cap);
/**
 * Queues the packet written into the last reserved room. Without this call the room is simply
 * reused.
 * @param from  our address that it shall leave from (struct aura_udp_packet.local), or NULL
 */
void aura_udp_commit(struct aura_udp *u, size_t len, const struct aura_addr *to,
                     const struct aura_addr *from);
/** reserve + copy + commit. @return 0 or AURA_ELIMIT (too long) */
int aura_udp_send(struct aura_udp *u, const uint8_t *data, size_t len, const struct aura_addr *to,
                  const struct aura_addr *from);
/** Sends all that is queued. What the kernel does not take is dropped and counted. */
void aura_udp_flush(struct aura_udp *u);

struct aura_udp_stats {
    uint64_t packets_in, bytes_in, syscalls_in, truncated_in;
    uint64_t packets_out, bytes_out, syscalls_out;
    uint64_t gso_groups;    /* sends of more than one packet by UDP_SEGMENT */
    uint64_t dropped_again; /* packets: the socket's buffer was full */
    uint64_t dropped_error; /* packets: unreachable, refused, … */
    bool gso, gro;          /* in use now */
};
const struct aura_udp_stats *aura_udp_stats(const struct aura_udp *u);

#endif
