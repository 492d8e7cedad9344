/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/server_options.h"
#include "cmd/server_matrix.h"
#include "cmd/server_meet.h"

#include "api/tls.h"
#include "base/log.h"
#include "cmd/args.h"
#include "cmd/server_addresses.h"
#include "cmd/server_cluster.h"
#include "cmd/server_man.h"
#include "cmd/server_tracing.h"
#include "cmd/server_webhooks.h"
#include "rtp/media.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { USAGE = 2, MESSAGES_BYTES = 256 * 1024, DUMP_MB = 100 };

/* Flags win over the file. UINT64_MAX and NULL = not given. */
struct flags {
    const char *config, *config_body, *keys, *key_file, *node_ip, *region, *log_level;
    struct aura_arg_list bind;
    uint64_t port, udp_port, tcp_port, workers;
    const char *ai_core, *dump_file, *dump_of;
    uint64_t dump_mb;
    bool dev, log_json, check, version, help_config;
};

static bool parse_flags(struct flags *f, int argc, char **argv, int *status) {
    const struct aura_arg args[] = {
        {"config", AURA_ARG_STR, &f->config, "FILE", "configuration (YAML, LiveKit's keys)",
         "LIVEKIT_CONFIG_FILE", 0},
        {"config-body", AURA_ARG_STR, &f->config_body, "YAML", "configuration as text",
         "LIVEKIT_CONFIG", 0},
        {"config-check", AURA_ARG_FLAG, &f->check, NULL, "check the configuration and stop", NULL,
         0},
        {"config-keys", AURA_ARG_FLAG, &f->help_config, NULL,
         "list all configuration keys and stop", NULL, 0},
        {"dev", AURA_ARG_FLAG, &f->dev, NULL,
         "development: key 'devkey', secret 'secret', loopback candidates", NULL, 0},
        {"keys", AURA_ARG_STR, &f->keys, "'KEY: SECRET'", "API keys, one a line", "LIVEKIT_KEYS",
         0},
        {"key-file", AURA_ARG_STR, &f->key_file, "FILE", "YAML file with API keys", NULL, 0},
        {"", AURA_ARG_FLAG, NULL, NULL, "Network:", NULL, 0},
        {"bind", AURA_ARG_LIST, &f->bind, "ADDR", "address to listen on (default: all)", NULL, 0},
        {"port", AURA_ARG_UINT, &f->port, "PORT", "HTTP and WebSocket (default 7880; 0 = any)",
         NULL, UINT16_MAX},
        {"udp-port", AURA_ARG_UINT, &f->udp_port, "PORT",
         "first media port, one for each worker (default 7882; 0 = any)", "UDP_PORT", UINT16_MAX},
        {"tcp-port", AURA_ARG_UINT, &f->tcp_port, "PORT", "ICE over TCP (default 7881; 0 = off)",
         NULL, UINT16_MAX},
        {"node-ip", AURA_ARG_STR, &f->node_ip, "IP[,IP]",
         "addresses that clients reach us at (default: our own)", "NODE_IP", 0},
        {"", AURA_ARG_FLAG, NULL, NULL, "Running:", NULL, 0},
        {"workers", AURA_ARG_UINT, &f->workers, "N", "media workers (default: one for each core)",
         NULL, 64},
        {"region", AURA_ARG_STR, &f->region, "NAME", "told to clients", "LIVEKIT_REGION", 0},
        {"log-level", AURA_ARG_STR, &f->log_level, "LEVEL", "debug, info (default), warn, error",
         NULL, 0},
        {"log-json", AURA_ARG_FLAG, &f->log_json, NULL, "log lines as JSON", NULL, 0},
        {"ai-core", AURA_ARG_STR, &f->ai_core, "ADDRESS",
         "let the AI Core there compress video (aic.enabled, aic.ai_core.address)", NULL, 0},
        {"", AURA_ARG_FLAG, NULL, NULL, "Looking at packets (docs/wireshark.md):", NULL, 0},
        {"dump-rtp", AURA_ARG_STR, &f->dump_file, "FILE",
         "write all media UNENCRYPTED into this pcap file", NULL, 0},
        {"dump-rtp-of", AURA_ARG_STR, &f->dump_of, "IDENTITY",
         "only what this participant sends and gets", NULL, 0},
        {"dump-rtp-mb", AURA_ARG_UINT, &f->dump_mb, "MB", "the file's limit (default 100)", NULL,
         1024 * 1024},
        {"version", AURA_ARG_FLAG, &f->version, NULL, "print the version and stop", NULL, 0},
    };
    const struct aura_command_line line = {
        .program = "auralink-server",
        .operands = "",
        .about = "A real-time media server that every LiveKit SDK can use unchanged.\n"
                 "SIGTERM or SIGINT drains: clients are told to go elsewhere; a second one stops "
                 "at once.",
        .args = args,
        .arg_count = sizeof(args) / sizeof(args[0]),
        .manual = server_man,
    };
    size_t n = 0;
    int err = aura_args_parse(&line, argc, argv, NULL, &n);
    *status = err == AURA_EIGNORED ? 0 : USAGE;
    if (!err && f->version) {
        printf("auralink-server %s\n", AURA_VERSION);
    } else if (!err && f->help_config) {
        aura_config_print_keys(stdout);
    } else {
        return err == 0;
    }
    *status = 0;
    return false;
}

