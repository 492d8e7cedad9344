/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SRTP and SRTCP with AES-GCM (RFC 7714, RFC 3711) on intel-ipsec-mb. Behind libsrtp the same
 * cipher costs four times as much a packet: what is around it there is more than the encryption.
 */
#include "transport/srtp_priv.h"

#ifdef AURA_HAVE_IPSEC_MB

#include "base/bytes.h"
#include "base/map.h"
#include "base/mem.h"
#include "base/prefetch.h"

#include <intel-ipsec-mb.h>
#include <openssl/evp.h>
#include <pthread.h>
#include <string.h>

enum {
    SALT_BYTES = 12,
    IV_BYTES = 12,
    TAG_BYTES = 16,
    INDEX_BYTES = 4,
    ALIGN = 64,
    OWN_SSRCS_MAX = 65536,
    WINDOW_WORDS = AURA_SRTP_WINDOW / 64,
    RTCP_WINDOW = 64,
};

static const uint64_t RTP_INDEX_MAX = (UINT64_C(1) << 48) - 1;
static const uint32_t RTCP_INDEX_MAX = INT32_MAX;
static const uint32_t RTCP_ENCRYPTED = UINT32_C(1) << 31;

/* RFC 3711 section 4.3.1. */
enum label {
    LABEL_RTP_KEY = 0,
    LABEL_RTP_SALT = 2,
    LABEL_RTCP_KEY = 3,
    LABEL_RTCP_SALT = 5,
};

struct crypto {
    _Alignas(ALIGN) struct gcm_key_data key; /* the library wants it aligned */
    uint8_t salt[SALT_BYTES];
};

struct out_stream {
    uint64_t index; /* highest: rollover counter and sequence number */
    uint32_t ssrc, rtcp_index;
    bool started;
};

struct in_stream {
    uint64_t index; /* highest that authenticated */
    uint64_t seen[WINDOW_WORDS];
    uint64_t rtcp_seen; /* bit k: rtcp_index - k came */
    uint32_t ssrc, rtcp_index;
    bool started, rtcp_started;
};

struct session {
    struct aura_srtp base;
    void *block; /* what was allocated */
    bool large;  /* 256 bits */
    struct out_stream *recent_out;
    struct in_stream *recent_in;
    struct aura_map *outs, *ins; /* by SSRC */
    struct crypto *crypto;       /* rtp out, rtp in, rtcp out, rtcp in */
};

enum { RTP_OUT, RTP_IN, RTCP_OUT, RTCP_IN, CRYPTOS };

/* Its direct calls keep no state in the manager, so that all threads share one. */
static IMB_MGR *mgr;

/* RFC 3711 section 4.3.3: AES in counter mode over the master salt, the label in its octet 7. */
static int derive(uint8_t *out, size_t len, const struct aura_srtp_key *master, bool large,
                  enum label label) {
    static const uint8_t zeros[AURA_SRTP_KEY_MAX];
    uint8_t iv[16] = {0};
    int n = 0;
    memcpy(iv, master->salt, SALT_BYTES);
    iv[7] ^= (uint8_t)label;
    EVP_CIPHER_CTX *c = EVP_CIPHER_CTX_new();
    const EVP_CIPHER *kind = large ? EVP_aes_256_ctr() : EVP_aes_128_ctr();
    bool ok = c && EVP_EncryptInit_ex(c, kind, NULL, master->key, iv) == 1 &&
              EVP_EncryptUpdate(c, out, &n, zeros, (int)len) == 1;
    EVP_CIPHER_CTX_free(c);
    return ok ? 0 : AURA_ENOMEM;
}

static int set_crypto(struct crypto *c, const struct aura_srtp_key *master, bool large,
                      enum label key_label, enum label salt_label) {
    uint8_t key[AURA_SRTP_KEY_MAX];
    int err = derive(key, large ? 32 : 16, master, large, key_label);
    err = err ? err : derive(c->salt, SALT_BYTES, master, large, salt_label);
    if (!err && large) {
        IMB_AES256_GCM_PRE(mgr, key, &c->key);
    } else if (!err) {
        IMB_AES128_GCM_PRE(mgr, key, &c->key);
    }
    aura_wipe(key, sizeof(key));
    return err;
}

