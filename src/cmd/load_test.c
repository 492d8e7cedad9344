/* SPDX-License-Identifier: Apache-2.0 */
/* `auralink load-test`: many participants from one process, against any LiveKit-compatible server.
 */
#include "cmd/load_test.h"

#include "base/rand.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { FILES_SPARE = 128, SHARING_DEFAULT = 16 };

static int wrong(const char *what) {
    cli_error("Try 'auralink load-test --help'.", "%s", what);
    return AURA_EINVAL;
}

static int check_counts(const struct load_options *o) {
    if (o->rooms == 0 || o->threads == 0 || o->ramp == 0 || o->sharing == 0) {
        return wrong("--rooms, --threads, --ramp and --clients-per-socket must be at least 1");
    }
    if (o->duration_s == 0) {
        return wrong("--duration must be at least 1 s");
    }
    uint64_t each = o->publishers + o->subscribers;
    if (each == 0 || each * o->rooms > LOAD_PARTICIPANTS_MAX) {
        cli_error(NULL, "between 1 and %d participants in all are possible", LOAD_PARTICIPANTS_MAX);
        return AURA_EINVAL;
    }
    return 0;
}

static int check_quality(struct load_options *o) {
    static const char *const names[] = {[AURA_CLIENT_QUALITY_ANY] = "",
                                        [AURA_CLIENT_QUALITY_LOW] = "low",
                                        [AURA_CLIENT_QUALITY_MEDIUM] = "medium",
                                        [AURA_CLIENT_QUALITY_HIGH] = "high"};
    for (size_t i = 0; i < CLI_COUNT(names); i++) {
        if (strcmp(o->quality_name, names[i]) == 0) {
            o->quality = (enum aura_client_quality)i;
            return 0;
        }
    }
    return wrong("--quality wants low, medium or high");
}

static int check(struct load_options *o) {
    if (aura_client_url_parse(&o->url, o->cli.url)) {
        return wrong("--url wants an address like ws://host:7880");
    }
    o->codec = strcmp(o->codec_name, "vp8") == 0    ? AURA_CODEC_VP8
               : strcmp(o->codec_name, "h264") == 0 ? AURA_CODEC_H264
                                                    : AURA_CODEC_NONE;
    if (o->codec == AURA_CODEC_NONE) {
        return wrong("--codec wants vp8 or h264");
    }
    if (o->simulcast && o->no_simulcast) {
        return wrong("--simulcast and --no-simulcast exclude each other");
    }
    if (!o->audio && !o->video) {
        o->audio = o->video = true;
    }
    int err = check_quality(o);
    return err ? err : check_counts(o);
}

static int check_files(const struct load_options *o) {
    uint64_t people = (o->publishers + o->subscribers) * o->rooms;
    /* A WebSocket each; a UDP socket each where they cannot be shared. */
    uint64_t wanted = people * 2 + (o->meeting ? o->publishers * o->rooms : 0) + FILES_SPARE;
    uint64_t limit = load_raise_files();
    if (limit && wanted > limit && people + people / o->sharing + FILES_SPARE > limit) {
        cli_error("Raise the limit (ulimit -Hn, or LimitNOFILE=) or ask for fewer.",
                  "%" PRIu64 " participants need about %" PRIu64 " open files, but only %" PRIu64
                  " are allowed",
                  people, wanted, limit);
        return AURA_ELIMIT;
    }
    return 0;
}

static int run(const struct load_options *o) {
    static struct load load;
    static struct load_result result;
    if (load_new(&load, o)) {
        return CLI_FAILED;
    }
    int err = load_run(&load, &result);
    int status = err ? CLI_FAILED : load_report(o, &result);
    load_free(&load);
    if (status == CLI_OK && (result.failed || result.flowing < result.expected_flowing)) {
        status = CLI_FAILED;
    }
    return status;
}

static struct load_options own = {.room = "load-test",
                                  .resolution = "720p",
                                  .codec_name = "vp8",
                                  .rooms = 1,
                                  .publishers = 1,
                                  .subscribers = 10,
                                  .quality_name = "",
                                  .warmup_s = 1,
                                  .duration_s = 10,
                                  .ramp = 50,
                                  .threads = 1,
                                  .sharing = SHARING_DEFAULT};

