/* SPDX-License-Identifier: Apache-2.0 */
#include "transport/dtls.h"

#include "base/bytes.h"
#include "sim.h"
#include "transport/dtls_priv.h"

struct end {
    struct sim *sim;
    int peer;
    struct aura_dtls *dtls;
    bool connected;
    int err;
    size_t messages, bytes, largest;
};

static void on_send(void *arg, const uint8_t *data, size_t len) {
    struct end *e = arg;
    struct aura_path path = {.tcp = 1};
    e->largest = len > e->largest ? len : e->largest;
    sim_send(e->sim, e->peer, &path, data, len);
}
static void on_connected(void *arg) {
    struct end *e = arg;
    assert_false(e->connected);
    e->connected = true;
}
static void on_data(void *arg, const uint8_t *data, size_t len) {
    struct end *e = arg;
    assert_true(e->connected);
    assert_int_equal(data[0], 'x');
    e->messages++;
    e->bytes += len;
}
static void on_failed(void *arg, int err) {
    struct end *e = arg;
    e->err = err;
}
static const struct aura_dtls_handlers handlers = {on_send, on_connected, on_data, on_failed};

static void deliver(void *arg, const struct aura_path *path, uint8_t *data, size_t len) {
    struct end *e = arg;
    (void)path;
    aura_dtls_recv(e->dtls, data, len);
}

struct pair {
    struct sim sim;
    struct aura_dtls_identity *ids[2];
    struct end ends[2];
};

static int pair_start(struct pair *p) {
    memset(p, 0, sizeof(*p));
    TRY(sim_init(&p->sim));
    TRY(aura_dtls_identity_new(&p->ids[0]));
    TRY(aura_dtls_identity_new(&p->ids[1]));
    for (int i = 0; i < 2; i++) {
        struct aura_dtls_conf conf = {.identity = p->ids[i],
                                      .timers = p->sim.timers,
                                      .active = i == 1,
                                      .fingerprints = aura_dtls_identity_fingerprint(p->ids[1 - i]),
                                      .fingerprint_count = 1};
        p->ends[i].sim = &p->sim;
        p->ends[i].peer = 1 - i;
        p->sim.ends[i].fn = deliver;
        p->sim.ends[i].arg = &p->ends[i];
        TRY(aura_dtls_new(&p->ends[i].dtls, &conf, &handlers, &p->ends[i]));
    }
    return 0;
}

static void pair_end(struct pair *p) {
    for (int i = 0; i < 2; i++) {
        aura_dtls_free(p->ends[i].dtls);
        aura_dtls_identity_free(p->ids[i]);
    }
    sim_fini(&p->sim);
}

static void both_start(struct pair *p) {
    aura_dtls_start(p->ends[0].dtls);
    aura_dtls_start(p->ends[1].dtls);
}

static void check_keys(struct pair *p) {
    struct aura_srtp_keys a, b;
    assert_true(p->ends[0].connected && p->ends[1].connected);
    assert_int_equal(aura_dtls_srtp_keys(p->ends[0].dtls, &a), 0);
    assert_int_equal(aura_dtls_srtp_keys(p->ends[1].dtls, &b), 0);
    assert_int_equal(a.profile, AURA_SRTP_AEAD_AES_128_GCM);
    assert_memory_equal(&a.local, &b.remote, sizeof(a.local));
    assert_memory_equal(&a.remote, &b.local, sizeof(a.local));
    assert_memory_not_equal(&a.local, &a.remote, sizeof(a.local));
    assert_true(p->ends[0].largest <= AURA_DTLS_MTU && p->ends[1].largest <= AURA_DTLS_MTU);
}

