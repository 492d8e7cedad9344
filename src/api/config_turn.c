/* SPDX-License-Identifier: Apache-2.0 */
/* The section `turn`: what is asked of it, and the servers that clients are told of. */
#include "api/config.h"

#include <string.h>

static const char *problem(const struct aura_config *c) {
    bool tls_here = c->turn.tls_port && !c->turn.external_tls;
    if (!*c->turn.domain) {
        return "turn.domain: the name or address of the TURN server is missing";
    }
    if (strlen(c->turn.secret) < 16 || strpbrk(c->turn.secret, "\r\n")) {
        return "turn.secret: wants at least 16 characters, such as `openssl rand -hex 32` makes";
    }
    if (!c->turn.udp_port && !c->turn.tls_port) {
        return "turn: udp_port and tls_port are both off";
    }
    if (tls_here && (!*c->turn.cert_file || !*c->turn.key_file)) {
        return "turn.tls_port: TLS needs turn.cert_file and turn.key_file, or turn.external_tls";
    }
    if (c->turn.relay_last < c->turn.relay_first) {
        return "turn.relay_range_end: lies before turn.relay_range_start";
    }
    return NULL;
}

static void add(struct aura_config *c, const char *protocol, uint32_t port) {
    if (port && c->rtc.turn_server_count < AURA_TURN_SERVERS_MAX) {
        c->rtc.turn_servers[c->rtc.turn_server_count++] =
            (struct aura_turn_server){.host = c->turn.domain,
                                      .protocol = protocol,
                                      .port = port,
                                      .secret = c->turn.secret,
                                      .username = "",
                                      .credential = "",
                                      .ttl_s = c->turn.ttl_s};
    }
}

int aura_config_turn(struct aura_config *c, struct aura_buf *messages) {
    if (!c->turn.enabled) {
        return 0;
    }
    const char *why = problem(c);
    if (why) {
        (void)!aura_buf_printf(messages, "%s\n", why);
        return AURA_EMALFORMED;
    }
    add(c, "udp", c->turn.udp_port);
    add(c, "tcp", c->turn.udp_port);
    add(c, "tls", c->turn.tls_port);
    return 0;
}
