/* SPDX-License-Identifier: Apache-2.0 */
/* Between the publisher's sound and AI Core's: no sample twice, none lost. */
#include "harness.h"

#include "base/clock.h"
#include "sfu/derived_sound.h"
#include "sfu/sound_switch.h"

#include <string.h>

enum { NATIVE = 960, LONG = 2880, AIC = 3, SAVER = 4 };
static const uint32_t start = 0xffff0000; /* it wraps soon */

struct heard {
    struct aura_sound_switch s;
    uint32_t next; /* expected */
    unsigned packets;
};

static void hear(struct heard *h, uint8_t layer, uint8_t target, uint32_t at, uint32_t samples) {
    if (aura__sound_switch(&h->s, layer, target, start + at, samples, false)) {
        assert_int_equal(at, h->next);
        h->next = at + samples;
        h->packets++;
    }
}

/* Native packets come at once; AI Core's when the last of its samples has come. */
static void play(struct heard *h, uint32_t from, uint32_t to, uint8_t target) {
    for (uint32_t at = from; at < to; at += NATIVE) {
        uint32_t end = at + NATIVE;
        hear(h, 0, target, at, NATIVE);
        if (end % LONG == 0) {
            hear(h, AIC, target, end - LONG, LONG);
        }
        if (end % (2 * LONG) == 0) {
            hear(h, SAVER, target, end - 2 * LONG, 2 * LONG);
        }
    }
}

static int goes_over_without_a_gap(void) {
    struct heard h = {.next = 0};
    play(&h, 0, 10 * LONG, 0);
    assert_int_equal(h.packets, 30);
    play(&h, 10 * LONG, 20 * LONG, AIC); /* the first window tells where to go over */
    assert_int_equal(h.s.layer, AIC);
    assert_int_equal(h.next, 20 * LONG);
    assert_int_equal(h.packets, 30 + 3 + 9);
    return 0;
}

/* AI Core falls behind: what it brings has been heard already. */
static int late_windows_are_not_taken(void) {
    struct heard h = {.next = 0};
    play(&h, 0, LONG + NATIVE, 0);
    hear(&h, AIC, AIC, 0, LONG);
    assert_int_equal(h.s.layer, 0);
    hear(&h, 0, AIC, LONG + NATIVE, NATIVE);
    hear(&h, 0, AIC, LONG + 2 * NATIVE, NATIVE);
    hear(&h, AIC, AIC, LONG, LONG); /* now it is level */
    assert_int_equal(h.s.layer, AIC);
    hear(&h, 0, AIC, 2 * LONG, NATIVE);
    hear(&h, AIC, AIC, 2 * LONG, LONG);
    assert_int_equal(h.next, 3 * LONG);
    return 0;
}

/* Back, and on to packets twice as long. */
static int goes_back_and_to_the_other(void) {
    struct heard h = {.next = 0};
    play(&h, 0, 4 * LONG, AIC);
    assert_int_equal(h.next, 4 * LONG);
    hear(&h, 0, AIC, 4 * LONG, NATIVE); /* with AI Core */
    h.s.layer = 0;                      /* it is gone: what it had not given back comes again */
    hear(&h, 0, SAVER, 4 * LONG, NATIVE);
    play(&h, 4 * LONG + NATIVE, 12 * LONG, SAVER);
    assert_int_equal(h.s.layer, SAVER);
    assert_int_equal(h.next, 12 * LONG);
    return 0;
}

/* While nobody speaks there are only marks. */
static int silence_is_gone_over_in(void) {
    struct aura_sound_switch s = {.layer = 0};
    assert_true(aura__sound_switch(&s, 0, AIC, 0, NATIVE, false));
    assert_true(aura__sound_switch(&s, 0, AIC, NATIVE, NATIVE, false));
    assert_true(aura__sound_switch(&s, 0, AIC, 2 * NATIVE, NATIVE, false));
    assert_false(aura__sound_switch(&s, AIC, AIC, 0, LONG, true));
    assert_int_equal(s.layer, AIC);
    assert_false(aura__sound_switch(&s, 0, AIC, LONG, NATIVE, false));
    assert_false(aura__sound_switch(&s, AIC, AIC, LONG, LONG, true));
    assert_int_equal(s.end, 2 * LONG);
    assert_true(aura__sound_switch(&s, AIC, AIC, 2 * LONG, LONG, false));
    return 0;
}

static uint64_t at_s(unsigned s) {
    return s * AURA_US_PER_S;
}

static int loss_sends_it_home(void) {
    struct aura_sound_switch s = {.layer = AIC};
    assert_false(aura__sound_switch_report(&s, 0, at_s(1)));
    assert_false(aura__sound_switch_is_clean(&s, at_s(10)));
    assert_true(aura__sound_switch_is_clean(&s, at_s(11)));
    assert_false(aura__sound_switch_report(&s, 2, at_s(12))); /* under 1 % */
    assert_false(aura__sound_switch_is_clean(&s, at_s(12)));
    assert_true(aura__sound_switch_report(&s, 3, at_s(13)));
    assert_true(s.lossy);
    assert_false(aura__sound_switch_report(&s, 0, at_s(22))); /* 10 s, not before */
    assert_false(aura__sound_switch_report(&s, 4, at_s(22))); /* still: from now on */
    assert_false(aura__sound_switch_report(&s, 0, at_s(31)));
    assert_true(aura__sound_switch_report(&s, 0, at_s(32)));
    assert_true(aura__sound_switch_report(&s, 9, at_s(33))); /* soon again: 20 s */
    assert_false(aura__sound_switch_report(&s, 0, at_s(52)));
    assert_true(aura__sound_switch_report(&s, 0, at_s(53)));
    assert_true(aura__sound_switch_report(&s, 9, at_s(120))); /* not soon: 10 s */
    assert_true(aura__sound_switch_report(&s, 0, at_s(130)));
    return 0;
}

static int samples_are_read(void) {
    static const uint8_t celt20[] = {0xf8, 1, 2}, silk60[] = {0x18, 1, 2};
    /* RED (RFC 2198): a block of 3 bytes 960 samples before, and the newest. */
    static const uint8_t red[] = {0x80 | 111, 960 >> 6, (960 & 0x3f) << 2, 3, 111, 0xf8, 1, 2,
                                  0xf8,       9};
    assert_int_equal(aura__derived_sound_samples(AURA_CODEC_OPUS, celt20, sizeof(celt20)), 960);
    assert_int_equal(aura__derived_sound_samples(AURA_CODEC_OPUS, silk60, sizeof(silk60)), 2880);
    assert_int_equal(aura__derived_sound_samples(AURA_CODEC_RED, red, sizeof(red)), 960);
    assert_int_equal(aura__derived_sound_samples(AURA_CODEC_RED, red, 3), 0);
    assert_int_equal(aura__derived_sound_samples(AURA_CODEC_OPUS, celt20, 0), 0);
    assert_int_equal(aura__derived_sound_samples(AURA_CODEC_VP8, celt20, sizeof(celt20)), 0);
    return 0;
}

int main(void) {
    const struct CMUnitTest cases[] = {
        AURA_CASE(goes_over_without_a_gap),    AURA_CASE(late_windows_are_not_taken),
        AURA_CASE(goes_back_and_to_the_other), AURA_CASE(silence_is_gone_over_in),
        AURA_CASE(loss_sends_it_home),         AURA_CASE(samples_are_read),
    };
    return RUN_CASES("sfu/sound", cases);
}
