/* SPDX-License-Identifier: Apache-2.0 */
#include "record/compose.h"

#include "base/mem.h"
#include "record/compose_priv.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

enum {
    PATH_BYTES = 1024,
    BLOCK_MAX = 4096, /* samples */
    SPEAKER_HOLD_US = 1500000,
    PROGRESS_FRAMES = 15,
    BLACK_Y = 16,
    BLACK_UV = 128,
};

struct compose {
    const struct aura_compose_conf *conf;
    struct aura_compose_result *out;
    struct aura__source *sources;
    size_t count;
    int64_t first_us, end_us; /* wall clock of the beginning; since it */
    struct aura__sink sink;
    char speaker[128];
    int64_t speaker_us;
};

/* ---- the recording ---- */

static int add_file(struct compose *c, const json_t *track, const json_t *file, int lane,
                    int64_t first_us) {
    char path[PATH_BYTES];
    const char *name = json_string_value(json_object_get(file, "file"));
    const char *who = json_string_value(json_object_get(track, "identity"));
    const char *kind = json_string_value(json_object_get(track, "kind"));
    const char *source = json_string_value(json_object_get(track, "source"));
    if (!name || strchr(name, '/') || !kind || c->count == AURA_COMPOSE_FILES_MAX) {
        return AURA_EMALFORMED;
    }
    struct aura__source *s = &c->sources[c->count++];
    *s = (struct aura__source){.video = strcmp(kind, "video") == 0,
                               .screen = source && strcmp(source, "screen_share") == 0,
                               .lane = lane};
    snprintf(s->identity, sizeof(s->identity), "%s", who ? who : "");
    s->start_us = json_integer_value(json_object_get(file, "start_us")) - first_us;
    s->end_us = s->start_us + json_integer_value(json_object_get(file, "duration_us"));
    c->end_us = s->end_us > c->end_us ? s->end_us : c->end_us;
    snprintf(path, sizeof(path), "%s/%s", c->conf->folder, name);
    int err = aura__source_open(s, path);
    if (err == AURA_EMALFORMED) { /* killed before its first second, perhaps: the others count */
        s->broken = true;
        c->out->unreadable++;
        err = 0;
    }
    c->out->files++;
    return err;
}

static int64_t first_of(const json_t *tracks, size_t *count) {
    size_t i, j;
    json_t *track, *file;
    int64_t first = INT64_MAX;
    *count = 0;
    json_array_foreach(tracks, i, track) {
        json_array_foreach(json_object_get(track, "files"), j, file) {
            int64_t start = json_integer_value(json_object_get(file, "start_us"));
            first = start < first ? start : first;
            ++*count;
        }
    }
    return first;
}

static int read_manifest(struct compose *c, const json_t *manifest) {
    const json_t *tracks = json_object_get(manifest, "tracks");
    size_t i, j, files;
    json_t *track, *file;
    int64_t first = first_of(tracks, &files);
    int err = 0;
    c->first_us = first;
    if (files == 0 || files > AURA_COMPOSE_FILES_MAX) {
        snprintf(c->out->why, sizeof(c->out->why), "the recording has %zu files", files);
        return files ? AURA_ELIMIT : AURA_ENOENT;
    }
    c->sources = aura_calloc(files, sizeof(*c->sources));
    if (!c->sources) {
        return AURA_ENOMEM;
    }
    json_array_foreach(tracks, i, track) {
        json_array_foreach(json_object_get(track, "files"), j, file) {
            err = err ? err : add_file(c, track, file, (int)i, first);
        }
    }
    return err;
}

static int load(struct compose *c) {
    char path[PATH_BYTES];
    json_error_t where;
    snprintf(path, sizeof(path), "%s/manifest.json", c->conf->folder);
    json_t *manifest = json_load_file(path, 0, &where);
    if (!manifest) {
        snprintf(c->out->why, sizeof(c->out->why), "%.100s: %.60s", path, where.text);
        return AURA_ENOENT;
    }
    int err = read_manifest(c, manifest);
    json_decref(manifest);
    return err;
}

