/* SPDX-License-Identifier: Apache-2.0 */
/** @file addr.h  IP address with port as plain data: copied, compared and hashed by value. */
#ifndef AURA_NET_ADDR_H
#define AURA_NET_ADDR_H

#include "base/err.h"

#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct sockaddr;
struct sockaddr_storage;

enum aura_family { AURA_FAMILY_NONE = 0, AURA_FAMILY_V4 = 4, AURA_FAMILY_V6 = 6 };

/**
 * No padding and unused bytes are zero, so that memcmp() and hashing over the whole struct work.
 * IPv4-mapped IPv6 addresses (::ffff:a.b.c.d) are always held as IPv4.
 */
struct aura_addr {
    uint8_t ip[16];  /* network order; IPv4 in the first four bytes */
    uint32_t scope;  /* interface index of a link-local IPv6 address, else 0 */
    uint16_t port;   /* host order */
    uint16_t family; /* enum aura_family */
};

enum {
    AURA_ADDR_TEXT_MAX = 64,      /* longest text of an address with port and NUL */
    AURA_ADDR_INTERFACES_MAX = 64 /* addresses of the machine that we look at */
};

/** "1.2.3.4", "1.2.3.4:5", "::1", "[::1]", "[::1]:5" (no names, no zones).
 * @return 0 or AURA_EINVAL, `*out` is then untouched */
AURA_NODISCARD int aura_addr_parse(struct aura_addr *out, const char *text);
/** "1.2.3.4:5" or "[::1]:5"; the address alone if the port is 0. @return @p out */
const char *aura_addr_text(const struct aura_addr *a, char out[AURA_ADDR_TEXT_MAX]);
/** The address without port and brackets, as in candidates. @return @p out */
const char *aura_addr_ip_text(const struct aura_addr *a, char out[AURA_ADDR_TEXT_MAX]);

/** @return the length used, 0 if the family is NONE */
size_t aura_addr_to_sockaddr(const struct aura_addr *a, struct sockaddr_storage *out);
/** @return 0 or AURA_EINVAL for other families and short lengths */
AURA_NODISCARD int aura_addr_from_sockaddr(struct aura_addr *out, const struct sockaddr *sa,
                                           size_t len);

/** 0.0.0.0 or :: (the port does not matter), also for NONE. */
bool aura_addr_is_any(const struct aura_addr *a);
bool aura_addr_is_loopback(const struct aura_addr *a);
bool aura_addr_is_link_local(const struct aura_addr *a);
/** RFC 1918, RFC 6598 (carrier-grade NAT), RFC 4193 unique local. */
bool aura_addr_is_private(const struct aura_addr *a);

static inline bool aura_addr_equal(const struct aura_addr *a, const struct aura_addr *b) {
    return memcmp(a, b, sizeof(*a)) == 0;
}
/** As aura_addr_equal(), but the port does not matter. */
bool aura_addr_same_ip(const struct aura_addr *a, const struct aura_addr *b);
/** Fast unkeyed hash, for tables whose size is bounded and whose keys are our own. */
uint32_t aura_addr_hash(const struct aura_addr *a);

struct aura_addr_interface {
    struct aura_addr addr; /* port 0 */
    char name[16];
    bool loopback;
};

/**
 * The machine's addresses on interfaces that are up, IPv4 first.
 * @return how many were written (at most @p max and AURA_ADDR_INTERFACES_MAX), or AURA_EIO
 */
int aura_addr_interfaces(struct aura_addr_interface *out, size_t max);

#endif
