/* SPDX-License-Identifier: Apache-2.0 */
/* One picture of the composed file: who is shown, where, and who speaks. */
#include "record/compose_priv.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

enum {
    SPEAKER_HOLD_US = 1500000,
    SPEAKS_US = 1000000,   /* a border stays for a pause of that long */
    MUTE_LAG_US = 1000000, /* pictures under way when a track was muted */
    BLACK = 0x000000,
};

#define SPEAKS_LEVEL 0.003f

/** A tile. */
struct aura__shown {
    struct aura__person *who;
    struct aura__source *source; /* NULL: somebody without a picture */
    bool screen;
    size_t order; /* of who, then cameras and screens */
};

int aura__picture_open(struct aura__compose *c) {
    c->shown = aura_calloc(c->count + c->people.count, sizeof(*c->shown));
    if (!c->shown) {
        return AURA_ENOMEM;
    }
    return c->conf->always_bare ? 0 : aura__look_open(&c->look);
}

/* ---- places ---- */

static struct aura__tile beside_main(uint32_t width, uint32_t height, size_t n, size_t i,
                                     size_t main) {
    uint32_t side = width / 4 & ~1u; /* three quarters, and a column of the others */
    size_t rows = n - 1 > 4 ? n - 1 : 4;
    uint32_t row = height / (uint32_t)rows & ~1u;
    size_t at = i > main ? i - 1 : i;
    return i == main ? (struct aura__tile){0, 0, width - side, height}
                     : (struct aura__tile){width - side, (uint32_t)at * row, side, row};
}

struct aura__tile aura__tile_of(uint32_t width, uint32_t height, size_t n, size_t i, int main) {
    struct aura__tile t = {.width = width, .height = height};
    if (n <= 1) {
        return t;
    }
    if (main >= 0) {
        return beside_main(width, height, n, i, (size_t)main);
    }
    uint32_t columns = 1;
    while ((size_t)columns * columns < n) {
        columns++;
    }
    uint32_t rows = ((uint32_t)n + columns - 1) / columns;
    uint32_t row = (uint32_t)i / columns;
    uint32_t in_row = row + 1 == rows ? (uint32_t)n - row * columns : columns;
    t.width = width / columns & ~1u;
    t.height = height / rows & ~1u;
    t.x = ((columns - in_row) * t.width / 2 & ~1u) + (uint32_t)i % columns * t.width;
    t.y = row * t.height;
    return t;
}

/* Shrunk or grown into its place, with its own proportions. @return where it is */
static struct aura__tile draw(struct aura__source *s, const AVFrame *p, AVFrame *to,
                              struct aura__tile t) {
    uint64_t w = t.width, h = t.height;
    if ((uint64_t)p->width * h > (uint64_t)p->height * w) {
        h = w * (uint64_t)p->height / (uint64_t)p->width;
    } else {
        w = h * (uint64_t)p->width / (uint64_t)p->height;
    }
    w = w < 2 ? 2 : w & ~UINT64_C(1);
    h = h < 2 ? 2 : h & ~UINT64_C(1);
    size_t x = (t.x + (t.width - w) / 2) & ~(size_t)1, y = (t.y + (t.height - h) / 2) & ~(size_t)1;
    s->scale =
        sws_getCachedContext(s->scale, p->width, p->height, (enum AVPixelFormat)p->format, (int)w,
                             (int)h, AV_PIX_FMT_YUV420P, SWS_BILINEAR, NULL, NULL, NULL);
    if (s->scale) {
        uint8_t *const planes[4] = {to->data[0] + y * (size_t)to->linesize[0] + x,
                                    to->data[1] + y / 2 * (size_t)to->linesize[1] + x / 2,
                                    to->data[2] + y / 2 * (size_t)to->linesize[2] + x / 2, NULL};
        (void)sws_scale(s->scale, (const uint8_t *const *)p->data, p->linesize, 0, p->height,
                        planes, to->linesize);
    }
    return (struct aura__tile){(uint32_t)x, (uint32_t)y, (uint32_t)w, (uint32_t)h};
}

/* ---- who speaks ---- */

static int64_t person_of(const struct aura__compose *c, const struct aura__source *s) {
    return (int64_t)c->people.lanes[s->lane].person;
}

/* Who was louder than all others stays until another was for a while. */
static void choose_speaker(struct aura__compose *c, int64_t us) {
    const struct aura__source *best = NULL;
    for (size_t i = 0; i < c->count; i++) {
        const struct aura__source *s = &c->sources[i];
        if (!s->video && !s->broken && (!best || s->level > best->level)) {
            best = s;
        }
    }
    if (!best || best->level < SPEAKS_LEVEL) {
        c->speaker_us = us;
    } else if (person_of(c, best) == c->speaker) {
        c->speaker_us = c->spoke_us = us;
    } else if (c->speaker == AURA__NOBODY || us - c->speaker_us > SPEAKER_HOLD_US) {
        c->speaker = person_of(c, best);
        c->speaker_us = c->spoke_us = us;
    }
}

static bool is_speaker(const struct aura__compose *c, const struct aura__shown *t) {
    return c->speaker != AURA__NOBODY && t->who == &c->people.list[c->speaker];
}

static int main_of(const struct aura__compose *c, size_t n) {
    int main = 0;
    for (size_t i = 0; i < n; i++) {
        main = is_speaker(c, &c->shown[i]) ? (int)i : main;
    }
    for (size_t i = 0; i < n; i++) { /* what is shown to all is what they talk about */
        main = c->shown[i].screen ? (int)i : main;
    }
    return main;
}

