/* SPDX-License-Identifier: Apache-2.0 */
/* /aura/v1/links: the proofs that lead to one AuraID. Who shows the tokens of two apps is one
 * person in both from then on. */
#include "api/aura_v1_priv.h"

#include "room/identity.h"

#include <string.h>

enum { TOKEN_BYTES_MAX = 32 * 1024 /* of the other app's, inside the body */ };

static const char missing[] = "this AuraID has no such link: GET /aura/v1/links tells those it has";

static void add_link(void *arg, const struct aura_proof *proof) {
    json_array_append_new(
        arg, json_pack("{s:s, s:s}", "provider", proof->provider, "subject", proof->subject));
}

static void list_links(struct aura_v1_request *r) {
    json_t *list = json_array();
    int err = list ? aura_directory_links(r->s->conf.directory, &r->caller.who, add_link, list)
                   : AURA_ENOMEM;
    if (err) {
        json_decref(list);
        aura__v1_refuse_err(r, err, missing);
    } else {
        aura__v1_respond(r, 200, json_pack("{s:o}", "links", list));
    }
}

/* @param c  of the other token, which is valid */
static void link_claims(struct aura_v1_request *r, const struct aura_claims *c) {
    struct aura_token_proof p;
    if (aura_identity_proof(c, &p)) {
        aura__v1_refuse(r, 400, "nobody",
                        "the other token is nobody's: it needs an identity, and none that is "
                        "hidden or records");
        return;
    }
    if (p.kind != r->caller.kind) {
        aura__v1_refuse(r, 400, "bad_request", "a person and an agent are never one");
        return;
    }
    int err = aura_directory_link(r->s->conf.directory, &r->caller.who, &p.proof);
    if (err) {
        aura__v1_refuse_err(r, err, missing);
    } else {
        aura__v1_respond(
            r, 200,
            json_pack("{s:s, s:s}", "provider", p.proof.provider, "subject", p.proof.subject));
    }
}

static void link_token(struct aura_v1_request *r) {
    struct aura_v1_field f = {"token", JSON_STRING, true, TOKEN_BYTES_MAX, NULL};
    struct aura_claims claims;
    const char *why;
    if (!aura__v1_fields(r, &f, 1)) {
        return;
    }
    const char *token = aura__v1_text(&f, "");
    int err =
        aura_token_verify(&claims, r->s->conf.keys, token, strlen(token), aura__now_s(r->s), &why);
    if (err == AURA_EAUTH) {
        aura__refused(r->s, r->req);
        aura__v1_refuse(r, 400, "bad_token", why);
    } else if (err) {
        aura__v1_refuse_err(r, err, missing);
    } else {
        link_claims(r, &claims);
        aura_claims_clear(&claims);
    }
}

static void drop_link(struct aura_v1_request *r) {
    const struct aura_proof proof = {aura_http_query(r->req, "provider"),
                                     aura_http_query(r->req, "subject")};
    if (!proof.provider || !proof.subject) {
        aura__v1_refuse(r, 400, "bad_request", "say which one: ?provider=…&subject=…");
        return;
    }
    int err = aura_directory_unlink(r->s->conf.directory, &r->caller.who, &proof);
    if (err) {
        aura__v1_refuse_err(r, err, missing);
    } else {
        aura__v1_done(r);
    }
}

static const struct aura_v1_route list[] = {
    {"GET", "/aura/v1/links", AURA_V1_SOMEBODY, list_links},
    {"DELETE", "/aura/v1/links", AURA_V1_SOMEBODY, drop_link},
    {"POST", "/aura/v1/links/livekit", AURA_V1_SOMEBODY, link_token},
};

const struct aura_v1_routes aura__v1_links = {list, sizeof(list) / sizeof(list[0])};
