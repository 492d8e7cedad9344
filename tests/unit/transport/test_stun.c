/* SPDX-License-Identifier: Apache-2.0 */
#include "base/bytes.h"
#include "base/rand.h"
#include "harness.h"
#include "transport/stun.h"

/* RFC 5769 section 2.1 */
static const uint8_t sample_request[] = {
    0x00, 0x01, 0x00, 0x58, 0x21, 0x12, 0xa4, 0x42, 0xb7, 0xe7, 0xa7, 0x01, 0xbc, 0x34, 0xd6, 0x86,
    0xfa, 0x87, 0xdf, 0xae, 0x80, 0x22, 0x00, 0x10, 0x53, 0x54, 0x55, 0x4e, 0x20, 0x74, 0x65, 0x73,
    0x74, 0x20, 0x63, 0x6c, 0x69, 0x65, 0x6e, 0x74, 0x00, 0x24, 0x00, 0x04, 0x6e, 0x00, 0x01, 0xff,
    0x80, 0x29, 0x00, 0x08, 0x93, 0x2f, 0xf9, 0xb1, 0x51, 0x26, 0x3b, 0x36, 0x00, 0x06, 0x00, 0x09,
    0x65, 0x76, 0x74, 0x6a, 0x3a, 0x68, 0x36, 0x76, 0x59, 0x20, 0x20, 0x20, 0x00, 0x08, 0x00, 0x14,
    0x9a, 0xea, 0xa7, 0x0c, 0xbf, 0xd8, 0xcb, 0x56, 0x78, 0x1e, 0xf2, 0xb5, 0xb2, 0xd3, 0xf2, 0x49,
    0xc1, 0xb5, 0x71, 0xa2, 0x80, 0x28, 0x00, 0x04, 0xe5, 0x7a, 0x3b, 0xcf};
/* section 2.2 */
static const uint8_t sample_v4[] = {
    0x01, 0x01, 0x00, 0x3c, 0x21, 0x12, 0xa4, 0x42, 0xb7, 0xe7, 0xa7, 0x01, 0xbc, 0x34, 0xd6, 0x86,
    0xfa, 0x87, 0xdf, 0xae, 0x80, 0x22, 0x00, 0x0b, 0x74, 0x65, 0x73, 0x74, 0x20, 0x76, 0x65, 0x63,
    0x74, 0x6f, 0x72, 0x20, 0x00, 0x20, 0x00, 0x08, 0x00, 0x01, 0xa1, 0x47, 0xe1, 0x12, 0xa6, 0x43,
    0x00, 0x08, 0x00, 0x14, 0x2b, 0x91, 0xf5, 0x99, 0xfd, 0x9e, 0x90, 0xc3, 0x8c, 0x74, 0x89, 0xf9,
    0x2a, 0xf9, 0xba, 0x53, 0xf0, 0x6b, 0xe7, 0xd7, 0x80, 0x28, 0x00, 0x04, 0xc0, 0x7d, 0x4c, 0x96};
/* section 2.3 */
static const uint8_t sample_v6[] = {
    0x01, 0x01, 0x00, 0x48, 0x21, 0x12, 0xa4, 0x42, 0xb7, 0xe7, 0xa7, 0x01, 0xbc, 0x34, 0xd6, 0x86,
    0xfa, 0x87, 0xdf, 0xae, 0x80, 0x22, 0x00, 0x0b, 0x74, 0x65, 0x73, 0x74, 0x20, 0x76, 0x65, 0x63,
    0x74, 0x6f, 0x72, 0x20, 0x00, 0x20, 0x00, 0x14, 0x00, 0x02, 0xa1, 0x47, 0x01, 0x13, 0xa9, 0xfa,
    0xa5, 0xd3, 0xf1, 0x79, 0xbc, 0x25, 0xf4, 0xb5, 0xbe, 0xd2, 0xb9, 0xd9, 0x00, 0x08, 0x00, 0x14,
    0xa3, 0x82, 0x95, 0x4e, 0x4b, 0xe6, 0x7b, 0xf1, 0x17, 0x84, 0xc9, 0x7c, 0x82, 0x92, 0xc2, 0x75,
    0xbf, 0xe3, 0xed, 0x41, 0x80, 0x28, 0x00, 0x04, 0xc8, 0xfb, 0x0b, 0x4c};
