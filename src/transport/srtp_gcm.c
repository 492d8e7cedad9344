/* SPDX-License-Identifier: Apache-2.0 */
/*
 * AES-GCM for libsrtp by intel-ipsec-mb: the same wire format in about a quarter of the time of the
 * cipher that the distribution's libsrtp comes with.
 */
#include "transport/srtp_priv.h"

#ifdef AURA_HAVE_IPSEC_MB

#include "base/mem.h"

#include <intel-ipsec-mb.h>
#include <srtp2/cipher.h>
#include <srtp2/srtp.h>
#include <string.h>

enum {
    SALT_BYTES = 12, /* libsrtp counts the salt as part of the key */
    IV_BYTES = 12,
    TAG_MAX = 16,
    AAD_MAX = 2048, /* header extensions, or a whole unencrypted RTCP packet */
    ALIGN = 64,
};

struct gcm {
    struct gcm_key_data key; /* first: the library wants it aligned */
    struct gcm_context_data ctx;
    void *block; /* what was allocated */
    size_t key_bytes, tag_bytes, aad_len;
    uint8_t iv[IV_BYTES], tag[TAG_MAX];
    uint8_t aad[AAD_MAX];
};

/* Its direct calls keep no state in the manager, so that all threads share one. */
static IMB_MGR *mgr;

static const srtp_cipher_type_t gcm_128, gcm_256;

static srtp_err_status_t gcm_alloc(srtp_cipher_pointer_t *cp, int key_len, int tag_len) {
    bool large = key_len == 32 + SALT_BYTES;
    if ((!large && key_len != 16 + SALT_BYTES) || (tag_len != 8 && tag_len != TAG_MAX)) {
        return srtp_err_status_bad_param;
    }
    srtp_cipher_t *cipher = aura_zalloc(sizeof(*cipher));
    uint8_t *block = aura_zalloc(sizeof(struct gcm) + ALIGN);
    if (!cipher || !block) {
        aura_free(cipher);
        aura_free(block);
        return srtp_err_status_alloc_fail;
    }
    struct gcm *g = (void *)(block + (ALIGN - (uintptr_t)block % ALIGN) % ALIGN);
    g->block = block;
    g->key_bytes = large ? 32 : 16;
    g->tag_bytes = (size_t)tag_len;
    cipher->state = g;
    cipher->type = large ? &gcm_256 : &gcm_128;
    cipher->algorithm = large ? SRTP_AES_GCM_256 : SRTP_AES_GCM_128;
    cipher->key_len = key_len;
    *cp = cipher;
    return srtp_err_status_ok;
}

static srtp_err_status_t gcm_dealloc(srtp_cipher_pointer_t cipher) {
    struct gcm *g = cipher->state;
    void *block = g->block;
    aura_wipe(g, sizeof(*g));
    aura_free(block);
    aura_free(cipher);
    return srtp_err_status_ok;
}

static srtp_err_status_t gcm_init(void *state, const uint8_t *key) {
    struct gcm *g = state;
    if (g->key_bytes == 16) {
        IMB_AES128_GCM_PRE(mgr, key, &g->key);
    } else {
        IMB_AES256_GCM_PRE(mgr, key, &g->key);
    }
    return srtp_err_status_ok;
}

static srtp_err_status_t gcm_set_iv(void *state, uint8_t *iv, srtp_cipher_direction_t direction) {
    struct gcm *g = state;
    (void)direction;
    memcpy(g->iv, iv, IV_BYTES);
    g->aad_len = 0;
    return srtp_err_status_ok;
}

/* RTCP gives it in two parts. */
static srtp_err_status_t gcm_set_aad(void *state, const uint8_t *aad, uint32_t len) {
    struct gcm *g = state;
    if (len > AAD_MAX - g->aad_len) {
        return srtp_err_status_bad_param;
    }
    memcpy(g->aad + g->aad_len, aad, len);
    g->aad_len += len;
    return srtp_err_status_ok;
}

