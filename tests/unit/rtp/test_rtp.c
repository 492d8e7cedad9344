/* SPDX-License-Identifier: Apache-2.0 */
#include "harness.h"
#include "rtp/rtp.h"
#include "rtp/seq.h"

#include "base/rand.h"

#include <string.h>

static int names_go_both_ways(void) {
    for (int i = AURA_CODEC_NONE + 1; i < AURA_CODEC_COUNT; i++) {
        assert_int_equal(aura_codec_parse(aura_codec_mime((enum aura_codec)i)), i);
    }
    assert_int_equal(aura_codec_parse("vp8"), AURA_CODEC_VP8);
    assert_int_equal(aura_codec_parse("VIDEO/h264"), AURA_CODEC_H264);
    assert_int_equal(aura_codec_parse("OPUS"), AURA_CODEC_OPUS);
    assert_int_equal(aura_codec_parse("audio/vp8"), AURA_CODEC_NONE);
    assert_int_equal(aura_codec_parse(""), AURA_CODEC_NONE);
    assert_int_equal(aura_codec_parse(NULL), AURA_CODEC_NONE);
    for (int i = 0; i < AURA_EXT_COUNT; i++) {
        assert_int_equal(aura_ext_parse(aura_ext_uri((enum aura_ext)i)), i);
    }
    assert_int_equal(aura_ext_parse("urn:x"), AURA_EXT_COUNT);
    return 0;
}

static int numbers_wrap(void) {
    assert_int_equal(aura_seq_diff(1, 65535), 2);
    assert_true(aura_seq_newer(0, 65535));
    assert_false(aura_seq_newer(5, 5));
    assert_true(aura_ts_newer(10, UINT32_MAX - 10));
    struct aura_seq_unwrapper u = {0};
    uint64_t first = aura_seq_unwrap(&u, 2);
    assert_int_equal(aura_seq_unwrap(&u, 65534), first - 4); /* late at the very start */
    assert_int_equal(u.newest, first);
    uint64_t want = first;
    for (unsigned i = 0; i < 200000; i += 997) {
        assert_int_equal(aura_seq_unwrap(&u, (uint16_t)(2 + i)), want + i);
    }
    struct aura_ts_unwrapper t = {0};
    uint64_t t0 = aura_ts_unwrap(&t, UINT32_MAX);
    assert_int_equal(aura_ts_unwrap(&t, 4), t0 + 5);
    assert_int_equal(aura_ts_unwrap(&t, UINT32_MAX - 1), t0 - 1);
    return 0;
}

static int parses_all_parts(void) {
    static const uint8_t in[] = {0xb2, 0xe0, 0x12, 0x34, 1,   2,   3,   4, 5,    6,    7, 8,
                                 0,    0,    0,    1,    0,   0,   0,   2, 0xbe, 0xde, 0, 1,
                                 0x10, 0xaa, 0,    0,    'p', 'a', 'y', 0, 0,    3};
    struct aura_rtp r;
    TRY(aura_rtp_parse(&r, in, sizeof(in)));
    assert_true(r.marker);
    assert_int_equal(r.pt, 96);
    assert_int_equal(r.seq, 0x1234);
    assert_int_equal(r.ts, 0x01020304);
    assert_int_equal(r.ssrc, 0x05060708);
    assert_int_equal(r.csrc_count, 2);
    assert_int_equal(r.header_len, 28);
    assert_int_equal(r.padding_len, 3);
    assert_int_equal(r.payload_len, 3);
    assert_memory_equal(r.payload, "pay", 3);
    for (size_t n = 0; n < 28; n++) { /* every cut in the header */
        assert_int_equal(aura_rtp_parse(&r, in, n), AURA_ETRUNC);
    }
    return 0;
}

static int refuses_lies(void) {
    uint8_t in[16] = {0xa0, 96};
    struct aura_rtp r;
    in[15] = 5; /* padding longer than the payload */
    assert_int_equal(aura_rtp_parse(&r, in, sizeof(in)), AURA_EMALFORMED);
    in[15] = 0;
    assert_int_equal(aura_rtp_parse(&r, in, sizeof(in)), AURA_EMALFORMED);
    in[15] = 4;
    assert_int_equal(aura_rtp_parse(&r, in, sizeof(in)), 0);
    assert_int_equal(r.payload_len, 0);
    assert_int_equal(aura_rtp_parse(&r, in, 12), AURA_EMALFORMED);
    in[0] = 0x40;
    assert_int_equal(aura_rtp_parse(&r, in, sizeof(in)), AURA_EMALFORMED);
    uint8_t big[16 + AURA_RTP_EXT_BYTES_MAX + 4] = {0x90, 96};
    big[12] = 0xbe;
    big[13] = 0xde;
    big[14] = (AURA_RTP_EXT_BYTES_MAX / 4) >> 8;
    big[15] = AURA_RTP_EXT_BYTES_MAX / 4 & 0xff;
    assert_int_equal(aura_rtp_parse(&r, big, sizeof(big)), 0);
    big[15]++;
    assert_int_equal(aura_rtp_parse(&r, big, sizeof(big)), AURA_ELIMIT);
    return 0;
}

