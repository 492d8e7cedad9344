/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file dtls.h  DTLS 1.2+ over datagrams that the caller carries (RFC 6347, 5763, 5764, 8122).
 *
 * Threading: an association is worker-affine; an identity is immutable after creation and may be
 * shared by workers. Pure protocol: bytes in and out through calls, time from the worker's timers
 * (OpenSSL measures its retransmission with the system's clock).
 */
#ifndef AURA_TRANSPORT_DTLS_H
#define AURA_TRANSPORT_DTLS_H

#include "base/err.h"
#include "base/timer.h"

#include <stddef.h>
#include <stdint.h>

enum {
    AURA_FINGERPRINT_TEXT_MAX = 216, /* "sha-512 " + 64 * 3, with the NUL */
    AURA_DTLS_MTU = 1200,            /* UDP payload of a handshake or data record at most */
    AURA_DTLS_OVERHEAD = 64,         /* a record's share of that, rounded up */
    AURA_SRTP_KEY_MAX = 32,
    AURA_SRTP_SALT_MAX = 14,
};

/** Hash of a certificate, RFC 8122. */
struct aura_fingerprint {
    char hash[16];     /* lower case: "sha-256" */
    uint8_t value[64]; /* `len` bytes */
    size_t len;
};

/**
 * Parses "sha-256 AA:BB:…" (any case). @return 0, AURA_EMALFORMED, AURA_EUNSUPPORTED (a hash that
 * we don't know; `fp` is then untouched)
 */
AURA_NODISCARD int aura_fingerprint_parse(struct aura_fingerprint *fp, const char *text);
/** Writes "sha-256 AA:BB:…" and a NUL. @return 0 or AURA_ELIMIT (`cap` is too small) */
AURA_NODISCARD int aura_fingerprint_format(const struct aura_fingerprint *fp, char *out,
                                           size_t cap);

/** A self-signed ECDSA P-256 certificate with its key and the TLS contexts built on it. */
struct aura_dtls_identity;

/** Makes a fresh one. @return 0, AURA_ENOMEM, AURA_EBUG (the TLS library refused) */
AURA_NODISCARD int aura_dtls_identity_new(struct aura_dtls_identity **idp);
/** Frees it; every association made from it must be gone or keeps only the TLS part alive. */
struct aura_dtls_identity *aura_dtls_identity_free(struct aura_dtls_identity *id);
/** Its SHA-256 fingerprint. */
const struct aura_fingerprint *aura_dtls_identity_fingerprint(const struct aura_dtls_identity *id);

/** SRTP protection profiles by their DTLS numbers (RFC 5764, 7714). */
enum aura_srtp_profile {
    AURA_SRTP_NONE = 0,
    AURA_SRTP_AES128_CM_SHA1_80 = 1,
    AURA_SRTP_AEAD_AES_128_GCM = 7,
    AURA_SRTP_AEAD_AES_256_GCM = 8,
};

/** Bytes of a profile's master key and salt; 0 if unknown. */
size_t aura_srtp_profile_key_bytes(enum aura_srtp_profile profile);
size_t aura_srtp_profile_salt_bytes(enum aura_srtp_profile profile);

struct aura_srtp_key {
    uint8_t key[AURA_SRTP_KEY_MAX];
    uint8_t salt[AURA_SRTP_SALT_MAX];
};

/** What the handshake agreed on for SRTP; wiped by who holds it. */
struct aura_srtp_keys {
    enum aura_srtp_profile profile;
    struct aura_srtp_key local, remote; /* `local` encrypts what we send */
};

struct aura_dtls;

struct aura_dtls_handlers {
    void (*send)(void *arg, const uint8_t *data, size_t len); /* one datagram; borrowed */
    /* Handshake done and fingerprint verified. Not called twice; nothing is delivered before. */
    void (*connected)(void *arg);
    void (*data)(void *arg, const uint8_t *data, size_t len); /* decrypted, one record */
    /* Handshake failed, timed out (AURA_ETIMEDOUT), wrong fingerprint (AURA_EAUTH), or the peer
     * closed it (AURA_ECLOSED). Final. */
    void (*failed)(void *arg, int err);
};

struct aura_dtls_conf {
    const struct aura_dtls_identity *identity;
    struct aura_timers *timers;
    bool active; /* we send the ClientHello, as soon as aura_dtls_start() is called */
    const struct aura_fingerprint *fingerprints; /* copied; one must match, RFC 8122 */
    size_t fingerprint_count;
};

enum { AURA_DTLS_FINGERPRINTS_MAX = 8 };

/**
 * @return 0, AURA_ENOMEM, AURA_EINVAL (no fingerprint of at least SHA-256 strength)
 * No callback comes from inside, nor after aura_dtls_free().
 */
AURA_NODISCARD int aura_dtls_new(struct aura_dtls **dp, const struct aura_dtls_conf *conf,
                                 const struct aura_dtls_handlers *handlers, void *arg);
/** Sends close_notify if connected; no callback comes any more. May be called inside a callback. */
void aura_dtls_close(struct aura_dtls *d);
/** Closes and frees. Not from inside a callback. */
struct aura_dtls *aura_dtls_free(struct aura_dtls *d);
/** Begins the handshake (active) or the waiting for it (passive); starts the 30 s limit. */
void aura_dtls_start(struct aura_dtls *d);
/** One received datagram. Garbage is dropped (RFC 6347 section 4.1.2.7). */
void aura_dtls_recv(struct aura_dtls *d, const uint8_t *data, size_t len);
/** Encrypts and sends one record. @return 0, AURA_ESTATE (not connected), AURA_ELIMIT (too long) */
AURA_NODISCARD int aura_dtls_send(struct aura_dtls *d, const uint8_t *data, size_t len);
bool aura_dtls_connected(const struct aura_dtls *d);
/** RFC 5764 exporter. @return 0, AURA_ESTATE (not connected), AURA_ENOENT (no profile agreed) */
AURA_NODISCARD int aura_dtls_srtp_keys(const struct aura_dtls *d, struct aura_srtp_keys *keys);

#endif
