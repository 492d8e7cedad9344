/* SPDX-License-Identifier: Apache-2.0 */
#include "rtp/vp8.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct aura_vp8 v;
    if (aura_vp8_parse(&v, data, size) == 0 && v.len > size) {
        __builtin_trap();
    }
    return 0;
}
