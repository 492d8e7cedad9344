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
    const char *size, *layout, *only;
    struct aura_arg_list changes;
    struct aura_compose_change parsed[AURA_ARG_LIST_MAX];
    uint64_t fps, kbps;
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

static bool layout_of(const char *name, enum aura_compose_layout *out) {
    static const char *const names[] = {[AURA_COMPOSE_GRID] = "grid",
                                        [AURA_COMPOSE_SPEAKER] = "speaker",
                                        [AURA_COMPOSE_SINGLE] = "single-speaker"};
    for (size_t i = 0; i < CLI_COUNT(names); i++) {
        if (strcmp(names[i], name) == 0) {
            *out = (enum aura_compose_layout)i;
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
        if (*end != '=' || !layout_of(end + 1, &c->layout)) {
            return false;
        }
    }
    conf->changes = w->parsed;
    conf->change_count = w->changes.count;
    return true;
}

static int check(struct compose *w, struct aura_compose_conf *conf) {
    conf->no_sound = strcmp(w->only, "video") == 0;
    conf->no_picture = strcmp(w->only, "audio") == 0;
    if (!conf->output || !layout_of(w->layout, &conf->layout) || !read_changes(w, conf) ||
        (!conf->no_sound && !conf->no_picture && strcmp(w->only, "all") != 0) ||
        sscanf(w->size, "%5ux%5u", &conf->width, &conf->height) != 2) {
        cli_error(NULL, "give -o FILE; --layout wants grid, speaker or single-speaker, --only all, "
                        "audio or video, --size 1280x720");
        return AURA_EINVAL;
    }
    return 0;
}

static struct compose own = {.size = "1280x720", .layout = "grid", .only = "all", .fps = 30};
static struct aura_compose_conf own_conf;

const struct aura_arg cli_compose_options[7] = {
    {"o", AURA_ARG_STR, &own_conf.output, "FILE",
     "what to write: .mp4 (H.264, AAC), .webm (VP8, Opus) or .ogg (Opus)", NULL, 0},
    {"only", AURA_ARG_STR, &own.only, "KIND", "all, audio or video (default all)", NULL, 0},
    {"layout", AURA_ARG_STR, &own.layout, "NAME",
     "grid; speaker: who speaks, or shares a screen, is large; single-speaker: alone (default "
     "grid)",
     NULL, 0},
    {"layout-at", AURA_ARG_LIST, &own.changes, "US=NAME",
     "another layout from that µs since 1970 on, as in the manifest", NULL, 0},
    {"size", AURA_ARG_STR, &own.size, "WxH", "of the picture (default 1280x720)", NULL, 0},
    {"fps", AURA_ARG_UINT, &own.fps, "N", "pictures a second (default 30)", NULL,
     AURA_COMPOSE_FPS_MAX},
    {"kbps", AURA_ARG_UINT, &own.kbps, "N", "rate of the picture (default: by size)", NULL,
     100000}};

int cli_record_compose(struct cli *cli, const char *const *words, size_t count) {
    (void)count;
    own.m.cli = *cli;
    own_conf.folder = words[0];
    if (check(&own, &own_conf)) {
        return CLI_USAGE;
    }
    own_conf.fps = (uint32_t)own.fps;
    own_conf.kbps = (uint32_t)own.kbps;
    own_conf.progress = on_progress;
    own_conf.stop = on_stop;
    own_conf.arg = &own;
    return compose(&own, &own_conf);
}
