/* SPDX-License-Identifier: Apache-2.0 */
/* /aura/v1/account: how somebody gets in to the Meet app. For who is signed in there and nobody
 * else: an app that could add a passkey by a token would be the person for good. */
#include "api/accounts_priv.h"
#include "api/aura_v1_priv.h"

#include <string.h>

static const char missing[] = "this account has no such passkey: GET /aura/v1/account tells those "
                              "it has";

/* @return false: it has been answered why not */
static bool own(struct aura_v1_request *r, struct aura_account *out) {
    if (!r->caller.session) {
        aura__v1_refuse(r, 403, "session_only",
                        "accounts are changed by who is signed in to the app, and by no token");
        return false;
    }
    int err = aura_account_by_name(r->s->conf.directory, &r->caller.who, out);
    if (err) {
        aura__v1_refuse_err(r, err, "there is no such account any more: sign up again");
    }
    return !err;
}

/* Somebody's browser that is left open for a minute must not be enough to be them for ever.
 * @return false: it has been answered */
static bool fresh(struct aura_v1_request *r) {
    const struct aura_web_session *session =
        aura_web_session_by_id(r->s->accounts->sessions, r->caller.session_id);
    uint64_t now_us = aura_now_us(aura_loop_clock(r->s->loop));
    uint64_t within_us = r->s->conf.meet->fresh_sign_in_s * AURA_US_PER_S;
    bool is = session && now_us - session->begun_us < within_us;
    if (!is) {
        aura__v1_refuse(r, 403, "sign_in_again",
                        "that is for who has just signed in: sign in again (meet.fresh_sign_in)");
    }
    return is;
}

/* ---- looking ---- */

static void add_key(void *arg, const struct aura_passkey *p) {
    json_array_append_new(arg, aura__passkey_view(p));
}

static void get_account(struct aura_v1_request *r) {
    struct aura_account a;
    if (!own(r, &a)) {
        return;
    }
    json_t *keys = json_array();
    int err = keys ? aura_passkeys(r->s->conf.directory, a.handle, add_key, keys) : AURA_ENOMEM;
    if (err) {
        json_decref(keys);
        aura__v1_refuse_err(r, err, missing);
        return;
    }
    size_t sessions = aura_web_sessions_count_of(r->s->accounts->sessions, a.handle);
    aura__v1_respond(r, 200,
                     json_pack("{s:b, s:I, s:o, s:I}", "password", (int)(a.password[0] != 0),
                               "created_us", (json_int_t)a.created_us, "passkeys", keys, "sessions",
                               (json_int_t)sessions));
}

/* ---- passkeys ---- */

/* @return false: it has been answered why not */
static bool name_of(struct aura_v1_request *r, const struct aura_v1_field *f) {
    const char *text = aura__v1_text(f, "");
    bool fine = *text && strspn(text, " ") < strlen(text);
    for (const char *at = text; *at; at++) {
        fine = fine && (unsigned char)*at >= 0x20 && *at != 0x7f;
    }
    if (!fine) {
        aura__v1_refuse(r, 400, "bad_request",
                        "\"name\" is a text of 1 to 64 bytes without control characters");
    }
    return fine;
}

static void begin_passkey(struct aura_v1_request *r) {
    struct aura_account a;
    if (own(r, &a) && fresh(r) && aura__v1_fields(r, NULL, 0) &&
        aura__accounts_admit(r->s, r->req)) {
        aura__passkey_begin_more(r->s, r->req, &a);
    }
}

static void add_passkey(struct aura_v1_request *r) {
    enum { NAME, CLIENT, AUTHENTICATOR, FIELDS };
    struct aura_v1_field f[FIELDS] = {
        [NAME] = {"name", JSON_STRING, true, AURA_PASSKEY_NAME_BYTES_MAX, NULL},
        [CLIENT] = {"client_data", JSON_STRING, true, AURA_MEET_BODY_BYTES_MAX, NULL},
        [AUTHENTICATOR] = {"authenticator_data", JSON_STRING, true, AURA_MEET_BODY_BYTES_MAX,
                           NULL}};
    struct aura_account a;
    if (own(r, &a) && fresh(r) && aura__v1_fields(r, f, FIELDS) && name_of(r, &f[NAME]) &&
        aura__accounts_admit(r->s, r->req)) {
        aura__passkey_make_more(r->s, r->req, &a, aura__v1_text(&f[NAME], ""), r->body);
    }
}