static int read_config(struct aura_config *c, const struct flags *f, struct aura_buf *messages) {
    int err = f->config ? aura_config_file(c, f->config, messages) : 0;
    if (!err && f->config_body) {
        err =
            aura_config_text(c, "--config-body", f->config_body, strlen(f->config_body), messages);
    }
    c->key_file = f->key_file ? f->key_file : c->key_file;
    if (!err && c->key_file) {
        err = aura_config_key_file(c, c->key_file, messages);
    }
    if (!err && f->keys) {
        err = aura_config_keys(c, "--keys", f->keys, messages);
    }
    err = err ? err : aura_config_turn(c, messages);
    return err;
}

static void apply_flags(struct aura_config *c, const struct flags *f) {
    c->development = c->development || f->dev;
    c->port = f->port != UINT64_MAX ? (uint32_t)f->port : c->port;
    c->rtc.tcp_port = f->tcp_port != UINT64_MAX ? (uint32_t)f->tcp_port : c->rtc.tcp_port;
    c->rtc.workers = f->workers != UINT64_MAX ? (uint32_t)f->workers : c->rtc.workers;
    if (c->rtc.range_first) {
        c->rtc.udp_port = c->rtc.range_first;
        c->rtc.udp_ports = 0;
    }
    if (f->udp_port != UINT64_MAX) {
        c->rtc.udp_port = (uint32_t)f->udp_port;
        c->rtc.udp_ports = 0;
    }
    c->rtc.node_ip = f->node_ip ? f->node_ip : c->rtc.node_ip;
    c->aic.enabled = c->aic.enabled || f->ai_core;
    c->aic.address = f->ai_core ? f->ai_core : c->aic.address;
    c->region = f->region ? f->region : c->region;
    c->log_level = f->log_level ? f->log_level : c->log_level;
    c->log_json = c->log_json || f->log_json;
    c->rtc.loopback_candidate = c->rtc.loopback_candidate || c->development;
    if (!c->rtc.workers) {
        c->rtc.workers = c->rtc.udp_ports;
    }
    if (f->bind.count) {
        c->bind_addresses.count = 0;
        for (size_t i = 0; i < f->bind.count; i++) {
            c->bind_addresses.items[c->bind_addresses.count++] = f->bind.items[i];
        }
    }
}

static int take_addresses(struct server_options *o) {
    const struct aura_config_list *list = &o->config.bind_addresses;
    for (size_t i = 0; i < list->count; i++) {
        if (list->items[i][0] == 0) {
            continue; /* LiveKit's way to say "all" */
        }
        if (o->bind_count == SERVER_BINDS_MAX ||
            aura_addr_parse(&o->bind[o->bind_count], list->items[i])) {
            fprintf(stderr,
                    "auralink-server: cannot listen on '%s': give at most %d IP addresses\n",
                    list->items[i], SERVER_BINDS_MAX);
            return AURA_EINVAL;
        }
        o->bind_count++;
    }
    for (const char *at = o->config.rtc.node_ip; at && *at;) {
        size_t len = strcspn(at, ",");
        char text[AURA_ADDR_TEXT_MAX] = "";
        bool fits = len < sizeof(text) && o->node_ip_count < 2;
        memcpy(text, at, fits ? len : 0);
        if (!fits || aura_addr_parse(&o->node_ip[o->node_ip_count], text)) {
            fprintf(stderr,
                    "auralink-server: --node-ip wants one IPv4 and/or one IPv6 address, not '%s'\n",
                    o->config.rtc.node_ip);
            return AURA_EINVAL;
        }
        o->node_ip_count++;
        at += len + (at[len] == ',');
    }
    return 0;
}

static int take_codecs(struct server_options *o) {
    const struct aura_config_list *list = &o->config.room.enabled_codecs;
    for (size_t i = 0; i < list->count; i++) {
        enum aura_codec codec = aura_codec_parse(list->items[i]);
        if (codec != AURA_CODEC_NONE) {
            o->codecs |= 1u << codec;
        } else if (!strstr(list->items[i], "rtx")) {
            fprintf(stderr, "auralink-server: room.enabled_codecs: no codec '%s'\n",
                    list->items[i]);
            return AURA_EINVAL;
        }
    }
    return 0;
}

