/* SPDX-License-Identifier: Apache-2.0 */
#include "api/twirp.h"

#include "api/pbjson.h"
#include "base/log.h"
#include "base/mem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PREFIX = sizeof("/twirp/") - 1, WHY_BYTES = 200 };

static void respond_error(struct aura_server *s, struct aura_http_req *req, int status,
                          const char *code, const char *text, const char *route) {
    json_t *body = json_pack("{s:s, s:s}", "code", code, "msg", text);
    if (route) {
        json_object_set_new(body, "meta", json_pack("{s:s}", "twirp_invalid_route", route));
    }
    char *json = json_dumps(body, JSON_COMPACT);
    s->twirp_errors++;
    aura_http_respond(req, status, "application/json", json ? json : "{}", json ? strlen(json) : 2);
    free(json); /* library's memory */
    json_decref(body);
}

static void bad_route(struct aura_server *s, struct aura_http_req *req, const char *text) {
    char route[300];
    snprintf(route, sizeof(route), "%s %s", aura_http_method(req), aura_http_path(req));
    respond_error(s, req, 404, "bad_route", text, route);
}

static const struct aura__method *find_in(const struct aura__method *m, const char *name) {
    while (m->name && strcmp(m->name, name) != 0) {
        m++;
    }
    return m->name ? m : NULL;
}

static const struct aura__method *find_method(const struct aura_server *s, const char *name) {
    const struct aura__method *m = s->conf.recordings ? find_in(aura__egress, name) : NULL;
    return m ? m : find_in(aura__roomservice, name);
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

static void respond_message(struct aura_server *s, struct aura_http_req *req, enum body_kind kind,
                            const ProtobufCMessage *message) {
    if (kind == BODY_PROTOBUF) {
        size_t len = protobuf_c_message_get_packed_size(message);
        uint8_t *bytes = aura_zalloc(len);
        if (bytes) {
            protobuf_c_message_pack(message, bytes);
            aura_http_respond(req, 200, "application/protobuf", bytes, len);
            aura_free(bytes);
            return;
        }
    } else {
        json_t *json = aura_pbjson_encode(message, AURA_PBJSON_TWIRP);
        char *text = json ? json_dumps(json, JSON_COMPACT) : NULL;
        json_decref(json);
        if (text) {
            aura_http_respond(req, 200, "application/json", text, strlen(text));
            free(text); /* library's memory */
            return;
        }
    }
    respond_error(s, req, 503, "resource_exhausted", "out of memory", NULL);
}

static void run(struct aura_server *s, struct aura_http_req *req, const struct aura__method *m,
                enum body_kind kind, const struct aura_claims *claims) {
    char why[WHY_BYTES] = "";
    ProtobufCMessage *request = NULL, *empty = NULL;
    int err = read_body(m, req, kind, &request, why);
    if (err) {
        respond_error(s, req, aura_err_http(err), aura_err_twirp(err), why, NULL);
        return;
    }
    struct aura__call call = {.server = s, .claims = claims, .request = request};
    if (!m->allowed(claims, request)) {
        respond_error(s, req, 401, "unauthenticated", "permissions denied", NULL);
    } else if ((err = m->run(&call)) != 0) {
        respond_error(s, req, aura_err_http(err), aura_err_twirp(err),
                      call.why ? call.why : aura_err_text(err), NULL);
    } else {
        if (!call.response) { /* an empty message is one without bytes */
            empty = protobuf_c_message_unpack(m->response, aura_pb_allocator(), 0, NULL);
        }
        ProtobufCMessage *answer = call.response ? call.response : empty;
        if (answer) {
            respond_message(s, req, kind, answer);
            protobuf_c_message_free_unpacked(answer, aura_pb_allocator());
        } else {
            respond_error(s, req, 503, "resource_exhausted", "out of memory", NULL);
        }
    }
    protobuf_c_message_free_unpacked(request, aura_pb_allocator());
}

void aura__twirp(struct aura_server *s, struct aura_http_req *req) {
    const struct aura__method *m = find_method(s, aura_http_path(req) + PREFIX);
    enum body_kind kind = body_kind(req);
    struct aura_claims claims;
    const char *why = "";
    s->twirp_requests++;
    if (strcmp(aura_http_method(req), "POST") != 0) {
        bad_route(s, req, "unsupported method: only POST is allowed");
        return;
    }
    if (!m) {
        bad_route(s, req, "no handler for this path");
        return;
    }
    if (kind == BODY_NONE) {
        bad_route(s, req, "unexpected Content-Type: application/json or application/protobuf");
        return;
    }
    aura_claims_init(&claims);
    int err = aura__authorize(s, req, &claims, &why);
    if (err) {
        respond_error(s, req, aura_err_http(err), aura_err_twirp(err), why, NULL);
        return;
    }
    run(s, req, m, kind, &claims);
    aura_claims_clear(&claims);
}
