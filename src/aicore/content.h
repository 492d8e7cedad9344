/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file content.h  What is heard: speech, music, or nothing that is meant to be. Pure functions.
 *
 * A mistake towards music costs bytes, one towards speech costs somebody's music: so the first is
 * what it makes where it is not sure.
 */
#ifndef AURA_AICORE_CONTENT_H
#define AURA_AICORE_CONTENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum aura_sound_content {
    AURA_SOUND_UNKNOWN, /* too early to say */
    AURA_SOUND_SPEECH,
    AURA_SOUND_MUSIC, /* or anything else that is no speech but is meant to be heard */
    AURA_SOUND_SILENCE,
};

struct aura_content {
    enum aura_sound_content now;
    float speech;    /* smoothed */
    float level;     /* smoothed power, full scale = 1 */
    uint64_t heard;  /* samples */
    uint64_t spoke;  /* `heard` when somebody spoke last */
    uint64_t spoken; /* samples with speech */
};

void aura_content_init(struct aura_content *c);
/**
 * @param samples  mono, 48 kHz
 * @param speech   how likely somebody speaks in them
 */
enum aura_sound_content aura_content_add(struct aura_content *c, const int16_t *samples,
                                         size_t count, float speech);

#endif
