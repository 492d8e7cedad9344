/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file dash_store.h  What the dashboard keeps: operators, API keys, the audit log, the set-up
 * link.
 *
 * A SQLite file, readable by its owner alone. The server holds it; `auralink operator` may write to
 * it beside it (shared), for operators are looked up anew each time. API keys are not: only the
 * server changes them. Secrets of API keys lie in it as they do in a configuration file; of
 * passwords and of the set-up link only hashes do. Every commit reaches the disk: a revocation
 * survives a power cut.
 *
 * Threading: one thread; blocking.
 */
#ifndef AURA_API_DASH_STORE_H
#define AURA_API_DASH_STORE_H

#include "base/buf.h"
#include "base/clock.h"
#include "base/password.h"
#include "base/rand.h"

#include <stdint.h>

enum {
    AURA_DASH_NAME_MAX = 63, /* of an operator */
    AURA_DASH_OPERATORS_MAX = 256,
    AURA_DASH_PROJECT_MAX = 128,
    AURA_DASH_KEYS_MAX = 1000,      /* revoked ones among them: the oldest of those go */
    AURA_DASH_KEY_LEN = 15,         /* "API" and 12 characters, as LiveKit's */
    AURA_DASH_SECRET_LEN = 48,      /* characters of 62: 285 bits */
    AURA_DASH_AUDIT_MAX = 100000,   /* entries; the oldest go */
    AURA_DASH_AUDIT_TEXT_MAX = 512, /* bytes of a target, of a detail; longer ones are cut */
    AURA_DASH_SETUP_LEN = 40,       /* characters of the set-up link's token */
    AURA_DASH_SETUP_TTL_S = 15 * 60,
};

enum aura_dash_role { AURA_DASH_VIEWER, AURA_DASH_ADMIN };
const char *aura_dash_role_name(enum aura_dash_role role);
/** @return false: it is none */
bool aura_dash_role_of(const char *text, enum aura_dash_role *out);
/** 1 to 63 of a-z, 0-9, ".", "_", "@", "-", beginning with a letter or a digit. */
bool aura_dash_is_name(const char *text);

struct aura_dash_store;

struct aura_dash_store_conf {
    const char *path; /* borrowed for its life */
    bool shared;      /* another process, the server, may have it too */
    const struct aura_clock *clock;
    struct aura_rand *rand; /* the system's, but in tests */
};

/** @param why  what is wrong, for a person. @return 0, AURA_EEXISTS (another server has it),
 * AURA_EIO, AURA_ENOMEM */
AURA_NODISCARD int aura_dash_store_open(struct aura_dash_store **sp,
                                        const struct aura_dash_store_conf *conf,
                                        struct aura_buf *why);
struct aura_dash_store *aura_dash_store_close(struct aura_dash_store *s);

/* ---- operators ---- */

struct aura_dash_operator {
    char name[AURA_DASH_NAME_MAX + 1], hash[AURA_PASSWORD_HASH_BYTES];
    enum aura_dash_role role;
    uint64_t created_us, seen_us; /* wall clock; seen 0 = never */
};
/** @return 0, AURA_EEXISTS, AURA_ELIMIT, AURA_EINVAL (name), AURA_EIO */
AURA_NODISCARD int aura_dash_operator_add(struct aura_dash_store *s, const char *name,
                                          enum aura_dash_role role, const char *hash);
/** The same, if there is none yet: an admin. @return as well AURA_ESTATE: there is one */
AURA_NODISCARD int aura_dash_operator_first(struct aura_dash_store *s, const char *name,
                                            const char *hash);
/** @return 0, AURA_ENOENT, AURA_EIO. @param out  wipe its hash */
AURA_NODISCARD int aura_dash_operator_get(struct aura_dash_store *s, const char *name,
                                          struct aura_dash_operator *out);
/** @param role, hash  NULL = as it is. @return 0, AURA_ENOENT, AURA_ESTATE (no admin would be
 * left), AURA_EIO */
AURA_NODISCARD int aura_dash_operator_change(struct aura_dash_store *s, const char *name,
                                             const enum aura_dash_role *role, const char *hash);
