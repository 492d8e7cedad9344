/* SPDX-License-Identifier: Apache-2.0 */
#include "aicore/models.h"

#include "base/mem.h"

#include <stdio.h>
#include <string.h>

enum { PATH_BYTES = 4096 };

struct aura_models {
    struct aura_manifest manifest;
    struct aura_runtime *runtime;
    struct aura_model *model[AURA_MANIFEST_MODELS_MAX]; /* NULL: left out */
};

static bool is_listed(const char *list, const char *word) {
    size_t len = strlen(word);
    for (const char *at = list; at && *at; at = strchr(at, ',') ? strchr(at, ',') + 1 : NULL) {
        if (strncmp(at, word, len) == 0 && (at[len] == ',' || at[len] == 0)) {
            return true;
        }
    }
    return false;
}

static int load(struct aura_models *m, const char *folder, const char *without, char *why) {
    char library[PATH_BYTES];
    int err = aura_manifest_read(&m->manifest, folder, why);
    if (err) {
        return err;
    }
    (void)snprintf(library, sizeof(library), "%s/%s", folder, m->manifest.runtime);
    err = aura_runtime_new(&m->runtime, library, why);
    for (size_t i = 0; i < m->manifest.count && !err; i++) {
        const struct aura_model_info *info = &m->manifest.model[i];
        if (is_listed(without, info->purpose)) {
            continue;
        }
        err = aura_manifest_verify(info, folder, why);
        err = err ? err : aura_model_new(&m->model[i], m->runtime, folder, info, why);
    }
    return err;
}

int aura_models_new(struct aura_models **mp, const char *folder, const char *without,
                    char why[AURA_MANIFEST_WHY_MAX]) {
    struct aura_models *m = aura_zalloc(sizeof(*m));
    why[0] = 0;
    int err = m ? load(m, folder, without, why) : AURA_ENOMEM;
    if (err) {
        aura_models_free(m);
        return err;
    }
    *mp = m;
    return 0;
}

struct aura_models *aura_models_free(struct aura_models *m) {
    if (m) {
        for (size_t i = 0; i < AURA_MANIFEST_MODELS_MAX; i++) {
            aura_model_free(m->model[i]);
        }
        aura_runtime_free(m->runtime);
        aura_free(m);
    }
    return NULL;
}

const struct aura_manifest *aura_models_manifest(const struct aura_models *m) {
    return &m->manifest;
}

static size_t index_of(const struct aura_models *m, const char *purpose) {
    for (size_t i = 0; m && i < m->manifest.count; i++) {
        if (m->model[i] && strcmp(m->manifest.model[i].purpose, purpose) == 0) {
            return i;
        }
    }
    return AURA_MANIFEST_MODELS_MAX;
}

const struct aura_model *aura_models_find(const struct aura_models *m, const char *purpose) {
    size_t i = index_of(m, purpose);
    return i < AURA_MANIFEST_MODELS_MAX ? m->model[i] : NULL;
}

const struct aura_model_info *aura_models_info(const struct aura_models *m, const char *purpose) {
    size_t i = index_of(m, purpose);
    return i < AURA_MANIFEST_MODELS_MAX ? &m->manifest.model[i] : NULL;
}
