/* SPDX-License-Identifier: Apache-2.0 */
/** @file prefix.h  Networks, "10.0.0.0/8" (RFC 4632) or "fd00::/8" (RFC 4291 section 2.3). */
#ifndef AURA_NET_PREFIX_H
#define AURA_NET_PREFIX_H

#include "net/addr.h"

struct aura_prefix {
    struct aura_addr base;
    unsigned bits;
};

/** An address alone is a network of one. Bits of it behind the prefix do not matter.
 * @return 0 or AURA_EINVAL, `*out` is then untouched */
AURA_NODISCARD int aura_prefix_parse(struct aura_prefix *out, const char *text);
/** The port does not matter. */
bool aura_prefix_has(const struct aura_prefix *p, const struct aura_addr *a);

#endif
