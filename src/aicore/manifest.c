/* SPDX-License-Identifier: Apache-2.0 */
#include "aicore/manifest.h"

#include "base/mem.h"

#include <errno.h>
#include <jansson.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>

enum { PATH_BYTES = 4096, CHUNK = 64 << 10, SIDE_MAX = 1 << 20 };

static int bad(char *why, const char *where, const char *what) {
    (void)snprintf(why, AURA_MANIFEST_WHY_MAX, "manifest.json: %s %s", where, what);
    return AURA_EMALFORMED;
}

static int take_text(const json_t *object, const char *key, char *out, size_t cap,
                     const char *where, char *why) {
    char field[96];
    const json_t *value = json_object_get(object, key);
    size_t len = value && json_is_string(value) ? json_string_length(value) : 0;
    (void)snprintf(field, sizeof(field), "%s.%s", where, key);
    if (len == 0 || len >= cap || strlen(json_string_value(value)) != len) {
        char what[48];
        (void)snprintf(what, sizeof(what), "must be a text of 1 to %zu bytes", cap - 1);
        return bad(why, field, what);
    }
    memcpy(out, json_string_value(value), len + 1);
    return 0;
}

/* A file of the folder itself, or of one below it. */
static bool stays_inside(const char *path) {
    return path[0] != '/' && strstr(path, "..") == NULL;
}

static int take_shapes(const json_t *object, const char *key, struct aura_model_shape *out,
                       uint32_t *count, const char *where, char *why) {
    char field[96];
    const json_t *list = json_object_get(object, key);
    size_t n = json_is_array(list) ? json_array_size(list) : 0;
    (void)snprintf(field, sizeof(field), "%s.%s", where, key);
    if (n == 0 || n > AURA_MANIFEST_PORTS_MAX) {
        return bad(why, field, "must be 1 to 4 shapes");
    }
    for (size_t i = 0; i < n; i++) {
        const json_t *shape = json_array_get(list, i);
        size_t rank = json_is_array(shape) ? json_array_size(shape) : 0;
        if (rank == 0 || rank > AURA_MANIFEST_RANK_MAX) {
            return bad(why, field, "has a shape without 1 to 4 sides");
        }
        out[i].rank = (uint32_t)rank;
        for (size_t j = 0; j < rank; j++) {
            const json_t *side = json_array_get(shape, j);
            json_int_t v = json_is_integer(side) ? json_integer_value(side) : 0;
            if (v < 1 || v > SIDE_MAX) {
                return bad(why, field, "has a side that is no number from 1 to 1048576");
            }
            out[i].side[j] = (uint32_t)v;
        }
    }
    *count = (uint32_t)n;
    return 0;
}

static int refuse_unknown(const json_t *object, const char *const *known, const char *where,
                          char *why) {
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)(uintptr_t)object, key, value) {
        const char *const *k = known;
        while (*k && strcmp(*k, key) != 0) {
            k++;
        }
        if (!*k) {
            char field[96];
            (void)snprintf(field, sizeof(field), "%s.%.40s", where, key);
            return bad(why, field, "is not known");
        }
    }
    return 0;
}

static bool is_sha256(const char *text) {
    return strlen(text) == 64 && strspn(text, "0123456789abcdef") == 64;
}

static int take_model(struct aura_model_info *m, const json_t *object, const char *where,
                      char *why) {
    static const char *const known[] = {"id",      "version", "number",     "purpose",
                                        "file",    "sha256",  "licence",    "inputs",
                                        "outputs", "source",  "typical_ms", NULL};
    const json_t *number = json_object_get(object, "number");
    const json_t *ms = json_object_get(object, "typical_ms");
    int err = json_is_object(object) ? refuse_unknown(object, known, where, why)
                                     : bad(why, where, "must be an object");
    err = err ? err : take_text(object, "id", m->id, sizeof(m->id), where, why);
    err = err ? err : take_text(object, "version", m->version, sizeof(m->version), where, why);
    err = err ? err : take_text(object, "purpose", m->purpose, sizeof(m->purpose), where, why);
    err = err ? err : take_text(object, "file", m->file, sizeof(m->file), where, why);
    err = err ? err : take_text(object, "sha256", m->sha256, sizeof(m->sha256), where, why);
    err = err ? err : take_text(object, "licence", m->licence, sizeof(m->licence), where, why);
    err = err ? err : take_shapes(object, "inputs", m->input, &m->input_count, where, why);
    err = err ? err : take_shapes(object, "outputs", m->output, &m->output_count, where, why);
    if (err) {
        return err;
    }
    json_int_t n = json_is_integer(number) ? json_integer_value(number) : 0;
    if (n < 1 || n > UINT16_MAX) {
        return bad(why, where, "needs a number from 1 to 65535");
    }
    if (!json_is_number(ms) || json_number_value(ms) < 0) {
        return bad(why, where, "needs typical_ms");
    }
    if (!is_sha256(m->sha256)) {
        return bad(why, where, "has a sha256 that is not 64 hexadecimal digits");
    }
    if (!stays_inside(m->file)) {
        return bad(why, where, "has a file outside of the folder");
    }
    m->number = (uint16_t)n;
    m->typical_ms = (float)json_number_value(ms);
    return 0;
}

