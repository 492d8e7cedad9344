/* SPDX-License-Identifier: Apache-2.0 */
#include "harness.h"
#include "record/head.h"

#include <string.h>

static int av1(void) {
    static const uint8_t frame[] = {0x32, 2, 9, 9, 0x0a, 3, 1, 2, 3, 0x32, 1, 7};
    struct aura_head h;
    assert_int_equal(aura_head_read(&h, AURA_CODEC_AV1, frame, sizeof(frame)), 0);
    assert_int_equal(h.len, 5);
    assert_memory_equal(h.bytes, frame + 4, 5);
    assert_int_equal(aura_head_read(&h, AURA_CODEC_AV1, frame, 4), AURA_EMALFORMED);
    assert_int_equal(aura_head_read(&h, AURA_CODEC_AV1, frame, 7), AURA_EMALFORMED); /* cut */
    return 0;
}

static int h264(void) {
    static const uint8_t frame[] = {0, 0,    0, 1, 0x67, 1, 2,    0, 0, 0,
                                    1, 0x68, 3, 0, 0,    1, 0x65, 4, 4};
    struct aura_head h;
    assert_int_equal(aura_head_read(&h, AURA_CODEC_H264, frame, sizeof(frame)), 0);
    assert_int_equal(h.len, 4 + 3 + 4 + 2);
    assert_memory_equal(h.bytes, "\0\0\0\1\x67\1\2\0\0\0\1\x68\3", h.len);
    assert_int_equal(aura_head_read(&h, AURA_CODEC_H264, frame, 9), AURA_EMALFORMED);
    assert_int_equal(aura_head_read(&h, AURA_CODEC_H264, frame, 0), AURA_EMALFORMED);
    uint8_t big[AURA_HEAD_BYTES_MAX + 10] = {0, 0, 1, 0x67};
    memset(big + 4, 5, sizeof(big) - 4);
    assert_int_equal(aura_head_read(&h, AURA_CODEC_H264, big, sizeof(big)), AURA_ELIMIT);
    return 0;
}

static int others(void) {
    struct aura_head h;
    assert_int_equal(aura_head_read(&h, AURA_CODEC_VP8, NULL, 0), 0);
    assert_int_equal(h.len, 0);
    assert_int_equal(aura_head_read(&h, AURA_CODEC_H265, NULL, 0), AURA_EUNSUPPORTED);
    aura_head_opus(&h);
    assert_int_equal(h.len, 19);
    return 0;
}

int main(void) {
    const struct CMUnitTest cases[] = {AURA_PLAIN(av1), AURA_PLAIN(h264), AURA_PLAIN(others)};
    return RUN_CASES("record/head", cases);
}
