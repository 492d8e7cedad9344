/* SPDX-License-Identifier: Apache-2.0 */
/* Text on a page, with and without a codec's noise on it. */
#include "aicore/steady.h"
#include "base/rand.h"
#include "harness.h"

#include <string.h>

enum {
    WIDTH = 128,
    HEIGHT = 96,
    LUMA = WIDTH * HEIGHT,
    BYTES = LUMA * 3 / 2,
    AMPLITUDE = 3,
    RESTS = 12, /* more pictures than a block needs to be at rest */
};

/* Strokes that differ from line to line; `top` is the page's line that is shown first. */
static uint8_t ink(unsigned x, unsigned line) {
    uint32_t mixed = (x / 2 + 1) * 2654435761U ^ (line / 2 + 7) * 40503U;
    return (mixed * 2246822519U) >> 31 ? 235 : 40;
}

static void page(uint8_t *out, unsigned top) {
    for (unsigned y = 0; y < HEIGHT; y++) {
        for (unsigned x = 0; x < WIDTH; x++) {
            out[y * WIDTH + x] = ink(x, y + top);
        }
    }
    memset(out + LUMA, 128, LUMA / 2);
}

static void add_noise(uint8_t *picture, uint64_t seed) {
    struct aura_rand_seeded r;
    aura_rand_seeded_init(&r, seed);
    for (size_t i = 0; i < LUMA; i++) {
        picture[i] =
            (uint8_t)(picture[i] + aura_rand_below(&r.rand, 2 * AMPLITUDE + 1) - AMPLITUDE);
    }
}

static struct aura_picture picture_of(const uint8_t *at) {
    return (struct aura_picture){.plane = {at, at + LUMA, at + LUMA * 5 / 4},
                                 .stride = {WIDTH, WIDTH / 2, WIDTH / 2},
                                 .width = WIDTH,
                                 .height = HEIGHT};
}

/* @return the luma that is shown for it */
static int show(struct aura_steady *s, const uint8_t *picture, uint8_t *luma) {
    struct aura_picture in = picture_of(picture), out;
    int err = aura_steady_picture(s, &in, &out);
    for (size_t y = 0; y < HEIGHT && !err; y++) {
        memcpy(luma + y * WIDTH, out.plane[0] + y * out.stride[0], WIDTH);
    }
    return err;
}

static int noise_is_not_shown(void) {
    static uint8_t source[BYTES], first[LUMA], now[LUMA];
    struct aura_steady *s = NULL;
    int err = 0;
    TRY_OUT(aura_steady_new(&s));
    for (unsigned i = 0; i < 5; i++) {
        page(source, 0);
        add_noise(source, i);
        TRY_OUT(show(s, source, i ? now : first));
        assert_true(i == 0 || memcmp(first, now, LUMA) == 0);
        assert_true(i == 0 || memcmp(source, now, LUMA) != 0);
    }
out:
    aura_steady_free(s);
    return err;
}

/* Of a page that scrolls, what was there already is shown as it was. */
static int noise_is_not_shown_while_it_scrolls(void) {
    static uint8_t source[BYTES], before[LUMA], now[LUMA];
    static const unsigned step = 6;
    struct aura_steady *s = NULL;
    int err = 0;
    TRY_OUT(aura_steady_new(&s));
    for (unsigned i = 0; i < 6; i++) {
        page(source, i * step);
        add_noise(source, i);
        TRY_OUT(show(s, source, now));
        size_t rows = (HEIGHT - step) / 8 * 8; /* whole blocks that were there */
        assert_true(i == 0 || memcmp(now, before + (size_t)step * WIDTH, rows * WIDTH) == 0);
        memcpy(before, now, LUMA);
    }
out:
    aura_steady_free(s);
    return err;
}