/* ---- pictures ---- */

struct aura__tile aura__tile_of(uint32_t width, uint32_t height, size_t n, size_t i, int main) {
    struct aura__tile t = {.width = width, .height = height};
    if (n <= 1) {
        return t;
    }
    if (main >= 0) { /* three quarters, and a column of the others */
        uint32_t side = width / 4 & ~1u;
        size_t rows = n - 1 > 4 ? n - 1 : 4;
        uint32_t row = height / (uint32_t)rows & ~1u;
        size_t at = i > (size_t)main ? i - 1 : i;
        if (i == (size_t)main) {
            t.width = width - side;
        } else {
            t = (struct aura__tile){width - side, (uint32_t)at * row, side, row};
        }
        return t;
    }
    uint32_t columns = 1;
    while ((size_t)columns * columns < n) {
        columns++;
    }
    uint32_t rows = ((uint32_t)n + columns - 1) / columns;
    t.width = width / columns & ~1u;
    t.height = height / rows & ~1u;
    t.x = (uint32_t)i % columns * t.width;
    t.y = (uint32_t)i / columns * t.height;
    return t;
}

/* Shrunk or grown into its place, with its own proportions. */
static void draw(struct aura__source *s, const AVFrame *p, AVFrame *to, struct aura__tile t) {
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
}

static void clear(AVFrame *f) {
    for (int plane = 0; plane < 3; plane++) {
        int lines = plane ? (f->height + 1) / 2 : f->height;
        memset(f->data[plane], plane ? BLACK_UV : BLACK_Y,
               (size_t)f->linesize[plane] * (size_t)lines);
    }
}

/* Who was louder than all others stays until another was for a while. */
static void choose_speaker(struct compose *c, int64_t us) {
    const struct aura__source *best = NULL;
    for (size_t i = 0; i < c->count; i++) {
        const struct aura__source *s = &c->sources[i];
        if (!s->video && !s->broken && (!best || s->level > best->level)) {
            best = s;
        }
    }
    if (!best || best->level < 0.003f || strcmp(best->identity, c->speaker) == 0) {
        c->speaker_us = us;
    } else if (!c->speaker[0] || us - c->speaker_us > SPEAKER_HOLD_US) {
        memcpy(c->speaker, best->identity, sizeof(c->speaker));
        c->speaker_us = us;
    }
}

static int main_of(const struct compose *c, struct aura__source *const *shown, size_t n) {
    int main = 0;
    for (size_t i = 0; i < n; i++) {
        if (strcmp(shown[i]->identity, c->speaker) == 0) {
            main = (int)i;
        }
    }
    for (size_t i = 0; i < n; i++) { /* what is shown to all is what they talk about */
        main = shown[i]->screen ? (int)i : main;
    }
    return main;
}

static enum aura_compose_layout layout_at(const struct compose *c, int64_t us) {
    enum aura_compose_layout layout = c->conf->layout;
    for (size_t i = 0; i < c->conf->change_count; i++) {
        if (c->conf->changes[i].at_us <= c->first_us + us) {
            layout = c->conf->changes[i].layout;
        }
    }
    return layout;
}

static int render(struct compose *c, int64_t us, struct aura__source **shown) {
    AVFrame *to = c->sink.picture;
    size_t n = 0;
    if (av_frame_make_writable(to) < 0) {
        return AURA_ENOMEM;
    }
    clear(to);
    for (size_t i = 0; i < c->count; i++) {
        struct aura__source *s = &c->sources[i];
        if (!s->video || s->broken || !aura__source_picture(s, us)) {
            continue;
        }
        if (n && shown[n - 1]->lane == s->lane) {
            n--; /* the next file of the same track has begun */
        }
        shown[n++] = s;
    }
    int main = -1;
    enum aura_compose_layout layout = layout_at(c, us);
    if (layout != AURA_COMPOSE_GRID && n > 1) {
        choose_speaker(c, us);
        main = main_of(c, shown, n);
    }
    if (layout == AURA_COMPOSE_SINGLE && n > 1) {
        shown[0] = shown[main];
        main = -1;
        n = 1;
    }
    for (size_t i = 0; i < n; i++) {
        draw(shown[i], shown[i]->now, to,
             aura__tile_of(c->conf->width, c->conf->height, n, i, main));
    }
    c->out->shown_max = n > c->out->shown_max ? n : c->out->shown_max;
    return 0;
}

