/* SPDX-License-Identifier: Apache-2.0 */
#include "rtp/h264.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct aura_h264 v;
    volatile int err = aura_h264_parse(&v, data, size);
    uint16_t w, h;
    err = aura_h264_sps_size(data, size, &w, &h);
    (void)err;
    return 0;
}
