/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/cli.h"

#include <inttypes.h>
#include <stdio.h>
#include <time.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static void show_rooms(const json_t *rooms) {
    static const char *const heading[] = {"SID",        "NAME",    "PARTICIPANTS",
                                          "PUBLISHERS", "CREATED", "METADATA"};
    struct cli_table *t = cli_table_new(COUNT(heading), heading);
    size_t i;
    json_t *room;
    json_array_foreach(rooms, i, room) {
        char participants[24], publishers[24], created[40] = "";
        time_t at = (time_t)cli_number(room, "creation_time");
        struct tm tm;
        snprintf(participants, sizeof(participants), "%" PRId64,
                 cli_number(room, "num_participants"));
        snprintf(publishers, sizeof(publishers), "%" PRId64, cli_number(room, "num_publishers"));
        strftime(created, sizeof(created), "%Y-%m-%d %H:%M:%SZ", gmtime_r(&at, &tm));
        cli_table_row(t,
                      (const char *[]){cli_text(room, "sid"), cli_text(room, "name"), participants,
                                       publishers, created, cli_text(room, "metadata")});
    }
    cli_table_print(t);
}

static int finish(const struct cli *cli, int err, json_t *response, const char *done) {
    int status = CLI_OK;
    if (err) {
        status = CLI_FAILED;
    } else if (cli->json) {
        status = cli_print_json(response);
    } else {
        printf("%s\n", done);
    }
    json_decref(response);
    return status;
}

int cli_room_list(int argc, char **argv) {
    struct cli cli = CLI_DEFAULTS;
    const struct aura_arg args[] = {CLI_ARGS(&cli)};
    const struct aura_command_line line = {
        "auralink room list",
        "[NAME...]",
        "Lists the rooms of a server, or those with the given names.",
        args,
        COUNT(args),
        0,
        AURA_ARG_LIST_MAX};
    const char *names[AURA_ARG_LIST_MAX];
    size_t n = 0;
    int status;
    if (cli_ends(aura_args_parse(&line, argc, argv, names, &n), &status)) {
        return status;
    }
    json_t *wanted = json_array(), *response = NULL;
    for (size_t i = 0; i < n; i++) {
        json_array_append_new(wanted, json_string(names[i]));
    }
    int err = cli_room_service(&cli, "ListRooms", CLI_GRANT_ROOM_LIST, NULL,
                               json_pack("{s:o}", "names", wanted), &response);
    if (!err && !cli.json) {
        show_rooms(json_object_get(response, "rooms"));
        json_decref(response);
        return CLI_OK;
    }
    return finish(&cli, err, response, "");
}

int cli_room_create(int argc, char **argv) {
    struct cli cli = CLI_DEFAULTS;
    uint64_t empty = 0, departure = 0, most = 0;
    const char *metadata = "";
    const struct aura_arg args[] = {
        {"empty-timeout", AURA_ARG_UINT, &empty, "SECONDS", "keep it this long before anyone joins",
         NULL, UINT32_MAX},
        {"departure-timeout", AURA_ARG_UINT, &departure, "SECONDS",
         "keep it this long after the last one left", NULL, UINT32_MAX},
        {"max-participants", AURA_ARG_UINT, &most, "N", "refuse more than N (0 = no limit)", NULL,
         UINT32_MAX},
        {"metadata", AURA_ARG_STR, &metadata, "TEXT", "metadata of the room", NULL, 0},
        CLI_ARGS(&cli)};
    const struct aura_command_line line = {"auralink room create",
                                           "NAME",
                                           "Creates a room; if it exists, shows it unchanged.",
                                           args,
                                           COUNT(args),
                                           1,
                                           1};
    const char *name;
    size_t n = 0;
    int status;
    if (cli_ends(aura_args_parse(&line, argc, argv, &name, &n), &status)) {
        return status;
    }
    json_t *response = NULL;
    json_t *request = json_pack("{s:s, s:I, s:I, s:I, s:s}", "name", name, "empty_timeout",
                                (json_int_t)empty, "departure_timeout", (json_int_t)departure,
                                "max_participants", (json_int_t)most, "metadata", metadata);
    int err = cli_room_service(&cli, "CreateRoom", CLI_GRANT_ROOM_CREATE, NULL, request, &response);
    if (!err && !cli.json) {
        json_t *rooms = json_pack("[o]", response);
        show_rooms(rooms);
        json_decref(rooms);
        return CLI_OK;
    }
    return finish(&cli, err, response, "");
}

int cli_room_delete(int argc, char **argv) {
    struct cli cli = CLI_DEFAULTS;
    const struct aura_arg args[] = {CLI_ARGS(&cli)};
    const struct aura_command_line line = {"auralink room delete",
                                           "NAME",
                                           "Ends a room: everybody in it is disconnected.",
                                           args,
                                           COUNT(args),
                                           1,
                                           1};
    const char *name;
    size_t n = 0;
    int status;
    if (cli_ends(aura_args_parse(&line, argc, argv, &name, &n), &status)) {
        return status;
    }
    json_t *response = NULL;
    int err = cli_room_service(&cli, "DeleteRoom", CLI_GRANT_ROOM_CREATE, NULL,
                               json_pack("{s:s}", "room", name), &response);
    return finish(&cli, err, response, "deleted");
}

int cli_room_metadata(int argc, char **argv) {
    struct cli cli = CLI_DEFAULTS;
    const struct aura_arg args[] = {CLI_ARGS(&cli)};
    const struct aura_command_line line = {"auralink room update-metadata",
                                           "NAME TEXT",
                                           "Replaces the metadata of a room.",
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
    int err = cli_room_service(&cli, "UpdateRoomMetadata", CLI_GRANT_ROOM_ADMIN, words[0],
                               json_pack("{s:s, s:s}", "room", words[0], "metadata", words[1]),
                               &response);
    return finish(&cli, err, response, "updated");
}

int cli_data_send(int argc, char **argv) {
    struct cli cli = CLI_DEFAULTS;
    struct aura_arg_list to = {.count = 0};
    const char *topic = NULL;
    bool lossy = false;
    const struct aura_arg args[] = {
        {"to", AURA_ARG_LIST, &to, "IDENTITY", "only to this participant", NULL, 0},
        {"topic", AURA_ARG_STR, &topic, "NAME", "topic of the message", NULL, 0},
        {"lossy", AURA_ARG_FLAG, &lossy, NULL, "send once, without retransmission", NULL, 0},
        CLI_ARGS(&cli)};
    const struct aura_command_line line = {"auralink data send",
                                           "ROOM TEXT",
                                           "Sends a data message to the participants of a room.",
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
    json_t *request = cli_data_request(words[0], words[1], lossy);
    json_t *identities = json_array(), *response = NULL;
    for (size_t i = 0; i < to.count; i++) {
        json_array_append_new(identities, json_string(to.items[i]));
    }
    json_object_set_new(request, "destination_identities", identities);
    if (topic) {
        json_object_set_new(request, "topic", json_string(topic));
    }
    int err =
        cli_room_service(&cli, "SendData", CLI_GRANT_ROOM_ADMIN, words[0], request, &response);
    return finish(&cli, err, response, "sent");
}
