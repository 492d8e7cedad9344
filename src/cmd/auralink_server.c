/* SPDX-License-Identifier: Apache-2.0 */
/* The server: wires the parts together, runs them, and ends them politely. */
#include "aic/core.h"
#include "api/egress.h"
#include "api/presets.h"
#include "api/server.h"
#include "base/log.h"
#include "base/slice.h"
#include "cmd/pem.h"
#include "cmd/server_addresses.h"
#include "cmd/server_auraid.h"
#include "cmd/server_cluster.h"
#include "cmd/server_dash.h"
#include "cmd/server_matrix.h"
#include "cmd/server_meet.h"
#include "cmd/server_options.h"
#include "cmd/server_reload.h"
#include "cmd/server_tls.h"
#include "cmd/server_tracing.h"
#include "cmd/server_webhooks.h"
#include "sfu/dump.h"

#include <jansson.h>

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <unistd.h>

/* LiveKit's version that our signalling follows: SDKs compare it (livekit-protocol trap 5). */
#define LIVEKIT_VERSION "1.13.11"

enum { NODE_ID_LEN = 12, DRAIN_POLL_MS = 100, FAILED = 1 };

struct program {
    struct server_options options;
    struct aura_loop *loop;
    struct aura_rooms *rooms;
    struct aura_sfu *sfu;
    struct aura_aic_core *aic; /* NULL: not enabled */
    struct aura_dump *dump;    /* NULL: none wanted */
    struct aura_server *server;
    struct aura_egress egress;
    struct aura_webhooks *webhooks;   /* NULL: none wanted */
    struct aura_directory *directory; /* NULL: nobody gets an AuraID */
    struct aura_tracing *tracing;     /* NULL: none wanted */
    struct aura_trace_conf trace;
    struct server_tls tls;
    struct server_cluster cluster;
    struct aura_fleet *fleet; /* NULL: media of our rooms is here */
    struct aura_presets presets;
    struct aura_matrix_conf matrix;
    struct server_appservice appservice;
    struct aura_meet_conf meet;
    struct aura_web *web; /* NULL: no pages */
    struct server_dash dash;
    int argc;
    char **argv;
    char node_id[NODE_ID_LEN + 4];
    int signals;
    struct aura_watch signal_watch;
    struct aura_timer drain_timer;
    bool draining;
    uint64_t drain_until_us;
};

/* ---- the end ---- */

static void stop(struct program *p) {
    aura_http_stop(aura_server_http(p->server));
}

static void on_drain_tick(void *arg) {
    struct program *p = arg;
    struct aura_rooms_stats stats;
    aura_rooms_stats(p->rooms, &stats);
    if (stats.participants == 0 || aura_loop_now_us(p->loop) >= p->drain_until_us ||
        aura_timer_start(aura_loop_timers(p->loop), &p->drain_timer, DRAIN_POLL_MS * AURA_US_PER_MS,
                         on_drain_tick, p)) {
        AURA_LOG("server", AURA_LOG_INFO, "drained",
                 AURA_I("participants_left", stats.participants));
        stop(p);
    }
}

/* The others know that they may take our rooms. */
static void begin_drain(void *arg) {
    struct program *p = arg;
    aura_rooms_drain(p->rooms);
    on_drain_tick(p);
}

static void on_signal(void *arg, struct aura_watch *watch, unsigned events) {
    struct program *p = arg;
    struct signalfd_siginfo info;
    (void)watch;
    (void)events;
    if (read(p->signals, &info, sizeof(info)) != (ssize_t)sizeof(info)) {
        return;
    }
    if (info.ssi_signo == SIGHUP) {
        const struct server_reload r = {.argc = p->argc,
                                        .argv = p->argv,
                                        .options = &p->options,
                                        .rooms = p->rooms,
                                        .tls = p->tls.tls,
                                        .webhooks = p->webhooks != NULL,
                                        .server = p->server,
                                        .directory = p->directory};
        server_reload(&r);
        return;
    }
    if (p->draining) {
        stop(p);
        return;
    }
    p->draining = true;
    p->drain_until_us =
        aura_now_us(aura_loop_clock(p->loop)) + p->options.config.drain_timeout_s * AURA_US_PER_S;
    server_cluster_drain(&p->cluster, begin_drain, p);
}

