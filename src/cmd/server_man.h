/* SPDX-License-Identifier: Apache-2.0 */
/** @file server_man.h  The manual page of auralink-server. */
#ifndef AURA_CMD_SERVER_MAN_H
#define AURA_CMD_SERVER_MAN_H

#include "cmd/args.h"

/** Writes it to standard output: of @p line's options and the configuration's keys. */
void server_man(const struct aura_command_line *line);

#endif
