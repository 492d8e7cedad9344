/* SPDX-License-Identifier: Apache-2.0 */
/** @file node.h  What a node tells of itself, and its form in Redis. Pure functions. */
#ifndef AURA_CLUSTER_NODE_H
#define AURA_CLUSTER_NODE_H

#include "base/buf.h"

#include <stddef.h>
#include <stdint.h>

enum {
    AURA_NODE_ID_MAX = 32,
    AURA_NODE_REGION_MAX = 64,
    AURA_NODE_ADDRESS_MAX = 80,
    AURA_NODES_MAX = 256,
    AURA_NODE_RECORD_MAX = 2048,
};

struct aura_cluster_node {
    char id[AURA_NODE_ID_MAX], region[AURA_NODE_REGION_MAX];
    char address[AURA_NODE_ADDRESS_MAX]; /* of its port for other nodes, "ip:port" */
    uint32_t packets_s;                  /* media, in and out */
    uint32_t cpu_permille;               /* of all that it may use */
    uint32_t rooms, participants;
    bool drain;      /* takes no new rooms; its own may go elsewhere */
    uint32_t rtt_us; /* from the node that looks; 0 = not measured. Not in the record */
};

/** As JSON. @return 0, AURA_ENOMEM, AURA_ELIMIT */
AURA_NODISCARD int aura_node_write(const struct aura_cluster_node *node, struct aura_buf *out);
/** Fields that are absent are 0; what others add is ignored. @return 0 or AURA_EMALFORMED */
AURA_NODISCARD int aura_node_read(struct aura_cluster_node *node, const char *text);

#endif
