/* SPDX-License-Identifier: Apache-2.0 */
#include "record/compose.h"

#include "base/mem.h"
#include "record/compose_priv.h"

#include <stdio.h>
#include <string.h>

enum {
    PATH_BYTES = 1024,
    BLOCK_MAX = 4096, /* samples */
    BLOCK_UNHEARD = 960,
    PROGRESS_FRAMES = 15,
};

/* ---- the recording ---- */

static int add_file(struct aura__compose *c, const json_t *track, const json_t *file, size_t lane) {
    char path[PATH_BYTES];
    const char *name = json_string_value(json_object_get(file, "file"));
    const char *kind = json_string_value(json_object_get(track, "kind"));
    if (!name || strchr(name, '/') || !kind || c->count == AURA_COMPOSE_FILES_MAX) {
        return AURA_EMALFORMED;
    }
    struct aura__source *s = &c->sources[c->count++];
    *s = (struct aura__source){.video = strcmp(kind, "video") == 0, .lane = lane};
    s->start_us = json_integer_value(json_object_get(file, "start_us")) - c->first_us;
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

static int read_manifest(struct aura__compose *c) {
    const json_t *tracks = json_object_get(c->manifest, "tracks");
    size_t i, j, files;
    json_t *track, *file;
    c->first_us = first_of(tracks, &files);
    if (files == 0 || files > AURA_COMPOSE_FILES_MAX) {
        snprintf(c->out->why, sizeof(c->out->why), "the recording has %zu files", files);
        return files ? AURA_ELIMIT : AURA_ENOENT;
    }
    c->sources = aura_calloc(files, sizeof(*c->sources));
    if (!c->sources) {
        return AURA_ENOMEM;
    }
    int err = aura__people_open(&c->people, c->manifest, c->first_us);
    json_array_foreach(tracks, i, track) {
        json_array_foreach(json_object_get(track, "files"), j, file) {
            err = err ? err : add_file(c, track, file, i);
        }
    }
    return err;
}

static int load(struct aura__compose *c) {
    char path[PATH_BYTES];
    json_error_t where;
    snprintf(path, sizeof(path), "%s/manifest.json", c->conf->folder);
    c->manifest = json_load_file(path, 0, &where);
    if (!c->manifest) {
        snprintf(c->out->why, sizeof(c->out->why), "%.100s: %.60s", path, where.text);
        return AURA_ENOENT;
    }
    return read_manifest(c);
}

/* ---- the course ---- */

static int block_of(const struct aura__compose *c) {
    return c->sink.audio ? c->sink.sound->nb_samples : BLOCK_UNHEARD;
}

/* Also where no sound is written: it says who speaks. */
static int mix_block(struct aura__compose *c, int64_t sample) {
    float mix[BLOCK_MAX * 2];
    int n = block_of(c);
    memset(mix, 0, (size_t)n * 2 * sizeof(mix[0]));
    for (size_t i = 0; i < c->count; i++) {
        if (!c->sources[i].video && !c->sources[i].broken) {
            aura__source_mix(&c->sources[i], sample, mix, n);
        }
    }
    return c->sink.audio ? aura__sink_sound(&c->sink, sample, mix, n) : 0;
}

static int run(struct aura__compose *c) {
    const struct aura_compose_conf *f = c->conf;
    int64_t picture = 0, sample = 0;
    bool pictures = c->sink.video;
    int err = block_of(c) <= BLOCK_MAX ? 0 : AURA_EUNSUPPORTED;
    while (!err) {
        int64_t us = picture * 1000000 / f->fps;
        if (us >= c->end_us || (f->stop && f->stop(f->arg))) {
            break;
        }
        /* Sound first, up to the picture: who speaks is known then. */
        while (!err && sample * 1000000 / AURA__SOUND_RATE <= us) {
            err = mix_block(c, sample);
            sample += block_of(c);
        }
        if (!err && pictures) {
            err = aura__picture_draw(c, us);
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

static void release(struct aura__compose *c) {
    for (size_t i = 0; i < c->count; i++) {
        aura__source_close(&c->sources[i]);
    }
    aura__people_close(&c->people);
    aura__look_close(&c->look);
    aura_free(c->shown);
    aura_free(c->sources);
    json_decref(c->manifest);
}

int aura_compose(const struct aura_compose_conf *conf, struct aura_compose_result *out) {
    struct aura__compose c = {.conf = conf, .out = out, .speaker = AURA__NOBODY};
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
    err = err || conf->no_picture ? err : aura__picture_open(&c);
    err = err ? err : aura__sink_open(&c.sink, conf, out->why, sizeof(out->why));
    err = err ? err : run(&c);
    int closed = aura__sink_close(&c.sink, !err);
    release(&c);
    if (!out->why[0] && (err || closed)) {
        snprintf(out->why, sizeof(out->why), "%s", aura_err_text(err ? err : closed));
    }
    return err ? err : closed;
}
