/* SPDX-License-Identifier: Apache-2.0 */
/** @file cli.h  What the subcommands of `auralink` share. */
#ifndef AURA_CMD_CLI_H
#define AURA_CMD_CLI_H

#include "cmd/args.h"

#include <jansson.h>

/** Where the server is and who we are; filled by the CLI_ARGS options of each command. */
struct cli {
    const char *url, *api_key, *api_secret;
    bool json;
};

#define CLI_DEFAULTS                                                                               \
    { .url = "http://localhost:7880", .api_key = "devkey", .api_secret = "secret" }

/* Rows for the option table of every command that talks to a server. */
#define CLI_ARGS(c)                                                                                \
    {"", 0, NULL, NULL, "Server:", NULL, 0}, {"url",                                               \
                                              AURA_ARG_STR,                                        \
                                              &(c)->url,                                           \
                                              "URL",                                               \
                                              "server (default http://localhost:7880)",            \
                                              "LIVEKIT_URL",                                       \
                                              0},                                                  \
        {"api-key",                                                                                \
         AURA_ARG_STR,                                                                             \
         &(c)->api_key,                                                                            \
         "KEY",                                                                                    \
         "API key (default devkey)",                                                               \
         "LIVEKIT_API_KEY",                                                                        \
         0},                                                                                       \
        {"api-secret",                                                                             \
         AURA_ARG_STR,                                                                             \
         &(c)->api_secret,                                                                         \
         "SECRET",                                                                                 \
         "its secret (default that of --dev)",                                                     \
         "LIVEKIT_API_SECRET",                                                                     \
         0},                                                                                       \
        {"ca-file",                                                                                \
         AURA_ARG_FILE_ENV,                                                                        \
         NULL,                                                                                     \
         "FILE",                                                                                   \
         "trust these authorities (PEM), not the system's",                                        \
         "SSL_CERT_FILE",                                                                          \
         0},                                                                                       \
    {                                                                                              \
        "json", AURA_ARG_FLAG, &(c)->json, NULL, "print JSON instead of a table", NULL, 0          \
    }

/** A subcommand: argv[0] is its own name. @return the exit status */
struct cli_command {
    const char *group, *name; /* name "" = the group itself is the command */
    const char *help;
    int (*run)(int argc, char **argv);
};

/** All subcommands. */
const struct cli_command *cli_commands(size_t *count);

enum { CLI_OK = 0, CLI_FAILED = 1, CLI_USAGE = 2 };

/** Turns the result of aura_args_parse() into an exit status; true if the command must end. */
bool cli_ends(int parse_result, int *status);

/** Grants of the token that a call is made with; `room` may be NULL. */
enum cli_grant { CLI_GRANT_ROOM_LIST = 1, CLI_GRANT_ROOM_CREATE = 2, CLI_GRANT_ROOM_ADMIN = 4 };

/**
 * Calls livekit.<service>/<method>. Takes @p request. Prints what went wrong, and what to do, to
 * stderr. @param response  out: owned by the caller
 * @return 0, or the error (then *response is NULL)
 */
AURA_NODISCARD int cli_twirp(const struct cli *cli, const char *service, const char *method,
                             unsigned grants, const char *room, json_t *request, json_t **response);
/** The same of RoomService. */
AURA_NODISCARD int cli_room_service(const struct cli *cli, const char *method, unsigned grants,
                                    const char *room, json_t *request, json_t **response);

/** GETs a path of the server ("debug/aic") that answers in JSON. As cli_room_service(). */
AURA_NODISCARD int cli_get(const struct cli *cli, const char *path, unsigned grants,
                           json_t **response);

/** POSTs to such a path, without a body. */
AURA_NODISCARD int cli_post(const struct cli *cli, const char *path, unsigned grants,
                            json_t **response);

/** @return an exit status; prints @p value as JSON with a line end */
int cli_print_json(const json_t *value);

/** A table with a heading; rows of `columns` strings each. Widths follow the content (UTF-8 aware).
 */
struct cli_table;
struct cli_table *cli_table_new(size_t columns, const char *const *headings);
/** Adds one row; NULL cells are empty. Texts are copied. */
void cli_table_row(struct cli_table *t, const char *const *cells);
/** Prints and frees. */
void cli_table_print(struct cli_table *t);

/** Fields of JSON objects in either spelling, "" where they are absent. */
const char *cli_text(const json_t *object, const char *name);
/** Number or numeric string (proto3 JSON writes int64 as text), 0 where it is absent. */
int64_t cli_number(const json_t *object, const char *name);

/** A SendData request: TEXT as base64, as proto3 JSON writes bytes. */
json_t *cli_data_request(const char *room, const char *text, bool lossy);

/** "key=value" items into a JSON object. @return NULL after a message if one has no '=' */
json_t *cli_pairs(const struct aura_arg_list *list);

int cli_dev(int argc, char **argv);
int cli_token_create(int argc, char **argv);
int cli_room_list(int argc, char **argv);
int cli_room_create(int argc, char **argv);
int cli_room_delete(int argc, char **argv);
int cli_room_metadata(int argc, char **argv);
int cli_participant_list(int argc, char **argv);
int cli_participant_get(int argc, char **argv);
int cli_participant_remove(int argc, char **argv);
int cli_participant_mute(int argc, char **argv);
int cli_participant_update(int argc, char **argv);
int cli_data_send(int argc, char **argv);
int cli_dispatch_create(int argc, char **argv);
int cli_dispatch_list(int argc, char **argv);
int cli_dispatch_delete(int argc, char **argv);
int cli_webhooks_list(int argc, char **argv);
int cli_webhooks_replay(int argc, char **argv);
int cli_aic_top(int argc, char **argv);
int cli_publish(int argc, char **argv);
int cli_subscribe(int argc, char **argv);
int cli_turn_config(int argc, char **argv);
int cli_doctor(int argc, char **argv);
int cli_completion(int argc, char **argv);
int cli_man(int argc, char **argv);
int cli_record(int argc, char **argv);
int cli_record_compose(int argc, char **argv);
int cli_load_test(int argc, char **argv);

#endif
