/* SPDX-License-Identifier: Apache-2.0 */
/* The unsharp mask: what it leaves alone, what it lifts, and that it stays in the picture. */
#include "codec/sharpen.h"
#include "harness.h"

#include <string.h>

enum { W = 16, H = 16 };

static struct aura_picture picture_of(const uint8_t *luma) {
    return (struct aura_picture){.plane = {luma}, .stride = {W}, .width = W, .height = H};
}

static int flat_stays(void) {
    uint8_t luma[W * H], out[W * H];
    memset(luma, 93, sizeof(luma));
    const struct aura_picture p = picture_of(luma);
    aura_sharpen_luma(&p, AURA_SHARPEN_ONE, out, W);
    assert_memory_equal(luma, out, sizeof(out));
    return 0;
}

static int edges_rise(void) {
    uint8_t luma[W * H], out[W * H];
    for (int i = 0; i < W * H; i++) {
        luma[i] = i % W < W / 2 ? 60 : 160;
    }
    const struct aura_picture p = picture_of(luma);
    aura_sharpen_luma(&p, 0, out, W);
    assert_memory_equal(luma, out, sizeof(out));
    aura_sharpen_luma(&p, AURA_SHARPEN_COMPRESSED, out, W);
    for (int y = 0; y < H; y++) {
        const uint8_t *line = out + y * W;
        /* The step's blur is 5/16 of it on its dark side: 31 of 100, and 0.4 of that is 12. */
        assert_in_range(line[W / 2 - 1], 60 - 13, 60 - 12);
        assert_in_range(line[W / 2], 160 + 12, 160 + 13);
        assert_int_equal(line[0], 60);
        assert_int_equal(line[W - 1], 160);
    }
    return 0;
}

static int stays_in_range(void) {
    uint8_t luma[W * H], out[W * H + 8];
    for (int i = 0; i < W * H; i++) {
        luma[i] = (i / W + i) % 2 ? 255 : 0;
    }
    memset(out, 7, sizeof(out));
    const struct aura_picture p = picture_of(luma);
    aura_sharpen_luma(&p, AURA_SHARPEN_ONE, out, W);
    for (int i = 0; i < W * H; i++) {
        assert_int_equal(out[i], luma[i]); /* further out there is nothing */
    }
    assert_int_equal(out[W * H], 7);
    return 0;
}

int main(void) {
    const struct CMUnitTest cases[] = {AURA_CASE(flat_stays), AURA_CASE(edges_rise),
                                       AURA_CASE(stays_in_range)};
    return RUN_CASES("codec/sharpen", cases);
}