static void end(struct aura_srtp *base) {
    struct session *s = (struct session *)base;
    void *stream;
    for (size_t it = 0; s->outs && (stream = aura_map_next(s->outs, &it));) {
        aura_free(stream);
    }
    for (size_t it = 0; s->ins && (stream = aura_map_next(s->ins, &it));) {
        aura_free(stream);
    }
    aura_map_free(s->outs);
    aura_map_free(s->ins);
    if (s->block) {
        aura_wipe(s->crypto, CRYPTOS * sizeof(*s->crypto));
        aura_free(s->block);
    }
    aura_free(s);
}

static int make(struct aura_srtp **sp, const struct aura_srtp_keys *keys) {
    struct session *s = aura_zalloc(sizeof(*s));
    uint8_t *block = aura_zalloc(CRYPTOS * sizeof(struct crypto) + ALIGN);
    if (!s || !block) {
        aura_free(s);
        aura_free(block);
        return AURA_ENOMEM;
    }
    s->block = block;
    s->crypto = (void *)(block + (ALIGN - (uintptr_t)block % ALIGN) % ALIGN);
    s->large = keys->profile == AURA_SRTP_AEAD_AES_256_GCM;
    struct crypto *c = s->crypto;
    int err = aura_map_new(&s->outs, OWN_SSRCS_MAX);
    err = err ? err : aura_map_new(&s->ins, AURA_SRTP_REMOTE_SSRCS_MAX);
    err =
        err ? err : set_crypto(&c[RTP_OUT], &keys->local, s->large, LABEL_RTP_KEY, LABEL_RTP_SALT);
    err =
        err ? err : set_crypto(&c[RTP_IN], &keys->remote, s->large, LABEL_RTP_KEY, LABEL_RTP_SALT);
    err = err ? err
              : set_crypto(&c[RTCP_OUT], &keys->local, s->large, LABEL_RTCP_KEY, LABEL_RTCP_SALT);
    err = err ? err
              : set_crypto(&c[RTCP_IN], &keys->remote, s->large, LABEL_RTCP_KEY, LABEL_RTCP_SALT);
    if (err) {
        end(&s->base);
        return err;
    }
    *sp = &s->base;
    return 0;
}

static void encrypt(const struct session *s, const struct crypto *c, const uint8_t *iv,
                    const uint8_t *aad, size_t aad_len, uint8_t *data, size_t len, uint8_t *tag) {
    struct gcm_context_data ctx;
    if (s->large) {
        IMB_AES256_GCM_ENC(mgr, &c->key, &ctx, data, data, len, iv, aad, aad_len, tag, TAG_BYTES);
    } else {
        IMB_AES128_GCM_ENC(mgr, &c->key, &ctx, data, data, len, iv, aad, aad_len, tag, TAG_BYTES);
    }
}

static int decrypt(const struct session *s, const struct crypto *c, const uint8_t *iv,
                   const uint8_t *aad, size_t aad_len, uint8_t *data, size_t len,
                   const uint8_t *tag) {
    struct gcm_context_data ctx;
    uint8_t ours[TAG_BYTES];
    if (s->large) {
        IMB_AES256_GCM_DEC(mgr, &c->key, &ctx, data, data, len, iv, aad, aad_len, ours, TAG_BYTES);
    } else {
        IMB_AES128_GCM_DEC(mgr, &c->key, &ctx, data, data, len, iv, aad, aad_len, ours, TAG_BYTES);
    }
    return aura_secret_equal(ours, tag, TAG_BYTES) ? 0 : AURA_EAUTH;
}

/* RFC 7714 section 8.1: 00 00 | SSRC | ROC | SEQ, xor salt. */
static void rtp_iv(uint8_t iv[IV_BYTES], const struct crypto *c, uint32_t ssrc, uint64_t index) {
    memset(iv, 0, 2);
    aura_put_u32(iv + 2, ssrc);
    aura_put_u32(iv + 6, (uint32_t)(index >> 16));
    aura_put_u16(iv + 10, (uint16_t)index);
    for (size_t i = 0; i < IV_BYTES; i++) {
        iv[i] ^= c->salt[i];
    }
}

