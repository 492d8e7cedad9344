/* SPDX-License-Identifier: Apache-2.0 */
#include "rtp/audio_level.h"

#include <math.h>

enum { SILENT = 127, STEPS = 8 };

static float linear(float dbov) {
    return powf(10.0f, -dbov / 20.0f);
}

static void restart_interval(struct aura_audio_level *a) {
    a->loudest = SILENT;
    a->active_us = a->observed_us = 0;
}

void aura_audio_level_init(struct aura_audio_level *a, const struct aura_audio_level_conf *conf) {
    *a = (struct aura_audio_level){.conf = *conf};
    restart_interval(a);
}

/* Few active packets weigh the loudest level down: −20 log10(active share). */
static void end_interval(struct aura_audio_level *a) {
    float smoothed = 0;
    uint32_t interval = a->conf.interval_us;
    if (a->active_us > 0 && a->active_us >= (uint64_t)interval * a->conf.min_percentile / 100) {
        float share = (float)a->active_us / (float)interval;
        float level = linear((float)a->loudest - 20.0f * log10f(share));
        float factor = 2.0f / (float)(a->conf.smooth_intervals + 1);
        smoothed = a->smoothed + (level - a->smoothed) * factor;
    }
    a->smoothed = smoothed > 1.0f ? 1.0f : smoothed;
    restart_interval(a);
}

void aura_audio_level_observe(struct aura_audio_level *a, uint8_t level, uint32_t duration_us,
                              uint64_t now_us) {
    a->observed_at_us = now_us;
    a->observed_us += duration_us;
    if (level <= a->conf.active_level) {
        a->active_us += duration_us;
        a->loudest = level < a->loudest ? level : a->loudest;
    }
    if (a->observed_us >= a->conf.interval_us) {
        end_interval(a);
    }
}

float aura_audio_level_get(struct aura_audio_level *a, uint64_t now_us, bool *active) {
    /* Nothing for two intervals (DTX, mute, loss): silent. */
    if (now_us - a->observed_at_us > 2 * (uint64_t)a->conf.interval_us) {
        a->smoothed = 0;
        restart_interval(a);
    }
    *active = a->smoothed > 0 && a->smoothed >= linear(a->conf.active_level);
    return ceilf(a->smoothed * STEPS) / STEPS;
}
