/* SPDX-License-Identifier: Apache-2.0 */
/* Signing in and out, the first operator, one's own password. Passwords are hashed in threads, so
 * these answer later. */
#include "api/dash_priv.h"

#include "base/log.h"
#include "base/mem.h"

#include <stdio.h>
#include <string.h>

/** Who waits for a hash. */
struct waiting {
    struct aura__dash *d;
    struct aura_http_later *later;
    struct aura_addr address;
    uint64_t session;
    bool secure;
    char name[AURA_DASH_NAME_MAX + 1], from[AURA_ADDR_TEXT_MAX];
    char token[AURA_DASH_SETUP_LEN + 1], next[AURA_PASSWORD_BYTES_MAX + 1];
};

/* @return NULL: it has been answered why not */
static struct waiting *wait_for(struct dash_request *r, const char *name) {
    struct waiting *w = aura_zalloc(sizeof(*w));
    struct aura_http_later *later = w ? aura_http_later(r->req) : NULL;
    if (!later) {
        aura_free(w);
        aura__dash_refuse_err(r, AURA_ENOMEM, "");
        return NULL;
    }
    w->d = r->d;
    w->later = later;
    w->address = aura_http_remote(r->req);
    w->session = r->session;
    w->secure = r->secure;
    (void)snprintf(w->name, sizeof(w->name), "%s", name);
    (void)snprintf(w->from, sizeof(w->from), "%s", r->from);
    return w;
}

static void waiting_free(struct waiting *w) {
    aura_wipe(w, sizeof(*w));
    aura_free(w);
}

static void busy(struct waiting *w) {
    aura__dash_later_refuse(w->later, 503, "unavailable",
                            "too many passwords are checked now: try again in a moment");
    waiting_free(w);
}

/* ---- a session ---- */

static json_t *session_json(struct aura__dash *d, const char *name, enum aura_dash_role role,
                            uint64_t expires_us) {
    uint64_t count = 0, now_us = aura_now_us(aura_loop_clock(d->s->loop));
    (void)!aura_dash_operator_count(d->store, &count);
    json_t *who = name ? json_pack("{s:s, s:s}", "name", name, "role", aura_dash_role_name(role))
                       : json_null();
    return json_pack("{s:o, s:b, s:o}", "operator", who, "set_up", count > 0, "expires_us",
                     name ? json_integer((json_int_t)(aura__dash_now_us(d) + expires_us - now_us))
                          : json_null());
}

static void get(struct dash_request *r) {
    const struct aura_web_session *session =
        r->session ? aura_web_session_by_id(r->d->sessions, r->session) : NULL;
    aura__dash_respond(r, 200,
                       session_json(r->d, session ? r->who.name : NULL, r->who.role,
                                    session ? session->expires_us : 0));
}

/* Signs in and answers. */
static void begin(struct waiting *w, int status, enum aura_dash_role role) {
    char cookie[AURA_WEB_SESSION_COOKIE_MAX];
    const struct aura_web_session *session;
    int err = aura_web_session_begin(w->d->sessions, w->name, w->secure, cookie, &session);
    if (!err) {
        err = aura_http_later_header(w->later, "set-cookie", cookie);
        aura_wipe(cookie, sizeof(cookie));
    }
    if (err) {
        aura__dash_later_refuse(w->later, 503, "unavailable", "out of memory: try again later");
        return;
    }
    aura_dash_operator_seen(w->d->store, w->name);
    aura__dash_later(w->later, status, session_json(w->d, w->name, role, session->expires_us));
}

/* ---- signing in ---- */

/* So that nobody can write the log full; the server's own has them all, within its own bounds. */
static bool may_log_failure(struct aura__dash *d) {
    uint64_t now_us = aura_now_us(aura_loop_clock(d->s->loop));
    uint64_t from_us = d->failures_free_us > now_us ? d->failures_free_us : now_us;
    uint64_t then_us = from_us + DASH_FAILURES_EVERY_S * AURA_US_PER_S;
    if (then_us - now_us >
        (uint64_t)DASH_FAILURES_AT_ONCE * DASH_FAILURES_EVERY_S * AURA_US_PER_S) {
        return false;
    }
    d->failures_free_us = then_us;
    return true;
}

