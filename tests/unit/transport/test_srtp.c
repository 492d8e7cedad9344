/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Packets made by the module are opened by an implementation of RFC 3711 and RFC 7714 written here
 * from the RFCs' text on OpenSSL's primitives, itself checked against RFC 3711 appendix B.3.
 */
#include "base/bytes.h"
#include "base/rand.h"
#include "harness.h"
#include "transport/srtp.h"
#include "transport/srtp_priv.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>

enum { HEADER = 12, TAG_GCM = 16, TAG_SHA1 = 10, KDF_CIPHER = 0, KDF_AUTH = 1, KDF_SALT = 2 };

/* RFC 3711 section 4.3.3: AES counter mode on (salt ^ label << 48) << 16. */
static void kdf(const struct aura_srtp_key *k, enum aura_srtp_profile profile, int label,
                uint8_t *out, size_t len) {
    uint8_t iv[16] = {0}, zeros[64] = {0};
    int n = 0;
    size_t salt = aura_srtp_profile_salt_bytes(profile);
    memcpy(iv, k->salt, salt);
    iv[7] ^= (uint8_t)label;
    EVP_CIPHER_CTX *c = EVP_CIPHER_CTX_new();
    bool large = aura_srtp_profile_key_bytes(profile) == 32;
    assert_int_equal(
        EVP_EncryptInit_ex(c, large ? EVP_aes_256_ctr() : EVP_aes_128_ctr(), NULL, k->key, iv), 1);
    assert_int_equal(EVP_EncryptUpdate(c, out, &n, zeros, (int)len), 1);
    EVP_CIPHER_CTX_free(c);
}

static int kdf_matches_rfc3711_b3(void) {
    static const struct aura_srtp_key master = {
        {0xE1, 0xF9, 0x7A, 0x0D, 0x3E, 0x01, 0x8B, 0xE0, 0xD6, 0x4F, 0xA3, 0x2C, 0x06, 0xDE, 0x41,
         0x39},
        {0x0E, 0xC6, 0x75, 0xAD, 0x49, 0x8A, 0xFE, 0xEB, 0xB6, 0x96, 0x0B, 0x3A, 0xAB, 0xE6}};
    static const uint8_t cipher[] = {0xC6, 0x1E, 0x7A, 0x93, 0x74, 0x4F, 0x39, 0xEE,
                                     0x10, 0x73, 0x4A, 0xFE, 0x3F, 0xF7, 0xA0, 0x87};
    static const uint8_t salt[] = {0x30, 0xCB, 0xBC, 0x08, 0x86, 0x3D, 0x8C,
                                   0x85, 0xD4, 0x9D, 0xB3, 0x4A, 0x9A, 0xE1};
    static const uint8_t auth[] = {0xCE, 0xBE, 0x32, 0x1F, 0x6F, 0xF7, 0x71, 0x6B, 0x6F, 0xD4,
                                   0xAB, 0x49, 0xAF, 0x25, 0x6A, 0x15, 0x6D, 0x38, 0xBA, 0xA4};
    uint8_t out[20];
    kdf(&master, AURA_SRTP_AES128_CM_SHA1_80, KDF_CIPHER, out, 16);
    assert_memory_equal(out, cipher, 16);
    kdf(&master, AURA_SRTP_AES128_CM_SHA1_80, KDF_SALT, out, 14);
    assert_memory_equal(out, salt, 14);
    kdf(&master, AURA_SRTP_AES128_CM_SHA1_80, KDF_AUTH, out, 20);
    assert_memory_equal(out, auth, 20);
    return 0;
}

static void packet_iv(uint8_t *iv, const uint8_t *salt, size_t salt_len, const uint8_t *rtp,
                      uint32_t roc) {
    size_t at = salt_len == 12 ? 2 : 4;
    memset(iv, 0, 16);
    memcpy(iv + at, rtp + 8, 4);
    aura_put_u32(iv + at + 4, roc);
    memcpy(iv + at + 8, rtp + 2, 2);
    for (size_t i = 0; i < salt_len; i++) {
        iv[i] ^= salt[i];
    }
}

