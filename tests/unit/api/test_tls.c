/* SPDX-License-Identifier: Apache-2.0 */
/* Certificates made here, in files of a folder of the test's own; handshakes without a network. */
#include "api/tls.h"
#include "harness.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PATH_BYTES = 64, DAY_S = 86400, WHY_BYTES = 1024 };

struct folder {
    char path[32], cert[PATH_BYTES], key[PATH_BYTES];
};

static void folder_make(struct folder *f) {
    snprintf(f->path, sizeof(f->path), "/tmp/aura-tls-XXXXXX");
    assert_non_null(mkdtemp(f->path));
    snprintf(f->cert, sizeof(f->cert), "%s/cert.pem", f->path);
    snprintf(f->key, sizeof(f->key), "%s/key.pem", f->path);
}

static void folder_remove(struct folder *f) {
    (void)unlink(f->cert);
    (void)unlink(f->key);
    assert_int_equal(rmdir(f->path), 0);
}

struct made {
    X509 *cert;
    EVP_PKEY *key;
};

/* Signed by itself. @param days  from now, when it ends; negative = it has */
static struct made make(const char *name, int days) {
    struct made m = {.cert = X509_new(), .key = EVP_EC_gen("P-256")};
    assert_true(m.cert && m.key);
    X509_set_version(m.cert, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(m.cert), 1);
    X509_gmtime_adj(X509_getm_notBefore(m.cert), -30L * DAY_S);
    X509_gmtime_adj(X509_getm_notAfter(m.cert), (long)days * DAY_S);
    X509_NAME *who = X509_get_subject_name(m.cert);
    X509_NAME_add_entry_by_txt(who, "CN", MBSTRING_ASC, (const unsigned char *)name, -1, -1, 0);
    X509_set_issuer_name(m.cert, who);
    X509_set_pubkey(m.cert, m.key);
    assert_true(X509_sign(m.cert, m.key, EVP_sha256()) > 0);
    return m;
}

static void drop(struct made *m) {
    X509_free(m->cert);
    EVP_PKEY_free(m->key);
}

/* Written beside and moved into place, as tools do: so it is another file. */
static void put(const char *path, X509 *cert, int copies, EVP_PKEY *key, const char *passphrase) {
    char fresh[PATH_BYTES + 8];
    snprintf(fresh, sizeof(fresh), "%s.new", path);
    FILE *file = fopen(fresh, "we");
    assert_non_null(file);
    assert_int_equal(chmod(fresh, 0600), 0);
    for (int i = 0; cert && i < copies; i++) {
        assert_int_equal(PEM_write_X509(file, cert), 1);
    }
    if (key) {
        assert_int_equal(PEM_write_PrivateKey(file, key, passphrase ? EVP_aes_128_cbc() : NULL,
                                              NULL, 0, NULL, (void *)(uintptr_t)passphrase),
                         1);
    }
    assert_int_equal(fclose(file), 0);
    assert_int_equal(rename(fresh, path), 0);
}

static void put_both(const struct folder *f, const struct made *m) {
    put(f->key, NULL, 0, m->key, NULL);
    put(f->cert, m->cert, 1, NULL, NULL);
}

static int load(struct aura_tls *t, const struct folder *f, const char *wanted) {
    struct aura_buf why = AURA_BUF(WHY_BYTES);
    int err = aura_tls_load(t, f->cert, f->key, &why);
    if (!strstr(aura_buf_text(&why), wanted) || (!*wanted && why.len)) {
        fail_msg("\"%s\" is not in \"%s\"", wanted, aura_buf_text(&why));
    }
    aura_buf_free(&why);
    return err;
}

static int refresh(struct aura_tls *t) {
    struct aura_buf why = AURA_BUF(WHY_BYTES);
    int got = aura_tls_refresh(t, &why);
    assert_int_equal(got<0, why.len> 0);
    aura_buf_free(&why);
    return got;
}

static struct aura_tls *start(const struct folder *f) {
    struct aura_tls *t = NULL;
    struct aura_buf why = AURA_BUF(WHY_BYTES);
    assert_int_equal(aura_tls_new(&t, f->cert, f->key, &why), 0);
    assert_int_equal(why.len, 0);
    aura_buf_free(&why);
    return t;
}

/* ---- what a client sees ---- */

struct seen {
    bool done;
    int version;
    char name[32], cipher[64];
};

