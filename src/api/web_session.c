/* SPDX-License-Identifier: Apache-2.0 */
#include "api/web_session.h"

#include "base/list.h"
#include "base/map.h"
#include "base/mem.h"

#include <openssl/sha.h>
#include <stdio.h>
#include <string.h>

enum { VALUE_LEN = 43, NAME_BYTES = sizeof("__Host-aura_") + AURA_WEB_SESSION_KIND_MAX };
/* 43 of 62 characters: 256 bits. */

struct session {
    struct aura_web_session shown;
    struct aura_node node; /* the one unused longest first */
    uint64_t end_us;       /* at most */
    uint8_t hash[SHA256_DIGEST_LENGTH];
};

struct aura_web_sessions {
    struct aura_web_sessions_conf conf;
    struct aura_map *by_hash;
    struct aura_list used;
    uint64_t last_id;
};

int aura_web_sessions_new(struct aura_web_sessions **sp,
                          const struct aura_web_sessions_conf *conf) {
    if (!conf->kind[0] || strlen(conf->kind) > AURA_WEB_SESSION_KIND_MAX) {
        return AURA_EINVAL;
    }
    struct aura_web_sessions *s = aura_zalloc(sizeof(*s));
    int err = s ? aura_map_new(&s->by_hash, conf->max) : AURA_ENOMEM;
    if (err) {
        aura_free(s);
        return err;
    }
    s->conf = *conf;
    aura_list_init(&s->used);
    *sp = s;
    return 0;
}

static void forget(struct aura_web_sessions *s, struct session *e) {
    aura_node_remove(&e->node);
    aura_map_del(s->by_hash, e->hash, sizeof(e->hash));
    aura_wipe(e->hash, sizeof(e->hash));
    aura_free(e);
}

struct aura_web_sessions *aura_web_sessions_free(struct aura_web_sessions *s) {
    if (s) {
        for (struct session *e; (e = AURA_LIST_FIRST(&s->used, struct session, node));) {
            forget(s, e);
        }
        aura_map_free(s->by_hash);
        aura_free(s);
    }
    return NULL;
}

static void end(struct aura_web_sessions *s, struct session *e) {
    if (s->conf.ended) {
        s->conf.ended(s->conf.arg, &e->shown);
    }
    forget(s, e);
}

static void hash_of(const char *value, uint8_t out[SHA256_DIGEST_LENGTH]) {
    SHA256((const unsigned char *)value, strlen(value), out);
}

/* ---- time ---- */

/* The list is in the order of last use, so those that were unused too long are its first; those
 * that lasted too long may lie anywhere and go when they are looked at. */
static void expire(struct aura_web_sessions *s, uint64_t now_us) {
    AURA_LIST_EACH(&s->used, struct session, e, node) {
        if (e->shown.expires_us > now_us) {
            return;
        }
        end(s, e);
    }
}

static void use(struct aura_web_sessions *s, struct session *e, uint64_t now_us) {
    uint64_t until_us = now_us + s->conf.idle_us;
    e->shown.expires_us = until_us < e->end_us ? until_us : e->end_us;
    aura_node_remove(&e->node);
    aura_list_add(&s->used, &e->node);
}

/* ---- cookies ---- */

static void cookie_name(const struct aura_web_sessions *s, bool secure, char out[NAME_BYTES]) {
    (void)snprintf(out, NAME_BYTES, "%saura_%s", secure ? "__Host-" : "", s->conf.kind);
}

static void write_cookie(const struct aura_web_sessions *s, bool secure, const char *value,
                         uint64_t age_s, char out[AURA_WEB_SESSION_COOKIE_MAX]) {
    char name[NAME_BYTES];
    cookie_name(s, secure, name);
    (void)snprintf(out, AURA_WEB_SESSION_COOKIE_MAX,
                   "%s=%s; Path=/; Max-Age=%llu; HttpOnly; SameSite=Strict%s", name, value,
                   (unsigned long long)age_s, secure ? "; Secure" : "");
}

/* RFC 6265 section 4.2.1: name=value, parted by semicolons. @return false: it is not there */
static bool read_cookie(const char *cookies, const char *name, char value[VALUE_LEN + 1]) {
    size_t n = strlen(name);
    for (const char *at = cookies; *at;) {
        at += strspn(at, "; ");
        size_t len = strcspn(at, ";");
        if (len == n + 1 + VALUE_LEN && strncmp(at, name, n) == 0 && at[n] == '=') {
            memcpy(value, at + n + 1, VALUE_LEN);
            value[VALUE_LEN] = 0;
            return true;
        }
        at += len;
    }
    return false;
}

/* ---- sessions ---- */

static struct session *oldest_of(struct aura_web_sessions *s, const char *who, size_t *count) {
    struct session *oldest = NULL;
    *count = 0;
    AURA_LIST_EACH(&s->used, struct session, e, node) {
        if (strcmp(e->shown.who, who) == 0) {
            oldest = oldest ? oldest : e;
            ++*count;
        }
    }
    return oldest;
}

