/* SPDX-License-Identifier: Apache-2.0 */
/* Who runs this server. */
#include "api/dash_priv.h"

#include "base/mem.h"

#include <stdio.h>
#include <string.h>

static const char missing[] = "there is no such operator: GET /api/v1/operators lists them";

static json_t *show(const struct aura_dash_operator *o) {
    return json_pack("{s:s, s:s, s:I, s:o}", "name", o->name, "role", aura_dash_role_name(o->role),
                     "created_us", (json_int_t)o->created_us, "seen_us",
                     aura__dash_time(o->seen_us));
}

static void add_one(void *arg, const struct aura_dash_operator *o) {
    json_array_append_new(arg, show(o));
}

static void list(struct dash_request *r) {
    json_t *all = json_array();
    int err = aura_dash_operators(r->d->store, add_one, all);
    if (err) {
        json_decref(all);
        aura__dash_refuse_err(r, err, "");
    } else {
        aura__dash_respond(r, 200, json_pack("{s:o}", "operators", all));
    }
}

/** A change that waits for a hash. */
struct waiting {
    struct aura__dash *d;
    struct aura_http_later *later;
    bool adds, has_role;
    enum aura_dash_role role;
    char name[AURA_DASH_NAME_MAX + 1], by[AURA_DASH_NAME_MAX + 1], from[AURA_ADDR_TEXT_MAX];
};

struct answer {
    int status;
    const char *code, *message;
};

static struct answer answer_of(int err) {
    switch (err) {
    case AURA_ENOENT:
        return (struct answer){404, "not_found", missing};
    case AURA_EEXISTS:
        return (struct answer){409, "conflict", "an operator has this name already"};
    case AURA_ESTATE:
        return (struct answer){409, "conflict",
                               "no admin would be left: make another operator an admin first"};
    case AURA_ELIMIT:
        return (struct answer){429, "limit", "no more operators fit: remove one first"};
    default:
        return (struct answer){503, "unavailable",
                               "the database does not answer: the server's log says why"};
    }
}

/* Makes the change. @param hash  NULL = none. @param out  as they are then */
static int change(struct waiting *w, const char *hash, struct aura_dash_operator *out) {
    char detail[64];
    int err = w->adds ? aura_dash_operator_add(w->d->store, w->name, w->role, hash)
                      : aura_dash_operator_change(w->d->store, w->name,
                                                  w->has_role ? &w->role : NULL, hash);
    err = err ? err : aura_dash_operator_get(w->d->store, w->name, out);
    if (!err) {
        aura_wipe(out->hash, sizeof(out->hash));
        (void)snprintf(detail, sizeof(detail), "%s%s", aura_dash_role_name(out->role),
                       hash && !w->adds ? ", password" : "");
        aura__dash_audit_of(w->d, w->by, w->from, w->adds ? "operator.add" : "operator.change",
                            w->name, detail);
        if (!w->adds) {
            aura_web_sessions_end_of(w->d->sessions, w->name, 0);
        }
    }
    return err;
}

static void on_hash(void *arg, int err, const char *hash) {
    struct waiting *w = arg;
    struct aura_dash_operator o;
    err = err ? err : change(w, hash, &o);
    if (err) {
        struct answer a = answer_of(err);
        aura__dash_later_refuse(w->later, a.status, a.code, a.message);
    } else {
        aura__dash_later(w->later, w->adds ? 201 : 200, show(&o));
    }
    aura_free(w);
}

static void refuse(struct dash_request *r, int err) {
    struct answer a = answer_of(err);
    aura__dash_refuse(r, a.status, a.code, a.message);
}

static void fill(struct waiting *w, struct dash_request *r, const char *name) {
    w->d = r->d;
    (void)snprintf(w->name, sizeof(w->name), "%s", name);
    (void)snprintf(w->by, sizeof(w->by), "%s", r->who.name);
    (void)snprintf(w->from, sizeof(w->from), "%s", r->from);
}