static const char sample_pwd[] = "VOkJxbRl1RmTxUk/WvJxBt";

static int rfc5769_request(void) {
    struct aura_stun_msg m;
    TRY(aura_stun_parse(&m, sample_request, sizeof(sample_request)));
    assert_int_equal(m.cls, AURA_STUN_REQUEST);
    assert_int_equal(m.method, AURA_STUN_BINDING);
    assert_int_equal(m.username_len, 9);
    assert_memory_equal(m.username, "evtj:h6vY", 9);
    assert_int_equal(m.priority, 0x6e0001ff);
    assert_true(m.controlled && !m.controlling && !m.use_candidate);
    assert_true(m.tie_breaker == UINT64_C(0x932ff9b151263b36));
    assert_true(m.has_fingerprint);
    assert_int_equal(m.unknown_count, 0); /* SOFTWARE may be ignored */
    assert_int_equal(aura_stun_check_integrity(&m, sample_pwd), 0);
    assert_int_equal(aura_stun_check_integrity(&m, "VOkJxbRl1RmTxUk/WvJxBu"), AURA_EAUTH);
    return 0;
}

static int rfc5769_responses(void) {
    struct aura_stun_msg m;
    struct aura_addr v4, v6;
    TRY(aura_addr_parse(&v4, "192.0.2.1:32853"));
    TRY(aura_addr_parse(&v6, "[2001:db8:1234:5678:11:2233:4455:6677]:32853"));
    TRY(aura_stun_parse(&m, sample_v4, sizeof(sample_v4)));
    assert_int_equal(m.cls, AURA_STUN_SUCCESS);
    assert_true(m.has_mapped && aura_addr_equal(&m.mapped, &v4));
    assert_int_equal(aura_stun_check_integrity(&m, sample_pwd), 0);
    TRY(aura_stun_parse(&m, sample_v6, sizeof(sample_v6)));
    assert_true(m.has_mapped && aura_addr_equal(&m.mapped, &v6));
    assert_int_equal(aura_stun_check_integrity(&m, sample_pwd), 0);
    return 0;
}

static int every_flipped_bit_is_seen(void) {
    for (size_t bit = 0; bit < sizeof(sample_request) * 8; bit++) {
        uint8_t copy[sizeof(sample_request)];
        struct aura_stun_msg m;
        memcpy(copy, sample_request, sizeof(copy));
        copy[bit / 8] ^= (uint8_t)(1 << bit % 8);
        int err = aura_stun_parse(&m, copy, sizeof(copy));
        bool accepted = !err && m.has_fingerprint && !aura_stun_check_integrity(&m, sample_pwd);
        assert_false(accepted);
    }
    return 0;
}

static int every_truncation_fails(void) {
    for (size_t len = 0; len < sizeof(sample_request); len++) {
        struct aura_stun_msg m;
        assert_int_not_equal(aura_stun_parse(&m, sample_request, len), 0);
    }
    return 0;
}

static int round_trip(void) {
    struct aura_stun_msg m = {.cls = AURA_STUN_REQUEST,
                              .method = AURA_STUN_BINDING,
                              .username = "abcd:efgh1",
                              .username_len = 10,
                              .has_priority = true,
                              .priority = 77,
                              .use_candidate = true,
                              .controlling = true,
                              .tie_breaker = UINT64_C(0x0102030405060708)};
    struct aura_stun_msg back;
    uint8_t out[AURA_STUN_MAX];
    size_t len = 0;
    TRY(aura_stun_build(&m, "pass", out, sizeof(out), &len));
    TRY(aura_stun_parse(&back, out, len));
    assert_int_equal(back.username_len, 10);
    assert_memory_equal(back.username, m.username, 10);
    assert_true(back.use_candidate && back.controlling && !back.controlled);
    assert_true(back.tie_breaker == m.tie_breaker && back.priority == 77);
    assert_int_equal(aura_stun_check_integrity(&back, "pass"), 0);
    for (size_t cap = 0; cap < len; cap++) {
        size_t n = 0;
        assert_int_equal(aura_stun_build(&m, "pass", out, cap, &n), AURA_ELIMIT);
    }
    return 0;
}

