/* SPDX-License-Identifier: Apache-2.0 */
#include "auraid/matrix/vet.h"

#include <string.h>

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

static bool in(const char *network, const struct aura_addr *a) {
    struct aura_prefix n;
    AURA_BUG_ON(aura_prefix_parse(&n, network));
    return aura_prefix_has(&n, a);
}

int aura_vet_allow(struct aura_vet *v, const char *text) {
    if (v->count == AURA_VET_ALLOWED_MAX) {
        return AURA_ELIMIT;
    }
    int err = aura_prefix_parse(&v->allowed[v->count], text);
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

enum aura_vet_verdict aura_vet(const struct aura_vet *v, const struct aura_addr *a) {
    for (size_t i = 0; i < v->count; i++) {
        if (aura_prefix_has(&v->allowed[i], a)) {
            return AURA_VET_LISTED;
        }
    }
    bool open = a->family == AURA_FAMILY_V4   ? is_public_v4(a)
                : a->family == AURA_FAMILY_V6 ? is_public_v6(a)
                                              : false;
    return open ? AURA_VET_PUBLIC : AURA_VET_REFUSED;
}