static int take_all(struct aura_manifest *m, const json_t *root, char *why) {
    static const char *const known[] = {"runtime", "models", NULL};
    const json_t *models = json_object_get(root, "models");
    int err = json_is_object(root) ? refuse_unknown(root, known, "it", why)
                                   : bad(why, "it", "must be an object");
    err = err ? err : take_text(root, "runtime", m->runtime, sizeof(m->runtime), "it", why);
    if (err) {
        return err;
    }
    if (!stays_inside(m->runtime)) {
        return bad(why, "runtime", "is outside of the folder");
    }
    size_t n = json_is_array(models) ? json_array_size(models) : 0;
    if (n == 0 || n > AURA_MANIFEST_MODELS_MAX) {
        return bad(why, "models", "must be a list of 1 to 16");
    }
    for (size_t i = 0; i < n && !err; i++) {
        char where[32];
        (void)snprintf(where, sizeof(where), "models[%zu]", i);
        err = take_model(&m->model[i], json_array_get(models, i), where, why);
        for (size_t j = 0; j < i && !err; j++) {
            if (m->model[j].number == m->model[i].number ||
                strcmp(m->model[j].id, m->model[i].id) == 0) {
                err = bad(why, where, "has the id or number of another one");
            }
        }
    }
    m->count = n;
    return err;
}

int aura_manifest_parse(struct aura_manifest *m, const char *text, size_t len,
                        char why[AURA_MANIFEST_WHY_MAX]) {
    json_error_t e;
    memset(m, 0, sizeof(*m));
    why[0] = 0;
    json_t *root = json_loadb(text, len, JSON_REJECT_DUPLICATES, &e);
    if (!root) {
        (void)snprintf(why, AURA_MANIFEST_WHY_MAX, "manifest.json:%d:%d: %s", e.line, e.column,
                       e.text);
        return json_error_code(&e) == json_error_out_of_memory ? AURA_ENOMEM : AURA_EMALFORMED;
    }
    int err = take_all(m, root, why);
    json_decref(root);
    return err;
}

int aura_manifest_read(struct aura_manifest *m, const char *folder,
                       char why[AURA_MANIFEST_WHY_MAX]) {
    char path[PATH_BYTES];
    (void)snprintf(path, sizeof(path), "%s/manifest.json", folder);
    FILE *file = fopen(path, "re");
    if (!file) {
        (void)snprintf(why, AURA_MANIFEST_WHY_MAX, "cannot read %.200s: %s", path, strerror(errno));
        return AURA_ENOENT;
    }
    char *text = aura_zalloc(AURA_MANIFEST_BYTES_MAX + 1);
    size_t len = text ? fread(text, 1, AURA_MANIFEST_BYTES_MAX + 1, file) : 0;
    fclose(file);
    int err = !text ? AURA_ENOMEM : 0;
    if (!err && len > AURA_MANIFEST_BYTES_MAX) {
        err = bad(why, "it", "is larger than 64 KiB");
    }
    err = err ? err : aura_manifest_parse(m, text, len, why);
    aura_free(text);
    return err;
}

static int hash_of(FILE *file, char hex[65]) {
    uint8_t sum[EVP_MAX_MD_SIZE];
    unsigned len = 0;
    uint8_t *chunk = aura_zalloc(CHUNK);
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    bool ok = chunk && ctx && EVP_DigestInit_ex(ctx, EVP_sha256(), NULL) == 1;
    for (size_t n; ok && (n = fread(chunk, 1, CHUNK, file)) > 0;) {
        ok = EVP_DigestUpdate(ctx, chunk, n) == 1;
    }
    ok = ok && !ferror(file) && EVP_DigestFinal_ex(ctx, sum, &len) == 1;
    for (unsigned i = 0; ok && i < 32; i++) {
        (void)snprintf(hex + 2 * (size_t)i, 3, "%02x", sum[i]);
    }
    EVP_MD_CTX_free(ctx);
    aura_free(chunk);
    return ok ? 0 : AURA_ENOMEM;
}

int aura_manifest_verify(const struct aura_model_info *info, const char *folder,
                         char why[AURA_MANIFEST_WHY_MAX]) {
    char path[PATH_BYTES], hex[65];
    (void)snprintf(path, sizeof(path), "%s/%s", folder, info->file);
    FILE *file = fopen(path, "re");
    if (!file) {
        (void)snprintf(why, AURA_MANIFEST_WHY_MAX, "cannot read %.200s: %s", path, strerror(errno));
        return AURA_ENOENT;
    }
    int err = hash_of(file, hex);
    fclose(file);
    if (!err && strcmp(hex, info->sha256) != 0) {
        (void)snprintf(why, AURA_MANIFEST_WHY_MAX,
                       "%.96s is not the file that the manifest means: its sha256 is %s, not %s",
                       info->file, hex, info->sha256);
        err = AURA_EMALFORMED;
    }
    return err;
}