static int error_round_trip(void) {
    struct aura_stun_msg m = {.cls = AURA_STUN_ERROR,
                              .method = AURA_STUN_BINDING,
                              .error_code = 420,
                              .reason = "Unknown Attribute",
                              .unknown_count = 3,
                              .unknown = {0x7001, 0x7002, 0x0003}};
    struct aura_stun_msg back;
    uint8_t out[AURA_STUN_MAX];
    size_t len = 0;
    TRY(aura_stun_build(&m, NULL, out, sizeof(out), &len));
    TRY(aura_stun_parse(&back, out, len));
    assert_int_equal(back.cls, AURA_STUN_ERROR);
    assert_int_equal(back.error_code, 420);
    assert_int_equal(back.unknown_count, 3);
    assert_int_equal(back.unknown[2], 0x0003);
    assert_int_equal(back.integrity_at, 0);
    assert_int_equal(aura_stun_check_integrity(&back, "x"), AURA_EAUTH);
    return 0;
}

static int methods_and_classes(void) {
    for (unsigned i = 0; i <= 0xFFF; i++) {
        struct aura_stun_msg back,
            m = {.cls = (enum aura_stun_class)(i & 3), .method = (uint16_t)i};
        uint8_t out[64];
        size_t len = 0;
        TRY(aura_stun_build(&m, NULL, out, sizeof(out), &len));
        TRY(aura_stun_parse(&back, out, len));
        assert_int_equal(back.method, i);
        assert_int_equal(back.cls, i & 3);
        assert_true(out[0] <= 0x3F);
    }
    return 0;
}

static int ufrag_is_found_before_hashing(void) {
    const char *ufrag = NULL;
    size_t len = 0;
    uint8_t broken[sizeof(sample_request)];
    memcpy(broken, sample_request, sizeof(broken));
    broken[sizeof(broken) - 1] ^= 1; /* fingerprint: not looked at here */
    TRY(aura_stun_peek_ufrag(broken, sizeof(broken), &ufrag, &len));
    assert_int_equal(len, 4);
    assert_memory_equal(ufrag, "evtj", 4);
    assert_int_equal(aura_stun_peek_ufrag(sample_v4, sizeof(sample_v4), &ufrag, &len), AURA_ENOENT);
    assert_int_equal(aura_stun_peek_ufrag(broken, 19, &ufrag, &len), AURA_EMALFORMED);
    return 0;
}

static int hostile_lengths(void) {
    struct aura_rand_seeded r;
    aura_rand_seeded_init(&r, 5);
    for (int i = 0; i < 20000; i++) {
        uint8_t copy[sizeof(sample_request)];
        struct aura_stun_msg m;
        const char *ufrag;
        size_t n;
        memcpy(copy, sample_request, sizeof(copy));
        for (int k = 0; k < 4; k++) {
            copy[aura_rand_below(&r.rand, sizeof(copy))] = (uint8_t)aura_rand_u32(&r.rand);
        }
        if (aura_stun_parse(&m, copy, sizeof(copy)) == 0 && m.username) {
            assert_true(m.username_len <= sizeof(copy));
        }
        (void)!aura_stun_peek_ufrag(copy, sizeof(copy), &ufrag, &n);
    }
    return 0;
}

int main(void) {
    const struct CMUnitTest cases[] = {
        AURA_CASE(rfc5769_request),
        AURA_CASE(rfc5769_responses),
        AURA_CASE(every_flipped_bit_is_seen),
        AURA_CASE(every_truncation_fails),
        AURA_CASE(round_trip),
        AURA_CASE(error_round_trip),
        AURA_CASE(methods_and_classes),
        AURA_CASE(ufrag_is_found_before_hashing),
        AURA_CASE(hostile_lengths),
    };
    return RUN_CASES("stun", cases);
}
