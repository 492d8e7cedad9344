/* SPDX-License-Identifier: Apache-2.0 */
#include "harness.h"
#include "rtp/av1.h"
#include "rtp/h264.h"
#include "rtp/h265.h"
#include "rtp/payload.h"
#include "rtp/vp8.h"
#include "rtp/vp9.h"

#include <string.h>

/* Made with: ffmpeg -f lavfi -i color=s=322x180 -c:v libvpx (frame header of a key frame). */
static const uint8_t vp8_key[] = {0x90, 0xf0, 0x81, 0x23, 0x44, 0x05, 0x70, 0x10, 0x00,
                                  0x9d, 0x01, 0x2a, 0x42, 0x01, 0xb4, 0x00, 0x00};

static int vp8_reads_all_forms(void) {
    struct aura_vp8 v;
    TRY(aura_vp8_parse(&v, vp8_key, sizeof(vp8_key)));
    assert_int_equal(v.len, 6);
    assert_true(v.key_frame && v.start && v.pid_long);
    assert_int_equal(v.pid, 0x123);
    assert_int_equal(v.tl0, 0x44);
    assert_int_equal(v.keyidx, 5);
    assert_int_equal(v.width, 322);
    assert_int_equal(v.height, 180);
    for (size_t n = 0; n <= 6; n++) {
        assert_int_equal(aura_vp8_parse(&v, vp8_key, n), AURA_ETRUNC);
    }
    /* RFC 7741 §4.6.4: 7-bit picture id, temporal layer with sync, not referenced. */
    static const uint8_t delta[] = {0xa0, 0xa0, 0x11, 0x60, 0x01};
    TRY(aura_vp8_parse(&v, delta, sizeof(delta)));
    assert_false(v.key_frame || v.start || v.pid_long || v.has_tl0 || v.has_keyidx);
    assert_true(v.non_reference && v.sync);
    assert_int_equal(v.pid, 0x11);
    assert_int_equal(v.tid, 1);
    static const uint8_t bare[] = {0x10, 0x00, 0, 0};
    TRY(aura_vp8_parse(&v, bare, sizeof(bare)));
    assert_int_equal(v.len, 1);
    assert_true(v.key_frame);
    assert_int_equal(v.width, 0); /* cut off */
    return 0;
}

static int vp9_reads_descriptor_and_structure(void) {
    /* I L B V, not flexible; 15-bit id; two layers 320x180, 640x360; one picture with two diffs. */
    static const uint8_t key[] = {0xaa, 0x81, 0x02, 0x10, 0x07, 0x38, 0x01, 0x40, 0x00, 0xb4,
                                  0x02, 0x80, 0x01, 0x68, 0x01, 0x08, 0x01, 0x02, 0xff};
    struct aura_vp9 v;
    TRY(aura_vp9_parse(&v, key, sizeof(key)));
    assert_int_equal(v.len, sizeof(key) - 1);
    assert_true(v.key_frame && v.begin && !v.end && v.switching_up);
    assert_int_equal(v.pid, 0x102);
    assert_int_equal(v.tl0, 7);
    assert_int_equal(v.ss_spatial, 2);
    assert_int_equal(v.ss_width[0], 320);
    assert_int_equal(v.width, 640);
    assert_int_equal(v.height, 360);
    for (size_t n = 0; n < sizeof(key); n++) {
        assert_int_equal(aura_vp9_parse(&v, key, n), AURA_ETRUNC);
    }
    static const uint8_t flexible[] = {0xf5, 0x05, 0x53, 0x03, 0x05, 0x06, 0xff};
    TRY(aura_vp9_parse(&v, flexible, sizeof(flexible)));
    assert_true(v.inter && v.flexible && v.end && v.not_reference && v.inter_layer);
    assert_int_equal(v.tid, 2);
    assert_int_equal(v.sid, 1);
    assert_int_equal(v.ref_count, 3);
    assert_int_equal(v.refs[1], 2);
    static const uint8_t four[] = {0x50, 3, 3, 3, 3, 0xff};
    assert_int_equal(aura_vp9_parse(&v, four, sizeof(four)), AURA_EMALFORMED);
    return 0;
}

