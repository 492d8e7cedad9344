/* SPDX-License-Identifier: Apache-2.0 */
/* `auralink dispatch`: which agents a room wants. */
#include "cmd/cli.h"

#include <stdio.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static void show(const json_t *dispatches) {
    static const char *const heading[] = {"ID", "AGENT", "ROOM", "JOBS", "METADATA"};
    struct cli_table *t = cli_table_new(COUNT(heading), heading);
    size_t i;
    json_t *d;
    json_array_foreach(dispatches, i, d) {
        char jobs[24];
        const json_t *state = json_object_get(d, "state");
        snprintf(jobs, sizeof(jobs), "%zu", json_array_size(json_object_get(state, "jobs")));
        cli_table_row(t, (const char *[]){cli_text(d, "id"), cli_text(d, "agent_name"),
                                          cli_text(d, "room"), jobs, cli_text(d, "metadata")});
    }
    cli_table_print(t);
}

/* Prints the dispatches of @p list, or with --json the whole response. */
static int finish(const struct cli *cli, int err, json_t *response, const json_t *list) {
    int status = err ? CLI_FAILED : CLI_OK;
    if (!err && cli->json) {
        status = cli_print_json(response);
    } else if (!err) {
        show(list);
    }
    json_decref(response);
    return status;
}

static int call(const struct cli *cli, const char *method, const char *room, json_t *request,
                json_t **response) {
    return cli_twirp(cli, "AgentDispatchService", method, CLI_GRANT_ROOM_ADMIN, room, request,
                     response);
}

int cli_dispatch_create(int argc, char **argv) {
    struct cli cli = CLI_DEFAULTS;
    const char *metadata = "";
    const struct aura_arg args[] = {
        {"metadata", AURA_ARG_STR, &metadata, "TEXT", "what the agent is told", NULL, 0},
        CLI_ARGS(&cli)};
    const struct aura_command_line line = {"auralink dispatch create",
                                           "ROOM AGENT",
                                           "Sends an agent, by its name, to a room.",
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
    int err = call(&cli, "CreateDispatch", words[0],
                   json_pack("{s:s, s:s, s:s}", "room", words[0], "agent_name", words[1],
                             "metadata", metadata),
                   &response);
    json_t *list = err ? NULL : json_pack("[O]", response);
    status = finish(&cli, err, response, list);
    json_decref(list);
    return status;
}

int cli_dispatch_list(int argc, char **argv) {
    struct cli cli = CLI_DEFAULTS;
    const struct aura_arg args[] = {CLI_ARGS(&cli)};
    const struct aura_command_line line = {"auralink dispatch list",
                                           "ROOM",
                                           "Lists the agents that a room wants.",
                                           args,
                                           COUNT(args),
                                           1,
                                           1};
    const char *room;
    size_t n = 0;
    int status;
    if (cli_ends(aura_args_parse(&line, argc, argv, &room, &n), &status)) {
        return status;
    }
    json_t *response = NULL;
    int err = call(&cli, "ListDispatch", room, json_pack("{s:s}", "room", room), &response);
    return finish(&cli, err, response, json_object_get(response, "agent_dispatches"));
}

int cli_dispatch_delete(int argc, char **argv) {
    struct cli cli = CLI_DEFAULTS;
    const struct aura_arg args[] = {CLI_ARGS(&cli)};
    const struct aura_command_line line = {"auralink dispatch delete",
                                           "ROOM DISPATCH_ID",
                                           "Takes a dispatch back; its agents leave the room.",
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
    int err = call(&cli, "DeleteDispatch", words[0],
                   json_pack("{s:s, s:s}", "room", words[0], "dispatch_id", words[1]), &response);
    json_t *list = err ? NULL : json_pack("[O]", response);
    status = finish(&cli, err, response, list);
    json_decref(list);
    return status;
}
