/* SPDX-License-Identifier: Apache-2.0 */
/* Parse → print → parse is the identity. */
#include "net/addr.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len) {
    char text[256], printed[AURA_ADDR_TEXT_MAX];
    struct aura_addr a, b;
    if (len >= sizeof(text)) {
        return 0;
    }
    memcpy(text, data, len);
    text[len] = 0;
    if (aura_addr_parse(&a, text)) {
        return 0;
    }
    if (aura_addr_parse(&b, aura_addr_text(&a, printed)) || !aura_addr_equal(&a, &b)) {
        abort();
    }
    return 0;
}
