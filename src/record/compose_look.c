/* SPDX-License-Identifier: Apache-2.0 */
/* The look of a tile: the name on its plate, initials, the border of who speaks. */
#include "record/compose_priv.h"

#include "base/log.h"
#include "base/mem.h"
#include "record/icon.h"

#include <stdlib.h>

enum {
    WHITE = 0xffffff,
    PLATE = 0x101418,
    PLATE_ALPHA = 150,
    RED = 0xff5a52,
    SPEAKS = 0x2fd37a,
    TEXT_PX_MIN = 11, /* smaller letters cannot be read after encoding */
    TEXT_PX_MAX = 64, /* of a name */
    TEXT_SHARE = 18,  /* a letter's part of the tile's height */
    BORDER_SHARE = 60,
    BORDER_MIN = 2,
    BORDER_MAX = 10, /* pixels, around who speaks */
    INITIALS_MIN = 8,
    GAP = 2, /* around a tile of initials */
};

int aura__look_open(struct aura__look *l) {
    int err = aura_letters_new(&l->letters);
    if (err != AURA_ENOENT) {
        return err;
    }
    AURA_LOG("record", AURA_LOG_WARN, "no_font",
             AURA_S("what", "names are left out of the recording: fontconfig finds no font"),
             AURA_S("install", "fonts-dejavu-core, or fonts-noto-core and fonts-noto-cjk"));
    return 0;
}

void aura__look_close(struct aura__look *l) {
    l->letters = aura_letters_free(l->letters);
}

/* ---- sizes ---- */

/* Of a wide tile in that place: a narrow one is no place for large letters. */
static uint32_t height_of(struct aura__tile t) {
    uint32_t wide = t.width * 9 / 16;
    return wide < t.height ? wide : t.height;
}

static uint32_t within(uint32_t v, uint32_t min, uint32_t max) {
    return v < min ? min : v > max ? max : v;
}

static uint32_t text_px(struct aura__tile t) {
    return within(height_of(t) / TEXT_SHARE, TEXT_PX_MIN, TEXT_PX_MAX);
}

static uint32_t border_of(struct aura__tile t) {
    return (within(height_of(t) / BORDER_SHARE, BORDER_MIN, BORDER_MAX) + 1) & ~1u;
}

/* ---- the name ---- */

/* What a plate is made of, side by side. */
struct parts {
    struct aura_mask *icon, *slash, *text, *plate;
    uint32_t px;
};

static uint32_t pad_of(const struct parts *p) {
    return p->px * 9 / 16;
}

static uint32_t icon_room(const struct parts *p) {
    return p->icon ? p->icon->width + (p->text ? p->px / 4 : 0) : 0;
}

static int write_name(struct aura__look *l, const struct aura__person *who, uint32_t width_max,
                      struct parts *p) {
    char text[AURA_LABEL_BYTES_MAX + 1];
    uint32_t taken = pad_of(p) * 2 + icon_room(p) + (p->icon ? p->px / 4 : 0);
    bool named = aura_label_text(text, who->name) || aura_label_text(text, who->identity);
    if (!l->letters || !named || width_max < taken + p->px * 2) {
        return 0;
    }
    int err = aura_letters_draw(l->letters, text, p->px, width_max - taken, false, &p->text);
    return err == AURA_EINVAL ? 0 : err; /* nothing to be seen: fillers, say */
}

static int make_parts(struct aura__look *l, const struct aura__person *who, bool screen,
                      uint32_t width_max, struct parts *p) {
    int err = 0;
    if (screen || who->silent) {
        uint32_t side = p->px * 5 / 4;
        err = aura_icon_new(&p->icon, screen ? AURA_ICON_SCREEN : AURA_ICON_MICROPHONE, side);
        err = err || screen ? err : aura_icon_new(&p->slash, AURA_ICON_SLASH, side);
    }
    err = err ? err : write_name(l, who, width_max, p);
    if (err || (!p->icon && !p->text)) {
        return err;
    }
    uint32_t width = pad_of(p) * 2 + icon_room(p) + (p->text ? p->text->width : 0);
    uint32_t inner = p->text ? p->text->height : p->icon->height;
    return aura_icon_plate(&p->plate, (width + 1) & ~1u, (inner + p->px / 2 + 1) & ~1u, p->px / 2);
}

static void paint(struct aura_sticker *s, const struct parts *p) {
    int64_t height = p->plate->height, x = pad_of(p);
    aura_sticker_paint(s, p->plate, 0, 0, aura_colour_rgb(PLATE), PLATE_ALPHA);
    if (p->icon) {
        int64_t y = (height - p->icon->height) / 2;
        aura_sticker_paint(s, p->icon, x, y, aura_colour_rgb(WHITE), 255);
        if (p->slash) {
            aura_sticker_paint(s, p->slash, x, y, aura_colour_rgb(RED), 255);
        }
        x += icon_room(p);
    }
    if (p->text) {
        aura_sticker_paint(s, p->text, x, (height - p->text->height) / 2, aura_colour_rgb(WHITE),
                           255);
    }
}

