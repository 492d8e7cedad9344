/* SPDX-License-Identifier: Apache-2.0 */
/** @file model.h  Nodes around a model of Redis on virtual time: the same rules as the scripts
 * have, in C, with delays, cuts and losses that a test asks for. */
#ifndef AURA_TESTS_CLUSTER_MODEL_H
#define AURA_TESTS_CLUSTER_MODEL_H

#include "base/rand.h"
#include "cluster/cluster.h"
#include "harness.h"

enum { NODES = 5, ROOMS = 12 };

struct member {
    struct world *w;
    char id[AURA_NODE_ID_MAX], address[AURA_NODE_ADDRESS_MAX];
    struct aura_cluster *c; /* NULL: it does not run */
    bool cut;               /* from Redis */
    bool rooms[ROOMS];      /* that are open here, by number */
    uint32_t cpu;
    uint64_t
        last_us; /* when its last word arrives, there or here: one connection keeps the order */
};

struct model_room {
    char node[AURA_NODE_ID_MAX], address[AURA_NODE_ADDRESS_MAX];
    uint64_t epoch; /* 0 = none */
};

struct world {
    struct aura_clock_manual clock;
    struct aura_timers *timers;
    struct aura_rand *rand; /* NULL: answers take no time of chance */
    bool down;
    uint64_t born_us, epoch;
    struct {
        char id[AURA_NODE_ID_MAX], record[AURA_NODE_RECORD_MAX];
        uint64_t until_us; /* 0 = none */
    } records[64];
    struct model_room rooms[ROOMS];
    struct member nodes[NODES];
    unsigned starts, placed, lost;
    uint64_t lost_epoch; /* highest that Redis knew when it lost its data */
};

AURA_NODISCARD int world_start(struct world *w, size_t nodes);
AURA_NODISCARD int member_start(struct world *w, size_t i);
/** As if its process were killed. */
void member_kill(struct world *w, size_t i);
/** It ends in order. */
void member_end(struct world *w, size_t i);
void world_cut(struct world *w, size_t i, bool cut);
void world_down(struct world *w, bool down);
void world_empty(struct world *w);
void world_run(struct world *w, uint64_t us);
void world_end(struct world *w);

/** "room0" … */
const char *room_name(size_t room);

struct result {
    bool done;
    enum aura_cluster_where where;
    char node[AURA_NODE_ID_MAX], address[AURA_NODE_ADDRESS_MAX], why[AURA_CHOICE_WHY_MAX];
    uint64_t epoch;
    struct aura_cluster_find find;
    struct member *at;
    size_t room;
};
/** Somebody comes to node @p i for a room; if it is placed here, it opens. */
void join(struct world *w, size_t i, size_t room, struct result *r);
void look(struct world *w, size_t i, size_t room, struct result *r);

#endif
