/* SPDX-License-Identifier: Apache-2.0 */
/** @file err.h  Error codes of the whole project: 0 is success, failures are negative. */
#ifndef AURA_BASE_ERR_H
#define AURA_BASE_ERR_H

#include <stdbool.h>

#define AURA_NODISCARD __attribute__((warn_unused_result))

/* name, value, text for people, HTTP status, Twirp code. The first block mirrors errno. */
#define AURA_ERR_TABLE(E)                                                                          \
    E(NOENT, -2, "not found", 404, "not_found")                                                    \
    E(IO, -5, "input/output error", 500, "internal")                                               \
    E(AGAIN, -11, "try again", 503, "unavailable")                                                 \
    E(NOMEM, -12, "out of memory", 503, "resource_exhausted")                                      \
    E(EXISTS, -17, "already exists", 409, "already_exists")                                        \
    E(INVAL, -22, "invalid argument", 400, "invalid_argument")                                     \
    E(TIMEDOUT, -110, "timed out", 408, "deadline_exceeded")                                       \
    E(TRUNC, -1001, "input ends too early", 400, "malformed")                                      \
    E(MALFORMED, -1002, "malformed input", 400, "malformed")                                       \
    E(UNSUPPORTED, -1003, "not supported", 501, "unimplemented")                                   \
    E(POLICY, -1004, "refused by policy", 412, "failed_precondition")                              \
    E(LIMIT, -1005, "limit exceeded", 429, "resource_exhausted")                                   \
    E(STATE, -1006, "not possible in this state", 412, "failed_precondition")                      \
    E(AUTH, -1007, "not authorised", 401, "unauthenticated")                                       \
    E(STALE, -1008, "out of date", 409, "aborted")                                                 \
    E(IGNORED, -1009, "dropped on purpose", 200, "ok")                                             \
    E(CLOSED, -1010, "closed", 503, "unavailable")                                                 \
    E(BUG, -1011, "internal error", 500, "internal")

enum aura_err {
    AURA_OK = 0,
#define AURA_ERR_ENUM(name, value, text, http, twirp) AURA_E##name = (value),
    AURA_ERR_TABLE(AURA_ERR_ENUM)
#undef AURA_ERR_ENUM
};

/** Text of a code for people; never NULL. */
const char *aura_err_text(int err);
/** Symbolic name ("NOMEM") for metrics and logs; never NULL. */
const char *aura_err_name(int err);
/** HTTP status that fits a code; 200 for 0, 500 for unknown codes. */
int aura_err_http(int err);
/** Twirp error code that fits; "internal" for unknown codes. */
const char *aura_err_twirp(int err);

/** Prints where and why, then aborts. For broken invariants of our own, never for peer input. */
__attribute__((noreturn)) void aura_bug(const char *file, int line, const char *what);

#define AURA_BUG_ON(cond)                                                                          \
    do {                                                                                           \
        if (__builtin_expect(!!(cond), 0)) {                                                       \
            aura_bug(__FILE__, __LINE__, #cond);                                                   \
        }                                                                                          \
    } while (0)

/** API misuse: loud in debug builds, soft in release builds. */
#ifdef NDEBUG
#define AURA_REQUIRE(cond, ret)                                                                    \
    do {                                                                                           \
        if (!(cond)) {                                                                             \
            return ret;                                                                            \
        }                                                                                          \
    } while (0)
#else
#define AURA_REQUIRE(cond, ret) AURA_BUG_ON(!(cond))
#endif

#endif