static struct seen shake(SSL_CTX *server, int newest, const char *ciphers) {
    struct seen seen = {.done = false};
    SSL_CTX *client = SSL_CTX_new(TLS_client_method());
    SSL_CTX_set_security_level(client, 0); /* so that it is the server who refuses */
    SSL_CTX_set_max_proto_version(client, newest);
    assert_int_equal(SSL_CTX_set_cipher_list(client, ciphers), 1);
    SSL *ends[2] = {SSL_new(server), SSL_new(client)};
    BIO *pipe[2];
    assert_int_equal(BIO_new_bio_pair(&pipe[0], 0, &pipe[1], 0), 1);
    SSL_set_bio(ends[0], pipe[0], pipe[0]);
    SSL_set_bio(ends[1], pipe[1], pipe[1]);
    SSL_set_accept_state(ends[0]);
    SSL_set_connect_state(ends[1]);
    for (int i = 0; i < 20 && !seen.done; i++) {
        int a = SSL_do_handshake(ends[0]), b = SSL_do_handshake(ends[1]);
        seen.done = a == 1 && b == 1;
    }
    if (seen.done) {
        X509 *cert = SSL_get1_peer_certificate(ends[1]);
        X509_NAME_get_text_by_NID(X509_get_subject_name(cert), NID_commonName, seen.name,
                                  (int)sizeof(seen.name));
        X509_free(cert);
        seen.version = SSL_version(ends[1]);
        snprintf(seen.cipher, sizeof(seen.cipher), "%s", SSL_get_cipher_name(ends[1]));
    }
    SSL_free(ends[0]);
    SSL_free(ends[1]);
    SSL_CTX_free(client);
    ERR_clear_error();
    return seen;
}

static SSL_CTX *equipped(struct aura_tls *t) {
    SSL_CTX *server = SSL_CTX_new(TLS_server_method());
    assert_non_null(server);
    assert_int_equal(aura_tls_equip(t, server), 0);
    return server;
}

static int versions_and_ciphers(void) {
    struct folder f;
    folder_make(&f);
    struct made one = make("one", 9);
    put_both(&f, &one);
    struct aura_tls *t = start(&f);
    SSL_CTX *server = equipped(t);
    struct seen seen = shake(server, TLS1_3_VERSION, "ALL");
    assert_true(seen.done);
    assert_int_equal(seen.version, TLS1_3_VERSION);
    assert_string_equal(seen.name, "one");
    seen = shake(server, TLS1_2_VERSION, "ALL");
    assert_true(seen.done);
    assert_int_equal(seen.version, TLS1_2_VERSION);
    assert_non_null(strstr(seen.cipher, "ECDHE"));
    assert_false(shake(server, TLS1_1_VERSION, "ALL").done);
    assert_false(shake(server, TLS1_2_VERSION, "ECDHE-ECDSA-AES128-SHA").done); /* no AEAD */
    assert_false(shake(server, TLS1_2_VERSION, "AES128-GCM-SHA256").done); /* no forward secrecy */
    SSL_CTX_free(server);
    aura_tls_free(t);
    drop(&one);
    folder_remove(&f);
    return 0;
}

/* A context that has been made shows what is the certificate when somebody connects. */
static int new_files_are_taken_while_it_runs(void) {
    struct folder f;
    folder_make(&f);
    struct made one = make("one", 9), two = make("two", 20), three = make("three", 30);
    put_both(&f, &one);
    struct aura_tls *t = start(&f);
    SSL_CTX *server = equipped(t);
    int64_t expires_s = aura_tls_expires_s(t);
    assert_string_equal(aura_tls_cert_file(t), f.cert);
    assert_int_equal(refresh(t), 0); /* the files are those that were read */

    put_both(&f, &two);
    assert_string_equal(shake(server, TLS1_3_VERSION, "ALL").name, "one"); /* nobody has looked */
    assert_int_equal(refresh(t), 1);
    assert_string_equal(shake(server, TLS1_3_VERSION, "ALL").name, "two");
    assert_true(aura_tls_expires_s(t) > expires_s);
    put_both(&f, &two);
    assert_int_equal(refresh(t), 0); /* other files, the same certificate */

    put(f.key, NULL, 0, three.key, NULL); /* half of it is there */
    assert_int_equal(refresh(t), AURA_EINVAL);
    assert_int_equal(refresh(t), 0); /* told once, and not tried before something changes */
    assert_string_equal(shake(server, TLS1_3_VERSION, "ALL").name, "two");
    put(f.cert, three.cert, 1, NULL, NULL);
    assert_int_equal(refresh(t), 1);
    assert_string_equal(shake(server, TLS1_3_VERSION, "ALL").name, "three");

    assert_int_equal(unlink(f.cert), 0);
    assert_int_equal(refresh(t), AURA_EINVAL);
    assert_int_equal(refresh(t), 0);
    assert_string_equal(shake(server, TLS1_3_VERSION, "ALL").name, "three");
    put_both(&f, &one);
    assert_int_equal(load(t, &f, ""), 0);
    assert_string_equal(shake(server, TLS1_3_VERSION, "ALL").name, "one");
    SSL_CTX_free(server);
    aura_tls_free(t);
    drop(&one);
    drop(&two);
    drop(&three);
    folder_remove(&f);
    return 0;
}

