/* SPDX-License-Identifier: Apache-2.0 */
#include "harness.h"
#include "rtp/recv_stats.h"
#include "rtp/sr.h"

#include <string.h>

static enum aura_recv_verdict take(struct aura_recv_stats *s, uint16_t seq, uint64_t *eseq) {
    return aura_recv_stats_packet(s, seq, 0, 1000, 100, eseq);
}

static int counts_loss_over_the_wrap(void) {
    struct aura_recv_stats s;
    uint64_t e;
    aura_recv_stats_init(&s, 90000);
    assert_int_equal(aura_recv_stats_expected(&s), 0);
    for (unsigned i = 0; i < 100; i++) { /* every tenth is lost */
        if (i % 10 != 5) {
            assert_int_equal(take(&s, (uint16_t)(65500 + i), &e), AURA_RECV_OK);
            assert_int_equal(e, 65536 + 65500 + i);
        }
    }
    assert_int_equal(aura_recv_stats_expected(&s), 100);
    assert_int_equal(aura_recv_stats_lost(&s), 10);
    struct aura_rtcp_block b;
    aura_recv_stats_block(&s, 7, &b);
    assert_int_equal(b.ssrc, 7);
    assert_int_equal(b.fraction_lost, 10 * 256 / 100);
    assert_int_equal(b.lost, 10);
    assert_int_equal(b.max_eseq, 65500 + 99);
    assert_int_equal(take(&s, 65505, &e), AURA_RECV_OK); /* late */
    assert_int_equal(e, 65536 + 65505);
    assert_int_equal(take(&s, 65505, &e), AURA_RECV_DUPLICATE);
    assert_int_equal(take(&s, 65490, &e), AURA_RECV_OLD); /* before the base */
    aura_recv_stats_block(&s, 7, &b);
    assert_int_equal(b.fraction_lost, 0);
    assert_int_equal(b.lost, 8); /* a duplicate counts as received (RFC 3550 A.3) */
    assert_int_equal(s.reordered, 1);
    assert_int_equal(aura_recv_stats_eseq(&s, 65520), 65536 + 65520);
    return 0;
}

static int begins_anew_after_two_far_ones(void) {
    struct aura_recv_stats s;
    uint64_t e, before;
    aura_recv_stats_init(&s, 90000);
    assert_int_equal(take(&s, 1000, &before), AURA_RECV_OK);
    assert_int_equal(take(&s, 30000, &e), AURA_RECV_OLD);
    assert_int_equal(take(&s, 1001, &e), AURA_RECV_OK); /* it was a stray */
    assert_int_equal(take(&s, 30001, &e), AURA_RECV_OLD);
    assert_int_equal(take(&s, 30002, &e), AURA_RECV_RESTART);
    assert_true(e > before + 65536);
    assert_int_equal(e & 0xffff, 30002);
    assert_int_equal(take(&s, 30003, &e), AURA_RECV_OK);
    assert_int_equal(aura_recv_stats_lost(&s), 0);
    assert_int_equal(s.restarts, 1);
    /* Just inside the jump that counts as loss. */
    assert_int_equal(take(&s, (uint16_t)(30003 + AURA_RECV_DROPOUT_MAX - 1), &e), AURA_RECV_OK);
    assert_int_equal(aura_recv_stats_lost(&s), AURA_RECV_DROPOUT_MAX - 2);
    return 0;
}

static int jitter_is_the_smoothed_difference(void) {
    struct aura_recv_stats s;
    uint64_t e;
    aura_recv_stats_init(&s, 48000);
    uint64_t now = 5000000;
    for (uint16_t i = 0; i < 100; i++, now += 20000) {
        (void)aura_recv_stats_packet(&s, i, 960u * i, now, 100, &e);
    }
    assert_int_equal(aura_recv_stats_jitter_us(&s), 0);
    /* Alternately 10 ms late: |D| = 480 each time, to which J converges (RFC 3550 A.8). */
    for (uint16_t i = 100; i < 400; i++, now += 20000) {
        (void)aura_recv_stats_packet(&s, i, 960u * i, now + (i & 1) * 10000, 100, &e);
    }
    assert_in_range(aura_recv_stats_jitter_us(&s), 9700, 10000);
    uint32_t before = aura_recv_stats_jitter_us(&s);
    (void)aura_recv_stats_packet(&s, 400, 0x80000000, now, 100, &e); /* a new timestamp origin */
    assert_int_equal(aura_recv_stats_jitter_us(&s), before);
    return 0;
}

static int ntp_and_back(void) {
    assert_true(aura_ntp_of_us(0) == AURA_NTP_UNIX_OFFSET << 32);
    assert_true(aura_ntp_to_us(5) == 0);
    for (uint64_t us = 1700000000000000; us < 1700000000000000 + 5000000; us += 99991) {
        assert_true(aura_ntp_to_us(aura_ntp_of_us(us)) == us);
    }
    assert_int_equal(aura_ntp_mid(0x1111222233334444), 0x22223333);
    return 0;
}

