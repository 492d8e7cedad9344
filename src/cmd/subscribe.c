/* SPDX-License-Identifier: Apache-2.0 */
/* `auralink subscribe`: one video of a room, restored by AIC's hints, and one
 * voice, to files or to figures. */
#include "base/clock.h"
#include "base/mem.h"
#include "cmd/cli_media.h"
#include "cmd/test_picture.h"
#include "cmd/wav_file.h"

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

enum { NAP_US = 50000 };

/* What the frames tell; of the call's thread, under the lock. */
struct seen {
    uint64_t pictures, numbered, other_size;
    int64_t last_number;
    uint64_t backwards;
    char hints[AURA_AIC_TEXT_MAX];
    enum aura_aic_mode mode;
    bool any_hints;
    enum aura_call_codec codec;
    uint32_t width, height;
};

struct subscribe {
    struct cli_media m;
    const char *from, *track, *output, *audio, *audio_track;
    uint64_t fps;

    FILE *out;
    struct wav_file *wav;
    bool failed;            /* to write */
    uint32_t width, height; /* of the file */
    struct seen seen;
    pthread_mutex_t lock;
    struct aura_call *call;
    struct aura_call_stats last;
    uint64_t last_us;
};

static const char *const codec_names[] = {[AURA_CALL_VP8] = "VP8",
                                          [AURA_CALL_VP9] = "VP9",
                                          [AURA_CALL_H264] = "H264",
                                          [AURA_CALL_AV1] = "AV1"};

static uint64_t now_us(void) {
    return aura_now_us(aura_clock_system());
}

/* ---- on the call's thread ---- */

static bool write_plane(FILE *out, const uint8_t *plane, size_t stride, size_t w, size_t h) {
    for (size_t y = 0; y < h; y++) {
        if (fwrite(plane + y * stride, 1, w, out) != w) {
            return false;
        }
    }
    return true;
}

/* YUV4MPEG2: one size for the whole file, so that pictures of another one are left out. */
static void write_picture(struct subscribe *s, const struct aura_call_picture *p) {
    if (!s->width) {
        s->width = p->width;
        s->height = p->height;
        fprintf(s->out, "YUV4MPEG2 W%u H%u F%" PRIu64 ":1 Ip A1:1 C420jpeg\n", p->width, p->height,
                s->fps);
    }
    if (p->width != s->width || p->height != s->height) {
        s->seen.other_size++;
        return;
    }
    size_t w = p->width, h = p->height;
    bool ok = fputs("FRAME\n", s->out) >= 0 &&
              write_plane(s->out, p->plane[0], p->stride[0], w, h) &&
              write_plane(s->out, p->plane[1], p->stride[1], (w + 1) / 2, (h + 1) / 2) &&
              write_plane(s->out, p->plane[2], p->stride[2], (w + 1) / 2, (h + 1) / 2);
    s->failed |= !ok;
}

static void look_at(struct seen *seen, const struct aura_call_picture *p) {
    int number = test_picture_read(p->plane[0], p->stride[0], p->width, p->height);
    seen->pictures++;
    seen->width = p->width;
    seen->height = p->height;
    if (number >= 0) {
        seen->backwards += seen->numbered && number < seen->last_number;
        seen->numbered++;
        seen->last_number = number;
    }
}

static void on_frame(void *arg, const struct aura_call_frame *f) {
    struct cli_media *m = arg;
    struct subscribe *s = (struct subscribe *)m; /* its first member */
    pthread_mutex_lock(&s->lock);
    s->seen.codec = f->codec;
    if (f->has_hints) {
        s->seen.any_hints = true;
        s->seen.mode = f->hints.mode;
        (void)aura_aic_hints_text(&f->hints, NULL, s->seen.hints);
    }
    if (f->picture.width) {
        look_at(&s->seen, &f->picture);
        if (s->out && !s->failed) {
            write_picture(s, &f->picture);
        }
    }
    pthread_mutex_unlock(&s->lock);
}

static void on_sound(void *arg, const struct aura_call_sound *sound) {
    struct cli_media *m = arg;
    struct subscribe *s = (struct subscribe *)m;
    wav_file_write(s->wav, sound->samples, sound->count);
}

/* ---- what it says ---- */

struct figures {
    double seconds, fps, kbps;
};

static struct figures figures_of(const struct subscribe *s, const struct aura_call_stats *now,
                                 const struct aura_call_stats *from, uint64_t us) {
    double seconds = us ? (double)us / AURA_US_PER_S : 1;
    return (struct figures){.seconds = cli_media_seconds(&s->m),
                            .fps = (double)(now->frames - from->frames) / seconds,
                            .kbps = (double)(now->frame_bytes - from->frame_bytes) * 8 / 1000 /
                                    seconds};
}