static struct aura_rtp with_block(const uint8_t *ext, uint16_t len, uint16_t profile) {
    return (struct aura_rtp){.ext = ext, .ext_len = len, .ext_profile = profile};
}

static int walks_one_byte_elements(void) {
    /* RFC 8285 §4.2: padding between, 15 ends it, a length past the end ends it. */
    static const uint8_t ext[] = {0x10, 'a', 0, 0, 0x21, 'b', 'c', 0, 0xf0, 1, 0x30, 'd'};
    struct aura_rtp r = with_block(ext, sizeof(ext), AURA_RTP_EXT_ONE_BYTE);
    struct aura_rtp_iter it = aura_rtp_items(&r);
    struct aura_rtp_item item;
    assert_true(aura_rtp_next(&it, &item));
    assert_int_equal(item.id, 1);
    assert_int_equal(item.len, 1);
    assert_true(aura_rtp_next(&it, &item));
    assert_int_equal(item.id, 2);
    assert_memory_equal(item.data, "bc", 2);
    assert_false(aura_rtp_next(&it, &item));
    assert_false(aura_rtp_find(&r, 3, &item));
    static const uint8_t over[] = {0x10, 'a', 0x2f, 'b'};
    r = with_block(over, sizeof(over), AURA_RTP_EXT_ONE_BYTE);
    assert_true(aura_rtp_find(&r, 1, &item));
    assert_false(aura_rtp_find(&r, 2, &item));
    r.ext_profile = 0x1234; /* a profile we do not know has no elements */
    assert_false(aura_rtp_find(&r, 1, &item));
    return 0;
}

static int walks_two_byte_elements(void) {
    static const uint8_t ext[] = {1, 0, 0, 200, 2, 'x', 'y', 3};
    struct aura_rtp r = with_block(ext, sizeof(ext), AURA_RTP_EXT_TWO_BYTE | 5);
    struct aura_rtp_item item;
    assert_true(aura_rtp_find(&r, 1, &item));
    assert_int_equal(item.len, 0);
    assert_true(aura_rtp_find(&r, 200, &item));
    assert_memory_equal(item.data, "xy", 2);
    assert_false(aura_rtp_find(&r, 3, &item));
    uint8_t many[256];
    memset(many, 0, sizeof(many));
    for (size_t i = 0; i < sizeof(many); i += 2) {
        many[i] = (uint8_t)(1 + i / 2);
    }
    r = with_block(many, sizeof(many), AURA_RTP_EXT_TWO_BYTE);
    assert_true(aura_rtp_find(&r, AURA_RTP_ITEMS_MAX, &item));
    assert_false(aura_rtp_find(&r, AURA_RTP_ITEMS_MAX + 1, &item));
    return 0;
}

static int reads_all_values_at_once(void) {
    struct aura_ext_map map = {0};
    for (int i = 0; i < AURA_EXT_COUNT; i++) {
        map.id[i] = (uint8_t)(i + 1);
    }
    static const uint8_t capture[16] = {0, 0, 0, 1, 0, 0, 0, 2, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0};
    struct aura_rtp_item items[] = {
        {AURA_EXT_MID + 1, 1, (const uint8_t *)"0"},
        {AURA_EXT_RID + 1, 1, (const uint8_t *)"q"},
        {AURA_EXT_AUDIO_LEVEL + 1, 1, (const uint8_t *)"\x9e"},
        {AURA_EXT_TWCC + 1, 2, (const uint8_t *)"\x12\x34"},
        {AURA_EXT_ABS_SEND_TIME + 1, 3, (const uint8_t *)"\x01\x02\x03"},
        {AURA_EXT_ABS_CAPTURE_TIME + 1, 16, capture},
        {AURA_EXT_DEPENDENCY_DESCRIPTOR + 1, 2, (const uint8_t *)"\x01\x02"}, /* too short */
        {AURA_EXT_VIDEO_ORIENTATION + 1, 1, (const uint8_t *)"\x0d"},
        {AURA_EXT_PLAYOUT_DELAY + 1, 3, (const uint8_t *)"\x00\xa0\x14"},
    };
    uint8_t out[256];
    size_t len;
    struct aura_rtp_header h = {.pt = 111, .seq = 7, .ts = 9, .ssrc = 11};
    TRY(aura_rtp_write_header(out, sizeof(out), &len, &h, items, 9));
    struct aura_rtp r;
    TRY(aura_rtp_parse(&r, out, len));
    struct aura_rtp_exts x;
    aura_rtp_ext_parse_all(&r, &map, &x);
    assert_true(aura_rtp_has(&x, AURA_EXT_MID));
    assert_memory_equal(x.at[AURA_EXT_MID].data, "0", 1);
    assert_true(x.voice);
    assert_int_equal(x.audio_level_dbov, 0x1e);
    assert_int_equal(x.twcc_seq, 0x1234);
    assert_int_equal(x.abs_send_time, 0x010203);
    assert_int_equal(x.abs_capture_ntp, 0x0000000100000002);
    assert_int_equal(x.abs_capture_offset_q32, -(INT64_C(1) << 32));
    assert_false(aura_rtp_has(&x, AURA_EXT_DEPENDENCY_DESCRIPTOR));
    assert_true(x.camera_back && x.flip);
    assert_int_equal(x.rotation, 1);
    assert_int_equal(x.playout_min_ms, 100);
    assert_int_equal(x.playout_max_ms, 200);
    assert_false(aura_rtp_has(&x, AURA_EXT_TOFFSET));
    return 0;
}

