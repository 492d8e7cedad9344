/* SPDX-License-Identifier: Apache-2.0 */
#include "cluster/choice.h"

#include <stdio.h>
#include <string.h>

static uint32_t distance_us(const struct aura_cluster_node *n,
                            const struct aura_choice_wish *wish) {
    bool near = !*wish->region || strcmp(n->region, wish->region) == 0;
    bool here = strcmp(n->id, wish->here) == 0;
    /* A region is a wish of its own: the one that was wanted is near, wherever we look from. */
    return near && *wish->region ? AURA_CHOICE_NEAR_US
           : here && near        ? 0
           : n->rtt_us           ? n->rtt_us
           : near                ? AURA_CHOICE_NEAR_US
                                 : AURA_CHOICE_FAR_US;
}

uint32_t aura_choice_cost(const struct aura_cluster_node *n, const struct aura_choice_wish *wish) {
    if (n->drain || strcmp(n->id, wish->not ) == 0) {
        return UINT32_MAX;
    }
    uint32_t cpu = n->cpu_permille < 1000 ? n->cpu_permille : 1000;
    uint32_t busy = cpu > AURA_CHOICE_BUSY_PERMILLE ? cpu - AURA_CHOICE_BUSY_PERMILLE : 0;
    uint32_t cost = busy * (AURA_CHOICE_BUSY_US / (1000 - AURA_CHOICE_BUSY_PERMILLE));
    cost += strcmp(n->id, wish->here) ? AURA_CHOICE_ELSEWHERE_US : 0;
    return cost + distance_us(n, wish);
}

size_t aura_choice(const struct aura_cluster_node *nodes, size_t count,
                   const struct aura_choice_wish *wish, char why[AURA_CHOICE_WHY_MAX]) {
    size_t best = count, fit = 0;
    uint32_t least = UINT32_MAX;
    for (size_t i = 0; i < count; i++) {
        uint32_t cost = aura_choice_cost(&nodes[i], wish);
        fit += cost != UINT32_MAX;
        if (cost < least ||
            (cost != UINT32_MAX && cost == least && nodes[i].packets_s < nodes[best].packets_s)) {
            best = i;
            least = cost;
        }
    }
    if (best == count) {
        snprintf(why, AURA_CHOICE_WHY_MAX, "all of %zu nodes drain", count);
        return count;
    }
    const struct aura_cluster_node *n = &nodes[best];
    snprintf(why, AURA_CHOICE_WHY_MAX,
             "cost %u ms, the least of %zu: region %s%s%s, CPU %u.%u %%, %u packets/s, RTT %u.%u "
             "ms%s",
             least / 1000, fit, *n->region ? n->region : "none", *wish->region ? ", wanted " : "",
             wish->region, n->cpu_permille / 10, n->cpu_permille % 10, n->packets_s,
             n->rtt_us / 1000, n->rtt_us / 100 % 10,
             strcmp(n->id, wish->here) == 0 ? ", the client came here" : "");
    return best;
}