/* A key that everybody may read is refused; that it may not any more is a change too. */
static int rights_are_looked_at(void) {
    struct folder f;
    folder_make(&f);
    struct made one = make("one", 9), two = make("two", 9);
    put_both(&f, &one);
    struct aura_tls *t = start(&f);
    put_both(&f, &two);
    assert_int_equal(chmod(f.key, 0604), 0);
    assert_int_equal(load(t, &f, "chmod o-rwx"), AURA_EINVAL);
    assert_int_equal(refresh(t), AURA_EINVAL);
    assert_int_equal(refresh(t), 0);
    assert_int_equal(chmod(f.key, 0600), 0);
    assert_int_equal(refresh(t), 1);
    aura_tls_free(t);
    drop(&one);
    drop(&two);
    folder_remove(&f);
    return 0;
}

static int mistakes_are_told(void) {
    struct folder f, none = {.cert = "", .key = ""};
    folder_make(&f);
    struct made one = make("one", 9), other = make("other", 9), old = make("old", -1);
    put_both(&f, &one);
    struct aura_tls *t = start(&f);
    assert_int_equal(load(t, &none, "tls.cert_file: names no file"), AURA_EINVAL);

    put(f.key, NULL, 0, other.key, NULL);
    assert_int_equal(load(t, &f, "does not belong to the first certificate"), AURA_EINVAL);
    put(f.key, NULL, 0, one.key, "secret");
    assert_int_equal(load(t, &f, "protected by a passphrase"), AURA_EINVAL);
    put(f.key, one.cert, 1, NULL, NULL);
    assert_int_equal(load(t, &f, "holds no private key"), AURA_EINVAL);
    put(f.cert, NULL, 0, one.key, NULL);
    assert_int_equal(load(t, &f, "holds no certificate"), AURA_EINVAL);
    put(f.cert, one.cert, AURA_TLS_CHAIN_MAX + 1, NULL, NULL);
    assert_int_equal(load(t, &f, "more than 16 certificates"), AURA_EINVAL);
    assert_int_equal(unlink(f.cert), 0);
    assert_int_equal(load(t, &f, "cannot read"), AURA_EINVAL);

    put_both(&f, &old); /* clients will refuse it; we only say so */
    assert_int_equal(load(t, &f, "has expired"), 0);
    put(f.cert, one.cert, AURA_TLS_CHAIN_MAX, NULL, NULL);
    put(f.key, NULL, 0, one.key, NULL);
    assert_int_equal(load(t, &f, ""), 0);
    aura_tls_free(t);
    drop(&one);
    drop(&other);
    drop(&old);
    folder_remove(&f);
    return 0;
}

static int a_damaged_chain_is_refused(void) {
    struct folder f;
    folder_make(&f);
    struct made one = make("one", 9);
    put_both(&f, &one);
    struct aura_tls *t = start(&f);
    FILE *file = fopen(f.cert, "ae");
    assert_non_null(file);
    fputs("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", file);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(load(t, &f, "certificate 2"), AURA_EINVAL);
    aura_tls_free(t);
    assert_null(aura_tls_free(NULL));
    drop(&one);
    folder_remove(&f);
    return 0;
}

int main(void) {
    const struct CMUnitTest cases[] = {
        AURA_PLAIN(versions_and_ciphers),       AURA_PLAIN(new_files_are_taken_while_it_runs),
        AURA_PLAIN(rights_are_looked_at),       AURA_PLAIN(mistakes_are_told),
        AURA_PLAIN(a_damaged_chain_is_refused),
    };
    return RUN_CASES("api/tls", cases);
}
