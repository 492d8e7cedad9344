/* SPDX-License-Identifier: Apache-2.0 */
#include "rtp/av1.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct aura_av1 v;
    volatile int err = aura_av1_parse(&v, data, size);
    (void)err;
    return 0;
}
