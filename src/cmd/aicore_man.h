/* SPDX-License-Identifier: Apache-2.0 */
/** @file aicore_man.h  The manual page of auralink-aicore. */
#ifndef AURA_CMD_AICORE_MAN_H
#define AURA_CMD_AICORE_MAN_H

#include "cmd/args.h"

/** Writes it to standard output: of @p line's options. */
void aicore_man(const struct aura_command_line *line);

#endif