static int handshake_and_data(void) {
    struct pair p;
    int err = pair_start(&p);
    if (!err) {
        uint8_t data[AURA_DTLS_MTU] = {'x'};
        both_start(&p);
        assert_int_equal(aura_dtls_send(p.ends[0].dtls, data, 10), AURA_ESTATE);
        sim_run(&p.sim, 200);
        check_keys(&p);
        for (size_t n = 1; n <= AURA_DTLS_MTU - AURA_DTLS_OVERHEAD; n += 45) {
            assert_int_equal(aura_dtls_send(p.ends[0].dtls, data, n), 0);
            assert_int_equal(aura_dtls_send(p.ends[1].dtls, data, n), 0);
        }
        assert_int_equal(aura_dtls_send(p.ends[0].dtls, data, AURA_DTLS_MTU), AURA_ELIMIT);
        sim_run(&p.sim, 50);
        assert_int_equal(p.ends[0].messages, 26);
        assert_int_equal(p.ends[1].messages, 26);
        assert_true(p.ends[0].largest <= AURA_DTLS_MTU);
        aura_dtls_close(p.ends[1].dtls);
        sim_run(&p.sim, 50);
        assert_int_equal(p.ends[0].err, AURA_ECLOSED);
        assert_int_equal(p.ends[1].err, 0); /* no callback after close */
        assert_int_equal(aura_dtls_send(p.ends[0].dtls, data, 1), AURA_ESTATE);
    }
    pair_end(&p);
    return err;
}

static int survives_loss_and_reorder(void) {
    int err = 0;
    for (unsigned seed = 1; !err && seed <= 12; seed++) {
        struct pair p;
        err = pair_start(&p);
        if (!err) {
            aura_rand_seeded_init(&p.sim.rand, seed);
            p.sim.loss_percent = 30;
            p.sim.jitter_us = 60000;
            both_start(&p);
            sim_run(&p.sim, 28000);
            check_keys(&p);
        }
        pair_end(&p);
    }
    return err;
}

static int retransmits_on_the_clock(void) {
    struct pair p;
    int err = pair_start(&p);
    if (!err) {
        p.sim.loss_percent = 100;
        both_start(&p);
        size_t first = p.sim.sent;
        assert_true(first >= 1);
        sim_run(&p.sim, 350);
        assert_int_equal(p.sim.sent, first);
        sim_run(&p.sim, 100); /* 400 ms */
        assert_int_equal(p.sim.sent, 2 * first);
        sim_run(&p.sim, 700);
        assert_int_equal(p.sim.sent, 2 * first);
        sim_run(&p.sim, 200); /* 400 + 800 ms */
        assert_int_equal(p.sim.sent, 3 * first);
        sim_run(&p.sim, 30000);
        assert_int_equal(p.ends[0].err, AURA_ETIMEDOUT);
        assert_int_equal(p.ends[1].err, AURA_ETIMEDOUT);
        assert_true(p.sim.sent < 20 * first);
    }
    pair_end(&p);
    return err;
}

static int garbage_is_dropped(void) {
    struct pair p;
    int err = pair_start(&p);
    if (!err) {
        struct aura_rand_seeded r;
        uint8_t junk[300];
        aura_rand_seeded_init(&r, 3);
        both_start(&p);
        for (int i = 0; i < 300; i++) {
            size_t n = 1 + aura_rand_below(&r.rand, sizeof(junk) - 1);
            aura_rand_bytes(&r.rand, junk, n);
            junk[0] = (uint8_t)(20 + i % 44);
            aura_dtls_recv(p.ends[0].dtls, junk, n);
            sim_run(&p.sim, 1);
        }
        check_keys(&p);
    }
    pair_end(&p);
    return err;
}

/* A client whose ClientHello does not fit one datagram, as with post-quantum key shares: a plain
 * OpenSSL one, made long by a list of application protocols. */
struct long_client {
    struct sim *sim;
    struct aura__dtls_io io;
    SSL *ssl;
    size_t before_reply;
    bool replied, done;
};

static void long_send(void *arg, const uint8_t *data, size_t len) {
    struct long_client *c = arg;
    struct aura_path path = {.tcp = 1};
    c->before_reply += !c->replied;
    sim_send(c->sim, 0, &path, data, len);
}

static void long_deliver(void *arg, const struct aura_path *path, uint8_t *data, size_t len) {
    struct long_client *c = arg;
    (void)path;
    c->replied = true;
    c->io.in = data;
    c->io.in_len = len;
    c->done = SSL_do_handshake(c->ssl) == 1 || c->done;
    c->io.in = NULL;
}

