/* SPDX-License-Identifier: Apache-2.0 */
#include "transport/sdp.h"

#include <string.h>
#include <strings.h>

const char *aura_sdp_fmtp_get(const char *fmtp, const char *name, size_t *len) {
    size_t name_len = strlen(name);
    for (const char *p = fmtp; *p;) {
        p += strspn(p, " ;");
        size_t n = strcspn(p, ";");
        if (n > name_len && p[name_len] == '=' && strncasecmp(p, name, name_len) == 0) {
            *len = n - name_len - 1;
            return p + name_len + 1;
        }
        p += n;
    }
    return NULL;
}

static int digit_of(char c) {
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : 16;
}

uint32_t aura_sdp_fmtp_uint(const char *fmtp, const char *name, int base, uint32_t fallback) {
    size_t len;
    const char *text = aura_sdp_fmtp_get(fmtp, name, &len);
    uint64_t v = 0;
    if (!text || len == 0) {
        return fallback;
    }
    for (size_t i = 0; i < len; i++) {
        int digit = digit_of(text[i]);
        if (digit >= base) {
            return fallback;
        }
        v = v * (uint64_t)base + (uint64_t)digit;
        if (v > UINT32_MAX) {
            return fallback;
        }
    }
    return (uint32_t)v;
}
