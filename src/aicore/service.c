/* SPDX-License-Identifier: Apache-2.0 */
#include "aicore/service_priv.h"

#include "aicore/trial.h"
#include "base/log.h"
#include "base/mem.h"

#include <unistd.h>

enum {
    OPENS_PER_S = 50,
    PIXELS_720P = 1280 * 720,
};

void *aura__service_open(void *arg, struct aura_grpc_call *call) {
    (void)call;
    return arg;
}

void aura__service_closed(void *user, struct aura_grpc_call *call) {
    (void)user;
    (void)call;
}

int aura__service_send(struct aura_grpc_call *call, const ProtobufCMessage *m) {
    size_t len = protobuf_c_message_get_packed_size(m);
    uint8_t *bytes = aura_zalloc(len + 1);
    if (!bytes) {
        return AURA_ENOMEM;
    }
    protobuf_c_message_pack(m, bytes);
    int err = aura_grpc_send(call, bytes, len);
    aura_free(bytes);
    return err;
}

static void add(struct aura_aicore *a, const struct aura_grpc_method *rows, size_t n) {
    size_t at = 0;
    while (a->methods[at].path) {
        at++;
    }
    AURA_BUG_ON(at + n >= AURA__SERVICE_METHODS); /* the last one stays empty */
    for (size_t i = 0; i < n; i++) {
        a->methods[at + i] = rows[i];
        a->methods[at + i].arg = a;
    }
}

static int start(struct aura_aicore *a, const struct aura_aicore_conf *conf) {
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    unsigned threads = conf->threads ? conf->threads : cores > 0 ? (unsigned)cores : 1;
    threads = threads < AURA_POOL_THREADS_MAX ? threads : AURA_POOL_THREADS_MAX;
    struct aura_trial trial = {.work_ns_per_pixel = 0};
    if (aura_trial_run(&trial, a->clock, a->models)) {
        AURA_LOG("aicore", AURA_LOG_WARN, "no_trial", AURA_S("so", "times are guessed at first"));
    }
    AURA_LOG("aicore", AURA_LOG_INFO, "trial",
             AURA_I("answer_720p_us", trial.answer_ns_per_pixel * PIXELS_720P / 1000),
             AURA_I("work_720p_us", trial.work_ns_per_pixel * PIXELS_720P / 1000));
    const struct aura_admission_conf admission = {
        .threads = threads,
        .max_streams = conf->max_streams,
        .opens_per_s = conf->opens_per_s ? conf->opens_per_s : OPENS_PER_S,
        .work_ns_per_pixel = trial.work_ns_per_pixel,
        .answer_ns_per_pixel = trial.answer_ns_per_pixel,
    };
    a->threads = threads;
    int err =
        conf->urgent ? aura_urgent_new(&a->urgent, cores > 0 ? (unsigned)cores : 1, a->clock) : 0;
    err = err == AURA_EUNSUPPORTED ? 0 : err;
    err = err ? err : aura_pool_new(&a->pool, threads, a->urgent);
    err = err ? err : aura_admission_new(&a->admission, &admission, a->clock);
    if (err) {
        return err;
    }
    add(a, aura__compress_methods, 3);
    add(a, &aura__models_method, 1);
    add(a, aura__health_methods, 2);
    add(a, aura__reflection_methods, 2);
    const struct aura_grpc_server_conf server = {
        .address = conf->address,
        .certificate = conf->certificate,
        .key = conf->key,
        .client_ca = conf->client_ca,
        .message_bytes_max = AURA_AICORE_MESSAGE_BYTES_MAX,
        .methods = a->methods,
        .urgent = a->urgent,
    };
    return aura_grpc_server_new(&a->server, &server);
}

int aura_aicore_new(struct aura_aicore **ap, const struct aura_aicore_conf *conf,
                    const struct aura_clock *clock) {
    struct aura_aicore *a = aura_zalloc(sizeof(*a));
    if (!a) {
        return AURA_ENOMEM;
    }
    a->clock = clock;
    a->models = conf->models;
    a->without = conf->without;
    int err = start(a, conf);
    if (err) {
        aura_aicore_free(a);
        return err;
    }
    *ap = a;
    return 0;
}

struct aura_aicore *aura_aicore_free(struct aura_aicore *a) {
    if (a) {
        /* Its calls' lanes end on the pool's threads, which therefore go last. */
        aura_grpc_server_free(a->server);
        aura_pool_free(a->pool);
        aura_urgent_free(a->urgent);
        aura_admission_free(a->admission);
        aura_free(a);
    }
    return NULL;
}

uint16_t aura_aicore_port(const struct aura_aicore *a) {
    return aura_grpc_server_port(a->server);
}

void aura_aicore_drain(struct aura_aicore *a) {
    atomic_store(&a->draining, true);
}

bool aura_aicore_is_urgent(const struct aura_aicore *a) {
    return a->urgent != NULL;
}

bool aura_aicore_drains(const struct aura_aicore *a) {
    return atomic_load(&a->draining);
}

static void put(struct aura_buf *out, const char *name, const char *type, const char *help,
                double value) {
    (void)aura_buf_printf(out, "# HELP %s %s\n# TYPE %s %s\n%s %.17g\n", name, help, name, type,
                          name, value);
}

void aura_aicore_metrics(struct aura_aicore *a, struct aura_buf *out) {
    struct aura_aicore_stats s;
    aura_aicore_stats(a, &s);
    put(out, "auralink_aicore_streams", "gauge", "Streams now.", s.streams);
    put(out, "auralink_aicore_streams_total", "counter", "Streams that were let in.",
        (double)s.streams_opened);
    put(out, "auralink_aicore_load_ratio", "gauge",
        "Share of the threads' time that is promised to streams; no more than 0.8 is.",
        (double)s.load);
    put(out, "auralink_aicore_threads", "gauge", "Threads that decode and encode.", a->threads);
    put(out, "auralink_aicore_draining", "gauge", "1 while it drains.", aura_aicore_drains(a));
    put(out, "auralink_aicore_frames_total", "counter", "Frames that were answered.",
        (double)s.frames);
    put(out, "auralink_aicore_frames_failed_total", "counter", "Frames that could not be.",
        (double)s.frames_failed);
    put(out, "auralink_aicore_in_bytes_total", "counter", "Bytes of frames that came in.",
        (double)s.bytes_in);
    put(out, "auralink_aicore_out_bytes_total", "counter", "Bytes of frames that went out.",
        (double)s.bytes_out);
    aura_metrics_write(&a->metrics, a->models, out);
}

void aura_aicore_stats(struct aura_aicore *a, struct aura_aicore_stats *out) {
    *out = (struct aura_aicore_stats){
        .streams_opened = atomic_load(&a->streams_opened),
        .streams_refused = atomic_load(&a->streams_refused),
        .frames = atomic_load(&a->frames),
        .frames_failed = atomic_load(&a->frames_failed),
        .bytes_in = atomic_load(&a->bytes_in),
        .bytes_out = atomic_load(&a->bytes_out),
    };
    aura_admission_load(a->admission, &out->streams, &out->load);
}
