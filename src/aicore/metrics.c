/* SPDX-License-Identifier: Apache-2.0 */
#include "aicore/metrics.h"

#include <stdio.h>

static const uint32_t bounds_us[AURA_METRICS_BUCKETS] = {
    500, 1000, 2000, 4000, 6000, 8000, 10000, 15000, 20000, 30000, 50000, UINT32_MAX};

static void add(atomic_uint_least64_t *to, uint64_t n) {
    atomic_fetch_add_explicit(to, n, memory_order_relaxed);
}

static uint64_t get(const atomic_uint_least64_t *from) {
    return atomic_load_explicit(from, memory_order_relaxed);
}

void aura_metrics_refused(struct aura_metrics *m, enum aura_refusal why) {
    add(&m->refused[why], 1);
}

enum aura_refusal aura_metrics_why(int err) {
    switch (err) {
    case AURA_ENOMEM:
        return AURA_REFUSED_MEMORY;
    case AURA_ELIMIT:
        return AURA_REFUSED_SIZE;
    case AURA_EUNSUPPORTED:
        return AURA_REFUSED_CODEC;
    case AURA_EMALFORMED:
    case AURA_EINVAL:
        return AURA_REFUSED_FRAME;
    default:
        return AURA_REFUSED_OTHER;
    }
}

static void observe(struct aura_histogram *h, uint32_t us) {
    size_t i = 0;
    while (us > bounds_us[i]) {
        i++;
    }
    add(&h->bucket[i], 1);
    add(&h->sum_us, us);
}

void aura_metrics_frame(struct aura_metrics *m, const uint32_t step_us[AURA_STEPS], size_t in,
                        size_t out, uint32_t total_us) {
    for (size_t i = 0; i < AURA_STEPS; i++) {
        if (step_us[i]) { /* steps that were left out took no time */
            observe(&m->step[i], step_us[i]);
        }
    }
    observe(&m->total, total_us);
    if (in) {
        add(&m->native_bytes, in);
        add(&m->coded_bytes, out);
    }
}

const char *aura_step_name(enum aura_step step) {
    static const char *const names[AURA_STEPS] = {
        [AURA_STEP_DECODE] = "decode", [AURA_STEP_ANALYSE] = "analyse",
        [AURA_STEP_FACES] = "faces",   [AURA_STEP_PERSON] = "person",
        [AURA_STEP_SPEECH] = "speech", [AURA_STEP_ENCODE] = "encode",
        [AURA_STEP_LEARN] = "learn",   [AURA_STEP_CONDITION] = "condition"};
    return (size_t)step < AURA_STEPS ? names[step] : "";
}

/* ---- text ---- */

static void head(struct aura_buf *b, const char *name, const char *type, const char *help) {
    (void)aura_buf_printf(b, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void put_histogram(struct aura_buf *b, const char *name, const char *label,
                          const struct aura_histogram *h) {
    const char *comma = label[0] ? "," : "";
    uint64_t sum = 0;
    for (size_t i = 0; i < AURA_METRICS_BUCKETS; i++) {
        char le[24] = "+Inf";
        sum += get(&h->bucket[i]);
        if (bounds_us[i] != UINT32_MAX) {
            snprintf(le, sizeof(le), "%g", bounds_us[i] / 1e6);
        }
        (void)aura_buf_printf(b, "%s_bucket{%s%sle=\"%s\"} %llu\n", name, label, comma, le,
                              (unsigned long long)sum);
    }
    const char *open = label[0] ? "{" : "", *close = label[0] ? "}" : "";
    (void)aura_buf_printf(b, "%s_sum%s%s%s %.6f\n%s_count%s%s%s %llu\n", name, open, label, close,
                          (double)get(&h->sum_us) / 1e6, name, open, label, close,
                          (unsigned long long)sum);
}

static void put_times(const struct aura_metrics *m, struct aura_buf *b) {
    char label[32];
    head(b, "auralink_aicore_step_seconds", "histogram", "Time of each step of a frame.");
    for (size_t i = 0; i < AURA_STEPS; i++) {
        snprintf(label, sizeof(label), "step=\"%s\"", aura_step_name((enum aura_step)i));
        put_histogram(b, "auralink_aicore_step_seconds", label, &m->step[i]);
    }
    head(b, "auralink_aicore_frame_seconds", "histogram",
         "From the arrival of a frame to its answer.");
    put_histogram(b, "auralink_aicore_frame_seconds", "", &m->total);
}

static void put_refusals(const struct aura_metrics *m, struct aura_buf *b) {
    static const char *const names[AURA_REFUSALS] = {[AURA_REFUSED_DRAINING] = "draining",
                                                     [AURA_REFUSED_RATE] = "too_many_calls",
                                                     [AURA_REFUSED_ROOM] = "no_room",
                                                     [AURA_REFUSED_FAST] = "frames_too_fast",
                                                     [AURA_REFUSED_SLOW] = "reader_too_slow",
                                                     [AURA_REFUSED_MESSAGE] = "malformed_message",
                                                     [AURA_REFUSED_FRAME] = "malformed_frame",
                                                     [AURA_REFUSED_SIZE] = "out_of_range",
                                                     [AURA_REFUSED_CODEC] = "unsupported",
                                                     [AURA_REFUSED_MEMORY] = "out_of_memory",
                                                     [AURA_REFUSED_OTHER] = "other"};
    head(b, "auralink_aicore_refused_total", "counter", "Calls and frames refused, by reason.");
    for (size_t i = 0; i < AURA_REFUSALS; i++) {
        (void)aura_buf_printf(b, "auralink_aicore_refused_total{reason=\"%s\"} %llu\n", names[i],
                              (unsigned long long)get(&m->refused[i]));
    }
}

/* The manifest's texts are bounded, but whoever wrote it may have used quotes. */
static void put_label(struct aura_buf *b, const char *text) {
    for (; *text; text++) {
        bool plain = *text >= 0x20 && *text != '"' && *text != '\\';
        (void)aura_buf_add(b, plain ? text : "_", 1);
    }
}

static void put_models(const struct aura_models *models, struct aura_buf *b) {
    head(b, "auralink_aicore_model_info", "gauge", "1 for each model that is in use.");
    const struct aura_manifest *manifest = models ? aura_models_manifest(models) : NULL;
    for (size_t i = 0; manifest && i < manifest->count; i++) {
        const struct aura_model_info *info = &manifest->model[i];
        if (aura_models_info(models, info->purpose) == info) {
            (void)aura_buf_printf(b, "auralink_aicore_model_info{id=\"");
            put_label(b, info->id);
            (void)aura_buf_printf(b, "\",version=\"");
            put_label(b, info->version);
            (void)aura_buf_printf(b, "\",purpose=\"");
            put_label(b, info->purpose);
            (void)aura_buf_printf(b, "\"} 1\n");
        }
    }
}

void aura_metrics_write(const struct aura_metrics *m, const struct aura_models *models,
                        struct aura_buf *out) {
    uint64_t native = get(&m->native_bytes), coded = get(&m->coded_bytes);
    head(out, "auralink_aicore_saved_ratio", "gauge",
         "Share of the compressed frames' bytes that was saved so far.");
    (void)aura_buf_printf(out, "auralink_aicore_saved_ratio %.6f\n",
                          native > coded ? 1 - (double)coded / (double)native : 0.0);
    put_refusals(m, out);
    put_times(m, out);
    put_models(models, out);
}
