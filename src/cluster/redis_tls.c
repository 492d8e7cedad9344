/* SPDX-License-Identifier: Apache-2.0 */
#include "cluster/redis_tls.h"

#ifdef AURA_REDIS_TLS

#include "net/addr.h"

#include <hiredis/async.h>
#include <hiredis/hiredis_ssl.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

bool aura_redis_has_tls(void) {
    return true;
}

/* Why the server's certificate was refused last: hiredis does not tell. */
static int on_verify(int fine, X509_STORE_CTX *store) {
    const SSL *ssl = X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx());
    const char **why = SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl));
    if (!fine && why) {
        *why = X509_verify_cert_error_string(X509_STORE_CTX_get_error(store));
    }
    return fine;
}

static int load(SSL_CTX *ctx, const struct aura_redis_conf *conf, const char **why) {
    SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, on_verify);
    if (SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION) != 1) {
        return AURA_ENOMEM;
    }
    int ok = *conf->tls_ca ? SSL_CTX_load_verify_locations(ctx, conf->tls_ca, NULL)
                           : SSL_CTX_set_default_verify_paths(ctx);
    if (ok != 1) {
        *why = "redis.tls.ca_cert_file cannot be read as PEM";
        return AURA_EINVAL;
    }
    if (*conf->tls_certificate &&
        (SSL_CTX_use_certificate_chain_file(ctx, conf->tls_certificate) != 1 ||
         SSL_CTX_use_PrivateKey_file(ctx, conf->tls_key, SSL_FILETYPE_PEM) != 1)) {
        *why = "redis.tls.client_cert_file and client_key_file are not a pair of PEM files";
        return AURA_EINVAL;
    }
    return 0;
}

int aura__redis_tls_new(void **out, const struct aura_redis_conf *conf, const char **refused,
                        const char **why) {
    SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
    int err = ctx ? load(ctx, conf, why) : AURA_ENOMEM;
    ERR_clear_error(); /* others would take what is left for their own */
    if (err) {
        SSL_CTX_free(ctx);
        return err;
    }
    SSL_CTX_set_app_data(ctx, (void *)refused);
    *out = ctx;
    return 0;
}

void aura__redis_tls_free(void *ctx) {
    SSL_CTX_free(ctx);
}

/* hiredis checks the chain but no name, so the session is made here. */
int aura__redis_tls_start(void *ctx, struct redisAsyncContext *ac, const char *host) {
    struct aura_addr a;
    SSL *ssl = SSL_new(ctx);
    bool number = aura_addr_parse(&a, host) == 0;
    int ok = !ssl     ? 0
             : number ? X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), host)
                      : SSL_set1_host(ssl, host) && SSL_set_tlsext_host_name(ssl, host);
    if (ok != 1 || redisInitiateSSL(&ac->c, ssl) != REDIS_OK) {
        SSL_free(ssl);
        return AURA_EIO;
    }
    return 0;
}

#else

bool aura_redis_has_tls(void) {
    return false;
}

int aura__redis_tls_new(void **ctx, const struct aura_redis_conf *conf, const char **refused,
                        const char **why) {
    (void)ctx;
    (void)conf;
    (void)refused;
    *why =
        "redis.use_tls: this build has a hiredis without TLS; run tools/hiredis.sh and build again";
    return AURA_EUNSUPPORTED;
}

void aura__redis_tls_free(void *ctx) {
    (void)ctx;
}

int aura__redis_tls_start(void *ctx, struct redisAsyncContext *ac, const char *host) {
    (void)ctx;
    (void)ac;
    (void)host;
    return AURA_EIO;
}

#endif
