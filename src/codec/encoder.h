/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file encoder.h  Pictures to AV1 in real time: one in, one out, no delay. Threading: one thread
 * at a time each.
 */
#ifndef AURA_CODEC_ENCODER_H
#define AURA_CODEC_ENCODER_H

#include "base/err.h"
#include "codec/picture.h"

enum {
    /* As the library counts them; about a quarter of what aura_coded says. */
    AURA_ENCODER_QUANTIZER_BEST = 8,
    AURA_ENCODER_QUANTIZER_WORST = 60,
};

struct aura_encoder_conf {
    uint32_t width, height;
    uint32_t fps, kbps;
    bool screen; /* text and flat areas: other tools */
    int speed;   /* 7…11, higher is faster; 0 = by size */
};

struct aura_coded {
    const uint8_t *data; /* borrowed until the next call; a temporal unit without delimiter */
    size_t len;
    bool key_frame;
    uint8_t quantizer; /* 0…255 */
};

struct aura_encoder;

/** @return 0, AURA_ENOMEM, AURA_ELIMIT (sides, rate) */
AURA_NODISCARD int aura_encoder_new(struct aura_encoder **ep, const struct aura_encoder_conf *conf);
struct aura_encoder *aura_encoder_free(struct aura_encoder *e);
/** From the next picture on. @return 0 or AURA_ELIMIT */
AURA_NODISCARD int aura_encoder_set(struct aura_encoder *e, uint32_t kbps, uint32_t fps);
/** Faster than its configured speed by so many steps, as far as the library goes. */
void aura_encoder_hurry(struct aura_encoder *e, unsigned steps);
/**
 * Holds the quantizer where it is instead of the rate, from the next picture on: pictures then
 * weigh what their content does. Of the rate nothing is left; who has a limit watches it.
 * @param quantizer  AURA_ENCODER_QUANTIZER_BEST…WORST; 0 = the rate again
 * @return 0 or AURA_ELIMIT
 */
AURA_NODISCARD int aura_encoder_hold(struct aura_encoder *e, unsigned quantizer);
/**
 * @param pts_us  later than the one before
 * @return 0, AURA_EAGAIN (the rate control left this picture out), AURA_EINVAL (another size),
 * AURA_ENOMEM
 */
AURA_NODISCARD int aura_encoder_encode(struct aura_encoder *e, const struct aura_picture *p,
                                       uint64_t pts_us, bool key_frame, struct aura_coded *out);
/** What a decoder makes of the last picture; borrowed until the next call. @return false: nothing
 */
bool aura_encoder_seen(struct aura_encoder *e, struct aura_picture *out);

/** Of the encoder's library. */
const char *aura_encoder_version(void);

#endif
