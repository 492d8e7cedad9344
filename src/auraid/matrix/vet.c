/* SPDX-License-Identifier: Apache-2.0 */
#include "auraid/matrix/vet.h"

#include <string.h>

enum { TEXT_MAX = 64, V4_BITS = 32, V6_BITS = 128 };

/* Special addresses. IPv6 is the other way round: only 2000::/3 is given to anybody, and of that
 * some is special again. (RFC 6890 and the registries that it began; RFC 9637 for 3fff::/20) */
static const char *const special_v4[] = {
    "0.0.0.0/8",     "10.0.0.0/8",      "100.64.0.0/10",  "127.0.0.0/8",    "169.254.0.0/16",
    "172.16.0.0/12", "192.0.0.0/24",    "192.0.2.0/24",   "192.88.99.0/24", "192.168.0.0/16",
    "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4",    "240.0.0.0/4",
};
static const char *const special_v6[] = {
    "2001::/23",
    "2001:db8::/32",
    "2002::/16",
    "3fff::/20",
};
static const char unicast_v6[] = "2000::/3", nat64[] = "64:ff9b::/96";

/* @param len  bytes of the number. @return -1: not a number up to @p max */
static int prefix_bits(const char *text, int max) {
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

static int parse(struct aura_vet_network *out, const char *text) {
    char address[TEXT_MAX];
    const char *slash = strchr(text, '/');
    size_t len = slash ? (size_t)(slash - text) : strlen(text);
    struct aura_vet_network n;
    if (len >= sizeof(address)) {
        return AURA_EINVAL;
    }
    memcpy(address, text, len);
    address[len] = 0;
    if (aura_addr_parse(&n.base, address) || n.base.port) {
        return AURA_EINVAL;
    }
    int max = n.base.family == AURA_FAMILY_V4 ? V4_BITS : V6_BITS;
    int bits = slash ? prefix_bits(slash + 1, max) : max;
    if (bits < 0) {
        return AURA_EINVAL;
    }
    n.bits = (unsigned)bits;
    *out = n;
    return 0;
}

static bool holds(const struct aura_vet_network *n, const struct aura_addr *a) {
    unsigned whole = n->bits / 8, rest = n->bits % 8;
    if (n->base.family != a->family || memcmp(n->base.ip, a->ip, whole) != 0) {
        return false;
    }
    return !rest || !((n->base.ip[whole] ^ a->ip[whole]) >> (8 - rest));
}

static bool in(const char *network, const struct aura_addr *a) {
    struct aura_vet_network n;
    AURA_BUG_ON(parse(&n, network));
    return holds(&n, a);
}

int aura_vet_allow(struct aura_vet *v, const char *text) {
    if (v->count == AURA_VET_ALLOWED_MAX) {
        return AURA_ELIMIT;
    }
    int err = parse(&v->allowed[v->count], text);
    v->count += !err;
    return err;
}

static bool is_public_v4(const struct aura_addr *a) {
    for (size_t i = 0; i < sizeof(special_v4) / sizeof(special_v4[0]); i++) {
        if (in(special_v4[i], a)) {
            return false;
        }
    }
    return true;
}

static bool is_public_v6(const struct aura_addr *a) {
    if (in(nat64, a)) {
        struct aura_addr inner = {.family = AURA_FAMILY_V4};
        memcpy(inner.ip, a->ip + 12, 4);
        return is_public_v4(&inner);
    }
    for (size_t i = 0; i < sizeof(special_v6) / sizeof(special_v6[0]); i++) {
        if (in(special_v6[i], a)) {
            return false;
        }
    }
    return in(unicast_v6, a);
}

enum aura_reach aura_vet(const struct aura_vet *v, const struct aura_addr *a) {
    for (size_t i = 0; i < v->count; i++) {
        if (holds(&v->allowed[i], a)) {
            return AURA_REACH_ALLOWED;
        }
    }
    bool open = a->family == AURA_FAMILY_V4   ? is_public_v4(a)
                : a->family == AURA_FAMILY_V6 ? is_public_v6(a)
                                              : false;
    return open ? AURA_REACH_PUBLIC : AURA_REACH_REFUSED;
}