static void failed(struct waiting *w) {
    AURA_LOG_LIMITED("dashboard", AURA_LOG_WARN, "sign_in_failed", AURA_S("operator", w->name),
                     AURA_S("from", w->from));
    if (may_log_failure(w->d)) {
        aura__dash_audit_of(w->d, "", w->from, "session.sign_in_failed", w->name, "");
    }
    aura__dash_later_refuse(w->later, 401, "bad_credentials",
                            "no such operator, or another password");
}

static void on_signed_in(void *arg, int err, const char *hash) {
    struct waiting *w = arg;
    struct aura_dash_operator o;
    (void)hash;
    /* Who was removed meanwhile is nobody. */
    err = err ? err : aura_dash_operator_get(w->d->store, w->name, &o);
    if (err == AURA_EAUTH || err == AURA_ENOENT) {
        failed(w);
    } else if (err) {
        busy(w);
        return;
    } else {
        aura_attempts_right(w->d->attempts, &w->address, w->name);
        aura__dash_audit_of(w->d, w->name, w->from, "session.sign_in", "", "");
        begin(w, 200, o.role);
    }
    aura_wipe(&o, sizeof(o));
    waiting_free(w);
}

static bool may_try(struct dash_request *r, const char *name) {
    struct aura_addr from = aura_http_remote(r->req);
    uint32_t wait_s =
        aura_attempts_take(r->d->attempts, &from, name, aura_now_us(aura_loop_clock(r->s->loop)));
    if (wait_s) {
        aura__dash_refuse_for(r, "too_many",
                              "too many attempts from your address or for this name: see "
                              "Retry-After",
                              wait_s);
    }
    return !wait_s;
}

static void sign_in(struct dash_request *r) {
    struct aura_rest_field f[] = {{"name", JSON_STRING, true, 256, NULL},
                                  {"password", JSON_STRING, true, AURA_PASSWORD_BYTES_MAX, NULL}};
    struct aura_dash_operator o = {.hash = ""};
    if (!aura__dash_fields(r, f, 2)) {
        return;
    }
    const char *name = aura_rest_text(&f[0], "");
    if (!may_try(r, name)) {
        return;
    }
    int err = aura_dash_is_name(name) ? aura_dash_operator_get(r->d->store, name, &o) : AURA_ENOENT;
    struct waiting *w = wait_for(r, name);
    if (w) {
        err = aura_passwords_verify(r->d->passwords, aura_rest_text(&f[1], ""), err ? NULL : o.hash,
                                    on_signed_in, w);
        if (err) {
            busy(w);
        }
    }
    aura_wipe(&o, sizeof(o));
}

static void sign_out(struct dash_request *r) {
    char cookie[AURA_WEB_SESSION_COOKIE_MAX];
    if (r->session) {
        aura__dash_audit(r, "session.sign_out", "", "");
    }
    aura_web_session_end(r->d->sessions, r->session, r->secure, cookie);
    (void)aura_http_answer_header(r->req, "set-cookie", cookie);
    aura__dash_done(r);
}

/* ---- the first operator ---- */

static void on_set_up(void *arg, int err, const char *hash) {
    struct waiting *w = arg;
    if (err) {
        busy(w);
        return;
    }
    /* Again, for another may have used the link meanwhile. */
    err = aura_dash_setup_check(w->d->store, w->token);
    err = err ? err : aura_dash_operator_first(w->d->store, w->name, hash);
    if (err == AURA_EAUTH) {
        aura__dash_later_refuse(w->later, 403, "bad_token",
                                "the link is no longer valid: auralink operator setup makes one");
    } else if (err == AURA_ESTATE) {
        aura__dash_later_refuse(w->later, 409, "conflict", "there is an operator already: sign in");
    } else if (err) {
        aura__dash_later_refuse(w->later, 503, "unavailable",
                                "the database does not answer: the server's log says why");
    } else {
        aura_dash_setup_end(w->d->store);
        aura_attempts_right(w->d->attempts, &w->address, "");
        aura__dash_audit_of(w->d, w->name, w->from, "operator.set_up", w->name, "admin");
        begin(w, 201, AURA_DASH_ADMIN);
    }
    waiting_free(w);
}