static const struct aura_arg options[] = {
    {"insecure", AURA_ARG_FLAG, &own.insecure, NULL, "accept any certificate of a wss:// server",
     NULL, 0},
    {"", AURA_ARG_FLAG, NULL, NULL, "Who:", NULL, 0},
    {"room", AURA_ARG_STR, &own.room, "NAME", "room (default load-test)", NULL, 0},
    {"rooms", AURA_ARG_UINT, &own.rooms, "N", "rooms, named NAME-0 ... (default 1)", NULL,
     LOAD_ROOMS_MAX},
    {"publishers", AURA_ARG_UINT, &own.publishers, "N", "publishers in each room (default 1)", NULL,
     LOAD_PARTICIPANTS_MAX},
    {"subscribers", AURA_ARG_UINT, &own.subscribers, "N", "subscribers in each room (default 10)",
     NULL, LOAD_PARTICIPANTS_MAX},
    {"meeting", AURA_ARG_FLAG, &own.meeting, NULL, "publishers subscribe to each other too", NULL,
     0},
    {"ramp", AURA_ARG_UINT, &own.ramp, "N", "joins in a second (default 50)", NULL, 100000},
    {"", AURA_ARG_FLAG, NULL, NULL, "What is sent (default: audio and video):", NULL, 0},
    {"audio", AURA_ARG_FLAG, &own.audio, NULL, "Opus, 20 ms packets", NULL, 0},
    {"video", AURA_ARG_FLAG, &own.video, NULL, "video", NULL, 0},
    {"video-resolution", AURA_ARG_STR, &own.resolution, "SIZE",
     "180p, 360p, 540p, 720p (default), 1080p", NULL, 0},
    {"codec", AURA_ARG_STR, &own.codec_name, "NAME", "vp8 (default) or h264", NULL, 0},
    {"simulcast", AURA_ARG_FLAG, &own.simulcast, NULL, "send two or three layers (the default)",
     NULL, 0},
    {"no-simulcast", AURA_ARG_FLAG, &own.no_simulcast, NULL, "send the best layer only", NULL, 0},
    {"dynacast", AURA_ARG_FLAG, &own.dynacast, NULL,
     "stop layers that the server says nobody takes", NULL, 0},
    {"quality", AURA_ARG_STR, &own.quality_name, "NAME",
     "ask for low, medium or high of every video (default: what the server gives)", NULL, 0},
    {"clip", AURA_ARG_LIST, &own.clips, "FILE",
     "media to send: .ivf (VP8), .264, .ogg (Opus); video layers lowest first", NULL, 0},
    {"", AURA_ARG_FLAG, NULL, NULL, "Measuring:", NULL, 0},
    {"warmup", AURA_ARG_UINT, &own.warmup_s, "SECONDS",
     "from when everybody has media to the window (default 1)", NULL, 3600},
    {"duration", AURA_ARG_UINT, &own.duration_s, "SECONDS", "length of the window (default 10)",
     NULL, 86400},
    {"server-pid", AURA_ARG_UINT, &own.server_pid, "PID",
     "process of the server on this machine: its CPU and memory", NULL, 0},
    {"threads", AURA_ARG_UINT, &own.threads, "N", "threads of this process (default 1)", NULL,
     LOAD_THREADS_MAX},
    {"clients-per-socket", AURA_ARG_UINT, &own.sharing, "N",
     "clients on one UDP socket towards 127.0.0.0/8 (default 16)", NULL, AURA_PORTS_SHARING_MAX},
    {"gro", AURA_ARG_FLAG, &own.gro, NULL,
     "take joined packets: a server here is spared cutting them, as by a network card", NULL, 0},
    {"seed", AURA_ARG_UINT, &own.seed, "N", "of the clients' random numbers (default: by chance)",
     NULL, 0}};

static int run_command(struct cli *cli, const char *const *words, size_t count) {
    (void)words;
    (void)count;
    own.cli = *cli;
    own.seed = own.seed ? own.seed : aura_rand_u32(aura_rand_system());
    if (check(&own)) {
        return CLI_USAGE;
    }
    return check_files(&own) ? CLI_FAILED : run(&own);
}

static const struct cli_command commands[] = {
    {.name = "",
     .operands = "",
     .summary = "join many participants and measure",
     .about =
         "Joins many participants from this process, sends encoded media, and measures what "
         "arrives:"
         "\ntimes to join, loss, latency, bitrate and, with --server-pid, what it costs the server."
         "\nThe exit status is 1 if somebody could not join, a track did not arrive, or Ctrl-C came"
         "\nbefore anything was measured.",
     CLI_OPTIONS(options),
     .flags = CLI_SERVER | CLI_REPORTS,
     .run = run_command},
};

CLI_GROUP(cli_group_load_test, "load-test", "join many participants and measure", commands);
