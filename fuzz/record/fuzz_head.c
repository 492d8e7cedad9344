/* SPDX-License-Identifier: Apache-2.0 */
/* What a recorded file says of its codec, out of any key frame. First byte: the codec. */
#include "base/mem.h"
#include "record/head.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static struct aura_head head;
    if (size) {
        int err = aura_head_read(&head, (enum aura_codec)(data[0] % AURA_CODEC_COUNT), data + 1,
                                 size - 1);
        AURA_BUG_ON(err == 0 && head.len > sizeof(head.bytes));
        AURA_BUG_ON(err && err != AURA_EMALFORMED && err != AURA_ELIMIT &&
                    err != AURA_EUNSUPPORTED);
    }
    return 0;
}
