/* SPDX-License-Identifier: Apache-2.0 */
#include "net/prefix.h"

enum { V4_BITS = 32, V6_BITS = 128 };

/* @return -1: not a number up to @p max */
static int number(const char *text, int max) {
    int value = 0;
    if (!*text || strlen(text) > 3) {
        return -1;
    }
    for (; *text; text++) {
        if (*text < '0' || *text > '9') {
            return -1;
        }
        value = value * 10 + (*text - '0');
    }
    return value <= max ? value : -1;
}

int aura_prefix_parse(struct aura_prefix *out, const char *text) {
    char address[AURA_ADDR_TEXT_MAX];
    const char *slash = strchr(text, '/');
    size_t len = slash ? (size_t)(slash - text) : strlen(text);
    struct aura_prefix p;
    if (len >= sizeof(address)) {
        return AURA_EINVAL;
    }
    memcpy(address, text, len);
    address[len] = '\0';
    if (aura_addr_parse(&p.base, address) || p.base.port) {
        return AURA_EINVAL;
    }
    int max = p.base.family == AURA_FAMILY_V4 ? V4_BITS : V6_BITS;
    int bits = slash ? number(slash + 1, max) : max;
    if (bits < 0) {
        return AURA_EINVAL;
    }
    p.bits = (unsigned)bits;
    *out = p;
    return 0;
}

bool aura_prefix_has(const struct aura_prefix *p, const struct aura_addr *a) {
    unsigned whole = p->bits / 8, rest = p->bits % 8;
    if (p->base.family != a->family || memcmp(p->base.ip, a->ip, whole) != 0) {
        return false;
    }
    return !rest || !((p->base.ip[whole] ^ a->ip[whole]) >> (8 - rest));
}
