/* SPDX-License-Identifier: Apache-2.0 */
#include "harness.h"
#include "rtp/audio_level.h"
#include "rtp/opus.h"
#include "rtp/red.h"
#include "rtp/rtp.h"
#include "rtp/rtx.h"

#include <string.h>

static int rtx_there_and_back(void) {
    uint8_t buf[64] = {0};
    struct aura_rtp_header h = {.marker = true, .pt = 96, .seq = 0xabcd, .ts = 5, .ssrc = 6};
    struct aura_rtp_item item = {3, 2, (const uint8_t *)"xy"};
    size_t len;
    uint8_t *p = buf + 8;
    TRY(aura_rtp_write_header(p, 50, &len, &h, &item, 1));
    memcpy(p + len, "data", 4);
    len += 4;
    uint8_t before[64];
    size_t before_len = len;
    memcpy(before, p, len);
    TRY(aura_rtx_wrap(&p, &len, 97, 99, 7));
    assert_int_equal(len, before_len + 2);
    struct aura_rtp r;
    TRY(aura_rtp_parse(&r, p, len));
    assert_int_equal(r.pt, 97);
    assert_int_equal(r.ssrc, 99);
    assert_int_equal(r.seq, 7);
    assert_true(r.marker);
    assert_memory_equal(r.payload,
                        "\xab\xcd"
                        "data",
                        6);
    TRY(aura_rtx_unwrap(&p, &len, 96, 6));
    assert_int_equal(len, before_len);
    assert_memory_equal(p, before, len);
    return 0;
}

static int rtx_probes_and_stumps(void) {
    uint8_t probe[16] = {0xa0, 97};
    probe[15] = 4;
    uint8_t *p = probe;
    size_t len = sizeof(probe);
    assert_int_equal(aura_rtx_unwrap(&p, &len, 96, 6), AURA_EIGNORED);
    assert_ptr_equal(p, probe);
    uint8_t stump[13] = {0x80, 97};
    p = stump;
    len = sizeof(stump);
    assert_int_equal(aura_rtx_unwrap(&p, &len, 96, 6), AURA_ETRUNC);
    len = 11;
    assert_int_equal(aura_rtx_unwrap(&p, &len, 96, 6), AURA_ETRUNC);
    return 0;
}

static int red_there_and_back(void) {
    struct aura_red_block in[] = {{111, 1920, (const uint8_t *)"old", 3},
                                  {111, 960, (const uint8_t *)"", 0},
                                  {111, 0, (const uint8_t *)"newest", 6}};
    struct aura_red_block out[AURA_RED_BLOCKS_MAX];
    uint8_t buf[64], again[64];
    size_t len, again_len;
    TRY(aura_red_write(buf, sizeof(buf), &len, in, 3));
    assert_int_equal(len, 4 + 4 + 1 + 9);
    assert_int_equal(aura_red_parse(buf, len, out), 3);
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(out[i].pt, 111);
        assert_int_equal(out[i].ts_offset, in[i].ts_offset);
        assert_int_equal(out[i].len, in[i].len);
        assert_memory_equal(out[i].data, in[i].data, in[i].len);
    }
    TRY(aura_red_write(again, sizeof(again), &again_len, out, 3));
    assert_int_equal(again_len, len);
    assert_memory_equal(again, buf, len);
    for (size_t n = 0; n < 12; n++) {
        assert_int_equal(aura_red_parse(buf, n, out), AURA_ETRUNC);
    }
    assert_int_equal(aura_red_write(buf, len - 1, &len, in, 3), AURA_ELIMIT);
    in[0].ts_offset = AURA_RED_OFFSET_MAX + 1;
    assert_int_equal(aura_red_write(buf, sizeof(buf), &len, in, 3), AURA_EINVAL);
    return 0;
}

static int red_has_a_limit(void) {
    uint8_t in[64];
    memset(in, 0, sizeof(in));
    struct aura_red_block out[AURA_RED_BLOCKS_MAX];
    for (size_t i = 0; i + 1 < AURA_RED_BLOCKS_MAX; i++) {
        in[i * 4] = 0x80;
    }
    assert_int_equal(aura_red_parse(in, sizeof(in), out), AURA_RED_BLOCKS_MAX);
    in[(AURA_RED_BLOCKS_MAX - 1) * 4] = 0x80;
    assert_int_equal(aura_red_parse(in, sizeof(in), out), AURA_ELIMIT);
    return 0;
}

