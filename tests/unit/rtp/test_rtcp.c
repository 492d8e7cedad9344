/* SPDX-License-Identifier: Apache-2.0 */
#include "harness.h"
#include "rtp/rtcp.h"
#include "rtp/rtcp_xr.h"

#include <string.h>

static int only(struct aura_wr *w, struct aura_rtcp *p) {
    assert_false(w->fail);
    assert_int_equal(aura_wr_len(w) % 4, 0);
    assert_true(aura_rtcp_is_rtcp(w->begin, aura_wr_len(w)));
    struct aura_rtcp_iter it = aura_rtcp_packets(w->begin, aura_wr_len(w));
    assert_int_equal(aura_rtcp_next(&it, p), 1);
    struct aura_rtcp end;
    assert_int_equal(aura_rtcp_next(&it, &end), 0);
    return 0;
}

static int tells_rtcp_from_rtp(void) {
    for (unsigned i = 0; i < 256; i++) { /* RFC 5761 §4 */
        uint8_t in[2] = {0x80, (uint8_t)i};
        assert_int_equal(aura_rtcp_is_rtcp(in, 2), i >= 192 && i <= 223);
        in[0] = 0x40;
        assert_false(aura_rtcp_is_rtcp(in, 2));
    }
    assert_false(aura_rtcp_is_rtcp((const uint8_t *)"\x80", 1));
    return 0;
}

static int reports_come_back(void) {
    uint8_t buf[1024];
    struct aura_rtcp_sender s = {.ntp = 0x0102030405060708, .rtp = 9, .packets = 10, .bytes = 11};
    struct aura_rtcp_block b[AURA_RTCP_BLOCKS_MAX] = {
        {1, 255, -1, 3, 4, 5, 6}, {2, 0, 0x7fffff, 0, 0, 0, 0}, {3, 1, -0x800000, 1, 1, 1, 1}};
    for (size_t n = 0; n <= AURA_RTCP_BLOCKS_MAX; n++) {
        for (int sr = 0; sr < 2; sr++) {
            struct aura_wr w = aura_wr_of(buf, sizeof(buf));
            if (sr) {
                aura_rtcp_write_sr(&w, 77, &s, b, n);
            } else {
                aura_rtcp_write_rr(&w, 77, b, n);
            }
            struct aura_rtcp p;
            TRY(only(&w, &p));
            struct aura_rtcp_report r;
            TRY(aura_rtcp_parse_report(&r, &p));
            assert_int_equal(r.ssrc, 77);
            assert_int_equal(r.has_sender, sr);
            assert_int_equal(r.block_count, n);
            assert_int_equal(r.sender.ntp, sr ? s.ntp : 0);
            assert_int_equal(r.sender.bytes, sr ? 11 : 0);
            for (size_t i = 0; i < n && i < 3; i++) {
                assert_int_equal(r.blocks[i].ssrc, b[i].ssrc);
                assert_int_equal(r.blocks[i].lost, b[i].lost);
                assert_int_equal(r.blocks[i].fraction_lost, b[i].fraction_lost);
                assert_int_equal(r.blocks[i].dlsr, b[i].dlsr);
            }
            if (n) {
                p.len -= 4;
                assert_int_equal(aura_rtcp_parse_report(&r, &p), AURA_ETRUNC);
            }
        }
    }
    return 0;
}

static int names_come_back_in_every_length(void) {
    uint8_t buf[300];
    char name[AURA_RTCP_CNAME_MAX + 2];
    memset(name, 'c', sizeof(name));
    for (size_t n = 0; n <= AURA_RTCP_CNAME_MAX; n++) {
        name[n] = 0;
        struct aura_wr w = aura_wr_of(buf, sizeof(buf));
        aura_rtcp_write_cname(&w, 5, name);
        struct aura_rtcp p;
        TRY(only(&w, &p));
        uint32_t ssrc;
        const char *got;
        size_t len;
        TRY(aura_rtcp_parse_cname(&p, &ssrc, &got, &len));
        assert_int_equal(ssrc, 5);
        assert_int_equal(len, n);
        assert_memory_equal(got, name, n);
        name[n] = 'c';
    }
    name[AURA_RTCP_CNAME_MAX + 1] = 0;
    struct aura_wr w = aura_wr_of(buf, sizeof(buf));
    aura_rtcp_write_cname(&w, 5, name);
    assert_true(w.fail);
    /* The second chunk has it; the first one ends on its boundary. */
    static const uint8_t two[] = {0x82, 202, 0, 6, 0,   0,   0, 1, 2, 1, 'x', 0, 0, 0,
                                  0,    2,   1, 2, 'a', 'b', 0, 0, 0, 0, 0,   0, 0, 0};
    struct aura_rtcp_iter it = aura_rtcp_packets(two, sizeof(two));
    struct aura_rtcp p;
    assert_int_equal(aura_rtcp_next(&it, &p), 1);
    uint32_t ssrc;
    const char *got;
    size_t len;
    TRY(aura_rtcp_parse_cname(&p, &ssrc, &got, &len));
    assert_int_equal(ssrc, 2);
    assert_memory_equal(got, "ab", 2);
    return 0;
}

