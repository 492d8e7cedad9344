/* SPDX-License-Identifier: Apache-2.0 */
#include "rtp/vp8.h"
#include "rtp/vp8_munge.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct aura_vp8 v, again;
    uint8_t copy[64];
    if (aura_vp8_parse(&v, data, size)) {
        return 0;
    }
    size_t n = size < sizeof(copy) ? size : sizeof(copy);
    memcpy(copy, data, n);
    aura_vp8_patch(copy, &v);
    if (memcmp(copy, data, n) != 0) {
        __builtin_trap();
    }
    struct aura_vp8_munge m = {0};
    aura_vp8_munge_switch(&m, &v);
    if (aura_vp8_munge_packet(&m, &v)) {
        aura_vp8_patch(copy, &v);
        if (aura_vp8_parse(&again, copy, n) || again.pid != v.pid) {
            __builtin_trap();
        }
    }
    return 0;
}
