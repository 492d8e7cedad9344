/* SPDX-License-Identifier: Apache-2.0 */
/* AV1 there and back: one in, one out; key frames only when asked for; rates that change; sizes;
 * and the library that encodes is apart from the one that libavcodec brings. */
#include "codec/decoder.h"
#include "codec/encoder.h"
#include "harness.h"

#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>

enum { SIDE_MAX = 320, FRAME_US = 33333, FPS = 30 };

static uint8_t i420[SIDE_MAX * SIDE_MAX * 3 / 2];

static struct aura_picture picture(uint32_t w, uint32_t h) {
    size_t half = (w + 1) / 2;
    return (struct aura_picture){.plane = {i420, i420 + w * h, i420 + w * h + half * ((h + 1) / 2)},
                                 .stride = {w, half, half},
                                 .width = w,
                                 .height = h};
}

static void draw(uint32_t w, uint32_t h, unsigned n) {
    for (unsigned i = 0; i < w * h; i++) {
        i420[i] = (uint8_t)(40 + ((i % w) + (i / w) + n * 2) % 128);
    }
    memset(i420 + w * h, 128, sizeof(i420) - w * h);
}

/* Noise, so that the rate is what bounds the bytes. */
static void snow(uint32_t w, uint32_t h, unsigned n) {
    uint32_t state = n * 2654435761U + 1;
    for (unsigned i = 0; i < w * h; i++) {
        state = state * 1664525U + 1013904223U;
        i420[i] = (uint8_t)(96 + (state >> 26));
    }
    memset(i420 + w * h, 128, sizeof(i420) - w * h);
}

static unsigned difference(const struct aura_picture *a, const struct aura_picture *b) {
    uint64_t sum = 0;
    for (unsigned y = 0; y < a->height; y++) {
        for (unsigned x = 0; x < a->width; x++) {
            sum += (unsigned)abs(a->plane[0][y * a->stride[0] + x] -
                                 b->plane[0][y * b->stride[0] + x]);
        }
    }
    return (unsigned)(sum / (a->width * a->height));
}

/* The decoder keeps one picture in hand at most if it has threads; ours has none. */
static int there_and_back(uint32_t w, uint32_t h, bool screen) {
    const struct aura_encoder_conf conf = {
        .width = w, .height = h, .fps = FPS, .kbps = 500, .screen = screen};
    const struct aura_picture in = picture(w, h);
    struct aura_encoder *e = NULL;
    struct aura_decoder *d = NULL;
    struct aura_picture out, seen;
    struct aura_coded coded;
    int err;
    TRY_OUT(aura_encoder_new(&e, &conf));
    TRY_OUT(aura_decoder_new(&d, AURA_CODEC_KIND_AV1));
    for (unsigned n = 0; n < 12; n++) {
        draw(w, h, n);
        TRY_OUT(aura_encoder_encode(e, &in, (n + 1) * FRAME_US, n == 7, &coded));
        assert_int_equal(coded.key_frame, n == 0 || n == 7);
        assert_true(coded.len > 0);
        assert_true(aura_encoder_seen(e, &seen));
        TRY_OUT(aura_decoder_decode(d, coded.data, coded.len, &out));
        assert_int_equal(out.width, w);
        assert_int_equal(out.height, h);
        assert_int_equal(difference(&seen, &out), 0); /* what it says a viewer sees */
        assert_in_range(difference(&in, &out), 0, 12);
    }
out:
    aura_decoder_free(d);
    aura_encoder_free(e);
    return err;
}

static int camera(void) {
    return there_and_back(320, 180, false);
}

static int screen(void) {
    return there_and_back(320, 240, true);
}

static int sizes(void) {
    const uint32_t sides[][2] = {{16, 16}, {176, 144}, {130, 98}, {64, 318}};
    for (size_t i = 0; i < sizeof(sides) / sizeof(*sides); i++) {
        TRY(there_and_back(sides[i][0], sides[i][1], false));
    }
    return 0;
}

static int encode_seconds(struct aura_encoder *e, unsigned *n, unsigned frames, size_t *bytes) {
    const struct aura_picture in = picture(320, 180);
    struct aura_coded coded;
    *bytes = 0;
    for (unsigned i = 0; i < frames; i++) {
        snow(320, 180, *n);
        int err = aura_encoder_encode(e, &in, (uint64_t)++ * n * FRAME_US, false, &coded);
        if (err && err != AURA_EAGAIN) {
            return err;
        }
        *bytes += err ? 0 : coded.len;
    }
    return 0;
}

/* A new rate is kept from the next second on, upwards and downwards, within a fifth. */
static int rate_follows(void) {
    const struct aura_encoder_conf conf = {.width = 320, .height = 180, .fps = FPS, .kbps = 900};
    const uint32_t kbps[] = {900, 450, 1200};
    struct aura_encoder *e = NULL;
    unsigned n = 0;
    size_t bytes;
    int err;
    TRY_OUT(aura_encoder_new(&e, &conf));
    for (size_t i = 0; i < sizeof(kbps) / sizeof(*kbps); i++) {
        TRY_OUT(aura_encoder_set(e, kbps[i], FPS));
        TRY_OUT(encode_seconds(e, &n, 2 * FPS, &bytes)); /* settles */
        TRY_OUT(encode_seconds(e, &n, 2 * FPS, &bytes));
        assert_in_range(bytes * 8 / 2000, kbps[i] * 8 / 10, kbps[i] * 12 / 10);
    }
out:
    aura_encoder_free(e);
    return err;
}

