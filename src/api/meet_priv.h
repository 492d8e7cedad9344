/* SPDX-License-Identifier: Apache-2.0 */
/** @file meet_priv.h  Shared by the files that serve /meet/v1. Threading: control thread. */
#ifndef AURA_API_MEET_PRIV_H
#define AURA_API_MEET_PRIV_H

#include "api/meet.h"
#include "api/server_priv.h"
#include "auraid/account.h"
#include "base/list.h"

#include <jansson.h>

/* meet.c */
/** Answers. @param body  taken; NULL = out of memory, and said so */
void aura__meet_respond(struct aura_http_req *req, int status, json_t *body);
/** @param code  for the page, which says it in its own words; the message is for who debugs it */
void aura__meet_refuse(struct aura_server *s, struct aura_http_req *req, int status,
                       const char *code, const char *message);
/** 429 with Retry-After. */
void aura__meet_refuse_for_now(struct aura_server *s, struct aura_http_req *req, uint32_t wait_s,
                               const char *message);
/** A text that a screen or a log line would not be broken by. @return NULL: it is none */
const char *aura__meet_text(const json_t *body, const char *field, size_t bytes_max);
/** The key that signs what the app gives out. @return NULL: there is none */
const char *aura__meet_key(const struct aura_server *s);

/** Somebody with an account is in the app by the name of their AuraID: that becomes one of their
 * proofs, as in calls. Only who is in an app is rung there. @return as aura_directory_link() */
AURA_NODISCARD int aura__meet_prove(struct aura_server *s, const struct aura_id *id);

/* accounts.c */
/** {"id", "display"} of an account. @return NULL: out of memory, or it is gone */
json_t *aura__accounts_view(struct aura_server *s, const struct aura_id *id);
/** Is it the name of something for people with accounts? @param what  behind /meet/v1/ */
bool aura__accounts_path(const char *what);
/** @param body  NULL = no JSON */
void aura__accounts_request(struct aura_server *s, struct aura_http_req *req, const char *what,
                            const json_t *body);
/** Who is signed in. @param session  out: its number; NULL = not wanted
 * @return 0, AURA_ENOENT, AURA_EIO */
AURA_NODISCARD int aura__accounts_who(struct aura_server *s, const struct aura_http_req *req,
                                      struct aura_account *out, uint64_t *session);
/** Something that goes on by a session, and no longer than that. */
struct aura__session_watch {
    struct aura_node node; /* aura_node_remove() ends it, also when it has been told */
    uint64_t session;
    void (*ended)(struct aura__session_watch *w);
};
void aura__accounts_watch(struct aura_server *s, struct aura__session_watch *w);

#endif
