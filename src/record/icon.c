/* SPDX-License-Identifier: Apache-2.0 */
/* Each shape is a distance from its edge, negative inside, so that edges are smooth at any size. */
#include "record/icon.h"

#include <math.h>

#define GRID 24.0f /* icons are drawn in this many units a side */
#define LINE 0.95f /* half of the width of a stroke */

static float least(float a, float b) {
    return a < b ? a : b;
}

static float most(float a, float b) {
    return a > b ? a : b;
}

/* From a stroke between two points. */
static float stroke(float x, float y, float x1, float y1, float x2, float y2, float half) {
    float dx = x2 - x1, dy = y2 - y1;
    float t = ((x - x1) * dx + (y - y1) * dy) / (dx * dx + dy * dy);
    t = most(0, least(1, t));
    return hypotf(x - x1 - t * dx, y - y1 - t * dy) - half;
}

static float round_box(float x, float y, float half_width, float half_height, float radius) {
    float dx = fabsf(x) - half_width + radius, dy = fabsf(y) - half_height + radius;
    return hypotf(most(dx, 0), most(dy, 0)) + least(most(dx, dy), 0) - radius;
}

static float microphone(float x, float y) {
    float body = stroke(x, y, 12, 5.5f, 12, 11, 3.2f);
    float bow = most(fabsf(hypotf(x - 12, y - 11) - 6) - LINE, 11 - y);
    float stem = stroke(x, y, 12, 17, 12, 20.5f, LINE);
    return least(least(body, bow), least(stem, stroke(x, y, 8.5f, 21, 15.5f, 21, LINE)));
}

static float screen(float x, float y) {
    float frame = fabsf(round_box(x - 12, y - 10, 9.5f, 6.5f, 1.5f)) - LINE;
    return least(
        frame, least(stroke(x, y, 12, 17, 12, 20, LINE), stroke(x, y, 8, 20.5f, 16, 20.5f, LINE)));
}

static float distance(enum aura_icon icon, float x, float y) {
    return icon == AURA_ICON_MICROPHONE ? microphone(x, y)
           : icon == AURA_ICON_SCREEN   ? screen(x, y)
                                        : stroke(x, y, 4, 3.5f, 20, 20.5f, 1.3f);
}

static uint8_t coverage(float pixels) {
    return (uint8_t)lrintf(255 * most(0, least(1, 0.5f - pixels)));
}

int aura_icon_plate(struct aura_mask **out, uint32_t width, uint32_t height, uint32_t radius) {
    int err = aura_mask_new(out, width, height);
    float w = (float)width / 2, h = (float)height / 2;
    float r = least((float)radius, least(w, h));
    for (uint32_t y = 0; !err && y < height; y++) {
        for (uint32_t x = 0; x < width; x++) {
            (*out)->data[(size_t)y * width + x] =
                coverage(round_box((float)x + 0.5f - w, (float)y + 0.5f - h, w, h, r));
        }
    }
    return err;
}

int aura_icon_new(struct aura_mask **out, enum aura_icon icon, uint32_t side) {
    int err = aura_mask_new(out, side, side);
    for (uint32_t y = 0; !err && y < side; y++) {
        for (uint32_t x = 0; x < side; x++) {
            float scale = GRID / (float)side;
            float d = distance(icon, ((float)x + 0.5f) * scale, ((float)y + 0.5f) * scale);
            (*out)->data[(size_t)y * side + x] = coverage(d / scale);
        }
    }
    return err;
}