/* Opens one SRTP packet without extensions; returns its plain length. */
static size_t open_packet(const struct aura_srtp_key *k, enum aura_srtp_profile profile, uint8_t *p,
                          size_t len, uint32_t roc) {
    uint8_t key[32], salt[14], auth[20], iv[16], mac[20], roc_wire[4];
    size_t salt_len = aura_srtp_profile_salt_bytes(profile);
    bool gcm = salt_len == 12, large = aura_srtp_profile_key_bytes(profile) == 32;
    int n = 0, m = 0;
    kdf(k, profile, KDF_CIPHER, key, large ? 32 : 16);
    kdf(k, profile, KDF_SALT, salt, salt_len);
    kdf(k, profile, KDF_AUTH, auth, sizeof(auth));
    packet_iv(iv, salt, salt_len, p, roc);
    size_t body = len - HEADER - (gcm ? TAG_GCM : TAG_SHA1);
    EVP_CIPHER_CTX *c = EVP_CIPHER_CTX_new();
    if (gcm) {
        const EVP_CIPHER *kind = large ? EVP_aes_256_gcm() : EVP_aes_128_gcm();
        assert_int_equal(EVP_DecryptInit_ex(c, kind, NULL, key, iv), 1);
        assert_int_equal(EVP_DecryptUpdate(c, NULL, &n, p, HEADER), 1);
        assert_int_equal(EVP_DecryptUpdate(c, p + HEADER, &n, p + HEADER, (int)body), 1);
        assert_int_equal(EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_GCM_SET_TAG, TAG_GCM, p + HEADER + body),
                         1);
        assert_int_equal(EVP_DecryptFinal_ex(c, p + HEADER + body, &m), 1);
    } else {
        unsigned mac_len = 0;
        uint8_t whole[2048];
        memcpy(whole, p, HEADER + body);
        aura_put_u32(roc_wire, roc);
        memcpy(whole + HEADER + body, roc_wire, 4);
        HMAC(EVP_sha1(), auth, sizeof(auth), whole, HEADER + body + 4, mac, &mac_len);
        assert_memory_equal(mac, p + HEADER + body, TAG_SHA1);
        assert_int_equal(EVP_DecryptInit_ex(c, EVP_aes_128_ctr(), NULL, key, iv), 1);
        assert_int_equal(EVP_DecryptUpdate(c, p + HEADER, &n, p + HEADER, (int)body), 1);
    }
    EVP_CIPHER_CTX_free(c);
    return HEADER + body;
}

static void make_keys(struct aura_srtp_keys *a, struct aura_srtp_keys *b,
                      enum aura_srtp_profile profile) {
    struct aura_rand_seeded r;
    aura_rand_seeded_init(&r, 7);
    *a = (struct aura_srtp_keys){.profile = profile};
    aura_rand_bytes(&r.rand, &a->local, sizeof(a->local));
    aura_rand_bytes(&r.rand, &a->remote, sizeof(a->remote));
    *b = (struct aura_srtp_keys){.profile = profile, .local = a->remote, .remote = a->local};
}

static size_t make_rtp(uint8_t *p, uint16_t seq, uint32_t ssrc, size_t payload) {
    memset(p, 0, HEADER);
    p[0] = 0x80;
    p[1] = 96;
    aura_put_u16(p + 2, seq);
    aura_put_u32(p + 4, seq * 3000U);
    aura_put_u32(p + 8, ssrc);
    for (size_t i = 0; i < payload; i++) {
        p[HEADER + i] = (uint8_t)(seq + i);
    }
    return HEADER + payload;
}