static json_t *json_of(const struct aura_call_stats *c, const struct seen *e,
                       const struct figures *f) {
    json_t *line = json_pack("{s:f, s:s, s:s, s:s, s:s, s:s, s:f, s:f, s:i, s:i}", "seconds",
                             cli_media_round(f->seconds, 2), "identity", c->identity, "track",
                             c->track, "codec", c->frames ? codec_names[e->codec] : "", "mode",
                             e->any_hints ? aura_aic_mode_name(e->mode) : "", "hints", e->hints,
                             "fps", cli_media_round(f->fps, 1), "kbps", cli_media_round(f->kbps, 1),
                             "width", (int)e->width, "height", (int)e->height);
    const struct {
        const char *name;
        uint64_t value;
    } counts[] = {{"frames", c->frames},
                  {"key_frames", c->key_frames},
                  {"hinted", c->hinted},
                  {"restored", c->restored},
                  {"undecodable", c->undecodable},
                  {"pictures", e->pictures},
                  {"numbered", e->numbered},
                  {"backwards", e->backwards},
                  {"other_size", e->other_size},
                  {"plis", c->plis},
                  {"nacks", c->nacks},
                  {"repaired", c->repaired},
                  {"missing", c->missing},
                  {"gap_ms_max", c->gap_ms_max},
                  {"reconnects", c->reconnects},
                  {"sound_packets", c->sound_packets},
                  {"sound_bytes", c->sound_bytes},
                  {"sound_ms", c->sound_ms},
                  {"sound_recovered_ms", c->sound_recovered_ms},
                  {"sound_guessed_ms", c->sound_guessed_ms},
                  {"sound_silent_ms", c->sound_silent_ms}};
    for (size_t i = 0; line && i < CLI_COUNT(counts); i++) {
        json_object_set_new(line, counts[i].name, json_integer((json_int_t)counts[i].value));
    }
    return line;
}

static void say(struct subscribe *s, const struct aura_call_stats *c, const struct figures *f,
                bool summary) {
    pthread_mutex_lock(&s->lock);
    struct seen e = s->seen;
    pthread_mutex_unlock(&s->lock);
    if (s->m.cli.json) {
        json_t *line = json_of(c, &e, f);
        if (summary) {
            json_object_set_new(line, "summary", json_true());
        }
        cli_media_print_json(line);
        return;
    }
    printf("%6.1f s  %s/%s %s %4.1f fps %6.0f kbps  gap %u ms  PLI %" PRIu64 "  %s %s\n",
           f->seconds, c->identity, c->track, c->frames ? codec_names[e.codec] : "waiting", f->fps,
           f->kbps, c->gap_ms_max, c->plis, e.any_hints ? aura_aic_mode_name(e.mode) : "no hints",
           e.hints);
    fflush(stdout);
}

static void tick(struct subscribe *s) {
    struct aura_call_stats c;
    uint64_t now = now_us();
    if (now >= s->last_us + AURA_US_PER_S) {
        aura_call_stats(s->call, &c);
        struct figures f = figures_of(s, &c, &s->last, now - s->last_us);
        say(s, &c, &f, false);
        s->last = c;
        s->last_us = now;
    }
}

/* ---- the course ---- */

static int complain(const char *path) {
    cli_error(NULL, "%s: %s", path, strerror(errno));
    return AURA_EIO;
}

static int open_output(struct subscribe *s) {
    if (s->output) {
        s->out = strcmp(s->output, "-") == 0 ? stdout : fopen(s->output, "wb");
    }
    if (s->output && !s->out) {
        return complain(s->output);
    }
    return s->audio && wav_file_open(&s->wav, s->audio, 2) ? complain(s->audio) : 0;
}

/* @return all was written */
static bool close_output(struct subscribe *s) {
    bool ok = true;
    if (s->out && (fflush(s->out) != 0 || s->failed)) {
        cli_error("Is the disk full?", "%s could not be written", s->output);
        ok = false;
    }
    if (s->out && s->out != stdout) {
        (void)fclose(s->out);
    }
    if (s->wav && wav_file_close(s->wav)) {
        cli_error("Is the disk full?", "%s could not be written", s->audio);
        ok = false;
    }
    return ok;
}

