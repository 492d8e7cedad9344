/* SPDX-License-Identifier: Apache-2.0 */
#include "base/bytes.h"
#include "base/rand.h"
#include "fixtures/assemble.h"
#include "harness.h"
#include "rtp/assemble.h"
#include "rtp/av1.h"
#include "rtp/av1_pack.h"

enum { FRAME_MAX = 40000 };

/* What a real muxer cut into packets comes out as what the encoder gave. */
static int whole(enum aura_codec codec, const uint8_t *packets, size_t packets_len,
                 const uint8_t *frames, size_t frames_len) {
    struct aura_assembler *a = NULL;
    struct aura_cur p = aura_cur_of(packets, packets_len), f = aura_cur_of(frames, frames_len);
    int err = 0;
    TRY(aura_assembler_new(&a, FRAME_MAX));
    aura_assembler_begin(a, codec);
    while (aura_cur_left(&p) > 0) {
        size_t n = aura_cur_u16(&p);
        bool marker = aura_cur_u8(&p);
        aura_assembler_add(a, aura_cur_take(&p, n), n);
        if (!marker) {
            continue;
        }
        const uint8_t *data;
        size_t len;
        TRY_OUT(aura_assembler_end(a, &data, &len));
        size_t wanted = aura_cur_u16(&f);
        assert_int_equal(len, wanted);
        assert_memory_equal(data, aura_cur_take(&f, wanted), wanted);
    }
    assert_true(aura_cur_left(&f) == 0 && !f.fail && !p.fail);
out:
    aura_assembler_free(a);
    return err;
}

static int h264_of_a_real_muxer(void) {
    return whole(AURA_CODEC_H264, h264_packets, sizeof(h264_packets), h264_frames,
                 sizeof(h264_frames));
}

static int vp9_of_a_real_muxer(void) {
    return whole(AURA_CODEC_VP9, vp9_packets, sizeof(vp9_packets), vp9_frames, sizeof(vp9_frames));
}

static int vp9_layers_become_a_superframe(void) {
    /* RFC 9628: L, B and E set; layer 0 in two packets, layer 1 in one. */
    static const uint8_t packets[3][6] = {
        {0x28, 0x00, 0x07, 'a', 'b', 'c'},
        {0x24, 0x00, 0x07, 'd', 'e', 'f'},
        {0x2c, 0x02, 0x07, 'g', 'h', 'i'},
    };
    static const uint8_t wanted[] = {'a',  'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 0xd9,
                                     0x06, 0,   0,   0,   3,   0,   0,   0,   0xd9};
    struct aura_assembler *a = NULL;
    const uint8_t *data;
    size_t len;
    int err = 0;
    TRY(aura_assembler_new(&a, FRAME_MAX));
    aura_assembler_begin(a, AURA_CODEC_VP9);
    for (size_t i = 0; i < 3; i++) {
        aura_assembler_add(a, packets[i], sizeof(packets[i]));
    }
    TRY_OUT(aura_assembler_end(a, &data, &len));
    assert_int_equal(len, sizeof(wanted));
    assert_memory_equal(data, wanted, len);
    aura_assembler_add(a, packets[1], sizeof(packets[1])); /* goes on where nothing began */
    assert_int_equal(aura_assembler_end(a, &data, &len), AURA_EMALFORMED);
out:
    aura_assembler_free(a);
    return err;
}

static int h264_gets_its_parameter_sets(void) {
    static const uint8_t stap[] = {24, 0, 3, 0x67, 1, 2, 0, 2, 0x68, 3}, idr[] = {0x65, 9};
    static const uint8_t wanted[] = {0, 0,    0, 1, 0x67, 1, 2, 0,    0, 0,
                                     1, 0x68, 3, 0, 0,    0, 1, 0x65, 9};
    struct aura_assembler *a = NULL;
    const uint8_t *data;
    size_t len;
    int err = 0;
    TRY(aura_assembler_new(&a, FRAME_MAX));
    aura_assembler_begin(a, AURA_CODEC_H264);
    aura_assembler_add(a, idr, sizeof(idr));
    assert_int_equal(aura_assembler_end(a, &data, &len), AURA_EMALFORMED);
    for (int again = 0; again < 2; again++) {
        if (!again) {
            aura_assembler_add(a, stap, sizeof(stap));
        }
        aura_assembler_add(a, idr, sizeof(idr));
        TRY_OUT(aura_assembler_end(a, &data, &len));
        assert_int_equal(len, sizeof(wanted));
        assert_memory_equal(data, wanted, len);
    }
out:
    aura_assembler_free(a);
    return err;
}

