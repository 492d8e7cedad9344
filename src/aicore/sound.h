/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file sound.h  One sound track's way through AI Core: decode, listen, choose, encode.
 *
 * Packets of 20 ms come in, larger and smaller ones go out: speech at a third of the rate, silence
 * hardly at all, music not at all. Threading: one thread at a time each.
 */
#ifndef AURA_AICORE_SOUND_H
#define AURA_AICORE_SOUND_H

#include "aicore/content.h"
#include "aicore/models.h"
#include "aicore/steps.h"
#include "base/clock.h"
#include "codec/opus_decoder.h"

struct aura_sound_in {
    const uint8_t *data;
    size_t len;
    bool pcm;               /* samples of 16 bits, little endian, instead of an Opus packet */
    uint32_t channels;      /* of PCM: 1 or 2 */
    uint32_t rtp_timestamp; /* 48 kHz */
    uint32_t packet_ms;     /* of what goes out; 0 = 60 */
    uint32_t max_kbps, exact_kbps; /* 0 = as the track chooses */
    uint32_t loss_percent;         /* on the way to the receivers */
    bool redundancy;               /* they can use DRED */
    bool alone;                    /* encoded at once, whatever it is: for one call by itself */
};

struct aura_sound_out {
    const uint8_t *data;    /* borrowed until the next call */
    size_t len;             /* 0: nothing to send */
    uint32_t rtp_timestamp; /* of the first sample of `data` */
    uint32_t samples;       /* that `data` stands for, at 48 kHz; without it they are silence */
    enum aura_sound_content content;
    bool keep;    /* what came in is better sent as it is */
    float speech; /* 0…1; negative: no model */
    uint32_t kbps;
    float ratio;       /* saved share of the last second's bytes */
    const char *model; /* that heard it; NULL = none */
    uint16_t model_number;
    uint32_t step_us[AURA_STEPS];
};

struct aura_sound;

/**
 * @param models  borrowed; without one for speech nothing is compressed: it could be music
 * @return 0, AURA_ENOMEM, AURA_EMALFORMED (the model has not the shapes that its purpose needs)
 */
AURA_NODISCARD int aura_sound_new(struct aura_sound **sp, const struct aura_clock *clock,
                                  const struct aura_models *models);
struct aura_sound *aura_sound_free(struct aura_sound *s);
/**
 * @return 0, AURA_EMALFORMED (no Opus packet, PCM of another length than whole 10 ms up to 120),
 * AURA_EINVAL (packet_ms, channels), AURA_ENOMEM. After an error the next packet may go well.
 */
AURA_NODISCARD int aura_sound_packet(struct aura_sound *s, const struct aura_sound_in *in,
                                     struct aura_sound_out *out);
/** Listens only, encodes nothing. @return as above */
AURA_NODISCARD int aura_sound_listen(struct aura_sound *s, const struct aura_sound_in *in,
                                     struct aura_sound_out *out);

#endif