/* A stroke, another ink of the same brightness, another page: all of it, at once. */
static int changes_are_shown_at_once(void) {
    static uint8_t source[BYTES], now[LUMA];
    struct aura_steady *s = NULL;
    struct aura_picture in = picture_of(source), out;
    int err = 0;
    TRY_OUT(aura_steady_new(&s));
    memset(source, 235, LUMA);
    memset(source + LUMA, 128, LUMA / 2);
    TRY_OUT(show(s, source, now));
    for (size_t y = 20; y < 30; y++) {
        source[y * WIDTH + 50] = 16; /* where one writes */
    }
    TRY_OUT(show(s, source, now));
    assert_memory_equal(now, source, LUMA);
    memset(source, 235, LUMA); /* it blinks */
    TRY_OUT(show(s, source, now));
    assert_memory_equal(now, source, LUMA);
    memset(source + LUMA, 90, LUMA / 4);
    TRY_OUT(aura_steady_picture(s, &in, &out));
    assert_int_equal(out.plane[1][0], 90);
    assert_int_equal(out.plane[1][WIDTH / 2 * (HEIGHT / 2) - 1], 90);
    page(source, 300);
    TRY_OUT(show(s, source, now));
    assert_memory_equal(now, source, LUMA);
out:
    aura_steady_free(s);
    return err;
}

/* The first picture of a page is blurred: what comes sharper is shown at once; the little that is
 * missing after that once it is at rest, and nothing in between. */
static int better_ones_are_shown(void) {
    static uint8_t source[BYTES], blurred[BYTES], near[BYTES], now[LUMA];
    struct aura_steady *s = NULL;
    unsigned shown_after = 0;
    int err = 0;
    TRY_OUT(aura_steady_new(&s));
    page(source, 0);
    memcpy(blurred, source, BYTES);
    memcpy(near, source, BYTES);
    for (size_t i = 0; i < LUMA; i++) {
        blurred[i] = (uint8_t)(128 + (source[i] - 128) / 2);
        near[i] = (uint8_t)(source[i] + (i % 2 ? 2 : -2));
    }
    TRY_OUT(show(s, blurred, now));
    TRY_OUT(show(s, near, now));
    assert_memory_equal(now, near, LUMA);
    for (unsigned i = 1; i <= RESTS && !shown_after; i++) {
        TRY_OUT(show(s, source, now));
        shown_after = memcmp(now, source, LUMA) == 0 ? i : 0;
        assert_true(shown_after || memcmp(now, near, LUMA) == 0);
    }
    assert_in_range(shown_after, 4, RESTS);
out:
    aura_steady_free(s);
    return err;
}

/* Odd sides and sides of no whole blocks; another size, and a word, begin anew. */
static int any_size(void) {
    static const uint32_t sides[][2] = {{16, 16}, {17, 19}, {37, 91}, {128, 30}};
    static uint8_t source[BYTES];
    struct aura_steady *s = NULL;
    int err = 0;
    TRY_OUT(aura_steady_new(&s));
    page(source, 0);
    for (size_t i = 0; i < sizeof(sides) / sizeof(*sides); i++) {
        struct aura_picture in = picture_of(source), out;
        in.width = sides[i][0];
        in.height = sides[i][1];
        for (unsigned n = 0; n < 3; n++) {
            TRY_OUT(aura_steady_picture(s, &in, &out));
            assert_int_equal(out.width, in.width);
            assert_int_equal(out.height, in.height);
            for (size_t y = 0; y < in.height; y++) {
                assert_memory_equal(out.plane[0] + y * out.stride[0], source + y * WIDTH, in.width);
            }
        }
    }
    uint8_t was = source[0];
    struct aura_picture in = picture_of(source), out;
    TRY_OUT(aura_steady_picture(s, &in, &out));
    source[0] = (uint8_t)(was + 2);
    TRY_OUT(aura_steady_picture(s, &in, &out));
    assert_int_equal(out.plane[0][0], was);
    aura_steady_forget(s);
    TRY_OUT(aura_steady_picture(s, &in, &out));
    assert_int_equal(out.plane[0][0], was + 2);
out:
    aura_steady_free(s);
    return err;
}

int main(void) {
    const struct CMUnitTest cases[] = {
        AURA_CASE(noise_is_not_shown),
        AURA_CASE(noise_is_not_shown_while_it_scrolls),
        AURA_CASE(changes_are_shown_at_once),
        AURA_CASE(better_ones_are_shown),
        AURA_CASE(any_size),
    };
    return RUN_CASES("aicore/steady", cases);
}