/* SPS made with: ffmpeg -f lavfi -i color=s=WxH -c:v libx264 -profile:v P [-flags +ildct+ilme] */
static const struct {
    uint16_t width, height;
    uint8_t len, sps[32];
} sps_table[] = {
    {320, 180, 23, {0x67, 0x42, 0xc0, 0x0b, 0xd9, 0x01, 0x41, 0x9f, 0x9f, 0x01, 0x10, 0x00,
                    0x00, 0x03, 0x00, 0x10, 0x00, 0x00, 0x03, 0x01, 0x40, 0xf1, 0x42}},
    {1920, 1080, 26, {0x67, 0x64, 0x00, 0x28, 0xac, 0xd9, 0x40, 0x78, 0x02,
                      0x27, 0xe5, 0xc0, 0x44, 0x00, 0x00, 0x03, 0x00, 0x04,
                      0x00, 0x00, 0x03, 0x00, 0x50, 0x3c, 0x60, 0xc6}},
    {1920, 1080, 26, {0x67, 0x64, 0x00, 0x28, 0xac, 0xd9, 0x40, 0x78, 0x04,
                      0x4f, 0xde, 0x02, 0x20, 0x00, 0x00, 0x03, 0x00, 0x20,
                      0x00, 0x00, 0x03, 0x02, 0x83, 0xe2, 0xc5, 0xb2}},
};

static int h264_sizes_of_real_encoders(void) {
    for (size_t i = 0; i < 3; i++) {
        uint16_t w = 0, h = 0;
        TRY(aura_h264_sps_size(sps_table[i].sps, sps_table[i].len, &w, &h));
        assert_int_equal(w, sps_table[i].width);
        assert_int_equal(h, sps_table[i].height);
        assert_int_equal(aura_h264_sps_size(sps_table[i].sps, 6, &w, &h), AURA_ETRUNC);
    }
    return 0;
}

static int h264_kinds_of_packets(void) {
    struct aura_h264 v;
    uint8_t stap[64] = {0x78, 0, 23};
    memcpy(stap + 3, sps_table[0].sps, 23);
    memcpy(stap + 26, "\0\x02\x68\xcb\0\x02\x65\x88", 8);
    TRY(aura_h264_parse(&v, stap, 34));
    assert_true(v.sps && v.pps && v.idr && v.slice_start && !v.discardable);
    assert_int_equal(v.nal_count, 3);
    assert_int_equal(v.width, 320);
    assert_int_equal(v.height, 180);
    assert_int_equal(aura_h264_parse(&v, stap, 33), AURA_ETRUNC);
    TRY(aura_h264_parse(&v, (const uint8_t *)"\x7c\x85\x88", 3)); /* FU-A, start of IDR */
    assert_true(v.idr && v.slice_start);
    TRY(aura_h264_parse(&v, (const uint8_t *)"\x7c\x05\x88", 3)); /* its middle */
    assert_false(v.idr || v.slice_start);
    TRY(aura_h264_parse(&v, (const uint8_t *)"\x01\x9a", 2)); /* nal_ref_idc 0 */
    assert_true(v.discardable && v.slice_start);
    assert_int_equal(aura_h264_parse(&v, (const uint8_t *)"\x1d\x01", 2), AURA_EUNSUPPORTED);
    uint8_t many[1 + 3 * (AURA_H264_NALS_MAX + 1)] = {24};
    for (size_t i = 1; i < sizeof(many); i += 3) {
        memcpy(many + i, "\0\x01\x06", 3);
    }
    assert_int_equal(aura_h264_parse(&v, many, sizeof(many)), AURA_ELIMIT);
    return 0;
}

static int h265_kinds_of_packets(void) {
    struct aura_h265 v;
    static const uint8_t ap[] = {0x60, 0x01, 0, 3,    0x40, 0x01, 0xff, 0, 3,    0x42, 0x01,
                                 0xff, 0,    3, 0x44, 0x01, 0xff, 0,    3, 0x26, 0x01, 0x80};
    TRY(aura_h265_parse(&v, ap, sizeof(ap)));
    assert_true(v.vps && v.sps && v.pps && v.irap && v.slice_start);
    assert_int_equal(v.nal_count, 4);
    assert_int_equal(aura_h265_parse(&v, ap, sizeof(ap) - 1), AURA_ETRUNC);
    TRY(aura_h265_parse(&v, (const uint8_t *)"\x62\x01\x93\x80", 4)); /* FU, start of IDR */
    assert_true(v.irap && v.slice_start);
    TRY(aura_h265_parse(&v, (const uint8_t *)"\x02\x03\x80", 3));
    assert_false(v.irap);
    assert_int_equal(v.temporal, 2);
    assert_int_equal(aura_h265_parse(&v, (const uint8_t *)"\x64\x01\x80", 3), AURA_EUNSUPPORTED);
    return 0;
}

/* Made with: ffmpeg -f lavfi -i color=s=640x362 -c:v libaom-av1 -f obu (sequence header). */
static const uint8_t av1_key[] = {0x28, 11,   0x08, 0x00, 0x00, 0x00, 0x0c, 0xc4,
                                  0xff, 0x69, 0x36, 0xbe, 0x40, 0x30, 0x10, 0x00};

