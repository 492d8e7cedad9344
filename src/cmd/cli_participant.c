/* SPDX-License-Identifier: Apache-2.0 */
/* `auralink participant`: who is in a room, and what can be done with them. */
#include "cmd/cli.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum { NAME_BYTES = 64 };

/* ---- showing ---- */

static void show_participants(const json_t *participants) {
    static const char *const heading[] = {"SID", "IDENTITY", "NAME", "STATE", "JOINED", "TRACKS"};
    struct cli_table *t = cli_table_new(CLI_COUNT(heading), heading);
    size_t i;
    json_t *p;
    json_array_foreach(participants, i, p) {
        char joined[CLI_TIME_BYTES], tracks[24];
        snprintf(tracks, sizeof(tracks), "%zu", json_array_size(json_object_get(p, "tracks")));
        cli_table_row(t, (const char *[]){cli_text(p, "sid"), cli_text(p, "identity"),
                                          cli_text(p, "name"), cli_text(p, "state"),
                                          cli_time(joined, cli_number(p, "joined_at")), tracks});
    }
    cli_table_print(t);
}

static void show_tracks(const json_t *participant) {
    static const char *const heading[] = {"TRACK", "TYPE",  "SOURCE", "CODEC",
                                          "SIZE",  "MUTED", "NAME"};
    struct cli_table *t = cli_table_new(CLI_COUNT(heading), heading);
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

static void show_list(const json_t *response) {
    show_participants(json_object_get(response, "participants"));
}

static void show_pairs(const char *name, const json_t *object) {
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)(uintptr_t)object, key, value) {
        char *text = json_dumps(value, JSON_ENCODE_ANY);
        printf("%s %s = %s\n", name, key, text ? text : "");
        free(text); /* library's memory */
    }
}

static void show_one(const json_t *participant) {
    json_t *all = json_pack("[O]", participant);
    show_participants(all);
    json_decref(all);
    if (json_array_size(json_object_get(participant, "tracks"))) {
        printf("\n");
        show_tracks(participant);
    }
    if (cli_text(participant, "metadata")[0]) {
        printf("\nmetadata: %s\n", cli_text(participant, "metadata"));
    }
    show_pairs("attribute", json_object_get(participant, "attributes"));
    show_pairs("permission", json_object_get(participant, "permission"));
}

/* ---- the commands; all begin with ROOM, most with ROOM IDENTITY ---- */

static json_t *who(const char *const words[2]) {
    return json_pack("{s:s, s:s}", "room", words[0], "identity", words[1]);
}

static int list(struct cli *cli, const char *const *words, size_t count) {
    (void)count;
    return cli_finish(
        cli,
        cli_room_service(cli, "ListParticipants", words[0], json_pack("{s:s}", "room", words[0])),
        show_list);
}

static int get(struct cli *cli, const char *const *words, size_t count) {
    (void)count;
    return cli_finish(cli, cli_room_service(cli, "GetParticipant", words[0], who(words)), show_one);
}

static int remove_one(struct cli *cli, const char *const *words, size_t count) {
    (void)count;
    return cli_done(cli, cli_room_service(cli, "RemoveParticipant", words[0], who(words)),
                    "removed");
}

static bool unmute;
static const struct aura_arg mute_options[] = {
    {"unmute", AURA_ARG_FLAG, &unmute, NULL,
     "unmute instead (the server must allow room.enable_remote_unmute)", NULL, 0},
};

static int mute(struct cli *cli, const char *const *words, size_t count) {
    (void)count;
    json_t *request = who(words);
    cli_set_text(request, "track_sid", words[2]);
    json_object_set_new(request, "muted", json_boolean(!unmute));
    return cli_done(cli, cli_room_service(cli, "MutePublishedTrack", words[0], request),
                    unmute ? "unmuted" : "muted");
}

static bool unsubscribe;
static const struct aura_arg subscribe_options[] = {
    {"unsubscribe", AURA_ARG_FLAG, &unsubscribe, NULL, "take the tracks away instead", NULL, 0},
};

