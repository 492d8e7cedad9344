/* SPDX-License-Identifier: Apache-2.0 */
/* An authenticator of our own, with OpenSSL's keys, against libfido2. Both libraries have memory of
 * their own: no case with failing ones. */
#include "api/webauthn.h"
#include "base/mem.h"
#include "harness.h"

#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/sha.h>

#include <stdio.h>
#include <string.h>

enum { PRESENT = 1, VERIFIED = 4, HAS_KEY = 0x40, HEAD_BYTES = 37, ID_BYTES = 20 };

struct authenticator {
    EVP_PKEY *pair;
    uint8_t xy[64];
};

static const char client_get[] =
    "{\"type\":\"webauthn.get\",\"challenge\":\"AAEC_w\",\"origin\":\"https://meet.example\","
    "\"crossOrigin\":false}";

static void begin(struct authenticator *a) {
    uint8_t point[65];
    size_t n = 0;
    a->pair = EVP_EC_gen("P-256");
    assert_non_null(a->pair);
    assert_true(EVP_PKEY_get_octet_string_param(a->pair, "pub", point, sizeof(point), &n));
    assert_int_equal(n, sizeof(point));
    memcpy(a->xy, point + 1, sizeof(a->xy));
}

static size_t head(uint8_t *out, const char *rp, uint8_t flags, uint32_t count) {
    SHA256((const uint8_t *)rp, strlen(rp), out);
    out[32] = flags;
    for (size_t i = 0; i < 4; i++) {
        out[33 + i] = (uint8_t)(count >> (8 * (3 - i)));
    }
    return HEAD_BYTES;
}

static size_t put(uint8_t *out, size_t at, const void *bytes, size_t n) {
    memcpy(out + at, bytes, n);
    return at + n;
}

/* §6.5.1: who made the authenticator, the key's name, and the key as COSE has it. */
static size_t made(const struct authenticator *a, uint8_t *out, const char *rp, uint8_t flags) {
    static const uint8_t cose[] = {0xa5, 0x01, 0x02, 0x03, 0x26, 0x20, 0x01, 0x21, 0x58, 0x20};
    static const uint8_t then_y[] = {0x22, 0x58, 0x20}, id_len[] = {0, ID_BYTES};
    uint8_t zeros[16] = {0}, id[ID_BYTES];
    memset(id, 0x5a, sizeof(id));
    size_t n = head(out, rp, flags, 0);
    n = put(out, n, zeros, sizeof(zeros));
    n = put(out, n, id_len, sizeof(id_len));
    n = put(out, n, id, sizeof(id));
    n = put(out, n, cose, sizeof(cose));
    n = put(out, n, a->xy, 32);
    n = put(out, n, then_y, sizeof(then_y));
    return put(out, n, a->xy + 32, 32);
}

static size_t sign(const struct authenticator *a, const uint8_t *data, size_t len,
                   const char *client, uint8_t *out, size_t cap) {
    uint8_t all[256];
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    memcpy(all, data, len);
    SHA256((const uint8_t *)client, strlen(client), all + len);
    assert_true(EVP_DigestSignInit(ctx, NULL, EVP_sha256(), NULL, a->pair));
    assert_true(EVP_DigestSign(ctx, out, &cap, all, len + 32));
    EVP_MD_CTX_free(ctx);
    return cap;
}

static struct aura_webauthn_bytes bytes(const void *p, size_t len) {
    return (struct aura_webauthn_bytes){p, len};
}

