/* SPDX-License-Identifier: Apache-2.0 */
/** @file url.h  Address of a server as people write it. Pure. */
#ifndef AURA_CLIENT_URL_H
#define AURA_CLIENT_URL_H

#include "base/err.h"

#include <stddef.h>
#include <stdint.h>

enum { AURA_CLIENT_HOST_MAX = 253, AURA_CLIENT_PREFIX_MAX = 200 };

struct aura_client_url {
    bool tls;
    uint16_t port;
    char host[AURA_CLIENT_HOST_MAX + 1];     /* IPv6 without brackets */
    char prefix[AURA_CLIENT_PREFIX_MAX + 1]; /* "" or "/path" without a slash at its end */
};

/**
 * "ws://host:port/prefix" with ws, wss, http or https; without a port 80 or 443.
 * @return 0 or AURA_EINVAL (`*out` is then unusable)
 */
AURA_NODISCARD int aura_client_url_parse(struct aura_client_url *out, const char *text);

#endif
