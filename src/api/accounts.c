/* SPDX-License-Identifier: Apache-2.0 */
/* Accounts of the Meet app: who is signed in, and what they may ask for below /meet/v1. How one
 * gets in is in accounts_passkey.c and accounts_password.c. */
#include "api/accounts_priv.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/password.h"

#include <stdio.h>
#include <string.h>

enum {
    IDLE_S = 7 * 24 * 3600,
    ALL_S = 30 * 24 * 3600,
    SESSIONS_MAX = 100000,
};

static void on_ended(void *arg, const struct aura_web_session *session) {
    struct aura__accounts *a = arg;
    AURA_LIST_EACH(&a->watches, struct aura__session_watch, w, node) {
        if (w->session == session->id) {
            aura_node_remove(&w->node);
            w->ended(w);
        }
    }
}

int aura__accounts_new(struct aura__accounts **ap, struct aura_server *s) {
    if (!s->conf.meet || s->conf.meet->accounts == AURA_MEET_ACCOUNTS_OFF || !s->conf.directory) {
        return 0;
    }
    struct aura__accounts *a = aura_zalloc(sizeof(*a));
    if (!a) {
        return AURA_ENOMEM;
    }
    const struct aura_web_sessions_conf conf = {.kind = "account",
                                                .idle_us = IDLE_S * AURA_US_PER_S,
                                                .all_us = ALL_S * AURA_US_PER_S,
                                                .max = SESSIONS_MAX,
                                                .clock = aura_loop_clock(s->loop),
                                                .rand = s->conf.rand,
                                                .ended = on_ended,
                                                .arg = a};
    a->server = s;
    aura_list_init(&a->watches);
    int err = aura_web_sessions_new(&a->sessions, &conf);
    err = err ? err : aura_challenges_new(&a->challenges, s->conf.rand);
    err = err ? err : aura_passwords_new(&a->passwords, aura_http_uv(s->http));
    if (err) {
        aura__accounts_free(a);
        return err;
    }
    *ap = a;
    return 0;
}

struct aura__accounts *aura__accounts_free(struct aura__accounts *a) {
    if (a) {
        aura_passwords_free(a->passwords); /* who waits for one is answered */
        aura_web_sessions_free(a->sessions);
        AURA_LIST_EACH(&a->watches, struct aura__session_watch, w, node) {
            aura_node_remove(&w->node);
        }
        aura_challenges_free(a->challenges);
        aura_free(a);
    }
    return NULL;
}

/* ---- who is signed in ---- */

int aura__accounts_who(struct aura_server *s, const struct aura_http_req *req,
                       struct aura_account *out, uint64_t *session_id) {
    const struct aura_web_session *session =
        s->accounts ? aura_web_session_of(s->accounts->sessions, req) : NULL;
    if (!session) {
        return AURA_ENOENT;
    }
    uint64_t id = session->id;
    int err = aura_account_by_handle(s->conf.directory, session->who, out);
    if (err == AURA_ENOENT) {
        aura_web_session_end(s->accounts->sessions, id, false, NULL);
    } else if (session_id) {
        *session_id = id;
    }
    return err;
}

void aura__accounts_watch(struct aura_server *s, struct aura__session_watch *w) {
    aura_list_add(&s->accounts->watches, &w->node);
}

json_t *aura__accounts_view(struct aura_server *s, const struct aura_id *id) {
    char text[AURA_ID_BYTES_MAX];
    struct aura_identity who;
    int err = aura_directory_get(s->conf.directory, id, &who);
    return err ? NULL
               : json_pack("{s:s, s:s}", "id", aura_id_text(id, text), "display", who.display);
}

int aura__accounts_begin(struct aura_server *s, const struct aura_id *id, const char *handle,
                         bool secure, char set_cookie[AURA_WEB_SESSION_COOKIE_MAX]) {
    const struct aura_web_session *session;
    int err = aura__meet_prove(s, id);
    err = err ? err
              : aura_web_session_begin(s->accounts->sessions, handle, secure, set_cookie, &session);
    s->accounts->signed_in += !err;
    return err;
}

void aura__accounts_welcome(struct aura_server *s, struct aura_http_req *req, int status,
                            const struct aura_account *a) {
    char cookie[AURA_WEB_SESSION_COOKIE_MAX];
    json_t *view = aura__accounts_view(s, &a->id);
    int err = view ? aura__accounts_begin(s, &a->id, a->handle, aura_http_is_secure(req), cookie)
                   : AURA_ENOMEM;
    err = err ? err : aura_http_answer_header(req, "set-cookie", cookie);
    aura_wipe(cookie, sizeof(cookie));
    if (err) {
        json_decref(view);
        aura__meet_refuse(s, req, 503, "unavailable", "nobody can sign in now: try again later");
    } else {
        aura__meet_respond(req, status, view);
    }
}

