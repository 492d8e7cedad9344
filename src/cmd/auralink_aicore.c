/* SPDX-License-Identifier: Apache-2.0 */
/* AI Core: reads its options, serves until a signal comes, drains. */
#include "aic/core.h"
#include "aicore/sandbox.h"
#include "aicore/service.h"
#include "aicore/track.h"
#include "base/log.h"
#include "cmd/aicore_http.h"
#include "cmd/aicore_man.h"
#include "cmd/args.h"
#include "cmd/pem.h"
#include "codec/encoder.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define HTTP_DEFAULT "127.0.0.1:9051"

enum { FAILED = 1, USAGE = 2, DRAIN_POLL_MS = 50 };

struct options {
    const char *http; /* NULL = the default, if it is free */
    const char *listen, *certificate, *key, *client_ca, *log_level, *models, *without, *realtime;
    uint64_t threads, max_streams, drain_s;
    bool log_json, version, insecure, no_sandbox;
};

static bool parse(struct options *o, int argc, char **argv, int *status) {
    const struct aura_arg args[] = {
        {"listen", AURA_ARG_STR, &o->listen, "ADDRESS",
         "HOST:PORT or unix:PATH (default 127.0.0.1:50051)", "AURALINK_AICORE_LISTEN", 0},
        {"tls-cert", AURA_ARG_STR, &o->certificate, "FILE", "certificate chain (PEM)", NULL, 0},
        {"tls-key", AURA_ARG_STR, &o->key, "FILE", "its private key (PEM)", NULL, 0},
        {"tls-client-ca", AURA_ARG_STR, &o->client_ca, "FILE",
         "clients must show a certificate of this authority", NULL, 0},
        {"insecure", AURA_ARG_FLAG, &o->insecure, NULL,
         "allow plain text beyond loopback: only inside a network that you trust", NULL, 0},
        {"http", AURA_ARG_STR, &o->http, "ADDRESS",
         "HOST:PORT of /metrics and /healthz, or off (default " HTTP_DEFAULT ")", NULL, 0},
        {"no-sandbox", AURA_ARG_FLAG, &o->no_sandbox, NULL,
         "keep the rights to open files, start programs and connect: for debuggers", NULL, 0},
        {"", AURA_ARG_FLAG, NULL, NULL, "Models:", NULL, 0},
        {"models", AURA_ARG_STR, &o->models, "DIR",
         "folder with manifest.json (default " AURA_MODELS_DIR ", if it is there)",
         "AURALINK_AICORE_MODELS", 0},
        {"without", AURA_ARG_STR, &o->without, "STAGES",
         "leave these out, with commas: governor, faces, person, speech, screen-tools, steady, "
         "quantizer",
         NULL, 0},
        {"", AURA_ARG_FLAG, NULL, NULL, "Running:", NULL, 0},
        {"threads", AURA_ARG_UINT, &o->threads, "N",
         "that decode and encode (default: one for each core)", NULL, 64},
        {"max-streams", AURA_ARG_UINT, &o->max_streams, "N",
         "at once (default: as many as the threads' time allows)", NULL, 4096},
        {"realtime", AURA_ARG_STR, &o->realtime, "WHETHER",
         "auto (default): its threads go before other programs where the system allows it, for "
         "half "
         "of the cores' time at most; off",
         "AURALINK_AICORE_REALTIME", 0},
        {"drain", AURA_ARG_UINT, &o->drain_s, "SECONDS",
         "that running streams have to leave after SIGTERM (default 10)", NULL, 3600},
        {"log-level", AURA_ARG_STR, &o->log_level, "LEVEL", "debug, info (default), warn, error",
         NULL, 0},
        {"log-json", AURA_ARG_FLAG, &o->log_json, NULL, "log lines as JSON", NULL, 0},
        {"version", AURA_ARG_FLAG, &o->version, NULL, "print the version and stop", NULL, 0},
    };
    const struct aura_command_line line = {
        .program = "auralink-aicore",
        .operands = "",
        .about =
            "AI Core: compresses media by ML models, over gRPC (proto/aicore.proto).\n"
            "SIGTERM or SIGINT drains: new streams are refused, running ones are told to move; a "
            "second\n"
            "one stops at once.",
        .args = args,
        .arg_count = sizeof(args) / sizeof(args[0]),
        .manual = aicore_man,
    };
    size_t n = 0;
    int err = aura_args_parse(&line, argc, argv, NULL, &n);
    *status = err == AURA_EIGNORED ? 0 : USAGE;
    if (!err && o->version) {
        printf("auralink-aicore %s\n", AURA_VERSION);
        *status = 0;
        return false;
    }
    return err == 0;
}

