/* SPDX-License-Identifier: Apache-2.0 */
#include "rtp/h265.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct aura_h265 v;
    volatile int err = aura_h265_parse(&v, data, size);
    (void)err;
    return 0;
}