static int check_profile(enum aura_srtp_profile profile, size_t tag) {
    struct aura_srtp_keys ka, kb;
    struct aura_srtp *a = NULL, *b = NULL;
    make_keys(&ka, &kb, profile);
    int err = 0;
    TRY_OUT(aura_srtp_new(&a, &ka));
    TRY_OUT(aura_srtp_new(&b, &kb));
    for (int i = 0; i<70000; i += i> 65000 && i < 66000 ? 1 : 97) {
        uint8_t p[1400], copy[1400], plain[1400];
        size_t len = make_rtp(p, (uint16_t)i, 0xDEADBEEF, (size_t)i % 1200), n = len;
        memcpy(plain, p, len);
        TRY_OUT(aura_srtp_protect(a, p, &len, sizeof(p)));
        assert_int_equal(len, n + tag);
        memcpy(copy, p, len);
        assert_int_equal(open_packet(&ka.local, profile, copy, len, (uint32_t)i >> 16), n);
        assert_memory_equal(copy, plain, n);
        TRY_OUT(aura_srtp_unprotect(b, p, &len));
        assert_int_equal(len, n);
        assert_memory_equal(p, plain, n);
    }
out:
    aura_srtp_free(a);
    aura_srtp_free(b);
    return err;
}

static int gcm128_opens_by_rfc7714(void) {
    return check_profile(AURA_SRTP_AEAD_AES_128_GCM, TAG_GCM);
}
static int gcm256_opens_by_rfc7714(void) {
    return check_profile(AURA_SRTP_AEAD_AES_256_GCM, TAG_GCM);
}
static int cm_sha1_opens_by_rfc3711(void) {
    return check_profile(AURA_SRTP_AES128_CM_SHA1_80, TAG_SHA1);
}

static int rtcp_and_tampering(void) {
    static const enum aura_srtp_profile profiles[] = {
        AURA_SRTP_AEAD_AES_128_GCM, AURA_SRTP_AEAD_AES_256_GCM, AURA_SRTP_AES128_CM_SHA1_80};
    int err = 0;
    for (size_t i = 0; !err && i < 3; i++) {
        struct aura_srtp_keys ka, kb;
        struct aura_srtp *a = NULL, *b = NULL;
        uint8_t p[128] = {0x81, 200, 0, 6, 1, 2, 3, 4}, plain[28];
        size_t len = sizeof(plain), sealed;
        make_keys(&ka, &kb, profiles[i]);
        memcpy(plain, p, sizeof(plain));
        TRY_OUT(aura_srtp_new(&a, &ka));
        TRY_OUT(aura_srtp_new(&b, &kb));
        TRY_OUT(aura_srtcp_protect(a, p, &len, sizeof(p)));
        assert_true(len > sizeof(plain) && len <= sizeof(plain) + AURA_SRTP_TAIL);
        assert_memory_not_equal(p + 8, plain + 8, sizeof(plain) - 8);
        sealed = len;
        for (size_t at = 0; at < sealed; at++) {
            uint8_t bad[128];
            size_t n = sealed;
            memcpy(bad, p, sealed);
            bad[at] ^= 0x10;
            assert_int_not_equal(aura_srtcp_unprotect(b, bad, &n), 0);
        }
        TRY_OUT(aura_srtcp_unprotect(b, p, &len));
        assert_int_equal(len, sizeof(plain));
        assert_memory_equal(p, plain, sizeof(plain));
    out:
        aura_srtp_free(a);
        aura_srtp_free(b);
    }
    return err;
}

static int replay_and_late_packets(void) {
    struct aura_srtp_keys ka, kb;
    struct aura_srtp *a = NULL, *b = NULL;
    uint8_t late[64], p[64];
    size_t late_len, len;
    int err = 0;
    make_keys(&ka, &kb, AURA_SRTP_AEAD_AES_128_GCM);
    TRY_OUT(aura_srtp_new(&a, &ka));
    TRY_OUT(aura_srtp_new(&b, &kb));
    late_len = make_rtp(late, 100, 5, 20);
    TRY_OUT(aura_srtp_protect(a, late, &late_len, sizeof(late)));
    for (uint16_t seq = 101; seq < 100 + AURA_SRTP_WINDOW; seq++) {
        len = make_rtp(p, seq, 5, 20);
        TRY_OUT(aura_srtp_protect(a, p, &len, sizeof(p)));
        TRY_OUT(aura_srtp_unprotect(b, p, &len));
    }
    /* The same packet sent again is the same bytes (allow_repeat_tx), and arrives once. */
    uint8_t again[64];
    size_t again_len = make_rtp(again, 100, 5, 20);
    TRY_OUT(aura_srtp_protect(a, again, &again_len, sizeof(again)));
    assert_int_equal(again_len, late_len);
    assert_memory_equal(again, late, late_len);
    TRY_OUT(aura_srtp_unprotect(b, late, &late_len));
    assert_int_equal(aura_srtp_unprotect(b, again, &again_len), AURA_ESTALE);
out:
    aura_srtp_free(a);
    aura_srtp_free(b);
    return err;
}

