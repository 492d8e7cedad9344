/* SPDX-License-Identifier: Apache-2.0 */
/* `auralink man`: the manual page, and with --json the table of commands itself. */
#include "cmd/cli.h"
#include "cmd/man.h"

#include <stdio.h>

typedef void(each_fn)(void *arg, const struct cli_group *group, const struct cli_command *command,
                      const struct aura_command_line *line);

static void each(each_fn *fn, void *arg) {
    size_t count;
    const struct cli_group *const *groups = cli_groups(&count);
    for (size_t g = 0; g < count; g++) {
        for (size_t i = 0; i < groups[g]->count; i++) {
            struct cli cli;
            struct cli_line line;
            cli_line_make(&line, &cli, groups[g], &groups[g]->commands[i]);
            fn(arg, groups[g], &groups[g]->commands[i], &line.line);
        }
    }
}

static const struct {
    unsigned grant;
    const char *name;
} grants[] = {{CLI_GRANT_ROOM_LIST, "roomList"},
              {CLI_GRANT_ROOM_CREATE, "roomCreate"},
              {CLI_GRANT_ROOM_ADMIN, "roomAdmin"},
              {CLI_GRANT_ROOM_RECORD, "roomRecord"}};

/* ---- the page ---- */

static void print_command(void *arg, const struct cli_group *group,
                          const struct cli_command *command, const struct aura_command_line *line) {
    (void)group;
    (void)arg;
    aura_man_command(stdout, line);
    struct aura_command_line own = *line;
    own.arg_count = command->option_count; /* what all have is told once, above */
    aura_man_options(stdout, &own);
    const char *between = ".PP\nGrants of its token: ";
    for (size_t i = 0; i < CLI_COUNT(grants); i++) {
        if (command->grants & grants[i].grant) {
            printf("%s%s", between, grants[i].name);
            between = ", ";
        }
    }
    if (command->grants) {
        printf(".\n");
    }
}

/* The options that a command of a server has beside its own. */
static void common(struct cli_line *line, struct cli *cli) {
    static const struct cli_group none = {.name = ""};
    static const struct cli_command server = {
        .name = "", .operands = "", .about = "", .flags = CLI_SERVER};
    cli_line_make(line, cli, &none, &server);
}

static void print_page(void) {
    const struct aura_man page = {
        .name = "auralink",
        .section = 1,
        .what = "the command line of AuraLink, a real-time media server",
        .synopsis = "COMMAND [options]",
        .description =
            "auralink does for a server of AuraLink, or any other that has LiveKit's API, what "
            "its operator needs daily: tokens, rooms, participants, agents, recordings, webhooks; "
            "it sends and receives media, records, measures, and looks for what is in a call's "
            "way.\n\nOptions may stand before or behind operands, as --name value or --name=value; "
            "-- ends them.",
    };
    struct cli cli;
    struct cli_line line;
    common(&line, &cli);
    aura_man_head(stdout, &page);
    aura_man_section(stdout, "COMMON OPTIONS");
    aura_man_options(stdout, &line.line);
    aura_man_item(stdout, "--help", "Explains a command.");
    fputs(".PP\n", stdout);
    aura_man_text(stdout, "Commands that talk to a server have those of Server; all have --json.");
    aura_man_section(stdout, "COMMANDS");
    each(print_command, NULL);
    aura_man_environment(stdout, &line.line);
    aura_man_section(stdout, "EXIT STATUS");
    aura_man_item(stdout, "0", "It is done.");
    aura_man_item(stdout, "1", "It failed, or doctor or load-test found something wrong.");
    aura_man_item(stdout, "2", "The command line is not right.");
    aura_man_section(stdout, "OUTPUT");
    aura_man_text(
        stdout,
        "With --json a command prints JSON on standard output: one object, or one a line of those "
        "that go on (aic top, publish, subscribe, record, record compose). An error is a sentence "
        "on the error output and, with --json, also an object on standard output: error says what "
        "is wrong, hint what to do about it or nothing. auralink man --json prints the table of "
        "all commands.");
    aura_man_see_also(stdout, "auralink-server(8), auralink-aicore(8)");
}

/* ---- the table ---- */

static const char *kind_of(const struct aura_arg *a) {
    switch (a->kind) {
    case AURA_ARG_FLAG:
        return "flag";
    case AURA_ARG_STR:
        return "text";
    case AURA_ARG_UINT:
        return "number";
    case AURA_ARG_LIST:
        return "list";
    case AURA_ARG_FILE_ENV:
        return "file";
    }
    return "";
}

static void add_command(void *arg, const struct cli_group *group, const struct cli_command *command,
                        const struct aura_command_line *line) {
    json_t *options = json_array(), *needed = json_array();
    for (size_t i = 0; i < line->arg_count; i++) {
        const struct aura_arg *a = &line->args[i];
        if (a->name[0]) {
            json_array_append_new(options,
                                  json_pack("{s:s, s:s, s:s, s:s, s:s}", "name", a->name, "kind",
                                            kind_of(a), "value", a->meta ? a->meta : "", "help",
                                            a->help, "environment", a->env ? a->env : ""));
        }
    }
    for (size_t i = 0; i < CLI_COUNT(grants); i++) {
        if (command->grants & grants[i].grant) {
            json_array_append_new(needed, json_string(grants[i].name));
        }
    }
    json_t *words = command->name[0] ? json_pack("[s, s]", group->name, command->name)
                                     : json_pack("[s]", group->name);
    json_array_append_new(
        arg, json_pack("{s:o, s:s, s:i, s:s, s:s, s:b, s:o, s:o}", "command", words, "operands",
                       line->operands, "operands_min", (int)line->operands_min, "summary",
                       command->summary, "about", line->about, "server",
                       (command->flags & CLI_SERVER) != 0, "grants", needed, "options", options));
}

static int man(struct cli *cli, const char *const *words, size_t count) {
    (void)words;
    (void)count;
    if (!cli->json) {
        print_page();
        return CLI_OK;
    }
    json_t *commands = json_array();
    each(add_command, commands);
    return cli_done(cli, json_pack("{s:s, s:o}", "version", AURA_VERSION, "commands", commands),
                    "");
}

static const struct cli_command commands[] = {
    {.name = "",
     .operands = "",
     .summary = "print the manual page",
     .about = "Prints the manual page: auralink man | man -l -\nWith --json the table of all "
              "commands and their options.",
     .run = man},
};

CLI_GROUP(cli_group_man, "man", "print the manual page", commands);
