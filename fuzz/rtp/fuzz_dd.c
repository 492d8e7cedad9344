/* SPDX-License-Identifier: Apache-2.0 */
#include "rtp/dd.h"

/* The input is a row of descriptors, each behind its length; later ones are read by the structure
 * of earlier ones. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static struct aura_dd_structure structures[2];
    const struct aura_dd_structure *have = NULL;
    while (size > 1) {
        size_t n = data[0] < size - 1 ? data[0] : size - 1;
        struct aura_dd_structure *next = have == &structures[0] ? &structures[1] : &structures[0];
        struct aura_dd dd, brief;
        if (aura_dd_parse(&dd, data + 1, n, have, next) == 0) {
            if (aura_dd_parse_mandatory(&brief, data + 1, n) ||
                brief.frame_number != dd.frame_number) {
                __builtin_trap();
            }
            have = dd.has_structure ? next : have;
        }
        data += 1 + n;
        size -= 1 + n;
    }
    return 0;
}
