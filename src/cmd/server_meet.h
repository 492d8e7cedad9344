/* SPDX-License-Identifier: Apache-2.0 */
/** @file server_meet.h  The app's pages and its guests, from `web` and `meet` of the configuration.
 */
#ifndef AURA_CMD_SERVER_MEET_H
#define AURA_CMD_SERVER_MEET_H

#include "api/config.h"
#include "api/meet.h"
#include "api/web.h"

/** What is wrong with `meet`, or NULL. */
const char *server_meet_problem(const struct aura_config *c);
/** Where guests may go. @return @p conf, or NULL: nowhere. It borrows from @p c. */
const struct aura_meet_conf *server_meet_conf(struct aura_meet_conf *conf,
                                              const struct aura_config *c);
/** Reads the pages; none where there are none and none were asked for by name.
 * @return 0; else it has said why */
AURA_NODISCARD int server_web_open(struct aura_web **wp, const struct aura_config *c);

#endif
