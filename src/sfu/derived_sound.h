/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file derived_sound.h  AI Core's layers of a published sound: Opus goes out to AI Core packet by
 * packet; what comes back, longer packets at a lower rate and nothing while nobody speaks, is a
 * layer that subscribers can be given (docs/aic-protocol.md section 11). A second one, for those
 * who save, has packets twice as long.
 *
 * Threading: worker-affine, on the worker of the publisher; answers come from AI Core's connection
 * through the worker's inbox. Private to src/sfu.
 */
#ifndef AURA_SFU_DERIVED_SOUND_H
#define AURA_SFU_DERIVED_SOUND_H

#include "sfu/published.h"

struct aura_derived_sound;

AURA_NODISCARD int aura__derived_sound_new(struct aura_derived_sound **sp,
                                           struct aura_published *pub);
struct aura_derived_sound *aura__derived_sound_free(struct aura_derived_sound *s);
/** A native packet was received (and is kept by the source). */
void aura__derived_sound_packet(struct aura_derived_sound *s, const struct aura_packet *p);
/** How it goes, for the control thread. */
void aura__derived_sound_report(const struct aura_derived_sound *s, struct aura_sfu_aic *out);
/** Samples at 48 kHz that an Opus or RED payload stands for; 0 = neither, or malformed. */
uint32_t aura__derived_sound_samples(enum aura_codec codec, const uint8_t *payload, size_t len);

#endif
