/* SPDX-License-Identifier: Apache-2.0 */
/* `auralink completion` and `auralink man`: made of the commands' own tables of options. */
#include "cmd/cli.h"

#include <stdio.h>
#include <string.h>

enum { NAME_BYTES = 64 };

/* Hands the tables of a command to `fn`. */
static void describe(const struct cli_command *c, aura_args_visit_fn *fn, void *arg) {
    char name[NAME_BYTES], *argv[] = {name, NULL};
    snprintf(name, sizeof(name), "%s", c->name[0] ? c->name : c->group);
    aura_args_visit(fn, arg);
    (void)c->run(1, argv);
    aura_args_visit(NULL, NULL);
}

/* ---- completion ---- */

static void print_options(void *arg, const struct aura_command_line *line) {
    (void)arg;
    for (size_t i = 0; i < line->arg_count; i++) {
        const char *name = line->args[i].name;
        if (name[0]) {
            printf("%s%s ", name[1] ? "--" : "-", name);
        }
    }
    printf("--help");
}

static bool first_of_group(const struct cli_command *all, size_t i) {
    for (size_t j = 0; j < i; j++) {
        if (strcmp(all[j].group, all[i].group) == 0) {
            return false;
        }
    }
    return true;
}

static void print_groups(const struct cli_command *all, size_t count) {
    printf("    1)\n        words='");
    for (size_t i = 0; i < count; i++) {
        if (first_of_group(all, i)) {
            printf("%s ", all[i].group);
        }
    }
    printf("--help --version' ;;\n    2)\n        case $group in\n");
    for (size_t i = 0; i < count; i++) {
        if (!first_of_group(all, i)) {
            continue;
        }
        printf("        %s) words='", all[i].group);
        for (size_t j = 0; j < count; j++) {
            if (strcmp(all[j].group, all[i].group) == 0 && all[j].name[0]) {
                printf("%s ", all[j].name);
            }
        }
        printf("' ;;\n");
    }
    printf("        esac ;;\n");
}

static void print_bash(void) {
    size_t count;
    const struct cli_command *all = cli_commands(&count);
    printf("# Completion of auralink; made by `auralink completion`.\n"
           "_auralink() {\n"
           "    local word=${COMP_WORDS[COMP_CWORD]} group=${COMP_WORDS[1]} name=${COMP_WORDS[2]}\n"
           "    local words='' options=''\n"
           "    case $COMP_CWORD in\n");
    print_groups(all, count);
    printf("    esac\n    case \"$group $name\" in\n");
    for (int alone = 0; alone < 2; alone++) { /* names before groups: the first match counts */
        for (size_t i = 0; i < count; i++) {
            if ((all[i].name[0] == 0) != alone) {
                continue;
            }
            printf(alone ? "    '%s '*) options='" : "    '%s %s') options='", all[i].group,
                   all[i].name);
            describe(&all[i], print_options, NULL);
            printf("' ;;\n");
        }
    }
    printf("    esac\n"
           "    if [[ $COMP_CWORD -gt 1 ]]; then\n"
           "        words=\"$words $options\"\n"
           "    fi\n"
           "    COMPREPLY=($(compgen -W \"$words\" -- \"$word\"))\n"
           "}\n"
           "complete -o default -F _auralink auralink\n");
}

int cli_completion(int argc, char **argv) {
    const struct aura_command_line line = {
        "auralink completion",
        "SHELL",
        "Prints what a shell reads to complete commands and options: bash or zsh. In ~/.bashrc:\n"
        "source <(auralink completion bash)",
        NULL,
        0,
        1,
        1};
    const char *shell = NULL;
    size_t n = 0;
    int status;
    if (cli_ends(aura_args_parse(&line, argc, argv, &shell, &n), &status)) {
        return status;
    }
    if (strcmp(shell, "zsh") == 0) {
        printf("autoload -U +X bashcompinit && bashcompinit\n");
    } else if (strcmp(shell, "bash") != 0) {
        fprintf(stderr, "auralink completion: bash or zsh, not %s\n", shell);
        return CLI_USAGE;
    }
    print_bash();
    return CLI_OK;
}

/* ---- the manual ---- */

/* Text for roff: a dash is a dash, and no line is a request. */
static void print_text(const char *text) {
    bool begins = true;
    for (; *text; text++) {
        if (begins && (*text == '.' || *text == '\'')) {
            printf("\\&");
        }
        begins = *text == '\n';
        if (*text == '-') {
            printf("\\-");
        } else if (*text == '\\') {
            printf("\\e");
        } else {
            putchar(*text);
        }
    }
}

static void print_manual(void *arg, const struct aura_command_line *line) {
    (void)arg;
    printf(".SS ");
    print_text(line->program);
    printf("%s", line->operands[0] ? " " : "");
    print_text(line->operands);
    printf("\n");
    print_text(line->about);
    printf("\n");
    for (size_t i = 0; i < line->arg_count; i++) {
        const struct aura_arg *a = &line->args[i];
        if (!a->name[0]) {
            printf(".PP\n.I ");
            print_text(a->help);
            printf("\n");
            continue;
        }
        printf(".TP\n.B %s", a->name[1] ? "\\-\\-" : "\\-");
        print_text(a->name);
        if (a->meta) {
            printf(" \\fI");
            print_text(a->meta);
            printf("\\fR");
        }
        printf("\n");
        print_text(a->help);
        if (a->env) {
            printf("\nEnvironment: ");
            print_text(a->env);
        }
        printf("\n");
    }
}

int cli_man(int argc, char **argv) {
    const struct aura_command_line line = {
        "auralink man", "", "Prints the manual page: auralink man | man -l -", NULL, 0, 0, 0};
    size_t count, n = 0;
    int status;
    if (cli_ends(aura_args_parse(&line, argc, argv, NULL, &n), &status)) {
        return status;
    }
    const struct cli_command *all = cli_commands(&count);
    printf(".TH AURALINK 1 \"\" \"auralink %s\" \"User Commands\"\n"
           ".SH NAME\nauralink \\- the command line of AuraLink, a real\\-time media server\n"
           ".SH SYNOPSIS\n.B auralink\n.I COMMAND\n[options]\n.SH COMMANDS\n",
           AURA_VERSION);
    for (size_t i = 0; i < count; i++) {
        describe(&all[i], print_manual, NULL);
    }
    return CLI_OK;
}