/* The other tabs and devices of the person stay signed in. */
static void sign_out(struct aura_server *s, struct aura_http_req *req) {
    char cookie[AURA_WEB_SESSION_COOKIE_MAX];
    struct aura_web_sessions *all = s->accounts->sessions;
    const struct aura_web_session *session = aura_web_session_of(all, req);
    if (session) {
        aura_web_session_end(all, session->id, aura_http_is_secure(req), cookie);
        (void)aura_http_answer_header(req, "set-cookie", cookie);
    }
    aura__meet_respond(req, 200, json_object());
}

void aura__accounts_forget(struct aura_server *s, const struct aura_id *id) {
    struct aura_account a;
    if (s->accounts && aura_account_by_name(s->conf.directory, id, &a) == 0) {
        aura_web_sessions_end_of(s->accounts->sessions, a.handle, 0);
    }
}

void aura__accounts_stats(const struct aura_server *s, struct aura__accounts_stats *out) {
    const struct aura__accounts *a = s->accounts;
    *out = (struct aura__accounts_stats){.sessions = 0};
    if (a) {
        *out = (struct aura__accounts_stats){.sessions = aura_web_sessions_count(a->sessions),
                                             .signed_up = a->signed_up,
                                             .signed_in = a->signed_in,
                                             .refused = a->refused};
    }
}

/* ---- what requests have in common ---- */

void aura__accounts_handle(const uint8_t bytes[16], char out[AURA_ACCOUNT_HANDLE_BYTES]) {
    for (size_t i = 0; i < 16; i++) {
        (void)snprintf(out + 2 * i, 3, "%02x", bytes[i]);
    }
}

int aura__accounts_name(const json_t *body, struct aura_id *out) {
    static const char suffix[] = ".aura";
    char text[AURA_ID_BYTES_MAX + sizeof(suffix)];
    const char *name = aura__meet_text(body, "name", AURA_ID_BYTES_MAX - 1);
    if (!name) {
        return AURA_EMALFORMED;
    }
    size_t n = strlen(name), tail = sizeof(suffix) - 1;
    bool whole = n > tail && strcmp(name + n - tail, suffix) == 0;
    (void)snprintf(text, sizeof(text), "%s%s", name, whole ? "" : suffix);
    return aura_id_parse(out, text, strlen(text));
}

bool aura__accounts_admit(struct aura_server *s, struct aura_http_req *req) {
    struct aura_addr from = aura_http_remote(req);
    uint32_t wait_s = aura_gate_take(s->gate, &from, AURA_GATE_SIGN_INS, s->conf.rates,
                                     aura_now_us(aura_loop_clock(s->loop)));
    if (wait_s) {
        aura__meet_refuse_for_now(s, req, wait_s, "too many sign-ins from your address");
    }
    return wait_s == 0;
}

void aura__accounts_refuse_new(struct aura_server *s, struct aura_http_req *req, int err) {
    if (err == AURA_EEXISTS) {
        aura__meet_refuse(s, req, 409, "taken", "that AuraID is somebody's: choose another name");
    } else if (err == AURA_ELIMIT) {
        aura__meet_refuse(s, req, 503, "full",
                          "the directory of AuraIDs is full: the operator raises "
                          "auraid.max_identities");
    } else {
        AURA_LOG_LIMITED("meet", AURA_LOG_WARN, "no_account", AURA_S("why", aura_err_text(err)));
        aura__meet_refuse(s, req, 503, "unavailable", "no account can be made now: try later");
    }
}

/* ---- routes ---- */

static const struct {
    const char *what;
    bool makes; /* an account: where nobody new may sign up there is none of it */
    void (*fn)(struct aura_server *s, struct aura_http_req *req, const json_t *body);
} routes[] = {
    {"sign-up/password", true, aura__password_sign_up},
    {"sign-up/passkey/begin", true, aura__passkey_begin},
    {"sign-up/passkey", true, aura__passkey_make},
    {"sign-in/password", false, aura__password_sign_in},
    {"sign-in/passkey/begin", false, aura__passkey_ask},
    {"sign-in/passkey", false, aura__passkey_sign_in},
};

bool aura__accounts_path(const char *what) {
    for (size_t i = 0; i < sizeof(routes) / sizeof(routes[0]); i++) {
        if (strcmp(what, routes[i].what) == 0) {
            return true;
        }
    }
    return strcmp(what, "sign-out") == 0;
}

void aura__accounts_request(struct aura_server *s, struct aura_http_req *req, const char *what,
                            const json_t *body) {
    if (!s->accounts) {
        aura__meet_refuse(s, req, 403, "no_accounts", "there are no accounts here (meet.accounts)");
        return;
    }
    if (strcmp(what, "sign-out") == 0) {
        sign_out(s, req);
        return;
    }
    size_t i = 0;
    while (strcmp(what, routes[i].what) != 0) {
        i++;
    }
    if (routes[i].makes && s->conf.meet->accounts != AURA_MEET_ACCOUNTS_OPEN) {
        aura__meet_refuse(s, req, 403, "no_sign_up", "nobody new can sign up (meet.accounts)");
    } else if (aura__accounts_admit(s, req)) {
        routes[i].fn(s, req, body);
    }
}