static int reports_are_forwarded_in_sync(void) {
    struct aura_sr_source s = {.clock_rate = 90000};
    struct aura_rtcp_sender out;
    assert_false(aura_sr_make(&s, 0, 1, 1, 0, 0, &out));
    aura_sr_source_packet(&s, 5000, 1000000);
    /* No report yet: our wall clock and the arrival. */
    assert_true(aura_sr_make(&s, 100, 1500000, 1700000000000000, 3, 4, &out));
    assert_int_equal(out.rtp, 5000 + 45000 + 100);
    assert_true(out.ntp == aura_ntp_of_us(1700000000000000));
    assert_int_equal(out.packets, 3);
    struct aura_rtcp_sender sr = {.ntp = UINT64_C(1000) << 32, .rtp = UINT32_MAX - 9};
    aura_sr_source_report(&s, &sr, 2000000);
    assert_true(aura_sr_make(&s, 10, 4500000, 1700000000000000, 3, 4, &out));
    assert_true(out.ntp == (UINT64_C(1002) << 32) + (UINT64_C(1) << 31));
    assert_int_equal(out.rtp, 225000); /* wrapped */
    struct aura_rtcp_sender old = {.ntp = UINT64_C(999) << 32};
    aura_sr_source_report(&s, &old, 2100000); /* overtaken: not taken */
    assert_true(s.sr_ntp == sr.ntp);
    return 0;
}

static int layers_compare_by_their_reports(void) {
    struct aura_sr_source a = {.clock_rate = 90000}, b = {.clock_rate = 90000};
    uint32_t ts;
    assert_false(aura_sr_source_convert(&a, 0, &b, &ts));
    aura_sr_source_packet(&a, 1000, 1000000);
    aura_sr_source_packet(&b, 500000, 1010000);
    assert_true(aura_sr_source_convert(&a, 1900, &b, &ts)); /* by arrival: b was 10 ms later */
    assert_int_equal(ts, 500000 + 900 - 900);
    struct aura_rtcp_sender ra = {.ntp = UINT64_C(100) << 32, .rtp = 1000};
    struct aura_rtcp_sender rb = {.ntp = (UINT64_C(101) << 32), .rtp = 700000};
    aura_sr_source_report(&a, &ra, 1);
    aura_sr_source_report(&b, &rb, 1);
    assert_true(aura_sr_source_convert(&a, 1000, &b, &ts));
    assert_int_equal(ts, 700000 - 90000);
    assert_true(aura_sr_source_convert(&b, 700000, &a, &ts));
    assert_int_equal(ts, 1000 + 90000);
    assert_true(aura_sr_source_convert(&a, 1000 - 45000u, &b, &ts));
    assert_int_equal(ts, 700000 - 135000);
    return 0;
}

static int round_trip_from_a_block(void) {
    struct aura_sr_source s = {.clock_rate = 90000};
    uint32_t lsr, dlsr;
    aura_sr_lsr(&s, 5, &lsr, &dlsr);
    assert_int_equal(lsr, 0);
    struct aura_rtcp_sender sr = {.ntp = 0x0000111122220000};
    aura_sr_source_report(&s, &sr, 1000000);
    aura_sr_lsr(&s, 3500000, &lsr, &dlsr);
    assert_int_equal(lsr, 0x11112222);
    assert_int_equal(dlsr, 5 * 32768);
    struct aura_sr_log log = {0};
    for (uint64_t i = 1; i <= 9; i++) {
        aura_sr_sent(&log, i << 16, i * 1000000);
    }
    struct aura_rtcp_block b = {.lsr = 9, .dlsr = 65536 / 2};
    assert_int_equal(aura_sr_rtt_us(&log, &b, 9540000), 40000);
    b.lsr = 1; /* fell out */
    assert_int_equal(aura_sr_rtt_us(&log, &b, 9540000), 0);
    b.lsr = 0;
    assert_int_equal(aura_sr_rtt_us(&log, &b, 9540000), 0);
    b.lsr = 8;
    b.dlsr = UINT32_MAX; /* a lie */
    assert_int_equal(aura_sr_rtt_us(&log, &b, 9540000), 1);
    return 0;
}

int main(void) {
    const struct CMUnitTest cases[] = {
        AURA_CASE(counts_loss_over_the_wrap),         AURA_CASE(begins_anew_after_two_far_ones),
        AURA_CASE(jitter_is_the_smoothed_difference), AURA_CASE(ntp_and_back),
        AURA_CASE(reports_are_forwarded_in_sync),     AURA_CASE(layers_compare_by_their_reports),
        AURA_CASE(round_trip_from_a_block),
    };
    return RUN_CASES("stats", cases);
}