static int make_tag(struct aura__look *l, const struct aura__person *who, bool screen, uint32_t px,
                    uint32_t width_max, struct aura_sticker **out) {
    struct parts p = {.px = px};
    int err = make_parts(l, who, screen, width_max, &p);
    if (!err && p.plate) {
        err = aura_sticker_new(out, p.plate->width, p.plate->height);
    }
    if (!err && p.plate) {
        paint(*out, &p);
    }
    (void)aura_mask_free(p.icon);
    (void)aura_mask_free(p.slash);
    (void)aura_mask_free(p.text);
    (void)aura_mask_free(p.plate);
    return err;
}

/* @return true: it has to be drawn anew, and nothing of the old one is left */
static bool is_new(struct aura__drawn *d, uint64_t key) {
    if (d->key == key) {
        return false;
    }
    d->key = key;
    d->sticker = aura_sticker_free(d->sticker);
    return true;
}

int aura__look_tag(struct aura__look *l, struct aura__person *who, bool screen,
                   const struct aura_canvas *c, struct aura__tile place, struct aura__tile t) {
    struct aura__drawn *d = screen ? &who->screen_tag : &who->tag;
    uint32_t px = text_px(place), margin = border_of(place) + px / 3;
    if (t.width < margin * 2 + px * 2 || t.height < margin * 2 + px * 2) {
        return 0; /* it would hide all that is there */
    }
    uint32_t width_max = t.width - margin * 2;
    uint64_t key = (uint64_t)width_max << 16 | px << 1 | (who->silent && !screen);
    int err = is_new(d, key) ? make_tag(l, who, screen, px, width_max, &d->sticker) : 0;
    if (!err && d->sticker) {
        uint32_t height = aura_sticker_height(d->sticker);
        aura_sticker_blend(d->sticker, c, (int64_t)t.x + margin,
                           (int64_t)t.y + t.height - margin - height);
    }
    return err;
}

/* ---- without a picture ---- */

static int make_initials(struct aura__look *l, const struct aura__person *who, uint32_t px,
                         uint32_t width_max, struct aura_sticker **out) {
    char text[AURA_LABEL_BYTES_MAX + 1], initials[AURA_INITIALS_BYTES_MAX + 1];
    struct aura_mask *mask = NULL;
    if (!aura_label_text(text, who->name)) {
        (void)aura_label_text(text, who->identity);
    }
    aura_label_initials(initials, text);
    int err = aura_letters_draw(l->letters, initials, px, width_max, true, &mask);
    if (!err) {
        err = aura_sticker_new(out, mask->width, mask->height);
    }
    if (!err) {
        aura_sticker_paint(*out, mask, 0, 0, aura_colour_rgb(WHITE), 235);
    }
    (void)aura_mask_free(mask);
    return err == AURA_EINVAL ? 0 : err;
}

int aura__look_stand_in(struct aura__look *l, struct aura__person *who, const struct aura_canvas *c,
                        struct aura__tile t) {
    uint32_t px = height_of(t) / 3;
    uint64_t key = (uint64_t)t.width << 16 | px;
    struct aura__drawn *d = &who->initials;
    int err = 0;
    if (t.width > GAP * 2 && t.height > GAP * 2) {
        aura_canvas_fill(c, t.x + GAP, t.y + GAP, t.width - GAP * 2, t.height - GAP * 2,
                         aura_colour_rgb(aura_label_colour(who->identity)));
    }
    if (l->letters && px >= INITIALS_MIN && is_new(d, key)) {
        err = make_initials(l, who, within(px, INITIALS_MIN, AURA_LETTERS_PX_MAX), t.width,
                            &d->sticker);
    }
    if (!err && d->sticker && px >= INITIALS_MIN) {
        aura_sticker_blend(d->sticker, c,
                           t.x + ((int64_t)t.width - aura_sticker_width(d->sticker)) / 2,
                           t.y + ((int64_t)t.height - aura_sticker_height(d->sticker)) / 2);
    }
    return err;
}

/* ---- who speaks ---- */

void aura__look_border(const struct aura_canvas *c, struct aura__tile place, struct aura__tile t) {
    uint32_t b = border_of(place);
    struct aura_colour colour = aura_colour_rgb(SPEAKS);
    if (t.width < b * 4 || t.height < b * 4) {
        return;
    }
    aura_canvas_fill(c, t.x, t.y, t.width, b, colour);
    aura_canvas_fill(c, t.x, (int64_t)t.y + t.height - b, t.width, b, colour);
    aura_canvas_fill(c, t.x, t.y, b, t.height, colour);
    aura_canvas_fill(c, (int64_t)t.x + t.width - b, t.y, b, t.height, colour);
}
