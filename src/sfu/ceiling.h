/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file ceiling.h  The rate that a publisher is held at, all of its tracks together: by REMB, and
 * who does not keep what the operator allows (struct aura_sfu_peer_conf) loses packets.
 *
 * Threading: worker-affine, on the worker of the publisher. Private to src/sfu.
 */
#ifndef AURA_SFU_CEILING_H
#define AURA_SFU_CEILING_H

#include "sfu/peer.h"

/** There is a ceiling, or may be: REMB says it until nothing flows or none is left. */
void aura__ceiling_soon(struct aura_peer *peer);
/** A packet of RTP came. @return true: it is to be dropped (and was counted) */
bool aura__ceiling_refuses(struct aura_peer *peer, size_t bytes, bool video);

#endif