static srtp_err_status_t gcm_encrypt(void *state, uint8_t *data, unsigned *len) {
    struct gcm *g = state;
    if (g->key_bytes == 16) {
        IMB_AES128_GCM_ENC(mgr, &g->key, &g->ctx, data, data, *len, g->iv, g->aad, g->aad_len,
                           g->tag, g->tag_bytes);
    } else {
        IMB_AES256_GCM_ENC(mgr, &g->key, &g->ctx, data, data, *len, g->iv, g->aad, g->aad_len,
                           g->tag, g->tag_bytes);
    }
    return srtp_err_status_ok;
}

static srtp_err_status_t gcm_get_tag(void *state, uint8_t *tag, uint32_t *len) {
    struct gcm *g = state;
    memcpy(tag, g->tag, g->tag_bytes);
    *len = (uint32_t)g->tag_bytes;
    return srtp_err_status_ok;
}

static srtp_err_status_t gcm_decrypt(void *state, uint8_t *data, unsigned *len) {
    struct gcm *g = state;
    if (*len < g->tag_bytes) {
        return srtp_err_status_bad_param;
    }
    size_t n = *len - g->tag_bytes;
    if (g->key_bytes == 16) {
        IMB_AES128_GCM_DEC(mgr, &g->key, &g->ctx, data, data, n, g->iv, g->aad, g->aad_len, g->tag,
                           g->tag_bytes);
    } else {
        IMB_AES256_GCM_DEC(mgr, &g->key, &g->ctx, data, data, n, g->iv, g->aad, g->aad_len, g->tag,
                           g->tag_bytes);
    }
    if (!aura_secret_equal(g->tag, data + n, g->tag_bytes)) {
        return srtp_err_status_auth_fail;
    }
    *len = (unsigned)n;
    return srtp_err_status_ok;
}

/* Test cases 4 and 16 of the GCM specification (McGrew, Viega); libsrtp runs them when it takes the
 * cipher, and its own ones as well. */
static const uint8_t test_key[44] = {
    0xfe, 0xff, 0xe9, 0x92, 0x86, 0x65, 0x73, 0x1c, 0x6d, 0x6a, 0x8f, 0x94, 0x67, 0x30, 0x83, 0x08,
    0xfe, 0xff, 0xe9, 0x92, 0x86, 0x65, 0x73, 0x1c, 0x6d, 0x6a, 0x8f, 0x94, 0x67, 0x30, 0x83, 0x08,
};
static uint8_t test_iv[IV_BYTES] = {0xca, 0xfe, 0xba, 0xbe, 0xfa, 0xce,
                                    0xdb, 0xad, 0xde, 0xca, 0xf8, 0x88};
static const uint8_t test_aad[20] = {0xfe, 0xed, 0xfa, 0xce, 0xde, 0xad, 0xbe, 0xef, 0xfe, 0xed,
                                     0xfa, 0xce, 0xde, 0xad, 0xbe, 0xef, 0xab, 0xad, 0xda, 0xd2};
static const uint8_t test_plain[60] = {
    0xd9, 0x31, 0x32, 0x25, 0xf8, 0x84, 0x06, 0xe5, 0xa5, 0x59, 0x09, 0xc5, 0xaf, 0xf5, 0x26,
    0x9a, 0x86, 0xa7, 0xa9, 0x53, 0x15, 0x34, 0xf7, 0xda, 0x2e, 0x4c, 0x30, 0x3d, 0x8a, 0x31,
    0x8a, 0x72, 0x1c, 0x3c, 0x0c, 0x95, 0x95, 0x68, 0x09, 0x53, 0x2f, 0xcf, 0x0e, 0x24, 0x49,
    0xa6, 0xb5, 0x25, 0xb1, 0x6a, 0xed, 0xf5, 0xaa, 0x0d, 0xe6, 0x57, 0xba, 0x63, 0x7b, 0x39};
