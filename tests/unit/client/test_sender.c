/* SPDX-License-Identifier: Apache-2.0 */
/* A sender without AI Core: its own codec, key frames when they are asked for, its times. */
#include "client/sender.h"
#include "harness.h"

#include <string.h>

enum { W = 64, H = 48 };

struct seen {
    unsigned frames, keys, marked;
    uint32_t last_ts;
    enum aura_codec codec;
};

static void on_frame(void *arg, const struct aura_live_frame *f) {
    struct seen *s = arg;
    assert_true(s->frames == 0 || (int32_t)(f->ts - s->last_ts) > 0);
    s->frames++;
    s->keys += f->key_frame;
    s->marked += (f->hints.flags & AURA_AIC_SWITCHED) != 0;
    s->last_ts = f->ts;
    s->codec = f->codec;
    assert_true(f->has_hints);
    assert_int_equal(f->hints.mode, AURA_AIC_NATIVE);
}

static int push(struct aura_sender *s, uint32_t w, uint32_t h, uint32_t ts) {
    static uint8_t samples[W * H];
    memset(samples, (int)(ts & 127), sizeof(samples));
    const struct aura_picture p = {.width = w,
                                   .height = h,
                                   .plane = {samples, samples, samples},
                                   .stride = {w, (w + 1) / 2, (w + 1) / 2}};
    return aura_sender_picture(s, &p, ts);
}

static int native(void) {
    struct seen seen = {.frames = 0};
    struct aura_sender *s = NULL;
    struct aura_sender_stats stats;
    const struct aura_sender_conf conf = {.clock = aura_clock_system(),
                                          .fps = 30,
                                          .native_kbps = 300,
                                          .name = "test",
                                          .frame = on_frame,
                                          .arg = &seen};
    int err;
    TRY_OUT(aura_sender_new(&s, &conf));
    for (uint32_t i = 1; i <= 10; i++) {
        if (i == 6) {
            aura_sender_want_key(s);
        }
        TRY_OUT(push(s, W, H, i * 3000));
    }
    assert_int_equal(seen.frames, 10);
    assert_int_equal(seen.keys, 2);
    assert_int_equal(seen.marked, AURA_SENDER_MARKED);
    assert_int_equal(seen.codec, AURA_CODEC_VP8);
    TRY_OUT(push(s, W, H, 3000)); /* a time that has been: later all the same */
    assert_int_equal(seen.last_ts, 30001);
    TRY_OUT(push(s, W - 1, H - 1, 33000)); /* odd sides, another size: a key frame */
    assert_int_equal(seen.keys, 3);
    assert_int_equal(push(s, 8, 8, 36000), AURA_ELIMIT);
    aura_sender_stats(s, &stats);
    assert_int_equal(stats.state, AURA_AIC_OFF);
    assert_int_equal(stats.native_frames, 12);
    assert_int_equal(stats.aic_frames, 0);
out:
    aura_sender_free(s);
    return err;
}

static int rates(void) {
    assert_int_equal(aura_sender_default_kbps(1280, 720), 1700);
    assert_int_equal(aura_sender_default_kbps(640, 360), 450);
    assert_int_equal(aura_sender_default_kbps(1921, 1080), 5000);
    assert_int_equal(aura_sender_default_kbps(4096, 4096), 8000);
    return 0;
}

int main(void) {
    const struct CMUnitTest cases[] = {AURA_CASE(native), AURA_CASE(rates)};
    return RUN_CASES("client/sender", cases);
}