static int client_data_is_read(void) {
    struct aura_webauthn_client c;
    assert_int_equal(aura_webauthn_client_read(&c, bytes(client_get, strlen(client_get))), 0);
    assert_int_equal(c.type, AURA_WEBAUTHN_GET);
    assert_int_equal(c.challenge_len, 4);
    assert_memory_equal(c.challenge, "\0\1\2\377", 4);
    assert_string_equal(c.origin, "https://meet.example");
    static const char *const bad[] = {
        "",
        "[]",
        "{}",
        "{\"type\":\"webauthn.get\",\"challenge\":\"AA\"}",
        "{\"type\":\"webauthn.steal\",\"challenge\":\"AA\",\"origin\":\"https://x\"}",
        "{\"type\":\"webauthn.get\",\"challenge\":\"A*\",\"origin\":\"https://x\"}",
        "{\"type\":\"webauthn.get\",\"challenge\":7,\"origin\":\"https://x\"}",
        "{\"type\":\"webauthn.get\",\"challenge\":\"AA\",\"origin\":\"https://x\",\"crossOrigin\":"
        "true}",
        "{\"type\":\"webauthn.get\",\"type\":\"webauthn.create\",\"challenge\":\"AA\",\"origin\":"
        "\"https://x\"}",
        /* 65 bytes of challenge */
        "{\"type\":\"webauthn.get\",\"challenge\":"
        "\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
        "AAAAAAAA\",\"origin\":\"https://x\"}",
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        int err = aura_webauthn_client_read(&c, bytes(bad[i], strlen(bad[i])));
        assert_int_equal(err, AURA_EMALFORMED);
    }
    return 0;
}

static int a_key_is_made_and_used(void) {
    struct authenticator a;
    struct aura_webauthn_key key;
    uint8_t data[300], head_bytes[HEAD_BYTES], sig[128];
    uint32_t count = 99;
    begin(&a);
    size_t n = made(&a, data, "meet.example", PRESENT | VERIFIED | HAS_KEY);
    assert_int_equal(aura_webauthn_made(&key, "meet.example", bytes(data, n)), 0);
    assert_int_equal(key.alg, -7);
    assert_int_equal(key.id_len, ID_BYTES);
    assert_int_equal(key.key_len, 64);
    assert_memory_equal(key.key, a.xy, 64);
    size_t len = head(head_bytes, "meet.example", PRESENT | VERIFIED, 0);
    size_t sig_len = sign(&a, head_bytes, len, client_get, sig, sizeof(sig));
    struct aura_webauthn_proof proof = {bytes(client_get, strlen(client_get)),
                                        bytes(head_bytes, len), bytes(sig, sig_len)};
    assert_int_equal(aura_webauthn_signed(&key, "meet.example", &proof, &count), 0);
    assert_int_equal(count, 0);
    assert_int_equal(aura_webauthn_signed(&key, "evil.example", &proof, &count), AURA_EAUTH);
    sig[sig_len - 1] ^= 1;
    assert_int_equal(aura_webauthn_signed(&key, "meet.example", &proof, &count), AURA_EAUTH);
    sig[sig_len - 1] ^= 1;
    proof.client_data = bytes("{}", 2);
    assert_int_equal(aura_webauthn_signed(&key, "meet.example", &proof, &count), AURA_EAUTH);
    proof.signature.len = 0;
    assert_int_equal(aura_webauthn_signed(&key, "meet.example", &proof, &count), AURA_EMALFORMED);
    EVP_PKEY_free(a.pair);
    return 0;
}

static int who_was_not_verified_is_not_let_in(void) {
    struct authenticator a;
    struct aura_webauthn_key key;
    uint8_t data[300], head_bytes[HEAD_BYTES], sig[128];
    uint32_t count;
    begin(&a);
    size_t n = made(&a, data, "meet.example", PRESENT | HAS_KEY);
    assert_int_equal(aura_webauthn_made(&key, "meet.example", bytes(data, n)), AURA_EPOLICY);
    n = made(&a, data, "evil.example", PRESENT | VERIFIED | HAS_KEY);
    assert_int_equal(aura_webauthn_made(&key, "meet.example", bytes(data, n)), AURA_EPOLICY);
    n = made(&a, data, "meet.example", PRESENT | VERIFIED | HAS_KEY);
    assert_int_equal(aura_webauthn_made(&key, "meet.example", bytes(data, n)), 0);
    size_t len = head(head_bytes, "meet.example", PRESENT, 0);
    size_t sig_len = sign(&a, head_bytes, len, client_get, sig, sizeof(sig));
    const struct aura_webauthn_proof proof = {bytes(client_get, strlen(client_get)),
                                              bytes(head_bytes, len), bytes(sig, sig_len)};
    assert_int_equal(aura_webauthn_signed(&key, "meet.example", &proof, &count), AURA_EAUTH);
    EVP_PKEY_free(a.pair);
    return 0;
}

