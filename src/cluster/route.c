/* SPDX-License-Identifier: Apache-2.0 */
#include "cluster/route.h"

#include <stdio.h>

#define CLOSED UINT64_MAX

/* ---- costs ---- */

static uint64_t link_cost(const struct aura_route_view *v, size_t from, size_t to,
                          uint64_t now_us) {
    const struct aura_route_link *l = v->link(v->arg, from, to);
    if (!l || !l->up) {
        return CLOSED;
    }
    bool proven = now_us - l->up_since_us >= AURA_ROUTE_PROVEN_US;
    return (uint64_t)l->rtt_us / 2 + 4 * (uint64_t)l->jitter_us +
           (uint64_t)l->lost_permille * AURA_ROUTE_LOSS_US + (proven ? 0 : AURA_ROUTE_UNPROVEN_US);
}

static uint64_t relay_cost(const struct aura_route_view *v, size_t node) {
    const struct aura_route_relay *relay = v->relay(v->arg, node);
    if (!relay) {
        return CLOSED;
    }
    uint32_t cpu = relay->cpu_permille < 1000 ? relay->cpu_permille : 1000;
    uint64_t busy = cpu > AURA_ROUTE_BUSY_PERMILLE ? cpu - AURA_ROUTE_BUSY_PERMILLE : 0;
    return AURA_ROUTE_RELAY_US + busy * (AURA_ROUTE_BUSY_US / (1000 - AURA_ROUTE_BUSY_PERMILLE)) +
           (relay->drain ? 2 * AURA_ROUTE_UNPROVEN_US : 0);
}

uint64_t aura_route_cost(const struct aura_route_view *v, size_t from, size_t to, int via,
                         uint64_t now_us) {
    if (via == AURA_ROUTE_DIRECT) {
        return link_cost(v, from, to, now_us);
    }
    size_t relay = (size_t)via;
    if (via < 0 || relay >= v->count || relay == from || relay == to) {
        return CLOSED;
    }
    uint64_t in = link_cost(v, from, relay, now_us), out = link_cost(v, relay, to, now_us);
    uint64_t own = relay_cost(v, relay);
    return in == CLOSED || out == CLOSED || own == CLOSED ? CLOSED : in + out + own;
}

/* ---- the choice ---- */

static int best_of(const struct aura_route *r, const struct aura_route_view *v, uint64_t now_us,
                   uint64_t *cost) {
    int best = AURA_ROUTE_DIRECT;
    *cost = aura_route_cost(v, r->from, r->to, AURA_ROUTE_DIRECT, now_us);
    for (size_t i = 0; i < v->count; i++) {
        uint64_t c = aura_route_cost(v, r->from, r->to, (int)i, now_us);
        if (c < *cost) {
            *cost = c;
            best = (int)i;
        }
    }
    return *cost == CLOSED ? AURA_ROUTE_NOWHERE : best;
}

static void name_of(int via, char out[32]) {
    if (via >= 0) {
        (void)snprintf(out, 32, "by node %d", via);
    } else {
        (void)snprintf(out, 32, "%s", via == AURA_ROUTE_DIRECT ? "the direct way" : "no way");
    }
}

static bool change(struct aura_route *r, int to, uint64_t from_cost, uint64_t to_cost,
                   char why[AURA_ROUTE_WHY_MAX]) {
    char was[32], is[32];
    name_of(r->via, was);
    name_of(to, is);
    if (to == AURA_ROUTE_NOWHERE) {
        (void)snprintf(why, AURA_ROUTE_WHY_MAX, "%s was lost, and there is no other way", was);
    } else if (from_cost == CLOSED) {
        bool lost = r->via != AURA_ROUTE_NOWHERE;
        (void)snprintf(why, AURA_ROUTE_WHY_MAX, "%s at %llu ms%s%s%s", is,
                       (unsigned long long)to_cost / 1000, lost ? ", for " : "", lost ? was : "",
                       lost ? " was lost" : "");
    } else {
        (void)snprintf(why, AURA_ROUTE_WHY_MAX, "%s at %llu ms, %s was %llu ms for %d s", is,
                       (unsigned long long)to_cost / 1000, was,
                       (unsigned long long)from_cost / 1000, AURA_ROUTE_BETTER_US / 1000000);
    }
    r->via = to;
    r->better_since_us = 0;
    r->changes++;
    return true;
}

void aura_route_begin(struct aura_route *r, size_t from, size_t to) {
    *r = (struct aura_route){.from = from, .to = to, .via = AURA_ROUTE_NOWHERE};
}

bool aura_route_look(struct aura_route *r, const struct aura_route_view *v, uint64_t now_us,
                     char why[AURA_ROUTE_WHY_MAX]) {
    uint64_t cost, now = aura_route_cost(v, r->from, r->to, r->via, now_us);
    int best = best_of(r, v, now_us, &cost);
    if (now == CLOSED) {
        return best != r->via && change(r, best, now, cost, why);
    }
    if (best == r->via || cost * 100 > now * (100 - AURA_ROUTE_BETTER_PERCENT)) {
        r->better_since_us = 0;
        return false;
    }
    if (!r->better_since_us || r->better != best) {
        r->better = best;
        r->better_since_us = now_us ? now_us : 1;
    }
    return now_us - r->better_since_us >= AURA_ROUTE_BETTER_US && change(r, best, now, cost, why);
}
