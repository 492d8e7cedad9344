/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file audio_level.h  Active speaker detection for one audio track, from RFC 6464 levels.
 *
 * Flat state. The rules and their defaults are LiveKit's, so that clients see the same thing.
 */
#ifndef AURA_RTP_AUDIO_LEVEL_H
#define AURA_RTP_AUDIO_LEVEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct aura_audio_level_conf {
    uint8_t active_level;     /* -dBov: active when at most that; 35 */
    uint8_t min_percentile;   /* of the interval that must be active; 40 */
    uint32_t interval_us;     /* 400 ms */
    uint8_t smooth_intervals; /* for the moving average; 2 */
};
struct aura_audio_level {
    struct aura_audio_level_conf conf;
    uint8_t loudest; /* of the interval: lowest -dBov */
    uint32_t active_us, observed_us;
    float smoothed; /* linear */
    uint64_t observed_at_us;
};
void aura_audio_level_init(struct aura_audio_level *a, const struct aura_audio_level_conf *conf);
/** @param level  0..127 (-dBov), @param duration_us  of the packet (Opus: usually 20 ms) */
void aura_audio_level_observe(struct aura_audio_level *a, uint8_t level, uint32_t duration_us,
                              uint64_t now_us);
/** Level now. @param active  out: speaking. @return 0..1, in steps of 1/8 */
float aura_audio_level_get(struct aura_audio_level *a, uint64_t now_us, bool *active);

#endif
