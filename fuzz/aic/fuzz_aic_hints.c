/* SPDX-License-Identifier: Apache-2.0 */
#include "auralink/aic.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct aura_aic_hints a, b;
    uint8_t wire[AURA_AIC_HINTS_BYTES_MAX], again[AURA_AIC_HINTS_BYTES_MAX];
    char text[AURA_AIC_TEXT_MAX];
    if (aura_aic_hints_read(&a, data, size)) {
        return 0;
    }
    size_t n = aura_aic_hints_write(&a, wire, sizeof(wire));
    if (n != AURA_AIC_HINTS_BYTES || aura_aic_hints_read(&b, wire, n) ||
        aura_aic_hints_write(&b, again, sizeof(again)) != n || memcmp(wire, again, n) != 0 ||
        aura_aic_hints_text(&a, NULL, text) != strlen(text)) {
        __builtin_trap();
    }
    return 0;
}