static int subscribe(struct cli *cli, const char *const *words, size_t count) {
    json_t *request = who(words);
    json_object_set_new(request, "track_sids", cli_strings(words + 2, count - 2));
    json_object_set_new(request, "subscribe", json_boolean(!unsubscribe));
    return cli_done(cli, cli_room_service(cli, "UpdateSubscriptions", words[0], request),
                    unsubscribe ? "unsubscribed" : "subscribed");
}

/* ---- update ---- */

static struct {
    const char *name, *metadata, *attributes, *permissions;
    struct aura_arg_list pairs;
} change;

static const struct aura_arg update_options[] = {
    {"name", AURA_ARG_STR, &change.name, "TEXT", "new display name", NULL, 0},
    {"metadata", AURA_ARG_STR, &change.metadata, "TEXT", "new metadata", NULL, 0},
    {"attribute", AURA_ARG_LIST, &change.pairs, "K=V",
     "set an attribute; an empty value deletes it", NULL, 0},
    {"attributes", AURA_ARG_STR, &change.attributes, "JSON", "the same of several, as an object",
     NULL, 0},
    {"permissions", AURA_ARG_STR, &change.permissions, "JSON",
     "permissions to change, such as {\"can_publish\": false}; the others stay", NULL, 0},
};

/* "canPublish" → "can_publish": the spelling that the server answers in. */
static void snake(char out[NAME_BYTES], const char *name) {
    size_t n = 0;
    for (; *name && n + 2 < NAME_BYTES; name++) {
        if (isupper((unsigned char)*name)) {
            out[n++] = '_';
        }
        out[n++] = (char)tolower((unsigned char)*name);
    }
    out[n] = 0;
}

/* The participant's permissions with those of @p text changed. @return NULL after a message */
static json_t *permissions_of(const struct cli *cli, const char *const *words, const char *text) {
    json_t *wanted = cli_object("--permissions", text), *value;
    json_t *now = wanted ? cli_room_service(cli, "GetParticipant", words[0], who(words)) : NULL;
    json_t *all = NULL;
    if (now) {
        all = json_deep_copy(json_object_get(now, "permission"));
        all = all ? all : json_object();
    }
    const char *key;
    json_object_foreach(wanted, key, value) {
        char name[NAME_BYTES];
        snake(name, key);
        json_object_set(all, name, value);
    }
    json_decref(now);
    json_decref(wanted);
    return all;
}

/* @return 0 or an exit status after a message */
static int fill_update(const struct cli *cli, const char *const *words, json_t *request) {
    json_t *pairs = cli_pairs(&change.pairs);
    json_t *more =
        pairs && change.attributes ? cli_object("--attributes", change.attributes) : NULL;
    if (!pairs || (change.attributes && !more)) {
        json_decref(pairs);
        return CLI_USAGE;
    }
    json_object_update(pairs, more);
    json_decref(more);
    json_object_set_new(request, "attributes", pairs);
    cli_set_text(request, "name", change.name);
    cli_set_text(request, "metadata", change.metadata);
    if (change.permissions) {
        json_t *permissions = permissions_of(cli, words, change.permissions);
        json_object_set_new(request, "permission", permissions);
        return permissions ? 0 : CLI_FAILED;
    }
    return 0;
}

static int update(struct cli *cli, const char *const *words, size_t count) {
    (void)count;
    if (!change.name && !change.metadata && !change.attributes && !change.permissions &&
        !change.pairs.count) {
        cli_error("See --help.",
                  "what is to change? --name, --metadata, --attribute, --permissions");
        return CLI_USAGE;
    }
    json_t *request = who(words);
    int status = fill_update(cli, words, request);
    if (status) {
        json_decref(request);
        return status;
    }
    return cli_done(cli, cli_room_service(cli, "UpdateParticipant", words[0], request), "updated");
}

/* ---- other rooms, and calls ---- */

static int elsewhere(struct cli *cli, const char *const *words, const char *method,
                     const char *text) {
    json_t *request = who(words);
    cli_set_text(request, "destination_room", words[2]);
    cli->destination = words[2];
    return cli_done(cli, cli_room_service(cli, method, words[0], request), text);
}

static int move(struct cli *cli, const char *const *words, size_t count) {
    (void)count;
    return elsewhere(cli, words, "MoveParticipant", "moved");
}

static int forward(struct cli *cli, const char *const *words, size_t count) {
    (void)count;
    return elsewhere(cli, words, "ForwardParticipant", "forwarded");
}