static int watch_signals(struct program *p) {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGHUP);
    signal(SIGPIPE, SIG_IGN);
    sigprocmask(SIG_BLOCK, &set, NULL); /* before any thread starts, so that none takes them */
    p->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    return p->signals < 0 ? AURA_EIO
                          : aura_loop_add_fd(p->loop, &p->signal_watch, p->signals, AURA_LOOP_READ,
                                             on_signal, p);
}

/* ---- the beginning ---- */

static void raise_file_limit(void) {
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &limit);
    }
}

static void on_room_event(void *arg, const char *room, const Livekit__WebhookEvent *event) {
    struct program *p = arg;
    if (p->webhooks) {
        aura_webhooks_event(p->webhooks, room, event);
    }
    if (p->server) {
        aura_server_room_event(p->server, room, event);
    }
}

static int start_rooms(struct program *p) {
    const struct aura_config *c = &p->options.config;
    memcpy(p->node_id, "ND_", 4);
    aura_rand_text(aura_rand_system(), p->node_id + 3, NODE_ID_LEN);
    char why[256] = "";
    int err = aura_presets_read(&p->presets, c, why, sizeof(why));
    if (err) {
        fprintf(stderr, "auralink-server: %s\n", why);
        return err;
    }
    struct aura_rooms_conf conf = {
        .keys = c->keys,
        .node_id = p->node_id,
        .region = c->region,
        .version = LIVEKIT_VERSION,
        .presets = p->presets.list,
        .preset_count = p->presets.count,
        .codecs = p->options.codecs,
        .max_audible = c->audio.max_audible,
        .no_pause = !c->rtc.allow_pause,
        .aic = c->aic.enabled,
        .aic_audio = c->aic.audio,
        .dump_of = p->options.dump_of,
        .aic_governs = strcmp(c->aic.mode, "governor") == 0,
        .aic_steers = c->aic.steer,
        .aic_default = c->aic.default_mode,
        .stun_servers = c->rtc.stun_servers.items,
        .stun_server_count = c->rtc.stun_servers.count,
        .turn_servers = c->rtc.turn_servers,
        .turn_server_count = c->rtc.turn_server_count,
        .may_open = server_cluster_wanted(c) ? server_cluster_may_open : NULL,
        .may_open_arg = &p->cluster,
        .on_event = p->webhooks || p->directory || p->dash.store ? on_room_event : NULL,
        .on_event_arg = p,
        .full_room_in_events = c->full_room_in_webhooks,
        .on_egress = c->record.folder && c->record.folder[0] ? aura_egress_begin : NULL,
        .on_egress_arg = &p->egress,
        .directory = p->directory,
        .rand = aura_rand_system(),
    };
    server_rooms_settings(&conf, c);
    err = aura_rooms_new(&p->rooms, &conf, p->loop);
    p->egress.rooms = p->rooms;
    return err;
}

static const char *aic_problem(const struct aura_config *c) {
    if (strcmp(c->aic.mode, "governor") != 0 && strcmp(c->aic.mode, "compress") != 0) {
        return "aic.mode: neither compress nor governor";
    }
    if (!aura_rooms_aic_says(c->aic.default_mode)) {
        return "aic.default_mode: neither on, off nor saver";
    }
    if (!*c->aic.tls_certificate != !*c->aic.tls_key) {
        return "aic.ai_core.tls: cert and key belong together";
    }
    if (*c->aic.tls_certificate && !*c->aic.tls_ca) {
        return "aic.ai_core.tls: cert and key are of no use without ca";
    }
    if (!*c->aic.tls_ca && !aura_aic_address_is_near(c->aic.address)) {
        return "aic.ai_core.address: beyond this machine media needs TLS: give aic.ai_core.tls.ca";
    }
    return NULL;
}

static int connect_aic(struct program *p, const char *ca, const char *certificate,
                       const char *key) {
    const char *address = p->options.config.aic.address;
    const struct aura_aic_core_conf conf = {.address = address,
                                            .ca = ca,
                                            .certificate = certificate,
                                            .key = key,
                                            .max_streams = p->options.config.aic.max_streams};
    int err = aura_aic_core_new(&p->aic, &conf);
    if (err) {
        fprintf(stderr, "auralink-server: cannot use AI Core at %s: %s\n", address,
                err == AURA_EINVAL ? "its certificate files are not PEM" : aura_err_text(err));
    }
    return err;
}

