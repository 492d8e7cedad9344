/* SPDX-License-Identifier: Apache-2.0 */
/* `auralink record ROOM -o DIR`: each track of a room to files of its own. */
#include "base/clock.h"
#include "base/mem.h"
#include "base/rand.h"
#include "cmd/cli_media.h"
#include "cmd/cli_mint.h"
#include "record/recorder.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

enum { NAP_US = 50000, TOKEN_S = 24 * 3600, MB = 1 << 20, CHANCE_LEN = 8 };

struct record {
    struct cli_media m; /* its `duration` is --max-duration */
    const char *folder, *sound, *only, *from, *source;
    bool end_with_source;
    uint64_t patience_s;
    struct aura_arg_list tracks;
    uint64_t size_mb, free_mb;
    uint64_t said_us;
    char chance[sizeof("recorder-") + CHANCE_LEN]; /* identity: two recordings at once are fine */
};

/* Nobody sees it; it may only receive, and takes tracks natively unless told otherwise. */
static char *make_token(struct record *w) {
    struct aura_claims claims; /* borrows its strings */
    struct aura_pair native = {(char *)(uintptr_t) "auralink.aic", (char *)(uintptr_t) "off"};
    if (w->m.token) {
        return aura_strdup(w->m.token);
    }
    if (!w->m.identity) {
        char word[CHANCE_LEN + 1];
        aura_rand_text(aura_rand_system(), word, CHANCE_LEN);
        snprintf(w->chance, sizeof(w->chance), "recorder-%s", word);
        w->m.identity = w->chance;
    }
    aura_claims_init(&claims);
    claims.identity = (char *)(uintptr_t)w->m.identity;
    claims.has_video = true;
    claims.video.room = (char *)(uintptr_t)w->m.room;
    claims.video.room_join = claims.video.hidden = claims.video.recorder = true;
    claims.video.can_publish = claims.video.can_publish_data = AURA_NO;
    claims.video.can_subscribe = AURA_YES;
    if (!w->m.aic) {
        claims.attributes = &native;
        claims.attribute_count = 1;
    }
    return cli_mint_join(&claims, w->m.cli.api_key, w->m.cli.api_secret, TOKEN_S);
}

static void say(const struct record *w, const struct aura_recorder_status *s, bool summary) {
    if (w->m.cli.json) {
        json_t *line = json_pack(
            "{s:f, s:b, s:i, s:i, s:I, s:I, s:I, s:I, s:I, s:I}", "seconds",
            cli_media_round(cli_media_seconds(&w->m), 2), "connected", s->connected, "tracks",
            (int)s->tracks, "files", (int)s->files, "bytes", (json_int_t)s->bytes, "frames",
            (json_int_t)s->frames, "plis", (json_int_t)s->plis, "nacks", (json_int_t)s->nacks,
            "repaired", (json_int_t)s->repaired, "dropped", (json_int_t)s->dropped);
        if (line && summary) {
            json_object_set_new(line, "summary", json_true());
            json_object_set_new(line, "end", json_string(aura_record_end_name(s->end)));
            json_object_set_new(line, "why", json_string(s->why));
        }
        cli_media_print_json(line);
        return;
    }
    printf("%6.1f s  %zu tracks, %zu files, %.1f MB%s%s\n", cli_media_seconds(&w->m), s->tracks,
           s->files, (double)s->bytes / MB, summary ? ": " : "", summary ? s->why : "");
    fflush(stdout);
}

static int run(struct record *w, struct aura_recorder *r) {
    const struct timespec nap = {.tv_nsec = NAP_US * 1000};
    struct aura_recorder_status s;
    aura_recorder_status(r, &s);
    while (s.end == AURA_RECORD_RUNS && !cli_media_is_over(&w->m)) {
        (void)nanosleep(&nap, NULL);
        aura_recorder_status(r, &s);
        uint64_t now = aura_now_us(aura_clock_system());
        if (now - w->said_us >= AURA_US_PER_S) {
            w->said_us = now;
            say(w, &s, false);
        }
    }
    aura_recorder_stop(r);
    aura_recorder_status(r, &s);
    say(w, &s, true);
    bool fine = s.end == AURA_RECORD_STOPPED || s.end == AURA_RECORD_DURATION ||
                s.end == AURA_RECORD_ROOM_ENDED || s.end == AURA_RECORD_SOURCE;
    if (!fine) {
        cli_error(s.end == AURA_RECORD_UNREACHABLE || s.end == AURA_RECORD_LOST
                      ? "auralink doctor checks what a call needs."
                      : "What was written plays; manifest.json says what there is.",
                  "%s", s.why);
    }
    return fine ? CLI_OK : CLI_FAILED;
}

static int record(struct record *w) {
    struct aura_recorder *r = NULL;
    struct aura_recorder_conf conf = {.url = w->m.cli.url,
                                      .room = w->m.room,
                                      .folder = w->folder,
                                      .insecure = w->m.insecure,
                                      .audio = strcmp(w->only, "video") != 0,
                                      .video = strcmp(w->only, "audio") != 0,
                                      .ogg = strcmp(w->sound, "ogg") == 0,
                                      .camera = strcmp(w->source, "camera") == 0,
                                      .screen = strcmp(w->source, "screen") == 0,
                                      .end_with_source = w->end_with_source,
                                      .patience_s = w->patience_s,
                                      .only_identity = w->from,
                                      .only_track = w->tracks.count > 0 ? w->tracks.items[0] : NULL,
                                      .only_track_2 =
                                          w->tracks.count > 1 ? w->tracks.items[1] : NULL,
                                      .duration_s_max = w->m.duration_s,
                                      .bytes_max = w->size_mb * MB,
                                      .free_bytes_min = w->free_mb * MB};
    if (mkdir(w->folder, 0750) && errno != EEXIST) {
        cli_error(NULL, "%s: %s", w->folder, strerror(errno));
        return CLI_FAILED;
    }
    char *token = make_token(w);
    if (!token) {
        return CLI_FAILED;
    }
    conf.token = token;
    w->m.duration_s = 0; /* the recorder's own limit, from here on */
    cli_media_begin(&w->m);
    int err = aura_recorder_new(&r, &conf);
    aura_free(token);
    if (err) {
        cli_error(NULL, "cannot begin: %s", aura_err_text(err));
        return CLI_FAILED;
    }
    int status = run(w, r);
    aura_recorder_free(r);
    return status;
}

