/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file tls.h  The certificate that the HTTPS port shows, from files, replaced while calls go on.
 *
 * TLS 1.2 with forward secrecy and AEAD, or 1.3 (RFC 9325). A connection keeps the certificate that
 * it began with. Threading: one thread, that of the server.
 */
#ifndef AURA_API_TLS_H
#define AURA_API_TLS_H

#include "base/buf.h"

#include <stdint.h>

struct aura_tls;

enum { AURA_TLS_CHAIN_MAX = 16 /* certificates in a file */ };

/**
 * Reads a certificate with its chain, and its key (PEM).
 * @param why  out: a line for a person: what is wrong and what to do, or (with 0) a warning
 * @return 0, AURA_EINVAL (see @p why), AURA_ENOMEM
 */
AURA_NODISCARD int aura_tls_new(struct aura_tls **out, const char *cert_file, const char *key_file,
                                struct aura_buf *why);
/** Reads them anew, for connections from now on. On failure what was there stays. As above. */
AURA_NODISCARD int aura_tls_load(struct aura_tls *t, const char *cert_file, const char *key_file,
                                 struct aura_buf *why);
/**
 * Reads them anew if a file is another than the one that was read, or tried, last: by its inode,
 * size and time of change (of its rights too). For files that a tool renews by itself (certbot);
 * cheap.
 * @return 1: there is another certificate; 0: nothing is new; or as above: what was there stays,
 * and is tried again when a file changes once more
 */
AURA_NODISCARD int aura_tls_refresh(struct aura_tls *t, struct aura_buf *why);
/** The file that it was read from last. */
const char *aura_tls_cert_file(const struct aura_tls *t);
/** NULL is fine. Returns NULL. */
struct aura_tls *aura_tls_free(struct aura_tls *t);
/** Has a context show it. @param ssl_ctx  an SSL_CTX; @p t outlives it. @return 0 or AURA_EIO */
AURA_NODISCARD int aura_tls_equip(struct aura_tls *t, void *ssl_ctx);
/** Unix time at which the certificate ends. */
int64_t aura_tls_expires_s(const struct aura_tls *t);

#endif
