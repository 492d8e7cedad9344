/* SPDX-License-Identifier: Apache-2.0 */
/* `auralink room` and `auralink data`. */
#include "base/buf.h"
#include "cmd/cli.h"

#include <curl/curl.h>

#include <inttypes.h>
#include <stdio.h>

enum { PATH_BYTES_MAX = 4096 };

static void show_rooms(const json_t *rooms) {
    static const char *const heading[] = {"SID",        "NAME",    "PARTICIPANTS",
                                          "PUBLISHERS", "CREATED", "METADATA"};
    struct cli_table *t = cli_table_new(CLI_COUNT(heading), heading);
    size_t i;
    json_t *room;
    json_array_foreach(rooms, i, room) {
        char participants[24], publishers[24], created[CLI_TIME_BYTES];
        snprintf(participants, sizeof(participants), "%" PRId64,
                 cli_number(room, "num_participants"));
        snprintf(publishers, sizeof(publishers), "%" PRId64, cli_number(room, "num_publishers"));
        cli_table_row(t, (const char *[]){cli_text(room, "sid"), cli_text(room, "name"),
                                          participants, publishers,
                                          cli_time(created, cli_number(room, "creation_time")),
                                          cli_text(room, "metadata")});
    }
    cli_table_print(t);
}

static void show_list(const json_t *response) {
    show_rooms(json_object_get(response, "rooms"));
}

static void show_one(const json_t *room) {
    json_t *rooms = json_pack("[O]", room);
    show_rooms(rooms);
    json_decref(rooms);
}

static int list(struct cli *cli, const char *const *names, size_t count) {
    return cli_finish(cli,
                      cli_room_service(cli, "ListRooms", NULL,
                                       json_pack("{s:o}", "names", cli_strings(names, count))),
                      show_list);
}

static struct {
    uint64_t empty, departure, most;
    const char *metadata, *preset, *egress;
    struct aura_arg_list agents;
    bool sync_streams;
} new_room;

static const struct aura_arg create_options[] = {
    {"empty-timeout", AURA_ARG_UINT, &new_room.empty, "SECONDS",
     "keep it this long before anyone joins", NULL, UINT32_MAX},
    {"departure-timeout", AURA_ARG_UINT, &new_room.departure, "SECONDS",
     "keep it this long after the last one left", NULL, UINT32_MAX},
    {"max-participants", AURA_ARG_UINT, &new_room.most, "N", "refuse more than N (0 = no limit)",
     NULL, UINT32_MAX},
    {"metadata", AURA_ARG_STR, &new_room.metadata, "TEXT", "metadata of the room", NULL, 0},
    {"preset", AURA_ARG_STR, &new_room.preset, "NAME",
     "one of the server's room.room_configurations", NULL, 0},
    {"agent", AURA_ARG_LIST, &new_room.agents, "NAME", "an agent that the room gets", NULL, 0},
    {"egress", AURA_ARG_STR, &new_room.egress, "JSON",
     "what is recorded by itself: a RoomEgress, such as {\"room\": {...}}", NULL, 0},
    {"sync-streams", AURA_ARG_FLAG, &new_room.sync_streams, NULL,
     "sound and picture of a participant as one stream", NULL, 0},
};

static int create(struct cli *cli, const char *const *words, size_t count) {
    (void)count;
    json_t *request = json_pack("{s:s, s:I, s:I, s:I, s:b}", "name", words[0], "empty_timeout",
                                (json_int_t)new_room.empty, "departure_timeout",
                                (json_int_t)new_room.departure, "max_participants",
                                (json_int_t)new_room.most, "sync_streams", new_room.sync_streams);
    cli_set_text(request, "metadata", new_room.metadata);
    cli_set_text(request, "room_preset", new_room.preset);
    if (new_room.agents.count) {
        json_t *agents = json_array();
        for (size_t i = 0; i < new_room.agents.count; i++) {
            json_array_append_new(agents,
                                  json_pack("{s:s}", "agent_name", new_room.agents.items[i]));
        }
        json_object_set_new(request, "agents", agents);
    }
    if (new_room.egress) {
        json_t *egress = cli_object("--egress", new_room.egress);
        if (!egress) {
            json_decref(request);
            return CLI_USAGE;
        }
        json_object_set_new(request, "egress", egress);
    }
    return cli_finish(cli, cli_room_service(cli, "CreateRoom", NULL, request), show_one);
}

static int delete_room(struct cli *cli, const char *const *words, size_t count) {
    (void)count;
    return cli_done(cli,
                    cli_room_service(cli, "DeleteRoom", NULL, json_pack("{s:s}", "room", words[0])),
                    "deleted");
}

