/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file route.h  Which way media goes from one node to another: directly, by one relay, or not at
 * all, so that the client goes itself (docs/cluster.md). Pure functions on measurements and time.
 *
 * A way never has more than one relay, and no relay is one of its ends: so ways cannot form a loop.
 */
#ifndef AURA_CLUSTER_ROUTE_H
#define AURA_CLUSTER_ROUTE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    AURA_ROUTE_RELAY_US = 5000,       /* what a relay costs beside its links */
    AURA_ROUTE_BUSY_PERMILLE = 500,   /* a relay's CPU above it costs … */
    AURA_ROUTE_BUSY_US = 300000,      /* … up to this, at 1000 */
    AURA_ROUTE_LOSS_US = 2000,        /* each permille lost: as a repair now and then would */
    AURA_ROUTE_BETTER_PERCENT = 15,   /* another way has to be so much better … */
    AURA_ROUTE_BETTER_US = 3000000,   /* … for so long */
    AURA_ROUTE_PROVEN_US = 10000000,  /* a link that came back counts fully after this … */
    AURA_ROUTE_UNPROVEN_US = 1000000, /* … and costs so much more before */
    AURA_ROUTE_WHY_MAX = 160,
};

/** One direction between two nodes, as its sender measures it. */
struct aura_route_link {
    bool up;
    uint64_t up_since_us;
    uint32_t rtt_us, jitter_us, lost_permille;
};
/** A node that might relay. */
struct aura_route_relay {
    uint32_t cpu_permille;
    bool drain; /* only where there is no other way */
};

/** What is known now, of nodes 0 … count - 1. */
struct aura_route_view {
    size_t count;
    /** @return NULL: nothing is known of that link, which is as if it were down */
    const struct aura_route_link *(*link)(const void *arg, size_t from, size_t to);
    const struct aura_route_relay *(*relay)(const void *arg, size_t node);
    const void *arg;
};

enum { AURA_ROUTE_DIRECT = -1, AURA_ROUTE_NOWHERE = -2 };

/** The way between two nodes; begin with aura_route_begin(). */
struct aura_route {
    size_t from, to;
    int via;                  /* a node; AURA_ROUTE_DIRECT, AURA_ROUTE_NOWHERE */
    int better;               /* what has been better since … */
    uint64_t better_since_us; /* … 0 = nothing */
    uint64_t changes;
};

void aura_route_begin(struct aura_route *r, size_t from, size_t to);
/** @return µs; UINT64_MAX: that way is closed */
uint64_t aura_route_cost(const struct aura_route_view *v, size_t from, size_t to, int via,
                         uint64_t now_us);
/**
 * Looks at the measurements; a few times a second, and when a link goes down. A way that is closed
 * is left at once, for another only with hysteresis.
 * @param why  out, if it changed: a line for the log and for people
 * @return did `via` change?
 */
bool aura_route_look(struct aura_route *r, const struct aura_route_view *v, uint64_t now_us,
                     char why[AURA_ROUTE_WHY_MAX]);

#endif
