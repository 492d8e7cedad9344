/* SPDX-License-Identifier: Apache-2.0 */
/* `auralink publish`: a file or a test picture into a room, compressed by AI Core where it is. */
#include "base/clock.h"
#include "base/mem.h"
#include "cmd/cli_media.h"
#include "cmd/media_file.h"
#include "cmd/pcm_slicer.h"
#include "cmd/test_picture.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

enum {
    LATE_US = 150000, /* a picture that late is left out: its encoder is too slow */
    TICK_US = 1000000,
    NAP_US = 50000, /* between looks whether it is over */
};

struct publish {
    struct cli_media m;
    const char *what, *ai_core, *size;
    uint64_t fps, kbps, target_quality;
    bool loop, no_audio, screen;

    struct media_file *file; /* NULL: the test picture */
    uint8_t *test;
    uint64_t test_number;
    uint32_t width, height;

    struct aura_call *call;
    struct aura_call_track *video, *audio;
    uint64_t base_us, skipped; /* base: when time 0 of the media is shown */
    struct aura_call_stats last;
    uint64_t last_us;
};

static uint64_t now_us(void) {
    return aura_now_us(aura_clock_system());
}

/* ---- what is sent ---- */

static int open_source(struct publish *p) {
    unsigned w, h;
    int read = 0;
    if (strcmp(p->what, "test") != 0) {
        int err = media_file_open(&p->file, p->what, !p->no_audio);
        const struct media_file_info *info = err ? NULL : media_file_info(p->file);
        if (info) {
            p->width = info->width;
            p->height = info->height;
            p->fps = info->fps;
        }
        return err;
    }
    if (sscanf(p->size, "%4ux%4u%n", &w, &h, &read) != 2 || p->size[read] || w < 64 || h < 64 ||
        w > MEDIA_SIDE_MAX || h > MEDIA_SIDE_MAX || w % 2 || h % 2) {
        cli_error(NULL, "--size wants even sides, such as 1280x720");
        return AURA_EINVAL;
    }
    p->width = w;
    p->height = h;
    p->test = aura_zalloc((size_t)w * h * 3 / 2);
    return p->test ? 0 : AURA_ENOMEM;
}

static int next_item(struct publish *p, struct media_item *item) {
    if (p->file) {
        return media_file_next(p->file, p->loop, item);
    }
    size_t luma = (size_t)p->width * p->height;
    test_picture_draw(p->test, p->width, p->height, p->test_number);
    *item = (struct media_item){.video = true,
                                .time_us = p->test_number * AURA_US_PER_S / p->fps,
                                .plane = {p->test, p->test + luma, p->test + luma * 5 / 4},
                                .stride = {p->width, p->width / 2, p->width / 2}};
    p->test_number++;
    return 0;
}

static void push(struct publish *p, const struct media_item *item, uint64_t late_us) {
    if (!item->video) {
        (void)aura_call_sound_push(p->audio, item->samples, PCM_SLICE_SAMPLES, item->time_us);
    } else if (late_us > LATE_US) {
        p->skipped++;
    } else {
        struct aura_call_picture picture = {.width = p->width, .height = p->height};
        memcpy(picture.plane, item->plane, sizeof(picture.plane));
        memcpy(picture.stride, item->stride, sizeof(picture.stride));
        (void)aura_call_video_push(p->video, &picture, item->time_us);
    }
}

/* ---- what it says ---- */

struct figures {
    double seconds, fps, kbps, saved;
};

static struct figures figures_of(const struct publish *p, const struct aura_call_stats *s,
                                 const struct aura_call_stats *from, uint64_t us) {
    double seconds = us ? (double)us / AURA_US_PER_S : 1;
    uint64_t packets = s->packets - from->packets,
             frames = s->native_frames + s->aic_frames - from->native_frames - from->aic_frames;
    struct figures f = {.seconds = cli_media_seconds(&p->m), .fps = (double)frames / seconds};
    f.kbps =
        (double)(s->bytes - from->bytes + packets * CLI_MEDIA_PACKET_OVERHEAD) * 8 / 1000 / seconds;
    f.saved = s->native_kbps ? 1 - f.kbps / s->native_kbps : 0;
    return f;
}

