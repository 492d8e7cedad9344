/* SPDX-License-Identifier: Apache-2.0 */
#include "rtp/vp9.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct aura_vp9 v;
    volatile int err = aura_vp9_parse(&v, data, size);
    if (err == 0 && v.len >= size) {
        __builtin_trap();
    }
    return 0;
}
