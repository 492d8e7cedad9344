/* SPDX-License-Identifier: Apache-2.0 */
/* The governor against a plant that we know: VMAF rises with the bits, less for difficult pictures,
 * and the model that it asks is wrong by a constant. */
#include "aicore/governor.h"
#include "base/clock.h"
#include "harness.h"

#include <math.h>

enum { WIDTH = 1280, HEIGHT = 720, FPS = 30, FRAME_US = 33333 };

struct plant {
    float difficulty; /* VMAF that is missing at any rate */
    float error;      /* of the model while it knows no distortion */
    unsigned asked;
    bool broken;
};

static float truth(const struct plant *p, float bits) {
    float vmaf = 110 + 8 * (bits + 4) - p->difficulty;
    return vmaf < 0 ? 0 : vmaf > 100 ? 100 : vmaf;
}

static int predict(void *arg, const float *rows, float *vmaf) {
    struct plant *p = arg;
    p->asked++;
    for (size_t i = 0; i < AURA_GOVERNOR_ROWS; i++, rows += AURA_FEATURES) {
        bool measured = rows[AURA_FEATURE_MEASURED] > 0;
        assert_true(rows[AURA_FEATURE_PIXELS] > 19.8F && rows[AURA_FEATURE_PIXELS] < 19.9F);
        assert_true(measured == (rows[AURA_FEATURE_FINE] > 0));
        vmaf[i] = truth(p, rows[AURA_FEATURE_BITS]) + (measured ? 0 : p->error);
    }
    return p->broken ? AURA_EINVAL : 0;
}

/* An encoder that meets its rate. @return the rate after `seconds` */
static uint32_t play(struct aura_governor *g, uint64_t *now_us, unsigned seconds, float target,
                     size_t native_kbps) {
    uint32_t kbps = 0;
    for (unsigned i = 0; i < seconds * FPS; i++) {
        kbps = aura_governor_kbps(g, WIDTH, HEIGHT);
        const struct aura_governor_frame f = {.pts_us = *now_us,
                                              .width = WIDTH,
                                              .height = HEIGHT,
                                              .statistics = {.motion = 3, .texture = 5},
                                              .bytes_in = native_kbps * 1000 / 8 / FPS,
                                              .bytes_out = kbps * 1000 / 8 / FPS,
                                              .measured = i % 4 == 0,
                                              .likeness = {.fine = 0.5F, .coarse = 0.7F},
                                              .quantizer = 120};
        (void)aura_governor_frame(g, &f, target);
        *now_us += FRAME_US;
    }
    return kbps;
}

static float vmaf_at(const struct plant *p, uint32_t kbps) {
    return truth(p, log2f((float)kbps * 1000 / (WIDTH * HEIGHT * FPS)));
}

static int holds_the_target(void) {
    static const float errors[] = {0, 6, -6};
    for (size_t i = 0; i < 3; i++) {
        struct plant p = {.difficulty = 10, .error = errors[i]};
        const struct aura_predictor predictor = {.predict = predict, .arg = &p};
        struct aura_governor g;
        uint64_t now_us = 1000000;
        aura_governor_init(&g, &predictor);
        float at = vmaf_at(&p, play(&g, &now_us, 6, 90, 3000));
        assert_true(fabsf(at - 90) < 1.5F);
        assert_true(fabsf(g.quality - at) < 1.5F);
        assert_true(p.asked >= 5 && p.asked <= 8); /* once a second, and once early */
    }
    return 0;
}

/* A scene that becomes harder gets more within a few seconds, and less when it is easy again. */
static int follows_the_content(void) {
    struct plant p = {.difficulty = 5};
    const struct aura_predictor predictor = {.predict = predict, .arg = &p};
    struct aura_governor g;
    uint64_t now_us = 1000000;
    aura_governor_init(&g, &predictor);
    uint32_t easy = play(&g, &now_us, 6, 88, 5000);
    p.difficulty = 14;
    uint32_t hard = play(&g, &now_us, 5, 88, 5000);
    assert_true(hard > easy * 3 / 2);
    assert_true(fabsf(vmaf_at(&p, hard) - 88) < 1.5F);
    p.difficulty = 5;
    uint32_t again = play(&g, &now_us, 8, 88, 5000);
    assert_true(fabsf(vmaf_at(&p, again) - 88) < 1.5F);
    return 0;
}

/* What native does not have either is not bought at any price. */
static int stays_below_the_native_rate(void) {
    struct plant p = {.difficulty = 60};
    const struct aura_predictor predictor = {.predict = predict, .arg = &p};
    struct aura_governor g;
    uint64_t now_us = 1000000;
    aura_governor_init(&g, &predictor);
    uint32_t kbps = play(&g, &now_us, 6, 90, 1000);
    assert_true(kbps > 550 && kbps <= 600);
    assert_true(g.quality < 75);
    return 0;
}

static int goes_on_without_a_model(void) {
    struct plant p = {.broken = true};
    const struct aura_predictor predictor = {.predict = predict, .arg = &p};
    struct aura_governor g;
    uint64_t now_us = 1000000;
    aura_governor_init(&g, &predictor);
    uint32_t kbps = play(&g, &now_us, 4, 90, 1000);
    assert_true(kbps > 180 && kbps < 220);
    assert_int_equal(p.asked, 1);
    assert_true(g.quality < 0);
    aura_governor_init(&g, NULL);
    kbps = play(&g, &now_us, 4, 90, 1000);
    assert_true(kbps > 180 && kbps < 220);
    return 0;
}

int main(void) {
    const struct CMUnitTest cases[] = {
        AURA_CASE(holds_the_target),
        AURA_CASE(follows_the_content),
        AURA_CASE(stays_below_the_native_rate),
        AURA_CASE(goes_on_without_a_model),
    };
    return RUN_CASES("aicore/governor", cases);
}
