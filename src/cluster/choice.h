/* SPDX-License-Identifier: Apache-2.0 */
/** @file choice.h  Which node gets a new room (docs/cluster.md). A pure function. */
#ifndef AURA_CLUSTER_CHOICE_H
#define AURA_CLUSTER_CHOICE_H

#include "cluster/node.h"

enum {
    AURA_CHOICE_NEAR_US = 5000,       /* RTT that is assumed within the wanted region … */
    AURA_CHOICE_FAR_US = 100000,      /* … and elsewhere, where none was measured */
    AURA_CHOICE_ELSEWHERE_US = 20000, /* of every node but the one that the client came to */
    AURA_CHOICE_BUSY_PERMILLE = 500,  /* CPU above it costs … */
    AURA_CHOICE_BUSY_US = 300000,     /* … up to this, at 1000 */
    AURA_CHOICE_WHY_MAX = 200,
};

struct aura_choice_wish {
    const char *here;   /* id of the node that the client came to */
    const char *region; /* "" = none is better than others */
    const char * not ;  /* id of one that has just failed; "" = none */
};

/** Its cost, µs; UINT32_MAX: it takes no rooms. */
uint32_t aura_choice_cost(const struct aura_cluster_node *node,
                          const struct aura_choice_wish *wish);
/**
 * @param why  out: a line for the log and for people
 * @return the index of the best, or @p count: none takes rooms
 */
size_t aura_choice(const struct aura_cluster_node *nodes, size_t count,
                   const struct aura_choice_wish *wish, char why[AURA_CHOICE_WHY_MAX]);

#endif
