/* SPDX-License-Identifier: Apache-2.0 */
/** @file redis_tls.h  TLS for the connection to Redis; without it where hiredis has none. */
#ifndef AURA_CLUSTER_REDIS_TLS_H
#define AURA_CLUSTER_REDIS_TLS_H

#include "cluster/redis.h"

struct redisAsyncContext;

/** @param ctx  out: an SSL_CTX. @param refused  set to a constant whenever a server's certificate
 * is refused; outlives @p ctx. @param why  out: a constant with an error
 * @return 0, AURA_EINVAL, AURA_ENOMEM, AURA_EUNSUPPORTED */
AURA_NODISCARD int aura__redis_tls_new(void **ctx, const struct aura_redis_conf *conf,
                                       const char **refused, const char **why);
void aura__redis_tls_free(void *ctx);
/** Begins a handshake in which the server proves to be @p host. @return 0 or AURA_EIO */
AURA_NODISCARD int aura__redis_tls_start(void *ctx, struct redisAsyncContext *ac, const char *host);

#endif
