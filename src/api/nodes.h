/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file nodes.h  This server as a node of a cluster: Redis, its rooms' owners, and the way to ask
 * other nodes. docs/cluster.md has the rules. Threading: control thread.
 */
#ifndef AURA_API_NODES_H
#define AURA_API_NODES_H

#include "api/peer_ask.h"
#include "cluster/cluster.h"
#include "cluster/redis.h"
#include "room/rooms.h"

struct aura_nodes;

struct aura_nodes_conf {
    struct aura_redis_conf redis;       /* its state and arg are ours */
    const char *node_id, *region;       /* borrowed for its life, as are the others */
    const char *address;                /* of our port for other nodes, "ip:port" */
    const char *ca, *certificate, *key; /* files; ca "" = plain HTTP between nodes */
    struct aura_rooms *rooms;
    struct aura_sfu *sfu;
};

/** @param why  out: a constant text with AURA_EINVAL, AURA_EUNSUPPORTED
 * @return 0, AURA_ENOMEM, AURA_EINVAL, AURA_EUNSUPPORTED */
AURA_NODISCARD int aura_nodes_new(struct aura_nodes **out, const struct aura_nodes_conf *conf,
                                  struct aura_loop *loop, const char **why);
/** When HTTP has ended, before the rooms do. NULL is fine. Returns NULL. */
struct aura_nodes *aura_nodes_free(struct aura_nodes *n);

struct aura_cluster *aura_nodes_cluster(const struct aura_nodes *n);
struct aura_asker *aura_nodes_asker(const struct aura_nodes *n);
const struct aura_redis *aura_nodes_redis(const struct aura_nodes *n);

#endif