static void set_up(struct dash_request *r) {
    struct aura_rest_field f[] = {{"token", JSON_STRING, true, 128, NULL},
                                  {"name", JSON_STRING, true, AURA_DASH_NAME_MAX, NULL},
                                  {"password", JSON_STRING, true, AURA_PASSWORD_BYTES_MAX, NULL}};
    uint64_t count = 0;
    if (!aura__dash_fields(r, f, 3)) {
        return;
    }
    const char *token = aura_rest_text(&f[0], ""), *name = aura_rest_text(&f[1], "");
    int err = aura_dash_operator_count(r->d->store, &count);
    if (err) {
        aura__dash_refuse_err(r, err, "");
    } else if (count) {
        aura__dash_refuse(r, 409, "conflict", "there is an operator already: sign in");
    } else if (!may_try(r, "")) {
        return;
    } else if (strlen(token) != AURA_DASH_SETUP_LEN || aura_dash_setup_check(r->d->store, token)) {
        aura__dash_refuse(r, 403, "bad_token",
                          "the link is not valid, or no longer: auralink operator setup makes one");
    } else if (!aura_dash_is_name(name)) {
        aura__dash_refuse(r, 400, "bad_request",
                          "a name has 1 to 63 of a-z, 0-9, \".\", \"_\", \"@\" and \"-\"");
    } else {
        struct waiting *w = wait_for(r, name);
        if (w) {
            (void)snprintf(w->token, sizeof(w->token), "%s", token);
            err = aura_passwords_hash(r->d->passwords, aura_rest_text(&f[2], ""), on_set_up, w);
            if (err == AURA_EINVAL) {
                aura__dash_later_refuse(w->later, 400, "bad_request",
                                        "a password has 10 to 256 bytes");
                waiting_free(w);
            } else if (err) {
                busy(w);
            }
        }
    }
}

/* ---- one's own password ---- */

static void on_changed(void *arg, int err, const char *hash) {
    struct waiting *w = arg;
    err = err ? err : aura_dash_operator_change(w->d->store, w->name, NULL, hash);
    if (err) {
        busy(w);
        return;
    }
    aura_web_sessions_end_of(w->d->sessions, w->name, w->session);
    aura__dash_audit_of(w->d, w->name, w->from, "session.password", "", "");
    aura__dash_later(w->later, 204, NULL);
    waiting_free(w);
}

static void on_proved(void *arg, int err, const char *hash) {
    struct waiting *w = arg;
    (void)hash;
    if (err == AURA_EAUTH) {
        aura__dash_later_refuse(w->later, 401, "bad_credentials", "that is not your password");
        waiting_free(w);
        return;
    }
    err = err ? err : aura_passwords_hash(w->d->passwords, w->next, on_changed, w);
    if (err) {
        busy(w);
    }
}

static void change_password(struct dash_request *r) {
    struct aura_rest_field f[] = {{"current", JSON_STRING, true, AURA_PASSWORD_BYTES_MAX, NULL},
                                  {"new", JSON_STRING, true, AURA_PASSWORD_BYTES_MAX, NULL}};
    struct aura_dash_operator o = {.hash = ""};
    if (!aura__dash_fields(r, f, 2)) {
        return;
    }
    const char *next = aura_rest_text(&f[1], "");
    if (strlen(next) < AURA_PASSWORD_BYTES_MIN) {
        aura__dash_refuse(r, 400, "bad_request", "a password has 10 to 256 bytes");
        return;
    }
    if (!may_try(r, r->who.name)) {
        return;
    }
    int err = aura_dash_operator_get(r->d->store, r->who.name, &o);
    struct waiting *w = wait_for(r, r->who.name);
    if (w) {
        (void)snprintf(w->next, sizeof(w->next), "%s", next);
        err = aura_passwords_verify(r->d->passwords, aura_rest_text(&f[0], ""), err ? NULL : o.hash,
                                    on_proved, w);
        if (err) {
            busy(w);
        }
    }
    aura_wipe(&o, sizeof(o));
}

static const struct dash_route routes[] = {
    {"GET", "/api/v1/session", DASH_NOBODY, get},
    {"POST", "/api/v1/session", DASH_NOBODY, sign_in},
    {"DELETE", "/api/v1/session", DASH_NOBODY, sign_out},
    {"POST", "/api/v1/session/password", DASH_VIEW, change_password},
    {"POST", "/api/v1/setup", DASH_NOBODY, set_up},
};
DASH_ROUTES(aura__dash_session_routes, routes);
