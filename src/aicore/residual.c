/* SPDX-License-Identifier: Apache-2.0 */
#include "aicore/residual.h"

#include <stdlib.h>

enum {
    BLOCK = 8,
    PITCH = 2 * BLOCK, /* one block of four is looked at */
    REACH = 8,         /* samples, each way */
    GOOD_ENOUGH = BLOCK * BLOCK,
};

struct planes {
    const uint8_t *now, *before;
    size_t width, height;
};

static unsigned difference(const struct planes *p, size_t x, size_t y, int dx, int dy) {
    const uint8_t *a = p->now + y * p->width + x;
    const uint8_t *b = p->before + (size_t)((long)y + dy) * p->width + (size_t)((long)x + dx);
    unsigned sum = 0;
    for (size_t row = 0; row < BLOCK; row++) {
        for (size_t i = 0; i < BLOCK; i++) {
            sum += (unsigned)abs(a[i] - b[i]);
        }
        a += p->width;
        b += p->width;
    }
    return sum;
}

/* Four neighbours at halving distances, from the best so far. */
static unsigned search(const struct planes *p, size_t x, size_t y) {
    static const int step_x[] = {1, -1, 0, 0}, step_y[] = {0, 0, 1, -1};
    unsigned best = difference(p, x, y, 0, 0);
    int at_x = 0, at_y = 0;
    for (int pace = REACH / 2; pace && best > GOOD_ENOUGH;) {
        int from_x = at_x, from_y = at_y;
        for (size_t i = 0; i < 4; i++) {
            int dx = from_x + step_x[i] * pace, dy = from_y + step_y[i] * pace;
            unsigned sum =
                abs(dx) <= REACH && abs(dy) <= REACH ? difference(p, x, y, dx, dy) : best;
            if (sum < best) {
                best = sum;
                at_x = dx;
                at_y = dy;
            }
        }
        pace = at_x == from_x && at_y == from_y ? pace / 2 : pace;
    }
    return best;
}

float aura_residual(const uint8_t *now, const uint8_t *before, size_t width, size_t height) {
    const struct planes p = {now, before, width, height};
    uint64_t sum = 0;
    size_t blocks = 0;
    for (size_t y = REACH; y + BLOCK + REACH <= height; y += PITCH) {
        for (size_t x = REACH; x + BLOCK + REACH <= width; x += PITCH, blocks++) {
            sum += search(&p, x, y);
        }
    }
    return blocks ? (float)sum / (float)(blocks * BLOCK * BLOCK) : 0;
}
