/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file aura_v1_priv.h  REST below /aura/v1: routes, who asks, JSON in and out.
 *
 * A handler is one function in a table of routes; it answers by one of the functions here before it
 * returns (or takes aura_http_later(r->req)). Bodies are JSON objects whose fields are all known.
 * Errors are {"code", "message"}: the code is for programs, the message says what to do next.
 * docs/openapi/aura-v1.yaml describes every route.
 *
 * Threading: control thread.
 */
#ifndef AURA_API_AURA_V1_PRIV_H
#define AURA_API_AURA_V1_PRIV_H

#include "api/aura_v1_fields.h"
#include "api/server_priv.h"
#include "auraid/directory.h"

#include <jansson.h>

enum {
    AURA_V1_PARAMS_MAX = 2,        /* {…} in a path */
    AURA_V1_PARAM_BYTES_MAX = 256, /* of one; longer: no such path */
};

/**
 * A token proves who asks, or the cookie of who is signed in with an account of the app. With a
 * `sub` it is a person's or an agent's: the identity that a join with it has. With roomCreate and
 * roomList together it is the app's own: it may act for who is known in the app (?as=@name.aura),
 * and for nobody else.
 */
struct aura_v1_caller {
    struct aura_claims claims; /* of the token */
    const char *app;           /* its API key */
    bool admin;                /* an app's own token */
    bool session;              /* signed in: claims are empty, `app` is the app's key */
    uint64_t session_id;       /* which one */
    bool is_somebody;          /* `who` is known; always so of a person's token */
    bool created;              /* this token is the first that proves it */
    struct aura_id who;
    enum aura_id_kind kind; /* of `who` */
};

struct aura_v1_error {
    int status;
    const char *code, *message; /* live as long as the server */
    uint32_t wait_s;            /* until it makes sense to try again; 0 = one cannot say */
};

struct aura_v1_request {
    struct aura_server *s;
    struct aura_http_req *req;
    struct aura_v1_caller caller;
    char param[AURA_V1_PARAMS_MAX][AURA_V1_PARAM_BYTES_MAX + 1];
    json_t *body; /* an object; NULL = none came */
};

enum aura_v1_needs {
    AURA_V1_NOTHING,  /* no token is looked at */
    AURA_V1_TOKEN,    /* any: r->caller may be nobody */
    AURA_V1_SOMEBODY, /* r->caller.who is who asks, or for whom the app asks */
};

struct aura_v1_route {
    const char *method, *pattern; /* "/aura/v1/ids/{id}" */
    enum aura_v1_needs needs;
    void (*fn)(struct aura_v1_request *r);
};

/** Routes of one subject; a fixed path stands before one with {…} that would take it too. */
struct aura_v1_routes {
    const struct aura_v1_route *list;
    size_t count;
};

/* aura_v1.c */
/** Is it a path below /aura/v1? */
bool aura__v1_path(const char *path);
void aura__v1(struct aura_server *s, struct aura_http_req *req);
/** Answers. @param body  taken; NULL = out of memory, and said so */
void aura__v1_respond(struct aura_v1_request *r, int status, json_t *body);
/** 204 */
void aura__v1_done(struct aura_v1_request *r);
void aura__v1_refuse(struct aura_v1_request *r, int status, const char *code, const char *message);
/** What a directory's error means. @param missing  message of AURA_ENOENT, which is a 404 */
void aura__v1_refuse_err(struct aura_v1_request *r, int err, const char *missing);
/**
 * Reads the body's fields; no body is as one without fields.
 * @return false: it has been answered why not
 */
AURA_NODISCARD bool aura__v1_fields(struct aura_v1_request *r, struct aura_v1_field *fields,
                                    size_t count);
/** A text that was given, else @p other. */
const char *aura__v1_text(const struct aura_v1_field *field, const char *other);
/** An AuraID that came as parameter or text. @return false: it has been answered why not */
AURA_NODISCARD bool aura__v1_id(struct aura_v1_request *r, const char *text, struct aura_id *out);

/* aura_v1_caller.c */
/**
 * Who asks, by the token of @p req (header or ?access_token=, as a browser's WebSocket has to) or,
 * without one, by the cookie of a session. Browsers send that whatever page asks, so what changes
 * something and WebSockets have to come from an own page, and bodies have to be JSON by their type.
 * @param upgrade  of a WebSocket
 * @return 0, with something to clear; else *why says what to answer
 */
AURA_NODISCARD int aura__v1_caller(struct aura_server *s, const struct aura_http_req *req,
                                   bool upgrade, struct aura_v1_caller *out,
                                   struct aura_v1_error *why);
void aura__v1_caller_clear(struct aura_v1_caller *c);
/** Has somebody been in the app, or been named by it? @return 0, AURA_ENOENT, AURA_EIO */
AURA_NODISCARD int aura__v1_app_knows(struct aura_server *s, const char *app,
                                      const struct aura_id *id);
/** For answers outside of a route (a WebSocket that is refused). */
void aura__v1_respond_error(struct aura_http_req *req, const struct aura_v1_error *e);

/* the tables */
extern const struct aura_v1_routes aura__v1_ids;      /* aura_v1_ids.c */
extern const struct aura_v1_routes aura__v1_links;    /* aura_v1_links.c */
extern const struct aura_v1_routes aura__v1_devices;  /* aura_v1_devices.c */
extern const struct aura_v1_routes aura__v1_contacts; /* aura_v1_contacts.c */
extern const struct aura_v1_routes aura__v1_people;   /* aura_v1_people.c */
extern const struct aura_v1_routes aura__v1_calls;    /* aura_v1_calls.c */
extern const struct aura_v1_routes aura__v1_account;  /* aura_v1_account.c */

#endif
