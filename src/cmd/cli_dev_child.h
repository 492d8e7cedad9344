/* SPDX-License-Identifier: Apache-2.0 */
/** @file cli_dev_child.h  A program beside this one, run as a child, its output read by lines. */
#ifndef AURA_CMD_CLI_DEV_CHILD_H
#define AURA_CMD_CLI_DEV_CHILD_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

enum { DEV_LINE_BYTES = 4096, DEV_ARGS_MAX = 66 };

struct dev_child {
    pid_t pid; /* 0 = not running */
    int out;   /* its standard output; -1 = none */
    size_t used;
    char line[DEV_LINE_BYTES];
};

/** What became of each line; borrowed. */
typedef void dev_line_fn(void *arg, const char *line);

/**
 * Starts a program from the folder that this one is in. It gets a process group of its own, so that
 * one Ctrl-C reaches it once: through us; and it ends when we do.
 * @param args  behind the program's name, NULL at the end; at most DEV_ARGS_MAX
 * @return 0, AURA_ENOENT (there is no such program), AURA_EIO
 */
AURA_NODISCARD int dev_child_start(struct dev_child *c, const char *name, char *const args[]);
/** Reads what is there. @return false: its output ended */
bool dev_child_read(struct dev_child *c, dev_line_fn *on_line, void *arg);
/** Waits for its end. @return exit status, or 1 if a signal ended it */
int dev_child_wait(struct dev_child *c);

#endif
