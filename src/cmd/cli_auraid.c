/* SPDX-License-Identifier: Apache-2.0 */
/* `auralink auraid`: who is known in an app, and a person's rights to what is kept of them. */
#include "base/buf.h"
#include "cmd/cli.h"
#include "cmd/cli_appservice.h"

#include <curl/curl.h>

#include <inttypes.h>
#include <stdio.h>

enum { PATH_BYTES_MAX = 4096 };

static struct {
    uint64_t limit;
    const char *after, *display;
    bool agents;
} which = {.limit = 100};

/* @param end  of a query that begins already: "as=" or "&after=" */
static void put_escaped(struct aura_buf *path, const char *end, const char *text) {
    char *escaped = curl_easy_escape(NULL, text, 0);
    aura_buf_printf(path, "%s%s", end, escaped ? escaped : "");
    curl_free(escaped);
}

/* One request about a person of this app. */
static json_t *about(const struct cli *cli, const char *method, const char *what, const char *id) {
    struct aura_buf path = AURA_BUF(PATH_BYTES_MAX);
    aura_buf_printf(&path, "aura/v1/ids/me%s?", what);
    put_escaped(&path, "as=", id);
    json_t *response = cli_rest(cli, method, aura_buf_text(&path), NULL);
    aura_buf_free(&path);
    return response;
}

static void show_table(const json_t *list) {
    static const char *const heading[] = {"ID", "KIND", "DISPLAY", "PRIVACY", "REGION", "SINCE"};
    struct cli_table *t = cli_table_new(CLI_COUNT(heading), heading);
    size_t i;
    json_t *who;
    json_array_foreach(list, i, who) {
        char since[CLI_TIME_BYTES];
        (void)cli_time(since, cli_number(who, "created_us") / 1000000);
        cli_table_row(t, (const char *[]){cli_text(who, "id"), cli_text(who, "kind"),
                                          cli_text(who, "display"), cli_text(who, "privacy"),
                                          cli_text(who, "home_region"), since});
    }
    cli_table_print(t);
}

static void show_list(const json_t *response) {
    show_table(json_object_get(response, "ids"));
}

static void show_one(const json_t *response) {
    json_t *list = json_array();
    json_array_append(list, (json_t *)(uintptr_t)response);
    show_table(list);
    json_decref(list);
}

static void show_json(const json_t *response) {
    (void)cli_print_json(response);
}

static const struct aura_arg list_options[] = {
    {"agents", AURA_ARG_FLAG, &which.agents, NULL, "agents, not people", NULL, 0},
    {"after", AURA_ARG_STR, &which.after, "ID", "those that come behind this one", NULL, 0},
    {"limit", AURA_ARG_UINT, &which.limit, "N", "at most so many (default 100)", NULL, 1000},
};

static int list(struct cli *cli, const char *const *words, size_t count) {
    (void)words;
    (void)count;
    struct aura_buf path = AURA_BUF(PATH_BYTES_MAX);
    aura_buf_printf(&path, "aura/v1/ids?limit=%" PRIu64 "&kind=%s", which.limit,
                    which.agents ? "agent" : "user");
    if (which.after) {
        put_escaped(&path, "&after=", which.after);
    }
    json_t *response = cli_rest(cli, "GET", aura_buf_text(&path), NULL);
    aura_buf_free(&path);
    return cli_finish(cli, response, show_list);
}

static int get(struct cli *cli, const char *const *words, size_t count) {
    (void)count;
    return cli_finish(cli, about(cli, "GET", "", words[0]), show_one);
}

static const struct aura_arg of_options[] = {
    {"agent", AURA_ARG_FLAG, &which.agents, NULL, "the name is that of an agent", NULL, 0},
    {"display", AURA_ARG_STR, &which.display, "TEXT", "display name, if it is made now", NULL, 0},
};

static int of(struct cli *cli, const char *const *words, size_t count) {
    (void)count;
    json_t *request = json_pack("{s:s}", which.agents ? "agent" : "identity", words[0]);
    if (which.display) {
        json_object_set_new(request, "display", json_string(which.display));
    }
    return cli_finish(cli, cli_rest(cli, "POST", "aura/v1/ids", request), show_one);
}

static int export(struct cli *cli, const char *const *words, size_t count) {
    (void)count;
    return cli_finish(cli, about(cli, "GET", "/export", words[0]), show_json);
}

static int delete (struct cli *cli, const char *const *words, size_t count) {
    (void)count;
    return cli_done(cli, about(cli, "DELETE", "", words[0]), "deleted");
}

#define APP .flags = CLI_SERVER, .grants = CLI_GRANT_ROOM_LIST | CLI_GRANT_ROOM_CREATE

static const struct cli_command commands[] = {
    {.name = "list",
     .operands = "",
     .summary = "list the AuraIDs of an app",
     .about = "Lists who is known to the app, which is the API key, in the order of their names.",
     CLI_OPTIONS(list_options),
     APP,
     .run = list},
    {.name = "get",
     .operands = "ID",
     .operands_min = 1,
     .operands_max = 1,
     .summary = "show an AuraID",
     .about = "Shows an AuraID (@name.aura) that is known to the app.",
     APP,
     .run = get},
    {.name = "of",
     .operands = "IDENTITY",
     .operands_min = 1,
     .operands_max = 1,
     .summary = "the AuraID of a participant's identity",
     .about = "Shows the AuraID of somebody who joins with this identity, and makes it if there is "
              "none.",
     CLI_OPTIONS(of_options),
     APP,
     .run = of},
    {.name = "export",
     .operands = "ID",
     .operands_min = 1,
     .operands_max = 1,
     .summary = "all that is kept of a person",
     .about = "Prints all that the server keeps of a person, as JSON.",
     APP,
     .run = export},
    {.name = "delete",
     .operands = "ID",
     .operands_min = 1,
     .operands_max = 1,
     .summary = "delete all that is kept of a person",
     .about = "Deletes an AuraID and all that belongs to it. Its next join makes a new one.",
     APP,
     .run = delete},
    {.name = "appservice",
     .operands = "",
     .summary = "make AuraIDs users of a homeserver",
     .about = "Writes the registration file by which a Matrix homeserver and auralink-server know "
              "each other, and says what to do with it. See docs/matrix.md.",
     CLI_OPTIONS(cli_appservice_options),
     .run = cli_appservice},
};

CLI_GROUP(cli_group_auraid, "auraid", "AuraIDs of an app's people and agents", commands);
