/* SPDX-License-Identifier: Apache-2.0 */
#include "aicore/service_priv.h"

#include "aicore.pb-c.h"

typedef Auralink__Aicore__V1__Model model_t;

/* The answer only borrows: texts of the manifest live as long as the service. */
static char *text(const char *s) {
    return (char *)(uintptr_t)s;
}

static void describe(const struct aura_models *models, const struct aura_model_info *info,
                     model_t *m) {
    auralink__aicore__v1__model__init(m);
    m->id = text(info->id);
    m->version = text(info->version);
    m->number = info->number;
    m->sha256 = text(info->sha256);
    m->licence = text(info->licence);
    m->purpose = text(info->purpose);
    m->typical_ms = info->typical_ms;
    m->loaded = aura_models_info(models, info->purpose) == info;
    m->problem = text(m->loaded ? "" : "left out by --without");
}

static void on_list(void *user, struct aura_grpc_call *call, const uint8_t *data, size_t len) {
    const struct aura_aicore *a = user;
    Auralink__Aicore__V1__ListModelsResponse r = AURALINK__AICORE__V1__LIST_MODELS_RESPONSE__INIT;
    model_t models[AURA_MANIFEST_MODELS_MAX], *list[AURA_MANIFEST_MODELS_MAX];
    (void)len;
    if (!data) {
        return;
    }
    if (a->models) {
        const struct aura_manifest *manifest = aura_models_manifest(a->models);
        for (size_t i = 0; i < manifest->count; i++) {
            describe(a->models, &manifest->model[i], &models[i]);
            list[i] = &models[i];
        }
        r.n_models = manifest->count;
        r.models = list;
        r.runtime = text("OpenVINO");
    }
    int err = aura__service_send(call, &r.base);
    aura_grpc_finish(call, err ? AURA_GRPC_INTERNAL : AURA_GRPC_OK, err ? aura_err_text(err) : "");
}

const struct aura_grpc_method aura__models_method = {"/auralink.aicore.v1.AICore/ListModels", NULL,
                                                     aura__service_open, on_list,
                                                     aura__service_closed};