static int opus_durations(void) {
    static const struct {
        uint8_t in[2];
        uint32_t us; /* 0: malformed */
    } table[] = {
        {{0x00, 0}, 10000},   {{0x18, 0}, 60000}, {{0x60, 0}, 10000}, {{0x78, 0}, 20000},
        {{0x80, 0}, 2500},    {{0xf8, 0}, 20000}, {{0xf9, 0}, 40000}, {{0xfa, 0}, 40000},
        {{0xfb, 6}, 120000},  {{0xfb, 7}, 0},     {{0xfb, 0}, 0},     {{0x19, 0}, 120000},
        {{0x83, 48}, 120000}, {{0x83, 49}, 0},
    };
    struct aura_opus o;
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        int err = aura_opus_parse(&o, table[i].in, 2);
        assert_int_equal(err, table[i].us ? 0 : AURA_EMALFORMED);
        if (!err) {
            assert_int_equal(o.duration_us, table[i].us);
        }
        assert_true(o.dtx);
    }
    uint8_t speech[40] = {0xfc};
    TRY(aura_opus_parse(&o, speech, sizeof(speech)));
    assert_true(o.stereo);
    assert_false(o.dtx);
    assert_int_equal(aura_opus_parse(&o, speech, 0), AURA_ETRUNC);
    speech[0] = 3;
    assert_int_equal(aura_opus_parse(&o, speech, 1), AURA_ETRUNC);
    return 0;
}

static const struct aura_audio_level_conf conf = {35, 40, 400000, 2};

static void speak(struct aura_audio_level *a, uint64_t *now, int loud, int quiet, uint8_t level) {
    for (int i = 0; i < loud + quiet; i++, *now += 20000) {
        aura_audio_level_observe(a, i < loud ? level : 127, 20000, *now);
    }
}

static int speaker_becomes_active_and_silent(void) {
    struct aura_audio_level a;
    uint64_t now = 1000000;
    bool active;
    aura_audio_level_init(&a, &conf);
    assert_true(aura_audio_level_get(&a, now, &active) == 0.0f && !active);
    speak(&a, &now, 20, 0, 20); /* 10^(-20/20) = 0.1, smoothed to 0.0667 */
    assert_true(aura_audio_level_get(&a, now, &active) == 0.125f);
    assert_true(active);
    speak(&a, &now, 20, 0, 0);
    speak(&a, &now, 20, 0, 0);
    assert_true(aura_audio_level_get(&a, now, &active) == 1.0f && active);
    speak(&a, &now, 0, 20, 0);
    assert_true(aura_audio_level_get(&a, now, &active) == 0.0f && !active);
    return 0;
}

static int short_noises_do_not_count(void) {
    struct aura_audio_level a;
    uint64_t now = 1000000;
    bool active;
    aura_audio_level_init(&a, &conf);
    speak(&a, &now, 7, 13, 10); /* 35 % < 40 % */
    aura_audio_level_get(&a, now, &active);
    assert_false(active);
    speak(&a, &now, 8, 12, 10); /* just 40 % */
    aura_audio_level_get(&a, now, &active);
    assert_true(active);
    speak(&a, &now, 20, 0, 36); /* quieter than the threshold */
    aura_audio_level_get(&a, now, &active);
    assert_false(active);
    speak(&a, &now, 20, 0, 10);
    aura_audio_level_get(&a, now, &active);
    assert_true(active);
    aura_audio_level_get(&a, now + 900000, &active); /* nothing came any more */
    assert_false(active);
    return 0;
}

int main(void) {
    const struct CMUnitTest cases[] = {
        AURA_CASE(rtx_there_and_back),
        AURA_CASE(rtx_probes_and_stumps),
        AURA_CASE(red_there_and_back),
        AURA_CASE(red_has_a_limit),
        AURA_CASE(opus_durations),
        AURA_CASE(speaker_becomes_active_and_silent),
        AURA_CASE(short_noises_do_not_count),
    };
    return RUN_CASES("formats", cases);
}
