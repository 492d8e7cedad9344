/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file vet.h  Which addresses this server may be made to connect to by what strangers write.
 *
 * A request names a homeserver, so whoever asks chooses where we connect (server-side request
 * forgery). Only addresses of the public internet are dialled, by IANA's registries of special
 * addresses (RFC 6890); what else is wanted, a homeserver on one's own network, the operator lists.
 *
 * Pure functions.
 */
#ifndef AURA_AURAID_MATRIX_VET_H
#define AURA_AURAID_MATRIX_VET_H

#include "net/prefix.h"

enum { AURA_VET_ALLOWED_MAX = 64 }; /* networks that the operator lists */

enum aura_vet_verdict {
    AURA_VET_REFUSED,
    AURA_VET_PUBLIC,
    AURA_VET_LISTED, /* the operator lists it: plain HTTP may be spoken there too */
};

/** Zeroed it allows no more than the public internet. */
struct aura_vet {
    struct aura_prefix allowed[AURA_VET_ALLOWED_MAX];
    size_t count;
};

/** @param text  "10.1.2.3", "10.0.0.0/8", "fd00::/8". @return 0, AURA_EINVAL, AURA_ELIMIT */
AURA_NODISCARD int aura_vet_allow(struct aura_vet *v, const char *text);
/** The port does not matter. An IPv6 address that carries an IPv4 address for a translator (NAT64,
 * 64:ff9b::/96) is judged by that. */
enum aura_vet_verdict aura_vet(const struct aura_vet *v, const struct aura_addr *a);

#endif