static int feedback_comes_back(void) {
    uint8_t buf[512];
    struct aura_rtcp p;
    uint32_t sender, media;
    struct aura_wr w = aura_wr_of(buf, sizeof(buf));
    struct aura_rtcp_nack nacks[] = {{65535, 0x8001}, {7, 0}}, got[8];
    aura_rtcp_write_nack(&w, 1, 2, nacks, 2);
    TRY(only(&w, &p));
    assert_int_equal(aura_rtcp_parse_nack(&p, &sender, &media, got, 8), 2);
    assert_int_equal(aura_rtcp_parse_nack(&p, &sender, &media, got, 1), 1);
    assert_int_equal(media, 2);
    uint16_t seqs[4];
    size_t n = 0;
    AURA_RTCP_NACK_EACH(got[0], seq) {
        seqs[n++] = seq;
    }
    assert_int_equal(n, 3);
    assert_int_equal(seqs[0], 65535);
    assert_int_equal(seqs[1], 0);
    assert_int_equal(seqs[2], 15);

    w = aura_wr_of(buf, sizeof(buf));
    aura_rtcp_write_pli(&w, 3, 4);
    TRY(only(&w, &p));
    TRY(aura_rtcp_parse_pli(&p, &sender, &media));
    assert_int_equal(sender, 3);
    assert_int_equal(media, 4);
    assert_int_equal(aura_rtcp_parse_nack(&p, &sender, &media, got, 8), AURA_EMALFORMED);

    w = aura_wr_of(buf, sizeof(buf));
    struct aura_rtcp_fir firs[] = {{9, 200}, {10, 0}}, firs_got[4];
    aura_rtcp_write_fir(&w, 3, firs, 2);
    TRY(only(&w, &p));
    assert_int_equal(aura_rtcp_parse_fir(&p, &sender, firs_got, 4), 2);
    assert_int_equal(firs_got[0].seq, 200);
    assert_int_equal(firs_got[1].ssrc, 10);
    return 0;
}

static int remb_keeps_18_bits(void) {
    uint8_t buf[512];
    static const uint64_t rates[] = {0, 1, 0x3ffff, 0x40000, 0x7fffff, 2500000, UINT64_MAX};
    for (size_t i = 0; i < sizeof(rates) / sizeof(rates[0]); i++) {
        struct aura_rtcp_remb remb = {.bitrate_bps = rates[i], .ssrc_count = 2, .ssrcs = {5, 6}};
        struct aura_rtcp_remb got, again;
        struct aura_wr w = aura_wr_of(buf, sizeof(buf));
        struct aura_rtcp p;
        uint32_t sender;
        aura_rtcp_write_remb(&w, 1, &remb);
        TRY(only(&w, &p));
        TRY(aura_rtcp_parse_remb(&p, &sender, &got));
        assert_true(got.bitrate_bps <= rates[i]);
        assert_true(rates[i] - got.bitrate_bps <= rates[i] >> 17);
        assert_int_equal(got.ssrcs[1], 6);
        w = aura_wr_of(buf, sizeof(buf));
        aura_rtcp_write_remb(&w, 1, &got);
        TRY(only(&w, &p));
        TRY(aura_rtcp_parse_remb(&p, &sender, &again));
        assert_int_equal(again.bitrate_bps, got.bitrate_bps);
    }
    /* An exponent that shifts bits out saturates. */
    static const uint8_t big[] = {0x8f, 206, 0,   4,   0,   0,   0, 1,    0,    0,
                                  0,    0,   'R', 'E', 'M', 'B', 0, 0xff, 0xff, 0xff};
    struct aura_rtcp_iter it = aura_rtcp_packets(big, sizeof(big));
    struct aura_rtcp p;
    struct aura_rtcp_remb got;
    uint32_t sender;
    assert_int_equal(aura_rtcp_next(&it, &p), 1);
    TRY(aura_rtcp_parse_remb(&p, &sender, &got));
    assert_true(got.bitrate_bps == UINT64_MAX);
    return 0;
}