/* RFC 7714 section 9.1: 00 00 | SSRC | 00 00 | index, xor salt. */
static void rtcp_iv(uint8_t iv[IV_BYTES], const struct crypto *c, uint32_t ssrc, uint32_t index) {
    memset(iv, 0, IV_BYTES);
    aura_put_u32(iv + 2, ssrc);
    aura_put_u32(iv + 8, index);
    for (size_t i = 0; i < IV_BYTES; i++) {
        iv[i] ^= c->salt[i];
    }
}

/* Bytes of an RTP header with CSRCs and extension, or 0 if the packet ends before. */
static size_t rtp_header_bytes(const uint8_t *data, size_t len) {
    size_t n = AURA__RTP_HEADER + 4 * (size_t)(data[0] & 0x0f);
    if (data[0] & 0x10) {
        n = len >= n + 4 ? n + 4 + 4 * (size_t)aura_get_u16(data + n + 2) : len + 1;
    }
    return n <= len ? n : 0;
}

/* RFC 3711 section 3.3.1: the index nearest to the highest one; past every index if that would be
 * before the first. */
static uint64_t nearest_index(uint64_t highest, uint16_t seq) {
    int16_t step = (int16_t)(uint16_t)(seq - (uint16_t)highest);
    return step < 0 && highest < (uint64_t)-step ? UINT64_MAX : highest + (uint64_t)(int64_t)step;
}

/* `recent`: consecutive packets are mostly of one stream. */
static int out_stream(struct session *s, uint32_t ssrc, struct out_stream **stream) {
    struct out_stream *st = s->recent_out;
    if (!st || st->ssrc != ssrc) {
        st = aura_map_get(s->outs, &ssrc, sizeof(ssrc));
    }
    if (!st) {
        st = aura_zalloc(sizeof(*st));
        if (!st) {
            return AURA_ENOMEM;
        }
        st->ssrc = ssrc;
        int err = aura_map_put(s->outs, &ssrc, sizeof(ssrc), st);
        if (err) {
            aura_free(st);
            return err;
        }
    }
    *stream = s->recent_out = st;
    return 0;
}

static int protect(struct aura_srtp *base, uint8_t *data, size_t *len) {
    struct session *s = (struct session *)base;
    const struct crypto *c = &s->crypto[RTP_OUT];
    uint16_t seq = aura_get_u16(data + 2);
    uint32_t ssrc = aura_get_u32(data + 8);
    uint8_t iv[IV_BYTES];
    struct out_stream *st = NULL;
    size_t header = rtp_header_bytes(data, *len);
    if (!header) {
        return AURA_EMALFORMED;
    }
    int err = out_stream(s, ssrc, &st);
    if (err) {
        return err;
    }
    uint64_t index = st->started ? nearest_index(st->index, seq) : seq;
    if (index > RTP_INDEX_MAX) {
        return AURA_ELIMIT;
    }
    st->index = !st->started || index > st->index ? index : st->index;
    st->started = true;
    rtp_iv(iv, c, ssrc, index);
    encrypt(s, c, iv, data, header, data + header, *len - header, data + *len);
    *len += TAG_BYTES;
    return 0;
}

