/* SPDX-License-Identifier: Apache-2.0 */
#include "api/config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct aura_config c;
    struct aura_buf messages = AURA_BUF(4096);
    if (aura_config_init(&c) == 0) {
        (void)!aura_config_text(&c, "fuzz", (const char *)data, size, &messages);
        aura_config_clear(&c);
    }
    aura_buf_free(&messages);
    return 0;
}
