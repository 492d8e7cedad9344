/* SPDX-License-Identifier: Apache-2.0 */
#include "sfu/sound_switch.h"

#include "base/clock.h"

enum {
    LOSSY_FRACTION = 3,  /* of 256: a little over 1 % */
    CLEAN_US = 10000000, /* without any loss */
    HOLD_MIN_MS = 10000,
    HOLD_MAX_MS = 60000,
};

/* Wraps with the time stamps (RFC 3550 section 5.1). */
static bool before(uint32_t a, uint32_t b) {
    return (int32_t)(a - b) < 0;
}

bool aura__sound_switch(struct aura_sound_switch *s, uint8_t layer, uint8_t target, uint32_t ts,
                        uint32_t samples, bool mark) {
    uint32_t end = ts + samples;
    if (layer == s->layer) {
        if (!s->begun || before(s->end, end)) {
            s->end = end;
            s->begun = true;
        }
        return !mark;
    }
    /* What AI Core has just finished has all been heard, and nothing behind it: the next one goes
     * on where this one ends. */
    if (s->layer == 0 && layer == target && (!s->begun || !before(end, s->end))) {
        s->layer = layer;
        s->end = end;
        s->begun = true;
    }
    return false;
}

bool aura__sound_switch_report(struct aura_sound_switch *s, uint8_t fraction, uint64_t now_us) {
    bool was = s->lossy;
    if (fraction || !s->clean_us) {
        s->clean_us = now_us;
    }
    if (fraction >= LOSSY_FRACTION) {
        if (!s->lossy) {
            /* Lost again soon after it was tried: wait longer the next time. */
            bool soon = s->hold_ms && now_us < s->until_us + (uint64_t)s->hold_ms * AURA_US_PER_MS;
            s->hold_ms = !soon ? HOLD_MIN_MS : s->hold_ms * 2;
            s->hold_ms = s->hold_ms > HOLD_MAX_MS ? HOLD_MAX_MS : s->hold_ms;
        }
        s->lossy = true;
        s->until_us = now_us + (uint64_t)s->hold_ms * AURA_US_PER_MS;
    } else if (s->lossy && now_us >= s->until_us) {
        s->lossy = false;
    }
    return s->lossy != was;
}

bool aura__sound_switch_is_clean(const struct aura_sound_switch *s, uint64_t now_us) {
    return !s->lossy && s->clean_us && now_us >= s->clean_us + CLEAN_US;
}
