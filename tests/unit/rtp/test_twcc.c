/* SPDX-License-Identifier: Apache-2.0 */
#include "harness.h"
#include "rtp/twcc.h"

#include "base/rand.h"

#include <string.h>

static int parse_one(const struct aura_wr *w, struct aura_twcc_feedback *fb,
                     struct aura_twcc_status *out) {
    struct aura_rtcp_iter it = aura_rtcp_packets(w->begin, aura_wr_len(w));
    struct aura_rtcp p;
    assert_int_equal(aura_rtcp_next(&it, &p), 1);
    return aura_twcc_parse(&p, fb, out);
}

static int reads_a_known_packet(void) {
    /* Built by hand after draft §3.1: base 5, 4 statuses, ref 1, run of 2 small, lost, large. */
    static const uint8_t in[] = {0xaf, 205, 0, 6, 0, 0,    0,    1,    0, 0, 0,    2,    0, 5,
                                 0,    4,   0, 0, 1, 0x2a, 0xd4, 0x80, 4, 8, 0xff, 0xfc, 0, 2};
    struct aura_twcc_feedback fb;
    struct aura_twcc_status st[AURA_TWCC_STATUSES_MAX];
    struct aura_rtcp_iter it = aura_rtcp_packets(in, sizeof(in));
    struct aura_rtcp p;
    assert_int_equal(aura_rtcp_next(&it, &p), 1);
    assert_int_equal(aura_twcc_parse(&p, &fb, st), 4);
    assert_int_equal(fb.fb_count, 0x2a);
    assert_int_equal(fb.base_seq, 5);
    assert_int_equal(st[0].arrival_us, 64000 + 1000);
    assert_int_equal(st[1].arrival_us, 64000 + 3000);
    assert_false(st[2].received);
    assert_int_equal(st[3].seq, 8);
    assert_int_equal(st[3].arrival_us, 64000 + 2000); /* -4 ticks */
    return 0;
}

/* What was recorded must come back, whatever the pattern of loss, delay and order is. */
static int random_arrivals_come_back(void) {
    struct aura_rand_seeded seeded;
    aura_rand_seeded_init(&seeded, 7);
    struct aura_rand *rand = &seeded.rand;
    struct aura_twcc *t = NULL;
    TRY(aura_twcc_new(&t));
    static uint64_t at[1 << 16];
    memset(at, 0, sizeof(at));
    uint64_t now = UINT64_C(0xffffff) * AURA_TWCC_REF_US - 3000000; /* the ref time wraps soon */
    uint16_t seq = 65000;
    struct aura_twcc_status st[AURA_TWCC_STATUSES_MAX];
    size_t seen = 0;
    uint8_t count = 0;
    for (int round = 0; round < 300; round++) {
        size_t n = 1 + aura_rand_below(rand, 200), lossy = aura_rand_below(rand, 3);
        uint16_t first = seq;
        for (size_t i = 0; i < n; i++, seq++) {
            now += aura_rand_below(rand, round % 5 == 0 ? 200000 : 2000);
            bool lost = lossy && i + 1 < n && aura_rand_below(rand, lossy == 1 ? 20 : 2) == 0;
            at[seq] = lost ? 0 : now;
            if (!lost) {
                aura_twcc_record(t, seq, now);
                aura_twcc_record(t, seq, now + 1000000); /* a duplicate changes nothing */
            }
        }
        assert_true(aura_twcc_pending(t) > 0);
        while (aura_twcc_pending(t) > 0) {
            uint8_t buf[1200];
            struct aura_wr w = aura_wr_of(buf, 100 + aura_rand_below(rand, 1100));
            size_t built = aura_twcc_build(t, &w, 1, 2);
            assert_true(built > 0);
            struct aura_twcc_feedback fb;
            assert_int_equal(parse_one(&w, &fb, st), built);
            assert_int_equal(fb.fb_count, count++);
            int64_t ref_us = (int64_t)fb.ref_time * AURA_TWCC_REF_US;
            int64_t wrap_us =
                (int64_t)((now / AURA_TWCC_REF_US) >> 24) * (INT64_C(1) << 24) * AURA_TWCC_REF_US;
            if (ref_us + wrap_us > (int64_t)now) {
                wrap_us -= (INT64_C(1) << 24) * AURA_TWCC_REF_US;
            }
            for (size_t i = 0; i < built; i++, first++) {
                assert_int_equal(st[i].seq, first);
                assert_int_equal(st[i].received, at[first] != 0);
                if (at[first]) {
                    assert_true(st[i].arrival_us + wrap_us == (int64_t)(at[first] / 250 * 250));
                }
                seen++;
            }
        }
        assert_int_equal(first, seq);
    }
    assert_true(seen > 10000);
    aura_twcc_free(t);
    return 0;
}

