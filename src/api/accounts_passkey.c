/* SPDX-License-Identifier: Apache-2.0 */
/* Signing up and in by a passkey (webauthn.h), and adding one. Two requests each: the first one
 * gives what the browser asks the authenticator, the second one brings what that said. */
#include "api/accounts_priv.h"
#include "api/base64.h"
#include "api/webauthn.h"
#include "base/log.h"

#include <openssl/sha.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char to_sign_up[] = "passkey sign-up", to_sign_in[] = "passkey sign-in";

/** What a browser brings. */
struct brought {
    struct aura_buf client_data, authenticator_data, signature, key;
    struct aura_webauthn_client client;
    char rp[AURA_WEBAUTHN_ORIGIN_MAX];
};

/* ---- the site ---- */

/* @return NULL: no page has asked, or one of another site */
static const char *origin_of(const struct aura_server *s, const struct aura_http_req *req) {
    const char *origin = aura_http_header(req, "origin"), *only = s->conf.meet->origin;
    bool ours = origin && (*only ? strcmp(origin, only) == 0 : aura_web_is_own_page(req));
    return ours ? origin : NULL;
}

/* @return false: it has been answered why there are none here */
static bool site_of(struct aura_server *s, struct aura_http_req *req,
                    char rp[AURA_WEBAUTHN_ORIGIN_MAX]) {
    const char *origin = origin_of(s, req);
    if (!origin) {
        aura__meet_refuse(s, req, 403, "foreign_page",
                          "only this server's own page may ask (meet.origin)");
    } else if (aura_webauthn_site(origin, rp)) {
        aura__meet_refuse(s, req, 400, "no_passkeys",
                          "browsers make passkeys for https:// and a name, or http://localhost");
    } else {
        return true;
    }
    return false;
}

/* ---- what comes ---- */

static int decode(struct aura_buf *out, const json_t *body, const char *field) {
    const json_t *value = json_object_get(body, field);
    const char *text = json_string_value(value);
    return text && json_string_length(value)
               ? aura_base64_decode(out, text, json_string_length(value))
               : AURA_EMALFORMED;
}

static struct aura_webauthn_bytes bytes_of(const struct aura_buf *b) {
    return (struct aura_webauthn_bytes){b->data, b->len};
}

static void drop(struct brought *b) {
    aura_buf_free(&b->client_data);
    aura_buf_free(&b->authenticator_data);
    aura_buf_free(&b->signature);
    aura_buf_free(&b->key);
}

/* What both ways in have. The challenge is not used yet: who fails may try again. */
static int read_both(struct aura_server *s, const struct aura_http_req *req, const json_t *body,
                     enum aura_webauthn_type type, const char *purpose, struct brought *b) {
    int err = decode(&b->client_data, body, "client_data");
    err = err ? err : decode(&b->authenticator_data, body, "authenticator_data");
    err = err ? err : aura_webauthn_client_read(&b->client, bytes_of(&b->client_data));
    if (!err && (b->client.type != type ||
                 strcmp(b->client.origin, aura_http_header(req, "origin")) != 0)) {
        err = AURA_EPOLICY;
    }
    return err ? err
               : aura_challenge_check(s->accounts->challenges, purpose,
                                      aura_now_us(aura_loop_clock(s->loop)), b->client.challenge,
                                      b->client.challenge_len);
}

static int use(struct aura_server *s, const char *purpose, const struct brought *b) {
    return aura_challenge_use(s->accounts->challenges, purpose,
                              aura_now_us(aura_loop_clock(s->loop)), b->client.challenge,
                              b->client.challenge_len);
}

static void refuse_brought(struct aura_server *s, struct aura_http_req *req, int err) {
    if (err == AURA_ETIMEDOUT || err == AURA_ESTALE) {
        aura__meet_refuse(s, req, 400, "too_late", "the challenge is used or too old: begin anew");
        return;
    }
    if (err == AURA_EUNSUPPORTED) {
        aura__meet_refuse(s, req, 400, "no_such_kind", "passkeys are ES256, EdDSA or RS256 here");
        return;
    }
    if (err == AURA_ENOMEM || err == AURA_ELIMIT || err == AURA_EIO) {
        AURA_LOG_LIMITED("meet", AURA_LOG_WARN, "no_passkey", AURA_S("why", aura_err_text(err)));
        aura__meet_refuse(s, req, 503, "unavailable",
                          "passkeys cannot be looked at now: try later");
        return;
    }
    s->accounts->refused++;
    aura__refused(s, req);
    aura__meet_refuse(s, req, err == AURA_EMALFORMED ? 400 : 403, "bad_passkey",
                      "that is no answer of a passkey of this site to its challenge");
}