static int av1_reads_packets(void) {
    struct aura_av1 v;
    TRY(aura_av1_parse(&v, av1_key, sizeof(av1_key)));
    assert_true(v.new_sequence && v.sequence_header && v.key_frame && v.frame);
    assert_int_equal(v.obu_count, 2);
    assert_int_equal(v.width, 640);
    assert_int_equal(v.height, 362);
    /* A layer extension; W = 1. */
    TRY(aura_av1_parse(&v, (const uint8_t *)"\x10\x34\x48\x00", 4));
    assert_int_equal(v.temporal, 2);
    assert_int_equal(v.spatial, 1);
    assert_true(v.frame && !v.key_frame);
    /* Z: the fragment's bytes are no OBU header. */
    TRY(aura_av1_parse(&v, (const uint8_t *)"\x90\xff\xff", 3));
    assert_true(v.continues);
    assert_int_equal(v.obu_count, 0);
    assert_int_equal(aura_av1_parse(&v, (const uint8_t *)"\x00\x05\x30", 3), AURA_ETRUNC);
    assert_int_equal(aura_av1_parse(&v, (const uint8_t *)"\x88\x05", 2), AURA_EMALFORMED);
    uint8_t many[1 + 2 * (AURA_AV1_OBUS_MAX + 1)] = {0};
    for (size_t i = 1; i < sizeof(many); i += 2) {
        many[i] = 1;
        many[i + 1] = 0x30;
    }
    assert_int_equal(aura_av1_parse(&v, many, sizeof(many)), AURA_ELIMIT);
    assert_int_equal(aura_av1_parse(&v, many, sizeof(many) - 2), 0);
    return 0;
}

static int one_view_of_all_codecs(void) {
    struct aura_payload_state state = {0};
    struct aura_payload p;
    struct aura_rtp rtp = {.payload = vp8_key, .payload_len = sizeof(vp8_key), .marker = true};
    aura_payload_inspect(&state, AURA_CODEC_VP8, &rtp, NULL, false, &p);
    assert_true(p.key_frame_start && p.start_of_frame && p.end_of_frame && p.pid_at);
    assert_int_equal(state.width, 322);

    /* H.264: SPS, PPS, IDR in packets of their own: the switch point is the first. */
    rtp = (struct aura_rtp){.payload = sps_table[0].sps, .payload_len = 23, .ts = 9};
    aura_payload_inspect(&state, AURA_CODEC_H264, &rtp, NULL, false, &p);
    assert_true(p.key_frame_start);
    rtp.payload = (const uint8_t *)"\x65\x88";
    rtp.payload_len = 2;
    aura_payload_inspect(&state, AURA_CODEC_H264, &rtp, NULL, false, &p);
    assert_false(p.key_frame_start);
    rtp.ts = 10; /* an IDR without parameter sets */
    aura_payload_inspect(&state, AURA_CODEC_H264, &rtp, NULL, false, &p);
    assert_true(p.key_frame_start);

    rtp.payload = av1_key;
    rtp.payload_len = sizeof(av1_key);
    aura_payload_inspect(&state, AURA_CODEC_AV1, &rtp, NULL, false, &p);
    assert_true(p.key_frame_start);
    struct aura_dd dd = {.start_of_frame = true, .has_frame = true, .spatial = 1, .diff_count = 1};
    aura_payload_inspect(&state, AURA_CODEC_AV1, &rtp, &dd, false, &p); /* the descriptor wins */
    assert_false(p.key_frame_start);
    assert_int_equal(p.spatial, 1);

    rtp.payload = (const uint8_t *)"\xf8";
    rtp.payload_len = 1;
    aura_payload_inspect(&state, AURA_CODEC_OPUS, &rtp, NULL, false, &p);
    assert_true(p.dtx);
    for (int c = 0; c < AURA_CODEC_COUNT; c++) {
        rtp.payload_len = 0; /* nothing must be read */
        aura_payload_inspect(&state, (enum aura_codec)c, &rtp, NULL, true, &p);
        assert_false(p.key_frame_start);
    }
    return 0;
}

int main(void) {
    const struct CMUnitTest cases[] = {
        AURA_CASE(vp8_reads_all_forms),         AURA_CASE(vp9_reads_descriptor_and_structure),
        AURA_CASE(h264_sizes_of_real_encoders), AURA_CASE(h264_kinds_of_packets),
        AURA_CASE(h265_kinds_of_packets),       AURA_CASE(av1_reads_packets),
        AURA_CASE(one_view_of_all_codecs),
    };
    return RUN_CASES("video", cases);
}
