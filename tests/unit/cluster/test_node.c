/* SPDX-License-Identifier: Apache-2.0 */
#include "cluster/node.h"
#include "harness.h"

#include <string.h>

static int there_and_back(void) {
    const struct aura_cluster_node n = {.id = "ND_1",
                                        .region = "e\"u",
                                        .address = "[::1]:7900",
                                        .packets_s = 4000000000u,
                                        .cpu_permille = 17,
                                        .rooms = 3,
                                        .participants = 9,
                                        .drain = true};
    struct aura_cluster_node back;
    struct aura_buf text = AURA_BUF(AURA_NODE_RECORD_MAX);
    int err = aura_node_write(&n, &text);
    if (!err) {
        assert_int_equal(aura_node_read(&back, aura_buf_text(&text)), 0);
        assert_memory_equal(&back, &n, sizeof(n));
    }
    aura_buf_free(&text);
    return err;
}

static int what_cannot_be_one(void) {
    static const char *const bad[] = {"",
                                      "[]",
                                      "{}",
                                      "{\"id\":7}",
                                      "{\"id\":\"\"}",
                                      "{\"id\":\"a\"",
                                      "{\"id\":\"0123456789012345678901234567890123456789\"}"};
    struct aura_cluster_node n;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_int_equal(aura_node_read(&n, bad[i]), AURA_EMALFORMED);
    }
    assert_int_equal(
        aura_node_read(&n, "{\"id\":\"a\",\"rooms\":-5,\"new\":[1],\"cpu_permille\":1e3}"), 0);
    assert_int_equal(n.rooms, 0);
    assert_int_equal(n.cpu_permille, 0); /* not an integer */
    return 0;
}

int main(void) {
    const struct CMUnitTest cases[] = {AURA_CASE(there_and_back), AURA_CASE(what_cannot_be_one)};
    return RUN_CASES("node", cases);
}
