/* SPDX-License-Identifier: Apache-2.0 */
/* gRPC's health checking protocol. Watch tells the status of its beginning and then stays silent
 * until the server goes: clients see the connection end. */
#include "aicore/service_priv.h"

#include "grpc_health.pb-c.h"

#include <string.h>

typedef Grpc__Health__V1__HealthCheckRequest request_t;

static int tell(struct aura_aicore *core, struct aura_grpc_call *call, const char *service) {
    Grpc__Health__V1__HealthCheckResponse r = GRPC__HEALTH__V1__HEALTH_CHECK_RESPONSE__INIT;
    bool known = strcmp(service, "") == 0 || strcmp(service, "auralink.aicore.v1.AICore") == 0;
    if (!known) {
        return AURA_ENOENT;
    }
    r.status = atomic_load(&core->draining)
                   ? GRPC__HEALTH__V1__HEALTH_CHECK_RESPONSE__SERVING_STATUS__NOT_SERVING
                   : GRPC__HEALTH__V1__HEALTH_CHECK_RESPONSE__SERVING_STATUS__SERVING;
    return aura__service_send(call, &r.base);
}

static int read_request(struct aura_aicore *core, struct aura_grpc_call *call, const uint8_t *data,
                        size_t len) {
    request_t *q = grpc__health__v1__health_check_request__unpack(NULL, len, data);
    if (!q) {
        aura_grpc_finish(call, AURA_GRPC_INVALID_ARGUMENT, "not a HealthCheckRequest");
        return AURA_EMALFORMED;
    }
    int err = tell(core, call, q->service);
    grpc__health__v1__health_check_request__free_unpacked(q, NULL);
    if (err) {
        aura_grpc_finish(call, err == AURA_ENOENT ? AURA_GRPC_NOT_FOUND : AURA_GRPC_INTERNAL,
                         err == AURA_ENOENT ? "no such service" : aura_err_text(err));
    }
    return err;
}

static void on_check(void *user, struct aura_grpc_call *call, const uint8_t *data, size_t len) {
    if (data && read_request(user, call, data, len) == 0) {
        aura_grpc_finish(call, AURA_GRPC_OK, "");
    }
}

static void on_watch(void *user, struct aura_grpc_call *call, const uint8_t *data, size_t len) {
    if (data) {
        (void)read_request(user, call, data, len);
    }
}

const struct aura_grpc_method aura__health_methods[2] = {
    {"/grpc.health.v1.Health/Check", NULL, aura__service_open, on_check, aura__service_closed},
    {"/grpc.health.v1.Health/Watch", NULL, aura__service_open, on_watch, aura__service_closed},
};
