/* SPDX-License-Identifier: Apache-2.0 */
/* Who asks below /aura/v1, and for whom. */
#include "api/aura_v1_priv.h"

#include "api/meet_priv.h"
#include "api/web_session.h"
#include "room/identity.h"

#include <string.h>

static int deny(struct aura_v1_error *why, int err, int status, const char *code,
                const char *message) {
    *why = (struct aura_v1_error){status, code, message, 0};
    return err;
}

static int deny_directory(struct aura_v1_error *why, int err) {
    if (err == AURA_ELIMIT) {
        return deny(why, err, 503, "full",
                    "the directory of AuraIDs is full: the operator raises "
                    "auraid.max_identities");
    }
    return err == AURA_EINVAL
               ? deny(why, err, 400, "bad_request",
                      "the token's identity or name is longer than 256 bytes")
               : deny(why, err, 503, "unavailable",
                      "the directory does not answer: try again later; the server's log says why");
}

/* A person's or an agent's own token: the identity that a join with it has. */
static int take_own(struct aura_server *s, struct aura_v1_caller *c, struct aura_v1_error *why) {
    struct aura_identity who;
    int err = aura_identity_of(s->conf.directory, &c->claims, &who, &c->created);
    if (err == AURA_EPOLICY) {
        return deny(why, err, 403, "nobody",
                    "the token is nobody's: it needs an identity, and none that is hidden or "
                    "records; an app's own token has roomCreate and roomList");
    }
    if (err) {
        return deny_directory(why, err);
    }
    s->auraids_created += c->created;
    c->who = who.id;
    c->kind = who.kind;
    c->is_somebody = true;
    return 0;
}

int aura__v1_app_knows(struct aura_server *s, const char *app, const struct aura_id *id) {
    static const enum aura_namespace both[] = {AURA_NAMESPACE_PEOPLE, AURA_NAMESPACE_AGENTS};
    char provider[AURA_PROVIDER_BYTES];
    int err = AURA_ENOENT;
    for (size_t i = 0; i < 2 && err == AURA_ENOENT; i++) {
        aura_identity_provider(both[i], app, provider);
        err = aura_directory_known_by(s->conf.directory, id, provider);
    }
    return err;
}

/* Whether there is nobody of that name or the app does not know them: the answer is the same. */
static int take_other(struct aura_server *s, struct aura_v1_caller *c, const char *as,
                      struct aura_v1_error *why) {
    static const char nobody[] = "this app knows nobody of that AuraID: POST /aura/v1/ids tells "
                                 "the AuraID of one of its identities";
    struct aura_identity who;
    if (aura_id_parse(&c->who, as, strlen(as))) {
        return deny(why, AURA_EINVAL, 400, "bad_request", "?as= is no AuraID (@name.aura)");
    }
    int err = aura__v1_app_knows(s, c->app, &c->who);
    err = err ? err : aura_directory_get(s->conf.directory, &c->who, &who);
    if (err) {
        return err == AURA_ENOENT ? deny(why, err, 404, "not_found", nobody)
                                  : deny_directory(why, err);
    }
    c->kind = who.kind;
    c->is_somebody = true;
    return 0;
}

static int identify(struct aura_server *s, const struct aura_http_req *req,
                    struct aura_v1_caller *c, struct aura_v1_error *why) {
    const char *as = aura_http_query(req, "as");
    c->app = c->claims.api_key;
    c->admin = c->claims.video.room_create && c->claims.video.room_list;
    if (as && !c->admin) {
        return deny(why, AURA_EPOLICY, 403, "forbidden",
                    "?as= is for an app's own token: one with roomCreate and roomList");
    }
    return as ? take_other(s, c, as, why) : c->admin ? 0 : take_own(s, c, why);
}

/* ---- who is signed in ---- */

/* A form or a script of another origin must not act as who looks at it. */
static int forged(const struct aura_http_req *req, bool upgrade, struct aura_v1_error *why) {
    const char *method = aura_http_method(req);
    bool reads = strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0;
    size_t len;
    (void)aura_http_body(req, &len);
    if ((upgrade || !reads) && !aura_web_is_own_page(req)) {
        return deny(why, AURA_EPOLICY, 403, "foreign_page",
                    "only this server's own page may ask with a cookie; a proxy before it must "
                    "pass Host on");
    }
    if (len && !aura_web_is_json(req)) {
        return deny(why, AURA_EPOLICY, 415, "bad_type", "wanted Content-Type: application/json");
    }
    return 0;
}

/* @return also AURA_ENOENT: nobody is */
static int take_session(struct aura_server *s, const struct aura_http_req *req, bool upgrade,
                        struct aura_v1_caller *c, struct aura_v1_error *why) {
    struct aura_account account;
    int err = aura__accounts_who(s, req, &account, &c->session_id);
    if (err == AURA_ENOENT) {
        return err;
    }
    if (err) {
        return deny_directory(why, err);
    }
    err = forged(req, upgrade, why);
    if (err) {
        return err;
    }
    c->app = aura__meet_key(s);
    if (!c->app) {
        return deny(why, AURA_EAUTH, 503, "unavailable", "the server has no key for the app");
    }
    c->session = true;
    c->who = account.id;
    c->kind = AURA_ID_USER;
    c->is_somebody = true;
    return aura_http_query(req, "as")
               ? deny(why, AURA_EPOLICY, 403, "forbidden",
                      "?as= is for an app's own token: one with roomCreate and roomList")
               : 0;
}

int aura__v1_caller(struct aura_server *s, const struct aura_http_req *req, bool upgrade,
                    struct aura_v1_caller *out, struct aura_v1_error *why) {
    const char *text = "";
    *out = (struct aura_v1_caller){.is_somebody = false};
    aura_claims_init(&out->claims);
    if (!s->conf.directory) {
        return deny(why, AURA_ENOENT, 404, "disabled",
                    "this server gives no AuraIDs: auraid.enabled is false in its configuration");
    }
    if (!aura_http_header(req, "authorization") && !aura_http_query(req, "access_token")) {
        int none = take_session(s, req, upgrade, out, why);
        return none != AURA_ENOENT ? none
                                   : deny(why, AURA_EAUTH, 401, "unauthorized",
                                          "no token: sign in, or give the one that you join rooms "
                                          "with, or an app's own, as "
                                          "Authorization: Bearer TOKEN");
    }
    int err = aura__authorize(s, req, &out->claims, &text);
    if (err) {
        return err == AURA_EAUTH ? deny(why, err, 401, "unauthorized", text)
                                 : deny(why, err, 503, "unavailable", aura_err_text(err));
    }
    err = identify(s, req, out, why);
    if (err) {
        aura__v1_caller_clear(out);
    }
    return err;
}

void aura__v1_caller_clear(struct aura_v1_caller *c) {
    aura_claims_clear(&c->claims);
    *c = (struct aura_v1_caller){.is_somebody = false};
    aura_claims_init(&c->claims);
}
