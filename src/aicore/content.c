/* SPDX-License-Identifier: Apache-2.0 */
#include "aicore/content.h"

enum {
    RATE = 48000,
    SURE_SAMPLES = RATE * 3 / 10, /* of speech, before it is called that */
    DECIDE_SAMPLES = RATE,        /* of sound without it, before that is called anything */
    SPEECH_LASTS = RATE * 4,      /* after the last word */
};

static const float likely = 0.5F;
static const float faint = 1e-6F; /* −60 dB */

void aura_content_init(struct aura_content *c) {
    *c = (struct aura_content){.now = AURA_SOUND_UNKNOWN};
}

enum aura_sound_content aura_content_add(struct aura_content *c, const int16_t *samples,
                                         size_t count, float speech) {
    float power = 0;
    for (size_t i = 0; i < count; i++) {
        float s = (float)samples[i] / 32768;
        power += s * s;
    }
    power = count ? power / (float)count : 0;
    c->level += (power - c->level) * 0.1F;
    c->heard += count;
    if (speech >= likely) {
        c->spoke = c->heard;
        c->spoken += count;
    }
    bool recent = c->spoken >= SURE_SAMPLES && c->heard - c->spoke < SPEECH_LASTS;
    if (recent) {
        c->now = AURA_SOUND_SPEECH;
    } else if (c->level < faint) {
        c->now = AURA_SOUND_SILENCE;
        c->spoken = 0;
    } else if (c->heard >= DECIDE_SAMPLES || c->now == AURA_SOUND_SILENCE) {
        c->now = AURA_SOUND_MUSIC;
        c->spoken = c->heard - c->spoke < SPEECH_LASTS ? c->spoken : 0;
    }
    return c->now;
}
