/* SPDX-License-Identifier: Apache-2.0 */
#include "aicore/track.h"
#include "base/rand.h"
#include "harness.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { WIDTH = 320, HEIGHT = 180, BYTES = WIDTH * HEIGHT * 3 / 2, FRAME_US = 33333 };

/* Something soft that moves, with a little noise: what a camera sees. */
static void draw(uint8_t *out, unsigned n) {
    struct aura_rand_seeded r;
    aura_rand_seeded_init(&r, n);
    for (unsigned y = 0; y < HEIGHT; y++) {
        for (unsigned x = 0; x < WIDTH; x++) {
            double v = 128 + 50 * sin((x + 2 * n) / 19.0) + 40 * cos((y + n) / 13.0);
            out[y * WIDTH + x] = (uint8_t)(v + (double)aura_rand_below(&r.rand, 5));
        }
    }
    memset(out + WIDTH * HEIGHT, 110 + (int)(n % 20), WIDTH * HEIGHT / 4);
    memset(out + WIDTH * HEIGHT * 5 / 4, 140, WIDTH * HEIGHT / 4);
}

static double psnr(const uint8_t *source, const struct aura_picture *p) {
    double sum = 0;
    for (unsigned y = 0; y < HEIGHT; y++) {
        for (unsigned x = 0; x < WIDTH; x++) {
            double d = source[y * WIDTH + x] - p->plane[0][y * p->stride[0] + x];
            sum += d * d;
        }
    }
    return 10 * log10(255.0 * 255 * WIDTH * HEIGHT / (sum + 1));
}

static struct aura_frame_in raw(const uint8_t *data) {
    return (struct aura_frame_in){
        .data = data, .len = BYTES, .width = WIDTH, .height = HEIGHT, .max_kbps = 200, .fps = 30};
}

static int frame(struct aura_track *t, const struct aura_frame_in *in, struct aura_frame_out *out) {
    int err = aura_track_frame(t, in, out);
    while (aura_track_rest(t, false)) {
    }
    return err;
}

static int pictures_come_back_small_and_alike(void) {
    static uint8_t source[BYTES];
    struct aura_clock_manual clock;
    struct aura_track *t = NULL;
    struct aura_decoder *d = NULL;
    struct aura_frame_out out;
    size_t bytes = 0;
    double worst = 100;
    int err = 0;
    aura_clock_manual_init(&clock, 1000000, 0);
    TRY_OUT(aura_track_new(&t, &clock.clock, NULL, 0));
    TRY_OUT(aura_decoder_new(&d, AURA_CODEC_KIND_AV1));
    for (unsigned i = 0; i < 90; i++) {
        struct aura_picture p;
        struct aura_frame_in in = raw(source);
        draw(source, i);
        in.key_frame = i == 60;
        TRY_OUT(frame(t, &in, &out));
        assert_int_equal(out.coded.key_frame, i == 0 || i == 60);
        assert_int_equal(out.width, WIDTH);
        assert_true(out.coded.len > 0);
        TRY_OUT(aura_decoder_decode(d, out.coded.data, out.coded.len, &p));
        assert_int_equal(p.width, WIDTH);
        double like = psnr(source, &p);
        worst = like < worst ? like : worst;
        bytes += out.coded.len;
        aura_clock_manual_advance(&clock, FRAME_US);
    }
    assert_true(worst > 30);
    assert_true(bytes * 8 / 3 < 260000); /* three seconds at 200 kbps, with two key frames */
    assert_true(out.ratio > 0.95F);      /* against raw pictures */
    assert_true(out.statistics.motion > 1 && out.statistics.texture > 1);
    assert_false(out.screen);
out:
    aura_decoder_free(d);
    aura_track_free(t);
    return err;
}

static int a_drawn_picture_is_a_screen(void) {
    static uint8_t source[BYTES];
    struct aura_clock_manual clock;
    struct aura_track *t = NULL;
    struct aura_frame_out out;
    int err = 0;
    aura_clock_manual_init(&clock, 1000000, 0);
    TRY_OUT(aura_track_new(&t, &clock.clock, NULL, 0));
    memset(source, 235, sizeof(source));
    for (unsigned i = 0; i < 30; i++) {
        struct aura_frame_in in = raw(source);
        memset(source + (20 + i) * WIDTH, 16, 200);
        TRY_OUT(frame(t, &in, &out));
        aura_clock_manual_advance(&clock, FRAME_US);
    }
    assert_true(out.screen);
    assert_true(out.statistics.flat > 0.5F);
out:
    aura_track_free(t);
    return err;
}

/* The answer tells of the frame before; in a hurry the governor still learns how well it goes. */
static int what_is_seen_comes_with_the_next_answer(void) {
    static uint8_t source[BYTES];
    struct aura_clock_manual clock;
    struct aura_track *t = NULL;
    struct aura_frame_out out;
    unsigned measured = 0;
    int err = 0;
    aura_clock_manual_init(&clock, 1000000, 0);
    TRY_OUT(aura_track_new(&t, &clock.clock, NULL, 0));
    for (unsigned i = 0; i < 16; i++) {
        struct aura_frame_in in = raw(source);
        draw(source, i < 8 ? 0 : i); /* it begins to move with the ninth */
        TRY_OUT(aura_track_frame(t, &in, &out));
        assert_true(i > 8 || out.statistics.motion < 1);
        assert_true(i < 9 || out.statistics.motion > 1);
        measured += out.measured;
        while (aura_track_rest(t, true)) {
        }
        aura_clock_manual_advance(&clock, FRAME_US);
    }
    assert_int_equal(measured, 4); /* each fourth */
out:
    aura_track_free(t);
    return err;
}

