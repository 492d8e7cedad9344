/* SPDX-License-Identifier: Apache-2.0 */
#include "aicore/runtime.h"

#include "base/mem.h"

#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

enum { PATH_BYTES = 4096, ELEMENT_F32 = 4 };

/* What we use of OpenVINO's C API (openvino/c/openvino.h of 2023.0 and newer); all else is opaque.
 * Functions return 0 if all is well. */
struct api {
    int (*core_create)(void **core);
    void (*core_free)(void *core);
    int (*core_read_model)(const void *core, const char *path, const char *weights, void **model);
    int (*core_compile_model)(const void *core, const void *model, const char *device,
                              size_t property_words, void **compiled, ...);
    void (*model_free)(void *model);
    int (*create_request)(const void *compiled, void **request);
    void (*compiled_free)(void *compiled);
    int (*input_tensor)(const void *request, size_t index, void **tensor);
    int (*output_tensor)(const void *request, size_t index, void **tensor);
    int (*infer)(void *request);
    void (*request_free)(void *request);
    int (*tensor_type)(const void *tensor, int *type);
    int (*tensor_bytes)(const void *tensor, size_t *bytes);
    int (*tensor_data)(const void *tensor, void **data);
    void (*tensor_free)(void *tensor);
    const char *(*last_error)(void);
};

struct aura_runtime {
    struct api api;
    void *library, *core;
};

struct aura_model {
    struct aura_runtime *runtime;
    const struct aura_model_info *info;
    void *compiled;
};

struct port {
    void *tensor;
    float *data;
};

struct aura_inference {
    const struct aura_model *model;
    void *request;
    struct port input[AURA_MANIFEST_PORTS_MAX], output[AURA_MANIFEST_PORTS_MAX];
};

static int resolve(struct aura_runtime *r, char *why) {
    struct api *a = &r->api;
    const struct {
        const char *name;
        void *to;
    } symbols[] = {
        {"ov_core_create", &a->core_create},
        {"ov_core_free", &a->core_free},
        {"ov_core_read_model", &a->core_read_model},
        {"ov_core_compile_model", &a->core_compile_model},
        {"ov_model_free", &a->model_free},
        {"ov_compiled_model_create_infer_request", &a->create_request},
        {"ov_compiled_model_free", &a->compiled_free},
        {"ov_infer_request_get_input_tensor_by_index", &a->input_tensor},
        {"ov_infer_request_get_output_tensor_by_index", &a->output_tensor},
        {"ov_infer_request_infer", &a->infer},
        {"ov_infer_request_free", &a->request_free},
        {"ov_tensor_get_element_type", &a->tensor_type},
        {"ov_tensor_get_byte_size", &a->tensor_bytes},
        {"ov_tensor_data", &a->tensor_data},
        {"ov_tensor_free", &a->tensor_free},
        {"ov_get_last_err_msg", &a->last_error},
    };
    for (size_t i = 0; i < sizeof(symbols) / sizeof(*symbols); i++) {
        void *found = dlsym(r->library, symbols[i].name);
        if (!found) {
            (void)snprintf(why, AURA_MANIFEST_WHY_MAX, "the OpenVINO library has no %s",
                           symbols[i].name);
            return AURA_EUNSUPPORTED;
        }
        memcpy(symbols[i].to, &found, sizeof(found));
    }
    return 0;
}

int aura_runtime_new(struct aura_runtime **rp, const char *library,
                     char why[AURA_MANIFEST_WHY_MAX]) {
    struct aura_runtime *r = aura_zalloc(sizeof(*r));
    if (!r) {
        return AURA_ENOMEM;
    }
    r->library = dlopen(library, RTLD_NOW | RTLD_LOCAL);
    if (!r->library) {
        const char *text = dlerror();
        (void)snprintf(why, AURA_MANIFEST_WHY_MAX, "cannot load OpenVINO: %.280s",
                       text ? text : library);
        aura_free(r);
        return AURA_EUNSUPPORTED;
    }
    int err = resolve(r, why);
    if (!err && r->api.core_create(&r->core)) {
        (void)snprintf(why, AURA_MANIFEST_WHY_MAX, "OpenVINO does not start: %.280s",
                       r->api.last_error());
        err = AURA_EUNSUPPORTED;
    }
    if (err) {
        aura_runtime_free(r);
        return err;
    }
    *rp = r;
    return 0;
}

struct aura_runtime *aura_runtime_free(struct aura_runtime *r) {
    if (r) {
        if (r->core) {
            r->api.core_free(r->core);
        }
        /* It stays loaded: threads of its own may outlive its core for a moment. */
        aura_free(r);
    }
    return NULL;
}

static int failed(const struct aura_runtime *r, const char *what, const char *id, char *why) {
    (void)snprintf(why, AURA_MANIFEST_WHY_MAX, "model %s cannot be %s: %.200s", id, what,
                   r->api.last_error());
    return AURA_EMALFORMED;
}

