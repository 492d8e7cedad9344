/* SPDX-License-Identifier: Apache-2.0 */
/** @file server_webhooks.h  Webhooks as the configuration wants them. */
#ifndef AURA_CMD_SERVER_WEBHOOKS_H
#define AURA_CMD_SERVER_WEBHOOKS_H

#include "api/config.h"
#include "api/webhooks.h"

/** A sentence for a person, or NULL: it can be done. */
const char *server_webhooks_problem(const struct aura_config *c);
/** @param w  out: NULL without URLs. @return 0, or an error after a message to stderr */
AURA_NODISCARD int server_webhooks_start(struct aura_webhooks **w, const struct aura_config *c,
                                         struct aura_loop *loop);

#endif
