/* SPDX-License-Identifier: Apache-2.0 */
/* `auralink egress`: recordings through the server. */
#include "base/buf.h"
#include "cmd/cli.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum { REQUEST_BYTES_MAX = 1 << 20, NS_PER_S = 1000000000 };

/* ---- showing ---- */

/* Where it goes: of the results, or of the request while there are none. */
static const char *file_of(const json_t *egress) {
    const json_t *files = json_object_get(egress, "file_results");
    const json_t *file = json_array_get(files, 0);
    return cli_text(file ? file : json_object_get(egress, "file"), "filename");
}

static void show(const json_t *items) {
    static const char *const heading[] = {"ID",    "ROOM", "STATUS", "STARTED",
                                          "ENDED", "FILE", "ERROR"};
    struct cli_table *t = cli_table_new(CLI_COUNT(heading), heading);
    size_t i;
    json_t *e;
    json_array_foreach(items, i, e) {
        char started[CLI_TIME_BYTES], ended[CLI_TIME_BYTES];
        cli_table_row(t, (const char *[]){cli_text(e, "egress_id"), cli_text(e, "room_name"),
                                          cli_text(e, "status"),
                                          cli_time(started, cli_number(e, "started_at") / NS_PER_S),
                                          cli_time(ended, cli_number(e, "ended_at") / NS_PER_S),
                                          file_of(e), cli_text(e, "error")});
    }
    cli_table_print(t);
}

static void show_list(const json_t *response) {
    show(json_object_get(response, "items"));
}

static void show_one(const json_t *egress) {
    json_t *all = json_pack("[O]", egress);
    show(all);
    json_decref(all);
}

static json_t *call(const struct cli *cli, const char *method, json_t *request) {
    return cli_twirp(cli, "Egress", method, NULL, request);
}

/* ---- list, stop, update-layout ---- */

static struct {
    const char *room, *id;
    bool active;
} which;

static const struct aura_arg list_options[] = {
    {"room", AURA_ARG_STR, &which.room, "NAME", "of this room only", NULL, 0},
    {"id", AURA_ARG_STR, &which.id, "ID", "only this one", NULL, 0},
    {"active", AURA_ARG_FLAG, &which.active, NULL, "only those that have not ended", NULL, 0},
};

static int list(struct cli *cli, const char *const *words, size_t count) {
    (void)words;
    (void)count;
    json_t *request = json_pack("{s:b}", "active", which.active);
    cli_set_text(request, "room_name", which.room);
    cli_set_text(request, "egress_id", which.id);
    return cli_finish(cli, call(cli, "ListEgress", request), show_list);
}

static int stop(struct cli *cli, const char *const *words, size_t count) {
    json_t *all = json_array(), *one = NULL;
    for (size_t i = 0; i < count; i++) {
        one = call(cli, "StopEgress", json_pack("{s:s}", "egress_id", words[i]));
        if (!one) {
            json_decref(all);
            return CLI_FAILED;
        }
        json_array_append_new(all, one);
    }
    return cli_finish(cli, json_pack("{s:o}", "items", all), show_list);
}

static int update_layout(struct cli *cli, const char *const *words, size_t count) {
    (void)count;
    json_t *request = json_pack("{s:s, s:s}", "egress_id", words[0], "layout", words[1]);
    return cli_finish(cli, call(cli, "UpdateLayout", request), show_one);
}

/* ---- start ---- */

static struct {
    const char *type, *room, *identity, *track, *audio_track, *video_track, *layout, *filepath;
    bool audio_only, video_only, screen_share;
} want;

static const struct aura_arg start_options[] = {
    {"room", AURA_ARG_STR, &want.room, "NAME", "the room: all of it, in one picture", NULL, 0},
    {"identity", AURA_ARG_STR, &want.identity, "ID", "only this participant of it", NULL, 0},
    {"screen-share", AURA_ARG_FLAG, &want.screen_share, NULL,
     "the participant's screen instead of the camera", NULL, 0},
    {"track", AURA_ARG_STR, &want.track, "SID", "only this track, as it was sent", NULL, 0},
    {"audio-track", AURA_ARG_STR, &want.audio_track, "SID", "this sound, in one file with", NULL,
     0},
    {"video-track", AURA_ARG_STR, &want.video_track, "SID", "this picture", NULL, 0},
    {"layout", AURA_ARG_STR, &want.layout, "NAME", "grid (default), speaker, single-speaker", NULL,
     0},
    {"audio-only", AURA_ARG_FLAG, &want.audio_only, NULL, "the room's sound alone", NULL, 0},
    {"video-only", AURA_ARG_FLAG, &want.video_only, NULL, "the room's picture alone", NULL, 0},
    {"filepath", AURA_ARG_STR, &want.filepath, "PATH",
     "below the server's record.folder; {room_name}, {time} and others are filled in", NULL, 0},
    {"type", AURA_ARG_STR, &want.type, "TYPE",
     "of the request in FILE: room-composite, participant, track-composite, track; without it a "
     "StartEgressRequest",
     NULL, 0},
};