static int start_aic(struct program *p) {
    static const char name[] = "auralink-server";
    const struct aura_config *c = &p->options.config;
    if (!c->aic.enabled) {
        return 0;
    }
    const char *problem = aic_problem(c);
    if (problem) {
        fprintf(stderr, "%s: %s\n", name, problem);
        return AURA_EINVAL;
    }
    bool tls = *c->aic.tls_ca, own = *c->aic.tls_certificate;
    char *ca = tls ? aura_pem_read(name, "aic.ai_core.tls.ca", c->aic.tls_ca) : NULL;
    char *cert = own ? aura_pem_read(name, "aic.ai_core.tls.cert", c->aic.tls_certificate) : NULL;
    char *key = own ? aura_pem_read(name, "aic.ai_core.tls.key", c->aic.tls_key) : NULL;
    bool read = (!tls || ca) && (!own || (cert && key));
    int err = read ? connect_aic(p, ca, cert, key) : AURA_EINVAL;
    aura_pem_free(ca);
    aura_pem_free(cert);
    aura_pem_free(key);
    return err;
}

static int start_dump(struct program *p) {
    const char *file = p->options.dump_file;
    if (!file) {
        return 0;
    }
    int err = aura_dump_new(&p->dump, file, p->options.dump_mb << 20, AURA_DUMP_LANES_MAX,
                            aura_clock_system());
    if (err) {
        fprintf(stderr, "auralink-server: cannot write --dump-rtp %s: %s\n", file,
                err == AURA_EIO ? strerror(errno) : aura_err_text(err));
        return err;
    }
    fprintf(stderr,
            "\n"
            "***  WARNING: --dump-rtp writes the media of calls UNENCRYPTED into\n"
            "***  %s\n"
            "***  Who reads that file sees and hears everything. Never use it with people\n"
            "***  who have not agreed, and delete it afterwards.\n\n",
            file);
    AURA_LOG("dump", AURA_LOG_WARN, "media_is_dumped_unencrypted", AURA_S("file", file),
             AURA_S("of", p->options.dump_of ? p->options.dump_of : "everybody"),
             AURA_I("limit_mb", p->options.dump_mb));
    return 0;
}

static void end_dump(struct program *p) {
    struct aura_dump_stats stats;
    if (p->dump) {
        aura_dump_finish(p->dump);
        aura_dump_stats(p->dump, &stats);
        AURA_LOG("dump", AURA_LOG_WARN, "dumped", AURA_I("packets", stats.packets),
                 AURA_I("bytes", stats.bytes), AURA_I("dropped", stats.dropped));
    }
    p->dump = aura_dump_free(p->dump);
}

static int start_sfu(struct program *p) {
    const struct aura_config *c = &p->options.config;
    struct aura_sfu_conf conf = {
        .workers = c->rtc.workers,
        .udp_port = (uint16_t)c->rtc.udp_port,
        .single_port = c->rtc.single_port,
        .tcp_port = (uint16_t)c->rtc.tcp_port,
        .bind = p->options.bind,
        .bind_count = p->options.bind_count,
        .advertise = p->options.node_ip,
        .advertise_count = p->options.node_ip_count,
        .loopback = c->rtc.loopback_candidate,
        .nack_ring_video = c->rtc.packet_buffer_video,
        .nack_ring_audio = c->rtc.packet_buffer_audio,
        .pli_throttle_us = {c->rtc.pli_low_ms * 1000, c->rtc.pli_mid_ms * 1000,
                            c->rtc.pli_high_ms * 1000},
        .audio_update_us = c->audio.update_interval_ms * 1000,
        .audio_active_level = (uint8_t)c->audio.active_level,
        .audio_min_percentile = (uint8_t)c->audio.min_percentile,
        .clock = aura_clock_system(),
        .rand = aura_rand_system(),
        .aic = p->aic,
        .aic_target_quality = (float)c->aic.target_quality,
        .aic_saver_quality = (float)c->aic.saver_quality,
        .aic_min_quality = (float)c->aic.min_quality,
        .dump = p->dump,
    };
    int err = server_cluster_fleet(&p->fleet, c, p->node_id, p->rooms, p->loop);
    err = err ? err
              : aura_sfu_new(&p->sfu, &conf, p->loop,
                             p->fleet ? aura_fleet_sfu_handlers() : aura_rooms_sfu_handlers(),
                             p->fleet ? (void *)p->fleet : p->rooms);
    if (err == AURA_EEXISTS) {
        fprintf(stderr,
                "auralink-server: UDP port %u (or one of the next, one for each worker) or TCP "
                "port %u\n"
                "is taken by another program. Choose others with --udp-port and --tcp-port.\n",
                c->rtc.udp_port, c->rtc.tcp_port);
    } else if (err) {
        fprintf(stderr, "auralink-server: cannot open the media ports: %s\n", aura_err_text(err));
    } else {
        aura_rooms_attach(p->rooms, p->sfu);
        if (p->fleet) {
            aura_fleet_attach(p->fleet, p->sfu);
            aura_rooms_spread(p->rooms, p->fleet);
        }
    }
    return err;
}

