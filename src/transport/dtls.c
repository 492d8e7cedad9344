/* SPDX-License-Identifier: Apache-2.0 */
#include "transport/dtls.h"

#include "base/mem.h"
#include "transport/dtls_priv.h"

#include <openssl/err.h>
#include <string.h>
#include <sys/time.h>

enum {
    HANDSHAKE_LIMIT_MS = 30000,
    RETRANSMIT_FIRST_MS = 400, /* RFC 6347 says 1 s; WebRTC paths are faster and ICE knows them */
    RETRANSMIT_MAX_MS = 4000,
    TIMER_MIN_MS = 10,
    RECORD_MAX = 16384,
    KEY_MATERIAL_MAX = 2 * (AURA_SRTP_KEY_MAX + AURA_SRTP_SALT_MAX),
};

enum stage { IDLE, HANDSHAKING, CONNECTED, DEAD };

struct aura_dtls {
    SSL *ssl;
    struct aura__dtls_io io;
    struct aura_timers *timers;
    struct aura_timer retransmit, limit;
    struct aura_dtls_handlers handlers;
    void *arg;
    enum stage stage;
    bool active;
    bool in_ssl; /* inside the library: it must not be entered again */
    struct aura_fingerprint fingerprints[AURA_DTLS_FINGERPRINTS_MAX];
    size_t fingerprint_count;
};

static void on_retransmit(void *arg);

static void io_send(void *arg, const uint8_t *data, size_t len) {
    struct aura_dtls *d = arg;
    if (d->stage != DEAD) {
        d->handlers.send(d->arg, data, len);
    }
}

static unsigned retransmit_after_us(SSL *ssl, unsigned last_us) {
    (void)ssl;
    unsigned first = RETRANSMIT_FIRST_MS * 1000, max = RETRANSMIT_MAX_MS * 1000;
    if (last_us == 0) {
        return first;
    }
    return last_us > max / 2 ? max : last_us * 2;
}

static int make_ssl(struct aura_dtls *d, const struct aura_dtls_identity *identity) {
    const BIO_METHOD *method = aura__dtls_bio();
    BIO *bio = method ? BIO_new(method) : NULL;
    d->ssl = SSL_new(identity->ctx);
    if (!bio || !d->ssl) {
        BIO_free(bio);
        return AURA_ENOMEM;
    }
    d->io.send = io_send;
    d->io.arg = d;
    BIO_set_data(bio, &d->io);
    SSL_set_bio(d->ssl, bio, bio);
    SSL_set_mtu(d->ssl, AURA_DTLS_MTU);
    DTLS_set_timer_cb(d->ssl, retransmit_after_us);
    if (d->active) {
        SSL_set_connect_state(d->ssl);
    } else {
        SSL_set_accept_state(d->ssl);
    }
    return 0;
}

int aura_dtls_new(struct aura_dtls **dp, const struct aura_dtls_conf *conf,
                  const struct aura_dtls_handlers *handlers, void *arg) {
    struct aura_dtls *d = aura_zalloc(sizeof(*d));
    if (!d) {
        return AURA_ENOMEM;
    }
    d->timers = conf->timers;
    d->handlers = *handlers;
    d->arg = arg;
    d->active = conf->active;
    for (size_t i = 0; i < conf->fingerprint_count; i++) {
        if (aura__fingerprint_strong(&conf->fingerprints[i]) &&
            d->fingerprint_count < AURA_DTLS_FINGERPRINTS_MAX) {
            d->fingerprints[d->fingerprint_count++] = conf->fingerprints[i];
        }
    }
    int err = d->fingerprint_count ? make_ssl(d, conf->identity) : AURA_EINVAL;
    if (err) {
        aura_dtls_free(d);
        return err;
    }
    *dp = d;
    return 0;
}

void aura_dtls_close(struct aura_dtls *d) {
    if (d->stage == CONNECTED && !d->in_ssl) {
        d->in_ssl = true;
        if (SSL_alloc_buffers(d->ssl) == 1) {
            (void)SSL_shutdown(d->ssl);
        }
        d->in_ssl = false;
        ERR_clear_error();
    }
    d->stage = DEAD;
    aura_timer_stop(d->timers, &d->retransmit);
    aura_timer_stop(d->timers, &d->limit);
}

