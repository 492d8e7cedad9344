/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file sound_switch.h  Which of a sound's layers one subscriber hears, so that no sample comes
 * twice and none is lost: the publisher's own packets, or AI Core's, which stand for more
 * samples and come after them. Flat state, time stamps only. Private to src/sfu.
 */
#ifndef AURA_SFU_SOUND_SWITCH_H
#define AURA_SFU_SOUND_SWITCH_H

#include <stdbool.h>
#include <stdint.h>

/** Zeroed, it hears layer 0, the publisher's. */
struct aura_sound_switch {
    uint8_t layer;     /* that is heard */
    bool begun;        /* `end` is valid */
    uint32_t end;      /* behind the last sample that was passed on */
    bool lossy;        /* RED and short packets serve better */
    uint32_t hold_ms;  /* how long it stays so, at the least; doubles */
    uint64_t until_us; /* then it may be tried again */
    uint64_t clean_us; /* since when nothing is lost; 0 = nobody reported yet */
};

/**
 * A packet of one layer is there.
 * @param target  the layer that is to be heard; from layer 0 it goes over by itself, where
 * samples of both meet. Back to 0 the caller sets `layer`.
 * @param mark  no packet, only what one would stand for (silence)
 * @return it is to be sent
 */
bool aura__sound_switch(struct aura_sound_switch *s, uint8_t layer, uint8_t target, uint32_t ts,
                        uint32_t samples, bool mark);

/**
 * A receiver report. @param fraction  lost since the one before, in 1/256
 * @return `lossy` changed
 */
bool aura__sound_switch_report(struct aura_sound_switch *s, uint8_t fraction, uint64_t now_us);
/** Nothing was lost for so long that packets of 120 ms can be dared. */
bool aura__sound_switch_is_clean(const struct aura_sound_switch *s, uint64_t now_us);

#endif