static int late_ones_are_reported_again(void) {
    struct aura_twcc *t = NULL;
    TRY(aura_twcc_new(&t));
    uint8_t buf[200];
    struct aura_twcc_feedback fb;
    struct aura_twcc_status st[AURA_TWCC_STATUSES_MAX];
    aura_twcc_record(t, 1, 1000000);
    aura_twcc_record(t, 3, 1001000);
    struct aura_wr w = aura_wr_of(buf, sizeof(buf));
    assert_int_equal(aura_twcc_build(t, &w, 1, 2), 3);
    assert_int_equal(aura_twcc_pending(t), 0);
    assert_int_equal(aura_twcc_build(t, &w, 1, 2), 0);
    aura_twcc_record(t, 2, 1002000);
    w = aura_wr_of(buf, sizeof(buf));
    assert_int_equal(aura_twcc_build(t, &w, 1, 2), 2);
    assert_int_equal(parse_one(&w, &fb, st), 2);
    assert_int_equal(fb.base_seq, 2);
    assert_int_equal(st[0].arrival_us - st[1].arrival_us, 1000); /* a negative delta */
    aura_twcc_free(t);
    return 0;
}

static int the_window_is_bounded(void) {
    struct aura_twcc *t = NULL;
    TRY(aura_twcc_new(&t));
    aura_twcc_record(t, 0, 1000);
    aura_twcc_record(t, 30000, 2000);
    assert_int_equal(aura_twcc_pending(t), AURA_TWCC_WINDOW);
    aura_twcc_record(t, 30000 - AURA_TWCC_WINDOW, 3000); /* too old */
    assert_int_equal(aura_twcc_pending(t), AURA_TWCC_WINDOW);
    uint8_t buf[20];
    struct aura_wr w = aura_wr_of(buf, sizeof(buf));
    assert_int_equal(aura_twcc_build(t, &w, 1, 2), 0); /* no room */
    assert_false(w.fail);
    aura_twcc_free(t);
    return 0;
}

static int refuses_lies(void) {
    uint8_t in[32] = {0x8f, 205, 0, 7};
    struct aura_rtcp_iter it = aura_rtcp_packets(in, sizeof(in));
    struct aura_rtcp p;
    struct aura_twcc_feedback fb;
    struct aura_twcc_status st[AURA_TWCC_STATUSES_MAX];
    assert_int_equal(aura_rtcp_next(&it, &p), 1);
    in[14] = (AURA_TWCC_STATUSES_MAX + 1) >> 8;
    in[15] = 1;
    assert_int_equal(aura_twcc_parse(&p, &fb, st), AURA_ELIMIT);
    in[14] = 0; /* an empty run would never end */
    assert_int_equal(aura_twcc_parse(&p, &fb, st), AURA_EMALFORMED);
    in[20] = 0x60; /* symbol 3 */
    in[21] = 1;
    assert_int_equal(aura_twcc_parse(&p, &fb, st), AURA_EMALFORMED);
    in[20] = 0x3f; /* more deltas than bytes */
    in[21] = 0xff;
    in[15] = 100;
    assert_int_equal(aura_twcc_parse(&p, &fb, st), AURA_ETRUNC);
    return 0;
}

int main(void) {
    const struct CMUnitTest cases[] = {
        AURA_CASE(reads_a_known_packet),
        AURA_CASE(random_arrivals_come_back),
        AURA_CASE(late_ones_are_reported_again),
        AURA_CASE(the_window_is_bounded),
        AURA_CASE(refuses_lies),
    };
    return RUN_CASES("twcc", cases);
}