static size_t put_obu(uint8_t *out, uint8_t type, size_t size, struct aura_rand *rand) {
    size_t n = 0, left = size;
    out[n++] = (uint8_t)(type << 3 | 2);
    do {
        out[n++] = (uint8_t)((left & 0x7f) | (left > 0x7f ? 0x80 : 0));
        left >>= 7;
    } while (left);
    aura_rand_bytes(rand, out + n, size);
    return n + size;
}

static int av1_is_the_inverse_of_packing(void) {
    static uint8_t tu[FRAME_MAX];
    struct aura_rand_seeded seeded;
    struct aura_assembler *a = NULL;
    int err = 0;
    TRY(aura_assembler_new(&a, FRAME_MAX));
    aura_rand_seeded_init(&seeded, 7);
    aura_assembler_begin(a, AURA_CODEC_AV1);
    for (int round = 0; round < 500; round++) {
        uint8_t payload[1400];
        struct aura_av1_packer k;
        bool last = false;
        size_t cap = 64 + aura_rand_below(&seeded.rand, 1200), len = 0, got;
        len += put_obu(tu, AURA_OBU_SEQUENCE_HEADER, 11, &seeded.rand);
        len +=
            put_obu(tu + len, AURA_OBU_METADATA, aura_rand_below(&seeded.rand, 90), &seeded.rand);
        len += put_obu(tu + len, AURA_OBU_FRAME, 1 + aura_rand_below(&seeded.rand, 9000),
                       &seeded.rand);
        TRY_OUT(aura_av1_pack_begin(&k, tu, len, true));
        for (size_t n; (n = aura_av1_pack_next(&k, payload, cap, &last));) {
            aura_assembler_add(a, payload, n);
        }
        const uint8_t *data;
        TRY_OUT(aura_assembler_end(a, &data, &got));
        assert_int_equal(got, len);
        assert_memory_equal(data, tu, len);
    }
out:
    aura_assembler_free(a);
    return err;
}

static int av1_without_lengths(void) {
    /* W = 2: the second element has no length, and goes on in the next packet. A temporal delimiter
     * and sizes inside are dealt with as well. */
    static const uint8_t first[] = {0x60, 1, 0x10, 0x30, 'a'}, second[] = {0x90, 'b'};
    static const uint8_t sized[] = {0x10, 0x32, 2, 'a', 'b'};
    static const uint8_t wanted[] = {0x32, 2, 'a', 'b'};
    struct aura_assembler *a = NULL;
    const uint8_t *data;
    size_t len;
    int err = 0;
    TRY(aura_assembler_new(&a, FRAME_MAX));
    aura_assembler_begin(a, AURA_CODEC_AV1);
    aura_assembler_add(a, first, sizeof(first));
    aura_assembler_add(a, second, sizeof(second));
    TRY_OUT(aura_assembler_end(a, &data, &len));
    assert_int_equal(len, sizeof(wanted));
    assert_memory_equal(data, wanted, len);
    aura_assembler_add(a, sized, sizeof(sized));
    TRY_OUT(aura_assembler_end(a, &data, &len));
    assert_int_equal(len, sizeof(wanted));
    assert_memory_equal(data, wanted, len);
    aura_assembler_add(a, second, sizeof(second)); /* the beginning is missing */
    assert_int_equal(aura_assembler_end(a, &data, &len), AURA_EMALFORMED);
    aura_assembler_add(a, first, sizeof(first)); /* the end is missing */
    assert_int_equal(aura_assembler_end(a, &data, &len), AURA_EMALFORMED);
out:
    aura_assembler_free(a);
    return err;
}

static int frames_have_a_ceiling(void) {
    static const uint8_t vp8[101] = {0x10};
    struct aura_assembler *a = NULL;
    const uint8_t *data;
    size_t len;
    TRY(aura_assembler_new(&a, 150));
    aura_assembler_begin(a, AURA_CODEC_VP8);
    aura_assembler_add(a, vp8, sizeof(vp8));
    int err = aura_assembler_end(a, &data, &len);
    if (!err) {
        assert_int_equal(len, 100);
        aura_assembler_add(a, vp8, sizeof(vp8));
        aura_assembler_add(a, vp8, sizeof(vp8));
        assert_int_equal(aura_assembler_end(a, &data, &len), AURA_ELIMIT);
        assert_int_equal(aura_assembler_end(a, &data, &len), AURA_ETRUNC);
    }
    aura_assembler_free(a);
    return err;
}

int main(void) {
    const struct CMUnitTest cases[] = {
        AURA_CASE(h264_of_a_real_muxer),           AURA_CASE(vp9_of_a_real_muxer),
        AURA_CASE(vp9_layers_become_a_superframe), AURA_CASE(h264_gets_its_parameter_sets),
        AURA_CASE(av1_is_the_inverse_of_packing),  AURA_CASE(av1_without_lengths),
        AURA_CASE(frames_have_a_ceiling),
    };
    return RUN_CASES("rtp/assemble", cases);
}