static int open_call(struct subscribe *s) {
    const struct aura_call_handlers handlers = {.connected = cli_media_on_connected,
                                                .reconnecting = cli_media_on_reconnecting,
                                                .reconnected = cli_media_on_reconnected,
                                                .ended = cli_media_on_ended,
                                                .frame = on_frame,
                                                .sound = on_sound};
    struct aura_call_conf conf = {.url = s->m.cli.url,
                                  .insecure = s->m.insecure,
                                  .watch = true,
                                  .watch_identity = s->from,
                                  .watch_track = s->track,
                                  .decode = true,
                                  .restore = s->m.aic,
                                  .listen = s->audio,
                                  .listen_track = s->audio_track};
    char *token = cli_media_token(&s->m, false);
    if (!token) {
        return AURA_ENOMEM;
    }
    conf.token = token;
    int err = aura_call_new(&s->call, &conf, &handlers, &s->m);
    aura_free(token);
    err = err ? err : aura_call_connect(s->call);
    if (err) {
        cli_error(NULL, "cannot begin: %s", aura_err_text(err));
    }
    return err;
}

static void run(struct subscribe *s) {
    const struct timespec nap = {.tv_nsec = NAP_US * 1000};
    s->last_us = now_us();
    while (!cli_media_is_over(&s->m) && !s->failed) {
        (void)nanosleep(&nap, NULL);
        tick(s);
    }
}

static int subscribe(struct subscribe *s) {
    const struct aura_call_stats none = {.frames = 0};
    struct aura_call_stats c;
    pthread_mutex_init(&s->lock, NULL);
    cli_media_begin(&s->m);
    int err = open_output(s), status = CLI_FAILED;
    err = err ? err : open_call(s);
    if (!err) {
        run(s);
        aura_call_stats(s->call, &c);
        struct figures f = figures_of(s, &c, &none, now_us() - s->m.begun_us);
        say(s, &c, &f, true);
        status = cli_media_status(&s->m);
    }
    aura_call_free(s->call);
    status = close_output(s) ? status : CLI_FAILED;
    pthread_mutex_destroy(&s->lock);
    return status;
}

static struct subscribe own = {.m = {.identity = "subscriber", .aic_text = "on"}, .fps = 30};

static const struct aura_arg options[] = {
    {"", AURA_ARG_FLAG, NULL, NULL, "Who and where:", NULL, 0},
    CLI_MEDIA_ARGS(&own.m),
    {"", AURA_ARG_FLAG, NULL, NULL, "What:", NULL, 0},
    {"from", AURA_ARG_STR, &own.from, "ID", "whose video and sound (default: the first that comes)",
     NULL, 0},
    {"track", AURA_ARG_STR, &own.track, "NAME", "which, by name or id (default: the first)", NULL,
     0},
    {"o", AURA_ARG_STR, &own.output, "FILE",
     "write the pictures there as YUV4MPEG2 (.y4m); without it they are only counted", NULL, 0},
    {"audio", AURA_ARG_STR, &own.audio, "FILE",
     "write the sound there as WAV, 48 kHz stereo, from its first packet on: what was lost is "
     "taken from later packets (DRED) or made up",
     NULL, 0},
    {"audio-track", AURA_ARG_STR, &own.audio_track, "NAME",
     "which sound, by name or id (default: the first)", NULL, 0},
    {"fps", AURA_ARG_UINT, &own.fps, "N", "what the file says of its rate (default 30)", NULL, 240},
    {"aic", AURA_ARG_STR, &own.m.aic_text, "on|off",
     "restore pictures as their hints say (default on)", NULL, 0}};

static int run_command(struct cli *cli, const char *const *words, size_t count) {
    (void)words;
    (void)count;
    own.m.cli = *cli;
    if (cli_media_check(&own.m)) {
        return CLI_USAGE;
    }
    if ((!own.m.room && !own.m.token) || !own.fps) {
        cli_error(NULL, "give --room (or --token); --fps must be at least 1");
        return CLI_USAGE;
    }
    return subscribe(&own);
}

static const struct cli_command commands[] = {
    {.name = "",
     .operands = "",
     .summary = "receive a video of a room",
     .about =
         "Joins a room and decodes one video of it (VP8, VP9, H.264, AV1). Frames that AI Core "
         "compressed\nsay so in their hints, and are restored by them. With --audio the sound is "
         "written as well, as long as the\ntime it took. A line each second says how it goes; with "
         "--json each is an object.",
     CLI_OPTIONS(options),
     .flags = CLI_SERVER,
     .run = run_command},
};

CLI_GROUP(cli_group_subscribe, "subscribe", "receive a video of a room", commands);
