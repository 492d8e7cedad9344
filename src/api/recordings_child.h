/* SPDX-License-Identifier: Apache-2.0 */
/** @file recordings_child.h  A child process with few rights whose lines are read. */
#ifndef AURA_API_RECORDINGS_CHILD_H
#define AURA_API_RECORDINGS_CHILD_H

#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

#include <sys/types.h>

struct aura__child {
    pid_t pid;
    int pidfd, out; /* readable at its exit; its standard output, without blocking */
};

/**
 * Runs @p program. It has no environment but PATH, LANG, SSL_CERT_FILE where we have it (whom to
 * trust), and the token; no descriptors but the
 * standard ones; it cannot gain rights; it gets SIGTERM when we end.
 * @param token  for AURALINK_RECORD_TOKEN: not on the command line, which everybody may read. NULL
 * = none
 * @return 0, AURA_EIO
 */
AURA_NODISCARD int aura__child_start(struct aura__child *out, const char *program,
                                     const char *const *argv, const char *token);

#endif
