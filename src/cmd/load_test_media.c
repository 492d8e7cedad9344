/* SPDX-License-Identifier: Apache-2.0 */
/* Media of the load test: files of the user, or clips made once by ffmpeg and kept in the cache. */
#include "base/buf.h"
#include "cmd/load_test.h"

#include <errno.h>
#include <limits.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define CLIP_VERSION "1"
#define CLIP_SECONDS "12"

enum { ARGS_MAX = 48, TEXT_BYTES = 512, KEY_FRAMES = 90 };

struct layer {
    unsigned width, height, kbps;
};
static const struct ladder {
    const char *name;
    size_t count;
    struct layer layers[LOAD_LAYERS_MAX];
} ladders[] = {
    {"180p", 1, {{320, 180, 150}}},
    {"360p", 2, {{320, 180, 150}, {640, 360, 500}}},
    {"540p", 2, {{480, 270, 250}, {960, 540, 800}}},
    {"720p", 3, {{320, 180, 150}, {640, 360, 500}, {1280, 720, 1700}}},
    {"1080p", 3, {{480, 270, 250}, {960, 540, 800}, {1920, 1080, 3000}}},
};

extern char **environ;

static const struct ladder *find_ladder(const char *name) {
    for (size_t i = 0; i < sizeof(ladders) / sizeof(ladders[0]); i++) {
        if (strcmp(ladders[i].name, name) == 0) {
            return &ladders[i];
        }
    }
    cli_error(NULL, "--video-resolution wants 180p, 360p, 540p, 720p or 1080p");
    return NULL;
}

/* ---- the cache ---- */

static int cache_folder(char *out, size_t cap) {
    const char *xdg = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
    int n = xdg && *xdg     ? snprintf(out, cap, "%s", xdg)
            : home && *home ? snprintf(out, cap, "%s/.cache", home)
                            : snprintf(out, cap, "/tmp/auralink-%u", (unsigned)getuid());
    if (n < 0 || (size_t)n + sizeof("/auralink") > cap) {
        return AURA_ELIMIT;
    }
    (void)mkdir(out, 0700);
    memcpy(out + n, "/auralink", sizeof("/auralink"));
    if (mkdir(out, 0700) != 0 && errno != EEXIST) {
        cli_error("XDG_CACHE_HOME names another one.", "cannot make the cache folder %s: %s", out,
                  strerror(errno));
        return AURA_EIO;
    }
    return 0;
}

static int run_ffmpeg(char *const argv[]) {
    pid_t pid;
    int status = 0, err = posix_spawnp(&pid, "ffmpeg", NULL, NULL, argv, environ);
    if (err) {
        cli_error("Install it (Debian: apt-get install ffmpeg) or name files with --clip.",
                  "ffmpeg is needed once, to make the media that is sent (%s)", strerror(err));
        return AURA_ENOENT;
    }
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
    }
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
        cli_error("Its own words are above.", "ffmpeg could not make a clip");
        return AURA_EIO;
    }
    return 0;
}

/* Makes `path` if it is not there: under another name first, so that it is whole or absent. */
static int make_clip(const char *path, const char *const *args) {
    char part[PATH_MAX];
    char *argv[ARGS_MAX] = {"ffmpeg", "-nostdin", "-y", "-v", "error"};
    size_t n = 5;
    if (access(path, R_OK) == 0) {
        return 0;
    }
    if (snprintf(part, sizeof(part), "%s.%d", path, (int)getpid()) >= (int)sizeof(part)) {
        return AURA_ELIMIT;
    }
    for (size_t i = 0; args[i] && n + 2 < ARGS_MAX; i++) {
        argv[n++] = (char *)(uintptr_t)args[i];
    }
    argv[n] = part;
    fprintf(stderr, "Making %s (once) ...\n", path);
    int err = run_ffmpeg(argv);
    if (!err && rename(part, path) != 0) {
        err = AURA_EIO;
    }
    if (err) {
        (void)unlink(part);
    }
    return err;
}