static int remote_ssrcs_are_bounded(void) {
    struct aura_srtp_keys ka, kb;
    struct aura_srtp *a = NULL, *b = NULL;
    uint8_t p[64];
    size_t len;
    int err = 0;
    make_keys(&ka, &kb, AURA_SRTP_AEAD_AES_128_GCM);
    TRY_OUT(aura_srtp_new(&a, &ka));
    TRY_OUT(aura_srtp_new(&b, &kb));
    for (uint32_t i = 0; i < AURA_SRTP_REMOTE_SSRCS_MAX + 10; i++) {
        len = make_rtp(p, 1, i * 65536, 20);
        TRY_OUT(aura_srtp_protect(a, p, &len, sizeof(p)));
        int got = aura_srtp_unprotect(b, p, &len);
        assert_int_equal(got, i < AURA_SRTP_REMOTE_SSRCS_MAX ? 0 : AURA_ELIMIT);
    }
    /* Forged packets take no place. */
    aura_srtp_free(b);
    b = NULL;
    TRY_OUT(aura_srtp_new(&b, &kb));
    for (uint32_t i = 0; i < 1000; i++) {
        len = make_rtp(p, 1, 0x9000 + i, 40);
        assert_int_equal(aura_srtp_unprotect(b, p, &len), AURA_EAUTH);
    }
    len = make_rtp(p, 1, 0xABCD, 20);
    TRY_OUT(aura_srtp_protect(a, p, &len, sizeof(p)));
    TRY_OUT(aura_srtp_unprotect(b, p, &len));
out:
    aura_srtp_free(a);
    aura_srtp_free(b);
    return err;
}

static int limits(void) {
    struct aura_srtp_keys ka, kb;
    struct aura_srtp *a = NULL, *b = NULL;
    uint8_t p[128];
    int err = 0;
    make_keys(&ka, &kb, AURA_SRTP_AEAD_AES_128_GCM);
    TRY_OUT(aura_srtp_new(&a, &ka));
    TRY_OUT(aura_srtp_new(&b, &kb));
    size_t len = make_rtp(p, 0, 9, 50);
    assert_int_equal(aura_srtp_protect(a, p, &len, len), AURA_ELIMIT); /* no room for the tag */
    len = 4;
    assert_int_equal(aura_srtp_protect(a, p, &len, sizeof(p)), AURA_EMALFORMED);
    len = make_rtp(p, 0, 9, 50);
    TRY_OUT(aura_srtp_protect(a, p, &len, sizeof(p)));
    TRY_OUT(aura_srtp_unprotect(b, p, &len));
    uint64_t before = aura_mem_count();
    for (uint16_t i = 1; i < 100; i++) {
        len = make_rtp(p, i, 9, 50);
        TRY_OUT(aura_srtp_protect(a, p, &len, sizeof(p)));
        TRY_OUT(aura_srtp_unprotect(b, p, &len));
        assert_int_equal(len, 62);
    }
    assert_true(aura_mem_count() == before);
    struct aura_srtp_keys none = {.profile = AURA_SRTP_NONE};
    struct aura_srtp *c = NULL;
    int got = aura_srtp_new(&c, &none);
    assert_true(got == AURA_EINVAL || got == AURA_ENOMEM);
out:
    aura_srtp_free(a);
    aura_srtp_free(b);
    return err;
}

