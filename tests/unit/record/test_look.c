/* SPDX-License-Identifier: Apache-2.0 */
/* Tiles of all sizes: what is drawn stays on the picture, is drawn once, and says what it should.
 */
#include "harness.h"
#include "record/compose_priv.h"

#include <string.h>

enum { BEFORE = 77 };

/* Planes of their exact size, so that ASan sees what goes beyond them. */
static struct aura_canvas canvas_new(uint32_t width, uint32_t height) {
    struct aura_canvas c = {.width = width, .height = height};
    for (int p = 0; p < 3; p++) {
        size_t by = p ? 2 : 1, bytes = width / by * (height / by);
        c.stride[p] = width / by;
        c.plane[p] = aura_zalloc(bytes);
        assert_non_null(c.plane[p]);
        memset(c.plane[p], BEFORE, bytes);
    }
    return c;
}

static void canvas_free(struct aura_canvas *c) {
    for (int p = 0; p < 3; p++) {
        aura_free(c->plane[p]);
    }
}

static size_t changed(const struct aura_canvas *c) {
    size_t n = 0;
    for (size_t i = 0; i < (size_t)c->width * c->height; i++) {
        n += c->plane[0][i] != BEFORE;
    }
    return n;
}

static void person_free(struct aura__person *who) {
    who->tag.sticker = aura_sticker_free(who->tag.sticker);
    who->screen_tag.sticker = aura_sticker_free(who->screen_tag.sticker);
    who->initials.sticker = aura_sticker_free(who->initials.sticker);
}

static void draw_all(struct aura__look *l, struct aura__person *who, const struct aura_canvas *c,
                     struct aura__tile t) {
    assert_int_equal(aura__look_stand_in(l, who, c, t), 0);
    for (int silent = 0; silent < 2; silent++) {
        who->silent = silent;
        assert_int_equal(aura__look_tag(l, who, false, c, t, t), 0);
        assert_int_equal(aura__look_tag(l, who, true, c, t, t), 0);
    }
    aura__look_border(c, t, t);
}

/* The smallest and the largest, wide and tall, with names of all kinds. */
static int sizes(void) {
    static const uint32_t sides[] = {2, 4, 16, 20, 38, 64, 120, 358, 1280};
    static const char *const names[] = {"Anna",
                                        "",
                                        "مريم",
                                        "a name that goes on and on and on and on",
                                        "\xe3\x85\xa4\xe3\x85\xa4" /* fillers */,
                                        "\xff\xfe"};
    struct aura__look l = {.letters = NULL};
    assert_int_equal(aura__look_open(&l), 0);
    for (size_t i = 0; i < 9 * 9; i++) {
        struct aura_canvas c = canvas_new(sides[i / 9], sides[i % 9]);
        for (size_t k = 0; k < 6; k++) {
            struct aura__person who = {.identity = "user-1", .name = names[k]};
            draw_all(&l, &who, &c, (struct aura__tile){0, 0, c.width, c.height});
            draw_all(&l, &who, &c,
                     (struct aura__tile){c.width / 4 & ~1u, 0, c.width / 2 & ~1u, c.height});
            person_free(&who);
        }
        canvas_free(&c);
    }
    aura__look_close(&l);
    return 0;
}

/* A name is drawn once for a size and a microphone, and again for another. */
static int once(void) {
    struct aura__look l = {.letters = NULL};
    struct aura__person who = {.identity = "anna", .name = "Anna"};
    const struct aura__tile small = {0, 0, 320, 180}, large = {0, 0, 640, 360};
    struct aura_canvas c = canvas_new(640, 360);
    assert_int_equal(aura__look_open(&l), 0);
    assert_int_equal(aura__look_tag(&l, &who, false, &c, small, small), 0);
    const struct aura_sticker *first = who.tag.sticker;
    uint32_t width = aura_sticker_width(first);
    int64_t blocks = aura_mem_live();
    uint64_t taken = aura_mem_count();
    for (int i = 0; i < 100; i++) {
        assert_int_equal(aura__look_tag(&l, &who, false, &c, small, small), 0);
    }
    assert_ptr_equal(who.tag.sticker, first);
    assert_int_equal(aura_mem_count(), taken);
    who.silent = true;
    assert_int_equal(aura__look_tag(&l, &who, false, &c, small, small), 0);
    assert_true(aura_sticker_width(who.tag.sticker) > width + 8); /* the microphone */
    assert_int_equal(aura_mem_live(), blocks);
    assert_int_equal(aura__look_tag(&l, &who, false, &c, large, large), 0);
    assert_true(aura_sticker_height(who.tag.sticker) > 24);
    person_free(&who);
    aura__look_close(&l);
    canvas_free(&c);
    return 0;
}

/* Without a font: the microphone and the screen are there, names and initials are not. */
static int without_letters(void) {
    struct aura__look l = {.letters = NULL};
    struct aura__person who = {.identity = "anna", .name = "Anna"};
    const struct aura__tile t = {0, 0, 320, 180};
    struct aura_canvas c = canvas_new(320, 180);
    int err;
    TRY_OUT(aura__look_tag(&l, &who, false, &c, t, t));
    assert_int_equal(changed(&c), 0);
    TRY_OUT(aura__look_tag(&l, &who, true, &c, t, t));
    assert_in_range(changed(&c), 100, 1000);
    TRY_OUT(aura__look_stand_in(&l, &who, &c, t));
    const uint8_t *middle = c.plane[0] + 90 * 320 + 160;
    assert_int_equal(*middle, aura_colour_rgb(aura_label_colour("anna")).y);
    who.silent = true;
    TRY_OUT(aura__look_tag(&l, &who, false, &c, t, t));
    assert_non_null(who.tag.sticker);
out:
    person_free(&who);
    canvas_free(&c);
    return err;
}

int main(void) {
    const struct CMUnitTest cases[] = {AURA_PLAIN(sizes), AURA_PLAIN(once),
                                       AURA_PLAIN(without_letters)};
    return RUN_CASES("record/look", cases);
}