/* With a password it answers later. */
static void with_hash(struct dash_request *r, const struct waiting *wish, const char *password) {
    struct waiting *w = aura_zalloc(sizeof(*w));
    if (!w) {
        aura__dash_refuse_err(r, AURA_ENOMEM, "");
        return;
    }
    *w = *wish;
    w->later = aura_http_later(r->req);
    int err = w->later ? aura_passwords_hash(r->d->passwords, password, on_hash, w) : AURA_ENOMEM;
    if (err && w->later) {
        aura__dash_later_refuse(w->later, 503, "unavailable",
                                "too many passwords are hashed now: try again in a moment");
    } else if (err) {
        aura__dash_refuse_err(r, err, "");
    }
    if (err) {
        aura_free(w);
    }
}

static bool read_wish(struct dash_request *r, const struct aura_rest_field *role,
                      const struct aura_rest_field *password, struct waiting *w) {
    const char *text = aura_rest_text(password, NULL);
    if (role->value && !aura_dash_role_of(json_string_value(role->value), &w->role)) {
        aura__dash_refuse(r, 400, "bad_request", "\"role\" is viewer or admin");
        return false;
    }
    w->has_role = role->value != NULL;
    if (text && strlen(text) < AURA_PASSWORD_BYTES_MIN) {
        aura__dash_refuse(r, 400, "bad_request", "a password has 10 to 256 bytes");
        return false;
    }
    return true;
}

static void add(struct dash_request *r) {
    struct aura_rest_field f[] = {{"name", JSON_STRING, true, AURA_DASH_NAME_MAX, NULL},
                                  {"role", JSON_STRING, true, 16, NULL},
                                  {"password", JSON_STRING, true, AURA_PASSWORD_BYTES_MAX, NULL}};
    struct waiting w = {.adds = true};
    if (!aura__dash_fields(r, f, 3) || !read_wish(r, &f[1], &f[2], &w)) {
        return;
    }
    const char *name = aura_rest_text(&f[0], "");
    if (!aura_dash_is_name(name)) {
        aura__dash_refuse(r, 400, "bad_request",
                          "a name has 1 to 63 of a-z, 0-9, \".\", \"_\", \"@\" and \"-\"");
        return;
    }
    fill(&w, r, name);
    with_hash(r, &w, aura_rest_text(&f[2], ""));
}

static void patch(struct dash_request *r) {
    struct aura_rest_field f[] = {{"role", JSON_STRING, false, 16, NULL},
                                  {"password", JSON_STRING, false, AURA_PASSWORD_BYTES_MAX, NULL}};
    struct waiting w = {.adds = false};
    struct aura_dash_operator o;
    if (!aura__dash_fields(r, f, 2) || !read_wish(r, &f[0], &f[1], &w)) {
        return;
    }
    int err = aura_dash_operator_get(r->d->store, r->param[0], &o);
    if (err) {
        refuse(r, err);
        return;
    }
    aura_wipe(o.hash, sizeof(o.hash));
    fill(&w, r, r->param[0]);
    if (f[1].value) {
        with_hash(r, &w, aura_rest_text(&f[1], ""));
        return;
    }
    err = change(&w, NULL, &o);
    if (err) {
        refuse(r, err);
    } else {
        aura__dash_respond(r, 200, show(&o));
    }
}

static void remove_one(struct dash_request *r) {
    int err = aura_dash_operator_remove(r->d->store, r->param[0]);
    if (err) {
        refuse(r, err);
        return;
    }
    aura__dash_audit(r, "operator.remove", r->param[0], "");
    aura_web_sessions_end_of(r->d->sessions, r->param[0], 0);
    aura__dash_done(r);
}

static const struct dash_route routes[] = {
    {"GET", "/api/v1/operators", DASH_VIEW, list},
    {"POST", "/api/v1/operators", DASH_CHANGE, add},
    {"PATCH", "/api/v1/operators/{operator}", DASH_CHANGE, patch},
    {"DELETE", "/api/v1/operators/{operator}", DASH_CHANGE, remove_one},
};
DASH_ROUTES(aura__dash_operator_routes, routes);
