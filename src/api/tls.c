/* SPDX-License-Identifier: Apache-2.0 */
#include "api/tls.h"

#include "base/mem.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

/* What Mozilla calls "intermediate", without its finite-field groups. */
static const char ciphers_12[] = "ECDHE+AESGCM:ECDHE+CHACHA20";
static const char groups[] = "X25519:P-256:P-384";

struct identity {
    X509 *cert;
    STACK_OF(X509) * chain;
    EVP_PKEY *key;
};

/* What tells a file from one that took its place; through links, which certbot turns around. */
struct stamp {
    dev_t device;
    ino_t inode;
    off_t size;
    struct timespec changed;
};

struct aura_tls {
    struct identity now;
    char *cert_file, *key_file;
    struct stamp cert_seen, key_seen; /* before they were read, or tried, last */
};

static void drop(struct identity *id) {
    X509_free(id->cert);
    sk_X509_pop_free(id->chain, X509_free);
    EVP_PKEY_free(id->key);
    *id = (struct identity){.cert = NULL};
}

static int no_passphrase(char *buf, int size, int writing, void *arg) {
    (void)buf;
    (void)size;
    (void)writing;
    *(bool *)arg = true;
    return -1;
}

/* ---- reading ---- */

static BIO *open_file(const char *what, const char *path, struct aura_buf *why) {
    errno = 0;
    BIO *in = path[0] ? BIO_new_file(path, "r") : NULL;
    if (!path[0]) {
        aura_buf_printf(why, "%s: names no file; TLS needs both tls.cert_file and tls.key_file",
                        what);
    } else if (!in) {
        aura_buf_printf(why, "%s: cannot read %s: %s", what, path,
                        errno ? strerror(errno) : "no such file");
    }
    return in;
}

static int read_chain(struct identity *id, BIO *in, const char *path, struct aura_buf *why) {
    id->cert = PEM_read_bio_X509(in, NULL, NULL, NULL);
    id->chain = sk_X509_new_null();
    if (!id->cert) {
        aura_buf_printf(why,
                        "tls.cert_file: %s holds no certificate in PEM form; it should begin with "
                        "-----BEGIN CERTIFICATE-----, the server's own first, then its chain",
                        path);
        return AURA_EINVAL;
    }
    for (X509 *more; (more = PEM_read_bio_X509(in, NULL, NULL, NULL)) != NULL;) {
        if (!id->chain || sk_X509_num(id->chain) >= AURA_TLS_CHAIN_MAX - 1 ||
            !sk_X509_push(id->chain, more)) {
            X509_free(more);
            aura_buf_printf(why, "tls.cert_file: %s holds more than %d certificates", path,
                            AURA_TLS_CHAIN_MAX);
            return AURA_EINVAL;
        }
    }
    unsigned long last = ERR_peek_last_error();
    if (ERR_GET_REASON(last) != PEM_R_NO_START_LINE) { /* else the file has ended */
        aura_buf_printf(why, "tls.cert_file: certificate %d in %s is damaged",
                        sk_X509_num(id->chain) + 2, path);
        return AURA_EINVAL;
    }
    return 0;
}

static int read_cert(struct identity *id, const char *path, struct aura_buf *why) {
    BIO *in = open_file("tls.cert_file", path, why);
    int err = in ? read_chain(id, in, path, why) : AURA_EINVAL;
    BIO_free(in);
    return err;
}

static int read_key(struct identity *id, const char *path, struct aura_buf *why) {
    struct stat st;
    bool asked = false;
    BIO *in = open_file("tls.key_file", path, why);
    if (!in) {
        return AURA_EINVAL;
    }
    if (stat(path, &st) == 0 && (st.st_mode & S_IRWXO)) {
        aura_buf_printf(why, "tls.key_file: everybody may read %s; run: chmod o-rwx %s", path,
                        path);
        BIO_free(in);
        return AURA_EINVAL;
    }
    id->key = PEM_read_bio_PrivateKey(in, NULL, no_passphrase, &asked);
    BIO_free(in);
    if (!id->key && asked) {
        aura_buf_printf(why,
                        "tls.key_file: %s is protected by a passphrase, which nobody can type "
                        "here; run: openssl pkey -in %s -out NEW_FILE",
                        path, path);
    } else if (!id->key) {
        aura_buf_printf(why,
                        "tls.key_file: %s holds no private key in PEM form; it should begin with "
                        "-----BEGIN PRIVATE KEY-----",
                        path);
    }
    return id->key ? 0 : AURA_EINVAL;
}

/* ---- judging ---- */

/* What OpenSSL itself would refuse in a handshake: keys that are too short, hashes that are broken.
 */
static int try_out(const struct identity *id, const char *path, struct aura_buf *why) {
    SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
    ERR_clear_error();
    int ok = ctx ? SSL_CTX_use_cert_and_key(ctx, id->cert, id->key, id->chain, 1) : 0;
    if (!ok) {
        const char *reason = ERR_reason_error_string(ERR_peek_last_error());
        aura_buf_printf(why, "tls.cert_file: %s cannot be used: %s; make a new one", path,
                        reason ? reason : "OpenSSL refuses it");
    }
    SSL_CTX_free(ctx);
    return ok ? 0 : AURA_EINVAL;
}

static int64_t seconds_of(const ASN1_TIME *t) {
    struct tm tm;
    return ASN1_TIME_to_tm(t, &tm) ? (int64_t)timegm(&tm) : 0;
}

