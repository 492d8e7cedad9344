/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file governed.h  A published video that is sent as it comes, at a rate that AI Core recommends:
 * frames go to Analyze, and the publisher is held at the rate by REMB, for all of its videos
 * together (docs/aic-protocol.md section 9).
 *
 * Threading: worker-affine, on the worker of the publisher. Private to src/sfu.
 */
#ifndef AURA_SFU_GOVERNED_H
#define AURA_SFU_GOVERNED_H

#include "sfu/published.h"

struct aura_governed;

AURA_NODISCARD int aura__governed_new(struct aura_governed **gp, struct aura_published *pub);
/** The ceiling goes with it. */
struct aura_governed *aura__governed_free(struct aura_governed *g);
/** A native packet was received (and is kept by the source). */
void aura__governed_packet(struct aura_governed *g, unsigned layer, const struct aura_packet *p);
/** What the peer is to be held at, in bps; 0 = no ceiling. */
uint64_t aura__governed_peer_bps(struct aura_peer *peer);

#endif
