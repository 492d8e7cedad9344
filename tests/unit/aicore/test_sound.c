/* SPDX-License-Identifier: Apache-2.0 */
/* A sound track without its model; with it: tests/interop/test_aicore_sound.py. */
#include "aicore/sound.h"
#include "harness.h"

#include <string.h>

enum { PACKET = 960, BYTES = PACKET * 2 };

static const uint8_t silence[BYTES];

static struct aura_sound_in pcm(uint32_t n) {
    return (struct aura_sound_in){
        .data = silence, .len = BYTES, .pcm = true, .channels = 1, .rtp_timestamp = n * PACKET};
}

static int without_a_model_all_is_kept(void) {
    struct aura_clock_manual clock;
    struct aura_sound *s = NULL;
    struct aura_sound_out out;
    int err = 0;
    aura_clock_manual_init(&clock, 1000000, 0);
    TRY_OUT(aura_sound_new(&s, &clock.clock, NULL));
    for (uint32_t i = 0; i < 50; i++) {
        struct aura_sound_in in = pcm(i);
        TRY_OUT(aura_sound_packet(s, &in, &out));
        assert_true(out.keep);
        assert_int_equal(out.len, 0);
        assert_int_equal(out.rtp_timestamp, i * PACKET);
    }
    struct aura_sound_in in = pcm(50);
    in.alone = true;
    TRY_OUT(aura_sound_packet(s, &in, &out));
    assert_int_equal(out.samples, PACKET);
    assert_true(out.len > 0);
out:
    aura_sound_free(s);
    return err;
}

static int wrong_packets_are_refused(void) {
    static const uint8_t broken[] = {0xff, 0xff, 0xff};
    struct aura_clock_manual clock;
    struct aura_sound *s = NULL;
    struct aura_sound_out out;
    int err = 0;
    aura_clock_manual_init(&clock, 1000000, 0);
    TRY_OUT(aura_sound_new(&s, &clock.clock, NULL));
    struct aura_sound_in in = pcm(0);
    in.len = BYTES - 1;
    assert_int_equal(aura_sound_packet(s, &in, &out), AURA_EMALFORMED);
    in = pcm(0);
    in.channels = 3;
    assert_int_equal(aura_sound_packet(s, &in, &out), AURA_EINVAL);
    in = pcm(0);
    in.packet_ms = 10;
    assert_int_equal(aura_sound_packet(s, &in, &out), AURA_EINVAL);
    in = (struct aura_sound_in){.data = broken, .len = sizeof(broken)};
    assert_int_equal(aura_sound_packet(s, &in, &out), AURA_EMALFORMED);
    in = pcm(1);
    TRY_OUT(aura_sound_packet(s, &in, &out)); /* the next one goes well */
    in = pcm(0);
    TRY_OUT(aura_sound_packet(s, &in, &out)); /* too late: nothing to send */
    assert_int_equal(out.len, 0);
out:
    aura_sound_free(s);
    return err;
}

int main(void) {
    const struct CMUnitTest cases[] = {AURA_CASE(without_a_model_all_is_kept),
                                       AURA_CASE(wrong_packets_are_refused)};
    return RUN_CASES("aicore/sound", cases);
}
