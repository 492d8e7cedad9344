/* SPDX-License-Identifier: Apache-2.0 */
/** @file server_auraid.h  The directory of AuraIDs as the configuration wants it. */
#ifndef AURA_CMD_SERVER_AURAID_H
#define AURA_CMD_SERVER_AURAID_H

#include "api/aura_calls.h"
#include "api/config.h"
#include "auraid/directory.h"

/**
 * @param d  out: NULL where nobody is to have an AuraID. A file that was not named and that another
 * server has is no reason not to start: AuraIDs are kept in memory then, after a line in the log.
 * @return 0, or an error after a message to stderr
 */
AURA_NODISCARD int server_auraid_open(struct aura_directory **d, const struct aura_config *c);
/** Of the directory, for one app. */
uint64_t server_auraid_share(const struct aura_config *c);
/** How calls are to be. @return 0, or AURA_EINVAL after a message to stderr */
AURA_NODISCARD int server_auraid_calls(struct aura_calls_settings *out,
                                       const struct aura_config *c);

#endif
