/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file srtp.h  SRTP and SRTCP of one peer (RFC 3711, 7714).
 *
 * Threading: worker-affine; the library underneath is set up once for the process. After the first
 * packet of an SSRC nothing is allocated per packet.
 */
#ifndef AURA_TRANSPORT_SRTP_H
#define AURA_TRANSPORT_SRTP_H

#include "base/err.h"
#include "transport/dtls.h"

#include <stddef.h>
#include <stdint.h>

enum {
    AURA_SRTP_TAIL = 24,              /* room that protection needs behind a packet, at most */
    AURA_SRTP_WINDOW = 2048,          /* replay window in packets: late RTX must still pass */
    AURA_SRTP_REMOTE_SSRCS_MAX = 256, /* own limit: each costs a stream context */
};

struct aura_srtp;

/** @param keys  copied into the library's state. @return 0, AURA_ENOMEM, AURA_EINVAL */
AURA_NODISCARD int aura_srtp_new(struct aura_srtp **sp, const struct aura_srtp_keys *keys);
struct aura_srtp *aura_srtp_free(struct aura_srtp *s);

/** Encrypts in place; `*len` grows by at most AURA_SRTP_TAIL.
 * @return 0, AURA_ELIMIT (`cap` too small, or the key is used up), AURA_EMALFORMED */
AURA_NODISCARD int aura_srtp_protect(struct aura_srtp *s, uint8_t *data, size_t *len, size_t cap);
AURA_NODISCARD int aura_srtcp_protect(struct aura_srtp *s, uint8_t *data, size_t *len, size_t cap);
/** Decrypts in place; `*len` shrinks.
 * @return 0, AURA_EAUTH, AURA_ESTALE (replayed or too old), AURA_EMALFORMED, AURA_ELIMIT (SSRCs) */
AURA_NODISCARD int aura_srtp_unprotect(struct aura_srtp *s, uint8_t *data, size_t *len);
AURA_NODISCARD int aura_srtcp_unprotect(struct aura_srtp *s, uint8_t *data, size_t *len);
/** Asks the processor for what the next aura_srtp_protect() reads. */
void aura_srtp_prefetch(const struct aura_srtp *s);
/** Drops the sending context of an SSRC that will never be used again under these keys. */
void aura_srtp_forget(struct aura_srtp *s, uint32_t ssrc);
/** Name of the AES-GCM implementation in use: "ipsec-mb" or "libsrtp". */
const char *aura_srtp_engine(void);

#endif
