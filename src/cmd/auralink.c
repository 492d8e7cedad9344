/* SPDX-License-Identifier: Apache-2.0 */
/* The command line of AuraLink: picks the subcommand. */
#include "cmd/cli.h"

#include <curl/curl.h>

#include <stdio.h>
#include <string.h>

static const struct cli_command commands[] = {
    {"dev", "", "start a server for development and print how to connect", cli_dev},
    {"token", "create", "make a join token", cli_token_create},
    {"room", "list", "list rooms", cli_room_list},
    {"room", "create", "create a room", cli_room_create},
    {"room", "delete", "end a room", cli_room_delete},
    {"room", "update-metadata", "replace a room's metadata", cli_room_metadata},
    {"participant", "list", "list who is in a room", cli_participant_list},
    {"participant", "get", "show a participant and their tracks", cli_participant_get},
    {"participant", "remove", "disconnect a participant", cli_participant_remove},
    {"participant", "mute", "mute a track", cli_participant_mute},
    {"participant", "update", "change name, metadata, attributes", cli_participant_update},
    {"data", "send", "send a message to a room", cli_data_send},
    {"dispatch", "create", "send an agent to a room", cli_dispatch_create},
    {"dispatch", "list", "list the agents that a room wants", cli_dispatch_list},
    {"dispatch", "delete", "take a dispatch back", cli_dispatch_delete},
    {"webhooks", "list", "show events and what became of them", cli_webhooks_list},
    {"webhooks", "replay", "send events again", cli_webhooks_replay},
    {"aic", "top", "show what AI compression saves, live", cli_aic_top},
    {"turn", "config", "write the configuration of coturn", cli_turn_config},
    {"doctor", "", "check from here that calls can get through", cli_doctor},
    {"publish", "", "send a file or a test picture to a room", cli_publish},
    {"subscribe", "", "receive a video of a room", cli_subscribe},
    {"record", "compose", "make one file of a recording", cli_record_compose},
    {"record", "", "record a room, each track to a file", cli_record},
    {"load-test", "", "join many participants and measure", cli_load_test},
    {"completion", "", "print the shell's completion of commands", cli_completion},
    {"man", "", "print the manual page", cli_man},
};

const struct cli_command *cli_commands(size_t *count) {
    *count = sizeof(commands) / sizeof(commands[0]);
    return commands;
}

static void usage(FILE *out) {
    fprintf(out, "Usage: auralink COMMAND [options]\n\nCommands:\n");
    for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
        char name[64];
        snprintf(name, sizeof(name), "%s %s", commands[i].group, commands[i].name);
        fprintf(out, "  %-28s %s\n", name, commands[i].help);
    }
    fprintf(out, "\n'auralink COMMAND --help' explains one. The server is auralink-server.\n");
}

int main(int argc, char **argv) {
    if (argc < 2) {
        usage(stderr);
        return CLI_USAGE;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 ||
        strcmp(argv[1], "help") == 0) {
        usage(stdout);
        return CLI_OK;
    }
    if (strcmp(argv[1], "--version") == 0) {
        printf("auralink %s\n", AURA_VERSION);
        return CLI_OK;
    }
    for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
        const struct cli_command *c = &commands[i];
        bool alone = c->name[0] == 0;
        if (strcmp(c->group, argv[1]) != 0) {
            continue;
        }
        if (alone) {
            return c->run(argc - 1, argv + 1);
        }
        if (argc > 2 && strcmp(c->name, argv[2]) == 0) {
            curl_global_init(CURL_GLOBAL_DEFAULT);
            int status = c->run(argc - 2, argv + 2);
            curl_global_cleanup();
            return status;
        }
    }
    fprintf(stderr, "auralink: no command '%s%s%s'\n\n", argv[1], argc > 2 ? " " : "",
            argc > 2 ? argv[2] : "");
    usage(stderr);
    return CLI_USAGE;
}
