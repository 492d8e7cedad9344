/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file password.h  Passwords as they may be kept: argon2id (RFC 9106) by libsodium, in threads.
 *
 * A hash takes AURA_PASSWORD_MEMORY_KIB and some hundredths of a second, on purpose. The loop's
 * thread must not: struct aura_passwords has it done on libuv's pool and tells on the loop.
 * Threading: the loop's thread, but for the two blocking functions, which any thread may call.
 */
#ifndef AURA_BASE_PASSWORD_H
#define AURA_BASE_PASSWORD_H

#include "base/err.h"

#include <stddef.h>

struct uv_loop_s;

enum {
    AURA_PASSWORD_BYTES_MIN = 10,
    AURA_PASSWORD_BYTES_MAX = 256,
    AURA_PASSWORD_HASH_BYTES = 128,   /* of a hash as text, with its NUL */
    AURA_PASSWORD_MEMORY_KIB = 19456, /* with two passes: OWASP's least for argon2id */
    AURA_PASSWORD_PASSES = 2,
    AURA_PASSWORD_JOBS_MAX = 16, /* at a time, those that wait for a thread among them */
};

/** Blocking. @return 0, AURA_EINVAL (length), AURA_ENOMEM */
AURA_NODISCARD int aura_password_hash(const char *password, char out[AURA_PASSWORD_HASH_BYTES]);
/**
 * Blocking. @param hash  NULL = of nobody: takes as long, and does not fit
 * @return 0, AURA_EAUTH (does not fit, or is no hash), AURA_ENOMEM
 */
AURA_NODISCARD int aura_password_verify(const char *password, const char *hash);

struct aura_passwords;
/** On the loop, once. @param hash  of aura_passwords_hash(), else NULL; borrowed
 * @param err  as of the blocking functions; AURA_ECLOSED: it all ends */
typedef void(aura_password_fn)(void *arg, int err, const char *hash);

/** @param loop  outlives it, and runs once more behind aura_passwords_free().
 * @return 0, AURA_ENOMEM, AURA_EIO */
AURA_NODISCARD int aura_passwords_new(struct aura_passwords **pp, struct uv_loop_s *loop);
/** Who waits is told AURA_ECLOSED inside. NULL is fine. Returns NULL. */
struct aura_passwords *aura_passwords_free(struct aura_passwords *p);
/** Copies; the copy is wiped. @return 0: @p fn will be called; AURA_EINVAL, AURA_ELIMIT
 * (AURA_PASSWORD_JOBS_MAX), AURA_ENOMEM: it will not */
AURA_NODISCARD int aura_passwords_hash(struct aura_passwords *p, const char *password,
                                       aura_password_fn *fn, void *arg);
/** The same for aura_password_verify(). */
AURA_NODISCARD int aura_passwords_verify(struct aura_passwords *p, const char *password,
                                         const char *hash, aura_password_fn *fn, void *arg);

#endif
