/* SPDX-License-Identifier: Apache-2.0 */
#include "api/twirp.h"

#include "api/pbjson.h"
#include "base/log.h"
#include "base/mem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PREFIX = sizeof("/twirp/") - 1, WHY_BYTES = 200 };

/* Where an answer goes: to the request, or to one that has waited. */
struct aura__later {
    struct aura_server *server;
    struct aura_http_later *http;
    int kind; /* enum body_kind */
    const char *name;
    uint64_t since_us;
};

struct to {
    struct aura_server *server;
    struct aura_http_req *req;
    struct aura_http_later *later; /* instead of req */
    const char *name;              /* of the method, see aura__twirp_measure() */
    uint64_t since_us;
};

static void measure(const struct to *to, int status, const char *code) {
    uint64_t now_us = aura_now_us(aura_loop_clock(to->server->loop));
    aura__twirp_measure(to->server->twirp_metrics, to->name, status, code, now_us - to->since_us);
}

static void respond(const struct to *to, int status, const char *type, const void *body,
                    size_t len) {
    if (to->later) {
        aura_http_later_respond(to->later, status, type, body, len);
    } else {
        aura_http_respond(to->req, status, type, body, len);
    }
}

/* @param meta  taken; may be NULL */
static void respond_error(const struct to *to, int status, const char *code, const char *text,
                          json_t *meta) {
    json_t *body = json_pack("{s:s, s:s}", "code", code, "msg", text);
    if (meta) {
        json_object_set_new(body, "meta", meta);
    }
    char *json = json_dumps(body, JSON_COMPACT);
    to->server->twirp_errors++;
    measure(to, status, code);
    respond(to, status, "application/json", json ? json : "{}", json ? strlen(json) : 2);
    free(json); /* library's memory */
    json_decref(body);
}

static void bad_route(const struct to *to, const char *text) {
    char route[300];
    snprintf(route, sizeof(route), "%s %s", aura_http_method(to->req), aura_http_path(to->req));
    respond_error(to, 404, "bad_route", text, json_pack("{s:s}", "twirp_invalid_route", route));
}

/* The first of those that have a method answers: recordings, where there are any, are Egress. */
static const struct aura__method *const tables[] = {aura__egress, aura__roomservice,
                                                    aura__dispatchservice, aura__absent};

/* @param service  out: a method of that service, NULL = there is none */
static const struct aura__method *find_method(const struct aura_server *s, const char *name,
                                              const char **service) {
    size_t prefix = strcspn(name, "/") + 1;
    *service = NULL;
    for (size_t i = s->conf.recordings ? 0 : 1; i < sizeof(tables) / sizeof(tables[0]); i++) {
        for (const struct aura__method *m = tables[i]; m->name; m++) {
            *service = strncmp(m->name, name, prefix) == 0 ? m->name : *service;
            if (strcmp(m->name, name) == 0) {
                return m;
            }
        }
    }
    return NULL;
}

enum body_kind { BODY_NONE, BODY_JSON, BODY_PROTOBUF };

static enum body_kind body_kind(const struct aura_http_req *req) {
    const char *type = aura_http_header(req, "content-type");
    size_t len = type ? strcspn(type, "; ") : 0;
    return len == 16 && strncmp(type, "application/json", len) == 0       ? BODY_JSON
           : len == 20 && strncmp(type, "application/protobuf", len) == 0 ? BODY_PROTOBUF
                                                                          : BODY_NONE;
}

static int read_json(const struct aura__method *m, const uint8_t *data, size_t len,
                     ProtobufCMessage **out, char *why) {
    json_error_t where;
    json_t *json = json_loadb(len ? (const char *)data : "{}", len ? len : 2, 0, &where);
    if (!json) {
        snprintf(why, WHY_BYTES, "the json request could not be decoded: %s", where.text);
        return AURA_EMALFORMED;
    }
    int err = aura_pbjson_decode(m->request, json, aura_pb_allocator(), out, why, WHY_BYTES);
    json_decref(json);
    return err;
}

static int read_body(const struct aura__method *m, const struct aura_http_req *req,
                     enum body_kind kind, ProtobufCMessage **out, char *why) {
    size_t len;
    const uint8_t *data = aura_http_body(req, &len);
    if (kind == BODY_JSON) {
        return read_json(m, data, len, out, why);
    }
    *out = protobuf_c_message_unpack(m->request, aura_pb_allocator(), len, data);
    if (!*out) {
        snprintf(why, WHY_BYTES, "the protobuf request could not be decoded");
        return AURA_EMALFORMED;
    }
    return 0;
}

static void respond_bytes(const struct to *to, const char *type, const void *body, size_t len) {
    measure(to, 200, "");
    respond(to, 200, type, body, len);
}

static void respond_message(const struct to *to, enum body_kind kind,
                            const ProtobufCMessage *message) {
    if (kind == BODY_PROTOBUF) {
        size_t len = protobuf_c_message_get_packed_size(message);
        uint8_t *bytes = aura_zalloc(len);
        if (bytes) {
            protobuf_c_message_pack(message, bytes);
            respond_bytes(to, "application/protobuf", bytes, len);
            aura_free(bytes);
            return;
        }
    } else {
        json_t *json = aura_pbjson_encode(message, AURA_PBJSON_TWIRP);
        char *text = json ? json_dumps(json, JSON_COMPACT) : NULL;
        json_decref(json);
        if (text) {
            respond_bytes(to, "application/json", text, strlen(text));
            free(text); /* library's memory */
            return;
        }
    }
    respond_error(to, 503, "resource_exhausted", "out of memory", NULL);
}

