/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/cli.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static void show_participants(const json_t *participants) {
    static const char *const heading[] = {"SID", "IDENTITY", "NAME", "STATE", "JOINED", "TRACKS"};
    struct cli_table *t = cli_table_new(COUNT(heading), heading);
    size_t i;
    json_t *p;
    json_array_foreach(participants, i, p) {
        char joined[40] = "", tracks[24];
        time_t at = (time_t)cli_number(p, "joined_at");
        struct tm tm;
        strftime(joined, sizeof(joined), "%Y-%m-%d %H:%M:%SZ", gmtime_r(&at, &tm));
        snprintf(tracks, sizeof(tracks), "%zu", json_array_size(json_object_get(p, "tracks")));
        cli_table_row(t,
                      (const char *[]){cli_text(p, "sid"), cli_text(p, "identity"),
                                       cli_text(p, "name"), cli_text(p, "state"), joined, tracks});
    }
    cli_table_print(t);
}

static void show_tracks(const json_t *participant) {
    static const char *const heading[] = {"TRACK", "TYPE",  "SOURCE", "CODEC",
                                          "SIZE",  "MUTED", "NAME"};
    struct cli_table *t = cli_table_new(COUNT(heading), heading);
    size_t i;
    json_t *track;
    json_array_foreach(json_object_get(participant, "tracks"), i, track) {
        char size[48] = "";
        if (cli_number(track, "width")) {
            snprintf(size, sizeof(size), "%" PRId64 "x%" PRId64, cli_number(track, "width"),
                     cli_number(track, "height"));
        }
        bool muted = json_is_true(json_object_get(track, "muted"));
        cli_table_row(t, (const char *[]){cli_text(track, "sid"), cli_text(track, "type"),
                                          cli_text(track, "source"), cli_text(track, "mime_type"),
                                          size, muted ? "yes" : "no", cli_text(track, "name")});
    }
    cli_table_print(t);
}

static int done(const struct cli *cli, int err, json_t *response, const char *text) {
    int status = err ? CLI_FAILED : CLI_OK;
    if (!err && cli->json) {
        status = cli_print_json(response);
    } else if (!err) {
        printf("%s\n", text);
    }
    json_decref(response);
    return status;
}

int cli_participant_list(int argc, char **argv) {
    struct cli cli = CLI_DEFAULTS;
    const struct aura_arg args[] = {CLI_ARGS(&cli)};
    const struct aura_command_line line = {
        "auralink participant list", "ROOM", "Lists who is in a room.", args, COUNT(args), 1, 1};
    const char *room;
    size_t n = 0;
    int status;
    if (cli_ends(aura_args_parse(&line, argc, argv, &room, &n), &status)) {
        return status;
    }
    json_t *response = NULL;
    int err = cli_room_service(&cli, "ListParticipants", CLI_GRANT_ROOM_ADMIN, room,
                               json_pack("{s:s}", "room", room), &response);
    if (!err && !cli.json) {
        show_participants(json_object_get(response, "participants"));
        json_decref(response);
        return CLI_OK;
    }
    return done(&cli, err, response, "");
}

/* ROOM IDENTITY, as most commands here take them. */
static json_t *who(const char *const words[2]) {
    return json_pack("{s:s, s:s}", "room", words[0], "identity", words[1]);
}

int cli_participant_get(int argc, char **argv) {
    struct cli cli = CLI_DEFAULTS;
    const struct aura_arg args[] = {CLI_ARGS(&cli)};
    const struct aura_command_line line = {"auralink participant get",
                                           "ROOM IDENTITY",
                                           "Shows one participant and their tracks.",
                                           args,
                                           COUNT(args),
                                           2,
                                           2};
    const char *words[2];
    size_t n = 0;
    int status;
    if (cli_ends(aura_args_parse(&line, argc, argv, words, &n), &status)) {
        return status;
    }
    json_t *response = NULL;
    int err = cli_room_service(&cli, "GetParticipant", CLI_GRANT_ROOM_ADMIN, words[0], who(words),
                               &response);
    if (!err && !cli.json) {
        json_t *all = json_pack("[O]", response);
        show_participants(all);
        json_decref(all);
        if (json_array_size(json_object_get(response, "tracks"))) {
            printf("\n");
            show_tracks(response);
        }
        json_decref(response);
        return CLI_OK;
    }
    return done(&cli, err, response, "");
}