/* On a busy machine everything takes long: a clock that goes on by as much with each look at it. */
struct busy_clock {
    struct aura_clock clock;
    uint64_t now_us, step_us;
};

static uint64_t busy_now(const struct aura_clock *c) {
    struct busy_clock *b = (struct busy_clock *)(uintptr_t)c;
    return b->now_us += b->step_us;
}

static int faces_wait_when_there_is_no_time(void) {
    static uint8_t source[BYTES];
    struct busy_clock clock = {
        .clock = {busy_now, busy_now}, .now_us = AURA_US_PER_S, .step_us = 20000};
    struct aura_track *t = NULL;
    struct aura_frame_out out;
    unsigned looked = 0, slow = 0;
    int err = 0;
    TRY_OUT(aura_track_new(&t, &clock.clock, NULL, 0));
    for (uint32_t i = 0; i < 61; i++) {
        struct aura_frame_in in = raw(source);
        in.rtp_timestamp = 1 + 3000 * i; /* 30 frames a second, whatever the clock says */
        clock.step_us = i < 31 ? 20000 : 100;
        draw(source, i);
        TRY_OUT(aura_track_frame(t, &in, &out));
        unsigned pieces = 1;
        while (aura_track_rest(t, false)) {
            pieces++;
        }
        looked += pieces == 4; /* statistics, faces, people, learning */
        slow = i == 30 ? looked : slow;
    }
    assert_in_range(slow, 2, 3);     /* twice a second */
    assert_in_range(looked, 18, 33); /* every frame again, at the latest half a second later */
out:
    aura_track_free(t);
    return err;
}

static int bad_frames_are_refused_and_nothing_else(void) {
    static uint8_t source[BYTES], noise[3000];
    struct aura_clock_manual clock;
    struct aura_rand_seeded r;
    struct aura_track *t = NULL;
    struct aura_frame_out out;
    int err = 0;
    aura_clock_manual_init(&clock, 1000000, 0);
    aura_rand_seeded_init(&r, 5);
    aura_rand_bytes(&r.rand, noise, sizeof(noise));
    draw(source, 0);
    TRY_OUT(aura_track_new(&t, &clock.clock, NULL, 0));
    struct aura_frame_in in = raw(source);
    in.len--;
    assert_int_equal(frame(t, &in, &out), AURA_EMALFORMED);
    in = raw(source);
    in.width = 10000;
    in.height = 10000;
    assert_int_equal(frame(t, &in, &out), AURA_ELIMIT);
    in.width = 0;
    assert_int_equal(frame(t, &in, &out), AURA_ELIMIT);
    static const enum aura_codec_kind kinds[] = {AURA_CODEC_KIND_VP8, AURA_CODEC_KIND_VP9,
                                                 AURA_CODEC_KIND_H264, AURA_CODEC_KIND_AV1};
    for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
        for (size_t len = 0; len < sizeof(noise); len = len * 2 + 1) {
            in = (struct aura_frame_in){.data = noise, .len = len, .codec = kinds[i]};
            int got = frame(t, &in, &out);
            assert_true(got == AURA_EMALFORMED || got == AURA_ELIMIT || got == AURA_EUNSUPPORTED ||
                        got == AURA_ENOMEM || (got == 0 && out.coded.len == 0));
        }
    }
    in = raw(source); /* and then a good one */
    TRY_OUT(frame(t, &in, &out));
    assert_true(out.coded.len > 0);
out:
    aura_track_free(t);
    return err;
}

/* An AV1 decoder skips whole units that it does not know: that may not go on for ever. */
static int nothing_to_show_for_long_is_malformed(void) {
    static const uint8_t padding[] = {0x7a, 3, 0, 0, 0x80}; /* OBU_PADDING with its size */
    struct aura_clock_manual clock;
    struct aura_track *t = NULL;
    struct aura_frame_out out;
    int err = 0, got = 0;
    unsigned blank = 0;
    aura_clock_manual_init(&clock, 1000000, 0);
    TRY_OUT(aura_track_new(&t, &clock.clock, NULL, 0));
    const struct aura_frame_in in = {
        .data = padding, .len = sizeof(padding), .codec = AURA_CODEC_KIND_AV1};
    for (; blank < 30 && !got; blank++) {
        got = aura_track_frame(t, &in, &out);
        assert_true(got || out.coded.len == 0);
    }
    assert_int_equal(got, AURA_EMALFORMED);
    assert_in_range(blank, 5, 10);
out:
    aura_track_free(t);
    return err;
}

int main(void) {
    const struct CMUnitTest cases[] = {
        AURA_PLAIN(pictures_come_back_small_and_alike),
        AURA_PLAIN(a_drawn_picture_is_a_screen),
        AURA_PLAIN(what_is_seen_comes_with_the_next_answer),
        AURA_PLAIN(faces_wait_when_there_is_no_time),
        AURA_PLAIN(bad_frames_are_refused_and_nothing_else),
        AURA_PLAIN(nothing_to_show_for_long_is_malformed),
    };
    return RUN_CASES("track", cases);
}
