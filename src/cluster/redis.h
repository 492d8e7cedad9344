/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file redis.h  A connection to Redis or Valkey that is made again whenever it breaks.
 *
 * Finds the server by its address, by asking Sentinels, or among nodes of a Redis Cluster (all our
 * keys are in one slot, so one of its nodes has them all). Nothing waits here for a connection:
 * what is asked without one fails at once, and its owner asks again. Threading: control thread.
 */
#ifndef AURA_CLUSTER_REDIS_H
#define AURA_CLUSTER_REDIS_H

#include "cluster/store.h"
#include "net/loop.h"

struct aura_redis;

enum {
    AURA_REDIS_ADDRESSES_MAX = 64,
    AURA_REDIS_HOST_MAX = 256,
    AURA_REDIS_CONNECT_S = 3, /* longest wait for a connection … */
    AURA_REDIS_ANSWER_S = 3,  /* … and for an answer; then the connection counts as broken */
    AURA_REDIS_RETRY_MAX_MS = 1000,
};

/** All texts are borrowed for its life; "" = none. */
struct aura_redis_conf {
    const char *const *addresses; /* "host:port"; of Sentinels if there is a master's name */
    size_t address_count;
    const char *sentinel_master, *sentinel_username, *sentinel_password;
    const char *username, *password;
    unsigned db;
    bool tls;
    const char *tls_ca, *tls_certificate, *tls_key; /* files; ca "" = the system's */
    const char *tls_server_name;                    /* "" = the host of the address */
    void (*state)(void *arg, bool connected);       /* NULL = nobody wants to know */
    void *arg;
};

/** Is TLS built in? */
bool aura_redis_has_tls(void);
/** Begins to connect. @param why  out: a constant text with AURA_EINVAL
 * @return 0, AURA_ENOMEM, AURA_EINVAL */
AURA_NODISCARD int aura_redis_new(struct aura_redis **out, const struct aura_redis_conf *conf,
                                  struct aura_loop *loop, const char **why);
/** What is asked and not answered fails with AURA_ECLOSED. NULL is fine. Returns NULL. */
struct aura_redis *aura_redis_free(struct aura_redis *r);
struct aura_store aura_redis_store(struct aura_redis *r);
/** "host:port" in use, or tried last; "" = none yet. */
const char *aura_redis_server(const struct aura_redis *r);
bool aura_redis_ready(const struct aura_redis *r);
/** Connections made so far. */
unsigned aura_redis_connections(const struct aura_redis *r);

#endif