static const struct {
    const char *type, *method;
} types[] = {{"", "StartEgress"},
             {"room-composite", "StartRoomCompositeEgress"},
             {"participant", "StartParticipantEgress"},
             {"track-composite", "StartTrackCompositeEgress"},
             {"track", "StartTrackEgress"}};

static const char *method_of(const char *type) {
    for (size_t i = 0; i < CLI_COUNT(types); i++) {
        if (strcmp(types[i].type, type) == 0) {
            return types[i].method;
        }
    }
    return NULL;
}

/* The request in a file, in standard input ("-"), or in the word itself ("{...}"). */
static json_t *read_request(const char *from) {
    if (from[0] == '{') {
        return cli_object("the request", from);
    }
    FILE *in = strcmp(from, "-") == 0 ? stdin : fopen(from, "r");
    if (!in) {
        cli_error(NULL, "%s: %s", from, strerror(errno));
        return NULL;
    }
    struct aura_buf text = AURA_BUF(REQUEST_BYTES_MAX);
    char part[4096];
    for (size_t n; !text.err && (n = fread(part, 1, sizeof(part), in)) > 0;) {
        (void)aura_buf_add(&text, part, n);
    }
    if (in != stdin) {
        (void)fclose(in);
    }
    json_t *request = NULL;
    if (text.err) {
        cli_error(NULL, "%s: longer than %d bytes", from, REQUEST_BYTES_MAX);
    } else {
        request = cli_object(from, aura_buf_text(&text));
    }
    aura_buf_free(&text);
    return request;
}

static const char *type_of_options(void) {
    return want.track                             ? "track"
           : want.audio_track || want.video_track ? "track-composite"
           : want.identity                        ? "participant"
                                                  : "room-composite";
}

static json_t *request_of_options(const char *type) {
    json_t *request = json_pack("{s:s}", "room_name", want.room);
    json_t *file = json_object();
    cli_set_text(file, "filepath", want.filepath);
    cli_set_text(request, "identity", want.identity);
    cli_set_text(request, "track_id", want.track);
    cli_set_text(request, "audio_track_id", want.audio_track);
    cli_set_text(request, "video_track_id", want.video_track);
    cli_set_text(request, "layout", want.layout);
    if (strcmp(type, "track") == 0) {
        json_object_set_new(request, "file", file);
        return request;
    }
    json_object_set_new(request, "file_outputs", json_pack("[o]", file));
    if (want.audio_only) {
        json_object_set_new(request, "audio_only", json_true());
    }
    if (want.video_only) {
        json_object_set_new(request, "video_only", json_true());
    }
    if (want.screen_share) {
        json_object_set_new(request, "screen_share", json_true());
    }
    return request;
}

static int start(struct cli *cli, const char *const *words, size_t count) {
    if ((count == 0) == (want.room == NULL)) {
        cli_error("auralink egress start --room NAME, or: auralink egress start REQUEST.json",
                  "give a request or --room, not both");
        return CLI_USAGE;
    }
    const char *type = count ? (want.type ? want.type : "") : type_of_options();
    const char *method = method_of(type);
    if (!method || (want.type && !count)) {
        cli_error(NULL, "--type is of a request in a file: room-composite, participant, "
                        "track-composite or track");
        return CLI_USAGE;
    }
    json_t *request = count ? read_request(words[0]) : request_of_options(type);
    return request ? cli_finish(cli, call(cli, method, request), show_one) : CLI_USAGE;
}

/* ---- the table ---- */

#define RECORD .flags = CLI_SERVER, .grants = CLI_GRANT_ROOM_RECORD

static const struct cli_command commands[] = {
    {.name = "list",
     .operands = "",
     .summary = "list recordings that the server makes",
     .about = "Lists the server's recordings, and those that have ended since it started.",
     CLI_OPTIONS(list_options),
     RECORD,
     .run = list},
    {.name = "start",
     .operands = "[REQUEST]",
     .operands_max = 1,
     .summary = "have the server record",
     .about = "Has the server record a room, a participant or tracks into a file, by options or "
              "with a request of\nthe Egress API: a JSON file, - for standard input, or the JSON "
              "itself. The server needs\nrecord.folder in its configuration.",
     CLI_OPTIONS(start_options),
     RECORD,
     .run = start},
    {.name = "stop",
     .operands = "ID...",
     .operands_min = 1,
     .operands_max = CLI_WORDS_MAX,
     .summary = "end recordings",
     .about = "Ends recordings in good order; their files are finished afterwards.",
     RECORD,
     .run = stop},
    {.name = "update-layout",
     .operands = "ID LAYOUT",
     .operands_min = 2,
     .operands_max = 2,
     .summary = "change the layout of a recording",
     .about = "Changes the layout of a room's recording from now on: grid, speaker, "
              "single-speaker.",
     RECORD,
     .run = update_layout},
};

CLI_GROUP(cli_group_egress, "egress", "recordings that the server makes", commands);