/* A request shows what shapes the model really has. */
static int check_shapes(const struct aura_model *m, char *why) {
    struct aura_inference *i = NULL;
    int err = aura_inference_new(&i, m);
    if (err == AURA_EMALFORMED) {
        (void)snprintf(why, AURA_MANIFEST_WHY_MAX,
                       "model %s has other inputs or outputs than the manifest says", m->info->id);
    }
    aura_inference_free(i);
    return err;
}

int aura_model_new(struct aura_model **mp, struct aura_runtime *r, const char *folder,
                   const struct aura_model_info *info, char why[AURA_MANIFEST_WHY_MAX]) {
    char path[PATH_BYTES];
    void *model = NULL;
    struct aura_model *m = aura_zalloc(sizeof(*m));
    if (!m) {
        return AURA_ENOMEM;
    }
    m->runtime = r;
    m->info = info;
    (void)snprintf(path, sizeof(path), "%s/%s", folder, info->file);
    int err =
        r->api.core_read_model(r->core, path, NULL, &model) ? failed(r, "read", info->id, why) : 0;
    /* On the thread that asks: threads of the library's own cost two waits for a processor each
     * time, longer on a busy machine than the inference itself. Tracks run beside each other, not
     * one on all cores. And the same numbers on every processor, not half precision where it has
     * that. */
    if (!err && r->api.core_compile_model(r->core, model, "CPU", 6, &m->compiled, "NUM_STREAMS",
                                          "0", "INFERENCE_NUM_THREADS", "1",
                                          "INFERENCE_PRECISION_HINT", "f32")) {
        err = failed(r, "compiled", info->id, why);
    }
    if (model) {
        r->api.model_free(model);
    }
    err = err ? err : check_shapes(m, why);
    if (err) {
        aura_model_free(m);
        return err;
    }
    *mp = m;
    return 0;
}

struct aura_model *aura_model_free(struct aura_model *m) {
    if (m) {
        if (m->compiled) {
            m->runtime->api.compiled_free(m->compiled);
        }
        aura_free(m);
    }
    return NULL;
}

static size_t bytes_of(const struct aura_model_shape *s) {
    size_t n = sizeof(float);
    for (uint32_t i = 0; i < s->rank; i++) {
        n *= s->side[i];
    }
    return n;
}

static int open_port(const struct api *a, struct port *p, const struct aura_model_shape *shape,
                     int (*get)(const void *, size_t, void **), const void *request, size_t index) {
    int type = 0;
    size_t bytes = 0;
    void *data = NULL;
    if (get(request, index, &p->tensor) || a->tensor_type(p->tensor, &type) ||
        a->tensor_bytes(p->tensor, &bytes) || a->tensor_data(p->tensor, &data)) {
        return AURA_EMALFORMED;
    }
    p->data = data;
    return type == ELEMENT_F32 && bytes == bytes_of(shape) ? 0 : AURA_EMALFORMED;
}

int aura_inference_new(struct aura_inference **ip, const struct aura_model *m) {
    const struct api *a = &m->runtime->api;
    struct aura_inference *i = aura_zalloc(sizeof(*i));
    if (!i) {
        return AURA_ENOMEM;
    }
    i->model = m;
    int err = a->create_request(m->compiled, &i->request) ? AURA_ENOMEM : 0;
    for (uint32_t n = 0; n < m->info->input_count && !err; n++) {
        err = open_port(a, &i->input[n], &m->info->input[n], a->input_tensor, i->request, n);
    }
    for (uint32_t n = 0; n < m->info->output_count && !err; n++) {
        err = open_port(a, &i->output[n], &m->info->output[n], a->output_tensor, i->request, n);
    }
    if (err) {
        aura_inference_free(i);
        return err;
    }
    *ip = i;
    return 0;
}

struct aura_inference *aura_inference_free(struct aura_inference *i) {
    if (!i) {
        return NULL;
    }
    const struct api *a = &i->model->runtime->api;
    for (size_t n = 0; n < AURA_MANIFEST_PORTS_MAX; n++) {
        if (i->input[n].tensor) {
            a->tensor_free(i->input[n].tensor);
        }
        if (i->output[n].tensor) {
            a->tensor_free(i->output[n].tensor);
        }
    }
    if (i->request) {
        a->request_free(i->request);
    }
    aura_free(i);
    return NULL;
}

float *aura_inference_input(struct aura_inference *i, uint32_t index) {
    return i->input[index].data;
}

int aura_inference_run(struct aura_inference *i) {
    return i->model->runtime->api.infer(i->request) ? AURA_EMALFORMED : 0;
}

const float *aura_inference_output(const struct aura_inference *i, uint32_t index) {
    return i->output[index].data;
}