/* Without keys nobody could join; the well-known pair is only for development. */
static int take_keys(struct aura_config *c) {
    if (aura_keys_count(c->keys)) {
        return 0;
    }
    if (c->development) {
        return aura_keys_add(c->keys, "devkey", "secret");
    }
    fprintf(stderr, "auralink-server: no API keys. Give them as `keys:` in --config FILE, with\n"
                    "--keys 'key: secret' or LIVEKIT_KEYS, or start with --dev to try it out.\n");
    return AURA_EINVAL;
}

/* A worker takes one port. */
static const char *range_problem(struct aura_config *c) {
    uint32_t first = c->rtc.range_first, last = c->rtc.range_last;
    if (!first && !last) {
        return NULL;
    }
    if (!first || last < first) {
        return "rtc.port_range_start and rtc.port_range_end: give both, the end not below the "
               "start";
    }
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    uint32_t ports = c->rtc.single_port ? UINT32_MAX : last - first + 1;
    if (!c->rtc.workers && cores > 0 && (uint64_t)cores > ports) {
        c->rtc.workers = ports;
    }
    return c->rtc.workers > ports
               ? "rtc.workers: more than there are ports in rtc.port_range_start "
                 "to rtc.port_range_end; each wants one"
               : NULL;
}

static int check_services(struct aura_config *c) {
    const char *problem = server_webhooks_problem(c);
    problem = problem ? problem : range_problem(c);
    problem = problem ? problem : server_tracing_problem(c);
    problem = problem ? problem : server_cluster_problem(c);
    problem = problem ? problem : server_matrix_problem(c);
    problem = problem ? problem : server_meet_problem(c);
    if (problem) {
        fprintf(stderr, "auralink-server: %s\n", problem);
    }
    return problem ? AURA_EINVAL : 0;
}

/* Also for --config-check, and so that a reload with a bad certificate changes nothing. */
static int check_tls(const struct aura_config *c) {
    struct aura_tls *tls = NULL;
    struct aura_buf why = AURA_BUF(MESSAGES_BYTES);
    if (!*c->tls.cert_file && !*c->tls.key_file) {
        return 0;
    }
    int err = aura_tls_new(&tls, c->tls.cert_file, c->tls.key_file, &why);
    if (err || why.len) {
        fprintf(stderr, "auralink-server: %s%s\n",
                err ? "" : "warning: ", why.len ? aura_buf_text(&why) : aura_err_text(err));
    }
    aura_tls_free(tls);
    aura_buf_free(&why);
    return err;
}

static int take_log(const struct aura_config *c) {
    enum aura_log_level level;
    if (aura_log_level_parse(c->log_level, &level)) {
        fprintf(stderr, "auralink-server: log level '%s': debug, info, warn or error\n",
                c->log_level);
        return AURA_EINVAL;
    }
    aura_log_setup(level, c->log_json);
    return 0;
}

bool server_options_read(struct server_options *o, int argc, char **argv, int *status) {
    struct flags f = {.port = UINT64_MAX,
                      .udp_port = UINT64_MAX,
                      .tcp_port = UINT64_MAX,
                      .workers = UINT64_MAX,
                      .dump_mb = DUMP_MB};
    memset(o, 0, sizeof(*o));
    if (!parse_flags(&f, argc, argv, status)) {
        return false;
    }
    struct aura_buf messages = AURA_BUF(MESSAGES_BYTES);
    int err = aura_config_init(&o->config);
    err = err ? err : read_config(&o->config, &f, &messages);
    fputs(aura_buf_text(&messages), stderr);
    aura_buf_free(&messages);
    if (!err) {
        apply_flags(&o->config, &f);
        err = take_addresses(o);
    }
    o->dump_file = f.dump_file;
    o->dump_of = f.dump_of;
    o->dump_mb = f.dump_mb;
    err = err ? err : take_codecs(o);
    err = err ? err : take_keys(&o->config);
    err = err ? err : check_services(&o->config);
    err = err ? err : server_addresses_check(&o->config);
    err = err ? err : check_tls(&o->config);
    err = err ? err : take_log(&o->config);
    if (!err && f.check) {
        printf("the configuration is fine\n");
        *status = 0;
    } else {
        *status = err ? USAGE : 0;
    }
    if (err || f.check) {
        server_options_clear(o);
        return false;
    }
    return true;
}

void server_options_clear(struct server_options *o) {
    aura_config_clear(&o->config);
}