static int fragmented_client_hello(void) {
    struct pair p;
    int err = pair_start(&p);
    if (!err) {
        uint8_t protocols[2000];
        struct long_client c = {.sim = &p.sim, .io.send = long_send};
        memset(protocols, 'p', sizeof(protocols));
        for (size_t i = 0; i < sizeof(protocols); i += 200) {
            protocols[i] = 199;
        }
        c.io.arg = &c;
        BIO *bio = BIO_new(aura__dtls_bio());
        c.ssl = SSL_new(p.ids[1]->ctx);
        assert_true(bio && c.ssl);
        BIO_set_data(bio, &c.io);
        SSL_set_bio(c.ssl, bio, bio);
        SSL_set_mtu(c.ssl, AURA_DTLS_MTU);
        assert_int_equal(SSL_set_alpn_protos(c.ssl, protocols, sizeof(protocols)), 0);
        SSL_set_connect_state(c.ssl);
        p.sim.ends[1].fn = long_deliver;
        p.sim.ends[1].arg = &c;
        aura_dtls_start(p.ends[0].dtls);
        (void)SSL_do_handshake(c.ssl);
        sim_run(&p.sim, 300);
        assert_true(c.before_reply >= 2); /* it did take several datagrams */
        assert_true(c.done && p.ends[0].connected);
        SSL_free(c.ssl);
    }
    pair_end(&p);
    return err;
}

static int fingerprints(void) {
    struct aura_fingerprint fp, back;
    char text[AURA_FINGERPRINT_TEXT_MAX];
    TRY(aura_fingerprint_parse(&fp, "SHA-256 00:11:22:33:44:55:66:77:88:99:aa:Bb:cc:dd:ee:ff:"
                                    "00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF"));
    assert_string_equal(fp.hash, "sha-256");
    assert_int_equal(fp.value[11], 0xbb);
    TRY(aura_fingerprint_format(&fp, text, sizeof(text)));
    assert_string_equal(text, "sha-256 00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF:"
                              "00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF");
    TRY(aura_fingerprint_parse(&back, text));
    assert_memory_equal(&fp, &back, sizeof(fp));
    assert_int_equal(aura_fingerprint_format(&fp, text, 20), AURA_ELIMIT);
    assert_int_equal(aura_fingerprint_parse(&fp, ""), AURA_EMALFORMED);
    assert_int_equal(aura_fingerprint_parse(&fp, "sha-256"), AURA_EMALFORMED);
    assert_int_equal(aura_fingerprint_parse(&fp, "sha-256 "), AURA_EMALFORMED);
    assert_int_equal(aura_fingerprint_parse(&fp, "sha-256 00:11"), AURA_EMALFORMED);
    assert_int_equal(aura_fingerprint_parse(&fp, "crc-32 00:11:22:33"), AURA_EUNSUPPORTED);
    assert_int_equal(aura_fingerprint_parse(&fp, "md5 00:11:22:33:44:55:66:77:88:99:aa:bb:cc:dd:"
                                                 "ee:ff:00"),
                     AURA_EMALFORMED);
    memset(&fp, 0xEE, sizeof(fp));
    memcpy(fp.hash, "sha-512", 8);
    fp.len = 64;
    TRY(aura_fingerprint_format(&fp, text, sizeof(text)));
    TRY(aura_fingerprint_parse(&back, text));
    assert_memory_equal(fp.value, back.value, 64);
    return 0;
}

static int no_memory(void) {
    struct pair p;
    int err = pair_start(&p);
    pair_end(&p);
    return err;
}

int main(void) {
    const struct CMUnitTest cases[] = {
        AURA_CASE(fingerprints),
        AURA_CASE(no_memory),
        AURA_PLAIN(handshake_and_data),
        AURA_PLAIN(survives_loss_and_reorder),
        AURA_PLAIN(retransmits_on_the_clock),
        AURA_PLAIN(garbage_is_dropped),
        AURA_PLAIN(fragmented_client_hello),
    };
    return RUN_CASES("dtls", cases);
}