/* ---- the questions ---- */

static json_t *base64_json(const void *data, size_t len) {
    struct aura_buf text = AURA_BUF(AURA_WEBAUTHN_BYTES_MAX);
    json_t *json = aura_base64_encode(&text, data, len) ? NULL : json_string(aura_buf_text(&text));
    aura_buf_free(&text);
    return json;
}

/* A new account's handle follows from its challenge, so that nothing is kept of who only asks. */
static void handle_bytes(struct aura_server *s, const uint8_t *challenge, uint8_t out[16]) {
    aura_challenge_derive(s->accounts->challenges, challenge, out);
}

void aura__passkey_begin(struct aura_server *s, struct aura_http_req *req, const json_t *body) {
    uint8_t challenge[AURA_CHALLENGE_BYTES], handle[16];
    char rp[AURA_WEBAUTHN_ORIGIN_MAX], text[AURA_ID_BYTES_MAX];
    struct aura_id id;
    struct aura_identity there;
    if (!site_of(s, req, rp)) {
        return;
    }
    if (aura__accounts_name(body, &id)) {
        aura__meet_refuse(s, req, 400, "bad_name", "a name has 3 to 32 of a-z, 0-9, - and _");
        return;
    }
    int err = aura_directory_get(s->conf.directory, &id, &there);
    if (err != AURA_ENOENT) {
        aura__accounts_refuse_new(s, req, err ? err : AURA_EEXISTS);
        return;
    }
    aura_challenge_give(s->accounts->challenges, to_sign_up, aura_now_us(aura_loop_clock(s->loop)),
                        challenge);
    handle_bytes(s, challenge, handle);
    aura__meet_respond(req, 200,
                       json_pack("{s:o, s:s, s:s, s:o}", "challenge",
                                 base64_json(challenge, sizeof(challenge)), "rp", rp, "id",
                                 aura_id_text(&id, text), "handle",
                                 base64_json(handle, sizeof(handle))));
}

void aura__passkey_ask(struct aura_server *s, struct aura_http_req *req, const json_t *body) {
    uint8_t challenge[AURA_CHALLENGE_BYTES];
    char rp[AURA_WEBAUTHN_ORIGIN_MAX];
    (void)body; /* who signs in says so by the passkey */
    if (!site_of(s, req, rp)) {
        return;
    }
    aura_challenge_give(s->accounts->challenges, to_sign_in, aura_now_us(aura_loop_clock(s->loop)),
                        challenge);
    aura__meet_respond(
        req, 200,
        json_pack("{s:o, s:s}", "challenge", base64_json(challenge, sizeof(challenge)), "rp", rp));
}

/* ---- signing up ---- */

static struct aura_passkey passkey_of(const struct aura_webauthn_key *key, const char *rp) {
    return (struct aura_passkey){.id = key->id,
                                 .id_len = key->id_len,
                                 .key = key->key,
                                 .key_len = key->key_len,
                                 .alg = key->alg,
                                 .rp = rp,
                                 .count = key->count};
}

static void make(struct aura_server *s, struct aura_http_req *req, const json_t *body,
                 const struct brought *b, const struct aura_webauthn_key *key) {
    uint8_t handle[16];
    struct aura_account a = {.failures = 0};
    const char *display = aura__meet_text(body, "display", AURA_MEET_NAME_BYTES_MAX);
    bool named = aura__accounts_name(body, &a.id) == 0;
    if (!named || !display) {
        aura__meet_refuse(s, req, 400, named ? "bad_display" : "bad_name",
                          "wanted \"name\", 3 to 32 of a-z, 0-9, - and _, and \"display\"");
        return;
    }
    handle_bytes(s, b->client.challenge, handle);
    aura__accounts_handle(handle, a.handle);
    const struct aura_passkey passkey = passkey_of(key, b->rp);
    const struct aura_account_new fresh = {
        .id = a.id, .display = display, .handle = a.handle, .passkey = &passkey};
    int err = aura_account_create(s->conf.directory, &fresh);
    if (err) {
        aura__accounts_refuse_new(s, req, err);
        return;
    }
    err = use(s, to_sign_up, b);
    (void)err; /* its handle is taken, so that it makes no second account in any case */
    s->accounts->signed_up++;
    aura__accounts_welcome(s, req, 201, &a);
}