static int xr_comes_back(void) {
    uint8_t buf[512];
    struct aura_xr xr = {.ssrc = 1,
                         .has_rrtr = true,
                         .rrtr_ntp = 42,
                         .dlrr_count = 2,
                         .dlrrs = {{2, 3, 4}, {5, 6, 7}}};
    struct aura_wr w = aura_wr_of(buf, sizeof(buf));
    struct aura_rtcp p;
    aura_xr_write(&w, &xr);
    TRY(only(&w, &p));
    struct aura_xr got;
    TRY(aura_xr_parse(&got, &p));
    assert_memory_equal(&got, &xr, sizeof(xr));
    p.len -= 4;
    assert_int_equal(aura_xr_parse(&got, &p), AURA_ETRUNC);
    return 0;
}

static int compound_and_its_bounds(void) {
    uint8_t buf[2048];
    struct aura_wr w = aura_wr_of(buf, sizeof(buf));
    aura_rtcp_write_rr(&w, 1, NULL, 0);
    aura_rtcp_write_cname(&w, 1, "x");
    aura_rtcp_write_pli(&w, 1, 2);
    uint32_t ssrc = 9, byes[AURA_RTCP_BLOCKS_MAX];
    aura_rtcp_write_bye(&w, &ssrc, 1);
    size_t len = aura_wr_len(&w);
    struct aura_rtcp_iter it = aura_rtcp_packets(buf, len);
    struct aura_rtcp p;
    static const uint8_t types[] = {201, 202, 206, 203};
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(aura_rtcp_next(&it, &p), 1);
        assert_int_equal(p.type, types[i]);
    }
    assert_int_equal(aura_rtcp_parse_bye(&p, byes), 1);
    assert_int_equal(byes[0], 9);
    assert_int_equal(aura_rtcp_next(&it, &p), 0);
    it = aura_rtcp_packets(buf, len - 1);
    int err;
    while ((err = aura_rtcp_next(&it, &p)) == 1) {
    }
    assert_int_equal(err, AURA_ETRUNC);
    static const uint8_t padding[] = {0xa1, 206, 0, 1, 0, 0, 0, 8};
    it = aura_rtcp_packets(padding, sizeof(padding));
    assert_int_equal(aura_rtcp_next(&it, &p), AURA_EMALFORMED);
    uint8_t many[(AURA_RTCP_PACKETS_MAX + 1) * 4];
    for (size_t i = 0; i < sizeof(many); i += 4) {
        memcpy(many + i, "\x80\xcb\0\0", 4);
    }
    it = aura_rtcp_packets(many, sizeof(many));
    int n = 0;
    while ((err = aura_rtcp_next(&it, &p)) == 1) {
        n++;
    }
    assert_int_equal(n, AURA_RTCP_PACKETS_MAX);
    assert_int_equal(err, AURA_ELIMIT);
    return 0;
}

static int writers_fail_whole(void) {
    uint8_t buf[11];
    struct aura_wr w = aura_wr_of(buf, sizeof(buf));
    aura_rtcp_write_pli(&w, 1, 2);
    assert_true(w.fail);
    assert_int_equal(aura_wr_len(&w), 0);
    return 0;
}

int main(void) {
    const struct CMUnitTest cases[] = {
        AURA_CASE(tells_rtcp_from_rtp),
        AURA_CASE(reports_come_back),
        AURA_CASE(names_come_back_in_every_length),
        AURA_CASE(feedback_comes_back),
        AURA_CASE(remb_keeps_18_bits),
        AURA_CASE(xr_comes_back),
        AURA_CASE(compound_and_its_bounds),
        AURA_CASE(writers_fail_whole),
    };
    return RUN_CASES("rtcp", cases);
}
