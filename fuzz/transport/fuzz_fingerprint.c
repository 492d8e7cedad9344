/* SPDX-License-Identifier: Apache-2.0 */
/* The text of an a=fingerprint value; what parses prints to a text that parses to the same. */
#include "transport/dtls.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    char text[512], again[AURA_FINGERPRINT_TEXT_MAX];
    struct aura_fingerprint fp, back;
    if (size >= sizeof(text)) {
        return 0;
    }
    if (size) {
        memcpy(text, data, size);
    }
    text[size] = '\0';
    if (aura_fingerprint_parse(&fp, text) == 0) {
        AURA_BUG_ON(aura_fingerprint_format(&fp, again, sizeof(again)));
        AURA_BUG_ON(aura_fingerprint_parse(&back, again));
        AURA_BUG_ON(memcmp(&fp, &back, sizeof(fp)) != 0);
    }
    return 0;
}
