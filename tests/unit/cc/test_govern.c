/* SPDX-License-Identifier: Apache-2.0 */
#include "base/clock.h"
#include "cc/govern.h"
#include "harness.h"

enum { FRAME_US = 33333, FLOOR = 280 };

/* AI Core says the same for a while. @return the time then */
static uint64_t looks(struct aura_govern *g, uint64_t now_us, double seconds, uint32_t kbps,
                      float vmaf) {
    uint64_t until_us = now_us + (uint64_t)(seconds * 1e6);
    for (; now_us < until_us; now_us += FRAME_US) {
        aura_govern_look(g, kbps, vmaf, FLOOR, now_us);
    }
    return now_us;
}

static int no_cap_until_it_is_sure(void) {
    struct aura_govern g = {.cap_kbps = 0};
    uint64_t now_us = looks(&g, 1000, 1.9, 400, -1);
    assert_int_equal(aura_govern_cap_kbps(&g, now_us), 0);
    now_us = looks(&g, now_us, 0.3, 400, -1);
    assert_int_equal(aura_govern_cap_kbps(&g, now_us), 400);
    now_us = looks(&g, now_us, 5, 0, -1); /* it does not know */
    assert_int_equal(aura_govern_cap_kbps(&g, now_us), 0);
    return 0;
}

static int up_at_once_and_down_in_steps(void) {
    struct aura_govern g = {.cap_kbps = 0};
    uint64_t now_us = looks(&g, 1000, 3, 400, -1);
    now_us = looks(&g, now_us, 1, 900, -1);
    assert_in_range(aura_govern_cap_kbps(&g, now_us), 840, 900);
    uint32_t before = aura_govern_cap_kbps(&g, now_us);
    now_us = looks(&g, now_us, 2.1, 300, -1);
    assert_int_equal(aura_govern_cap_kbps(&g, now_us),
                     before - before * AURA_GOVERN_LOWER_PERCENT / 100);
    now_us = looks(&g, now_us, 30, 300, -1);
    assert_in_range(aura_govern_cap_kbps(&g, now_us), 300, 316);
    return 0;
}

/* A recommendation that is a share of what arrives would run away without the floor. */
static int a_share_of_what_arrives_ends_at_the_floor(void) {
    struct aura_govern g = {.cap_kbps = 0};
    uint64_t now_us = 1000;
    uint32_t sent = 1700, last = UINT32_MAX;
    for (int s = 0; s < 60; s++) {
        now_us = looks(&g, now_us, 1, sent / 5, -1);
        uint32_t cap = aura_govern_cap_kbps(&g, now_us);
        assert_true(!cap || (cap >= FLOOR && cap <= last));
        last = cap ? cap : last;
        sent = cap ? cap : 1700;
    }
    assert_in_range(last, FLOOR, FLOOR * 106 / 100);
    return 0;
}

static int silence_and_bad_quality_release(void) {
    struct aura_govern g = {.min_vmaf = 80};
    uint64_t now_us = looks(&g, 1000, 3, 400, 90);
    assert_int_equal(aura_govern_cap_kbps(&g, now_us), 400);
    now_us += AURA_GOVERN_SILENT_US + FRAME_US;
    assert_int_equal(aura_govern_cap_kbps(&g, now_us), 0);
    now_us = looks(&g, now_us, 3, 400, 90);
    assert_int_equal(aura_govern_cap_kbps(&g, now_us), 400);
    now_us = looks(&g, now_us, 0.5, 400, 70); /* a moment is none */
    now_us = looks(&g, now_us, 0.5, 400, 90);
    assert_int_equal(aura_govern_cap_kbps(&g, now_us), 400);
    now_us = looks(&g, now_us, 1.1, 400, 70);
    assert_int_equal(aura_govern_cap_kbps(&g, now_us), 0);
    now_us = looks(&g, now_us, 9, 400, 90);
    assert_int_equal(aura_govern_cap_kbps(&g, now_us), 0);
    now_us = looks(&g, now_us, 4, 400, 90);
    assert_int_equal(aura_govern_cap_kbps(&g, now_us), 400);
    aura_govern_release(&g);
    assert_int_equal(aura_govern_cap_kbps(&g, now_us), 0);
    return 0;
}

static int floors_follow_the_picture(void) {
    assert_int_equal(aura_govern_in_codec(AURA_CODEC_AV1, 300), 300);
    assert_int_equal(aura_govern_in_codec(AURA_CODEC_H264, 300), 540);
    assert_int_equal(aura_govern_in_codec(AURA_CODEC_VP8, UINT32_MAX), UINT32_MAX);
    assert_int_equal(aura_govern_floor_kbps(AURA_CODEC_AV1, 1280, 720, 1, false), 276);
    assert_int_equal(aura_govern_floor_kbps(AURA_CODEC_VP8, 1280, 720, 1, false), 497);
    assert_int_equal(aura_govern_floor_kbps(AURA_CODEC_AV1, 1280, 720, 3, false), 813);
    assert_int_equal(aura_govern_floor_kbps(AURA_CODEC_AV1, 640, 360, 2, false), 272);
    assert_int_equal(aura_govern_floor_kbps(AURA_CODEC_AV1, 320, 180, 3, false), 100);
    assert_int_equal(aura_govern_floor_kbps(AURA_CODEC_VP8, 1280, 720, 1, true), 608);
    assert_int_equal(aura_govern_floor_kbps(AURA_CODEC_VP8, 0, 0, 1, false), 100);
    assert_int_equal(aura_govern_floor_kbps(AURA_CODEC_VP8, UINT32_MAX, 65536, 1, false),
                     UINT32_MAX);
    assert_int_equal(aura_govern_floor_kbps(AURA_CODEC_AV1, UINT32_MAX, UINT32_MAX, 3, false),
                     UINT32_MAX);
    return 0;
}

static int a_ceiling_is_repeated_and_taken_back(void) {
    struct aura_remb_ceiling r = {.bps = 0};
    assert_int_equal(aura_remb_ceiling_next(&r, 0), 0);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(aura_remb_ceiling_next(&r, 400000), 400000);
    }
    for (int i = 0; i < AURA_REMB_FREE_TIMES; i++) {
        assert_int_equal(aura_remb_ceiling_next(&r, 0), AURA_REMB_FREE_BPS);
    }
    assert_int_equal(aura_remb_ceiling_next(&r, 0), 0);
    return 0;
}

int main(void) {
    const struct CMUnitTest cases[] = {
        AURA_CASE(no_cap_until_it_is_sure),
        AURA_CASE(up_at_once_and_down_in_steps),
        AURA_CASE(a_share_of_what_arrives_ends_at_the_floor),
        AURA_CASE(silence_and_bad_quality_release),
        AURA_CASE(floors_follow_the_picture),
        AURA_CASE(a_ceiling_is_repeated_and_taken_back),
    };
    return RUN_CASES("cc/govern", cases);
}
