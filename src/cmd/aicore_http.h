/* SPDX-License-Identifier: Apache-2.0 */
/** @file aicore_http.h  /metrics and /healthz of AI Core, on a thread of their own. */
#ifndef AURA_CMD_AICORE_HTTP_H
#define AURA_CMD_AICORE_HTTP_H

#include "aicore/service.h"

struct aicore_http;

/**
 * @param address  "HOST:PORT"; port 0 = any free one
 * @return 0, AURA_EINVAL (address), AURA_EEXISTS (taken), AURA_ENOMEM, AURA_EIO
 */
AURA_NODISCARD int aicore_http_new(struct aicore_http **hp, const char *address,
                                   struct aura_aicore *core);
uint16_t aicore_http_port(const struct aicore_http *h);
/** Ends the thread. NULL is fine. Returns NULL. */
struct aicore_http *aicore_http_free(struct aicore_http *h);

#endif
