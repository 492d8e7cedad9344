/* SPDX-License-Identifier: Apache-2.0 */
#include "transport/dtls_priv.h"

#include "base/mem.h"

#include <ctype.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <string.h>

enum { LIFETIME_S = 365 * 24 * 3600, BACKDATE_S = 24 * 3600, SERIAL_BYTES = 16 };

static const struct {
    const char *name;
    size_t bytes;
    const EVP_MD *(*md)(void);
    bool strong; /* at least SHA-256 */
} hashes[] = {
    {"sha-256", 32, EVP_sha256, true}, {"sha-384", 48, EVP_sha384, true},
    {"sha-512", 64, EVP_sha512, true}, {"sha-224", 28, EVP_sha224, false},
    {"sha-1", 20, EVP_sha1, false},    {"md5", 16, NULL, false},
};

enum { HASHES = sizeof(hashes) / sizeof(hashes[0]) };

static int hash_index(const char *name, size_t len) {
    for (int i = 0; i < HASHES; i++) {
        if (strlen(hashes[i].name) == len && strncasecmp(hashes[i].name, name, len) == 0) {
            return i;
        }
    }
    return -1;
}

static int hex_digit(char c) {
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    c = (char)tolower((unsigned char)c);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

int aura_fingerprint_parse(struct aura_fingerprint *fp, const char *text) {
    size_t name_len = strcspn(text, " ");
    int hash = hash_index(text, name_len);
    if (name_len == 0 || text[name_len] == '\0') {
        return AURA_EMALFORMED;
    }
    if (hash < 0) {
        return AURA_EUNSUPPORTED;
    }
    struct aura_fingerprint out = {.len = hashes[hash].bytes};
    memcpy(out.hash, hashes[hash].name, strlen(hashes[hash].name) + 1);
    const char *p = text + name_len + strspn(text + name_len, " ");
    for (size_t i = 0; i < out.len; i++) {
        int high = hex_digit(p[0]);
        int low = high < 0 ? -1 : hex_digit(p[1]);
        bool last = i + 1 == out.len;
        if (low < 0 || (last ? p[2] != '\0' : p[2] != ':')) {
            return AURA_EMALFORMED;
        }
        out.value[i] = (uint8_t)(high << 4 | low);
        p += 3;
    }
    *fp = out;
    return 0;
}

int aura_fingerprint_format(const struct aura_fingerprint *fp, char *out, size_t cap) {
    static const char digits[] = "0123456789ABCDEF";
    size_t name = strnlen(fp->hash, sizeof(fp->hash));
    if (fp->len == 0 || fp->len > sizeof(fp->value) || cap < name + 1 + fp->len * 3) {
        return AURA_ELIMIT;
    }
    memcpy(out, fp->hash, name);
    char *p = out + name;
    for (size_t i = 0; i < fp->len; i++) {
        *p++ = i ? ':' : ' ';
        *p++ = digits[fp->value[i] >> 4];
        *p++ = digits[fp->value[i] & 15];
    }
    *p = '\0';
    return 0;
}

bool aura__fingerprint_strong(const struct aura_fingerprint *fp) {
    int hash = hash_index(fp->hash, strnlen(fp->hash, sizeof(fp->hash)));
    return hash >= 0 && hashes[hash].strong && fp->len == hashes[hash].bytes;
}

bool aura__fingerprint_matches(const struct aura_fingerprint *fp, const X509 *cert) {
    uint8_t value[EVP_MAX_MD_SIZE];
    unsigned n = 0;
    int hash = hash_index(fp->hash, strnlen(fp->hash, sizeof(fp->hash)));
    return aura__fingerprint_strong(fp) && X509_digest(cert, hashes[hash].md(), value, &n) == 1 &&
           n == fp->len && aura_secret_equal(value, fp->value, n);
}

/* RFC 8827 section 6.5: the names in it mean nothing, and the serial must not repeat. */
static X509 *make_cert(EVP_PKEY *key) {
    X509 *cert = X509_new();
    uint8_t serial[SERIAL_BYTES];
    aura_rand_bytes(aura_rand_system(), serial, sizeof(serial));
    serial[0] = (uint8_t)((serial[0] & 0x7F) | 0x40);
    BIGNUM *number = BN_bin2bn(serial, sizeof(serial), NULL);
    X509_NAME *name = cert ? X509_get_subject_name(cert) : NULL;
    bool ok = name && number && X509_set_version(cert, 2) == 1 &&
              BN_to_ASN1_INTEGER(number, X509_get_serialNumber(cert)) &&
              X509_gmtime_adj(X509_getm_notBefore(cert), -BACKDATE_S) &&
              X509_gmtime_adj(X509_getm_notAfter(cert), LIFETIME_S) &&
              X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const uint8_t *)"WebRTC", -1,
                                         -1, 0) == 1 &&
              X509_set_issuer_name(cert, name) == 1 && X509_set_pubkey(cert, key) == 1 &&
              X509_sign(cert, key, EVP_sha256()) > 0;
    BN_free(number);
    if (!ok) {
        X509_free(cert);
        return NULL;
    }
    return cert;
}

