/* SPDX-License-Identifier: Apache-2.0 */
/** @file cli_mint.h  Access tokens made on the spot from the key and secret that the user gave. */
#ifndef AURA_CMD_CLI_MINT_H
#define AURA_CMD_CLI_MINT_H

#include "cmd/cli.h"
#include "room/token.h"

/** A token of a minute for one API call, with cli->grants. @return NULL after a message; free with
 * aura_free() */
char *cli_mint_admin(const struct cli *cli, const char *room);

/** A token with these claims, valid for @p seconds. @return as above */
char *cli_mint_join(const struct aura_claims *claims, const char *key, const char *secret,
                    uint64_t seconds);

#endif
