/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/args.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const struct aura_arg *find(const struct aura_command_line *line, const char *name,
                                   size_t len) {
    for (size_t i = 0; i < line->arg_count; i++) {
        const struct aura_arg *a = &line->args[i];
        if (a->name[0] && strlen(a->name) == len && memcmp(a->name, name, len) == 0) {
            return a;
        }
    }
    return NULL;
}

void aura_args_help(const struct aura_command_line *line) {
    printf("Usage: %s [options]%s%s\n\n%s\n", line->program, line->operands[0] ? " " : "",
           line->operands, line->about);
    printf("\nOptions:\n");
    for (size_t i = 0; i < line->arg_count; i++) {
        const struct aura_arg *a = &line->args[i];
        if (!a->name[0]) {
            printf("\n%s\n", a->help);
            continue;
        }
        char left[64];
        snprintf(left, sizeof(left), "%s%s%s%s", a->name[1] ? "--" : "-", a->name,
                 a->meta ? " " : "", a->meta ? a->meta : "");
        printf("  %-26s %s", left, a->help);
        if (a->kind == AURA_ARG_LIST) {
            printf(" (repeatable)");
        }
        if (a->env) {
            printf(" [env %s]", a->env);
        }
        printf("\n");
    }
    printf("  %-26s show this text\n", "--help");
    if (line->manual) {
        printf("  %-26s print the manual page: %s --man | man -l -\n", "--man", line->program);
    }
}

enum { TEXT_BYTES = 512 };

static void complain(const struct aura_command_line *line, const char *text, const char *hint) {
    if (line->complain) {
        line->complain(text, hint);
    } else {
        fprintf(stderr, "%s: %s\n%s\n", line->program, text, hint);
    }
}

static int fail(const struct aura_command_line *line, const char *what, const char *which) {
    char text[TEXT_BYTES], hint[TEXT_BYTES];
    snprintf(text, sizeof(text), "%s%s%s", what, which[0] ? ": " : "", which);
    snprintf(hint, sizeof(hint), "Try '%s --help'.", line->program);
    complain(line, text, hint);
    return AURA_EINVAL;
}

static int parse_uint(const char *text, uint64_t max, uint64_t *out) {
    char *end = NULL;
    if (!isdigit((unsigned char)text[0])) {
        return AURA_EINVAL;
    }
    unsigned long long v = strtoull(text, &end, 10);
    if (*end || (max && v > max)) {
        return AURA_EINVAL;
    }
    *out = v;
    return 0;
}

/* @param where  "", or where the value is from if not from the command line */
static int store(const struct aura_command_line *line, const struct aura_arg *a, const char *value,
                 const char *where) {
    switch (a->kind) {
    case AURA_ARG_FLAG:
        *(bool *)a->dest = true;
        return 0;
    case AURA_ARG_STR:
        *(const char **)a->dest = value;
        return 0;
    case AURA_ARG_UINT:
        if (parse_uint(value, a->max, a->dest)) {
            char text[TEXT_BYTES];
            snprintf(text, sizeof(text), "--%s%s wants a number%s", a->name, where,
                     a->max == UINT16_MAX ? " from 0 to 65535" : " within its limit");
            return fail(line, text, value);
        }
        return 0;
    case AURA_ARG_LIST: {
        struct aura_arg_list *list = a->dest;
        if (list->count == AURA_ARG_LIST_MAX) {
            return fail(line, "given too often", a->name);
        }
        list->items[list->count++] = value;
        return 0;
    }
    case AURA_ARG_FILE_ENV:
        if (access(value, R_OK)) {
            char text[TEXT_BYTES];
            snprintf(text, sizeof(text), "--%s%s: cannot read the file (%s)", a->name, where,
                     strerror(errno));
            return fail(line, text, value);
        }
        return setenv(a->env, value, 1) ? AURA_ENOMEM : 0;
    }
    return AURA_EBUG;
}

static int read_environment(const struct aura_command_line *line) {
    for (size_t i = 0; i < line->arg_count; i++) {
        const struct aura_arg *a = &line->args[i];
        const char *value = a->env ? getenv(a->env) : NULL;
        if (value && value[0] && a->kind != AURA_ARG_FILE_ENV) { /* that stays as it is */
            char where[TEXT_BYTES / 2];
            snprintf(where, sizeof(where), " (from the environment variable %s)", a->env);
            int err = store(line, a, value, where);
            if (err) {
                return err;
            }
        }
    }
    return 0;
}

/* One option at argv[*i]; steps over its value. */
static int parse_option(const struct aura_command_line *line, int argc, char **argv, int *i) {
    const char *name = argv[*i] + (argv[*i][1] == '-' ? 2 : 1);
    const char *eq = strchr(name, '=');
    const struct aura_arg *a = find(line, name, eq ? (size_t)(eq - name) : strlen(name));
    if (!a) {
        return fail(line, "unknown option", argv[*i]);
    }
    if (a->kind == AURA_ARG_FLAG) {
        return eq ? fail(line, "this option takes no value", argv[*i]) : store(line, a, NULL, "");
    }
    if (eq) {
        return store(line, a, eq + 1, "");
    }
    if (*i + 1 >= argc) {
        return fail(line, "this option needs a value", argv[*i]);
    }
    *i += 1;
    return store(line, a, argv[*i], "");
}

/* "--name", or "-n": names of one letter have one dash, and no "=". */
static bool is_option(const char *word) {
    return word[0] == '-' && (word[1] == '-' || (word[1] && !word[2]));
}

int aura_args_parse(const struct aura_command_line *line, int argc, char **argv,
                    const char **operands, size_t *operand_count) {
    size_t count = 0;
    bool options = true;
    int err = read_environment(line);
    for (int i = 1; !err && i < argc; i++) {
        if (options && strcmp(argv[i], "--") == 0) {
            options = false;
        } else if (options && (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0)) {
            aura_args_help(line);
            return AURA_EIGNORED;
        } else if (options && line->manual && strcmp(argv[i], "--man") == 0) {
            line->manual(line);
            return AURA_EIGNORED;
        } else if (options && is_option(argv[i])) {
            err = parse_option(line, argc, argv, &i);
        } else if (count == line->operands_max) {
            err = fail(line, "one word too many", argv[i]);
        } else {
            operands[count++] = argv[i];
        }
    }
    if (!err && count < line->operands_min) {
        err = fail(line, "something is missing, wanted", line->operands);
    }
    *operand_count = count;
    return err;
}

int aura_args_seconds(const char *text, uint64_t *seconds) {
    static const struct {
        char unit;
        uint64_t seconds;
    } units[] = {{'s', 1}, {'m', 60}, {'h', 3600}, {'d', 86400}};
    size_t len = strlen(text);
    char digits[16];
    uint64_t factor = 1;
    if (len == 0 || len >= sizeof(digits)) {
        return AURA_EINVAL;
    }
    memcpy(digits, text, len + 1);
    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
        if (digits[len - 1] == units[i].unit) {
            factor = units[i].seconds;
            digits[len - 1] = 0;
            break;
        }
    }
    int err = parse_uint(digits, UINT64_C(1) << 40, seconds);
    *seconds *= err ? 0 : factor;
    return err;
}
