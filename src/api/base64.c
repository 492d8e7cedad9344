/* SPDX-License-Identifier: Apache-2.0 */
#include "api/base64.h"

static int value_of(char c) {
    return c >= 'A' && c <= 'Z'   ? c - 'A'
           : c >= 'a' && c <= 'z' ? c - 'a' + 26
           : c >= '0' && c <= '9' ? c - '0' + 52
           : c == '-' || c == '+' ? 62
           : c == '_' || c == '/' ? 63
                                  : -1;
}

int aura_base64_decode(struct aura_buf *out, const char *text, size_t len) {
    uint32_t acc = 0;
    unsigned bits = 0;
    size_t padding = 0;
    while (len && text[len - 1] == '=' && padding < 2) {
        len--;
        padding++;
    }
    for (size_t i = 0; i < len; i++) {
        int v = value_of(text[i]);
        if (v < 0) {
            return AURA_EMALFORMED;
        }
        acc = (acc << 6 | (uint32_t)v) & 0xffffff;
        bits += 6;
        if (bits >= 8) {
            bits -= 8;
            uint8_t byte = (uint8_t)(acc >> bits);
            aura_buf_add(out, &byte, 1);
        }
    }
    return bits >= 6 ? AURA_EMALFORMED : out->err;
}

int aura_base64_encode(struct aura_buf *out, const void *data, size_t len) {
    static const char set[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const uint8_t *p = data;
    for (size_t i = 0; i < len; i += 3) {
        size_t n = len - i;
        uint32_t v =
            (uint32_t)p[i] << 16 | (n > 1 ? (uint32_t)p[i + 1] << 8 : 0) | (n > 2 ? p[i + 2] : 0);
        char text[4] = {set[v >> 18], set[v >> 12 & 63], n > 1 ? set[v >> 6 & 63] : '=',
                        n > 2 ? set[v & 63] : '='};
        aura_buf_add(out, text, sizeof(text));
    }
    return out->err;
}
