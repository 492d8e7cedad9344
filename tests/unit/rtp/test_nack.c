/* SPDX-License-Identifier: Apache-2.0 */
#include "harness.h"
#include "rtp/nack.h"

#include "base/rand.h"

#include <string.h>

static int asks_after_a_while_and_backs_off(void) {
    struct aura_nack *n = NULL;
    TRY(aura_nack_new(&n));
    struct aura_rtcp_nack out[8];
    aura_nack_received(n, 100, 0);
    aura_nack_received(n, 103, 0);
    assert_int_equal(aura_nack_outstanding(n), 2);
    assert_int_equal(aura_nack_poll(n, AURA_NACK_REORDER_US - 1, 50000, out, 8), 0);
    assert_int_equal(aura_nack_received(n, 102, 1000), AURA_NACK_LATE);
    uint64_t now = AURA_NACK_REORDER_US;
    assert_int_equal(aura_nack_poll(n, now, 50000, out, 8), 1);
    assert_int_equal(out[0].pid, 101);
    assert_int_equal(out[0].blp, 0);
    static const uint32_t waits[] = {50000, 75000, 112500, 168750, 253125, 379687, 400000};
    for (size_t i = 0; i < 7; i++) {
        assert_int_equal(aura_nack_poll(n, now + waits[i] - 1, 50000, out, 8), 0);
        now += waits[i];
        assert_int_equal(aura_nack_poll(n, now, 50000, out, 8), 1);
    }
    now += 400000;
    assert_int_equal(aura_nack_poll(n, now, 1, out, 8), 1);
    now += 400000;
    assert_int_equal(aura_nack_poll(n, now, 1, out, 8), 1); /* the tenth */
    now += 400000;
    assert_int_equal(aura_nack_poll(n, now, 1, out, 8), 0);
    assert_int_equal(aura_nack_outstanding(n), 0);
    assert_int_equal(aura_nack_stats(n).asked, AURA_NACK_TRIES_MAX);
    assert_int_equal(aura_nack_stats(n).given_up, 1);
    assert_int_equal(aura_nack_received(n, 101, now), AURA_NACK_UNKNOWN);
    aura_nack_free(n);
    return 0;
}

static int packs_pairs(void) {
    struct aura_nack *n = NULL;
    TRY(aura_nack_new(&n));
    struct aura_rtcp_nack out[8];
    aura_nack_received(n, 65536 + 65530, 0);
    aura_nack_received(n, 65536 + 65530 + 19, 0); /* 18 missing, over the wrap */
    assert_int_equal(aura_nack_poll(n, 10000, 0, out, 8), 2);
    assert_int_equal(out[0].pid, 65531);
    assert_int_equal(out[0].blp, 0xffff);
    assert_int_equal(out[1].pid, 65531 + 17 - 65536);
    assert_int_equal(out[1].blp, 0);
    assert_int_equal(aura_nack_received(n, 65536 + 65531, 11000), AURA_NACK_REPAIRED);
    assert_int_equal(aura_nack_stats(n).repaired, 1);
    aura_nack_free(n);
    return 0;
}

static int has_limits(void) {
    struct aura_nack *n = NULL;
    TRY(aura_nack_new(&n));
    struct aura_rtcp_nack out[64];
    aura_nack_received(n, 1000, 0);
    aura_nack_received(n, 1000 + 600, 0);
    assert_int_equal(aura_nack_outstanding(n), AURA_NACK_OUTSTANDING_MAX);
    assert_int_equal(aura_nack_stats(n).given_up, 99);
    aura_nack_received(n, 1000 + 700, 0);
    assert_int_equal(aura_nack_outstanding(n), AURA_NACK_OUTSTANDING_MAX);
    assert_int_equal(aura_nack_poll(n, 10000, 0, out, 2), 2); /* no more than fits */
    assert_int_equal(aura_nack_stats(n).asked, 34);
    aura_nack_key_frame(n, 1690);
    assert_int_equal(aura_nack_outstanding(n), 10);
    aura_nack_received(n, 1000 + 700 + AURA_NACK_GAP_MAX + 1, 0);
    assert_int_equal(aura_nack_outstanding(n), 0);
    aura_nack_free(n);
    return 0;
}

/* Random loss and reorder: what is outstanding is just what is missing and not given up. */
static int random_stream_is_repaired(void) {
    struct aura_rand_seeded seeded;
    aura_rand_seeded_init(&seeded, 3);
    struct aura_rand *rand = &seeded.rand;
    struct aura_nack *n = NULL;
    TRY(aura_nack_new(&n));
    uint64_t now = 1, eseq = 70000;
    size_t lost = 0, repaired = 0;
    for (int i = 0; i < 20000; i++, eseq++) {
        now += 1000;
        if (aura_rand_below(rand, 20) == 0 && i > 0) {
            lost++;
            continue;
        }
        assert_int_equal(aura_nack_received(n, eseq, now), AURA_NACK_IN_ORDER);
        struct aura_rtcp_nack out[32];
        size_t pairs = aura_nack_poll(n, now, 30000, out, 32);
        for (size_t k = 0; k < pairs; k++) {
            AURA_RTCP_NACK_EACH(out[k], seq) {
                if (aura_rand_below(rand, 4) == 0) {
                    continue; /* lost again */
                }
                uint64_t e = eseq - (uint16_t)((uint16_t)eseq - seq);
                assert_int_equal(aura_nack_received(n, e, now), AURA_NACK_REPAIRED);
                assert_int_equal(aura_nack_received(n, e, now), AURA_NACK_UNKNOWN);
                repaired++;
            }
        }
        assert_true(aura_nack_outstanding(n) + repaired <= lost);
    }
    assert_int_equal(aura_nack_stats(n).repaired, repaired);
    assert_true(repaired + 60 > lost);
    aura_nack_free(n);
    return 0;
}

int main(void) {
    const struct CMUnitTest cases[] = {
        AURA_CASE(asks_after_a_while_and_backs_off),
        AURA_CASE(packs_pairs),
        AURA_CASE(has_limits),
        AURA_CASE(random_stream_is_repaired),
    };
    return RUN_CASES("nack", cases);
}
