/* SPDX-License-Identifier: Apache-2.0 */
/** @file accounts_priv.h  Shared by the files of the Meet app's accounts. Threading: control
 * thread. */
#ifndef AURA_API_ACCOUNTS_PRIV_H
#define AURA_API_ACCOUNTS_PRIV_H

#include "api/challenge.h"
#include "api/meet_priv.h"
#include "api/web_session.h"

enum { AURA_PASSKEY_PATH_BYTES = 32 + 1 };

struct aura__accounts {
    struct aura_server *server;
    struct aura_web_sessions *sessions; /* of handles (auraid/account.h) */
    struct aura_challenges *challenges;
    struct aura_passwords *passwords;
    struct aura_list watches;               /* struct aura__session_watch */
    uint64_t signed_up, signed_in, refused; /* refused: wrong passwords and passkeys */
};

/* accounts.c */
/** The name that somebody chooses or signs in by: "ann", "@ann.aura". @return 0, AURA_EMALFORMED */
AURA_NODISCARD int aura__accounts_name(const json_t *body, struct aura_id *out);
/** Signs in. @param set_cookie  a secret, wipe it. @return 0, AURA_ENOMEM, AURA_EIO */
AURA_NODISCARD int aura__accounts_begin(struct aura_server *s, const struct aura_id *id,
                                        const char *handle, bool secure,
                                        char set_cookie[AURA_WEB_SESSION_COOKIE_MAX]);
/** Signs in and answers with who it is. */
void aura__accounts_welcome(struct aura_server *s, struct aura_http_req *req, int status,
                            const struct aura_account *a);
/** Says why there is no new account. @param err  of aura_account_create() */
void aura__accounts_refuse_new(struct aura_server *s, struct aura_http_req *req, int err);
/** A new account's handle: 16 bytes in hexadecimal digits. */
void aura__accounts_handle(const uint8_t bytes[16], char out[AURA_ACCOUNT_HANDLE_BYTES]);

/** One more try of an address. @return false: it has been answered that there were too many */
AURA_NODISCARD bool aura__accounts_admit(struct aura_server *s, struct aura_http_req *req);

/* accounts_passkey.c */
void aura__passkey_begin(struct aura_server *s, struct aura_http_req *req, const json_t *body);
void aura__passkey_make(struct aura_server *s, struct aura_http_req *req, const json_t *body);
void aura__passkey_ask(struct aura_server *s, struct aura_http_req *req, const json_t *body);
void aura__passkey_sign_in(struct aura_server *s, struct aura_http_req *req, const json_t *body);
/** {"id", "name", "site", "created_us", "used_us"}. @return NULL: out of memory */
json_t *aura__passkey_view(const struct aura_passkey *p);
/** What a passkey is called in paths: of its own name, which may be long, the beginning of a hash
 * in hexadecimal digits. */
void aura__passkey_path(const uint8_t *id, size_t len, char out[AURA_PASSKEY_PATH_BYTES]);
/** Another passkey for who is signed in: the question, and the answer. @param name  checked */
void aura__passkey_begin_more(struct aura_server *s, struct aura_http_req *req,
                              const struct aura_account *a);
void aura__passkey_make_more(struct aura_server *s, struct aura_http_req *req,
                             const struct aura_account *a, const char *name, const json_t *body);

/* accounts_password.c */
void aura__password_sign_up(struct aura_server *s, struct aura_http_req *req, const json_t *body);
void aura__password_sign_in(struct aura_server *s, struct aura_http_req *req, const json_t *body);
/** Sets the "password" of @p body, for who knows the "current" one if there is one; the person's
 * other sessions end. @param session  whose page it is */
void aura__password_change(struct aura_server *s, struct aura_http_req *req,
                           const struct aura_account *a, uint64_t session, const json_t *body);

#endif
