/* SPDX-License-Identifier: Apache-2.0 */
/* `auralink dispatch`: which agents a room wants. */
#include "cmd/cli.h"

#include <stdio.h>

static void show(const json_t *dispatches) {
    static const char *const heading[] = {"ID", "AGENT", "ROOM", "JOBS", "METADATA"};
    struct cli_table *t = cli_table_new(CLI_COUNT(heading), heading);
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

static void show_list(const json_t *response) {
    show(json_object_get(response, "agent_dispatches"));
}

static void show_one(const json_t *dispatch) {
    json_t *all = json_pack("[O]", dispatch);
    show(all);
    json_decref(all);
}

static json_t *call(const struct cli *cli, const char *method, const char *room, json_t *request) {
    return cli_twirp(cli, "AgentDispatchService", method, room, request);
}

static const char *metadata, *deployment;
static const struct aura_arg create_options[] = {
    {"metadata", AURA_ARG_STR, &metadata, "TEXT", "what the agent is told", NULL, 0},
    {"deployment", AURA_ARG_STR, &deployment, "NAME",
     "only workers of this deployment (default: those without one)", NULL, 0},
};

static int create(struct cli *cli, const char *const *words, size_t count) {
    (void)count;
    json_t *request = json_pack("{s:s, s:s}", "room", words[0], "agent_name", words[1]);
    cli_set_text(request, "metadata", metadata);
    cli_set_text(request, "deployment", deployment);
    return cli_finish(cli, call(cli, "CreateDispatch", words[0], request), show_one);
}

/* All of a room, or with a second word that one. */
static int list(struct cli *cli, const char *const *words, size_t count) {
    json_t *request = json_pack("{s:s}", "room", words[0]);
    cli_set_text(request, "dispatch_id", count > 1 ? words[1] : NULL);
    json_t *response = call(cli, "ListDispatch", words[0], request);
    if (response && count > 1 &&
        json_array_size(json_object_get(response, "agent_dispatches")) == 0) {
        cli_error("auralink dispatch list ROOM shows those that are there.", "no dispatch %s",
                  words[1]);
        json_decref(response);
        return CLI_FAILED;
    }
    return cli_finish(cli, response, show_list);
}

static int delete_one(struct cli *cli, const char *const *words, size_t count) {
    (void)count;
    json_t *request = json_pack("{s:s, s:s}", "room", words[0], "dispatch_id", words[1]);
    return cli_finish(cli, call(cli, "DeleteDispatch", words[0], request), show_one);
}

#define ADMIN .flags = CLI_SERVER, .grants = CLI_GRANT_ROOM_ADMIN

static const struct cli_command commands[] = {
    {.name = "create",
     .operands = "ROOM AGENT",
     .operands_min = 2,
     .operands_max = 2,
     .summary = "send an agent to a room",
     .about = "Sends an agent, by its name, to a room.",
     CLI_OPTIONS(create_options),
     ADMIN,
     .run = create},
    {.name = "list",
     .operands = "ROOM",
     .operands_min = 1,
     .operands_max = 1,
     .summary = "list the agents that a room wants",
     .about = "Lists the agents that a room wants.",
     ADMIN,
     .run = list},
    {.name = "get",
     .operands = "ROOM DISPATCH_ID",
     .operands_min = 2,
     .operands_max = 2,
     .summary = "show one dispatch",
     .about = "Shows one dispatch of a room.",
     ADMIN,
     .run = list},
    {.name = "delete",
     .operands = "ROOM DISPATCH_ID",
     .operands_min = 2,
     .operands_max = 2,
     .summary = "take a dispatch back",
     .about = "Takes a dispatch back; its agents leave the room.",
     ADMIN,
     .run = delete_one},
};

CLI_GROUP(cli_group_dispatch, "dispatch", "which agents a room wants", commands);
