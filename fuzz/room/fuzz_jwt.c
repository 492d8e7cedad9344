/* SPDX-License-Identifier: Apache-2.0 */
/* Whatever is verified can be minted again. */
#include "room/token.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static struct aura_keys *keys;
    struct aura_claims c;
    const char *why = NULL;
    if (!keys && (aura_keys_new(&keys) || aura_keys_add(keys, "key", "secret"))) {
        return 0;
    }
    if (aura_token_verify(&c, keys, (const char *)data, size, 1500, &why) == 0) {
        struct aura_buf token = AURA_BUF(AURA_TOKEN_BYTES_MAX);
        (void)!aura_token_mint(&token, &c, "key", "secret", 1500, 60);
        aura_buf_free(&token);
        aura_claims_clear(&c);
    }
    AURA_BUG_ON(!why);
    return 0;
}