void aura__passkey_make(struct aura_server *s, struct aura_http_req *req, const json_t *body) {
    struct brought b = {.client_data = AURA_BUF(AURA_WEBAUTHN_BYTES_MAX),
                        .authenticator_data = AURA_BUF(AURA_WEBAUTHN_BYTES_MAX)};
    struct aura_webauthn_key key;
    if (!site_of(s, req, b.rp)) {
        return;
    }
    int err = read_both(s, req, body, AURA_WEBAUTHN_CREATE, to_sign_up, &b);
    err = err ? err : aura_webauthn_made(&key, b.rp, bytes_of(&b.authenticator_data));
    if (err) {
        refuse_brought(s, req, err);
    } else {
        make(s, req, body, &b, &key);
    }
    drop(&b);
}

/* ---- signing in ---- */

/* @return also AURA_EAUTH: nobody's, or of another site of this server */
static int find_key(struct aura_server *s, const struct brought *b, struct aura_webauthn_key *key,
                    char handle[AURA_ACCOUNT_HANDLE_BYTES]) {
    struct aura_passkey p;
    int err = aura_passkey_find(s->conf.directory, b->key.data, b->key.len, &p, handle);
    if (err || strcmp(p.rp, b->rp) != 0 || p.key_len > sizeof(key->key)) {
        return err == AURA_EIO ? err : AURA_EAUTH;
    }
    *key = (struct aura_webauthn_key){.alg = p.alg, .key_len = p.key_len, .count = p.count};
    memcpy(key->key, p.key, p.key_len);
    return 0;
}

/* The challenge is used last: what did not sign in takes no place in the table of used ones. */
static int verify(struct aura_server *s, const struct brought *b, struct aura_account *a) {
    const struct aura_webauthn_proof proof = {
        bytes_of(&b->client_data), bytes_of(&b->authenticator_data), bytes_of(&b->signature)};
    struct aura_webauthn_key key;
    char handle[AURA_ACCOUNT_HANDLE_BYTES];
    uint32_t count = 0;
    int err = find_key(s, b, &key, handle);
    err = err ? err : aura_webauthn_signed(&key, b->rp, &proof, &count);
    if (err == AURA_ESTALE) {
        AURA_LOG_LIMITED("meet", AURA_LOG_WARN, "passkey_counts_backwards",
                         AURA_S("so", "there may be a copy of it: it was refused"));
        return AURA_EAUTH;
    }
    err = err ? err : use(s, to_sign_in, b);
    err = err ? err : aura_passkey_used(s->conf.directory, b->key.data, b->key.len, count);
    return err ? err : aura_account_by_handle(s->conf.directory, handle, a);
}

void aura__passkey_sign_in(struct aura_server *s, struct aura_http_req *req, const json_t *body) {
    struct brought b = {.client_data = AURA_BUF(AURA_WEBAUTHN_BYTES_MAX),
                        .authenticator_data = AURA_BUF(AURA_WEBAUTHN_BYTES_MAX),
                        .signature = AURA_BUF(AURA_WEBAUTHN_SIGNATURE_MAX),
                        .key = AURA_BUF(AURA_WEBAUTHN_ID_MAX)};
    struct aura_account a;
    if (!site_of(s, req, b.rp)) {
        return;
    }
    int err = read_both(s, req, body, AURA_WEBAUTHN_GET, to_sign_in, &b);
    err = err ? err : decode(&b.signature, body, "signature");
    err = err ? err : decode(&b.key, body, "key");
    err = err ? err : verify(s, &b, &a);
    if (err) {
        refuse_brought(s, req, err);
    } else {
        aura__accounts_welcome(s, req, 200, &a);
    }
    drop(&b);
}

/* ---- one more ---- */

enum { PURPOSE_BYTES = 64 };

/* A challenge for one account adds nothing to another. */
static void purpose_of(const struct aura_account *a, char out[PURPOSE_BYTES]) {
    (void)snprintf(out, PURPOSE_BYTES, "passkey of %s", a->handle);
}

void aura__passkey_path(const uint8_t *id, size_t len, char out[AURA_PASSKEY_PATH_BYTES]) {
    uint8_t digest[SHA256_DIGEST_LENGTH];
    SHA256(id, len, digest);
    for (size_t i = 0; i < (AURA_PASSKEY_PATH_BYTES - 1) / 2; i++) {
        (void)snprintf(out + 2 * i, 3, "%02x", digest[i]);
    }
}

