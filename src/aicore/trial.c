/* SPDX-License-Identifier: Apache-2.0 */
/* The trial's pictures are about as hard as somebody who talks: a still wall with grain, and before
 * it something with more texture that moves by a sample or two. As VP8, for that is what comes. */
#include "aicore/trial.h"

#include "aicore/track.h"
#include "base/mem.h"
#include "base/rand.h"
#include "codec/vp8_encoder.h"

#include <string.h>

enum {
    WIDTH = 1280,
    HEIGHT = 720,
    BYTES = WIDTH * HEIGHT * 3 / 2,
    COLD = 6, /* frames until the encoder has its memory */
    FRAMES = 12,
    NATIVE_KBPS = 1700,
    FPS = 30,
    TILE = 64, /* side of the grain's pattern */
};

struct stage {
    uint8_t picture[BYTES];
    uint8_t grain[TILE][TILE];
    struct aura_vp8_encoder *publisher;
    struct aura_track *track;
};

static int triangle(int v) {
    v &= 255;
    return v < 128 ? v : 255 - v;
}

static void draw(struct stage *s, int n) {
    for (int y = 0; y < HEIGHT; y++) {
        for (int x = 0; x < WIDTH; x++) {
            bool before = x > WIDTH / 3 && x < WIDTH * 2 / 3 && y > HEIGHT / 4;
            int at = before ? x + 2 * n : x;
            int v = 60 + triangle(at / 3 + y / 4) / 2 + s->grain[y % TILE][at % TILE] % 4;
            v += before ? triangle(at * 7 + y * 5) / 4 : 0;
            s->picture[y * WIDTH + x] = (uint8_t)v;
        }
    }
    memset(s->picture + WIDTH * HEIGHT, 120, WIDTH * HEIGHT / 2);
}

static int encode(struct stage *s, int n, struct aura_coded *out) {
    const struct aura_picture p = {
        .width = WIDTH,
        .height = HEIGHT,
        .plane = {s->picture, s->picture + WIDTH * HEIGHT, s->picture + WIDTH * HEIGHT * 5 / 4},
        .stride = {WIDTH, WIDTH / 2, WIDTH / 2},
    };
    draw(s, n);
    return aura_vp8_encoder_encode(s->publisher, &p, (uint64_t)(n + 1) * AURA_US_PER_S / FPS,
                                   n == 0, out);
}

static int frame(struct stage *s, int n, const struct aura_coded *coded,
                 const struct aura_clock *clock, uint64_t *answer_us, uint64_t *work_us) {
    struct aura_frame_out out;
    const struct aura_frame_in in = {.data = coded->data,
                                     .len = coded->len,
                                     .codec = AURA_CODEC_KIND_VP8,
                                     .rtp_timestamp = (uint32_t)(90000 / FPS * n),
                                     .key_frame = n == 0};
    uint64_t began_us = aura_now_us(clock);
    int err = aura_track_frame(s->track, &in, &out);
    uint64_t answered_us = aura_now_us(clock);
    while (!err && aura_track_rest(s->track, false)) {
    }
    *answer_us += n >= COLD ? answered_us - began_us : 0;
    *work_us += n >= COLD ? aura_now_us(clock) - began_us : 0;
    return err;
}

int aura_trial_run(struct aura_trial *out, const struct aura_clock *clock,
                   const struct aura_models *models) {
    const struct aura_encoder_conf publisher = {
        .width = WIDTH, .height = HEIGHT, .fps = FPS, .kbps = NATIVE_KBPS};
    struct aura_rand_seeded rand;
    uint64_t answer_us = 0, work_us = 0;
    struct stage *s = aura_zalloc(sizeof(*s));
    if (!s) {
        return AURA_ENOMEM;
    }
    aura_rand_seeded_init(&rand, 1);
    aura_rand_bytes(&rand.rand, &s->grain[0][0], sizeof(s->grain));
    int err = aura_vp8_encoder_new(&s->publisher, &publisher);
    err = err ? err : aura_track_new(&s->track, clock, models, 0);
    for (int n = 0; n < COLD + FRAMES && !err; n++) {
        struct aura_coded coded;
        err = encode(s, n, &coded);
        err = err == AURA_EAGAIN ? 0 : err ? err : frame(s, n, &coded, clock, &answer_us, &work_us);
    }
    aura_vp8_encoder_free(s->publisher);
    aura_track_free(s->track);
    aura_free(s);
    const float scale = 1000 / (FRAMES * (float)WIDTH * HEIGHT);
    out->answer_ns_per_pixel = (float)answer_us * scale;
    out->work_ns_per_pixel = (float)work_us * scale;
    return err;
}
