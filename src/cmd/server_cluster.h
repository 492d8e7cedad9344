/* SPDX-License-Identifier: Apache-2.0 */
/** @file server_cluster.h  auralink-server as a node among others: from its configuration. */
#ifndef AURA_CMD_SERVER_CLUSTER_H
#define AURA_CMD_SERVER_CLUSTER_H

#include "api/http.h"
#include "api/nodes.h"
#include "cmd/server_options.h"

/** Zero it before the start. */
struct server_cluster {
    struct aura_nodes *nodes; /* NULL: alone */
    struct aura_http_near near;
    char address[AURA_NODE_ADDRESS_MAX];
};

/** Is a Redis named? */
bool server_cluster_wanted(const struct aura_config *c);
/** @return a line that says what is wrong and what to do, or NULL */
const char *server_cluster_problem(const struct aura_config *c);
/** The SFUs of all nodes as one, if that is wanted; else @p out stays as it is. */
AURA_NODISCARD int server_cluster_fleet(struct aura_fleet **out, const struct aura_config *c,
                                        const char *node_id, struct aura_rooms *rooms,
                                        struct aura_loop *loop);
/** Does nothing without a Redis. Errors are told on stderr.
 * @param node_id  borrowed for its life, as @p o is. @return 0 or an error */
AURA_NODISCARD int server_cluster_start(struct server_cluster *s, const struct server_options *o,
                                        const char *node_id, struct aura_rooms *rooms,
                                        struct aura_sfu *sfu, struct aura_loop *loop);
/** For the HTTP server; NULL = alone. */
const struct aura_http_near *server_cluster_near(const struct server_cluster *s);
/** aura_rooms_conf.may_open, with a struct server_cluster as argument. */
bool server_cluster_may_open(void *arg, const char *room);
/** Has no new rooms come here, then calls @p fn; at once if alone. */
void server_cluster_drain(struct server_cluster *s, void (*fn)(void *arg), void *arg);
void server_cluster_end(struct server_cluster *s);

#endif