static int write_chooses_the_form(void) {
    uint8_t data[255] = {1}, out[1200];
    struct aura_rtp_header h = {.marker = true, .pt = 96};
    struct aura_rtp_item item = {14, 16, data}, got;
    struct aura_rtp r;
    size_t len;
    TRY(aura_rtp_write_header(out, sizeof(out), &len, &h, &item, 1));
    TRY(aura_rtp_parse(&r, out, len));
    assert_int_equal(r.ext_profile, AURA_RTP_EXT_ONE_BYTE);
    static const struct { uint8_t id, len; } two[] = {{15, 1}, {1, 0}, {1, 17}, {255, 255}};
    for (size_t i = 0; i < 4; i++) {
        item.id = two[i].id;
        item.len = two[i].len;
        TRY(aura_rtp_write_header(out, sizeof(out), &len, &h, &item, 1));
        assert_int_equal(len, aura_rtp_header_size(&item, 1));
        TRY(aura_rtp_parse(&r, out, len));
        assert_int_equal(r.ext_profile, AURA_RTP_EXT_TWO_BYTE);
        assert_true(aura_rtp_find(&r, item.id, &got));
        assert_int_equal(got.len, item.len);
        assert_int_equal(aura_rtp_write_header(out, len - 1, &len, &h, &item, 1), AURA_ELIMIT);
    }
    item.id = 0; /* not negotiated: no block at all */
    TRY(aura_rtp_write_header(out, sizeof(out), &len, &h, &item, 1));
    assert_int_equal(len, AURA_RTP_HEADER_LEN);
    struct aura_rtp_item many[5];
    for (size_t i = 0; i < 5; i++) {
        many[i] = (struct aura_rtp_item){1, 255, data};
    }
    assert_int_equal(aura_rtp_write_header(out, sizeof(out), &len, &h, many, 5), AURA_EINVAL);
    assert_int_equal(aura_rtp_header_size(many, 5), 0);
    return 0;
}

static int random_headers_come_back(void) {
    struct aura_rand_seeded seeded;
    aura_rand_seeded_init(&seeded, 1);
    struct aura_rand *rand = &seeded.rand;
    for (int round = 0; round < 500; round++) {
        uint8_t data[32], out[1200];
        struct aura_rtp_item items[10];
        aura_rand_bytes(rand, data, sizeof(data));
        size_t count = aura_rand_below(rand, 10);
        for (size_t i = 0; i < count; i++) {
            bool big = round & 1;
            items[i].id = (uint8_t)(i + 1 + (big ? aura_rand_below(rand, 200) : 0));
            items[i].len =
                (uint8_t)(big ? aura_rand_below(rand, 32) : 1 + aura_rand_below(rand, 16));
            items[i].data = data;
        }
        struct aura_rtp_header h = {.pt = aura_rand_u32(rand) & 127,
                                    .seq = (uint16_t)aura_rand_u32(rand),
                                    .ts = aura_rand_u32(rand),
                                    .ssrc = aura_rand_u32(rand)};
        size_t len;
        TRY(aura_rtp_write_header(out, sizeof(out), &len, &h, items, count));
        struct aura_rtp r;
        TRY(aura_rtp_parse(&r, out, len));
        assert_int_equal(r.seq, h.seq);
        assert_int_equal(r.ssrc, h.ssrc);
        assert_int_equal(r.header_len, len);
        struct aura_rtp_iter it = aura_rtp_items(&r);
        struct aura_rtp_item got;
        for (size_t i = 0; i < count; i++) {
            assert_true(aura_rtp_next(&it, &got));
            assert_int_equal(got.id, items[i].id);
            assert_int_equal(got.len, items[i].len);
            assert_memory_equal(got.data, data, got.len);
        }
        assert_false(aura_rtp_next(&it, &got));
    }
    return 0;
}

int main(void) {
    const struct CMUnitTest cases[] = {
        AURA_CASE(names_go_both_ways),       AURA_CASE(numbers_wrap),
        AURA_CASE(parses_all_parts),         AURA_CASE(refuses_lies),
        AURA_CASE(walks_one_byte_elements),  AURA_CASE(walks_two_byte_elements),
        AURA_CASE(reads_all_values_at_once), AURA_CASE(write_chooses_the_form),
        AURA_CASE(random_headers_come_back),
    };
    return RUN_CASES("rtp", cases);
}
