/* SPDX-License-Identifier: Apache-2.0 */
#include "api/webauthn.h"

#include "api/base64.h"
#include "base/mem.h"
#include "net/addr.h"

#include <fido.h>
#include <fido/eddsa.h>
#include <fido/es256.h>
#include <fido/rs256.h>
#include <jansson.h>
#include <openssl/sha.h>

#include <stdio.h>
#include <string.h>

enum { USER_PRESENT = 0x01, USER_VERIFIED = 0x04 /* of the authenticator data, §6.1 */ };

static const int algs[] = {COSE_ES256, COSE_EDDSA, COSE_RS256};

/* ---- client data ---- */

static int read_challenge(struct aura_webauthn_client *out, const char *text) {
    struct aura_buf bytes = AURA_BUF(AURA_WEBAUTHN_CHALLENGE_MAX);
    int err = aura_base64_decode(&bytes, text, strlen(text));
    if (!err && bytes.len) {
        memcpy(out->challenge, bytes.data, bytes.len);
        out->challenge_len = bytes.len;
    }
    aura_buf_free(&bytes);
    return err == AURA_ELIMIT ? AURA_EMALFORMED : err;
}

static int read_fields(struct aura_webauthn_client *out, const json_t *json) {
    const char *type = json_string_value(json_object_get(json, "type"));
    const char *challenge = json_string_value(json_object_get(json, "challenge"));
    const char *origin = json_string_value(json_object_get(json, "origin"));
    if (!type || !challenge || !origin || strlen(origin) >= sizeof(out->origin) ||
        json_is_true(json_object_get(json, "crossOrigin"))) {
        return AURA_EMALFORMED;
    }
    bool create = strcmp(type, "webauthn.create") == 0;
    if (!create && strcmp(type, "webauthn.get") != 0) {
        return AURA_EMALFORMED;
    }
    out->type = create ? AURA_WEBAUTHN_CREATE : AURA_WEBAUTHN_GET;
    (void)snprintf(out->origin, sizeof(out->origin), "%s", origin);
    return read_challenge(out, challenge);
}

int aura_webauthn_client_read(struct aura_webauthn_client *out, struct aura_webauthn_bytes json) {
    *out = (struct aura_webauthn_client){.challenge_len = 0};
    if (!json.len || json.len > AURA_WEBAUTHN_BYTES_MAX) {
        return AURA_EMALFORMED;
    }
    json_t *root = json_loadb((const char *)json.p, json.len, JSON_REJECT_DUPLICATES, NULL);
    int err = json_is_object(root) ? read_fields(out, root) : AURA_EMALFORMED;
    json_decref(root);
    return err;
}

/* ---- a new passkey ---- */

/* libfido2 reads a key only as one of the kind that it was told of. */
static int read_as(fido_cred_t **cp, int alg, struct aura_webauthn_bytes data) {
    fido_cred_t *c = fido_cred_new();
    if (!c) {
        return AURA_ENOMEM;
    }
    int r = fido_cred_set_type(c, alg);
    r = r ? r : fido_cred_set_authdata_raw(c, data.p, data.len);
    if (r) {
        fido_cred_free(&c);
        return r == FIDO_ERR_INTERNAL ? AURA_ENOMEM : AURA_EUNSUPPORTED;
    }
    *cp = c;
    return 0;
}

static int check_made(const fido_cred_t *c, const char *rp) {
    uint8_t hash[SHA256_DIGEST_LENGTH];
    SHA256((const uint8_t *)rp, strlen(rp), hash);
    const uint8_t *said = fido_cred_authdata_raw_ptr(c);
    if (!said || fido_cred_authdata_raw_len(c) < sizeof(hash)) {
        return AURA_EMALFORMED;
    }
    uint8_t wanted = USER_PRESENT | USER_VERIFIED;
    bool fine = memcmp(said, hash, sizeof(hash)) == 0 && (fido_cred_flags(c) & wanted) == wanted;
    return fine ? 0 : AURA_EPOLICY;
}

static int take_made(struct aura_webauthn_key *out, const fido_cred_t *c) {
    size_t id_len = fido_cred_id_len(c), key_len = fido_cred_pubkey_len(c);
    if (!id_len || id_len > sizeof(out->id) || !key_len || key_len > sizeof(out->key)) {
        return AURA_EUNSUPPORTED;
    }
    out->alg = fido_cred_type(c);
    out->count = fido_cred_sigcount(c);
    memcpy(out->id, fido_cred_id_ptr(c), id_len);
    memcpy(out->key, fido_cred_pubkey_ptr(c), key_len);
    out->id_len = id_len;
    out->key_len = key_len;
    return 0;
}

int aura_webauthn_made(struct aura_webauthn_key *out, const char *rp,
                       struct aura_webauthn_bytes data) {
    fido_cred_t *c = NULL;
    int err = AURA_EUNSUPPORTED;
    if (data.len < SHA256_DIGEST_LENGTH || data.len > AURA_WEBAUTHN_BYTES_MAX) {
        return AURA_EMALFORMED;
    }
    fido_init(0);
    for (size_t i = 0; i < sizeof(algs) / sizeof(algs[0]) && err == AURA_EUNSUPPORTED; i++) {
        err = read_as(&c, algs[i], data);
    }
    err = err ? err : check_made(c, rp);
    err = err ? err : take_made(out, c);
    fido_cred_free(&c);
    return err;
}