/* ---- the course ---- */

static int mix_block(struct compose *c, int64_t sample) {
    float mix[BLOCK_MAX * 2];
    int n = c->sink.sound->nb_samples;
    memset(mix, 0, (size_t)n * 2 * sizeof(mix[0]));
    for (size_t i = 0; i < c->count; i++) {
        if (!c->sources[i].video && !c->sources[i].broken) {
            aura__source_mix(&c->sources[i], sample, mix, n);
        }
    }
    return aura__sink_sound(&c->sink, sample, mix, n);
}

static int run(struct compose *c, struct aura__source **shown) {
    const struct aura_compose_conf *f = c->conf;
    int64_t picture = 0, sample = 0;
    bool sound = c->sink.audio, pictures = c->sink.video;
    int err = !sound || c->sink.sound->nb_samples <= BLOCK_MAX ? 0 : AURA_EUNSUPPORTED;
    while (!err) {
        int64_t us = picture * 1000000 / f->fps;
        if (us >= c->end_us || (f->stop && f->stop(f->arg))) {
            break;
        }
        /* Sound first, up to the picture: who speaks is known then. */
        while (!err && sound && sample * 1000000 / AURA__SOUND_RATE <= us) {
            err = mix_block(c, sample);
            sample += c->sink.sound->nb_samples;
        }
        if (!err && pictures) {
            err = render(c, us, shown);
            err = err ? err : aura__sink_picture(&c->sink, picture);
        }
        picture++;
        if (f->progress && picture % PROGRESS_FRAMES == 0) {
            f->progress(f->arg, (double)us / (double)c->end_us);
        }
        c->out->duration_us = us;
    }
    c->out->pictures = pictures ? (uint64_t)picture : 0;
    return err;
}

static bool is_fine(const struct aura_compose_conf *f) {
    return f->width >= 16 && f->width <= AURA_COMPOSE_SIDE_MAX && f->height >= 16 &&
           f->height <= AURA_COMPOSE_SIDE_MAX && !(f->width % 2) && !(f->height % 2) && f->fps &&
           f->fps <= AURA_COMPOSE_FPS_MAX;
}

int aura_compose(const struct aura_compose_conf *conf, struct aura_compose_result *out) {
    struct compose c = {.conf = conf, .out = out};
    *out = (struct aura_compose_result){.files = 0};
    if (conf->no_sound && conf->no_picture) {
        snprintf(out->why, sizeof(out->why), "neither sound nor a picture is left");
        return AURA_EINVAL;
    }
    if (!is_fine(conf)) {
        snprintf(out->why, sizeof(out->why), "sides must be even, 16 to %d; 1 to %d fps",
                 AURA_COMPOSE_SIDE_MAX, AURA_COMPOSE_FPS_MAX);
        return AURA_EINVAL;
    }
    av_log_set_level(AV_LOG_FATAL); /* damaged packets are expected */
    int err = load(&c);
    struct aura__source **shown = err ? NULL : aura_calloc(c.count, sizeof(*shown));
    err = err ? err : shown ? 0 : AURA_ENOMEM;
    err = err ? err : aura__sink_open(&c.sink, conf, out->why, sizeof(out->why));
    err = err ? err : run(&c, shown);
    int closed = aura__sink_close(&c.sink, !err);
    for (size_t i = 0; i < c.count; i++) {
        aura__source_close(&c.sources[i]);
    }
    aura_free(shown);
    aura_free(c.sources);
    if (!out->why[0] && (err || closed)) {
        snprintf(out->why, sizeof(out->why), "%s", aura_err_text(err ? err : closed));
    }
    return err ? err : closed;
}