struct search {
    const char *path;
    uint8_t id[AURA_PASSKEY_ID_BYTES_MAX];
    size_t len;
};

static void look(void *arg, const struct aura_passkey *p) {
    struct search *s = arg;
    char path[AURA_PASSKEY_PATH_BYTES];
    aura__passkey_path(p->id, p->id_len, path);
    if (strcmp(path, s->path) == 0 && p->id_len <= sizeof(s->id)) {
        memcpy(s->id, p->id, p->id_len);
        s->len = p->id_len;
    }
}

/* @return 0, AURA_ENOENT, AURA_EIO */
static int find(struct aura_v1_request *r, const struct aura_account *a, struct search *out) {
    out->path = r->param[0];
    out->len = 0;
    int err = aura_passkeys(r->s->conf.directory, a->handle, look, out);
    return err ? err : out->len ? 0 : AURA_ENOENT;
}

static void rename_passkey(struct aura_v1_request *r) {
    struct aura_v1_field name = {"name", JSON_STRING, true, AURA_PASSKEY_NAME_BYTES_MAX, NULL};
    struct aura_account a;
    struct search s;
    if (!own(r, &a) || !aura__v1_fields(r, &name, 1) || !name_of(r, &name)) {
        return;
    }
    int err = find(r, &a, &s);
    err = err ? err
              : aura_passkey_rename(r->s->conf.directory, a.handle, s.id, s.len,
                                    aura__v1_text(&name, ""));
    if (err) {
        aura__v1_refuse_err(r, err, missing);
    } else {
        aura__v1_done(r);
    }
}

static void drop_passkey(struct aura_v1_request *r) {
    struct aura_account a;
    struct search s;
    if (!own(r, &a) || !fresh(r)) {
        return;
    }
    int err = find(r, &a, &s);
    err = err ? err : aura_passkey_drop(r->s->conf.directory, a.handle, s.id, s.len);
    if (err == AURA_ESTATE) {
        aura__v1_refuse(r, 409, "last",
                        "it is the only way in: add another passkey or a password first");
    } else if (err) {
        aura__v1_refuse_err(r, err, missing);
    } else {
        aura__v1_done(r);
    }
}

/* ---- password, sessions ---- */

/* Who has one shows it; a first one is for who has just signed in by a passkey. */
static void put_password(struct aura_v1_request *r) {
    enum { NEXT, CURRENT, FIELDS };
    struct aura_v1_field f[FIELDS] = {
        [NEXT] = {"password", JSON_STRING, true, AURA_MEET_BODY_BYTES_MAX, NULL},
        [CURRENT] = {"current", JSON_STRING, false, AURA_MEET_BODY_BYTES_MAX, NULL}};
    struct aura_account a;
    if (own(r, &a) && (a.password[0] || fresh(r)) && aura__v1_fields(r, f, FIELDS) &&
        aura__accounts_admit(r->s, r->req)) {
        aura__password_change(r->s, r->req, &a, r->caller.session_id, r->body);
    }
}

static void sign_out_others(struct aura_v1_request *r) {
    struct aura_account a;
    if (own(r, &a) && aura__v1_fields(r, NULL, 0)) {
        aura_web_sessions_end_of(r->s->accounts->sessions, a.handle, r->caller.session_id);
        aura__v1_done(r);
    }
}

static const struct aura_v1_route list[] = {
    {"GET", "/aura/v1/account", AURA_V1_TOKEN, get_account},
    {"POST", "/aura/v1/account/passkeys/begin", AURA_V1_TOKEN, begin_passkey},
    {"POST", "/aura/v1/account/passkeys", AURA_V1_TOKEN, add_passkey},
    {"PATCH", "/aura/v1/account/passkeys/{key}", AURA_V1_TOKEN, rename_passkey},
    {"DELETE", "/aura/v1/account/passkeys/{key}", AURA_V1_TOKEN, drop_passkey},
    {"PUT", "/aura/v1/account/password", AURA_V1_TOKEN, put_password},
    {"POST", "/aura/v1/account/sign-out-others", AURA_V1_TOKEN, sign_out_others},
};

const struct aura_v1_routes aura__v1_account = {list, sizeof(list) / sizeof(list[0])};
