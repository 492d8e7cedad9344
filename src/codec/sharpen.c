/* SPDX-License-Identifier: Apache-2.0 */
#include "codec/sharpen.h"

#include <string.h>

enum {
    REACH = 2,
    KERNEL_BITS = 8, /* 1 4 6 4 1 twice: its sum is 256 */
};

/* Lines above and below the picture are its first and last one. */
static const uint8_t *line_of(const struct aura_picture *in, uint32_t y, int by) {
    int64_t at = (int64_t)y + by;
    at = at < 0 ? 0 : at >= in->height ? (int64_t)in->height - 1 : at;
    return in->plane[0] + (size_t)at * in->stride[0];
}

/* Column sums of five lines, with two more columns on each side. */
static void blur_down(const struct aura_picture *in, uint32_t y, uint16_t *sums) {
    const uint8_t *a = line_of(in, y, -2), *b = line_of(in, y, -1), *c = line_of(in, y, 0),
                  *d = line_of(in, y, 1), *e = line_of(in, y, 2);
    uint32_t w = in->width;
    for (uint32_t x = 0; x < w; x++) {
        sums[x + REACH] = (uint16_t)(a[x] + e[x] + 4 * (b[x] + d[x]) + 6 * c[x]);
    }
    for (uint32_t i = 0; i < REACH; i++) {
        sums[i] = sums[REACH];
        sums[w + REACH + i] = sums[w + REACH - 1];
    }
}

static uint8_t clip(int value) {
    return (uint8_t)(value < 0 ? 0 : value > UINT8_MAX ? UINT8_MAX : value);
}

void aura_sharpen_luma(const struct aura_picture *in, uint8_t strength, uint8_t *out,
                       size_t stride) {
    uint16_t sums[AURA_PICTURE_SIDE_MAX + 2 * REACH];
    for (uint32_t y = 0; y < in->height; y++, out += stride) {
        const uint8_t *line = line_of(in, y, 0);
        blur_down(in, y, sums);
        for (uint32_t x = 0; x < in->width; x++) {
            int blurred = (sums[x] + sums[x + 4] + 4 * (sums[x + 1] + sums[x + 3]) +
                           6 * sums[x + 2] + (1 << (KERNEL_BITS - 1))) >>
                          KERNEL_BITS;
            int more = (line[x] - blurred) * strength;
            out[x] = clip(line[x] + (more + (more < 0 ? -127 : 127)) / AURA_SHARPEN_ONE);
        }
    }
}
