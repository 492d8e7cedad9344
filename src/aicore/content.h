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

enum {
    AURA_CONTENT_CHUNK = 512, /* samples of 16 kHz that are taken at once: 32 ms */
    AURA_CONTENT_BINS = 302,  /* of 15.6 Hz, from 300 Hz up: where notes are */
};

struct aura_content {
    enum aura_sound_content now;
    float window[2 * AURA_CONTENT_CHUNK];
    float age[AURA_CONTENT_BINS]; /* chunks that a peak has been at this frequency */
    float tonal;                  /* share of the power in peaks that last, smoothed */
    float peak;                   /* power of the loudest chunk, fading */
    float level;                  /* power, smoothed */
    float usual, strays;          /* its logarithm over seconds, and how far chunks are from that */
    uint32_t heard;        /* chunks with sound since it was last silent; it stops counting */
    uint32_t spoken;       /* chunks with speech of these */
    uint32_t since_speech; /* chunks; stops counting */
};

void aura_content_init(struct aura_content *c);
/**
 * Speech glides, notes stay where they are: peaks of the spectrum that last a fifth of a second to
 * two are music; those that last longer are a hum.
 * @param samples  AURA_CONTENT_CHUNK of them, 16 kHz, full scale = 1
 * @param speech   how likely somebody speaks in them
 */
enum aura_sound_content aura_content_add(struct aura_content *c, const float *samples,
                                         float speech);

#endif