int cli_participant_remove(int argc, char **argv) {
    struct cli cli = CLI_DEFAULTS;
    const struct aura_arg args[] = {CLI_ARGS(&cli)};
    const struct aura_command_line line = {
        "auralink participant remove",
        "ROOM IDENTITY",
        "Disconnects a participant. Their token stays valid: they "
        "can join again until it expires.",
        args,
        COUNT(args),
        2,
        2};
    const char *words[2];
    size_t n = 0;
    int status;
    if (cli_ends(aura_args_parse(&line, argc, argv, words, &n), &status)) {
        return status;
    }
    json_t *response = NULL;
    int err = cli_room_service(&cli, "RemoveParticipant", CLI_GRANT_ROOM_ADMIN, words[0],
                               who(words), &response);
    return done(&cli, err, response, "removed");
}

int cli_participant_mute(int argc, char **argv) {
    struct cli cli = CLI_DEFAULTS;
    bool unmute = false;
    const struct aura_arg args[] = {
        {"unmute", AURA_ARG_FLAG, &unmute, NULL,
         "unmute instead (the server must allow room.enable_remote_unmute)", NULL, 0},
        CLI_ARGS(&cli)};
    const struct aura_command_line line = {"auralink participant mute",
                                           "ROOM IDENTITY TRACK_SID",
                                           "Mutes a published track.",
                                           args,
                                           COUNT(args),
                                           3,
                                           3};
    const char *words[3];
    size_t n = 0;
    int status;
    if (cli_ends(aura_args_parse(&line, argc, argv, words, &n), &status)) {
        return status;
    }
    json_t *request = who(words), *response = NULL;
    json_object_set_new(request, "track_sid", json_string(words[2]));
    json_object_set_new(request, "muted", json_boolean(!unmute));
    int err = cli_room_service(&cli, "MutePublishedTrack", CLI_GRANT_ROOM_ADMIN, words[0], request,
                               &response);
    return done(&cli, err, response, unmute ? "unmuted" : "muted");
}

int cli_participant_update(int argc, char **argv) {
    struct cli cli = CLI_DEFAULTS;
    const char *name = NULL, *metadata = NULL;
    struct aura_arg_list attributes = {.count = 0};
    const struct aura_arg args[] = {
        {"name", AURA_ARG_STR, &name, "TEXT", "new display name", NULL, 0},
        {"metadata", AURA_ARG_STR, &metadata, "TEXT", "new metadata", NULL, 0},
        {"attribute", AURA_ARG_LIST, &attributes, "K=V",
         "set an attribute; an empty value deletes it", NULL, 0},
        CLI_ARGS(&cli)};
    const struct aura_command_line line = {"auralink participant update",
                                           "ROOM IDENTITY",
                                           "Changes name, metadata or attributes of a participant.",
                                           args,
                                           COUNT(args),
                                           2,
                                           2};
    const char *words[2];
    size_t n = 0;
    int status;
    if (cli_ends(aura_args_parse(&line, argc, argv, words, &n), &status)) {
        return status;
    }
    json_t *pairs = cli_pairs(&attributes), *response = NULL;
    if (!pairs) {
        return CLI_USAGE;
    }
    json_t *request = who(words);
    json_object_set_new(request, "attributes", pairs);
    if (name) {
        json_object_set_new(request, "name", json_string(name));
    }
    if (metadata) {
        json_object_set_new(request, "metadata", json_string(metadata));
    }
    int err = cli_room_service(&cli, "UpdateParticipant", CLI_GRANT_ROOM_ADMIN, words[0], request,
                               &response);
    return done(&cli, err, response, "updated");
}