/* RFC 7714 section 9.2: header | ciphertext | tag | E and index; header and index authenticated. */
static int protect_rtcp(struct aura_srtp *base, uint8_t *data, size_t *len) {
    struct session *s = (struct session *)base;
    const struct crypto *c = &s->crypto[RTCP_OUT];
    uint32_t ssrc = aura_get_u32(data + 4);
    uint8_t iv[IV_BYTES], aad[AURA__RTCP_HEADER + INDEX_BYTES];
    struct out_stream *st = NULL;
    int err = out_stream(s, ssrc, &st);
    if (err) {
        return err;
    }
    if (st->rtcp_index >= RTCP_INDEX_MAX) {
        return AURA_ELIMIT;
    }
    st->rtcp_index++;
    rtcp_iv(iv, c, ssrc, st->rtcp_index);
    memcpy(aad, data, AURA__RTCP_HEADER);
    aura_put_u32(aad + AURA__RTCP_HEADER, RTCP_ENCRYPTED | st->rtcp_index);
    encrypt(s, c, iv, aad, sizeof(aad), data + AURA__RTCP_HEADER, *len - AURA__RTCP_HEADER,
            data + *len);
    memcpy(data + *len + TAG_BYTES, aad + AURA__RTCP_HEADER, INDEX_BYTES);
    *len += TAG_BYTES + INDEX_BYTES;
    return 0;
}

/* The stream of an SSRC; NULL if none of its packets authenticated yet. */
static struct in_stream *in_stream(struct session *s, uint32_t ssrc) {
    struct in_stream *st = s->recent_in;
    if (!st || st->ssrc != ssrc) {
        st = aura_map_get(s->ins, &ssrc, sizeof(ssrc));
    }
    s->recent_in = st ? st : s->recent_in;
    return st;
}

/* Only for an authenticated packet. */
static int add_in_stream(struct session *s, uint32_t ssrc, struct in_stream **stream) {
    struct in_stream *st = aura_zalloc(sizeof(*st));
    if (!st) {
        return AURA_ENOMEM;
    }
    st->ssrc = ssrc;
    int err = aura_map_put(s->ins, &ssrc, sizeof(ssrc), st);
    if (err) {
        aura_free(st);
        return err;
    }
    *stream = s->recent_in = st;
    return 0;
}

static bool full(const struct session *s) {
    return aura_map_count(s->ins) >= AURA_SRTP_REMOTE_SSRCS_MAX;
}

static bool seen(const struct in_stream *st, uint64_t index) {
    if (index > st->index) {
        return false;
    }
    return st->index - index >= AURA_SRTP_WINDOW ||
           (st->seen[index / 64 % WINDOW_WORDS] >> index % 64 & 1);
}

static void note(struct in_stream *st, uint64_t index) {
    if (!st->started) {
        st->index = index;
        st->started = true;
    }
    uint64_t words = index > st->index ? index / 64 - st->index / 64 : 0;
    for (uint64_t i = 1; i <= words && i <= WINDOW_WORDS; i++) {
        st->seen[(st->index / 64 + i) % WINDOW_WORDS] = 0;
    }
    st->index = index > st->index ? index : st->index;
    st->seen[index / 64 % WINDOW_WORDS] |= UINT64_C(1) << index % 64;
}

static int unprotect(struct aura_srtp *base, uint8_t *data, size_t *len) {
    struct session *s = (struct session *)base;
    const struct crypto *c = &s->crypto[RTP_IN];
    uint32_t ssrc = aura_get_u32(data + 8);
    uint16_t seq = aura_get_u16(data + 2);
    size_t header = rtp_header_bytes(data, *len);
    uint8_t iv[IV_BYTES];
    if (!header || *len < header + TAG_BYTES) {
        return AURA_EMALFORMED;
    }
    struct in_stream *st = in_stream(s, ssrc);
    if (!st && full(s)) {
        return AURA_ELIMIT;
    }
    uint64_t index = st && st->started ? nearest_index(st->index, seq) : seq;
    if (index > RTP_INDEX_MAX || (st && st->started && seen(st, index))) {
        return AURA_ESTALE;
    }
    size_t n = *len - header - TAG_BYTES;
    rtp_iv(iv, c, ssrc, index);
    int err = decrypt(s, c, iv, data, header, data + header, n, data + header + n);
    err = err || st ? err : add_in_stream(s, ssrc, &st);
    if (err) {
        return err;
    }
    note(st, index);
    *len = header + n;
    return 0;
}

static bool rtcp_seen(const struct in_stream *st, uint32_t index) {
    if (!st || !st->rtcp_started || index > st->rtcp_index) {
        return false;
    }
    uint32_t age = st->rtcp_index - index;
    return age >= RTCP_WINDOW || (st->rtcp_seen >> age & 1);
}