static bool one_of(const char *text, const char *a, const char *b, const char *c) {
    return strcmp(text, a) == 0 || strcmp(text, b) == 0 || strcmp(text, c) == 0;
}

static int check(struct record *w) {
    if (cli_media_check(&w->m)) {
        return AURA_EINVAL;
    }
    if (!w->folder || (!w->m.room && !w->m.token)) {
        cli_error(NULL, "give a room and -o FOLDER");
        return AURA_EINVAL;
    }
    if (!one_of(w->sound, "webm", "ogg", "webm") || !one_of(w->only, "all", "audio", "video") ||
        !one_of(w->source, "all", "camera", "screen") || w->tracks.count > 2) {
        cli_error(NULL, "--audio wants webm or ogg, --only all, audio or video, --source all, "
                        "camera or screen; two --track at most");
        return AURA_EINVAL;
    }
    return 0;
}

static struct record own = {.m = {.aic_text = "off"},
                            .sound = "webm",
                            .only = "all",
                            .source = "all",
                            .patience_s = AURA_RECORD_PATIENCE_S,
                            .free_mb = 500};

static const struct aura_arg options[] = {
    {"", AURA_ARG_FLAG, NULL, NULL, "Who and where:", NULL, 0},
    {"identity", AURA_ARG_STR, &own.m.identity, "ID",
     "who joins, hidden (default recorder- and chance)", NULL, 0},
    {"token", AURA_ARG_STR, &own.m.token, "JWT",
     "a join token instead of --identity, key and secret", "AURALINK_RECORD_TOKEN", 0},
    {"insecure", AURA_ARG_FLAG, &own.m.insecure, NULL, "accept any certificate of a wss:// server",
     NULL, 0},
    {"", AURA_ARG_FLAG, NULL, NULL, "What:", NULL, 0},
    {"o", AURA_ARG_STR, &own.folder, "FOLDER", "where the files go; made if it is not there", NULL,
     0},
    {"only", AURA_ARG_STR, &own.only, "KIND", "all, audio or video (default all)", NULL, 0},
    {"from", AURA_ARG_STR, &own.from, "ID", "this participant only", NULL, 0},
    {"track", AURA_ARG_LIST, &own.tracks, "SID", "this track only; two at most", NULL, 0},
    {"source", AURA_ARG_STR, &own.source, "NAME",
     "all, camera (and microphone) or screen (and its sound)", NULL, 0},
    {"audio", AURA_ARG_STR, &own.sound, "FORMAT", "webm or ogg, for sound (default webm)", NULL, 0},
    {"aic", AURA_ARG_STR, &own.m.aic_text, "on|off",
     "take what AI Core compressed (default off: as the publisher sent it)", NULL, 0},
    {"", AURA_ARG_FLAG, NULL, NULL, "Until when:", NULL, 0},
    {"end-with-source", AURA_ARG_FLAG, &own.end_with_source, NULL,
     "end when who was given by --from, or the --track, is gone", NULL, 0},
    {"patience", AURA_ARG_UINT, &own.patience_s, "SECONDS",
     "a lost connection is tried anew for so long (default 300; 0 = it ends)", NULL, 86400},
    {"max-duration", AURA_ARG_UINT, &own.m.duration_s, "SECONDS", "end after so long", NULL,
     30 * 86400},
    {"max-size-mb", AURA_ARG_UINT, &own.size_mb, "MB", "end when all files are so large", NULL,
     1 << 30},
    {"min-free-mb", AURA_ARG_UINT, &own.free_mb, "MB", "end when the disk has less (default 500)",
     NULL, 1 << 30}};

static int run_command(struct cli *cli, const char *const *words, size_t count) {
    own.m.cli = *cli;
    own.m.room = count ? words[0] : NULL;
    return check(&own) ? CLI_USAGE : record(&own);
}

static const struct cli_command commands[] = {
    {.name = "compose",
     .operands = "FOLDER",
     .operands_min = 1,
     .operands_max = 1,
     .summary = "make one file of a recording",
     .about =
         "Makes one file of a recording: pictures side by side, sound mixed. Ctrl-C ends it early, "
         "with a\nwhole file.",
     CLI_OPTIONS(cli_compose_options),
     .run = cli_record_compose},
    {.name = "",
     .operands = "[ROOM]",
     .operands_max = 1,
     .summary = "record a room, each track to a file",
     .about =
         "Joins a room unseen and writes each track to files of its own, as it comes: VP8, VP9, "
         "AV1 "
         "and "
         "Opus\nto WebM, H.264 to MP4. manifest.json says what the files are and when they begin. "
         "Ends "
         "in good\norder with Ctrl-C; what was written plays even when the process was killed.",
     CLI_OPTIONS(options),
     .flags = CLI_SERVER,
     .run = run_command},
};

CLI_GROUP(cli_group_record, "record", "record a room, and compose what was recorded", commands);
