/* SPDX-License-Identifier: Apache-2.0 */
/** @file args.h  Command lines from a table: parsing, --help, and errors that say what to do. */
#ifndef AURA_CMD_ARGS_H
#define AURA_CMD_ARGS_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum aura_arg_kind {
    AURA_ARG_FLAG,     /* bool *: set to true */
    AURA_ARG_STR,      /* const char **: borrowed from argv or the environment */
    AURA_ARG_UINT,     /* uint64_t *: decimal, at most `max` */
    AURA_ARG_LIST,     /* struct aura_arg_list *: may be given several times */
    AURA_ARG_FILE_ENV, /* a readable file; sets the variable `env`, which libraries look at */
};

enum { AURA_ARG_LIST_MAX = 64 };
struct aura_arg_list {
    const char *items[AURA_ARG_LIST_MAX];
    size_t count;
};

struct aura_arg {
    const char *name; /* without the dashes: two, or one before a single letter; "" = a heading in
                         --help, with the text in `help` */
    enum aura_arg_kind kind;
    void *dest;
    const char *meta; /* how the value is called in --help; NULL for flags */
    const char *help;
    const char *env; /* variable that is read where the option is not given, or NULL */
    uint64_t max;    /* of AURA_ARG_UINT; 0 = no limit */
};

struct aura_command_line {
    const char *program;  /* "auralink room create" */
    const char *operands; /* "NAME [TEXT]", or "" */
    const char *about;    /* a sentence or two for --help */
    const struct aura_arg *args;
    size_t arg_count;
    size_t operands_min, operands_max;
    /* Who is told of a mistake, and what to do about it; NULL: a person, on stderr. */
    void (*complain)(const char *text, const char *hint);
    /* Writes the manual page of the program: makes --man an option; or NULL. */
    void (*manual)(const struct aura_command_line *line);
};

/**
 * Parses argv[1..]; `--name value` and `--name=value`, `--` ends options.
 * @param operands  out: room for operands_max pointers into argv
 * @return 0; AURA_EIGNORED when --help or --man was printed; AURA_EINVAL when a message was printed
 * to stderr
 */
AURA_NODISCARD int aura_args_parse(const struct aura_command_line *line, int argc, char **argv,
                                   const char **operands, size_t *operand_count);

/** Prints --help. */
void aura_args_help(const struct aura_command_line *line);

/** "90", "90s", "15m", "6h", "2d" → seconds. @return 0 or AURA_EINVAL */
AURA_NODISCARD int aura_args_seconds(const char *text, uint64_t *seconds);

#endif