static int one_that_counts_backwards_is_a_copy(void) {
    static const struct {
        uint32_t before, now;
        int err;
    } steps[] = {{0, 1, 0}, {4, 5, 0}, {5, 5, AURA_ESTALE}, {5, 0, AURA_ESTALE}, {0, 0, 0}};
    struct authenticator a;
    struct aura_webauthn_key key;
    uint8_t data[300], head_bytes[HEAD_BYTES], sig[128];
    begin(&a);
    size_t n = made(&a, data, "meet.example", PRESENT | VERIFIED | HAS_KEY);
    assert_int_equal(aura_webauthn_made(&key, "meet.example", bytes(data, n)), 0);
    for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
        uint32_t count = 99;
        size_t len = head(head_bytes, "meet.example", PRESENT | VERIFIED, steps[i].now);
        size_t sig_len = sign(&a, head_bytes, len, client_get, sig, sizeof(sig));
        const struct aura_webauthn_proof proof = {bytes(client_get, strlen(client_get)),
                                                  bytes(head_bytes, len), bytes(sig, sig_len)};
        key.count = steps[i].before;
        int err = aura_webauthn_signed(&key, "meet.example", &proof, &count);
        assert_int_equal(err, steps[i].err);
        assert_int_equal(count, steps[i].now);
    }
    EVP_PKEY_free(a.pair);
    return 0;
}

static int what_is_no_key(void) {
    struct authenticator a;
    struct aura_webauthn_key key;
    uint8_t data[300], full[300];
    begin(&a);
    size_t n = made(&a, full, "meet.example", PRESENT | VERIFIED | HAS_KEY);
    for (size_t len = 0; len < n; len++) {
        uint8_t *exact = aura_zalloc(len + 1); /* so that reading past it shows */
        memcpy(exact, full, len);
        assert_true(aura_webauthn_made(&key, "meet.example", bytes(exact, len)) != 0);
        aura_free(exact);
    }
    memcpy(data, full, n);
    data[HEAD_BYTES + 16 + 2 + ID_BYTES + 4] = 0x27; /* another algorithm than it has */
    assert_int_equal(aura_webauthn_made(&key, "meet.example", bytes(data, n)), AURA_EUNSUPPORTED);
    EVP_PKEY_free(a.pair);
    return 0;
}

static int sites(void) {
    static const struct {
        const char *origin, *rp;
    } all[] = {{"https://meet.example", "meet.example"},
               {"https://meet.example:8443", "meet.example"},
               {"http://localhost:7880", "localhost"},
               {"https://localhost", "localhost"},
               {"http://meet.example", NULL},
               {"https://10.0.0.1:7880", NULL},
               {"http://127.0.0.1:7880", NULL},
               {"https://[::1]", NULL},
               {"null", NULL},
               {"https://", NULL}};
    char rp[AURA_WEBAUTHN_ORIGIN_MAX];
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        int err = aura_webauthn_site(all[i].origin, rp);
        assert_int_equal(err, all[i].rp ? 0 : AURA_EUNSUPPORTED);
        if (!err) {
            assert_string_equal(rp, all[i].rp);
        }
    }
    return 0;
}

int main(void) {
    const struct CMUnitTest cases[] = {
        AURA_PLAIN(client_data_is_read),
        AURA_PLAIN(a_key_is_made_and_used),
        AURA_PLAIN(who_was_not_verified_is_not_let_in),
        AURA_PLAIN(one_that_counts_backwards_is_a_copy),
        AURA_PLAIN(what_is_no_key),
        AURA_PLAIN(sites),
    };
    return RUN_CASES("api/webauthn", cases);
}