static void make_room(struct aura_web_sessions *s, const char *who) {
    size_t count;
    struct session *oldest = oldest_of(s, who, &count);
    if (count >= AURA_WEB_SESSIONS_OF_ONE_MAX) {
        end(s, oldest);
    }
    if (aura_map_count(s->by_hash) >= s->conf.max) {
        end(s, AURA_LIST_FIRST(&s->used, struct session, node));
    }
}

int aura_web_session_begin(struct aura_web_sessions *s, const char *who, bool secure,
                           char set_cookie[AURA_WEB_SESSION_COOKIE_MAX],
                           const struct aura_web_session **out) {
    char value[VALUE_LEN + 1];
    uint64_t now_us = aura_now_us(s->conf.clock);
    if (!who[0] || strlen(who) > AURA_WEB_SESSION_WHO_MAX) {
        return AURA_EINVAL;
    }
    struct session *e = aura_zalloc(sizeof(*e));
    if (!e) {
        return AURA_ENOMEM;
    }
    expire(s, now_us);
    make_room(s, who);
    aura_rand_text(s->conf.rand, value, VALUE_LEN);
    hash_of(value, e->hash);
    int err = aura_map_put(s->by_hash, e->hash, sizeof(e->hash), e);
    if (err) {
        aura_wipe(value, sizeof(value));
        aura_free(e);
        return err;
    }
    e->shown.id = ++s->last_id;
    e->shown.begun_us = now_us;
    e->end_us = now_us + s->conf.all_us;
    (void)snprintf(e->shown.who, sizeof(e->shown.who), "%s", who);
    use(s, e, now_us);
    write_cookie(s, secure, value, s->conf.all_us / AURA_US_PER_S, set_cookie);
    aura_wipe(value, sizeof(value));
    *out = &e->shown;
    return 0;
}

const struct aura_web_session *aura_web_session_find(struct aura_web_sessions *s,
                                                     const char *cookies, bool secure) {
    char name[NAME_BYTES], value[VALUE_LEN + 1];
    uint8_t hash[SHA256_DIGEST_LENGTH];
    uint64_t now_us = aura_now_us(s->conf.clock);
    expire(s, now_us);
    cookie_name(s, secure, name);
    if (!cookies || !read_cookie(cookies, name, value)) {
        return NULL;
    }
    hash_of(value, hash);
    aura_wipe(value, sizeof(value));
    struct session *e = aura_map_get(s->by_hash, hash, sizeof(hash));
    if (!e) {
        return NULL;
    }
    if (e->shown.expires_us <= now_us) {
        end(s, e);
        return NULL;
    }
    use(s, e, now_us);
    return &e->shown;
}

const struct aura_web_session *aura_web_session_of(struct aura_web_sessions *s,
                                                   const struct aura_http_req *req) {
    return aura_web_session_find(s, aura_http_header(req, "cookie"), aura_http_is_secure(req));
}

static struct session *by_id(struct aura_web_sessions *s, uint64_t id) {
    AURA_LIST_EACH(&s->used, struct session, e, node) {
        if (e->shown.id == id) {
            return e;
        }
    }
    return NULL;
}

const struct aura_web_session *aura_web_session_by_id(struct aura_web_sessions *s, uint64_t id) {
    struct session *e = by_id(s, id);
    if (e && e->shown.expires_us <= aura_now_us(s->conf.clock)) {
        end(s, e);
        e = NULL;
    }
    return e ? &e->shown : NULL;
}

void aura_web_session_end(struct aura_web_sessions *s, uint64_t id, bool secure,
                          char set_cookie[AURA_WEB_SESSION_COOKIE_MAX]) {
    struct session *e = by_id(s, id);
    if (set_cookie) {
        write_cookie(s, secure, "", 0, set_cookie);
    }
    if (e) {
        end(s, e);
    }
}

void aura_web_sessions_end_of(struct aura_web_sessions *s, const char *who, uint64_t but_id) {
    AURA_LIST_EACH(&s->used, struct session, e, node) {
        if (e->shown.id != but_id && strcmp(e->shown.who, who) == 0) {
            end(s, e);
        }
    }
}

size_t aura_web_sessions_count_of(const struct aura_web_sessions *s, const char *who) {
    size_t count = 0;
    AURA_LIST_EACH(&s->used, const struct session, e, node) {
        count += strcmp(e->shown.who, who) == 0;
    }
    return count;
}

size_t aura_web_sessions_count(const struct aura_web_sessions *s) {
    return aura_map_count(s->by_hash);
}

/* ---- what other origins cannot do ---- */

bool aura_web_is_own_page(const struct aura_http_req *req) {
    const char *origin = aura_http_header(req, "origin"), *host = aura_http_header(req, "host");
    const char *behind = origin ? strstr(origin, "://") : NULL;
    return !origin || (behind && host && strcmp(behind + 3, host) == 0);
}

bool aura_web_is_json(const struct aura_http_req *req) {
    static const char json[] = "application/json";
    const char *type = aura_http_header(req, "content-type");
    size_t n = sizeof(json) - 1;
    return type && strncmp(type, json, n) == 0 && (!type[n] || type[n] == ';' || type[n] == ' ');
}