static void respond_failure(const struct to *to, int err, const char *why) {
    respond_error(to, aura_err_http(err), aura_err_twirp(err), why ? why : aura_err_text(err),
                  NULL);
}

void aura__twirp_done(struct aura__later *later, int err, const char *why, json_t *meta,
                      ProtobufCMessage *response) {
    struct to to = {.server = later->server,
                    .later = later->http,
                    .name = later->name,
                    .since_us = later->since_us};
    if (!aura_http_later_wanted(later->http)) { /* then the server may be gone too */
        aura_http_later_respond(later->http, 503, "", "", 0);
        json_decref(meta);
    } else if (err) {
        respond_error(&to, aura_err_http(err), aura_err_twirp(err), why ? why : aura_err_text(err),
                      meta);
    } else if (response) {
        respond_message(&to, (enum body_kind)later->kind, response);
    } else {
        respond_failure(&to, AURA_ENOMEM, NULL);
    }
    if (response) {
        protobuf_c_message_free_unpacked(response, aura_pb_allocator());
    }
    aura_free(later);
}

struct aura__later *aura__twirp_later(struct aura_server *s, struct aura_http_req *req,
                                      const struct aura__method *m, bool json, uint64_t since_us) {
    struct aura__later *later = aura_zalloc(sizeof(*later));
    struct aura_http_later *http = later ? aura_http_later(req) : NULL;
    if (!http) {
        aura_free(later);
        return NULL;
    }
    *later = (struct aura__later){.server = s,
                                  .http = http,
                                  .kind = json ? BODY_JSON : BODY_PROTOBUF,
                                  .name = m->name,
                                  .since_us = since_us};
    return later;
}

void aura__twirp_raw(struct aura__later *later, int status, bool protobuf, const void *body,
                     size_t len) {
    struct to to = {.server = later->server,
                    .later = later->http,
                    .name = later->name,
                    .since_us = later->since_us};
    if (aura_http_later_wanted(later->http)) { /* else the server may be gone too */
        to.server->twirp_errors += status != 200;
        measure(&to, status, status == 200 ? "" : "relayed");
    }
    respond(&to, status, protobuf ? "application/protobuf" : "application/json", body, len);
    aura_free(later);
}

/* The method answers in its own time; an error means that it will not. */
static void run_later(const struct to *to, const struct aura__method *m, enum body_kind kind,
                      struct aura__call *call) {
    struct aura__later *later =
        aura__twirp_later(to->server, to->req, m, kind == BODY_JSON, to->since_us);
    if (!later) {
        respond_failure(to, AURA_ENOMEM, NULL);
        return;
    }
    int err = m->run_later(call, later);
    if (err) {
        aura__twirp_done(later, err, call->why, NULL, NULL);
    }
}

static void run_now(const struct to *to, const struct aura__method *m, enum body_kind kind,
                    struct aura__call *call) {
    int err = m->run(call);
    if (err) {
        respond_failure(to, err, call->why);
        return;
    }
    ProtobufCMessage *answer =
        call->response ? call->response /* else an empty message: one without bytes */
                       : protobuf_c_message_unpack(m->response, aura_pb_allocator(), 0, NULL);
    if (!answer) {
        respond_failure(to, AURA_ENOMEM, NULL);
        return;
    }
    respond_message(to, kind, answer);
    protobuf_c_message_free_unpacked(answer, aura_pb_allocator());
}

static void run(const struct to *to, const struct aura__method *m, enum body_kind kind,
                struct aura_claims *claims) {
    char why[WHY_BYTES] = "";
    ProtobufCMessage *request = NULL;
    int err = read_body(m, to->req, kind, &request, why);
    if (err) {
        respond_failure(to, err, why);
        return;
    }
    struct aura__call call = {.server = to->server, .claims = claims, .request = request};
    const struct aura__twirp_work work = {m, kind == BODY_JSON, to->since_us, claims, request};
    if (!m->allowed(claims, request)) {
        respond_error(to, 401, "unauthenticated", "permissions denied", NULL);
    } else if (aura__twirp_nodes(to->server, to->req, &work)) {
        return;
    } else if (m->run_later) {
        run_later(to, m, kind, &call);
    } else {
        run_now(to, m, kind, &call);
    }
    protobuf_c_message_free_unpacked(request, aura_pb_allocator());
}

void aura__twirp(struct aura_server *s, struct aura_http_req *req) {
    const char *service;
    char unknown[64] = ""; /* the service's name without a method */
    const struct aura__method *m = find_method(s, aura_http_path(req) + PREFIX, &service);
    if (service) {
        snprintf(unknown, sizeof(unknown), "%.*s", (int)strcspn(service, "/") + 1, service);
    }
    const struct to to = {.server = s,
                          .req = req,
                          .name = m ? m->name : unknown,
                          .since_us = aura_now_us(aura_loop_clock(s->loop))};
    enum body_kind kind = body_kind(req);
    struct aura_claims claims;
    const char *why = "";
    s->twirp_requests++;
    if (!service) {
        aura__respond_text(req, 404, "404 page not found"); /* as LiveKit, without that component */
        return;
    }
    if (strcmp(aura_http_method(req), "POST") != 0) {
        bad_route(&to, "unsupported method: only POST is allowed");
        return;
    }
    if (!m) {
        bad_route(&to, "no handler for this path");
        return;
    }
    if (kind == BODY_NONE) {
        bad_route(&to, "unexpected Content-Type: application/json or application/protobuf");
        return;
    }
    aura_claims_init(&claims);
    int err = aura__authorize(s, req, &claims, &why);
    if (err) {
        respond_failure(&to, err, why);
        return;
    }
    run(&to, m, kind, &claims);
    aura_claims_clear(&claims);
}
