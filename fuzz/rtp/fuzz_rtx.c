/* SPDX-License-Identifier: Apache-2.0 */
#include "rtp/rtp.h"
#include "rtp/rtx.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static uint8_t buf[65536 + AURA_RTX_OSN_LEN];
    if (size > 65536 || size < 2) {
        return 0;
    }
    uint8_t *p = buf + AURA_RTX_OSN_LEN;
    size_t len = size;
    memcpy(p, data, size);
    struct aura_rtp before;
    if (aura_rtp_parse(&before, data, size)) {
        return 0;
    }
    if (aura_rtx_wrap(&p, &len, 97, 1, 2) || aura_rtx_unwrap(&p, &len, before.pt, before.ssrc) ||
        len != size || memcmp(p, data, size) != 0) {
        __builtin_trap();
    }
    volatile int err = aura_rtx_unwrap(&p, &len, 96, 1);
    (void)err;
    return 0;
}
