/* SPDX-License-Identifier: Apache-2.0 */
/* Areas and stickers stay within the picture, and what they cover has their colour. */
#include "harness.h"
#include "record/canvas.h"
#include "record/icon.h"

#include <string.h>

enum { WIDTH = 32, HEIGHT = 24, STRIDE = 40, GUARD = 64, BEFORE = 77 };

/* Planes of one block each, so that ASan sees what goes beyond them, and padding and guards that
 * must stay as they are. */
struct picture {
    uint8_t *block[3];
    struct aura_canvas canvas;
};

static size_t bytes_of(int plane) {
    return plane ? STRIDE / 2 * (size_t)HEIGHT / 2 : STRIDE * (size_t)HEIGHT;
}

static int picture_new(struct picture *p) {
    *p = (struct picture){.canvas = {.width = WIDTH, .height = HEIGHT}};
    for (int i = 0; i < 3; i++) {
        p->block[i] = aura_zalloc(bytes_of(i) + GUARD * 2);
        if (!p->block[i]) {
            return AURA_ENOMEM;
        }
        memset(p->block[i], BEFORE, bytes_of(i) + GUARD * 2);
        p->canvas.plane[i] = p->block[i] + GUARD;
        p->canvas.stride[i] = i ? STRIDE / 2 : STRIDE;
    }
    return 0;
}

static void picture_free(struct picture *p) {
    for (int i = 0; i < 3; i++) {
        aura_free(p->block[i]);
    }
}

/* How many samples of a plane have changed; none of the padding and the guards may have. */
static size_t changed(const struct picture *p, int plane) {
    size_t n = 0, width = plane ? WIDTH / 2 : WIDTH, stride = p->canvas.stride[plane];
    for (size_t i = 0; i < bytes_of(plane) + GUARD * 2; i++) {
        bool inside = i >= GUARD && i < GUARD + bytes_of(plane) && (i - GUARD) % stride < width;
        if (p->block[plane][i] != BEFORE) {
            assert_true(inside);
            n++;
        }
    }
    return n;
}

static int fill(void) {
    const struct aura_colour red = aura_colour_rgb(0xff0000);
    struct picture p;
    int err;
    TRY_OUT(picture_new(&p));
    aura_canvas_fill(&p.canvas, 4, 6, 10, 8, red);
    assert_int_equal(changed(&p, 0), 80);
    assert_int_equal(changed(&p, 1), 20);
    assert_int_equal(p.canvas.plane[0][6 * STRIDE + 4], red.y);
    assert_int_equal(p.canvas.plane[0][13 * STRIDE + 13], red.y);
    assert_int_equal(p.canvas.plane[2][3 * STRIDE / 2 + 2], red.v);
    /* Over each corner, and nowhere near. */
    aura_canvas_fill(&p.canvas, -6, -4, 8, 8, red);
    assert_int_equal(changed(&p, 0), 80 + 8);
    aura_canvas_fill(&p.canvas, WIDTH - 2, HEIGHT - 2, 500, 500, red);
    assert_int_equal(changed(&p, 0), 80 + 8 + 4);
    aura_canvas_fill(&p.canvas, WIDTH, 0, 10, 10, red);
    aura_canvas_fill(&p.canvas, 0, INT32_MAX, 10, 10, red);
    aura_canvas_fill(&p.canvas, INT32_MIN, 0, 10, 10, red);
    aura_canvas_fill(&p.canvas, 0, 0, 0, 10, red);
    assert_int_equal(changed(&p, 0), 80 + 8 + 4);
    aura_canvas_fill(&p.canvas, -2, -2, UINT32_MAX, UINT32_MAX, red);
    assert_int_equal(changed(&p, 0), WIDTH * HEIGHT);
    assert_int_equal(changed(&p, 1), WIDTH * HEIGHT / 4);
out:
    picture_free(&p);
    return err;
}

static int colours(void) {
    const struct aura_colour black = aura_colour_rgb(0), white = aura_colour_rgb(0xffffff);
    const struct aura_colour blue = aura_colour_rgb(0x0000ff);
    assert_int_equal(black.y, 16);
    assert_int_equal(black.u, 128);
    assert_int_equal(white.y, 235);
    assert_int_equal(white.v, 128);
    assert_in_range(blue.y, 40, 42); /* BT.601 */
    assert_in_range(blue.u, 239, 240);
    return 0;
}

