/* SPDX-License-Identifier: Apache-2.0 */
#include "rtp/opus.h"
#include "rtp/red.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct aura_red_block blocks[AURA_RED_BLOCKS_MAX];
    static uint8_t out[65536];
    size_t len;
    int n = aura_red_parse(data, size, blocks);
    if (n <= 0 || size > sizeof(out)) {
        return 0;
    }
    /* One way to write it, so the bytes are the same again. */
    if (aura_red_write(out, sizeof(out), &len, blocks, (size_t)n) || len != size ||
        memcmp(out, data, size) != 0) {
        __builtin_trap();
    }
    struct aura_opus opus;
    volatile int err = aura_opus_parse(&opus, blocks[n - 1].data, blocks[n - 1].len);
    (void)err;
    return 0;
}