struct aura_dtls *aura_dtls_free(struct aura_dtls *d) {
    if (d) {
        if (d->ssl) {
            aura_dtls_close(d);
        }
        SSL_free(d->ssl);
        aura_free(d);
    }
    return NULL;
}

static void fail(struct aura_dtls *d, int err) {
    if (d->stage != DEAD) {
        d->stage = DEAD;
        aura_timer_stop(d->timers, &d->retransmit);
        aura_timer_stop(d->timers, &d->limit);
        d->handlers.failed(d->arg, err);
    }
}

static void on_limit(void *arg) {
    fail(arg, AURA_ETIMEDOUT);
}

/* The library keeps the time of the next retransmission; ours only wakes it. */
static void arm(struct aura_dtls *d) {
    struct timeval left;
    if (d->stage == DEAD || d->stage == IDLE) {
        return;
    }
    if (DTLSv1_get_timeout(d->ssl, &left) != 1) {
        aura_timer_stop(d->timers, &d->retransmit);
        return;
    }
    uint64_t us = (uint64_t)left.tv_sec * AURA_US_PER_S + (uint64_t)left.tv_usec;
    us = us < TIMER_MIN_MS * AURA_US_PER_MS ? TIMER_MIN_MS * AURA_US_PER_MS : us;
    if (aura_timer_start(d->timers, &d->retransmit, us, on_retransmit, d)) {
        fail(d, AURA_ENOMEM);
    }
}

static bool peer_known(const struct aura_dtls *d) {
    X509 *cert = SSL_get1_peer_certificate(d->ssl);
    bool ok = false;
    for (size_t i = 0; cert && !ok && i < d->fingerprint_count; i++) {
        ok = aura__fingerprint_matches(&d->fingerprints[i], cert);
    }
    X509_free(cert);
    return ok;
}

static void handshake_done(struct aura_dtls *d) {
    aura_timer_stop(d->timers, &d->limit);
    if (!peer_known(d)) {
        fail(d, AURA_EAUTH);
        return;
    }
    d->stage = CONNECTED;
    d->handlers.connected(d->arg);
}

/* Returns false when the association ended. */
static bool check_result(struct aura_dtls *d, int rc) {
    int why = SSL_get_error(d->ssl, rc);
    if (why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE) {
        return true;
    }
    ERR_clear_error();
    fail(d, why == SSL_ERROR_ZERO_RETURN ? AURA_ECLOSED : AURA_EIO);
    return false;
}

static void run_handshake(struct aura_dtls *d) {
    ERR_clear_error();
    d->in_ssl = true;
    int rc = SSL_do_handshake(d->ssl);
    d->in_ssl = false;
    if (d->stage != HANDSHAKING) {
        return;
    }
    if (rc == 1) {
        handshake_done(d);
    } else {
        (void)check_result(d, rc);
    }
}

/* Two records of the largest size TLS knows, 33 KiB of buffers, would otherwise stay with every
 * association; SSL_MODE_RELEASE_BUFFERS does nothing for DTLS. */
static void release_buffers(struct aura_dtls *d) {
    if (d->stage == CONNECTED && !d->in_ssl) {
        (void)SSL_free_buffers(d->ssl); /* keeps them while a record is half read */
    }
}

static void run_read(struct aura_dtls *d) {
    uint8_t record[RECORD_MAX];
    while (d->stage == CONNECTED) {
        ERR_clear_error();
        d->in_ssl = true;
        int rc = SSL_read(d->ssl, record, sizeof(record));
        d->in_ssl = false;
        if (rc > 0) {
            if (d->stage == CONNECTED) {
                d->handlers.data(d->arg, record, (size_t)rc);
            }
        } else {
            if (d->stage == CONNECTED) {
                (void)check_result(d, rc);
            }
            return;
        }
    }
}

static void on_retransmit(void *arg) {
    struct aura_dtls *d = arg;
    ERR_clear_error();
    d->in_ssl = true;
    int rc = (int)DTLSv1_handle_timeout(d->ssl);
    d->in_ssl = false;
    if (d->stage == DEAD) {
        return;
    }
    if (rc < 0) {
        ERR_clear_error();
        fail(d, AURA_ETIMEDOUT);
        return;
    }
    arm(d);
}

