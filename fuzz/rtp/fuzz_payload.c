/* SPDX-License-Identifier: Apache-2.0 */
#include "rtp/payload.h"

/* Codec and flags come from the first two bytes, the packet follows. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct aura_payload_state state = {0};
    struct aura_payload out;
    struct aura_rtp rtp;
    if (size < 2 || aura_rtp_parse(&rtp, data + 2, size - 2)) {
        return 0;
    }
    for (int i = 0; i < 2; i++) {
        aura_payload_inspect(&state, (enum aura_codec)(data[0] % AURA_CODEC_COUNT), &rtp, NULL,
                             data[1] & 1, &out);
    }
    return 0;
}
