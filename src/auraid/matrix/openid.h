/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file openid.h  Who somebody is on Matrix: an OpenID token, shown to the homeserver it names.
 *
 * The homeserver says whose the token is; that must be a user of its own, else any server could
 * vouch for any user. Such a token can be used again until it expires (an hour), by whomever it was
 * shown to, so the first use binds it: to a room and a device. What is bound is a hash.
 *
 * Threading: the loop's thread; what blocks runs in the pool. (Matrix specification 1.11,
 * Server-Server API, GET /_matrix/federation/v1/openid/userinfo)
 */
#ifndef AURA_AURAID_MATRIX_OPENID_H
#define AURA_AURAID_MATRIX_OPENID_H

#include "auraid/matrix/find.h"
#include "auraid/matrix/pool.h"

enum {
    AURA_OPENID_SEEN_MAX = 10000, /* tokens that are remembered; beyond that the oldest go */
    AURA_OPENID_SEEN_S = 3600,    /* how long: what homeservers give them */
    AURA_OPENID_TOKEN_BYTES_MAX = 4096,
};

struct aura_openid;

struct aura_openid_conf {
    const struct aura_fetch_conf *fetch; /* outlives it, as pool and loop do */
    struct aura_find *find;
    struct aura_pool *pool;
    struct aura_loop *loop;
    uint64_t timeout_us; /* for all of one verification */
};

/** All is copied. */
struct aura_openid_ask {
    const char *server, *token;
    int64_t expires_in_s; /* as the token's owner says; 0 = not known */
    const char *room, *device;
    bool own; /* one of the operator's servers, see pool.h */
};

/**
 * @param err  0: @p user is who it is; AURA_EAUTH (the homeserver does not know the token, or says
 *             whose it cannot be), AURA_EPOLICY (bound to another use, or the server must not be
 *             dialled), AURA_ETIMEDOUT and others: the homeserver cannot be asked
 * @param why  for people, a constant
 */
typedef void(aura_openid_fn)(void *arg, int err, const char *user, const char *why);

/** @return 0 or AURA_ENOMEM */
AURA_NODISCARD int aura_openid_new(struct aura_openid **op, const struct aura_openid_conf *conf);
/** After the pool's end. NULL is fine. Returns NULL. */
struct aura_openid *aura_openid_free(struct aura_openid *o);
/** @p fn is called once: later, or before this returns where the token is known.
 * @return 0; or AURA_ELIMIT (too much is being asked), AURA_ENOMEM: it will not be called */
AURA_NODISCARD int aura_openid_verify(struct aura_openid *o, const struct aura_openid_ask *ask,
                                      aura_openid_fn *fn, void *arg);

struct aura_openid_stats {
    uint64_t verified, refused, failed; /* asked and answered; refused by it; could not be asked */
    uint64_t known, bound_elsewhere;    /* without asking: fine; used for something else before */
};
void aura_openid_stats(const struct aura_openid *o, struct aura_openid_stats *out);

/** The body of userinfo. @return 0, AURA_EMALFORMED (it is none), AURA_EAUTH (the user is not of
 * @p server) */
AURA_NODISCARD int aura__openid_user(const void *body, size_t len, const char *server,
                                     char user[AURA_MXID_BYTES_MAX]);

#endif