static int accept_any(int ok, X509_STORE_CTX *store) {
    (void)ok;
    (void)store;
    return 1; /* self-signed by design: the fingerprint decides, in dtls.c */
}

static SSL_CTX *make_context(EVP_PKEY *key, X509 *cert) {
    SSL_CTX *ctx = SSL_CTX_new(DTLS_method());
    if (!ctx) {
        return NULL;
    }
    SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, accept_any);
    SSL_CTX_set_options(ctx, SSL_OP_NO_QUERY_MTU | SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION |
                                 SSL_OP_CIPHER_SERVER_PREFERENCE);
    SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_read_ahead(ctx, 1);
    bool ok = SSL_CTX_set_min_proto_version(ctx, DTLS1_2_VERSION) == 1 &&
              SSL_CTX_use_certificate(ctx, cert) == 1 && SSL_CTX_use_PrivateKey(ctx, key) == 1 &&
              SSL_CTX_set_cipher_list(ctx, "ECDHE+AESGCM:ECDHE+CHACHA20:"
                                           "ECDHE-ECDSA-AES128-SHA:ECDHE-RSA-AES128-SHA") == 1 &&
              /* 0 is success here */
              SSL_CTX_set_tlsext_use_srtp(ctx, "SRTP_AEAD_AES_128_GCM:SRTP_AEAD_AES_256_GCM:"
                                               "SRTP_AES128_CM_SHA1_80") == 0;
    if (!ok) {
        SSL_CTX_free(ctx);
        return NULL;
    }
    return ctx;
}

int aura_dtls_identity_new(struct aura_dtls_identity **idp) {
    int err = AURA_EBUG;
    X509 *cert = NULL;
    EVP_PKEY *key = NULL;
    unsigned n = 0;
    struct aura_dtls_identity *id = aura_zalloc(sizeof(*id));
    if (!id) {
        return AURA_ENOMEM;
    }
    key = EVP_EC_gen("P-256");
    cert = key ? make_cert(key) : NULL;
    id->ctx = cert ? make_context(key, cert) : NULL;
    if (!id->ctx || X509_digest(cert, EVP_sha256(), id->fingerprint.value, &n) != 1) {
        goto out;
    }
    memcpy(id->fingerprint.hash, "sha-256", sizeof("sha-256"));
    id->fingerprint.len = n;
    *idp = id;
    id = NULL;
    err = 0;
out:
    if (err) {
        ERR_clear_error();
    }
    aura_dtls_identity_free(id);
    X509_free(cert);
    EVP_PKEY_free(key);
    return err;
}

struct aura_dtls_identity *aura_dtls_identity_free(struct aura_dtls_identity *id) {
    if (id) {
        SSL_CTX_free(id->ctx);
        aura_free(id);
    }
    return NULL;
}

const struct aura_fingerprint *aura_dtls_identity_fingerprint(const struct aura_dtls_identity *id) {
    return &id->fingerprint;
}
