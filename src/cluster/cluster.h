/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file cluster.h  This node among others: which are there, and which one owns a room.
 *
 * docs/cluster.md has the rules. Knows Redis only as a store of scripts, and nothing of HTTP: who
 * embeds it says how a node is asked directly. Threading: control thread.
 */
#ifndef AURA_CLUSTER_CLUSTER_H
#define AURA_CLUSTER_CLUSTER_H

#include "base/list.h"
#include "base/timer.h"
#include "cluster/choice.h"
#include "cluster/store.h"

struct aura_cluster;

enum {
    AURA_CLUSTER_BEAT_MS = 1000,
    AURA_CLUSTER_BEAT_ROOMS = 256, /* renewed with one heartbeat */
    AURA_CLUSTER_IDLE_MS = 5000,   /* a room that has been away for so long is released */
    AURA_CLUSTER_FIND_MS = 12000,  /* a search: longer than a dead node's record lives */
    AURA_CLUSTER_AGAIN_MS = 250,
    AURA_CLUSTER_ROOMS_MAX = 100000, /* owned, and remembered elsewhere */
};

/** @param alive  it answers and says that it owns the room */
typedef void(aura_cluster_probe_fn)(void *arg, bool alive);

struct aura_cluster_conf {
    const char *node_id, *region, *address; /* borrowed; address: "ip:port" of our link port */
    struct aura_store store;
    struct aura_timers *timers;
    /** Fills packets_s, cpu_permille, rooms and participants. */
    void (*load)(void *arg, struct aura_cluster_node *node);
    /** Is there such a room here? */
    bool (*has_room)(void *arg, const char *room);
    /** Another node owns it now: it must end here, at once. */
    void (*lost)(void *arg, const char *room);
    /** Asks a node directly whether it owns the room. Calls @p fn once, with `probe_arg`. */
    void (*probe)(void *arg, const char *address, const char *room, aura_cluster_probe_fn *fn,
                  void *probe_arg);
    void *arg;
};

AURA_NODISCARD int aura_cluster_new(struct aura_cluster **out,
                                    const struct aura_cluster_conf *conf);
/** Says good-bye to the others, if Redis is there. Searches end unheard. NULL is fine. Returns
 * NULL.
 */
struct aura_cluster *aura_cluster_free(struct aura_cluster *c);
/** The store can be reached, or not any more. */
void aura_cluster_connected(struct aura_cluster *c, bool connected);
/** No new rooms; ours may go elsewhere. @p fn is called once the others can know. */
void aura_cluster_drain(struct aura_cluster *c, void (*fn)(void *arg), void *arg);

/** Do we own it, as far as we know? Only then may it be made here. */
bool aura_cluster_owns(const struct aura_cluster *c, const char *room);

enum aura_cluster_where {
    AURA_CLUSTER_HERE,
    AURA_CLUSTER_THERE,   /* see node and address */
    AURA_CLUSTER_NOWHERE, /* there is no such room; only if none was to be made */
    AURA_CLUSTER_UNKNOWN, /* see why */
};
/** Borrowed until the callback returns. */
struct aura_cluster_answer {
    enum aura_cluster_where where;
    const char *node, *address, *why;
    uint64_t epoch;
};
typedef void(aura_cluster_fn)(void *arg, const struct aura_cluster_answer *answer);

/** One search. Embedded in its owner; zero it before the first use. */
struct aura_cluster_find {
    struct aura_cluster *cluster; /* NULL: it does not run */
    struct aura_node node;
    struct aura_timer timer;
    struct aura__ask *ask; /* on the way */
    const char *room;      /* borrowed until it ends */
    const char *region;    /* wanted; the same */
    bool create, relayed;
    char not [AURA_NODE_ID_MAX];  /* who could not take it */
    uint64_t until_us, take_over; /* an epoch */
    aura_cluster_fn *fn;
    void *arg;
};
struct aura_cluster_wish {
    const char *room, *region; /* region: "" = ours */
    bool create;               /* it is placed if there is none */
    bool relayed;              /* another node asks for it: if it is placed, then here */
};
/** Ends with one call of @p fn, maybe before it returns. @p f must not be running. */
void aura_cluster_find(struct aura_cluster *c, struct aura_cluster_find *f,
                       const struct aura_cluster_wish *wish, aura_cluster_fn *fn, void *arg);
/** The node that was found did not answer: searches on, if there is time; from the callback or
 * later. @return false: there is none */
bool aura_cluster_find_again(struct aura_cluster_find *f);
/** Ends it unheard; fine if it does not run. */
void aura_cluster_find_stop(struct aura_cluster_find *f);

/** The nodes as of the last heartbeat, this one too. Borrowed until the next turn. */
const struct aura_cluster_node *aura_cluster_nodes(const struct aura_cluster *c, size_t *count);
/** A round trip to a node was measured. */
void aura_cluster_measured(struct aura_cluster *c, const char *node, uint32_t rtt_us);

/** How a room came here, for who looks. Borrowed until the callback returns. */
struct aura_cluster_room_view {
    const char *room, *why; /* why: "" = another node chose this one */
    uint64_t epoch;
};
void aura_cluster_each_room(const struct aura_cluster *c,
                            void (*fn)(void *arg, const struct aura_cluster_room_view *view),
                            void *arg);

struct aura_cluster_stats {
    size_t rooms, finding; /* owned; searches now */
    bool connected, settling;
    uint64_t beats, beats_failed, placed, taken_over, lost, released, unknown, probes;
    uint64_t beat_us; /* when the last heartbeat was answered; 0 = never */
};
void aura_cluster_stats(const struct aura_cluster *c, struct aura_cluster_stats *out);

#endif