static void warn_of_dates(const struct identity *id, const char *path, struct aura_buf *why) {
    if (X509_cmp_current_time(X509_get0_notBefore(id->cert)) > 0) {
        aura_buf_printf(why,
                        "tls.cert_file: the certificate in %s is not valid yet: clients will "
                        "refuse it; check the clock",
                        path);
    } else if (X509_cmp_current_time(X509_get0_notAfter(id->cert)) < 0) {
        aura_buf_printf(why,
                        "tls.cert_file: the certificate in %s has expired: clients will refuse "
                        "it; renew it, then reload (SIGHUP)",
                        path);
    }
}

static int read_identity(struct identity *id, const char *cert_file, const char *key_file,
                         struct aura_buf *why) {
    ERR_clear_error();
    int err = read_cert(id, cert_file, why);
    err = err ? err : read_key(id, key_file, why);
    if (!err && X509_check_private_key(id->cert, id->key) != 1) {
        aura_buf_printf(why,
                        "tls.key_file: the key in %s does not belong to the first certificate in "
                        "%s; the server's own certificate comes first there",
                        key_file, cert_file);
        err = AURA_EINVAL;
    }
    err = err ? err : try_out(id, cert_file, why);
    if (!err) {
        warn_of_dates(id, cert_file, why);
    }
    ERR_clear_error(); /* libwebsockets would take what is left for its own */
    return err;
}

static struct stamp stamp_of(const char *path) {
    struct stat st;
    struct stamp none;
    memset(&none, 0, sizeof(none));
    if (stat(path, &st)) {
        return none;
    }
    return (struct stamp){st.st_dev, st.st_ino, st.st_size, st.st_ctim};
}

static bool same(const struct stamp *a, const struct stamp *b) {
    return a->device == b->device && a->inode == b->inode && a->size == b->size &&
           a->changed.tv_sec == b->changed.tv_sec && a->changed.tv_nsec == b->changed.tv_nsec;
}

/* The names are kept only of files that were good. @param cert, key  taken */
static void keep_names(struct aura_tls *t, char *cert, char *key) {
    aura_free(t->cert_file);
    aura_free(t->key_file);
    t->cert_file = cert;
    t->key_file = key;
}

int aura_tls_load(struct aura_tls *t, const char *cert_file, const char *key_file,
                  struct aura_buf *why) {
    struct identity fresh = {.cert = NULL};
    struct stamp cert_seen = stamp_of(cert_file), key_seen = stamp_of(key_file);
    char *cert = aura_strdup(cert_file), *key = aura_strdup(key_file);
    int err = cert && key ? read_identity(&fresh, cert_file, key_file, why) : AURA_ENOMEM;
    if (err) {
        drop(&fresh);
        aura_free(cert);
        aura_free(key);
        return err;
    }
    drop(&t->now);
    t->now = fresh;
    keep_names(t, cert, key);
    t->cert_seen = cert_seen;
    t->key_seen = key_seen;
    return 0;
}

int aura_tls_refresh(struct aura_tls *t, struct aura_buf *why) {
    struct identity fresh = {.cert = NULL};
    struct stamp cert = stamp_of(t->cert_file), key = stamp_of(t->key_file);
    if (same(&cert, &t->cert_seen) && same(&key, &t->key_seen)) {
        return 0;
    }
    t->cert_seen = cert;
    t->key_seen = key;
    int err = read_identity(&fresh, t->cert_file, t->key_file, why);
    bool other = !err && X509_cmp(fresh.cert, t->now.cert) != 0;
    if (err) {
        drop(&fresh);
        return err;
    }
    drop(&t->now);
    t->now = fresh;
    return other;
}

const char *aura_tls_cert_file(const struct aura_tls *t) {
    return t->cert_file;
}

int aura_tls_new(struct aura_tls **out, const char *cert_file, const char *key_file,
                 struct aura_buf *why) {
    struct aura_tls *t = aura_zalloc(sizeof(*t));
    if (!t) {
        return AURA_ENOMEM;
    }
    int err = aura_tls_load(t, cert_file, key_file, why);
    if (err) {
        aura_free(t);
        return err;
    }
    *out = t;
    return 0;
}

struct aura_tls *aura_tls_free(struct aura_tls *t) {
    if (t) {
        drop(&t->now);
        keep_names(t, NULL, NULL);
        aura_free(t);
    }
    return NULL;
}

/* ---- connections ---- */

/* Each handshake takes what is the certificate then; a context of its own would keep the first. */
static int on_handshake(SSL *ssl, void *arg) {
    const struct aura_tls *t = arg;
    SSL_certs_clear(ssl);
    return SSL_use_cert_and_key(ssl, t->now.cert, t->now.key, t->now.chain, 1) == 1;
}

int aura_tls_equip(struct aura_tls *t, void *ssl_ctx) {
    SSL_CTX *ctx = ssl_ctx;
    SSL_CTX_set_options(ctx, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION);
    SSL_CTX_set_cert_cb(ctx, on_handshake, t);
    return SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION) == 1 &&
                   SSL_CTX_set_max_proto_version(ctx, 0) == 1 &&
                   SSL_CTX_set_cipher_list(ctx, ciphers_12) == 1 &&
                   SSL_CTX_set1_groups_list(ctx, groups) == 1
               ? 0
               : AURA_EIO;
}

int64_t aura_tls_expires_s(const struct aura_tls *t) {
    return seconds_of(X509_get0_notAfter(t->now.cert));
}
