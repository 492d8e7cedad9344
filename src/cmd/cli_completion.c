/* SPDX-License-Identifier: Apache-2.0 */
/* `auralink completion SHELL`: made of the table of commands. */
#include "cmd/cli.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef void(each_fn)(FILE *out, const struct cli_group *group, const struct cli_command *command,
                      const struct aura_command_line *line);

/* All commands; within a group those without a name come last, for shells take what fits first. */
static void each(FILE *out, each_fn *fn) {
    size_t count;
    const struct cli_group *const *groups = cli_groups(&count);
    for (int alone = 0; alone < 2; alone++) {
        for (size_t g = 0; g < count; g++) {
            for (size_t i = 0; i < groups[g]->count; i++) {
                const struct cli_command *c = &groups[g]->commands[i];
                struct cli cli;
                struct cli_line line;
                if ((c->name[0] == 0) == alone) {
                    cli_line_make(&line, &cli, groups[g], c);
                    fn(out, groups[g], c, &line.line);
                }
            }
        }
    }
}

static const struct cli_command *alone_of(const struct cli_group *group) {
    const struct cli_command *last = &group->commands[group->count - 1];
    return last->name[0] ? NULL : last;
}

static bool wants_file(const char *meta) {
    return strstr(meta, "FILE") || strstr(meta, "FOLDER") || strstr(meta, "DIR");
}

/* Between single quotes; `special` get a backslash (two in fish and zsh's own languages). */
static void quoted(FILE *out, const char *text, const char *special) {
    for (; *text; text++) {
        if (*text == '\'') {
            fputs("'\\''", out);
        } else if (strchr(special, *text)) {
            fprintf(out, "\\%c", *text);
        } else {
            fputc(*text, out);
        }
    }
}

/* ---- bash ---- */

static void bash_options(FILE *out, const struct cli_group *group,
                         const struct cli_command *command, const struct aura_command_line *line) {
    fprintf(out, command->name[0] ? "    '%s %s') options='" : "    '%s '*) options='", group->name,
            command->name);
    for (size_t i = 0; i < line->arg_count; i++) {
        const char *name = line->args[i].name;
        if (name[0]) {
            fprintf(out, "%s%s ", name[1] ? "--" : "-", name);
        }
    }
    fprintf(out, "--help' ;;\n");
}

static void bash(FILE *out) {
    size_t count;
    const struct cli_group *const *groups = cli_groups(&count);
    fprintf(out, "# Completion of auralink for bash; made by `auralink completion bash`.\n"
                 "_auralink() {\n"
                 "    local word=${COMP_WORDS[COMP_CWORD]} group=${COMP_WORDS[1]} "
                 "name=${COMP_WORDS[2]}\n"
                 "    local words='' options=''\n"
                 "    case $COMP_CWORD in\n"
                 "    1)\n        words='");
    for (size_t g = 0; g < count; g++) {
        fprintf(out, "%s ", groups[g]->name);
    }
    fprintf(out, "--help --version' ;;\n    2)\n        case $group in\n");
    for (size_t g = 0; g < count; g++) {
        fprintf(out, "        %s) words='", groups[g]->name);
        for (size_t i = 0; i < groups[g]->count; i++) {
            fprintf(out, "%s ", groups[g]->commands[i].name);
        }
        fprintf(out, "' ;;\n");
    }
    fprintf(out, "        esac ;;\n    esac\n    case \"$group $name\" in\n");
    each(out, bash_options);
    fprintf(out, "    esac\n"
                 "    if [[ $COMP_CWORD -gt 1 ]]; then\n"
                 "        words=\"$words $options\"\n"
                 "    fi\n"
                 "    COMPREPLY=($(compgen -W \"$words\" -- \"$word\"))\n"
                 "}\n"
                 "complete -o default -F _auralink auralink\n");
}

/* ---- zsh ---- */

static void zsh_options(FILE *out, const struct cli_group *group, const struct cli_command *command,
                        const struct aura_command_line *line) {
    fprintf(out,
            command->name[0] ? "    '%s %s')\n        shift 2 words; (( CURRENT -= 2 ))\n"
                             : "    '%s '*)\n        shift words; (( CURRENT -= 1 ))\n",
            group->name, command->name);
    fprintf(out, "        _arguments '--help[show what it does]'");
    for (size_t i = 0; i < line->arg_count; i++) {
        const struct aura_arg *a = &line->args[i];
        if (!a->name[0]) {
            continue;
        }
        fprintf(out, " \\\n            '%s%s%s[", a->kind == AURA_ARG_LIST ? "*" : "",
                a->name[1] ? "--" : "-", a->name);
        quoted(out, a->help, "[]:\\");
        fprintf(out, "]");
        if (a->meta) {
            fprintf(out, ":");
            quoted(out, a->meta, "[]:\\");
            fprintf(out, ":%s", wants_file(a->meta) ? "_files" : " ");
        }
        fprintf(out, "'");
    }
    if (line->operands[0]) {
        fprintf(out, " \\\n            '*:");
        quoted(out, line->operands, "[]:\\");
        fprintf(out, ":%s'", wants_file(line->operands) ? "_files" : " ");
    }
    fprintf(out, " ;;\n");
}

static void zsh_names(FILE *out, const struct cli_group *group) {
    if (group->count == 1 && alone_of(group)) {
        return;
    }
    fprintf(out, "        %s)\n            names=(", group->name);
    for (size_t i = 0; i < group->count; i++) {
        if (group->commands[i].name[0]) {
            fprintf(out, "'%s:", group->commands[i].name);
            quoted(out, group->commands[i].summary, "");
            fprintf(out, "' ");
        }
    }
    fprintf(out, ")\n            _describe -t commands 'command' names%s ;;\n",
            alone_of(group) ? "" : "\n            return");
}