static json_t *json_of(const struct aura_call_stats *s, const struct figures *f) {
    return json_pack(
        "{s:f, s:b, s:s, s:f, s:f, s:f, s:i, s:I, s:I, s:I, s:I, s:s, s:{s:f, s:f, s:f}, s:f, s:I,"
        " s:i, s:f, s:s, s:I, s:s, s:I, s:I, s:I, s:I}",
        "seconds", cli_media_round(f->seconds, 2), "published", s->published, "mode", s->mode,
        "fps", cli_media_round(f->fps, 1), "kbps", cli_media_round(f->kbps, 1), "saved",
        cli_media_round(f->saved, 3), "native_kbps", (int)s->native_kbps, "native_frames",
        (json_int_t)s->native_frames, "aic_frames", (json_int_t)s->aic_frames, "late",
        (json_int_t)s->late, "fallbacks", (json_int_t)s->fallbacks, "reason", s->reason,
        "latency_ms", "p50", s->latency_us_p50 / 1e3, "p95", s->latency_us_p95 / 1e3, "p99",
        s->latency_us_p99 / 1e3, "vmaf", (double)s->vmaf, "resent", (json_int_t)s->resent,
        "target_kbps", (int)s->target_kbps, "rtt_ms", s->rtt_us / 1e3, "hints", s->sent_hints,
        "reconnects", (json_int_t)s->reconnects, "sound_mode", s->sound_mode, "sound_native",
        (json_int_t)s->sound_native, "sound_aic", (json_int_t)s->sound_aic, "sound_fallbacks",
        (json_int_t)s->sound_fallbacks, "sound_cut_ms", (json_int_t)s->sound_cut_ms);
}

static void say(struct publish *p, const struct aura_call_stats *s, const struct figures *f) {
    if (p->m.cli.json) {
        cli_media_print_json(json_of(s, f));
        return;
    }
    printf("%6.1f s  %-8s %4.1f fps %6.0f kbps  saved %3.0f %%  latency %.1f ms  fallbacks %" PRIu64
           "%s%s\n",
           f->seconds, s->published ? s->mode : "joining", f->fps, f->kbps, f->saved * 100,
           s->latency_us_p50 / 1e3, s->fallbacks, s->sent_hints[0] ? "  " : "", s->sent_hints);
    fflush(stdout);
}

static void tick(struct publish *p) {
    struct aura_call_stats s;
    uint64_t now = now_us();
    if (now < p->last_us + TICK_US) {
        return;
    }
    aura_call_stats(p->call, &s);
    struct figures f = figures_of(p, &s, &p->last, now - p->last_us);
    say(p, &s, &f);
    p->last = s;
    p->last_us = now;
}

static void sum_up(struct publish *p) {
    struct aura_call_stats s;
    const struct aura_call_stats none = {.packets = 0};
    aura_call_stats(p->call, &s);
    struct figures f = figures_of(p, &s, &none, now_us() - p->m.begun_us);
    if (p->m.cli.json) {
        json_t *line = json_of(&s, &f);
        json_object_set_new(line, "summary", json_true());
        json_object_set_new(line, "skipped", json_integer((json_int_t)p->skipped));
        cli_media_print_json(line);
    } else {
        printf("sent %" PRIu64 " native and %" PRIu64 " AIC frames, %.0f kbps on the wire in the "
               "mean; %" PRIu64 " pictures came too late to be encoded\n",
               s.native_frames, s.aic_frames, f.kbps, p->skipped);
    }
}

/* ---- the course ---- */

static void nap_until(struct publish *p, uint64_t due_us) {
    for (uint64_t now; !cli_media_is_over(&p->m) && (now = now_us()) < due_us;) {
        uint64_t us = due_us - now < NAP_US ? due_us - now : NAP_US;
        const struct timespec ts = {.tv_nsec = (long)(us * 1000)};
        (void)nanosleep(&ts, NULL);
        tick(p);
    }
}

static int run(struct publish *p) {
    struct media_item item;
    int err = 0;
    p->base_us = p->last_us = now_us();
    while (!cli_media_is_over(&p->m)) {
        err = next_item(p, &item);
        if (err) {
            break;
        }
        uint64_t due_us = p->base_us + item.time_us, now = now_us();
        nap_until(p, due_us);
        push(p, &item, now > due_us ? now - due_us : 0);
        tick(p);
    }
    if (err && err != AURA_ECLOSED) {
        cli_error(NULL, "%s: %s", p->what, aura_err_text(err));
    }
    return err == AURA_ECLOSED ? 0 : err;
}

