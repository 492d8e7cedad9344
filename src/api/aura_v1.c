/* SPDX-License-Identifier: Apache-2.0 */
#include "api/aura_v1_priv.h"

#include "base/log.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char base[] = "/aura/v1";
static const struct aura_v1_routes *const tables[] = {
    &aura__v1_ids,    &aura__v1_links, &aura__v1_devices, &aura__v1_contacts,
    &aura__v1_people, &aura__v1_calls, &aura__v1_account};

enum {
    TABLES = sizeof(tables) / sizeof(tables[0]),
    METHODS_BYTES = 64,
    WHY_BYTES = 200,
    ANY_WAIT_S = 5
};

bool aura__v1_path(const char *path) {
    size_t n = sizeof(base) - 1;
    return strncmp(path, base, n) == 0 && (!path[n] || path[n] == '/');
}

/* ---- answers ---- */

static void respond_json(struct aura_http_req *req, int status, json_t *body) {
    char *text = body ? json_dumps(body, JSON_COMPACT | JSON_PRESERVE_ORDER) : NULL;
    json_decref(body);
    (void)aura_http_answer_header(req, "cache-control", "no-store"); /* it is about people */
    if (text) {
        aura_http_respond(req, status, "application/json", text, strlen(text));
    } else {
        static const char none[] = "{\"code\":\"unavailable\",\"message\":\"out of memory: try "
                                   "again later\"}";
        aura_http_respond(req, 503, "application/json", none, sizeof(none) - 1);
    }
    free(text); /* library's memory */
}

void aura__v1_respond_error(struct aura_http_req *req, const struct aura_v1_error *e) {
    if (e->status == 401) {
        (void)aura_http_answer_header(req, "www-authenticate", "Bearer");
    } else if (e->status == 429 || e->status == 503) {
        char seconds[16];
        (void)snprintf(seconds, sizeof(seconds), "%u", e->wait_s ? e->wait_s : ANY_WAIT_S);
        (void)aura_http_answer_header(req, "retry-after", seconds);
        (void)aura_http_answer_header(req, "access-control-expose-headers", "Retry-After");
    }
    respond_json(req, e->status, json_pack("{s:s, s:s}", "code", e->code, "message", e->message));
}

void aura__v1_respond(struct aura_v1_request *r, int status, json_t *body) {
    respond_json(r->req, status, body);
}

void aura__v1_done(struct aura_v1_request *r) {
    (void)aura_http_answer_header(r->req, "cache-control", "no-store");
    aura_http_respond(r->req, 204, "application/json", "", 0);
}

void aura__v1_refuse(struct aura_v1_request *r, int status, const char *code, const char *message) {
    const struct aura_v1_error e = {status, code, message, 0};
    aura__v1_respond_error(r->req, &e);
}

void aura__v1_refuse_err(struct aura_v1_request *r, int err, const char *missing) {
    switch (err) {
    case AURA_ENOENT:
        aura__v1_refuse(r, 404, "not_found", missing);
        break;
    case AURA_EEXISTS:
        aura__v1_refuse(r, 409, "conflict", "it belongs to another AuraID already");
        break;
    case AURA_ESTATE:
        aura__v1_refuse(
            r, 409, "conflict",
            "it is the last one: without it nobody could come back; link another first");
        break;
    case AURA_EINVAL:
        aura__v1_refuse(r, 400, "bad_request", "a text is empty or longer than 256 bytes");
        break;
    case AURA_EPOLICY:
        aura__v1_refuse(
            r, 403, "reserved",
            "an identity that reads as an AuraID is somebody's already: choose another");
        break;
    case AURA_ELIMIT:
        aura__v1_refuse(r, 429, "limit",
                        "no more of them fit: remove one first, or ask the "
                        "operator (docs/limits.md)");
        break;
    default:
        AURA_LOG_LIMITED("auraid", AURA_LOG_WARN, "directory_failed",
                         AURA_S("why", aura_err_text(err)));
        aura__v1_refuse(r, 503, "unavailable",
                        "the directory does not answer: try again later; the server's log says "
                        "why");
    }
}

/* ---- bodies ---- */

static bool take_body(struct aura_v1_request *r) {
    size_t len;
    const char *text = (const char *)aura_http_body(r->req, &len);
    if (!len) {
        return true;
    }
    if (len > AURA_V1_BODY_BYTES_MAX) {
        aura__v1_refuse(r, 413, "too_large", "the body is larger than 64 KiB");
        return false;
    }
    r->body = aura_v1_read_body(text, len);
    if (!r->body) {
        aura__v1_refuse(r, 400, "bad_request",
                        "the body is no JSON object, or names a field twice");
        return false;
    }
    return true;
}

static void refuse_field(struct aura_v1_request *r, const char *name, const char *problem) {
    char why[WHY_BYTES];
    (void)snprintf(why, sizeof(why), "\"%s\" %s: docs/auraid.md has the fields", name, problem);
    aura__v1_refuse(r, 400, "bad_request", why);
}

bool aura__v1_fields(struct aura_v1_request *r, struct aura_v1_field *fields, size_t count) {
    const char *name;
    const char *problem = aura_v1_fields_problem(r->body, fields, count, &name);
    if (problem && name) {
        refuse_field(r, name, problem);
    } else if (problem) {
        aura__v1_refuse(r, 400, "bad_request", problem);
    }
    return !problem;
}

