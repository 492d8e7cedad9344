/* SPDX-License-Identifier: Apache-2.0 */
/* `auralink record compose FOLDER -o FILE`: one file out of a recording's many. */
#include "base/clock.h"
#include "cmd/cli_media.h"
#include "record/compose.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct compose {
    struct cli_media m; /* for Ctrl-C, and its clock */
    const char *size, *layout, *only, *labels;
    struct aura_arg_list changes;
    struct aura_compose_change parsed[AURA_ARG_LIST_MAX];
    uint64_t fps, kbps, audio_kbps, key_frame_ms;
    uint64_t said_us;
};

static void on_progress(void *arg, double share) {
    struct compose *w = arg;
    uint64_t now = aura_now_us(aura_clock_system());
    if (now - w->said_us < AURA_US_PER_S / 2) {
        return;
    }
    w->said_us = now;
    if (w->m.cli.json) {
        cli_media_print_json(json_pack("{s:f}", "done", cli_media_round(share, 3)));
    } else {
        fprintf(stderr, "\r%3d %%", (int)(share * 100));
    }
}

static bool on_stop(void *arg) {
    return cli_media_is_over(&((struct compose *)arg)->m);
}

static int compose(struct compose *w, struct aura_compose_conf *conf) {
    struct aura_compose_result r;
    cli_media_begin(&w->m);
    int err = aura_compose(conf, &r);
    if (!w->m.cli.json) {
        fprintf(stderr, "\r");
    }
    if (err) {
        cli_error(NULL, "%s", r.why);
        return CLI_FAILED;
    }
    if (w->m.cli.json) {
        cli_media_print_json(
            json_pack("{s:b, s:f, s:I, s:I, s:I, s:I, s:f}", "summary", 1, "seconds",
                      cli_media_round((double)r.duration_us / AURA_US_PER_S, 2), "pictures",
                      (json_int_t)r.pictures, "files", (json_int_t)r.files, "unreadable",
                      (json_int_t)r.unreadable, "shown_max", (json_int_t)r.shown_max, "took_s",
                      cli_media_round(cli_media_seconds(&w->m), 2)));
    } else {
        printf("%s: %.1f s of %zu files, in %.1f s\n", conf->output,
               (double)r.duration_us / AURA_US_PER_S, r.files, cli_media_seconds(&w->m));
    }
    return CLI_OK;
}

/* A name, and "-nolabels" behind it or not. */
static bool layout_of(const char *name, enum aura_compose_layout *out, bool *bare) {
    static const char none[] = "-nolabels";
    static const char *const names[] = {[AURA_COMPOSE_GRID] = "grid",
                                        [AURA_COMPOSE_SPEAKER] = "speaker",
                                        [AURA_COMPOSE_SINGLE] = "single-speaker"};
    for (size_t i = 0; i < CLI_COUNT(names); i++) {
        size_t n = strlen(names[i]);
        if (strncmp(names[i], name, n) == 0 && (!name[n] || strcmp(name + n, none) == 0)) {
            *out = (enum aura_compose_layout)i;
            *bare = name[n];
            return true;
        }
    }
    return false;
}

/* "US=NAME" each. */
static bool read_changes(struct compose *w, struct aura_compose_conf *conf) {
    for (size_t i = 0; i < w->changes.count; i++) {
        char *end;
        struct aura_compose_change *c = &w->parsed[i];
        c->at_us = strtoll(w->changes.items[i], &end, 10);
        if (*end != '=' || !layout_of(end + 1, &c->layout, &c->bare)) {
            return false;
        }
    }
    conf->changes = w->parsed;
    conf->change_count = w->changes.count;
    return true;
}

static int check(struct compose *w, struct aura_compose_conf *conf) {
    conf->always_bare = strcmp(w->labels, "off") == 0;
    conf->no_sound = strcmp(w->only, "video") == 0;
    conf->no_picture = strcmp(w->only, "audio") == 0;
    if (!conf->output || !layout_of(w->layout, &conf->layout, &conf->bare) ||
        (!conf->always_bare && strcmp(w->labels, "on") != 0) || !read_changes(w, conf) ||
        (!conf->no_sound && !conf->no_picture && strcmp(w->only, "all") != 0) ||
        sscanf(w->size, "%5ux%5u", &conf->width, &conf->height) != 2) {
        cli_error(NULL, "give -o FILE; --layout wants grid, speaker or single-speaker, --labels on "
                        "or off, --only all, audio or video, --size 1280x720");
        return AURA_EINVAL;
    }
    return 0;
}

static struct compose own = {
    .size = "1280x720", .layout = "grid", .only = "all", .labels = "on", .fps = 30};
static struct aura_compose_conf own_conf;

const struct aura_arg cli_compose_options[10] = {
    {"o", AURA_ARG_STR, &own_conf.output, "FILE",
     "what to write: .mp4 (H.264, AAC), .webm (VP8, Opus) or .ogg (Opus)", NULL, 0},
    {"only", AURA_ARG_STR, &own.only, "KIND", "all, audio or video (default all)", NULL, 0},
    {"layout", AURA_ARG_STR, &own.layout, "NAME",
     "grid; speaker: who speaks, or shares a screen, is large; single-speaker: alone (default "
     "grid)",
     NULL, 0},
    {"labels", AURA_ARG_STR, &own.labels, "on|off",
     "names, who speaks, muted microphones, and tiles of those without a picture (default on)",
     NULL, 0},
    {"layout-at", AURA_ARG_LIST, &own.changes, "US=NAME",
     "another layout from that µs since 1970 on, as in the manifest", NULL, 0},
    {"size", AURA_ARG_STR, &own.size, "WxH", "of the picture (default 1280x720)", NULL, 0},
    {"fps", AURA_ARG_UINT, &own.fps, "N", "pictures a second (default 30)", NULL,
     AURA_COMPOSE_FPS_MAX},
    {"kbps", AURA_ARG_UINT, &own.kbps, "N", "rate of the picture (default: by size)", NULL, 100000},
    {"audio-kbps", AURA_ARG_UINT, &own.audio_kbps, "N", "rate of the sound (default 96)", NULL,
     AURA_COMPOSE_AUDIO_KBPS_MAX},
    {"key-frame-ms", AURA_ARG_UINT, &own.key_frame_ms, "MS",
     "at most from one key frame to the next (default 2000)", NULL, AURA_COMPOSE_KEY_FRAME_MS_MAX}};

int cli_record_compose(struct cli *cli, const char *const *words, size_t count) {
    (void)count;
    own.m.cli = *cli;
    own_conf.folder = words[0];
    if (check(&own, &own_conf)) {
        return CLI_USAGE;
    }
    own_conf.fps = (uint32_t)own.fps;
    own_conf.kbps = (uint32_t)own.kbps;
    own_conf.audio_kbps = (uint32_t)own.audio_kbps;
    own_conf.key_frame_ms = (uint32_t)own.key_frame_ms;
    own_conf.progress = on_progress;
    own_conf.stop = on_stop;
    own_conf.arg = &own;
    return compose(&own, &own_conf);
}
