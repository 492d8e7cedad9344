/* SPDX-License-Identifier: Apache-2.0 */
#include "cluster/choice.h"
#include "harness.h"

#include <stdio.h>
#include <string.h>

static struct aura_cluster_node node(const char *id, const char *region, uint32_t cpu) {
    struct aura_cluster_node n = {.cpu_permille = cpu};
    (void)snprintf(n.id, sizeof(n.id), "%s", id);
    (void)snprintf(n.region, sizeof(n.region), "%s", region);
    return n;
}

static const char *chosen(const struct aura_cluster_node *nodes, size_t n, const char *here,
                          const char *region) {
    char why[AURA_CHOICE_WHY_MAX];
    const struct aura_choice_wish wish = {.here = here, .region = region, .not = ""};
    size_t i = aura_choice(nodes, n, &wish, why);
    assert_true(strlen(why) > 10);
    return i < n ? nodes[i].id : "";
}

static int where_the_client_came(void) {
    const struct aura_cluster_node nodes[] = {node("a", "", 100), node("b", "", 10)};
    assert_string_equal(chosen(nodes, 2, "a", ""), "a");
    assert_string_equal(chosen(nodes, 2, "b", ""), "b");
    return 0;
}

static int not_when_it_is_busy(void) {
    struct aura_cluster_node nodes[] = {node("a", "", 900), node("b", "", 100)};
    assert_string_equal(chosen(nodes, 2, "a", ""), "b");
    nodes[0].cpu_permille = 530; /* 18 ms: less than going elsewhere costs */
    assert_string_equal(chosen(nodes, 2, "a", ""), "a");
    return 0;
}

static int never_one_that_drains(void) {
    struct aura_cluster_node nodes[] = {node("a", "", 0), node("b", "", 1000)};
    nodes[0].drain = true;
    assert_string_equal(chosen(nodes, 2, "a", ""), "b");
    nodes[1].drain = true;
    assert_string_equal(chosen(nodes, 2, "a", ""), "");
    assert_string_equal(chosen(nodes, 0, "a", ""), "");
    return 0;
}

static int the_wanted_region(void) {
    const struct aura_cluster_node nodes[] = {node("a", "eu", 100), node("b", "us", 100),
                                              node("c", "us", 800)};
    assert_string_equal(chosen(nodes, 3, "a", "us"), "b");
    assert_string_equal(chosen(nodes, 3, "a", "eu"), "a");
    assert_string_equal(chosen(nodes, 3, "a", "asia"), "a");
    return 0;
}

static int what_was_measured(void) {
    struct aura_cluster_node nodes[] = {node("a", "eu", 1000), node("b", "us", 0),
                                        node("c", "asia", 0)};
    nodes[1].rtt_us = 90000;
    nodes[2].rtt_us = 30000;
    assert_string_equal(chosen(nodes, 3, "a", "eu"), "c");
    return 0;
}

static int packets_break_a_tie(void) {
    struct aura_cluster_node nodes[] = {node("a", "", 0), node("b", "", 0), node("c", "", 0)};
    nodes[0].drain = true;
    nodes[1].packets_s = 9000;
    nodes[2].packets_s = 100;
    assert_string_equal(chosen(nodes, 3, "a", ""), "c");
    return 0;
}

static int not_the_one_that_failed(void) {
    const struct aura_cluster_node nodes[] = {node("a", "", 0), node("b", "", 0)};
    char why[AURA_CHOICE_WHY_MAX];
    const struct aura_choice_wish wish = {.here = "a", .region = "", .not = "a"};
    assert_int_equal(aura_choice(nodes, 2, &wish, why), 1);
    return 0;
}

int main(void) {
    const struct CMUnitTest cases[] = {
        AURA_CASE(where_the_client_came),   AURA_CASE(not_when_it_is_busy),
        AURA_CASE(never_one_that_drains),   AURA_CASE(the_wanted_region),
        AURA_CASE(what_was_measured),       AURA_CASE(packets_break_a_tie),
        AURA_CASE(not_the_one_that_failed),
    };
    return RUN_CASES("choice", cases);
}
