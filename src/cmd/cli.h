/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file cli.h  The commands of `auralink`: their table, and what they share.
 *
 * A command is one row (struct cli_command) in the table of its group, beside its function.
 * Parsing,
 * --help, completion and the manual are made of it; auralink.c runs it. One command runs in a
 * process, so what options write to is static.
 */
#ifndef AURA_CMD_CLI_H
#define AURA_CMD_CLI_H

#include "cmd/args.h"

#include <jansson.h>

#define CLI_COUNT(a) (sizeof(a) / sizeof((a)[0]))

/** Grants of the token that a call is made with. */
enum cli_grant {
    CLI_GRANT_ROOM_LIST = 1,
    CLI_GRANT_ROOM_CREATE = 2,
    CLI_GRANT_ROOM_ADMIN = 4,
    CLI_GRANT_ROOM_RECORD = 8,
};

/** Where the server is, who we are, and how to print. */
struct cli {
    const char *program; /* "auralink room create": begins every message */
    const char *url, *api_key, *api_secret;
    unsigned grants;         /* enum cli_grant bits: the command's row says which */
    const char *destination; /* a second room that a call is about, or NULL */
    bool json;
};

enum cli_flags {
    CLI_SERVER =
        1, /* talks to a server: --url, --api-key, --api-secret, --ca-file are options too */
    CLI_OWN_OPTIONS = 2, /* reads its words itself, from the first one on */
    CLI_REPORTS = 4,     /* may end with 1 after a report that says what is wrong */
};

struct cli_command {
    const char *name;     /* "" = the group's name alone is the command */
    const char *operands; /* "ROOM [TEXT]", or "" */
    size_t operands_min, operands_max;
    const char *summary; /* one line, in `auralink --help` */
    const char *about;   /* sentences for its own --help and the manual */
    const struct aura_arg *options;
    size_t option_count;
    unsigned flags, grants;
    /* `words` are the operands. @return an exit status, after cli_error() if it is not CLI_OK */
    int (*run)(struct cli *cli, const char *const *words, size_t count);
};

#define CLI_OPTIONS(array) .options = (array), .option_count = CLI_COUNT(array)

struct cli_group {
    const char *name, *summary;
    const struct cli_command *commands;
    size_t count;
};

#define CLI_GROUP(variable, text, about, array)                                                    \
    const struct cli_group variable = {                                                            \
        .name = (text), .summary = (about), .commands = (array), .count = CLI_COUNT(array)}

extern const struct cli_group cli_group_dev, cli_group_token, cli_group_room, cli_group_participant,
    cli_group_data, cli_group_dispatch, cli_group_egress, cli_group_webhooks, cli_group_auraid,
    cli_group_operator, cli_group_aic, cli_group_turn, cli_group_doctor, cli_group_publish,
    cli_group_subscribe, cli_group_record, cli_group_load_test, cli_group_completion, cli_group_man;

/** All groups, in the order of --help. */
const struct cli_group *const *cli_groups(size_t *count);

enum { CLI_OPTIONS_MAX = 64, CLI_PROGRAM_BYTES = 64, CLI_WORDS_MAX = AURA_ARG_LIST_MAX };
/** The whole command line of a command: its own options and those that all have. */
struct cli_line {
    struct aura_command_line line;
    struct aura_arg args[CLI_OPTIONS_MAX];
    char program[CLI_PROGRAM_BYTES];
};
/** @param cli  where the options write to */
void cli_line_make(struct cli_line *out, struct cli *cli, const struct cli_group *group,
                   const struct cli_command *command);
/** The defaults of --url, --api-key, --api-secret. */
void cli_defaults(struct cli *cli);

enum { CLI_OK = 0, CLI_FAILED = 1, CLI_USAGE = 2 };

/* ---- messages (cli_error.c) ---- */

/** From here on messages are this command's; @p cli is borrowed until the process ends. */
void cli_error_begin(const struct cli *cli);
/**
 * Says what went wrong, and what to do about it, on stderr. With --json also as an object
 * {"error", "hint"} on standard output, of the first error only. @param hint  a sentence or NULL
 */
__attribute__((format(printf, 2, 3))) void cli_error(const char *hint, const char *format, ...);
/** True once cli_error() has been called. */
bool cli_error_said(void);

/* ---- calls (cli_call.c) ---- */

/**
 * Calls livekit.<service>/<method> with a token of cli->grants. Takes @p request.
 * @param room  that the token is for, or NULL
 * @return the response, owned by the caller; NULL after cli_error()
 */
json_t *cli_twirp(const struct cli *cli, const char *service, const char *method, const char *room,
                  json_t *request);
/** The same of RoomService. */
json_t *cli_room_service(const struct cli *cli, const char *method, const char *room,
                         json_t *request);
/** GETs a path of the server ("debug/aic") that answers in JSON. */
json_t *cli_get(const struct cli *cli, const char *path, const char *room);
/** One request to the REST API ("aura/v1/ids"). Takes @p request; NULL = no body. An answer without
 * a body is an empty object. */
json_t *cli_rest(const struct cli *cli, const char *method, const char *path, json_t *request);
/** POSTs to such a path, without a body. */
json_t *cli_post(const struct cli *cli, const char *path);

/* ---- printing (cli_print.c) ---- */

typedef void(cli_show_fn)(const json_t *response);
/**
 * The end of a command: prints @p response as JSON or by @p show, and releases it.
 * @return the exit status; that of a failure if @p response is NULL
 */
int cli_finish(const struct cli *cli, json_t *response, cli_show_fn *show);
/** The same of a command that has nothing to show but that it is done. */
int cli_done(const struct cli *cli, json_t *response, const char *text);

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

enum { CLI_TIME_BYTES = 40 };
/** "2026-11-27 09:00:00Z" of a Unix time, "" of 0. @return @p out */
const char *cli_time(char out[CLI_TIME_BYTES], int64_t seconds);

/** Fields of JSON objects in either spelling, "" where they are absent. */
const char *cli_text(const json_t *object, const char *name);
/** Number or numeric string (proto3 JSON writes int64 as text), 0 where it is absent. */
int64_t cli_number(const json_t *object, const char *name);

/** A SendData request: TEXT as base64, as proto3 JSON writes bytes. */
json_t *cli_data_request(const char *room, const char *text, bool lossy);

/** "key=value" items into a JSON object. @return NULL after a message if one has no '=' */
json_t *cli_pairs(const struct aura_arg_list *list);
/** Texts into a JSON array. */
json_t *cli_strings(const char *const *texts, size_t count);
/** Sets a text of @p request if @p text is not NULL. */
void cli_set_text(json_t *request, const char *name, const char *text);
/** An object from the text of an option. @return NULL after a message that begins with @p option */
json_t *cli_object(const char *option, const char *text);

/* ---- shared between groups ---- */

/** `data send`, which is `room send-data` too. */
extern const struct aura_arg cli_data_options[3];
int cli_data_send(struct cli *cli, const char *const *words, size_t count);
/** `record compose`, beside `record`. */
extern const struct aura_arg cli_compose_options[10];
int cli_record_compose(struct cli *cli, const char *const *words, size_t count);

#endif
