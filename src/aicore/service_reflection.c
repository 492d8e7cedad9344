/* SPDX-License-Identifier: Apache-2.0 */
/* gRPC's server reflection: what grpcurl and other tools learn the schema by. The compiled schema
 * is in the program (descriptors.h). Versions v1 and v1alpha have the same messages. */
#include "aicore/service_priv.h"

#include "descriptors.h"
#include "grpc_reflection.pb-c.h"

#include <string.h>

typedef Grpc__Reflection__V1alpha__ServerReflectionRequest request_t;
typedef Grpc__Reflection__V1alpha__ServerReflectionResponse response_t;

enum { SERVICES_MAX = 8 };

static const struct aura_descriptor *by_name(const char *file) {
    for (const struct aura_descriptor *d = aura_descriptors; d->file; d++) {
        if (strcmp(d->file, file) == 0) {
            return d;
        }
    }
    return NULL;
}

/* Each file has a package of its own, so that a symbol's beginning tells where it is. */
static const struct aura_descriptor *by_symbol(const char *symbol) {
    for (const struct aura_descriptor *d = aura_descriptors; d->file; d++) {
        size_t n = strlen(d->package);
        if (strncmp(d->package, symbol, n) == 0 && (symbol[n] == '.' || symbol[n] == 0)) {
            return d;
        }
    }
    return NULL;
}

static int send_file(struct aura_grpc_call *call, response_t *r, const struct aura_descriptor *d) {
    Grpc__Reflection__V1alpha__FileDescriptorResponse file =
        GRPC__REFLECTION__V1ALPHA__FILE_DESCRIPTOR_RESPONSE__INIT;
    ProtobufCBinaryData bytes = {.len = d->len, .data = (uint8_t *)(uintptr_t)d->bytes};
    file.n_file_descriptor_proto = 1;
    file.file_descriptor_proto = &bytes;
    r->message_response_case =
        GRPC__REFLECTION__V1ALPHA__SERVER_REFLECTION_RESPONSE__MESSAGE_RESPONSE_FILE_DESCRIPTOR_RESPONSE;
    r->file_descriptor_response = &file;
    return aura__service_send(call, &r->base);
}

static int send_services(struct aura_grpc_call *call, response_t *r) {
    Grpc__Reflection__V1alpha__ServiceResponse services[SERVICES_MAX], *list[SERVICES_MAX];
    Grpc__Reflection__V1alpha__ListServiceResponse all =
        GRPC__REFLECTION__V1ALPHA__LIST_SERVICE_RESPONSE__INIT;
    for (const struct aura_descriptor *d = aura_descriptors; d->file; d++) {
        if (d->service && all.n_service < SERVICES_MAX) {
            Grpc__Reflection__V1alpha__ServiceResponse *s = &services[all.n_service];
            grpc__reflection__v1alpha__service_response__init(s);
            s->name = (char *)(uintptr_t)d->service;
            list[all.n_service++] = s;
        }
    }
    all.service = list;
    r->message_response_case =
        GRPC__REFLECTION__V1ALPHA__SERVER_REFLECTION_RESPONSE__MESSAGE_RESPONSE_LIST_SERVICES_RESPONSE;
    r->list_services_response = &all;
    return aura__service_send(call, &r->base);
}

static int send_error(struct aura_grpc_call *call, response_t *r, enum aura_grpc_status code,
                      const char *text) {
    Grpc__Reflection__V1alpha__ErrorResponse e = GRPC__REFLECTION__V1ALPHA__ERROR_RESPONSE__INIT;
    e.error_code = code;
    e.error_message = (char *)(uintptr_t)text;
    r->message_response_case =
        GRPC__REFLECTION__V1ALPHA__SERVER_REFLECTION_RESPONSE__MESSAGE_RESPONSE_ERROR_RESPONSE;
    r->error_response = &e;
    return aura__service_send(call, &r->base);
}

static int answer(struct aura_grpc_call *call, request_t *q) {
    response_t r = GRPC__REFLECTION__V1ALPHA__SERVER_REFLECTION_RESPONSE__INIT;
    const struct aura_descriptor *d = NULL;
    r.valid_host = q->host;
    r.original_request = q;
    switch (q->message_request_case) {
    case GRPC__REFLECTION__V1ALPHA__SERVER_REFLECTION_REQUEST__MESSAGE_REQUEST_LIST_SERVICES:
        return send_services(call, &r);
    case GRPC__REFLECTION__V1ALPHA__SERVER_REFLECTION_REQUEST__MESSAGE_REQUEST_FILE_BY_FILENAME:
        d = by_name(q->file_by_filename);
        break;
    case GRPC__REFLECTION__V1ALPHA__SERVER_REFLECTION_REQUEST__MESSAGE_REQUEST_FILE_CONTAINING_SYMBOL:
        d = by_symbol(q->file_containing_symbol);
        break;
    case GRPC__REFLECTION__V1ALPHA__SERVER_REFLECTION_REQUEST__MESSAGE_REQUEST__NOT_SET:
    case GRPC__REFLECTION__V1ALPHA__SERVER_REFLECTION_REQUEST__MESSAGE_REQUEST_FILE_CONTAINING_EXTENSION:
    case GRPC__REFLECTION__V1ALPHA__SERVER_REFLECTION_REQUEST__MESSAGE_REQUEST_ALL_EXTENSION_NUMBERS_OF_TYPE:
    case _GRPC__REFLECTION__V1ALPHA__SERVER_REFLECTION_REQUEST__MESSAGE_REQUEST__CASE_IS_INT_SIZE:
    default:
        return send_error(call, &r, AURA_GRPC_UNIMPLEMENTED, "there are no extensions here");
    }
    return d ? send_file(call, &r, d)
             : send_error(call, &r, AURA_GRPC_NOT_FOUND, "no such file or symbol");
}

static void on_message(void *user, struct aura_grpc_call *call, const uint8_t *data, size_t len) {
    (void)user;
    if (!data) {
        aura_grpc_finish(call, AURA_GRPC_OK, "");
        return;
    }
    request_t *q = grpc__reflection__v1alpha__server_reflection_request__unpack(NULL, len, data);
    int err = q ? answer(call, q) : AURA_EMALFORMED;
    if (err) {
        aura_grpc_finish(call, q ? AURA_GRPC_INTERNAL : AURA_GRPC_INVALID_ARGUMENT,
                         q ? aura_err_text(err) : "not a ServerReflectionRequest");
    }
    if (q) {
        grpc__reflection__v1alpha__server_reflection_request__free_unpacked(q, NULL);
    }
}

#define METHOD "/ServerReflectionInfo"

const struct aura_grpc_method aura__reflection_methods[2] = {
    {"/grpc.reflection.v1.ServerReflection" METHOD, NULL, aura__service_open, on_message,
     aura__service_closed},
    {"/grpc.reflection.v1alpha.ServerReflection" METHOD, NULL, aura__service_open, on_message,
     aura__service_closed},
};
