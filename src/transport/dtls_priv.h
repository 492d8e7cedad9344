/* SPDX-License-Identifier: Apache-2.0 */
/** @file dtls_priv.h  What the files of the DTLS module share. */
#ifndef AURA_TRANSPORT_DTLS_PRIV_H
#define AURA_TRANSPORT_DTLS_PRIV_H

#include "base/rand.h"
#include "transport/dtls.h"

#include <openssl/ssl.h>

struct aura_dtls_identity {
    SSL_CTX *ctx; /* counts its own references: associations keep it alive */
    struct aura_fingerprint fingerprint;
};

/** True for SHA-256 and stronger ones of the right length. */
bool aura__fingerprint_strong(const struct aura_fingerprint *fp);
/** True if strong and equal to the hash of the certificate. */
bool aura__fingerprint_matches(const struct aura_fingerprint *fp, const X509 *cert);

/** The BIO method of one datagram per read and write; made once for the process, NULL on failure.
 */
const BIO_METHOD *aura__dtls_bio(void);

/** What a BIO of that method works on (its data pointer). */
struct aura__dtls_io {
    const uint8_t *in; /* the datagram being received, NULL = none */
    size_t in_len;
    void (*send)(void *arg, const uint8_t *data, size_t len);
    void *arg;
};

#endif
