/* SPDX-License-Identifier: Apache-2.0 */
#include "harness.h"
#include "rtp/munge.h"
#include "rtp/seq.h"
#include "rtp/vp8_munge.h"

#include "base/rand.h"

#include <string.h>

static int gaps_of_ours_close(void) {
    struct aura_gapmap g;
    uint64_t out;
    aura_gapmap_start(&g, 0);
    assert_true(aura_gapmap_map(&g, 0, &out));
    assert_int_equal(out, 0);
    assert_true(aura_gapmap_drop(&g, 1));
    assert_true(aura_gapmap_drop(&g, 1));      /* its second packet */
    assert_true(aura_gapmap_map(&g, 4, &out)); /* 2 and 3 are late */
    assert_int_equal(out, 3);
    assert_false(aura_gapmap_drop(&g, 3)); /* too late to close */
    assert_true(aura_gapmap_map(&g, 2, &out));
    assert_int_equal(out, 1);
    assert_false(aura_gapmap_map(&g, 1, &out));
    assert_true(aura_gapmap_map(&g, 4 + AURA_GAPMAP_WINDOW, &out));
    assert_int_equal(out, 3 + AURA_GAPMAP_WINDOW);
    assert_false(aura_gapmap_map(&g, 4, &out));
    assert_true(aura_gapmap_map(&g, 5, &out));
    aura_gapmap_start(&g, 100);
    assert_false(aura_gapmap_map(&g, 99, &out));
    return 0;
}

static int first_packet_has_the_chosen_numbers(void) {
    struct aura_munge m;
    uint16_t seq;
    uint32_t ts;
    aura_munge_init(&m, 65535, 77);
    assert_false(aura_munge_rtp(&m, 1, 1, 1, &seq, &ts));
    assert_false(aura_munge_own(&m, &seq, &ts));
    aura_munge_switch(&m, 70000, 1000, 5);
    assert_true(aura_munge_rtp(&m, 70000, 1000, 1, &seq, &ts));
    assert_int_equal(seq, 65535);
    assert_int_equal(ts, 77);
    assert_true(aura_munge_rtp(&m, 70001, 1100, 1, &seq, &ts));
    assert_int_equal(seq, 0);
    assert_int_equal(ts, 177);
    assert_true(aura_munge_own(&m, &seq, &ts));
    assert_int_equal(seq, 1);
    assert_int_equal(ts, 177);
    assert_true(aura_munge_rtp(&m, 70002, 1200, 1, &seq, &ts));
    assert_int_equal(seq, 2);
    aura_munge_drop(&m, 70003);
    assert_true(aura_munge_rtp(&m, 70005, 1500, 1, &seq, &ts));
    assert_int_equal(seq, 4);
    assert_true(aura_munge_own(&m, &seq, &ts));
    assert_int_equal(seq, 5);
    assert_false(aura_munge_rtp(&m, 70004, 1400, 1, &seq, &ts)); /* would take a used number */
    assert_true(aura_munge_rtp(&m, 70006, 1600, 1, &seq, &ts));
    assert_int_equal(seq, 6);
    assert_int_equal(ts, 677);
    return 0;
}

static int a_switch_goes_on(void) {
    struct aura_munge m;
    uint16_t seq;
    uint32_t ts;
    aura_munge_init(&m, 10, 1000);
    aura_munge_switch(&m, 70000, 5, 0);
    assert_true(aura_munge_rtp(&m, 70000, 5, 1000000, &seq, &ts));
    assert_int_equal(aura_munge_ts_now(&m, 1500000, 90000), 1000 + 45000);
    aura_munge_switch(&m, 99, 7, 4000);
    assert_true(aura_munge_rtp(&m, 99, 7, 2000000, &seq, &ts));
    assert_int_equal(seq, 11);
    assert_int_equal(ts, 4000);
    assert_false(aura_munge_rtp(&m, 98, 6, 2000000, &seq, &ts)); /* before the key frame */
    aura_munge_switch(&m, 500, 7, 3000);                         /* would go back */
    assert_true(aura_munge_rtp(&m, 500, 7, 2000000, &seq, &ts));
    assert_int_equal(seq, 12);
    assert_int_equal(ts, 4001);
    return 0;
}

/*
 * Random drops, loss, reorder and switches. The subscriber must see each number once, and every
 * number that it misses must be one that was lost on the way to us.
 */