/** @return as aura_dash_operator_change() */
AURA_NODISCARD int aura_dash_operator_remove(struct aura_dash_store *s, const char *name);
/** Has signed in now. */
void aura_dash_operator_seen(struct aura_dash_store *s, const char *name);
/** By name. @return 0 or AURA_EIO */
AURA_NODISCARD int aura_dash_operators(struct aura_dash_store *s,
                                       void (*fn)(void *arg, const struct aura_dash_operator *o),
                                       void *arg);
/** @return 0 or AURA_EIO */
AURA_NODISCARD int aura_dash_operator_count(struct aura_dash_store *s, uint64_t *out);

/* ---- the set-up link ---- */

/** A new token; the one before is none any more. @return 0, AURA_ESTATE (there is an operator),
 * AURA_EIO */
AURA_NODISCARD int aura_dash_setup_new(struct aura_dash_store *s,
                                       char token[AURA_DASH_SETUP_LEN + 1]);
/** @return 0, AURA_EAUTH, AURA_EIO */
AURA_NODISCARD int aura_dash_setup_check(struct aura_dash_store *s, const char *token);
/** It was used. */
void aura_dash_setup_end(struct aura_dash_store *s);

/* ---- API keys ---- */

struct aura_dash_key {
    char key[AURA_DASH_KEY_LEN + 1], project[AURA_DASH_PROJECT_MAX + 1];
    char by[AURA_DASH_NAME_MAX + 1];
    char secret[AURA_DASH_SECRET_LEN + 1], old[AURA_DASH_SECRET_LEN + 1]; /* wipe them */
    uint64_t created_us, rotated_us, old_until_us, revoked_us;            /* 0 = not so */
};
typedef void(aura_dash_key_fn)(void *arg, const struct aura_dash_key *k);
/** @param out  with its secret. @return 0, AURA_ELIMIT, AURA_EINVAL (project), AURA_EIO */
AURA_NODISCARD int aura_dash_key_make(struct aura_dash_store *s, const char *project,
                                      const char *by, struct aura_dash_key *out);
/** @return 0, AURA_ENOENT, AURA_EIO */
AURA_NODISCARD int aura_dash_key_get(struct aura_dash_store *s, const char *key,
                                     struct aura_dash_key *out);
/** @return 0, AURA_ENOENT, AURA_EINVAL, AURA_EIO */
AURA_NODISCARD int aura_dash_key_rename(struct aura_dash_store *s, const char *key,
                                        const char *project);
/** @param overlap_us  the secret until now works on. @param out  with the new secret
 * @return 0, AURA_ENOENT, AURA_ESTATE (revoked), AURA_EIO */
AURA_NODISCARD int aura_dash_key_rotate(struct aura_dash_store *s, const char *key,
                                        uint64_t overlap_us, struct aura_dash_key *out);
/** Its secrets are deleted. @return 0, AURA_ENOENT, AURA_ESTATE (it is), AURA_EIO */
AURA_NODISCARD int aura_dash_key_revoke(struct aura_dash_store *s, const char *key,
                                        struct aura_dash_key *out);
/** Oldest first. @param after  key of the last one seen; NULL = from the first on
 * @return 0 or AURA_EIO */
AURA_NODISCARD int aura_dash_keys(struct aura_dash_store *s, const char *after, size_t limit,
                                  aura_dash_key_fn *fn, void *arg);

/* ---- the audit log ---- */

/** Strings are borrowed. */
struct aura_dash_entry {
    uint64_t id, at_us;
    const char *by, *action, *target, *from, *detail;
};
/** Adds one; its number and time are set. @return 0 or AURA_EIO */
AURA_NODISCARD int aura_dash_audit_add(struct aura_dash_store *s, struct aura_dash_entry *e);
/** Newest first. @param before  a number, 0 = all. @param by, action  NULL = any
 * @return 0 or AURA_EIO */
AURA_NODISCARD int aura_dash_audit(struct aura_dash_store *s, uint64_t before, const char *by,
                                   const char *action, size_t limit,
                                   void (*fn)(void *arg, const struct aura_dash_entry *e),
                                   void *arg);

#endif