/* ---- signing in ---- */

/** A public key, as libfido2 wants it. */
struct public_key {
    es256_pk_t *es256;
    eddsa_pk_t *eddsa;
    rs256_pk_t *rs256;
};

/* @return what to verify with; NULL: it is no key */
static const void *load_key(struct public_key *k, const struct aura_webauthn_key *from) {
    const void *of = NULL;
    int r = FIDO_ERR_INVALID_ARGUMENT;
    if (from->alg == COSE_ES256 && (k->es256 = es256_pk_new())) {
        r = es256_pk_from_ptr(k->es256, from->key, from->key_len);
        of = k->es256;
    } else if (from->alg == COSE_EDDSA && (k->eddsa = eddsa_pk_new())) {
        r = eddsa_pk_from_ptr(k->eddsa, from->key, from->key_len);
        of = k->eddsa;
    } else if (from->alg == COSE_RS256 && (k->rs256 = rs256_pk_new())) {
        r = rs256_pk_from_ptr(k->rs256, from->key, from->key_len);
        of = k->rs256;
    }
    return r ? NULL : of;
}

static void drop_key(struct public_key *k) {
    es256_pk_free(&k->es256);
    eddsa_pk_free(&k->eddsa);
    rs256_pk_free(&k->rs256);
}

static int load_proof(fido_assert_t *a, const char *rp, const struct aura_webauthn_proof *proof) {
    int r = fido_assert_set_rp(a, rp);
    r = r ? r : fido_assert_set_clientdata(a, proof->client_data.p, proof->client_data.len);
    r = r ? r : fido_assert_set_count(a, 1);
    r = r ? r
          : fido_assert_set_authdata_raw(a, 0, proof->authenticator_data.p,
                                         proof->authenticator_data.len);
    r = r ? r : fido_assert_set_sig(a, 0, proof->signature.p, proof->signature.len);
    r = r ? r : fido_assert_set_up(a, FIDO_OPT_TRUE);
    r = r ? r : fido_assert_set_uv(a, FIDO_OPT_TRUE);
    return r == FIDO_ERR_INTERNAL ? AURA_ENOMEM : r ? AURA_EMALFORMED : 0;
}

/* §7.2 step 21: one that counts never says the same number twice. */
static int check_count(uint32_t before, uint32_t now) {
    return (before || now) && now <= before ? AURA_ESTALE : 0;
}

static bool sized(const struct aura_webauthn_proof *p) {
    return p->client_data.len && p->client_data.len <= AURA_WEBAUTHN_BYTES_MAX &&
           p->authenticator_data.len && p->authenticator_data.len <= AURA_WEBAUTHN_BYTES_MAX &&
           p->signature.len && p->signature.len <= AURA_WEBAUTHN_SIGNATURE_MAX;
}

int aura_webauthn_signed(const struct aura_webauthn_key *key, const char *rp,
                         const struct aura_webauthn_proof *proof, uint32_t *count) {
    struct public_key k = {NULL, NULL, NULL};
    if (!sized(proof)) {
        return AURA_EMALFORMED;
    }
    fido_init(0);
    fido_assert_t *a = fido_assert_new();
    const void *of = load_key(&k, key);
    int err = a ? load_proof(a, rp, proof) : AURA_ENOMEM;
    if (!err) {
        err = of && fido_assert_verify(a, 0, key->alg, of) == FIDO_OK ? 0 : AURA_EAUTH;
    }
    if (!err) {
        *count = fido_assert_sigcount(a, 0);
        err = check_count(key->count, *count);
    }
    fido_assert_free(&a);
    drop_key(&k);
    return err;
}

/* ---- sites ---- */

int aura_webauthn_site(const char *origin, char rp[AURA_WEBAUTHN_ORIGIN_MAX]) {
    static const char secure[] = "https://", plain[] = "http://";
    bool https = strncmp(origin, secure, sizeof(secure) - 1) == 0;
    const char *host = origin + (https ? sizeof(secure) : sizeof(plain)) - 1;
    if (!https && strncmp(origin, plain, sizeof(plain) - 1) != 0) {
        return AURA_EUNSUPPORTED;
    }
    size_t n = strcspn(host, ":/");
    struct aura_addr addr;
    if (!n || n >= AURA_WEBAUTHN_ORIGIN_MAX || *host == '[') {
        return AURA_EUNSUPPORTED;
    }
    (void)snprintf(rp, AURA_WEBAUTHN_ORIGIN_MAX, "%.*s", (int)n, host);
    bool local = strcmp(rp, "localhost") == 0;
    return (https || local) && aura_addr_parse(&addr, rp) ? 0 : AURA_EUNSUPPORTED;
}