static void rtcp_note(struct in_stream *st, uint32_t index) {
    if (!st->rtcp_started) {
        st->rtcp_index = index;
        st->rtcp_started = true;
    }
    if (index > st->rtcp_index) {
        uint32_t step = index - st->rtcp_index;
        st->rtcp_seen = step < RTCP_WINDOW ? st->rtcp_seen << step : 0;
        st->rtcp_index = index;
    }
    st->rtcp_seen |= UINT64_C(1) << (st->rtcp_index - index);
}

static int unprotect_rtcp(struct aura_srtp *base, uint8_t *data, size_t *len) {
    struct session *s = (struct session *)base;
    const struct crypto *c = &s->crypto[RTCP_IN];
    uint32_t ssrc = aura_get_u32(data + 4);
    uint8_t iv[IV_BYTES], aad[AURA__RTCP_HEADER + INDEX_BYTES];
    if (*len < AURA__RTCP_HEADER + TAG_BYTES + INDEX_BYTES) {
        return AURA_EMALFORMED;
    }
    size_t n = *len - AURA__RTCP_HEADER - TAG_BYTES - INDEX_BYTES;
    uint8_t *tag = data + AURA__RTCP_HEADER + n;
    uint32_t trailer = aura_get_u32(tag + TAG_BYTES), index = trailer & ~RTCP_ENCRYPTED;
    if (!(trailer & RTCP_ENCRYPTED)) {
        return AURA_EMALFORMED; /* WebRTC encrypts all of it, RFC 8827 section 6.5 */
    }
    struct in_stream *st = in_stream(s, ssrc);
    if (!st && full(s)) {
        return AURA_ELIMIT;
    }
    if (rtcp_seen(st, index)) {
        return AURA_ESTALE;
    }
    rtcp_iv(iv, c, ssrc, index);
    memcpy(aad, data, AURA__RTCP_HEADER);
    memcpy(aad + AURA__RTCP_HEADER, tag + TAG_BYTES, INDEX_BYTES);
    int err = decrypt(s, c, iv, aad, sizeof(aad), data + AURA__RTCP_HEADER, n, tag);
    err = err || st ? err : add_in_stream(s, ssrc, &st);
    if (err) {
        return err;
    }
    rtcp_note(st, index);
    *len = AURA__RTCP_HEADER + n;
    return 0;
}

static void forget(struct aura_srtp *base, uint32_t ssrc) {
    struct session *s = (struct session *)base;
    struct out_stream *st = aura_map_del(s->outs, &ssrc, sizeof(ssrc));
    s->recent_out = s->recent_out == st ? NULL : s->recent_out;
    aura_free(st);
}

static void prefetch(const struct aura_srtp *base) {
    const struct session *s = (const struct session *)base;
    aura_prefetch(&s->crypto[RTP_OUT], sizeof(struct crypto));
    aura_prefetch(s->recent_out, sizeof(*s->recent_out));
}

static const struct aura__srtp_engine engine = {
    .make = make,
    .end = end,
    .protect = protect,
    .protect_rtcp = protect_rtcp,
    .unprotect = unprotect,
    .unprotect_rtcp = unprotect_rtcp,
    .forget = forget,
    .prefetch = prefetch,
};

static void init_library(void) {
    IMB_ARCH arch = IMB_ARCH_NONE;
    mgr = alloc_mb_mgr(0);
    if (!mgr) {
        return;
    }
    init_mb_mgr_auto(mgr, &arch);
    /* Without AES instructions its emulation would be slower than what libsrtp has. */
    if (imb_get_errno(mgr) || arch == IMB_ARCH_NONE || arch == IMB_ARCH_NOAESNI) {
        free_mb_mgr(mgr);
        mgr = NULL;
    }
}

const struct aura__srtp_engine *aura__srtp_gcm(void) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    (void)pthread_once(&once, init_library);
    return mgr ? &engine : NULL;
}

#else

const struct aura__srtp_engine *aura__srtp_gcm(void) {
    return NULL;
}

#endif
