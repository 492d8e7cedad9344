/* SPDX-License-Identifier: Apache-2.0 */
/* Any text is read or refused; what was read can be written, and reading that again gives the same.
 */
#include "base/mem.h"
#include "transport/sdp.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct aura_sdp *first = NULL, *second = NULL, *third = NULL;
    struct aura_buf once = AURA_BUF(8 * 1024 * 1024), twice = AURA_BUF(8 * 1024 * 1024);
    struct aura_buf thrice = AURA_BUF(8 * 1024 * 1024);
    if (aura_sdp_parse(&first, (const char *)data, size) != 0) {
        return 0;
    }
    /* Once: wildcards and defaults get their written form, which may pass a limit. */
    if (aura_sdp_write(first, &once) != 0 ||
        aura_sdp_parse(&second, aura_buf_text(&once), once.len) != 0 ||
        aura_sdp_write(second, &twice) != 0 ||
        aura_sdp_parse(&third, aura_buf_text(&twice), twice.len) != 0) {
        goto out;
    }
    AURA_BUG_ON(aura_sdp_write(third, &thrice) != 0);
    AURA_BUG_ON(twice.len != thrice.len || memcmp(twice.data, thrice.data, twice.len) != 0);
out:
    aura_sdp_free(first);
    aura_sdp_free(second);
    aura_sdp_free(third);
    aura_buf_free(&once);
    aura_buf_free(&twice);
    aura_buf_free(&thrice);
    return 0;
}
