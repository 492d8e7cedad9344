/* SPDX-License-Identifier: Apache-2.0 */
/* VP8 there and back: key frames only when asked for, the picture is the one that went in. */
#include "codec/decoder.h"
#include "codec/vp8_encoder.h"
#include "harness.h"

#include <stdlib.h>
#include <string.h>

enum { W = 96, H = 64, FRAME_US = 33333 };

static void draw(uint8_t *i420, unsigned n) {
    for (unsigned i = 0; i < W * H; i++) {
        i420[i] = (uint8_t)(40 + ((i % W) + (i / W) + n * 2) % 128);
    }
    memset(i420 + W * H, 128, W * H / 2);
}

static unsigned difference(const uint8_t *luma, const struct aura_picture *p) {
    unsigned sum = 0;
    for (unsigned i = 0; i < W * H; i++) {
        sum += (unsigned)abs(luma[i] - p->plane[0][i / W * p->stride[0] + i % W]);
    }
    return sum / (W * H);
}

static int there_and_back(void) {
    uint8_t i420[W * H * 3 / 2];
    const struct aura_encoder_conf conf = {.width = W, .height = H, .fps = 30, .kbps = 300};
    const struct aura_picture in = {.plane = {i420, i420 + W * H, i420 + W * H * 5 / 4},
                                    .stride = {W, W / 2, W / 2},
                                    .width = W,
                                    .height = H};
    struct aura_vp8_encoder *e = NULL;
    struct aura_decoder *d = NULL;
    struct aura_picture out;
    struct aura_coded coded;
    int err;
    TRY_OUT(aura_vp8_encoder_new(&e, &conf));
    TRY_OUT(aura_decoder_new(&d, AURA_CODEC_KIND_VP8));
    for (unsigned n = 0; n < 20; n++) {
        draw(i420, n);
        TRY_OUT(aura_vp8_encoder_set(e, n < 10 ? 300 : 200));
        TRY_OUT(aura_vp8_encoder_encode(e, &in, (n + 1) * FRAME_US, n == 12, &coded));
        assert_int_equal(coded.key_frame, n == 0 || n == 12);
        TRY_OUT(aura_decoder_decode(d, coded.data, coded.len, &out));
        assert_int_equal(out.width, W);
        assert_in_range(difference(i420, &out), 0, 12);
    }
out:
    aura_decoder_free(d);
    aura_vp8_encoder_free(e);
    return err;
}

static int refuses(void) {
    struct aura_encoder_conf conf = {.width = 8, .height = H, .fps = 30, .kbps = 300};
    struct aura_vp8_encoder *e = NULL;
    assert_int_equal(aura_vp8_encoder_new(&e, &conf), AURA_ELIMIT);
    conf.width = W;
    conf.kbps = 1;
    assert_int_equal(aura_vp8_encoder_new(&e, &conf), AURA_ELIMIT);
    return 0;
}

int main(void) {
    const struct CMUnitTest cases[] = {AURA_CASE(there_and_back), AURA_CASE(refuses)};
    return RUN_CASES("codec/vp8", cases);
}