const char *aura__v1_text(const struct aura_v1_field *field, const char *other) {
    return field->value ? json_string_value(field->value) : other;
}

bool aura__v1_id(struct aura_v1_request *r, const char *text, struct aura_id *out) {
    if (aura_id_parse(out, text, strlen(text))) {
        aura__v1_refuse(r, 400, "bad_request",
                        "that is no AuraID: they read @name.aura, with 3 to 32 of a-z, 0-9, - and "
                        "_ for the name");
        return false;
    }
    return true;
}

/* ---- routes ---- */

/* One segment of a path. @return what comes behind it */
static const char *segment(const char *path, size_t *len) {
    *len = strcspn(path, "/");
    return path + *len + (path[*len] == '/');
}

static bool matches(const char *pattern, const char *path, struct aura_v1_request *r) {
    size_t params = 0, want, got;
    while (*pattern && *path) {
        const char *p = pattern, *q = path;
        pattern = segment(p, &want);
        path = segment(q, &got);
        if (*p == '{') {
            if (params == AURA_V1_PARAMS_MAX || !got || got > AURA_V1_PARAM_BYTES_MAX) {
                return false;
            }
            memcpy(r->param[params], q, got);
            r->param[params++][got] = 0;
        } else if (want != got || memcmp(p, q, got) != 0) {
            return false;
        }
    }
    return !*pattern && !*path;
}

/* @param methods  that the path has, if it is not this one. @return NULL: none */
static const struct aura_v1_route *find(struct aura_v1_request *r, char methods[METHODS_BYTES]) {
    const char *path = aura_http_path(r->req), *method = aura_http_method(r->req);
    int n = 0;
    methods[0] = 0;
    for (size_t t = 0; t < TABLES; t++) {
        for (size_t i = 0; i < tables[t]->count; i++) {
            const struct aura_v1_route *route = &tables[t]->list[i];
            if (!matches(route->pattern, path, r)) {
                continue;
            }
            if (strcmp(route->method, method) == 0) {
                return route;
            }
            if (n < METHODS_BYTES && !strstr(methods, route->method)) {
                n += snprintf(methods + n, (size_t)(METHODS_BYTES - n), "%s%s", n ? ", " : "",
                              route->method);
            }
        }
    }
    return NULL;
}

/* GET /aura/v1: what there is, for people who look and for the test of the description. */
static void list_routes(struct aura_v1_request *r) {
    json_t *list = json_array();
    for (size_t t = 0; t < TABLES; t++) {
        for (size_t i = 0; i < tables[t]->count; i++) {
            const struct aura_v1_route *route = &tables[t]->list[i];
            json_array_append_new(
                list, json_pack("{s:s, s:s}", "method", route->method, "path", route->pattern));
        }
    }
    aura__v1_respond(r, 200, json_pack("{s:o}", "routes", list));
}

static void refuse_route(struct aura_v1_request *r, const char *methods) {
    if (methods[0]) {
        (void)aura_http_answer_header(r->req, "allow", methods);
        aura__v1_refuse(r, 405, "method_not_allowed", "this path has other methods: see Allow");
    } else {
        aura__v1_refuse(r, 404, "no_such_path",
                        "there is no such path: GET /aura/v1 lists those that there are");
    }
}

/* @return false: it has been answered why not */
static bool admit(struct aura_v1_request *r, enum aura_v1_needs needs) {
    struct aura_v1_error why;
    if (needs == AURA_V1_NOTHING) {
        return true;
    }
    if (aura__v1_caller(r->s, r->req, false, &r->caller, &why)) {
        aura__v1_respond_error(r->req, &why);
        return false;
    }
    if (needs == AURA_V1_SOMEBODY && !r->caller.is_somebody) {
        aura__v1_refuse(r, 400, "for_whom",
                        "an app's own token has to say for whom it asks: ?as=@name.aura");
        return false;
    }
    return true;
}

static void serve(struct aura_v1_request *r) {
    char methods[METHODS_BYTES];
    const struct aura_v1_route *route = find(r, methods);
    const char *path = aura_http_path(r->req) + sizeof(base) - 1;
    if (!r->s->conf.directory) {
        aura__v1_refuse(r, 404, "disabled",
                        "this server gives no AuraIDs: auraid.enabled is false in its "
                        "configuration");
    } else if (!path[strspn(path, "/")] && strcmp(aura_http_method(r->req), "GET") == 0) {
        list_routes(r);
    } else if (!route) {
        refuse_route(r, methods);
    } else if (admit(r, route->needs) && take_body(r)) {
        route->fn(r);
    }
}

void aura__v1(struct aura_server *s, struct aura_http_req *req) {
    struct aura_v1_request r = {.s = s, .req = req};
    aura_claims_init(&r.caller.claims);
    if (s->conf.directory) {
        aura_directory_hold(s->conf.directory);
    }
    serve(&r);
    if (s->conf.directory) {
        aura_directory_release(s->conf.directory);
    }
    json_decref(r.body);
    aura__v1_caller_clear(&r.caller);
}
