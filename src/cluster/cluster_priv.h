/* SPDX-License-Identifier: Apache-2.0 */
/** @file cluster_priv.h  Shared by cluster.c (this node, its rooms) and find.c (searches). */
#ifndef AURA_CLUSTER_CLUSTER_PRIV_H
#define AURA_CLUSTER_CLUSTER_PRIV_H

#include "base/map.h"
#include "cluster/cluster.h"
#include "cluster/scripts.h"

/** A room that we own. */
struct aura__held {
    struct aura_node node;
    uint64_t epoch, seen_us; /* seen: it was open, or has just been placed */
    bool releasing;
    char why[AURA_CHOICE_WHY_MAX];
    char name[]; /* NUL-terminated */
};

/** Where a room of another node was last, for when the store is away. */
struct aura__known {
    struct aura_node node;
    uint64_t epoch;
    char id[AURA_NODE_ID_MAX], address[AURA_NODE_ADDRESS_MAX];
    char name[];
};

struct aura_cluster {
    struct aura_cluster_conf conf;
    const struct aura_clock *clock;
    struct aura_timer beat_timer;
    struct aura_map *held, *known;          /* by name */
    struct aura_list held_list, known_list; /* oldest renewed first; oldest learnt first */
    struct aura_list finds, asks;           /* struct aura_cluster_find; struct aura__ask */
    struct aura_cluster_node nodes[AURA_NODES_MAX];
    size_t node_count;
    size_t unverified; /* rooms still to be told of since the store came back */
    bool beating, drain, freeing, told;
    void (*drained)(void *arg);
    void *drained_arg;
    struct aura_cluster_stats stats;
};

/** Something on its way to the store, or to a node. Outlives what asked for it. */
struct aura__ask {
    struct aura_node node;
    struct aura_cluster *c;      /* NULL: it is gone */
    struct aura_cluster_find *f; /* NULL: nobody wants to know any more */
    uint64_t epoch;
    char room[]; /* of releases */
};

/** The search ends without a result. */
void aura__find_fail(struct aura_cluster_find *f, const char *why);
struct aura__ask *aura__ask_new(struct aura_cluster *c, const char *room);
/** Takes it off the list. */
void aura__ask_free(struct aura__ask *a);

/** We own it from now on. @return 0, AURA_ENOMEM, AURA_ELIMIT */
AURA_NODISCARD int aura__hold(struct aura_cluster *c, const char *room, uint64_t epoch,
                              const char *why);
/** We own it no more. */
void aura__let_go(struct aura_cluster *c, const char *room);
/** Another one owns it, at that epoch. What cannot be remembered is not. */
void aura__remember(struct aura_cluster *c, const char *room, const char *id, const char *address,
                    uint64_t epoch);
void aura__forget(struct aura_cluster *c, const char *room);

#endif