static bool check(const struct options *o) {
    enum aura_log_level level = AURA_LOG_INFO;
    const char *problem = NULL;
    if (!o->certificate != !o->key) {
        problem = "--tls-cert and --tls-key belong together";
    } else if (o->client_ca && !o->certificate) {
        problem = "--tls-client-ca needs --tls-cert and --tls-key";
    } else if (!o->certificate && !o->insecure && !aura_aic_address_is_near(o->listen)) {
        problem = "beyond loopback media needs TLS: give --tls-cert and --tls-key (or --insecure)";
    } else if (o->log_level && aura_log_level_parse(o->log_level, &level)) {
        problem = "--log-level is one of debug, info, warn, error";
    }
    if (!problem && o->realtime && strcmp(o->realtime, "auto") != 0 &&
        strcmp(o->realtime, "off") != 0) {
        problem = "--realtime is auto or off";
    }
    if (problem) {
        fprintf(stderr, "auralink-aicore: %s\n", problem);
    }
    aura_log_setup(level, o->log_json);
    return problem == NULL;
}

/* All signals of ours are waited for here; other threads have them blocked. */
static void run_until_signal(struct aura_aicore *core, const sigset_t *signals, uint64_t drain_s) {
    const struct timespec poll = {.tv_nsec = DRAIN_POLL_MS * 1000000L};
    const struct aura_clock *clock = aura_clock_system();
    struct aura_aicore_stats stats;
    int which = 0;
    (void)sigwait(signals, &which);
    aura_aicore_drain(core);
    aura_aicore_stats(core, &stats);
    AURA_LOG("aicore", AURA_LOG_INFO, "drain", AURA_I("streams", stats.streams));
    uint64_t until_us = aura_now_us(clock) + drain_s * AURA_US_PER_S;
    while (stats.streams && aura_now_us(clock) < until_us &&
           sigtimedwait(signals, NULL, &poll) < 0) {
        aura_aicore_stats(core, &stats);
    }
    AURA_LOG("aicore", AURA_LOG_INFO, "stopped", AURA_I("streams_left", stats.streams),
             AURA_I("frames", stats.frames));
}

/* Without a folder that somebody named AI Core does without models; with one that is not usable it
 * does not start: nobody would notice that it compresses otherwise than was meant. */
static int load_models(struct aura_models **models, const struct options *o) {
    char why[AURA_MANIFEST_WHY_MAX];
    const char *folder = o->models ? o->models : AURA_MODELS_DIR;
    if (!o->models && access(AURA_MODELS_DIR "/manifest.json", F_OK) != 0) {
        AURA_LOG("aicore", AURA_LOG_WARN, "no_models", AURA_S("folder", folder),
                 AURA_S("so", "rates are a fixed share of what comes in; see --models"));
        return 0;
    }
    int err = aura_models_new(models, folder, o->without, why);
    struct aura_track *trial = NULL;
    if (!err && (err = aura_track_new(&trial, aura_clock_system(), *models, 0))) {
        (void)snprintf(why, sizeof(why), "a model has not the shapes that its purpose needs");
    }
    aura_track_free(trial);
    if (err) {
        fprintf(stderr,
                "auralink-aicore: the models in %s cannot be used: %s\n"
                "Get them with `make models`, name another folder by --models, or leave some out "
                "by --without.\n",
                folder, why[0] ? why : aura_err_text(err));
        return err;
    }
    for (size_t i = 0; i < aura_models_manifest(*models)->count; i++) {
        const struct aura_model_info *m = &aura_models_manifest(*models)->model[i];
        AURA_LOG("aicore", AURA_LOG_INFO, "model", AURA_S("id", m->id),
                 AURA_S("purpose", m->purpose),
                 AURA_S("loaded", aura_models_info(*models, m->purpose) == m ? "yes" : "no"));
    }
    return 0;
}

