/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file derived.h  AI Core's layer of a published video: frames go out to AI Core, and what comes
 * back is one more layer that subscribers can be given (docs/aic-protocol.md).
 *
 * Threading: worker-affine, on the worker of the publisher; answers come from AI Core's connection
 * through the worker's inbox. Private to src/sfu.
 */
#ifndef AURA_SFU_DERIVED_H
#define AURA_SFU_DERIVED_H

#include "sfu/published.h"

struct aura_derived;

AURA_NODISCARD int aura__derived_new(struct aura_derived **dp, struct aura_published *pub);
struct aura_derived *aura__derived_free(struct aura_derived *d);
/** A native packet was received (and is kept by the source). */
void aura__derived_packet(struct aura_derived *d, unsigned layer, const struct aura_packet *p);
/** How it goes, for the control thread. */
void aura__derived_report(struct aura_derived *d, struct aura_sfu_aic *out);
/** A subscriber can begin only with a key frame. */
void aura__derived_want_key(struct aura_derived *d);

#endif
