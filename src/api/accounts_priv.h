/* SPDX-License-Identifier: Apache-2.0 */
/** @file accounts_priv.h  Shared by the files of the Meet app's accounts. Threading: control
 * thread. */
#ifndef AURA_API_ACCOUNTS_PRIV_H
#define AURA_API_ACCOUNTS_PRIV_H

#include "api/challenge.h"
#include "api/meet_priv.h"
#include "api/web_session.h"

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

/* accounts_passkey.c */
void aura__passkey_begin(struct aura_server *s, struct aura_http_req *req, const json_t *body);
void aura__passkey_make(struct aura_server *s, struct aura_http_req *req, const json_t *body);
void aura__passkey_ask(struct aura_server *s, struct aura_http_req *req, const json_t *body);
void aura__passkey_sign_in(struct aura_server *s, struct aura_http_req *req, const json_t *body);

/* accounts_password.c */
void aura__password_sign_up(struct aura_server *s, struct aura_http_req *req, const json_t *body);
void aura__password_sign_in(struct aura_server *s, struct aura_http_req *req, const json_t *body);

#endif
