/* SPDX-License-Identifier: Apache-2.0 */
/* The command line of AuraLink: finds the command, reads its words, runs it. */
#include "cmd/cli.h"

#include <curl/curl.h>

#include <stdio.h>
#include <string.h>

static const struct cli_group *const groups[] = {
    &cli_group_dev,       &cli_group_token,      &cli_group_room,      &cli_group_participant,
    &cli_group_data,      &cli_group_egress,     &cli_group_dispatch,  &cli_group_webhooks,
    &cli_group_auraid,    &cli_group_operator,   &cli_group_aic,       &cli_group_turn,
    &cli_group_doctor,    &cli_group_publish,    &cli_group_subscribe, &cli_group_record,
    &cli_group_load_test, &cli_group_completion, &cli_group_man,
};

const struct cli_group *const *cli_groups(size_t *count) {
    *count = CLI_COUNT(groups);
    return groups;
}

static void usage(FILE *out) {
    fprintf(out, "Usage: auralink COMMAND [options]\n\nCommands:\n");
    for (size_t g = 0; g < CLI_COUNT(groups); g++) {
        for (size_t i = 0; i < groups[g]->count; i++) {
            const struct cli_command *c = &groups[g]->commands[i];
            char name[CLI_PROGRAM_BYTES];
            snprintf(name, sizeof(name), "%s %s", groups[g]->name, c->name);
            fprintf(out, "  %-28s %s\n", name, c->summary);
        }
    }
    fprintf(out, "\n'auralink COMMAND --help' explains one; with --json each prints JSON.\n"
                 "The server is auralink-server. All in one page: auralink man | man -l -\n");
}

static void usage_of_group(FILE *out, const struct cli_group *group) {
    fprintf(out, "Usage: auralink %s COMMAND [options]: %s\n\nCommands:\n", group->name,
            group->summary);
    for (size_t i = 0; i < group->count; i++) {
        const struct cli_command *c = &group->commands[i];
        fprintf(out, "  %-18s %s\n", c->name, c->summary);
    }
    fprintf(out, "\n'auralink %s COMMAND --help' explains one.\n", group->name);
}

static void complain(const char *text, const char *hint) {
    cli_error(hint, "%s", text);
}

/* Known before options are read, for mistakes among them are told in JSON too. */
static bool wants_json(int argc, char **argv) {
    for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++) {
        if (strcmp(argv[i], "--json") == 0) {
            return true;
        }
    }
    return false;
}

/* @param argv  from the command's last word on */
static int run(const struct cli_group *group, const struct cli_command *command, int argc,
               char **argv) {
    static struct cli cli;
    static struct cli_line line;
    const char *words[CLI_WORDS_MAX];
    size_t count = 0;
    cli_defaults(&cli);
    cli_line_make(&line, &cli, group, command);
    line.line.complain = complain;
    cli.json = wants_json(argc, argv);
    cli_error_begin(&cli);
    bool own = command->flags & CLI_OWN_OPTIONS;
    if (own && argc > 1 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)) {
        aura_args_help(&line.line);
        return CLI_OK;
    }
    if (!own) {
        int err = aura_args_parse(&line.line, argc, argv, words, &count);
        if (err) {
            return err == AURA_EIGNORED ? CLI_OK : CLI_USAGE;
        }
    }
    curl_global_init(CURL_GLOBAL_DEFAULT);
    int status = own ? command->run(&cli, (const char *const *)(argv + 1), (size_t)argc - 1)
                     : command->run(&cli, words, count);
    curl_global_cleanup();
    if (status != CLI_OK && !cli_error_said() && !(command->flags & CLI_REPORTS)) {
        cli_error(NULL, "failed, probably for want of memory");
    }
    return status;
}

/* The command whose name argv[2] is, or the one without a name. */
static const struct cli_command *find(const struct cli_group *group, const char *name) {
    const struct cli_command *alone = NULL;
    for (size_t i = 0; i < group->count; i++) {
        const struct cli_command *c = &group->commands[i];
        if (!c->name[0]) {
            alone = c;
        } else if (name && strcmp(c->name, name) == 0) {
            return c;
        }
    }
    return alone;
}

static bool is_help(const char *word) {
    return strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0 || strcmp(word, "help") == 0;
}

static const struct cli_group *find_group(const char *name) {
    for (size_t g = 0; g < CLI_COUNT(groups); g++) {
        if (strcmp(groups[g]->name, name) == 0) {
            return groups[g];
        }
    }
    return NULL;
}

/* Words that are no command. */
static int refuse(int argc, char **argv, const struct cli_group *group) {
    struct cli cli = {.program = "auralink", .json = wants_json(argc, argv)};
    bool two = argc > 2 && argv[2][0] != '-';
    char hint[CLI_PROGRAM_BYTES];
    snprintf(hint, sizeof(hint), "See auralink %s%s--help.", group ? group->name : "",
             group ? " " : "");
    cli_error_begin(&cli);
    cli_error(hint, "no command '%s%s%s'", argv[1], two ? " " : "", two ? argv[2] : "");
    return CLI_USAGE;
}

int main(int argc, char **argv) {
    if (argc < 2) {
        usage(stderr);
        return CLI_USAGE;
    }
    if (is_help(argv[1])) {
        usage(stdout);
        return CLI_OK;
    }
    if (strcmp(argv[1], "--version") == 0) {
        printf("auralink %s\n", AURA_VERSION);
        return CLI_OK;
    }
    const struct cli_group *group = find_group(argv[1]);
    const struct cli_command *c = group ? find(group, argc > 2 ? argv[2] : NULL) : NULL;
    if (c) {
        int skip = c->name[0] ? 2 : 1;
        return run(group, c, argc - skip, argv + skip);
    }
    if (group && argc > 2 && is_help(argv[2])) {
        usage_of_group(stdout, group);
        return CLI_OK;
    }
    return refuse(argc, argv, group);
}
