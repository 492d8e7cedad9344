/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file aic_feed.h  Whole native frames of a published video, for AI Core: follows its largest
 * layer, in order, and goes on with a key frame where packets stay missing.
 *
 * Threading: worker-affine. Private to src/sfu.
 */
#ifndef AURA_SFU_AIC_FEED_H
#define AURA_SFU_AIC_FEED_H

#include "aic/core.h"
#include "rtp/assemble.h"
#include "sfu/published.h"

/** A frame, in `key_frame` and `target_quality` as zero; borrowed. */
typedef void(aura_aic_feed_fn)(void *arg, const struct aura_aic_frame_in *frame);

struct aura_aic_feed {
    struct aura_published *pub;
    aura_aic_feed_fn *frame;
    void *arg;
    struct aura_assembler *assembler;
    unsigned layer; /* that is followed */
    uint8_t codec;  /* enum aura_codec of what is being put together */
    bool synced;    /* a key frame was begun: `next` is the packet to take */
    uint64_t next, missing_since_us, chosen_us;
};

/** @return 0, AURA_ENOMEM */
AURA_NODISCARD int aura__aic_feed_init(struct aura_aic_feed *f, struct aura_published *pub,
                                       aura_aic_feed_fn *frame, void *arg);
void aura__aic_feed_end(struct aura_aic_feed *f);
/** AI Core's number of the codec; 0 = it does not take it. */
enum aura_aic_codec aura__aic_codec(enum aura_codec codec);
/** Goes on with the next key frame, which is asked for. */
void aura__aic_feed_restart(struct aura_aic_feed *f);
/** A native packet was received (and is kept by the source). @return it is of the layer followed */
bool aura__aic_feed_follows(struct aura_aic_feed *f, unsigned layer, const struct aura_packet *p);
/** Takes the packet, and those that waited for it. */
void aura__aic_feed_take(struct aura_aic_feed *f, const struct aura_packet *p);

#endif
