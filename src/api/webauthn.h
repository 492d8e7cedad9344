/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file webauthn.h  What a browser answers when a passkey is made or used (W3C Web Authentication
 * Level 2, §7.1 and §7.2), checked by libfido2.
 *
 * No attestation is asked for, so of a new passkey the page sends the authenticator data alone and
 * nobody here reads CBOR but libfido2. Who signs must have been verified by the authenticator (a
 * PIN, a finger): a passkey stands for a password and is no second factor.
 *
 * Pure functions on bytes that are not trusted; libfido2 has memory of its own.
 */
#ifndef AURA_API_WEBAUTHN_H
#define AURA_API_WEBAUTHN_H

#include "base/err.h"

#include <stddef.h>
#include <stdint.h>

enum {
    AURA_WEBAUTHN_BYTES_MAX = 2048,     /* of client data, of authenticator data */
    AURA_WEBAUTHN_SIGNATURE_MAX = 1024, /* bytes */
    AURA_WEBAUTHN_CHALLENGE_MAX = 64,
    AURA_WEBAUTHN_ORIGIN_MAX = 300, /* "https://", a name of DNS, a port and the NUL */
    AURA_WEBAUTHN_ID_MAX = 512,
    AURA_WEBAUTHN_KEY_MAX = 600,
};

enum aura_webauthn_type { AURA_WEBAUTHN_CREATE, AURA_WEBAUTHN_GET };

struct aura_webauthn_bytes {
    const uint8_t *p;
    size_t len;
};

/** What the browser says of the page (§5.8.1). */
struct aura_webauthn_client {
    enum aura_webauthn_type type;
    uint8_t challenge[AURA_WEBAUTHN_CHALLENGE_MAX];
    size_t challenge_len;
    char origin[AURA_WEBAUTHN_ORIGIN_MAX];
};
/** @return 0, AURA_EMALFORMED (also from inside a page of another origin), AURA_ENOMEM */
AURA_NODISCARD int aura_webauthn_client_read(struct aura_webauthn_client *out,
                                             struct aura_webauthn_bytes json);

struct aura_webauthn_key {
    int alg; /* of COSE: -7 ES256, -8 EdDSA, -257 RS256 */
    uint8_t id[AURA_WEBAUTHN_ID_MAX], key[AURA_WEBAUTHN_KEY_MAX];
    size_t id_len, key_len;
    uint32_t count; /* of signatures */
};

/** A new passkey. @param rp  that it was asked for
 * @return 0, AURA_EMALFORMED, AURA_EPOLICY (of another site, or nobody was verified),
 *         AURA_EUNSUPPORTED (its kind of key), AURA_ENOMEM */
AURA_NODISCARD int aura_webauthn_made(struct aura_webauthn_key *out, const char *rp,
                                      struct aura_webauthn_bytes authenticator_data);

struct aura_webauthn_proof {
    struct aura_webauthn_bytes client_data, authenticator_data, signature;
};
/** Was it signed with that key, for that site, by somebody who was verified?
 * @param count  of signatures, to be kept
 * @return 0, AURA_EMALFORMED, AURA_EAUTH, AURA_ESTALE (the authenticator counts backwards: there
 *         are two of it), AURA_ENOMEM */
AURA_NODISCARD int aura_webauthn_signed(const struct aura_webauthn_key *key, const char *rp,
                                        const struct aura_webauthn_proof *proof, uint32_t *count);

/** The site of an origin that passkeys can be made for: the host of "https://host" or, on one's own
 * machine, "http://localhost", with any port. @return 0 or AURA_EUNSUPPORTED (an address, http) */
AURA_NODISCARD int aura_webauthn_site(const char *origin, char rp[AURA_WEBAUTHN_ORIGIN_MAX]);

#endif
