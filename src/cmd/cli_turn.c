/* SPDX-License-Identifier: Apache-2.0 */
/* coturn's configuration out of the server's: a relay to our media and to nothing else. */
#include "api/config.h"
#include "cmd/cli.h"
#include "net/addr.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static struct wish {
    const char *config, *output;
    struct aura_arg_list peers;
} wish;

static int read_config(struct aura_config *c, const char *path) {
    struct aura_buf messages = AURA_BUF(64 * 1024);
    int err = aura_config_file(c, path, &messages);
    err = err ? err : aura_config_turn(c, &messages);
    if (err) {
        cli_error(NULL, "%s cannot be used: %s", path, aura_buf_text(&messages));
    } else {
        fputs(aura_buf_text(&messages), stderr);
    }
    aura_buf_free(&messages);
    if (!err && !c->turn.enabled) {
        cli_error("docs/connectivity.md says how TURN is set up.", "%s has no turn.enabled: true",
                  path);
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
        cli_error("Give --peer, or rtc.node_ip in the configuration.",
                  "which addresses is media on?");
        return AURA_EINVAL;
    }
    for (size_t i = 0; i < peers->count; i++) {
        struct aura_addr addr;
        if (aura_addr_parse(&addr, peers->items[i])) {
            cli_error(NULL, "%s is no address", peers->items[i]);
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
        cli_error(NULL, "cannot write %s: %s", path ? path : "it", strerror(errno));
    }
    return failed ? CLI_FAILED : CLI_OK;
}

/* {"output": FILE}, or {"config": what is in it}. */
static int write_json(const char *path, const struct aura_config *c,
                      const struct aura_arg_list *peers) {
    if (path) {
        int status = write_to(path, c, peers);
        return status ? status
                      : cli_done(&(const struct cli){.json = true},
                                 json_pack("{s:s}", "output", path), "");
    }
    char *text = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&text, &len);
    if (out) {
        write_config(out, c, peers);
        (void)fclose(out);
    }
    json_t *config = text ? json_pack("{s:s}", "config", text) : NULL;
    free(text); /* library's memory */
    return cli_done(&(const struct cli){.json = true}, config, "");
}

static const struct aura_arg options[] = {
    {"config", AURA_ARG_STR, &wish.config, "FILE", "of the server; has `turn.enabled: true`",
     "LIVEKIT_CONFIG_FILE", 0},
    {"peer", AURA_ARG_LIST, &wish.peers, "IP", "address that media is on (default rtc.node_ip)",
     NULL, 0},
    {"output", AURA_ARG_STR, &wish.output, "FILE", "where to (default standard output)", NULL, 0},
};

static int config(struct cli *cli, const char *const *words, size_t count) {
    (void)words;
    (void)count;
    struct aura_config c;
    if (!wish.config) {
        cli_error("Give the server's configuration.", "--config is missing");
        return CLI_USAGE;
    }
    if (aura_config_init(&c)) {
        return CLI_FAILED;
    }
    int err = read_config(&c, wish.config), status = CLI_FAILED;
    err = err ? err : peers_of(&c, &wish.peers);
    if (!err) {
        status = cli->json ? write_json(wish.output, &c, &wish.peers)
                           : write_to(wish.output, &c, &wish.peers);
    }
    aura_config_clear(&c);
    return status;
}

static const struct cli_command commands[] = {
    {.name = "config",
     .operands = "",
     .summary = "write the configuration of coturn",
     .about = "Writes coturn's configuration: it relays to this server's media and to nothing "
              "else.\nThen: turnserver -c FILE",
     CLI_OPTIONS(options),
     .run = config},
};

CLI_GROUP(cli_group_turn, "turn", "TURN servers", commands);
