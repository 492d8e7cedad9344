/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file demux.h  From datagrams to peers, and from peers to the sockets that carry them.
 *
 * A 5-tuple becomes known when a STUN check on it names a peer by its ufrag; everything else is
 * taken only from known 5-tuples. Threading: worker-affine. Private to src/sfu.
 */
#ifndef AURA_SFU_DEMUX_H
#define AURA_SFU_DEMUX_H

#include "base/list.h"
#include "sfu/worker.h"

struct aura_peer;

enum { AURA_VIA_ALL = 0xff };

/** A 5-tuple of a peer; the key in aura_worker.paths. */
struct aura_sfu_path {
    struct aura_path path;
    struct aura_node node; /* in aura_peer.paths, oldest first */
    struct aura_peer *peer;
    struct aura_udp *udp;       /* NULL = TCP */
    struct aura_sfu_conn *conn; /* NULL = UDP */
    uint8_t via; /* single port: 1 + worker whose socket gets it, or any's; 0 = our own */
    struct aura_addr local; /* our address on it, for the source; family 0 = the kernel's choice */
};

/** A datagram of a peer of ours. @param via  1 + the worker that received it, 0 = this one */
void aura__demux_datagram(struct aura_sfu_socket *socket, const struct aura_udp_packet *packet,
                          uint8_t via);
/** STUN's header, with its cookie (RFC 7983, RFC 8489). */
bool aura__demux_is_stun(const uint8_t *data, size_t len);
/** One datagram that came in on a socket, or one frame of an ICE-TCP connection. */
void aura__demux_udp(struct aura_sfu_socket *socket, const struct aura_udp_packet *packet);
/** Handlers of the listener: finds the worker that a new connection belongs to. */
extern const struct aura_tcp_handlers aura__demux_tcp_first;
/** Takes over a detached connection; its first frame is delivered again on this loop. */
void aura__demux_tcp_adopt(struct aura_worker *w, struct aura_tcp *tcp);
/** Closes all connections of the worker. */
void aura__demux_tcp_close_all(struct aura_worker *w);

/** Sends on a path right away (queued until the turn's end on UDP). */
void aura__path_send(struct aura_worker *w, struct aura_sfu_path *path, const uint8_t *data,
                     size_t len);
/** A 5-tuple that we check first. @return 0, AURA_ENOMEM, AURA_ENOENT (no socket of its family) */
AURA_NODISCARD int aura__path_dial(struct aura_peer *peer, const struct aura_addr *to);
struct aura_sfu_path *aura__path_find(const struct aura_worker *w, const struct aura_path *path);
void aura__path_free(struct aura_worker *w, struct aura_sfu_path *path);

#endif