static int start_recordings(struct program *p) {
    const struct aura_config *c = &p->options.config;
    char url[64];
    if (!c->record.folder || !c->record.folder[0]) {
        return 0;
    }
    snprintf(url, sizeof(url), "%s://127.0.0.1:%u", *c->tls.cert_file ? "wss" : "ws", c->port);
    const struct aura_recordings_conf conf = {
        .changed = aura_egress_changed,
        .arg = &p->egress,
        .folder = c->record.folder,
        .program = c->record.program ? c->record.program : "",
        .url = c->record.url && c->record.url[0] ? c->record.url : url,
        .max = c->record.max,
        .max_duration_s = c->record.max_duration_s,
        .min_free_mb = c->record.min_free_mb,
        .labels = c->record.labels,
        .insecure = *c->tls.cert_file && !(c->record.url && c->record.url[0]),
        .keys = c->keys,
        .rand = aura_rand_system()};
    return aura_recordings_new(&p->egress.recordings, &conf, p->loop);
}

static int start_http(struct program *p) {
    const struct aura_config *c = &p->options.config;
    struct aura_server_conf conf = {.http = {.bind = p->options.bind,
                                             .bind_count = p->options.bind_count,
                                             .port = (uint16_t)c->port,
                                             .aside_port = (uint16_t)c->metrics_port,
                                             .tls = p->tls.tls,
                                             .near = server_cluster_near(&p->cluster)},
                                    .keys = c->keys,
                                    .rand = aura_rand_system(),
                                    .rates = &c->limit.addresses,
                                    .recordings = p->egress.recordings,
                                    .webhooks = p->webhooks,
                                    .directory = p->directory,
                                    .matrix = server_matrix_conf(&p->matrix, c),
                                    .meet = server_meet_conf(&p->meet, c),
                                    .web = p->web,
                                    .dash = server_dash_conf(&p->dash),
                                    .nodes = p->cluster.nodes,
                                    .fleet = p->fleet,
                                    .trace = p->trace,
                                    .tracing = p->tracing,
                                    .metrics_user = c->metrics_user,
                                    .metrics_password =
                                        c->metrics_password ? c->metrics_password : ""};
    int err = server_auraid_calls(&conf.calls, c);
    if (err) {
        return err; /* it has said why */
    }
    err = server_appservice_start(&p->appservice, c, &conf.appservice);
    if (err) {
        return err; /* it has said why */
    }
    err = aura_server_new(&p->server, &conf, p->loop, p->rooms, p->sfu);
    if (err == AURA_EEXISTS) {
        fprintf(stderr,
                "auralink-server: port %u%s%s is taken by another program. Choose another with "
                "--port%s.\n",
                c->port, c->metrics_port ? " or prometheus.port" : "",
                p->cluster.nodes ? " or cluster.port" : "",
                c->metrics_port || p->cluster.nodes ? " or there" : "");
    } else if (err) {
        fprintf(stderr, "auralink-server: cannot listen on port %u: %s\n", c->port,
                aura_err_text(err));
    }
    return err;
}