static int subscribers_see_no_gap_of_ours(void) {
    struct aura_rand_seeded seeded;
    aura_rand_seeded_init(&seeded, 11);
    struct aura_rand *rand = &seeded.rand;
    for (int round = 0; round < 60; round++) {
        struct aura_munge m;
        struct aura_seq_unwrapper u = {0};
        static bool seen[1 << 17];
        memset(seen, 0, sizeof(seen));
        uint16_t first = (uint16_t)aura_rand_u32(rand);
        aura_munge_init(&m, first, 1);
        uint64_t origin = 65536 + first, newest = origin - 1;
        size_t sent = 0, lost = 0;
        uint64_t pending[4]; /* held back: they come late */
        size_t held = 0;
        uint64_t eseq = 0;
        for (int i = 0; i < 3000; i++, eseq++) {
            uint16_t seq;
            uint32_t ts;
            if (i == 0 || aura_rand_below(rand, 400) == 0) {
                lost += held; /* late ones of the old source are not sent any more */
                held = 0;
                eseq = 65536 + aura_rand_below(rand, 65536);
                aura_munge_switch(&m, eseq, aura_rand_u32(rand), aura_munge_ts_now(&m, 1, 90000));
            } else if (aura_rand_below(rand, 3) == 0) {
                aura_munge_drop(&m, eseq);
                continue;
            } else if (aura_rand_below(rand, 10) == 0) {
                lost++;
                continue;
            } else if (held < 4 && aura_rand_below(rand, 10) == 0) {
                pending[held++] = eseq;
                continue;
            }
            for (int late = 0; late < 2; late++) {
                if (late && held == 0) {
                    break;
                }
                uint64_t which = late ? pending[--held] : eseq;
                assert_true(aura_munge_rtp(&m, which, 0, 1, &seq, &ts));
                uint64_t out = aura_seq_unwrap(&u, seq);
                if (sent == 0) {
                    assert_int_equal(seq, first);
                }
                assert_true(late || out > newest);
                newest = out > newest ? out : newest;
                assert_false(seen[out - origin]);
                seen[out - origin] = true;
                sent++;
            }
        }
        size_t missing = newest - origin + 1 - sent;
        assert_true(missing <= lost + held);
        /* Loss at the end of a source is closed by the switch; all else shows. */
        assert_true(missing + 60 >= lost);
    }
    return 0;
}

static struct aura_vp8 frame(uint16_t pid, uint8_t tl0, uint8_t tid, uint8_t key) {
    return (struct aura_vp8){.has_pid = true,
                             .pid_long = true,
                             .pid = pid,
                             .has_tl0 = true,
                             .tl0 = tl0,
                             .has_tid = true,
                             .tid = tid,
                             .has_keyidx = true,
                             .keyidx = key};
}

static int picture_ids_go_on(void) {
    struct aura_vp8_munge m = {0};
    struct aura_vp8 v = frame(0x7ffe, 254, 0, 31);
    assert_false(aura_vp8_munge_packet(&m, &v));
    aura_vp8_munge_switch(&m, &v);
    assert_true(aura_vp8_munge_packet(&m, &v));
    assert_int_equal(v.pid, 0x7ffe);
    assert_int_equal(v.tl0, 254);
    v = frame(0x7fff, 254, 1, 31);
    aura_vp8_munge_drop(&m, &v);
    aura_vp8_munge_drop(&m, &v); /* its second packet */
    assert_false(aura_vp8_munge_packet(&m, &v));
    v = frame(0, 255, 0, 31); /* wraps */
    assert_true(aura_vp8_munge_packet(&m, &v));
    assert_int_equal(v.pid, 0x7fff);
    assert_int_equal(v.tl0, 255);
    v = frame(2, 0, 0, 31); /* 1 is late */
    assert_true(aura_vp8_munge_packet(&m, &v));
    assert_int_equal(v.pid, 1);
    v = frame(1, 255, 1, 31);
    assert_true(aura_vp8_munge_packet(&m, &v));
    assert_int_equal(v.pid, 0);
    v = frame(500, 77, 0, 3); /* another layer */
    aura_vp8_munge_switch(&m, &v);
    assert_true(aura_vp8_munge_packet(&m, &v));
    assert_int_equal(v.pid, 2);
    assert_int_equal(v.tl0, 1);
    assert_int_equal(v.keyidx, 0);
    v = frame(499, 76, 0, 3); /* before the switch */
    assert_false(aura_vp8_munge_packet(&m, &v));
    v = frame(501, 78, 0, 4);
    assert_true(aura_vp8_munge_packet(&m, &v));
    assert_int_equal(v.pid, 3);
    assert_int_equal(v.tl0, 2);
    assert_int_equal(v.keyidx, 1);
    return 0;
}

static int short_picture_ids_stay_short(void) {
    struct aura_vp8_munge m = {0};
    struct aura_vp8 v = {.has_pid = true, .pid = 126};
    aura_vp8_munge_switch(&m, &v);
    for (unsigned i = 0; i < 1000; i++) {
        v = (struct aura_vp8){.has_pid = true, .pid = (126 + i) & 0x7f};
        assert_true(aura_vp8_munge_packet(&m, &v));
        assert_int_equal(v.pid, (126 + i) & 0x7f);
    }
    return 0;
}

int main(void) {
    const struct CMUnitTest cases[] = {
        AURA_CASE(gaps_of_ours_close), AURA_CASE(first_packet_has_the_chosen_numbers),
        AURA_CASE(a_switch_goes_on),   AURA_CASE(subscribers_see_no_gap_of_ours),
        AURA_CASE(picture_ids_go_on),  AURA_CASE(short_picture_ids_stay_short),
    };
    return RUN_CASES("munge", cases);
}
