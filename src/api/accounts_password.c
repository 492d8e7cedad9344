/* SPDX-License-Identifier: Apache-2.0 */
/* Signing up and in by a password, for who has no passkey, and changing it. It is hashed in a
 * thread of its own (base/password.h), so the answer comes later. */
#include "api/accounts_priv.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/password.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    FREE_TRIES = 10, /* wrong passwords in a row; then they have to wait between two */
    WAIT_S = 30,
};

/** Somebody waits for a password to be looked at. */
struct job {
    struct aura_server *server;
    struct aura_http_later *later;
    struct aura_id id;
    char handle[AURA_ACCOUNT_HANDLE_BYTES]; /* "" = nobody's of that name */
    char display[AURA_MEET_NAME_BYTES_MAX + 1];
    bool secure;
    uint64_t session; /* of who changes it */
    char *next;       /* the new one, a secret; NULL = nothing is changed */
};

/* ---- answers ---- */

static void job_free(struct job *j) {
    if (j->next) {
        aura_wipe(j->next, strlen(j->next));
    }
    aura_free(j->next);
    aura_free(j);
}

static void answer(struct job *j, int status, json_t *body) {
    char *text = body ? json_dumps(body, JSON_COMPACT) : NULL;
    json_decref(body);
    (void)aura_http_later_header(j->later, "cache-control", "no-store");
    if (text) {
        aura_http_later_respond(j->later, status, "application/json", text, strlen(text));
    } else {
        aura_http_later_respond(j->later, 503, "text/plain", "", 0);
    }
    free(text); /* library's memory */
    job_free(j);
}

static void answer_refusal(struct job *j, int status, const char *code, const char *message) {
    j->server->meet_refused++;
    answer(j, status, json_pack("{s:s, s:s}", "code", code, "message", message));
}

static void answer_failure(struct job *j, int err) {
    AURA_LOG_LIMITED("meet", AURA_LOG_WARN, "no_password", AURA_S("why", aura_err_text(err)));
    answer_refusal(j, 503, "unavailable", "passwords cannot be looked at now: try again later");
}

static void answer_welcome(struct job *j, int status) {
    char cookie[AURA_WEB_SESSION_COOKIE_MAX];
    json_t *view = aura__accounts_view(j->server, &j->id);
    int err =
        view ? aura__accounts_begin(j->server, &j->id, j->handle, j->secure, cookie) : AURA_ENOMEM;
    err = err ? err : aura_http_later_header(j->later, "set-cookie", cookie);
    aura_wipe(cookie, sizeof(cookie));
    if (err) {
        json_decref(view);
        answer_failure(j, err);
    } else {
        answer(j, status, view);
    }
}

/* @return NULL: it has been answered */
static struct job *begin(struct aura_server *s, struct aura_http_req *req,
                         const struct aura_id *id) {
    struct job *j = aura_zalloc(sizeof(*j));
    struct aura_http_later *later = j ? aura_http_later(req) : NULL;
    if (!later) {
        aura_free(j);
        aura__meet_refuse(s, req, 503, "unavailable", "out of memory: try again later");
        return NULL;
    }
    j->server = s;
    j->later = later;
    j->id = *id;
    j->secure = aura_http_is_secure(req);
    return j;
}

static void not_begun(struct job *j, int err) {
    if (err == AURA_ELIMIT) {
        (void)aura_http_later_header(j->later, "retry-after", "1");
        answer_refusal(j, 429, "too_many", "too many sign in at this moment: see Retry-After");
    } else {
        answer_failure(j, err);
    }
}

/* ---- signing up ---- */

static void on_hash(void *arg, int err, const char *hash) {
    struct job *j = arg;
    const struct aura_account_new fresh = {
        .id = j->id, .display = j->display, .handle = j->handle, .password = hash};
    err = err ? err : aura_account_create(j->server->conf.directory, &fresh);
    if (err == AURA_EEXISTS) {
        answer_refusal(j, 409, "taken", "that AuraID is somebody's: choose another name");
    } else if (err) {
        answer_failure(j, err);
    } else {
        j->server->accounts->signed_up++;
        answer_welcome(j, 201);
    }
}

/* @return NULL: it has been answered why not */
static const char *new_password(struct aura_server *s, struct aura_http_req *req,
                                const json_t *body) {
    const json_t *value = json_object_get(body, "password");
    const char *password = json_string_value(value);
    size_t n = password ? json_string_length(value) : 0;
    if (n < AURA_PASSWORD_BYTES_MIN || n > AURA_PASSWORD_BYTES_MAX) {
        aura__meet_refuse(s, req, 400, "bad_password", "a password has 10 to 256 bytes");
        return NULL;
    }
    return password;
}

void aura__password_sign_up(struct aura_server *s, struct aura_http_req *req, const json_t *body) {
    uint8_t handle[16];
    struct aura_id id;
    struct aura_identity there;
    const char *display = aura__meet_text(body, "display", AURA_MEET_NAME_BYTES_MAX);
    bool named = aura__accounts_name(body, &id) == 0;
    if (!named || !display) {
        aura__meet_refuse(s, req, 400, named ? "bad_display" : "bad_name",
                          "wanted \"name\", 3 to 32 of a-z, 0-9, - and _, and \"display\"");
        return;
    }
    const char *password = new_password(s, req, body);
    int err = password ? aura_directory_get(s->conf.directory, &id, &there) : 0;
    if (password && err != AURA_ENOENT) {
        aura__accounts_refuse_new(s, req, err ? err : AURA_EEXISTS);
        return;
    }
    struct job *j = password ? begin(s, req, &id) : NULL;
    if (j) {
        aura_rand_bytes(s->conf.rand, handle, sizeof(handle));
        aura__accounts_handle(handle, j->handle);
        (void)snprintf(j->display, sizeof(j->display), "%s", display);
        err = aura_passwords_hash(s->accounts->passwords, password, on_hash, j);
        if (err) {
            not_begun(j, err);
        }
    }
}