static const uint8_t test_128[76] = {
    0x42, 0x83, 0x1e, 0xc2, 0x21, 0x77, 0x74, 0x24, 0x4b, 0x72, 0x21, 0xb7, 0x84, 0xd0, 0xd4, 0x9c,
    0xe3, 0xaa, 0x21, 0x2f, 0x2c, 0x02, 0xa4, 0xe0, 0x35, 0xc1, 0x7e, 0x23, 0x29, 0xac, 0xa1, 0x2e,
    0x21, 0xd5, 0x14, 0xb2, 0x54, 0x66, 0x93, 0x1c, 0x7d, 0x8f, 0x6a, 0x5a, 0xac, 0x84, 0xaa, 0x05,
    0x1b, 0xa3, 0x0b, 0x39, 0x6a, 0x0a, 0xac, 0x97, 0x3d, 0x58, 0xe0, 0x91, 0x5b, 0xc9, 0x4f, 0xbc,
    0x32, 0x21, 0xa5, 0xdb, 0x94, 0xfa, 0xe9, 0x5a, 0xe7, 0x12, 0x1a, 0x47};
static const uint8_t test_256[76] = {
    0x52, 0x2d, 0xc1, 0xf0, 0x99, 0x56, 0x7d, 0x07, 0xf4, 0x7f, 0x37, 0xa3, 0x2a, 0x84, 0x42, 0x7d,
    0x64, 0x3a, 0x8c, 0xdc, 0xbf, 0xe5, 0xc0, 0xc9, 0x75, 0x98, 0xa2, 0xbd, 0x25, 0x55, 0xd1, 0xaa,
    0x8c, 0xb0, 0x8e, 0x48, 0x59, 0x0d, 0xbb, 0x3d, 0xa7, 0xb0, 0x8b, 0x10, 0x56, 0x82, 0x88, 0x38,
    0xc5, 0xf6, 0x1e, 0x63, 0x93, 0xba, 0x7a, 0x0a, 0xbc, 0xc9, 0xf6, 0x62, 0x76, 0xfc, 0x6e, 0xce,
    0x0f, 0x4e, 0x17, 0x68, 0xcd, 0xdf, 0x88, 0x53, 0xbb, 0x2d, 0x55, 0x1b};

static const srtp_cipher_test_case_t case_128 = {
    16 + SALT_BYTES, test_key,         test_iv,  sizeof(test_plain),
    test_plain,      sizeof(test_128), test_128, sizeof(test_aad),
    test_aad,        TAG_MAX,          NULL};
static const srtp_cipher_test_case_t case_256 = {
    32 + SALT_BYTES, test_key,         test_iv,  sizeof(test_plain),
    test_plain,      sizeof(test_256), test_256, sizeof(test_aad),
    test_aad,        TAG_MAX,          NULL};

static const srtp_cipher_type_t gcm_128 = {gcm_alloc,   gcm_dealloc,     gcm_init,
                                           gcm_set_aad, gcm_encrypt,     gcm_decrypt,
                                           gcm_set_iv,  gcm_get_tag,     "AES-128-GCM (ipsec-mb)",
                                           &case_128,   SRTP_AES_GCM_128};
static const srtp_cipher_type_t gcm_256 = {gcm_alloc,   gcm_dealloc,     gcm_init,
                                           gcm_set_aad, gcm_encrypt,     gcm_decrypt,
                                           gcm_set_iv,  gcm_get_tag,     "AES-256-GCM (ipsec-mb)",
                                           &case_256,   SRTP_AES_GCM_256};

bool aura__srtp_gcm_install(void) {
    IMB_ARCH arch = IMB_ARCH_NONE;
    mgr = alloc_mb_mgr(0);
    if (!mgr) {
        return false;
    }
    init_mb_mgr_auto(mgr, &arch);
    /* Without AES instructions its emulation would be slower than what libsrtp has. */
    if (imb_get_errno(mgr) || arch == IMB_ARCH_NONE || arch == IMB_ARCH_NOAESNI) {
        free_mb_mgr(mgr);
        mgr = NULL;
        return false;
    }
    return srtp_replace_cipher_type(&gcm_128, SRTP_AES_GCM_128) == srtp_err_status_ok &&
           srtp_replace_cipher_type(&gcm_256, SRTP_AES_GCM_256) == srtp_err_status_ok;
}

#else

bool aura__srtp_gcm_install(void) {
    return false;
}

#endif