/* Where nobody named an address another AI Core may have it: that is no reason not to serve. */
static int start_http(struct aicore_http **http, const struct options *o,
                      struct aura_aicore *core) {
    const char *address = o->http ? o->http : HTTP_DEFAULT;
    int err = strcmp(address, "off") == 0 ? 0 : aicore_http_new(http, address, core);
    const char *why = err == AURA_EEXISTS  ? "the address is taken or not ours"
                      : err == AURA_EINVAL ? "give IP:PORT, or off"
                                           : aura_err_text(err);
    if (err && o->http) {
        fprintf(stderr, "auralink-aicore: --http %s: %s\n", address, why);
        return err;
    }
    if (err) {
        AURA_LOG("aicore", AURA_LOG_WARN, "no_metrics", AURA_S("address", address),
                 AURA_S("why", why));
    }
    return 0;
}

/* Everything is open that will be needed. */
static void give_up_rights(const struct options *o) {
    int err = o->no_sandbox ? AURA_EPOLICY : aura_sandbox_enter();
    if (err) {
        AURA_LOG("aicore", AURA_LOG_WARN, "no_sandbox",
                 AURA_S("why", o->no_sandbox ? "--no-sandbox" : "no seccomp filters here"),
                 AURA_S("so", "who breaks into a decoder has all rights of this user"));
    }
}

static unsigned threads_of(const struct options *o) {
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    return o->threads ? (unsigned)o->threads : cores > 0 ? (unsigned)cores : 1;
}

static int serve(const struct options *o) {
    struct aura_models *models = NULL;
    char *certificate =
        o->certificate ? aura_pem_read("auralink-aicore", "--tls-cert", o->certificate) : NULL;
    char *key = o->key ? aura_pem_read("auralink-aicore", "--tls-key", o->key) : NULL;
    char *client_ca =
        o->client_ca ? aura_pem_read("auralink-aicore", "--tls-client-ca", o->client_ca) : NULL;
    bool files =
        (!o->certificate || certificate) && (!o->key || key) && (!o->client_ca || client_ca);
    struct aura_aicore_conf conf = {
        .address = o->listen,
        .certificate = certificate,
        .key = key,
        .client_ca = client_ca,
        .threads = threads_of(o),
        .max_streams = (unsigned)o->max_streams,
        .urgent = !o->realtime || strcmp(o->realtime, "auto") == 0,
        .without = aura_stages_of(o->without),
    };
    struct aura_aicore *core = NULL;
    struct aicore_http *http = NULL;
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    signal(SIGPIPE, SIG_IGN);
    sigprocmask(SIG_BLOCK, &signals, NULL); /* before any thread starts */
    int err = files ? load_models(&models, o) : AURA_EINVAL;
    bool ready = !err;
    conf.models = models;
    err = ready ? aura_aicore_new(&core, &conf, aura_clock_system()) : err;
    if (ready && err) {
        fprintf(stderr, "auralink-aicore: cannot listen on %s: %s\n", o->listen,
                err == AURA_EEXISTS ? "the address is taken or not ours" : aura_err_text(err));
    }
    err = err ? err : start_http(&http, o, core);
    if (!err) {
        give_up_rights(o);
        AURA_LOG("aicore", AURA_LOG_INFO, "started", AURA_S("version", AURA_VERSION),
                 AURA_S("listen", o->listen), AURA_S("tls", certificate ? "yes" : "no"),
                 AURA_S("realtime", aura_aicore_is_urgent(core) ? "yes" : "no"),
                 AURA_S("libaom", aura_encoder_version()));
        printf("listening {\"grpc\":%u,\"http\":%u}\n", aura_aicore_port(core),
               http ? aicore_http_port(http) : 0);
        fflush(stdout);
        run_until_signal(core, &signals, o->drain_s);
    }
    aicore_http_free(http);
    aura_aicore_free(core);
    aura_models_free(models);
    aura_pem_free(certificate);
    aura_pem_free(key);
    aura_pem_free(client_ca);
    return err;
}

int main(int argc, char **argv) {
    struct options o = {.listen = "127.0.0.1:50051", .drain_s = 10};
    int status;
    if (!parse(&o, argc, argv, &status)) {
        return status;
    }
    if (!check(&o)) {
        return USAGE;
    }
    return serve(&o) ? FAILED : 0;
}