/* ---- signing in ---- */

static void on_verified(void *arg, int err, const char *hash) {
    struct job *j = arg;
    (void)hash;
    if (!err && !j->handle[0]) {
        err = AURA_EAUTH; /* the one of nobody fits nothing, but this must not hang on that */
    }
    if (err == AURA_EAUTH) {
        j->server->accounts->refused++;
        answer_refusal(j, 403, "bad_credentials", "there is no such name and password");
        return;
    }
    err = err ? err : aura_account_tried(j->server->conf.directory, j->handle, true);
    if (err) {
        answer_failure(j, err);
    } else {
        answer_welcome(j, 200);
    }
}

/* Guessing is slow for each account, whatever addresses it comes from. A try counts as wrong until
 * it is known to be right, so that many at once are no way around. */
static bool may_try(struct aura_server *s, struct aura_http_req *req,
                    const struct aura_account *a) {
    uint64_t now_us = aura_wall_us(aura_loop_clock(s->loop));
    uint64_t next_us = a->tried_us + WAIT_S * AURA_US_PER_S;
    if (a->failures >= FREE_TRIES && now_us < next_us) {
        uint64_t wait_s = (next_us - now_us) / AURA_US_PER_S + 1;
        aura__meet_refuse_for_now(s, req, (uint32_t)wait_s, "too many wrong passwords");
        return false;
    }
    if (aura_account_tried(s->conf.directory, a->handle, false)) {
        aura__meet_refuse(s, req, 503, "unavailable", "the directory does not answer: try later");
        return false;
    }
    return true;
}

void aura__password_sign_in(struct aura_server *s, struct aura_http_req *req, const json_t *body) {
    const char *password = json_string_value(json_object_get(body, "password"));
    struct aura_id id;
    struct aura_account a = {.failures = 0};
    if (aura__accounts_name(body, &id) || !password) {
        aura__meet_refuse(s, req, 403, "bad_credentials", "there is no such name and password");
        return;
    }
    int err = aura_account_by_name(s->conf.directory, &id, &a);
    if (err && err != AURA_ENOENT) {
        aura__meet_refuse(s, req, 503, "unavailable", "the directory does not answer: try later");
        return;
    }
    bool there = !err && a.password[0];
    if (there && !may_try(s, req, &a)) {
        return;
    }
    struct job *j = begin(s, req, &id);
    if (j) {
        (void)snprintf(j->handle, sizeof(j->handle), "%s", there ? a.handle : "");
        err = aura_passwords_verify(s->accounts->passwords, password, there ? a.password : NULL,
                                    on_verified, j);
        if (err == AURA_EINVAL) {
            on_verified(j, AURA_EAUTH, NULL); /* too short or long to be one */
        } else if (err) {
            not_begun(j, err);
        }
    }
}

/* ---- changing ---- */

/* Who knew the old one is out from now on, wherever they are. */
static void on_next_hash(void *arg, int err, const char *hash) {
    struct job *j = arg;
    err = err ? err : aura_account_set_password(j->server->conf.directory, j->handle, hash);
    if (err) {
        answer_failure(j, err);
        return;
    }
    aura_web_sessions_end_of(j->server->accounts->sessions, j->handle, j->session);
    (void)aura_http_later_header(j->later, "cache-control", "no-store");
    aura_http_later_respond(j->later, 204, "application/json", "", 0);
    job_free(j);
}

static void hash_next(struct job *j) {
    int err = aura_passwords_hash(j->server->accounts->passwords, j->next, on_next_hash, j);
    if (err) {
        not_begun(j, err);
    }
}

static void on_current_verified(void *arg, int err, const char *hash) {
    struct job *j = arg;
    (void)hash;
    if (err == AURA_EAUTH) {
        j->server->accounts->refused++;
        answer_refusal(j, 403, "bad_credentials", "that is not the password until now");
        return;
    }
    err = err ? err : aura_account_tried(j->server->conf.directory, j->handle, true);
    if (err) {
        answer_failure(j, err);
    } else {
        hash_next(j);
    }
}

void aura__password_change(struct aura_server *s, struct aura_http_req *req,
                           const struct aura_account *a, uint64_t session, const json_t *body) {
    const char *current = json_string_value(json_object_get(body, "current"));
    const char *next = new_password(s, req, body);
    if (!next || (a->password[0] && !may_try(s, req, a))) {
        return;
    }
    struct job *j = begin(s, req, &a->id);
    if (!j) {
        return;
    }
    (void)snprintf(j->handle, sizeof(j->handle), "%s", a->handle);
    j->session = session;
    j->next = aura_strdup(next);
    if (!j->next) {
        answer_failure(j, AURA_ENOMEM);
    } else if (!a->password[0]) {
        hash_next(j);
    } else {
        int err = aura_passwords_verify(s->accounts->passwords, current ? current : "", a->password,
                                        on_current_verified, j);
        if (err == AURA_EINVAL) {
            on_current_verified(j, AURA_EAUTH, NULL); /* too short or long to be one */
        } else if (err) {
            not_begun(j, err);
        }
    }
}