/* A plate of half white: half way from what was there; its corners are round. */
static int blend(void) {
    struct picture p;
    struct aura_mask *plate = NULL;
    struct aura_sticker *s = NULL;
    int err;
    TRY_OUT(picture_new(&p));
    TRY_OUT(aura_icon_plate(&plate, 16, 12, 4));
    TRY_OUT(aura_sticker_new(&s, 16, 12));
    aura_sticker_blend(s, &p.canvas, 4, 4); /* nothing is painted yet */
    assert_int_equal(changed(&p, 0) + changed(&p, 1) + changed(&p, 2), 0);
    aura_sticker_paint(s, plate, 0, 0, aura_colour_rgb(0xffffff), 128);
    aura_sticker_blend(s, &p.canvas, 4, 4);
    assert_in_range(p.canvas.plane[0][10 * STRIDE + 12], (BEFORE + 235) / 2 - 1,
                    (BEFORE + 235) / 2 + 1);
    assert_in_range(p.canvas.plane[1][5 * STRIDE / 2 + 6], (BEFORE + 128) / 2 - 1,
                    (BEFORE + 128) / 2 + 1);
    assert_int_equal(p.canvas.plane[0][4 * STRIDE + 4], BEFORE);
    assert_in_range(changed(&p, 0), 16 * 12 - 4 * 8, 16 * 12 - 4);
    /* Opaque white over it is white, whatever was there. */
    aura_sticker_paint(s, plate, 0, 0, aura_colour_rgb(0xffffff), 255);
    aura_sticker_blend(s, &p.canvas, 4, 4);
    assert_int_equal(p.canvas.plane[0][10 * STRIDE + 12], 235);
    assert_int_equal(p.canvas.plane[1][5 * STRIDE / 2 + 6], 128);
out:
    (void)aura_mask_free(plate);
    (void)aura_sticker_free(s);
    picture_free(&p);
    return err;
}

/* At each place around and over the edges, and masks that go beyond their sticker. */
static int blend_anywhere(void) {
    struct picture p;
    struct aura_mask *m = NULL;
    struct aura_sticker *s = NULL;
    int err;
    TRY_OUT(picture_new(&p));
    TRY_OUT(aura_mask_new(&m, 50, 9));
    memset(m->data, 255, 50 * 9);
    TRY_OUT(aura_sticker_new(&s, 45, 7));
    assert_int_equal(aura_sticker_width(s), 46);
    assert_int_equal(aura_sticker_height(s), 8);
    for (int64_t at = -60; at <= 60; at += 5) {
        aura_sticker_paint(s, m, at, at / 4, aura_colour_rgb(0x00ff00), 100);
    }
    for (int64_t y = -20; y <= HEIGHT + 20; y++) {
        for (int64_t x = -60; x <= WIDTH + 20; x++) {
            aura_sticker_blend(s, &p.canvas, x, y);
        }
    }
    aura_sticker_blend(s, &p.canvas, INT32_MAX, INT32_MIN);
    assert_int_equal(changed(&p, 0), WIDTH * HEIGHT);
out:
    (void)aura_mask_free(m);
    (void)aura_sticker_free(s);
    picture_free(&p);
    return err;
}

static size_t ink_of(const struct aura_mask *m) {
    size_t n = 0;
    for (size_t i = 0; i < (size_t)m->width * m->height; i++) {
        n += m->data[i];
    }
    return n / 255;
}

static int icons(void) {
    struct aura_mask *small = NULL, *large = NULL;
    struct aura_sticker *s = NULL;
    int err = 0;
    for (int i = AURA_ICON_MICROPHONE; i <= AURA_ICON_SCREEN; i++) {
        TRY_OUT(aura_icon_new(&small, (enum aura_icon)i, 16));
        TRY_OUT(aura_icon_new(&large, (enum aura_icon)i, 64));
        /* The same part of its area at any size; a margin stays free. */
        assert_in_range(ink_of(small), 16 * 16 / 16, 16 * 16 / 2);
        assert_in_range(ink_of(large) * 100 / (ink_of(small) * 16), 85, 115);
        assert_int_equal(large->data[0] + large->data[64 * 64 - 1], 0);
        small = aura_mask_free(small);
        large = aura_mask_free(large);
    }
    assert_int_equal(aura_mask_new(&small, 0, 5), AURA_EINVAL);
    assert_int_equal(aura_mask_new(&small, 5, AURA_STICKER_SIDE_MAX + 1), AURA_EINVAL);
    assert_int_equal(aura_sticker_new(&s, UINT32_MAX, UINT32_MAX), AURA_EINVAL);
out:
    (void)aura_mask_free(small);
    (void)aura_mask_free(large);
    return err;
}

int main(void) {
    const struct CMUnitTest cases[] = {AURA_CASE(fill), AURA_CASE(colours), AURA_CASE(blend),
                                       AURA_CASE(blend_anywhere), AURA_CASE(icons)};
    return RUN_CASES("record/canvas", cases);
}
