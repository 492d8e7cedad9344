/* SPDX-License-Identifier: Apache-2.0 */
/* A stream of payloads: first byte the codec, then for each payload a byte of flags and two of
 * length. */
#include "base/bytes.h"
#include "rtp/assemble.h"
#include "rtp/av1_pack.h"

enum { FRAME_MAX = 1 << 16 };

static void check(enum aura_codec codec, const uint8_t *data, size_t len) {
    struct aura_av1_packer k;
    static const uint8_t code[4] = {0, 0, 0, 1};
    if (len == 0 || len > FRAME_MAX) {
        __builtin_trap();
    }
    if (codec == AURA_CODEC_H264 && (len < 5 || memcmp(data, code, 4) != 0)) {
        __builtin_trap();
    }
    if (codec == AURA_CODEC_AV1 && aura_av1_pack_begin(&k, data, len, false)) {
        __builtin_trap();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const enum aura_codec codecs[] = {AURA_CODEC_VP8, AURA_CODEC_VP9, AURA_CODEC_H264,
                                             AURA_CODEC_AV1, AURA_CODEC_OPUS};
    struct aura_assembler *a;
    if (size == 0 || aura_assembler_new(&a, FRAME_MAX)) {
        return 0;
    }
    struct aura_cur c = aura_cur_of(data, size);
    enum aura_codec codec = codecs[aura_cur_u8(&c) % (sizeof(codecs) / sizeof(*codecs))];
    aura_assembler_begin(a, codec);
    while (aura_cur_left(&c) > 0) {
        uint8_t flags = aura_cur_u8(&c);
        size_t n = aura_cur_u16(&c), left = aura_cur_left(&c);
        n = n > left ? left : n;
        const uint8_t *payload = aura_cur_take(&c, n);
        if (payload) {
            aura_assembler_add(a, payload, n);
        }
        const uint8_t *frame;
        size_t len;
        if ((flags & 1) && aura_assembler_end(a, &frame, &len) == 0) {
            check(codec, frame, len);
        }
        if (flags & 2) {
            aura_assembler_begin(a, codec);
        }
    }
    aura_assembler_free(a);
    return 0;
}
