/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file handover.h  One UDP port for all workers: what comes to the wrong one goes to the right
 * one.
 *
 * The kernel shares flows out over the workers' sockets by a hash of addresses and ports
 * (SO_REUSEPORT), which knows nothing of peers. A check's ufrag names its worker. Whatever else
 * comes goes where that worker, once it trusts a check from there, has told the receiving one to
 * send it: so nobody can turn another's flow away by a forged check. Answers leave from the owner's
 * own socket, which has the same port. Threading: worker-affine. Private to src/sfu.
 */
#ifndef AURA_SFU_HANDOVER_H
#define AURA_SFU_HANDOVER_H

#include "sfu/demux.h"

/** @return true if the datagram is another worker's: then it is on its way there, or dropped and
 * counted */
bool aura__handover(struct aura_sfu_socket *socket, const struct aura_udp_packet *packet);
/** AURA_MSG_DATAGRAM: one that another worker received for us. Borrows the packet. */
void aura__handover_receive(struct aura_worker *w, const struct aura_msg *m);
/** A path came or goes: tells the worker that receives its datagrams, if it is another one. */
void aura__handover_tell(struct aura_worker *w, const struct aura_sfu_path *path, bool comes);
/** AURA_MSG_ROUTE: what another worker told so. */
void aura__handover_route(struct aura_worker *w, const struct aura_msg *m);

#endif