static int update_metadata(struct cli *cli, const char *const *words, size_t count) {
    (void)count;
    return cli_done(
        cli,
        cli_room_service(cli, "UpdateRoomMetadata", words[0],
                         json_pack("{s:s, s:s}", "room", words[0], "metadata", words[1])),
        "updated");
}

static void show_json(const json_t *response) {
    (void)cli_print_json(response);
}

static int debug(struct cli *cli, const char *const *words, size_t count) {
    (void)count;
    struct aura_buf path = AURA_BUF(PATH_BYTES_MAX);
    char *escaped = curl_easy_escape(NULL, words[0], 0);
    json_t *response = NULL;
    aura_buf_printf(&path, "debug/rooms/%s", escaped ? escaped : "");
    if (escaped && !path.err) {
        response = cli_get(cli, aura_buf_text(&path), words[0]);
    }
    curl_free(escaped);
    aura_buf_free(&path);
    return cli_finish(cli, response, show_json);
}

/* ---- data ---- */

static struct {
    struct aura_arg_list to;
    const char *topic;
    bool lossy;
} data;

const struct aura_arg cli_data_options[3] = {
    {"to", AURA_ARG_LIST, &data.to, "IDENTITY", "only to this participant", NULL, 0},
    {"topic", AURA_ARG_STR, &data.topic, "NAME", "topic of the message", NULL, 0},
    {"lossy", AURA_ARG_FLAG, &data.lossy, NULL, "send once, without retransmission", NULL, 0},
};

int cli_data_send(struct cli *cli, const char *const *words, size_t count) {
    (void)count;
    json_t *request = cli_data_request(words[0], words[1], data.lossy);
    json_object_set_new(request, "destination_identities",
                        cli_strings(data.to.items, data.to.count));
    cli_set_text(request, "topic", data.topic);
    return cli_done(cli, cli_room_service(cli, "SendData", words[0], request), "sent");
}

/* ---- the tables ---- */

#define SEND                                                                                       \
    .operands = "ROOM TEXT", .operands_min = 2, .operands_max = 2,                                 \
    .summary = "send a message to a room",                                                         \
    .about = "Sends a data message to the participants of a room.", CLI_OPTIONS(cli_data_options), \
    .flags = CLI_SERVER, .grants = CLI_GRANT_ROOM_ADMIN, .run = cli_data_send

static const struct cli_command room_commands[] = {
    {.name = "list",
     .operands = "[NAME...]",
     .operands_max = CLI_WORDS_MAX,
     .summary = "list rooms",
     .about = "Lists the rooms of a server, or those with the given names.",
     .flags = CLI_SERVER,
     .grants = CLI_GRANT_ROOM_LIST,
     .run = list},
    {.name = "create",
     .operands = "NAME",
     .operands_min = 1,
     .operands_max = 1,
     .summary = "create a room",
     .about = "Creates a room. If it exists, changes what is given and shows it.",
     CLI_OPTIONS(create_options),
     .flags = CLI_SERVER,
     .grants = CLI_GRANT_ROOM_CREATE | CLI_GRANT_ROOM_RECORD,
     .run = create},
    {.name = "delete",
     .operands = "NAME",
     .operands_min = 1,
     .operands_max = 1,
     .summary = "end a room",
     .about = "Ends a room: everybody in it is disconnected.",
     .flags = CLI_SERVER,
     .grants = CLI_GRANT_ROOM_CREATE,
     .run = delete_room},
    {.name = "update-metadata",
     .operands = "NAME TEXT",
     .operands_min = 2,
     .operands_max = 2,
     .summary = "replace a room's metadata",
     .about = "Replaces the metadata of a room.",
     .flags = CLI_SERVER,
     .grants = CLI_GRANT_ROOM_ADMIN,
     .run = update_metadata},
    {.name = "send-data", SEND},
    {.name = "debug",
     .operands = "NAME",
     .operands_min = 1,
     .operands_max = 1,
     .summary = "show who gets which layer of what, and why",
     .about = "Prints, as JSON, what each subscriber of a room gets of each track, and why.",
     .flags = CLI_SERVER,
     .grants = CLI_GRANT_ROOM_ADMIN,
     .run = debug},
};

static const struct cli_command data_commands[] = {{.name = "send", SEND}};

CLI_GROUP(cli_group_room, "room", "rooms of a server", room_commands);
CLI_GROUP(cli_group_data, "data", "messages to a room", data_commands);
