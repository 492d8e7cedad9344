/* SPDX-License-Identifier: Apache-2.0 */
/* One datagram. What parses is built again, and must then parse to the same. */
#include "transport/stun.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct aura_stun_msg m, back;
    const char *ufrag;
    size_t len = 0;
    uint8_t out[AURA_STUN_MAX];
    if (aura_stun_peek_ufrag(data, size, &ufrag, &len) == 0) {
        AURA_BUG_ON((const uint8_t *)ufrag < data || (const uint8_t *)ufrag + len > data + size);
    }
    if (aura_stun_parse(&m, data, size)) {
        return 0;
    }
    (void)!aura_stun_check_integrity(&m, "password");
    if (aura_stun_build(&m, "password", out, sizeof(out), &len) == 0) {
        AURA_BUG_ON(aura_stun_parse(&back, out, len));
        AURA_BUG_ON(aura_stun_check_integrity(&back, "password"));
        AURA_BUG_ON(back.method != m.method || back.cls != m.cls ||
                    back.username_len != m.username_len || back.error_code != m.error_code ||
                    back.use_candidate != m.use_candidate || back.tie_breaker != m.tie_breaker ||
                    back.has_mapped != m.has_mapped ||
                    (m.has_mapped && !aura_addr_equal(&back.mapped, &m.mapped)));
    }
    return 0;
}