static int open_call(struct publish *p) {
    const struct aura_call_handlers handlers = {.connected = cli_media_on_connected,
                                                .reconnecting = cli_media_on_reconnecting,
                                                .reconnected = cli_media_on_reconnected,
                                                .ended = cli_media_on_ended};
    struct aura_call_conf conf = {
        .url = p->m.cli.url, .insecure = p->m.insecure, .ai_core = p->m.aic ? p->ai_core : NULL};
    const struct aura_call_video_conf video = {.width = p->width,
                                               .height = p->height,
                                               .fps = (uint32_t)p->fps,
                                               .screen = p->screen,
                                               .aic = p->m.aic,
                                               .native_kbps = (uint32_t)p->kbps,
                                               .target_quality = (float)p->target_quality};
    char *token = cli_media_token(&p->m, true);
    if (!token) {
        return AURA_ENOMEM;
    }
    conf.token = token;
    int err = aura_call_new(&p->call, &conf, &handlers, &p->m);
    aura_free(token);
    err = err ? err : aura_call_add_video(p->call, &video, &p->video);
    if (!err && p->file && media_file_info(p->file)->audio) {
        const struct aura_call_sound_conf sound = {.channels = PCM_CHANNELS, .aic = p->m.aic};
        err = aura_call_add_sound(p->call, &sound, &p->audio);
    }
    err = err ? err : aura_call_connect(p->call);
    if (err == AURA_EPOLICY) {
        cli_error(NULL, "--ai-core must be on this machine (127.0.0.1, localhost, unix:): pictures "
                        "travel there in the clear");
    } else if (err) {
        cli_error(NULL, "cannot begin: %s", aura_err_text(err));
    }
    return err;
}

static int publish(struct publish *p) {
    int err = open_source(p), status = CLI_FAILED;
    cli_media_begin(&p->m);
    err = err ? err : open_call(p);
    if (!err) {
        err = run(p);
        sum_up(p);
        status = cli_media_status(&p->m);
    }
    aura_call_free(p->call);
    media_file_close(p->file);
    aura_free(p->test);
    return err ? CLI_FAILED : status;
}

static struct publish own = {.m = {.identity = "publisher", .aic_text = "off"},
                             .ai_core = "127.0.0.1:50051",
                             .size = "1280x720",
                             .fps = 30};

static const struct aura_arg options[] = {
    {"", AURA_ARG_FLAG, NULL, NULL, "Who and where:", NULL, 0},
    CLI_MEDIA_ARGS(&own.m),
    {"", AURA_ARG_FLAG, NULL, NULL, "Media:", NULL, 0},
    {"loop", AURA_ARG_FLAG, &own.loop, NULL, "begin again at the end of the file", NULL, 0},
    {"no-audio", AURA_ARG_FLAG, &own.no_audio, NULL, "leave the file's sound out", NULL, 0},
    {"screen", AURA_ARG_FLAG, &own.screen, NULL, "as a screen share instead of a camera", NULL, 0},
    {"size", AURA_ARG_STR, &own.size, "WxH", "of the test picture (default 1280x720)", NULL, 0},
    {"fps", AURA_ARG_UINT, &own.fps, "N", "of the test picture (default 30)", NULL, 120},
    {"kbps", AURA_ARG_UINT, &own.kbps, "N",
     "of VP8 (default: what LiveKit's clients take for the size)", NULL, 50000},
    {"", AURA_ARG_FLAG, NULL, NULL, "AI compression:", NULL, 0},
    {"aic", AURA_ARG_STR, &own.m.aic_text, "on|off",
     "through AI Core while it is in time (default off)", NULL, 0},
    {"ai-core", AURA_ARG_STR, &own.ai_core, "ADDRESS",
     "where AI Core is, on this machine (default 127.0.0.1:50051)", NULL, 0},
    {"target-quality", AURA_ARG_UINT, &own.target_quality, "VMAF",
     "quality that AI Core is to hold (default: as it thinks best)", NULL, 100}};

static int run_command(struct cli *cli, const char *const *words, size_t count) {
    (void)count;
    own.m.cli = *cli;
    own.what = words[0];
    if (cli_media_check(&own.m)) {
        return CLI_USAGE;
    }
    if ((!own.m.room && !own.m.token) || !own.fps) {
        cli_error(NULL, "give --room (or --token); --fps must be at least 1");
        return CLI_USAGE;
    }
    return publish(&own);
}

static const struct cli_command commands[] = {
    {.name = "",
     .operands = "FILE|test",
     .operands_min = 1,
     .operands_max = 1,
     .summary = "send a file or a test picture to a room",
     .about =
         "Publishes a video file (anything that libavformat opens, with its sound as Opus) or a "
         "moving\ntest picture, in real time. With --aic on pictures go to AI Core and come back "
         "as "
         "AV1 with hints,\nand speech as longer packets without its silences; whenever it is late "
         "or gone the client's own\nVP8 and Opus take over on the same track. A line each second "
         "says how it goes; with --json each\nis an object.",
     CLI_OPTIONS(options),
     .flags = CLI_SERVER,
     .run = run_command},
};

CLI_GROUP(cli_group_publish, "publish", "send a file or a test picture to a room", commands);