static int make_video(const char *path, enum aura_codec codec, const struct layer *l) {
    char source[TEXT_BYTES], rate[32], keys[16];
    snprintf(source, sizeof(source), "testsrc2=size=%ux%u:rate=30:duration=" CLIP_SECONDS, l->width,
             l->height);
    snprintf(rate, sizeof(rate), "%uk", l->kbps);
    snprintf(keys, sizeof(keys), "%d", KEY_FRAMES);
    const char *vp8[] = {"-f",
                         "lavfi",
                         "-i",
                         source,
                         "-pix_fmt",
                         "yuv420p",
                         "-c:v",
                         "libvpx",
                         "-deadline",
                         "realtime",
                         "-cpu-used",
                         "8",
                         "-b:v",
                         rate,
                         "-minrate",
                         rate,
                         "-maxrate",
                         rate,
                         "-g",
                         keys,
                         "-auto-alt-ref",
                         "0",
                         "-lag-in-frames",
                         "0",
                         "-error-resilient",
                         "1",
                         "-f",
                         "ivf",
                         NULL};
    const char *h264[] = {"-f",      "lavfi",    "-i",      source,        "-pix_fmt",
                          "yuv420p", "-c:v",     "libx264", "-profile:v",  "baseline",
                          "-preset", "veryfast", "-tune",   "zerolatency", "-b:v",
                          rate,      "-maxrate", rate,      "-bufsize",    rate,
                          "-g",      keys,       "-f",      "h264",        NULL};
    return make_clip(path, codec == AURA_CODEC_VP8 ? vp8 : h264);
}

static int make_audio(const char *path) {
    /* A voice-like tone: its pitch and loudness move. */
    const char *args[] = {
        "-f",
        "lavfi",
        "-i",
        "aevalsrc='0.4*sin(2*PI*(180*t+20*sin(2*PI*0.7*t)))*(0.6+0.4*sin(2*PI*3*t))'"
        ":s=48000:d=" CLIP_SECONDS,
        "-ac",
        "1",
        "-c:a",
        "libopus",
        "-b:a",
        "32k",
        "-vbr",
        "off",
        "-frame_duration",
        "20",
        "-page_duration",
        "20000",
        "-f",
        "ogg",
        NULL};
    return make_clip(path, args);
}

static int load(struct aura_clip **clip, const char *path) {
    int err = aura_clip_load(clip, path);
    if (err) {
        cli_error("Wanted: IVF with VP8, H.264 Annex B, or Ogg with Opus (one packet length).",
                  "cannot use %s: %s", path, aura_err_text(err));
    }
    return err;
}

/* ---- choosing ---- */

static int take_files(struct load_media *m, const struct aura_arg_list *files) {
    for (size_t i = 0; i < files->count; i++) {
        struct aura_clip *clip = NULL;
        int err = load(&clip, files->items[i]);
        if (err) {
            return err;
        }
        if (clip->codec == AURA_CODEC_OPUS && !m->audio) {
            m->audio = clip;
        } else if (clip->codec != AURA_CODEC_OPUS && m->layers < LOAD_LAYERS_MAX &&
                   (m->layers == 0 || clip->codec == m->video[0]->codec)) {
            m->video[m->layers++] = clip;
        } else {
            aura_clip_free(clip);
            cli_error(NULL, "--clip takes one audio file and up to three video files of one codec, "
                            "lowest layer first");
            return AURA_EINVAL;
        }
    }
    return 0;
}

static int make_layers(struct load_media *m, const struct load_options *o, const char *folder) {
    const struct ladder *ladder = find_ladder(o->resolution);
    if (!ladder) {
        return AURA_EINVAL;
    }
    int err = 0;
    for (size_t i = o->no_simulcast ? ladder->count - 1 : 0; !err && i < ladder->count; i++) {
        char path[PATH_MAX];
        const struct layer *l = &ladder->layers[i];
        snprintf(path, sizeof(path), "%s/clip-v" CLIP_VERSION "-%ux%u-%u.%s", folder, l->width,
                 l->height, l->kbps, o->codec == AURA_CODEC_VP8 ? "ivf" : "264");
        err = make_video(path, o->codec, l);
        err = err ? err : load(&m->video[m->layers], path);
        if (!err) {
            m->video[m->layers]->width = (uint16_t)l->width;
            m->video[m->layers]->height = (uint16_t)l->height;
            m->layers++;
        }
    }
    return err;
}

static int make_missing(struct load_media *m, const struct load_options *o) {
    char folder[PATH_MAX - TEXT_BYTES], path[PATH_MAX];
    bool audio = o->audio && !m->audio, video = o->video && !m->layers;
    int err = audio || video ? cache_folder(folder, sizeof(folder)) : 0;
    if (!err && audio) {
        snprintf(path, sizeof(path), "%s/clip-v" CLIP_VERSION "-audio.ogg", folder);
        err = make_audio(path);
        err = err ? err : load(&m->audio, path);
    }
    return err || !video ? err : make_layers(m, o, folder);
}

int load_media_open(struct load_media *m, const struct load_options *o) {
    memset(m, 0, sizeof(*m));
    int err = take_files(m, &o->clips);
    if (!err) {
        err = make_missing(m, o);
    }
    if (err) {
        load_media_close(m);
    }
    return err;
}

void load_media_close(struct load_media *m) {
    m->audio = aura_clip_free(m->audio);
    for (size_t i = 0; i < m->layers; i++) {
        m->video[i] = aura_clip_free(m->video[i]);
    }
    m->layers = 0;
}
