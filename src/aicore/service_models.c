/* SPDX-License-Identifier: Apache-2.0 */
#include "aicore/service_priv.h"

#include "aicore.pb-c.h"

static void on_list(void *user, struct aura_grpc_call *call, const uint8_t *data, size_t len) {
    Auralink__Aicore__V1__ListModelsResponse r = AURALINK__AICORE__V1__LIST_MODELS_RESPONSE__INIT;
    (void)user;
    (void)len;
    if (!data) {
        return;
    }
    int err = aura__service_send(call, &r.base);
    aura_grpc_finish(call, err ? AURA_GRPC_INTERNAL : AURA_GRPC_OK, err ? aura_err_text(err) : "");
}

const struct aura_grpc_method aura__models_method = {"/auralink.aicore.v1.AICore/ListModels", NULL,
                                                     aura__service_open, on_list,
                                                     aura__service_closed};
