/* SPDX-License-Identifier: Apache-2.0 */
/** @file cli_appservice.h  `auralink auraid appservice`, for the table of its group. */
#ifndef AURA_CMD_CLI_APPSERVICE_H
#define AURA_CMD_CLI_APPSERVICE_H

#include "cmd/cli.h"

enum { CLI_APPSERVICE_OPTIONS = 3 };
extern const struct aura_arg cli_appservice_options[CLI_APPSERVICE_OPTIONS];
int cli_appservice(struct cli *cli, const char *const *words, size_t count);

#endif