json_t *aura__passkey_view(const struct aura_passkey *p) {
    char path[AURA_PASSKEY_PATH_BYTES];
    aura__passkey_path(p->id, p->id_len, path);
    return json_pack("{s:s, s:s, s:s, s:I, s:I}", "id", path, "name", p->name, "site", p->rp,
                     "created_us", (json_int_t)p->created_us, "used_us", (json_int_t)p->used_us);
}

struct known {
    json_t *list;
    const char *rp;
};

static void add_known(void *arg, const struct aura_passkey *p) {
    struct known *k = arg;
    if (strcmp(p->rp, k->rp) == 0) {
        json_array_append_new(k->list, base64_json(p->id, p->id_len));
    }
}

static void handle_read(const char *text, uint8_t out[16]) {
    for (size_t i = 0; i < 16; i++) {
        const char digits[] = {text[2 * i], text[2 * i + 1], 0};
        out[i] = (uint8_t)strtoul(digits, NULL, 16);
    }
}

void aura__passkey_begin_more(struct aura_server *s, struct aura_http_req *req,
                              const struct aura_account *a) {
    uint8_t challenge[AURA_CHALLENGE_BYTES], handle[16];
    char rp[AURA_WEBAUTHN_ORIGIN_MAX], purpose[PURPOSE_BYTES];
    if (!site_of(s, req, rp)) {
        return;
    }
    struct known known = {json_array(), rp};
    json_t *answer = aura__accounts_view(s, &a->id);
    if (aura_passkeys(s->conf.directory, a->handle, add_known, &known) || !answer) {
        json_decref(known.list);
        json_decref(answer);
        aura__meet_refuse(s, req, 503, "unavailable", "the directory does not answer: try later");
        return;
    }
    purpose_of(a, purpose);
    aura_challenge_give(s->accounts->challenges, purpose, aura_now_us(aura_loop_clock(s->loop)),
                        challenge);
    handle_read(a->handle, handle);
    json_object_set_new(answer, "challenge", base64_json(challenge, sizeof(challenge)));
    json_object_set_new(answer, "rp", json_string(rp));
    json_object_set_new(answer, "handle", base64_json(handle, sizeof(handle)));
    json_object_set_new(answer, "known", known.list);
    aura__meet_respond(req, 200, answer);
}

static void refuse_more(struct aura_server *s, struct aura_http_req *req, int err) {
    if (err == AURA_EEXISTS) {
        aura__meet_refuse(s, req, 409, "taken", "that passkey is an account's already");
    } else if (err == AURA_ELIMIT) {
        aura__meet_refuse(s, req, 429, "limit", "no more passkeys fit: remove one first");
    } else {
        refuse_brought(s, req, AURA_EIO);
    }
}

static void keep(struct aura_server *s, struct aura_http_req *req, const char *handle,
                 const struct aura_passkey *more) {
    char owner[AURA_ACCOUNT_HANDLE_BYTES];
    struct aura_passkey kept;
    int err = aura_passkey_add(s->conf.directory, handle, more);
    if (err) {
        refuse_more(s, req, err);
        return;
    }
    err = aura_passkey_find(s->conf.directory, more->id, more->id_len, &kept, owner);
    if (err) {
        refuse_more(s, req, AURA_EIO);
    } else {
        aura__meet_respond(req, 201, aura__passkey_view(&kept));
    }
}

void aura__passkey_make_more(struct aura_server *s, struct aura_http_req *req,
                             const struct aura_account *a, const char *name, const json_t *body) {
    struct brought b = {.client_data = AURA_BUF(AURA_WEBAUTHN_BYTES_MAX),
                        .authenticator_data = AURA_BUF(AURA_WEBAUTHN_BYTES_MAX)};
    struct aura_webauthn_key key;
    char purpose[PURPOSE_BYTES];
    if (!site_of(s, req, b.rp)) {
        return;
    }
    purpose_of(a, purpose);
    int err = read_both(s, req, body, AURA_WEBAUTHN_CREATE, purpose, &b);
    err = err ? err : aura_webauthn_made(&key, b.rp, bytes_of(&b.authenticator_data));
    err = err ? err : use(s, purpose, &b);
    if (err) {
        refuse_brought(s, req, err);
    } else {
        struct aura_passkey more = passkey_of(&key, b.rp);
        more.name = name;
        keep(s, req, a->handle, &more);
    }
    drop(&b);
}
