/* SPDX-License-Identifier: Apache-2.0 */
/** @file pem.h  Certificates and keys from files. */
#ifndef AURA_CMD_PEM_H
#define AURA_CMD_PEM_H

#include "base/err.h"

enum { AURA_PEM_BYTES_MAX = 1 << 20 };

/**
 * A whole text file. Says on stderr what is wrong if it cannot be read.
 * @param program  for the message
 * @param what     what names the file to the user, such as an option; NULL = nothing does
 * @return to be freed by aura_pem_free(); NULL if it cannot be read
 */
char *aura_pem_read(const char *program, const char *what, const char *path);
/** Wipes it first. NULL is fine. */
char *aura_pem_free(char *pem);

#endif
