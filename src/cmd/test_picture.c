/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/test_picture.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { BITS = 16, WHITE = 220, BLACK = 35, DIFFERENT = 60, SPEED = 3, DISC_SPEED = 5 };

static void draw_number(uint8_t *y, uint32_t w, uint32_t h, uint64_t n) {
    uint32_t strip = h / 8;
    for (uint32_t j = 0; j < 2 * strip; j++) {
        for (uint32_t x = 0; x < w; x++) {
            bool on = n >> (BITS - 1 - x * BITS / w) & 1;
            y[(size_t)j * w + x] = on == (j < strip) ? WHITE : BLACK;
        }
    }
}

/* A slope that wanders, with a fine weave that stands: motion and texture. */
static void draw_ground(uint8_t *y, uint32_t w, uint32_t h, uint64_t n) {
    uint32_t shift = (uint32_t)(n * SPEED) & 255;
    for (uint32_t j = h / 8 * 2; j < h; j++) {
        for (uint32_t x = 0; x < w; x++) {
            uint32_t weave = ((x * 7 + j * 13) ^ (x * j >> 4)) & 7;
            y[(size_t)j * w + x] = (uint8_t)(56 + ((x + j + shift) & 255) / 2 + weave);
        }
    }
}

/* From one side to the other and back. */
static int64_t swing(uint64_t n, int64_t room) {
    int64_t at = room > 0 ? (int64_t)(n * DISC_SPEED % (uint64_t)(2 * room)) : 0;
    return at > room ? 2 * room - at : at;
}

static void draw_disc(uint8_t *i420, uint32_t w, uint32_t h, uint64_t n) {
    int64_t r = h / 8, top = h / 8 * 2;
    int64_t cx = r + swing(n, (int64_t)w - 2 * r), cy = top + r + swing(n, h - top - 2 * r);
    uint8_t *u = i420 + (size_t)w * h, *v = u + (size_t)w * h / 4;
    for (int64_t y = cy - r; y < cy + r && y < h; y++) {
        for (int64_t x = cx - r; x < cx + r && x < w; x++) {
            if (y < top || x < 0 || (x - cx) * (x - cx) + (y - cy) * (y - cy) > r * r) {
                continue;
            }
            i420[y * w + x] = (uint8_t)(100 + ((x - cx) ^ (y - cy)) % 32 + (y - cy) / 4);
            u[y / 2 * (w / 2) + x / 2] = 90;
            v[y / 2 * (w / 2) + x / 2] = 180;
        }
    }
}

void test_picture_draw(uint8_t *i420, uint32_t width, uint32_t height, uint64_t n) {
    size_t luma = (size_t)width * height;
    memset(i420 + luma, 128, luma / 2);
    draw_ground(i420, width, height, n);
    draw_number(i420, width, height, n);
    draw_disc(i420, width, height, n);
}

int test_picture_read(const uint8_t *luma, size_t stride, uint32_t width, uint32_t height) {
    const uint8_t *one = luma + height / 16 * stride, *other = luma + height * 3 / 16 * stride;
    int value = 0;
    for (uint32_t bit = 0; bit < BITS; bit++) {
        uint32_t x = (2 * bit + 1) * width / (2 * BITS);
        if (abs(one[x] - other[x]) < DIFFERENT) {
            return -1;
        }
        value = value * 2 + (one[x] > other[x]);
    }
    return value;
}