void aura_dtls_start(struct aura_dtls *d) {
    if (d->stage != IDLE) {
        return;
    }
    d->stage = HANDSHAKING;
    if (aura_timer_start(d->timers, &d->limit, HANDSHAKE_LIMIT_MS * AURA_US_PER_MS, on_limit, d)) {
        fail(d, AURA_ENOMEM);
        return;
    }
    if (d->active) {
        run_handshake(d);
        arm(d);
    }
}

void aura_dtls_recv(struct aura_dtls *d, const uint8_t *data, size_t len) {
    if (d->stage == IDLE || d->stage == DEAD || d->in_ssl || len == 0) {
        return;
    }
    d->io.in = data;
    d->io.in_len = len;
    if (d->stage == HANDSHAKING) {
        run_handshake(d);
    }
    /* The last flight may carry data behind it in the same datagram. */
    if (d->stage == CONNECTED) {
        run_read(d);
    }
    d->io.in = NULL;
    release_buffers(d);
    arm(d);
}

int aura_dtls_send(struct aura_dtls *d, const uint8_t *data, size_t len) {
    if (d->stage != CONNECTED || d->in_ssl) {
        return AURA_ESTATE;
    }
    if (len == 0 || len > AURA_DTLS_MTU - AURA_DTLS_OVERHEAD) {
        return AURA_ELIMIT;
    }
    ERR_clear_error();
    d->in_ssl = true;
    int rc = SSL_alloc_buffers(d->ssl) == 1 ? SSL_write(d->ssl, data, (int)len) : 0;
    d->in_ssl = false;
    release_buffers(d);
    if (rc <= 0) {
        ERR_clear_error();
        return AURA_ESTATE;
    }
    return 0;
}

bool aura_dtls_connected(const struct aura_dtls *d) {
    return d->stage == CONNECTED;
}

int aura_dtls_srtp_keys(const struct aura_dtls *d, struct aura_srtp_keys *keys) {
    static const char label[] = "EXTRACTOR-dtls_srtp";
    uint8_t material[KEY_MATERIAL_MAX];
    if (d->stage != CONNECTED) {
        return AURA_ESTATE;
    }
    const SRTP_PROTECTION_PROFILE *chosen = SSL_get_selected_srtp_profile(d->ssl);
    if (!chosen) {
        return AURA_ENOENT;
    }
    memset(keys, 0, sizeof(*keys));
    keys->profile = (enum aura_srtp_profile)chosen->id;
    size_t key = aura_srtp_profile_key_bytes(keys->profile);
    size_t salt = aura_srtp_profile_salt_bytes(keys->profile);
    if (key == 0) {
        return AURA_ENOENT;
    }
    if (SSL_export_keying_material(d->ssl, material, 2 * (key + salt), label, sizeof(label) - 1,
                                   NULL, 0, 0) != 1) {
        ERR_clear_error();
        return AURA_ESTATE;
    }
    /* RFC 5764 section 4.2: client key, server key, client salt, server salt. */
    struct aura_srtp_key *client = d->active ? &keys->local : &keys->remote;
    struct aura_srtp_key *server = d->active ? &keys->remote : &keys->local;
    memcpy(client->key, material, key);
    memcpy(server->key, material + key, key);
    memcpy(client->salt, material + 2 * key, salt);
    memcpy(server->salt, material + 2 * key + salt, salt);
    aura_wipe(material, sizeof(material));
    return 0;
}

size_t aura_srtp_profile_key_bytes(enum aura_srtp_profile profile) {
    switch (profile) {
    case AURA_SRTP_AES128_CM_SHA1_80:
    case AURA_SRTP_AEAD_AES_128_GCM:
        return 16;
    case AURA_SRTP_AEAD_AES_256_GCM:
        return 32;
    case AURA_SRTP_NONE:
    default:
        return 0;
    }
}

size_t aura_srtp_profile_salt_bytes(enum aura_srtp_profile profile) {
    switch (profile) {
    case AURA_SRTP_AES128_CM_SHA1_80:
        return 14;
    case AURA_SRTP_AEAD_AES_128_GCM:
    case AURA_SRTP_AEAD_AES_256_GCM:
        return 12;
    case AURA_SRTP_NONE:
    default:
        return 0;
    }
}