/* ---- who is shown ---- */

/* A picture may still be on its way when its track is muted; one that is much later shows that
 * the manifest is wrong. */
static bool is_muted(const struct aura__lane *lane, const struct aura__source *s) {
    return lane->here && lane->muted && s->now_us < lane->muted_us + MUTE_LAG_US;
}

static size_t add_pictures(struct aura__compose *c, int64_t us, bool bare) {
    size_t n = 0;
    for (size_t i = 0; i < c->people.count; i++) {
        c->people.list[i].pictured = false;
    }
    for (size_t i = 0; i < c->count; i++) {
        struct aura__source *s = &c->sources[i];
        const struct aura__lane *lane = &c->people.lanes[s->lane];
        if (!s->video || s->broken || !aura__source_picture(s, us) ||
            (!bare && is_muted(lane, s))) {
            continue;
        }
        if (n && c->shown[n - 1].source->lane == s->lane) {
            n--; /* the next file of the same track has begun */
        }
        struct aura__person *who = &c->people.list[lane->person];
        who->pictured = who->pictured || !lane->screen;
        c->shown[n++] = (struct aura__shown){who, s, lane->screen, s->lane};
    }
    return n;
}

/* Those who are there and cannot be seen; who speaks in any case. */
static size_t add_stand_ins(struct aura__compose *c, size_t n) {
    for (size_t i = 0; i < c->people.count; i++) {
        struct aura__person *who = &c->people.list[i];
        struct aura__shown one = {.who = who};
        if (!who->here || who->pictured) {
            continue;
        }
        if (n < AURA_COMPOSE_TILES_MAX) {
            c->shown[n++] = one;
        } else if (is_speaker(c, &one) && !c->shown[n - 1].source) {
            c->shown[n - 1] = one;
        }
    }
    return n;
}

static int by_order(const void *a, const void *b) {
    const struct aura__shown *x = a, *y = b;
    return x->order < y->order ? -1 : x->order > y->order;
}

/* Everybody keeps their place, with a picture and without. */
static void sort(struct aura__compose *c, size_t n) {
    for (size_t i = 0; i < n; i++) {
        struct aura__shown *t = &c->shown[i];
        size_t person = (size_t)(t->who - c->people.list);
        t->order = person * (c->people.lane_count + 1) + (t->source ? t->order + 1 : 0);
    }
    qsort(c->shown, n, sizeof(*c->shown), by_order);
}

/* ---- the picture ---- */

struct style {
    enum aura_compose_layout layout;
    bool bare;
};

static struct style style_at(const struct aura__compose *c, int64_t us) {
    struct style s = {c->conf->layout, c->conf->bare};
    for (size_t i = 0; i < c->conf->change_count; i++) {
        if (c->conf->changes[i].at_us <= c->first_us + us) {
            s = (struct style){c->conf->changes[i].layout, c->conf->changes[i].bare};
        }
    }
    s.bare = s.bare || c->conf->always_bare;
    return s;
}

static int draw_tile(struct aura__compose *c, const struct aura__shown *shown,
                     const struct aura_canvas *canvas, struct aura__tile place, bool bare,
                     bool speaks) {
    struct aura__tile t = place;
    int err = 0;
    if (shown->source) {
        t = draw(shown->source, shown->source->now, c->sink.picture, place);
    } else {
        err = aura__look_stand_in(&c->look, shown->who, canvas, t);
    }
    if (speaks && !shown->screen) {
        aura__look_border(canvas, place, t);
    }
    return err || bare ? err
                       : aura__look_tag(&c->look, shown->who, shown->screen, canvas, place, t);
}

static struct aura_canvas canvas_of(const AVFrame *f) {
    struct aura_canvas c = {.width = (uint32_t)f->width, .height = (uint32_t)f->height};
    for (int p = 0; p < 3; p++) {
        c.plane[p] = f->data[p];
        c.stride[p] = (size_t)f->linesize[p];
    }
    return c;
}

int aura__picture_draw(struct aura__compose *c, int64_t us) {
    AVFrame *to = c->sink.picture;
    struct style style = style_at(c, us);
    if (av_frame_make_writable(to) < 0) {
        return AURA_ENOMEM;
    }
    struct aura_canvas canvas = canvas_of(to);
    aura_canvas_fill(&canvas, 0, 0, canvas.width, canvas.height, aura_colour_rgb(BLACK));
    aura__people_at(&c->people, us);
    choose_speaker(c, us);
    size_t n = add_pictures(c, us, style.bare);
    n = style.bare ? n : add_stand_ins(c, n);
    sort(c, n);
    int main = style.layout != AURA_COMPOSE_GRID && n > 1 ? main_of(c, n) : -1;
    if (style.layout == AURA_COMPOSE_SINGLE && n > 1) {
        c->shown[0] = c->shown[main];
        main = -1;
        n = 1;
    }
    int err = 0;
    for (size_t i = 0; !err && i < n; i++) {
        bool speaks = !style.bare && is_speaker(c, &c->shown[i]) && us - c->spoke_us < SPEAKS_US;
        err = draw_tile(c, &c->shown[i], &canvas,
                        aura__tile_of(canvas.width, canvas.height, n, i, main), style.bare, speaks);
    }
    c->out->shown_max = n > c->out->shown_max ? n : c->out->shown_max;
    return err;
}
