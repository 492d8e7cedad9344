/* SPDX-License-Identifier: Apache-2.0 */
/* coturn's configuration out of the server's: a relay to our media and to nothing else. */
#include "api/config.h"
#include "cmd/cli.h"
#include "net/addr.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct wish {
    const char *config, *output;
    struct aura_arg_list peers;
};

static int read_config(struct aura_config *c, const char *path) {
    struct aura_buf messages = AURA_BUF(64 * 1024);
    int err = aura_config_file(c, path, &messages);
    err = err ? err : aura_config_turn(c, &messages);
    fputs(aura_buf_text(&messages), stderr);
    aura_buf_free(&messages);
    if (!err && !c->turn.enabled) {
        fprintf(stderr, "auralink: %s has no turn.enabled: true\n", path);
        err = AURA_EINVAL;
    }
    return err;
}

/* Where the server's media is, for that is all that may be relayed to. */
static int peers_of(const struct aura_config *c, struct aura_arg_list *peers) {
    if (!peers->count && c->rtc.node_ip && *c->rtc.node_ip) {
        peers->items[peers->count++] = c->rtc.node_ip;
    }
    for (size_t i = 0; !peers->count && i < c->bind_addresses.count; i++) {
        peers->items[i] = c->bind_addresses.items[i];
        peers->count = i + 1;
    }
    if (!peers->count) {
        fprintf(stderr, "auralink: which addresses is media on? Give --peer, or rtc.node_ip in the "
                        "configuration\n");
        return AURA_EINVAL;
    }
    for (size_t i = 0; i < peers->count; i++) {
        struct aura_addr addr;
        if (aura_addr_parse(&addr, peers->items[i])) {
            fprintf(stderr, "auralink: %s is no address\n", peers->items[i]);
            return AURA_EINVAL;
        }
    }
    return 0;
}

static void write_listeners(FILE *out, const struct aura_config *c) {
    for (size_t i = 0; i < c->turn.bind_addresses.count; i++) {
        fprintf(out, "listening-ip=%s\n", c->turn.bind_addresses.items[i]);
    }
    if (c->turn.udp_port) {
        fprintf(out, "listening-port=%u\n", c->turn.udp_port);
    } else {
        fprintf(out, "no-udp\nno-tcp\n");
    }
    if (c->turn.tls_port && !c->turn.external_tls) {
        fprintf(out, "tls-listening-port=%u\ncert=%s\npkey=%s\nno-dtls\nno-tlsv1\nno-tlsv1_1\n",
                c->turn.tls_port, c->turn.cert_file, c->turn.key_file);
    } else {
        fprintf(out, "no-tls\nno-dtls\n");
    }
}

static void write_config(FILE *out, const struct aura_config *c,
                         const struct aura_arg_list *peers) {
    fprintf(out, "# coturn, by `auralink turn config`. Holds a secret.\n");
    write_listeners(out, c);
    fprintf(out,
            "realm=%s\n"
            "fingerprint\n"
            "use-auth-secret\n"
            "static-auth-secret=%s\n"
            "stale-nonce=600\n"
            "min-port=%u\n"
            "max-port=%u\n"
            "user-quota=%u\n"
            "total-quota=%u\n",
            c->turn.domain, c->turn.secret, c->turn.relay_first, c->turn.relay_last,
            c->turn.user_quota, c->turn.total_quota);
    /* coturn's order: what is allowed is an exception to what is denied. */
    fprintf(out, "# Relays to the server's media and nowhere else.\n"
                 "denied-peer-ip=0.0.0.0-255.255.255.255\n"
                 "denied-peer-ip=::-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff\n");
    for (size_t i = 0; i < peers->count; i++) {
        fprintf(out, "allowed-peer-ip=%s\n", peers->items[i]);
    }
    fprintf(out, "no-multicast-peers\n"
                 "no-tcp-relay\n"
                 "no-cli\n"
                 "no-software-attribute\n"
                 "no-rfc5780\n"
                 "no-stun-backward-compatibility\n"
                 "response-origin-only-with-rfc5780\n");
}

static int write_to(const char *path, const struct aura_config *c,
                    const struct aura_arg_list *peers) {
    int fd = path ? open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0640) : -1;
    FILE *out = !path ? stdout : fd >= 0 ? fdopen(fd, "w") : NULL;
    bool failed = !out;
    if (out) {
        write_config(out, c, peers);
        failed = fflush(out) != 0;
        if (path) {
            failed = fclose(out) != 0 || failed;
        }
    }
    if (failed) {
        fprintf(stderr, "auralink: cannot write %s: %s\n", path ? path : "it", strerror(errno));
    }
    return failed ? CLI_FAILED : CLI_OK;
}

int cli_turn_config(int argc, char **argv) {
    struct wish w = {.config = NULL};
    const struct aura_arg args[] = {
        {"config", AURA_ARG_STR, &w.config, "FILE", "of the server; has `turn.enabled: true`",
         "LIVEKIT_CONFIG_FILE", 0},
        {"peer", AURA_ARG_LIST, &w.peers, "IP",
         "address that media is on (repeatable; default rtc.node_ip)", NULL, 0},
        {"output", AURA_ARG_STR, &w.output, "FILE", "where to (default standard output)", NULL, 0},
    };
    const struct aura_command_line line = {
        .program = "auralink turn config",
        .operands = "",
        .about = "Writes coturn's configuration: it relays to this server's media and to nothing "
                 "else.\nThen: turnserver -c FILE",
        .args = args,
        .arg_count = sizeof(args) / sizeof(args[0])};
    size_t operands = 0;
    int status = CLI_USAGE;
    if (cli_ends(aura_args_parse(&line, argc, argv, NULL, &operands), &status)) {
        return status;
    }
    if (!w.config) {
        fprintf(stderr, "auralink: --config is missing: the server's configuration\n");
        return CLI_USAGE;
    }
    struct aura_config config;
    if (aura_config_init(&config)) {
        return CLI_FAILED;
    }
    int err = read_config(&config, w.config);
    err = err ? err : peers_of(&config, &w.peers);
    status = err ? CLI_FAILED : write_to(w.output, &config, &w.peers);
    aura_config_clear(&config);
    return status;
}