#ifdef AURA_OWN_AOM
static void draw_board(uint32_t w, uint32_t h, unsigned side, unsigned n) {
    for (unsigned i = 0; i < w * h; i++) {
        i420[i] = (i % w / side + i / w / side + n) % 2 ? 220 : 35;
    }
    memset(i420 + w * h, 128, sizeof(i420) - w * h);
}

static int turn_over(const struct aura_encoder_conf *conf, unsigned side, unsigned quantizer) {
    const struct aura_picture in = picture(conf->width, conf->height);
    struct aura_encoder *e = NULL;
    struct aura_picture seen;
    struct aura_coded coded;
    int err;
    TRY_OUT(aura_encoder_new(&e, conf));
    TRY_OUT(aura_encoder_hold(e, quantizer));
    for (unsigned n = 0; n < 12; n++) {
        draw_board(conf->width, conf->height, side, n);
        TRY_OUT(aura_encoder_encode(e, &in, (n + 1) * FRAME_US, false, &coded));
        assert_true(aura_encoder_seen(e, &seen));
        assert_in_range(difference(&in, &seen), 0, 20);
    }
out:
    aura_encoder_free(e);
    return err;
}

/* What becomes as much brighter in one place as it becomes darker in the next is no less new for
 * that: it is shown with its own picture. The system's libaom leaves it as it was; of ours
 * tools/codecs.sh mends that. */
static int a_board_is_turned_over(void) {
    const unsigned sides[] = {8, 16, 32}, quantizers[] = {0, 34, 44};
    for (size_t i = 0; i < sizeof(sides) / sizeof(*sides); i++) {
        for (size_t k = 0; k < sizeof(quantizers) / sizeof(*quantizers); k++) {
            for (unsigned screen = 0; screen < 2; screen++) {
                const struct aura_encoder_conf conf = {
                    .width = 320, .height = 192, .fps = FPS, .kbps = 500, .screen = screen};
                TRY(turn_over(&conf, sides[i], quantizers[k]));
            }
        }
    }
    return 0;
}
#endif

static int refuses(void) {
    struct aura_encoder_conf conf = {.width = 8, .height = 64, .fps = FPS, .kbps = 300};
    struct aura_encoder *e = NULL;
    struct aura_coded coded;
    int err;
    assert_int_equal(aura_encoder_new(&e, &conf), AURA_ELIMIT);
    conf.width = 64;
    conf.kbps = 1;
    assert_int_equal(aura_encoder_new(&e, &conf), AURA_ELIMIT);
    conf.kbps = 300;
    TRY(aura_encoder_new(&e, &conf));
    const struct aura_picture other = picture(32, 64), same = picture(64, 64);
    draw(64, 64, 0);
    assert_int_equal(aura_encoder_encode(e, &other, FRAME_US, false, &coded), AURA_EINVAL);
    assert_int_equal(aura_encoder_set(e, 1, FPS), AURA_ELIMIT);
    TRY_OUT(aura_encoder_encode(e, &same, FRAME_US, false, &coded));
    assert_int_equal(aura_encoder_encode(e, &same, FRAME_US, false, &coded), AURA_EINVAL);
out:
    aura_encoder_free(e);
    return err;
}

/* libavcodec links the system's libaom. Nothing of ours can be taken for a part of it, or the other
 * way round: ours has no name that the dynamic linker knows. */
static int apart_from_libavcodec(void) {
    struct aura_decoder *d = NULL;
    TRY(aura_decoder_new(&d, AURA_CODEC_KIND_AV1)); /* libavcodec is in this process */
    aura_decoder_free(d);
    assert_non_null(aura_encoder_version());
#ifdef AURA_OWN_AOM
    const char *(*theirs)(void) = NULL;
    void *found = dlsym(RTLD_DEFAULT, "aom_codec_version_str");
    assert_null(dlsym(RTLD_DEFAULT, "aura_own_aom_codec_version_str"));
    assert_null(dlsym(RTLD_DEFAULT, "av1_encode"));
    memcpy(&theirs, &found, sizeof(found));
    if (theirs) {
        assert_string_not_equal(theirs(), aura_encoder_version());
    }
#endif
    return 0;
}

int main(void) {
    const struct CMUnitTest cases[] = {AURA_CASE(camera),
                                       AURA_CASE(screen),
                                       AURA_CASE(sizes),
                                       AURA_CASE(rate_follows),
#ifdef AURA_OWN_AOM
                                       AURA_CASE(a_board_is_turned_over),
#endif
                                       AURA_CASE(refuses),
                                       AURA_CASE(apart_from_libavcodec)};
    return RUN_CASES("codec/encoder", cases);
}
