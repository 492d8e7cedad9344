/* SPDX-License-Identifier: Apache-2.0 */
#include "rtp/dd.h"

/* The input is a row of descriptors, each behind its length; the mask of each is rewritten. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static struct aura_dd_structure structures[2], scratch;
    const struct aura_dd_structure *have = NULL;
    while (size > 1) {
        size_t n = data[0] < size - 1 ? data[0] : size - 1;
        struct aura_dd_structure *next = have == &structures[0] ? &structures[1] : &structures[0];
        struct aura_dd dd, again;
        if (aura_dd_parse(&dd, data + 1, n, have, next) == 0 && dd.has_frame) {
            const struct aura_dd_structure *s = dd.has_structure ? next : have;
            uint32_t all = s->target_count == 32 ? UINT32_MAX : (1u << s->target_count) - 1;
            uint8_t out[300];
            size_t out_len;
            if (aura_dd_write_mask(out, sizeof(out), &out_len, data + 1, n, have, data[1] & all) ||
                aura_dd_parse(&again, out, out_len, have, &scratch) ||
                again.active_mask != (data[1] & all) || again.diff_count != dd.diff_count ||
                again.temporal != dd.temporal) {
                __builtin_trap();
            }
            have = s;
        }
        data += 1 + n;
        size -= 1 + n;
    }
    return 0;
}