/* One line for programs that start us: which ports we really have. */
static void announce(const struct program *p) {
    uint16_t udp[64];
    size_t n = aura_sfu_udp_ports(p->sfu, udp, sizeof(udp) / sizeof(udp[0]));
    json_t *ports = json_array();
    for (size_t i = 0; i < n; i++) {
        json_array_append_new(ports, json_integer(udp[i]));
    }
    const char *setup = p->options.config.development ? p->dash.setup : "";
    json_t *line = json_pack("{s:i, s:o, s:i, s:b, s:b, s:s}", "http",
                             (int)aura_http_port(aura_server_http(p->server)), "udp", ports, "tcp",
                             (int)p->options.config.rtc.tcp_port, "pages", p->web != NULL,
                             "dashboard", p->web && p->dash.store, "setup", setup);
    char *text = json_dumps(line, JSON_COMPACT);
    printf("listening %s\n", text ? text : "{}");
    fflush(stdout);
    free(text); /* library's memory */
    json_decref(line);
}

static int run(struct program *p) {
    int err = aura_loop_new(&p->loop, aura_clock_system());
    err = err ? err : watch_signals(p);
    if (!err) {
        err = server_webhooks_start(&p->webhooks, &p->options.config, p->loop);
        err = err ? err : server_auraid_open(&p->directory, &p->options.config);
        err = err ? err : server_dash_open(&p->dash, &p->options.config);
        if (err) {
            return err; /* it has said why */
        }
    }
    err = err ? err : start_rooms(p);
    if (err) {
        fprintf(stderr, "auralink-server: cannot start: %s\n", aura_err_text(err));
        return err;
    }
    err = start_aic(p);
    err = err ? err : start_dump(p);
    err = err ? err : server_addresses(&p->options);
    err = err ? err : start_sfu(p);
    err = err ? err : start_recordings(p);
    if (!err) {
        err = server_cluster_start(&p->cluster, &p->options, p->node_id, p->rooms, p->sfu, p->loop);
    }
    err = err ? err : server_tracing_start(&p->tracing, &p->trace, &p->options.config, p->node_id);
    err = err ? err : server_web_open(&p->web, &p->options.config);
    err = err ? err : server_tls_start(&p->tls, &p->options.config, p->loop);
    err = err ? err : start_http(p);
    if (!err) {
        AURA_LOG("server", AURA_LOG_INFO, "started", AURA_S("version", AURA_VERSION),
                 AURA_S("node", p->node_id),
                 AURA_I("keys", aura_keys_count(p->options.config.keys)));
        announce(p);
        server_dash_announce(&p->dash, &p->options.config,
                             aura_http_port(aura_server_http(p->server)));
        aura_http_run(aura_server_http(p->server));
    }
    return err;
}

/* Sessions end with their WebSockets, so HTTP goes first; rooms need the SFU until they are closed.
 */
static void end(struct program *p) {
    if (p->loop) {
        aura_timer_stop(aura_loop_timers(p->loop), &p->drain_timer);
        aura_loop_remove_fd(&p->signal_watch);
    }
    p->server = aura_server_free(p->server);
    p->web = aura_web_free(p->web);
    server_tls_end(&p->tls);
    p->egress.recordings = aura_recordings_free(p->egress.recordings);
    server_cluster_end(&p->cluster);
    aura_rooms_free(p->rooms);
    aura_directory_close(p->directory);
    aura_presets_clear(&p->presets);
    server_dash_close(&p->dash);
    aura_webhooks_free(p->webhooks); /* what the rooms said last is stored */
    aura_tracing_free(p->tracing);   /* … and sent */
    aura_sfu_free(p->sfu);
    aura_fleet_free(p->fleet);
    aura_aic_core_free(p->aic);
    end_dump(p);
    aura_loop_free(p->loop);
    if (p->signals > 0) {
        close(p->signals);
    }
    server_options_clear(&p->options);
}

int main(int argc, char **argv) {
    struct program program = {.signals = -1, .argc = argc, .argv = argv};
    int status;
    if (!server_options_read(&program.options, argc, argv, &status)) {
        return status;
    }
    raise_file_limit();
    (void)
        aura_slice_short(); /* all threads start from here: media and AI Core's answers wait less */
    status = run(&program) ? FAILED : 0;
    end(&program);
    return status;
}
