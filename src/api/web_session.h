/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file web_session.h  Who is signed in with a browser: a cookie that names an entry of a table.
 *
 * One table for each kind of person ("operator", "account"); the cookie is named after it. It is
 * HttpOnly and SameSite=Strict; over TLS it is Secure too and named with the prefix __Host-, so
 * that no page of a neighbouring host can set it. The table keeps a hash of the cookie's value:
 * what is read from memory signs nobody in. Nothing is stored: sessions end with the process.
 *
 * Requests that change something must come from an own page (aura_web_is_own_page) and be JSON
 * (aura_web_is_json): a form or a script of another origin can be neither.
 *
 * Threading: one thread.
 */
#ifndef AURA_API_WEB_SESSION_H
#define AURA_API_WEB_SESSION_H

#include "api/http.h"
#include "base/clock.h"
#include "base/rand.h"

enum {
    AURA_WEB_SESSION_WHO_MAX = 128,    /* bytes of a name */
    AURA_WEB_SESSION_KIND_MAX = 32,    /* … of a kind */
    AURA_WEB_SESSION_COOKIE_MAX = 256, /* … of a Set-Cookie */
    AURA_WEB_SESSIONS_OF_ONE_MAX = 16, /* the one unused longest goes */
};

struct aura_web_sessions;

/** Read only; valid until it ends. */
struct aura_web_session {
    uint64_t id; /* never used again */
    char who[AURA_WEB_SESSION_WHO_MAX + 1];
    uint64_t begun_us;   /* of the clock's aura_now_us() */
    uint64_t expires_us; /* the same: moved on by each use */
};

struct aura_web_sessions_conf {
    const char *kind;         /* "operator": the cookie is aura_operator; a constant */
    uint64_t idle_us, all_us; /* unused for so long, and at most */
    size_t max;               /* at a time; the one unused longest goes */
    const struct aura_clock *clock;
    struct aura_rand *rand; /* the cookies' values: the system's */
    /* One ended, by sign-out, time or number; it is still readable. NULL = of no interest. */
    void (*ended)(void *arg, const struct aura_web_session *session);
    void *arg;
};

/** @return 0, AURA_ENOMEM, AURA_EINVAL (kind) */
AURA_NODISCARD int aura_web_sessions_new(struct aura_web_sessions **sp,
                                         const struct aura_web_sessions_conf *conf);
/** Ends all without telling. NULL is fine. Returns NULL. */
struct aura_web_sessions *aura_web_sessions_free(struct aura_web_sessions *s);

/**
 * Somebody has proved who they are.
 * @param secure  the request came over TLS (aura_http_is_secure)
 * @param set_cookie  out: value of the answer's Set-Cookie; a secret, wipe it
 * @return 0, AURA_ENOMEM, AURA_EINVAL (who)
 */
AURA_NODISCARD int aura_web_session_begin(struct aura_web_sessions *s, const char *who, bool secure,
                                          char set_cookie[AURA_WEB_SESSION_COOKIE_MAX],
                                          const struct aura_web_session **out);
/** Whose cookie that is, and it is in use. @param cookies  the request's Cookie; NULL = none came
 * @return NULL: nobody's */
const struct aura_web_session *aura_web_session_find(struct aura_web_sessions *s,
                                                     const char *cookies, bool secure);
/** The same for a request. */
const struct aura_web_session *aura_web_session_of(struct aura_web_sessions *s,
                                                   const struct aura_http_req *req);
/** One by its number; it counts as no use. @return NULL: it has ended */
const struct aura_web_session *aura_web_session_by_id(struct aura_web_sessions *s, uint64_t id);
/** Ends it. @param set_cookie  out: what has the browser forget the cookie; NULL = not wanted */
void aura_web_session_end(struct aura_web_sessions *s, uint64_t id, bool secure,
                          char set_cookie[AURA_WEB_SESSION_COOKIE_MAX]);
/** Ends all of somebody's but one. @param but_id  0 = none */
void aura_web_sessions_end_of(struct aura_web_sessions *s, const char *who, uint64_t but_id);
size_t aura_web_sessions_count_of(const struct aura_web_sessions *s, const char *who);
size_t aura_web_sessions_count(const struct aura_web_sessions *s);

/** It comes from a page of this server (Origin is Host), or from no page at all. Browsers name the
 * page's origin in each request that may change something, and in those for WebSockets. */
bool aura_web_is_own_page(const struct aura_http_req *req);
/** Content-Type is application/json, which no form can have. */
bool aura_web_is_json(const struct aura_http_req *req);

#endif
