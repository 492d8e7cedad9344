/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file ports.h  UDP 5-tuples for many peer connections on few sockets.
 *
 * Towards a loopback address several endpoints share one socket: each sends from an address of its
 * own in 127.0.0.0/8, so that the server sees as many 5-tuples as there are endpoints, and one
 * recvmmsg() serves all. Elsewhere each endpoint has its own socket. Threading: one thread.
 */
#ifndef AURA_CLIENT_PORTS_H
#define AURA_CLIENT_PORTS_H

#include "net/loop.h"
#include "net/udp.h"

enum { AURA_PORTS_SHARING_MAX = 64 };

struct aura_ports;
struct aura_endpoint;

/**
 * @param sharing  endpoints of one socket, 1..AURA_PORTS_SHARING_MAX
 * @param gro  the kernel may hand over joined datagrams: then a server on this machine is spared
 * what it costs to cut its GSO packets, as by a network card that does it
 * @return 0 or AURA_ENOMEM
 */
AURA_NODISCARD int aura_ports_new(struct aura_ports **out, struct aura_loop *loop, unsigned sharing,
                                  bool gro);
/** All endpoints must be closed. NULL is fine; returns NULL. */
struct aura_ports *aura_ports_free(struct aura_ports *p);
/** Sends what is queued on all sockets: at the end of each turn. */
void aura_ports_flush(struct aura_ports *p);

/**
 * One datagram; the bytes may be overwritten. The endpoint may be closed inside.
 * @param arrival_us  when the kernel took it, monotonic
 */
typedef void(aura_endpoint_fn)(void *arg, const struct aura_addr *from, uint8_t *data, size_t len,
                               uint64_t arrival_us);

/**
 * @param towards  an address that it shall reach: decides on family and sharing
 * @return 0, AURA_ENOMEM, AURA_EIO (for example: no more file descriptors), AURA_EINVAL
 */
AURA_NODISCARD int aura_endpoint_open(struct aura_endpoint **out, struct aura_ports *p,
                                      const struct aura_addr *towards, aura_endpoint_fn *fn,
                                      void *arg);
/** NULL is fine; returns NULL. */
struct aura_endpoint *aura_endpoint_close(struct aura_endpoint *e);
/** True if packets to @p to should leave from here: same family, and loopback as it was opened. */
bool aura_endpoint_reaches(const struct aura_endpoint *e, const struct aura_addr *to);
/** The address that it sends from, as the server will see it where there is no NAT. @return 0 or
 * AURA_EIO */
AURA_NODISCARD int aura_endpoint_local(const struct aura_endpoint *e, struct aura_addr *out);
/** Room for a packet of at most @p cap bytes (see aura_udp_reserve()), then its length. */
uint8_t *aura_endpoint_reserve(struct aura_endpoint *e, size_t cap);
void aura_endpoint_commit(struct aura_endpoint *e, size_t len, const struct aura_addr *to);
void aura_endpoint_send(struct aura_endpoint *e, const struct aura_addr *to, const uint8_t *data,
                        size_t len);

struct aura_ports_stats {
    uint64_t sockets, dropped; /* dropped: packets that the kernel did not take */
};
void aura_ports_stats(const struct aura_ports *p, struct aura_ports_stats *out);

#endif