static int forgetting_drops_the_context(void) {
    struct aura_srtp_keys ka, kb;
    struct aura_srtp *a = NULL;
    uint8_t p[64], first[64];
    size_t len;
    int err = 0;
    make_keys(&ka, &kb, AURA_SRTP_AEAD_AES_128_GCM);
    TRY_OUT(aura_srtp_new(&a, &ka));
    len = make_rtp(first, 1, 0x01020304, 20);
    TRY_OUT(aura_srtp_protect(a, first, &len, sizeof(first)));
    for (uint32_t i = 2; i < 65540; i += 16000) { /* into the next roll-over */
        len = make_rtp(p, (uint16_t)i, 0x01020304, 20);
        TRY_OUT(aura_srtp_protect(a, p, &len, sizeof(p)));
    }
    len = make_rtp(p, 1, 0x01020304, 20);
    TRY_OUT(aura_srtp_protect(a, p, &len, sizeof(p)));
    assert_memory_not_equal(p, first, len); /* roll-over counter 1 */
    aura_srtp_forget(a, 0x01020304);
    len = make_rtp(p, 1, 0x01020304, 20);
    TRY_OUT(aura_srtp_protect(a, p, &len, sizeof(p)));
    assert_memory_equal(p, first, len); /* counter 0 again */
out:
    aura_srtp_free(a);
    return err;
}

/* A header with CSRCs and an extension, so that what is authenticated only is not just 12 bytes. */
static size_t make_long_rtp(uint8_t *p, uint16_t seq) {
    size_t len = make_rtp(p, seq, 0xCAFE0001, 300);
    p[0] = 0x92;                    /* two CSRCs, extension */
    aura_put_u16(p + 20, 0xBEDE);   /* behind them */
    aura_put_u16(p + 22, seq % 20); /* words */
    return len;
}

static int carry_between(struct aura_srtp *from, struct aura_srtp *to) {
    uint8_t p[400], plain[400];
    size_t len, n;
    int err = 0;
    /* Two rollovers, each pair of packets swapped, some lost. */
    for (uint32_t i = 60000; !err && i<2 * 65536 + 100; i += i % 65536> 64000 ? 1 : 111) {
        uint32_t index = i ^ 1;
        len = n = make_long_rtp(plain, (uint16_t)index);
        memcpy(p, plain, len);
        err = aura_srtp_protect(from, p, &len, sizeof(p));
        err = err ? err : aura_srtp_unprotect(to, p, &len);
        if (!err) {
            assert_int_equal(len, n);
            assert_memory_equal(p, plain, n);
        }
    }
    for (uint8_t i = 0; !err && i < 100; i++) {
        uint8_t report[80] = {0x81, 201, 0, 7, 9, 9, 9, 9, i};
        len = 32;
        memcpy(plain, report, len);
        err = aura_srtcp_protect(from, report, &len, sizeof(report));
        err = err ? err : aura_srtcp_unprotect(to, report, &len);
        if (!err) {
            assert_int_equal(len, 32);
            assert_memory_equal(report, plain, len);
        }
    }
    return err;
}

/* Ours and libsrtp open each other's packets. */
static int engines_understand_each_other(void) {
    static const enum aura_srtp_profile profiles[] = {AURA_SRTP_AEAD_AES_128_GCM,
                                                      AURA_SRTP_AEAD_AES_256_GCM};
    int err = 0;
    for (size_t i = 0; !err && aura__srtp_gcm() && i < 2; i++) {
        struct aura_srtp_keys ka, kb;
        struct aura_srtp *ours = NULL, *theirs = NULL;
        make_keys(&ka, &kb, profiles[i]);
        TRY_OUT(aura__srtp_new_by(aura__srtp_gcm(), &ours, &ka));
        TRY_OUT(aura__srtp_new_by(aura__srtp_lib(), &theirs, &kb));
        TRY_OUT(carry_between(ours, theirs));
        TRY_OUT(carry_between(theirs, ours));
    out:
        aura_srtp_free(ours);
        aura_srtp_free(theirs);
    }
    return err;
}