/* Below the time that a call may take, so that the server is who says that nothing came. */
enum { RPC_DEFAULT_MS = 10000, RPC_LONGEST_MS = 14000 };
static uint64_t rpc_timeout_ms = RPC_DEFAULT_MS;
static const struct aura_arg rpc_options[] = {
    {"timeout", AURA_ARG_UINT, &rpc_timeout_ms, "MS",
     "wait so long for the response (default 10000)", NULL, RPC_LONGEST_MS},
};

static void show_payload(const json_t *response) {
    printf("%s\n", cli_text(response, "payload"));
}

static int rpc(struct cli *cli, const char *const *words, size_t count) {
    json_t *request = json_pack("{s:s, s:s, s:s, s:s}", "room", words[0], "destination_identity",
                                words[1], "method", words[2], "payload", count > 3 ? words[3] : "");
    json_object_set_new(request, "response_timeout_ms", json_integer((json_int_t)rpc_timeout_ms));
    return cli_finish(cli, cli_room_service(cli, "PerformRpc", words[0], request), show_payload);
}

/* ---- the table ---- */

#define ADMIN .flags = CLI_SERVER, .grants = CLI_GRANT_ROOM_ADMIN
#define OPERANDS(text, min, max) .operands = (text), .operands_min = (min), .operands_max = (max)

static const struct cli_command commands[] = {
    {.name = "list",
     OPERANDS("ROOM", 1, 1),
     .summary = "list who is in a room",
     .about = "Lists who is in a room.",
     ADMIN,
     .run = list},
    {.name = "get",
     OPERANDS("ROOM IDENTITY", 2, 2),
     .summary = "show a participant and their tracks",
     .about = "Shows one participant, their tracks, attributes and permissions.",
     ADMIN,
     .run = get},
    {.name = "remove",
     OPERANDS("ROOM IDENTITY", 2, 2),
     .summary = "disconnect a participant",
     .about = "Disconnects a participant. Their token stays valid: they can join again until it "
              "expires.",
     ADMIN,
     .run = remove_one},
    {.name = "mute",
     OPERANDS("ROOM IDENTITY TRACK_SID", 3, 3),
     .summary = "mute a track",
     .about = "Mutes a published track.",
     CLI_OPTIONS(mute_options),
     ADMIN,
     .run = mute},
    {.name = "update",
     OPERANDS("ROOM IDENTITY", 2, 2),
     .summary = "change name, metadata, attributes, permissions",
     .about = "Changes name, metadata, attributes or permissions of a participant.",
     CLI_OPTIONS(update_options),
     ADMIN,
     .run = update},
    {.name = "subscribe",
     OPERANDS("ROOM IDENTITY TRACK_SID...", 3, CLI_WORDS_MAX),
     .summary = "give tracks to a participant, or take them away",
     .about = "Subscribes a participant to tracks of others, as their client could itself.",
     CLI_OPTIONS(subscribe_options),
     ADMIN,
     .run = subscribe},
    {.name = "rpc",
     OPERANDS("ROOM IDENTITY METHOD [PAYLOAD]", 3, 4),
     .summary = "call a method of a participant",
     .about = "Calls a method that a participant's client has registered (RPC), and prints its "
              "response.",
     CLI_OPTIONS(rpc_options),
     ADMIN,
     .run = rpc},
    {.name = "move",
     OPERANDS("ROOM IDENTITY DESTINATION", 3, 3),
     .summary = "move a participant to another room",
     .about = "Has a participant's client join another room, with what it publishes: it gets a "
              "token for that\nroom and reconnects. LiveKit Cloud does the same; LiveKit's "
              "open-source server answers that it\ndoes not.",
     ADMIN,
     .run = move},
    {.name = "forward",
     OPERANDS("ROOM IDENTITY DESTINATION", 3, 3),
     .summary = "show a participant in another room too",
     .about = "Forwards a participant's tracks to another room. LiveKit Cloud does; LiveKit's "
              "open-source\nserver and this one answer that they do not.",
     ADMIN,
     .run = forward},
};

CLI_GROUP(cli_group_participant, "participant", "who is in a room, and what may be done with them",
          commands);