static void zsh(FILE *out) {
    size_t count;
    const struct cli_group *const *groups = cli_groups(&count);
    fprintf(out, "#compdef auralink\n"
                 "# Completion of auralink for zsh; made by `auralink completion zsh`.\n"
                 "_auralink() {\n"
                 "    local -a names\n"
                 "    if (( CURRENT == 2 )); then\n"
                 "        names=(");
    for (size_t g = 0; g < count; g++) {
        fprintf(out, "'%s:", groups[g]->name);
        quoted(out, groups[g]->summary, "");
        fprintf(out, "' ");
    }
    fprintf(out, ")\n        _describe -t commands 'command' names\n        return\n    fi\n"
                 "    if (( CURRENT == 3 )); then\n        case $words[2] in\n");
    for (size_t g = 0; g < count; g++) {
        zsh_names(out, groups[g]);
    }
    fprintf(out, "        esac\n    fi\n    case \"$words[2] $words[3]\" in\n");
    each(out, zsh_options);
    fprintf(out, "    esac\n}\n"
                 "if [[ $funcstack[1] == _auralink ]]; then\n"
                 "    _auralink \"$@\"\n"
                 "elif (( $+functions[compdef] )); then\n"
                 "    compdef _auralink auralink\n"
                 "fi\n");
}

/* ---- fish ---- */

static void fish_options(FILE *out, const struct cli_group *group,
                         const struct cli_command *command, const struct aura_command_line *line) {
    char when[4 * CLI_PROGRAM_BYTES];
    if (command->name[0]) {
        snprintf(when, sizeof(when), "__auralink_is %s %s", group->name, command->name);
        fprintf(out, "complete -c auralink -n '__auralink_at %s' -a %s -d '", group->name,
                command->name);
        quoted(out, command->summary, "\\");
        fprintf(out, "'\n");
    } else {
        int n = snprintf(when, sizeof(when), "__auralink_is %s", group->name);
        for (size_t i = 0; i + 1 < group->count; i++) {
            n += snprintf(when + n, sizeof(when) - (size_t)n, "; and not __auralink_is %s %s",
                          group->name, group->commands[i].name);
        }
    }
    fprintf(out, "complete -c auralink -n '%s' -l help -d 'show what it does'\n", when);
    for (size_t i = 0; i < line->arg_count; i++) {
        const struct aura_arg *a = &line->args[i];
        if (a->name[0]) {
            fprintf(out, "complete -c auralink -n '%s' %s %s%s -d '", when,
                    a->name[1] ? "-l" : "-s", a->name,
                    !a->meta              ? ""
                    : wants_file(a->meta) ? " -r -F"
                                          : " -x");
            quoted(out, a->help, "\\");
            fprintf(out, "'\n");
        }
    }
    if (wants_file(line->operands)) {
        fprintf(out, "complete -c auralink -n '%s' -F\n", when);
    }
}

static void fish(FILE *out) {
    size_t count;
    const struct cli_group *const *groups = cli_groups(&count);
    fprintf(out, "# Completion of auralink for fish; made by `auralink completion fish`.\n"
                 "function __auralink_at -d 'the next word is the one behind these'\n"
                 "    set -l words (commandline -opc)\n"
                 "    test \"$words[2..-1]\" = \"$argv\"\n"
                 "end\n"
                 "function __auralink_is -d 'these are the first words'\n"
                 "    set -l words (commandline -opc)\n"
                 "    set -l last (math (count $argv) + 1)\n"
                 "    test (count $words) -ge $last; and test \"$words[2..$last]\" = \"$argv\"\n"
                 "end\n"
                 "complete -c auralink -f\n"
                 "complete -c auralink -n __auralink_at -l help -d 'list all commands'\n"
                 "complete -c auralink -n __auralink_at -l version -d 'print the version'\n");
    for (size_t g = 0; g < count; g++) {
        fprintf(out, "complete -c auralink -n __auralink_at -a %s -d '", groups[g]->name);
        quoted(out, groups[g]->summary, "\\");
        fprintf(out, "'\n");
    }
    each(out, fish_options);
}

/* ---- the command ---- */

static const struct {
    const char *name;
    void (*print)(FILE *out);
} shells[] = {{"bash", bash}, {"zsh", zsh}, {"fish", fish}};

static int print_json(void (*print)(FILE *out)) {
    char *text = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&text, &len);
    if (out) {
        print(out);
        (void)fclose(out);
    }
    json_t *script = text ? json_pack("{s:s}", "script", text) : NULL;
    free(text); /* library's memory */
    return cli_done(&(const struct cli){.json = true}, script, "");
}

static int completion(struct cli *cli, const char *const *words, size_t count) {
    (void)count;
    for (size_t i = 0; i < CLI_COUNT(shells); i++) {
        if (strcmp(shells[i].name, words[0]) == 0) {
            if (cli->json) {
                return print_json(shells[i].print);
            }
            shells[i].print(stdout);
            return CLI_OK;
        }
    }
    cli_error("There are bash, zsh and fish.", "no completion for %s", words[0]);
    return CLI_USAGE;
}

static const struct cli_command commands[] = {
    {.name = "",
     .operands = "SHELL",
     .operands_min = 1,
     .operands_max = 1,
     .summary = "print the shell's completion of commands",
     .about = "Prints what a shell reads to complete commands and options: bash, zsh or fish.\n"
              "In ~/.bashrc: source <(auralink completion bash)",
     .run = completion},
};

CLI_GROUP(cli_group_completion, "completion", "print the shell's completion of commands", commands);
