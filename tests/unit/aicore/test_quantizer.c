/* SPDX-License-Identifier: Apache-2.0 */
/* The choice for screens against a plant that we know: quality falls with the quantizer, faster for
 * small letters, and the model that is asked is wrong by a constant. */
#include "aicore/quantizer.h"
#include "aicore/stages.h"
#include "base/clock.h"
#include "harness.h"

#include <math.h>

enum { WIDTH = 1280, HEIGHT = 720, FPS = 30, FRAME_US = 33333, NATIVE_BYTES = 10000 };

struct plant {
    float slope; /* points for each step */
    float error; /* of the model while it does not know what was left */
    unsigned asked;
    bool broken;
};

static float truth(const struct plant *p, float quantizer) {
    float quality = 100 - p->slope * (quantizer - 20);
    return quality < 0 ? 0 : quality;
}

static int predict(void *arg, const float *rows, float *quality) {
    struct plant *p = arg;
    p->asked++;
    for (size_t i = 0; i < AURA_GOVERNOR_ROWS; i++, rows += AURA_FEATURES) {
        bool measured = rows[AURA_FEATURE_MEASURED] > 0;
        assert_true(measured == (rows[AURA_FEATURE_FINE] > 0));
        assert_true(rows[AURA_FEATURE_BITS] == 0); /* that is not what is asked about */
        quality[i] = truth(p, rows[AURA_FEATURE_QUANTIZER] * 255 / 4) + (measured ? 0 : p->error);
    }
    return p->broken ? AURA_EINVAL : 0;
}

static unsigned play(struct aura_quantizer *q, uint64_t *now_us, unsigned seconds, float target,
                     size_t bytes_out) {
    for (unsigned i = 0; i < seconds * FPS; i++) {
        const struct aura_governor_frame f = {
            .pts_us = *now_us,
            .width = WIDTH,
            .height = HEIGHT,
            .statistics = {.texture = 5, .flat = 0.7F},
            .bytes_in = NATIVE_BYTES,
            .bytes_out = bytes_out,
            .measured = i % 4 == 0,
            .likeness = {.fine = 0.5F, .coarse = 0.7F},
            .quantizer = (uint8_t)(aura_quantizer_now(q, WIDTH, HEIGHT, 0) * 4)};
        (void)aura_quantizer_frame(q, &f, target);
        *now_us += FRAME_US;
    }
    return aura_quantizer_now(q, WIDTH, HEIGHT, 0);
}

static int takes_the_coarsest_that_is_good_enough(void) {
    static const float errors[] = {0, 4, -4};
    for (size_t i = 0; i < 3; i++) {
        struct plant p = {.slope = 0.25F, .error = errors[i]};
        const struct aura_predictor predictor = {.predict = predict, .arg = &p};
        struct aura_quantizer q;
        uint64_t now_us = 1000000;
        aura_quantizer_init(&q, &predictor);
        unsigned easy = play(&q, &now_us, 6, 95, 900);
        assert_in_range(easy, 39, 40); /* 100 - 20 × 0.25 */
        assert_true(fabsf(q.quality - truth(&p, (float)easy)) < 0.5F);
        assert_in_range(p.asked, 4, 6); /* once a second, and once early */
        p.slope = 0.5F;                 /* small letters come */
        unsigned hard = play(&q, &now_us, 5, 95, 900);
        assert_in_range(hard, 29, 30);
        assert_true(play(&q, &now_us, 5, 90, 900) > hard);
    }
    return 0;
}

static int goes_step_by_step_and_no_further_than_the_ladder(void) {
    struct plant p = {.slope = 0.25F};
    const struct aura_predictor predictor = {.predict = predict, .arg = &p};
    struct aura_quantizer q;
    uint64_t now_us = 1000000;
    aura_quantizer_init(&q, &predictor);
    unsigned before = play(&q, &now_us, 4, 95, 900);
    p.slope = 5;
    for (unsigned i = 0; i < 6; i++) {
        unsigned now = play(&q, &now_us, 1, 95, 900);
        assert_true(now <= before && before - now <= 8); /* a second and a frame: two at most */
        before = now;
    }
    assert_int_equal(before, AURA_QUANTIZER_BEST);
    p.slope = 0;
    before = play(&q, &now_us, 5, 95, 900); /* and slowly back */
    assert_in_range(before, AURA_QUANTIZER_BEST + 4, AURA_QUANTIZER_BEST + 6);
    assert_int_equal(play(&q, &now_us, 20, 95, 900), AURA_QUANTIZER_WORST);
    return 0;
}

/* Where it would cost nearly what comes in, it is drawn more coarsely than was asked. */
static int is_never_as_dear_as_the_native_stream(void) {
    struct plant p = {.slope = 0.5F};
    const struct aura_predictor predictor = {.predict = predict, .arg = &p};
    struct aura_quantizer q;
    uint64_t now_us = 1000000;
    aura_quantizer_init(&q, &predictor);
    unsigned asked = play(&q, &now_us, 4, 95, 900);
    assert_true(play(&q, &now_us, 8, 95, NATIVE_BYTES * 7 / 10) >= asked + 6);
    assert_in_range(q.kbps, 1600, 1760);
    return 0;
}

static int a_rate_where_that_is_better(void) {
    struct plant p = {.slope = 0.25F};
    const struct aura_predictor predictor = {.predict = predict, .arg = &p};
    struct aura_quantizer q;
    uint64_t now_us = 1000000;
    aura_quantizer_init(&q, NULL);
    assert_int_equal(aura_quantizer_now(&q, WIDTH, HEIGHT, 0), 0);
    aura_quantizer_init(&q, &predictor);
    assert_true(aura_quantizer_now(&q, WIDTH, HEIGHT, 0) > 0);
    assert_true(aura_quantizer_now(&q, WIDTH, HEIGHT, 2000) > 0);
    assert_int_equal(aura_quantizer_now(&q, WIDTH, HEIGHT, 400), 0); /* no room for a page */
    assert_true(aura_quantizer_now(&q, WIDTH / 2, HEIGHT / 2, 400) > 0);
    p.broken = true;
    assert_int_equal(play(&q, &now_us, 2, 95, 900), 0);
    assert_int_equal(p.asked, 1);
    return 0;
}

static int stages_have_names(void) {
    assert_int_equal(aura_stages_of(NULL), 0);
    assert_int_equal(aura_stages_of(""), 0);
    assert_int_equal(aura_stages_of("faces,stead,steadyy,,"), 0);
    assert_int_equal(aura_stages_of("steady"), AURA_STAGE_STEADY);
    assert_int_equal(aura_stages_of("faces,quantizer,screen-tools"),
                     AURA_STAGE_QUANTIZER | AURA_STAGE_SCREEN);
    return 0;
}

int main(void) {
    const struct CMUnitTest cases[] = {
        AURA_CASE(takes_the_coarsest_that_is_good_enough),
        AURA_CASE(goes_step_by_step_and_no_further_than_the_ladder),
        AURA_CASE(is_never_as_dear_as_the_native_stream),
        AURA_CASE(a_rate_where_that_is_better),
        AURA_CASE(stages_have_names),
    };
    return RUN_CASES("aicore/quantizer", cases);
}