static int broken_headers(void) {
    struct aura_srtp_keys ka, kb;
    struct aura_srtp *a = NULL;
    uint8_t p[128];
    int err = 0;
    make_keys(&ka, &kb, AURA_SRTP_AEAD_AES_128_GCM);
    TRY_OUT(aura_srtp_new(&a, &ka));
    size_t len = make_rtp(p, 1, 1, 2);
    p[0] = 0x8f; /* 15 CSRCs in 14 bytes */
    assert_int_equal(aura_srtp_protect(a, p, &len, sizeof(p)), AURA_EMALFORMED);
    len = make_rtp(p, 1, 1, 8);
    p[0] = 0x90;
    aura_put_u16(p + 14, 2); /* an extension of 8 bytes in 4 */
    assert_int_equal(aura_srtp_protect(a, p, &len, sizeof(p)), AURA_EMALFORMED);
    for (len = 0; len < 64; len++) {
        size_t rtp = len, rtcp = len;
        memset(p, 0x9f, sizeof(p));
        assert_int_not_equal(aura_srtp_unprotect(a, p, &rtp), 0);
        assert_int_not_equal(aura_srtcp_unprotect(a, p, &rtcp), 0);
    }
out:
    aura_srtp_free(a);
    return err;
}

static int rtcp_is_not_replayed(void) {
    struct aura_srtp_keys ka, kb;
    struct aura_srtp *a = NULL, *b = NULL;
    uint8_t sent[100][64];
    size_t len = 0;
    int err = 0;
    make_keys(&ka, &kb, AURA_SRTP_AEAD_AES_128_GCM);
    TRY_OUT(aura_srtp_new(&a, &ka));
    TRY_OUT(aura_srtp_new(&b, &kb));
    for (size_t i = 0; i < 100; i++) {
        memset(sent[i], 0, sizeof(sent[i]));
        memcpy(sent[i], (uint8_t[]){0x80, 201, 0, 1, 7, 7, 7, 7}, 8);
        len = 8;
        TRY_OUT(aura_srtcp_protect(a, sent[i], &len, sizeof(sent[i])));
    }
    static const struct {
        size_t index;
        int result;
    } steps[] = {{10, 0},          {10, AURA_ESTALE}, {9, 0},           {9, AURA_ESTALE},
                 {60, 0},          {11, 0},           {99, 0},          {60, AURA_ESTALE},
                 {8, AURA_ESTALE}, {98, 0},           {99, AURA_ESTALE}};
    for (size_t i = 0; i < sizeof(steps) / sizeof(*steps); i++) {
        uint8_t copy[64];
        size_t n = len;
        memcpy(copy, sent[steps[i].index], len);
        int got = aura_srtcp_unprotect(b, copy, &n);
        assert_true(got == steps[i].result || got == AURA_ENOMEM);
        if (got == AURA_ENOMEM) {
            err = got;
            goto out;
        }
    }
out:
    aura_srtp_free(a);
    aura_srtp_free(b);
    return err;
}

static int engine_is_known(void) {
    assert_true(strcmp(aura_srtp_engine(), "ipsec-mb") == 0 ||
                strcmp(aura_srtp_engine(), "libsrtp") == 0);
    print_message("AES-GCM by %s\n", aura_srtp_engine());
    return 0;
}

int main(void) {
    const struct CMUnitTest cases[] = {
        AURA_PLAIN(engine_is_known),
        AURA_CASE(kdf_matches_rfc3711_b3),
        AURA_PLAIN(gcm128_opens_by_rfc7714),
        AURA_PLAIN(gcm256_opens_by_rfc7714),
        AURA_PLAIN(cm_sha1_opens_by_rfc3711),
        AURA_CASE(rtcp_and_tampering),
        AURA_PLAIN(replay_and_late_packets),
        AURA_PLAIN(remote_ssrcs_are_bounded),
        AURA_CASE(limits),
        AURA_PLAIN(forgetting_drops_the_context),
        AURA_PLAIN(engines_understand_each_other),
        AURA_CASE(broken_headers),
        AURA_CASE(rtcp_is_not_replayed),
    };
    return RUN_CASES("srtp", cases);
}
