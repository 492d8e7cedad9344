/* SPDX-License-Identifier: Apache-2.0 */
#include "aicore/likeness.h"
#include "base/rand.h"
#include "harness.h"

#include <math.h>
#include <string.h>

enum { WIDTH = 256, HEIGHT = 128, BYTES = WIDTH * HEIGHT };

static struct aura_picture picture_of(const uint8_t *luma) {
    return (struct aura_picture){.plane = {luma, luma, luma},
                                 .stride = {WIDTH, WIDTH, WIDTH},
                                 .width = WIDTH,
                                 .height = HEIGHT};
}

static void draw(uint8_t *out) {
    for (unsigned i = 0; i < BYTES; i++) {
        double x = i % WIDTH, y = i / WIDTH;
        out[i] = (uint8_t)(128 + 50 * sin(x / 3) + 40 * cos(y / 5 + x / 40));
    }
}

static void blur(const uint8_t *in, uint8_t *out, unsigned reach) {
    for (unsigned i = 0; i < BYTES; i++) {
        unsigned sum = 0, x = i % WIDTH;
        for (unsigned d = 0; d <= 2 * reach; d++) {
            unsigned at = x + d < reach ? 0 : x + d - reach;
            sum += in[i - x + (at < WIDTH ? at : WIDTH - 1)];
        }
        out[i] = (uint8_t)(sum / (2 * reach + 1));
    }
}

static int the_same_picture_has_it_all(void) {
    static uint8_t a[BYTES];
    struct aura_likeness_state *s = NULL;
    struct aura_likeness l;
    int err = 0;
    draw(a);
    struct aura_picture p = picture_of(a);
    TRY_OUT(aura_likeness_new(&s));
    TRY_OUT(aura_likeness_of(s, &p, &p, &l));
    assert_true(fabsf(l.fine - 1) < 1e-3F && fabsf(l.coarse - 1) < 1e-3F);
    assert_true(fabsf(l.edges - 1) < 1e-3F);
    /* Nothing in it: nothing can be lost. */
    memset(a, 90, sizeof(a));
    TRY_OUT(aura_likeness_of(s, &p, &p, &l));
    assert_true(l.fine == 1 && l.coarse == 1 && l.edges == 1);
out:
    aura_likeness_free(s);
    return err;
}

static int less_is_left_the_more_it_is_blurred(void) {
    static uint8_t a[BYTES], b[BYTES];
    struct aura_likeness_state *s = NULL;
    struct aura_likeness before = {.fine = 1, .coarse = 1, .edges = 1}, l;
    int err = 0;
    draw(a);
    struct aura_picture p = picture_of(a), q = picture_of(b);
    TRY_OUT(aura_likeness_new(&s));
    for (unsigned reach = 1; reach < 4; reach++) {
        blur(a, b, reach);
        TRY_OUT(aura_likeness_of(s, &p, &q, &l));
        assert_true(l.fine < before.fine && l.edges < before.edges);
        assert_true(l.fine > 0 && l.edges > 0);
        before = l;
    }
out:
    aura_likeness_free(s);
    return err;
}

static int noise_is_no_information(void) {
    static uint8_t a[BYTES], b[BYTES];
    struct aura_likeness_state *s = NULL;
    struct aura_likeness l;
    struct aura_rand_seeded r;
    int err = 0;
    draw(a);
    aura_rand_seeded_init(&r, 3);
    for (unsigned i = 0; i < BYTES; i++) {
        b[i] = (uint8_t)(a[i] + aura_rand_below(&r.rand, 25) - 12);
    }
    struct aura_picture p = picture_of(a), q = picture_of(b);
    TRY_OUT(aura_likeness_new(&s));
    TRY_OUT(aura_likeness_of(s, &p, &q, &l));
    assert_true(l.fine < 0.85F);
    assert_true(l.coarse > l.fine); /* it averages out */
    q.width -= 2;
    assert_int_equal(aura_likeness_of(s, &p, &q, &l), AURA_EINVAL);
out:
    aura_likeness_free(s);
    return err;
}

int main(void) {
    const struct CMUnitTest cases[] = {
        AURA_CASE(the_same_picture_has_it_all),
        AURA_CASE(less_is_left_the_more_it_is_blurred),
        AURA_CASE(noise_is_no_information),
    };
    return RUN_CASES("aicore/likeness", cases);
}
