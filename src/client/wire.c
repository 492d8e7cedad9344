/* SPDX-License-Identifier: Apache-2.0 */
#include "client/wire.h"

#include "base/mem.h"
#include "client/agent.h"
#include "transport/demux.h"
#include "transport/sctp.h"
#include "transport/srtp.h"

#include <stdio.h>

enum { ENDPOINTS_MAX = 3, HOST_PREFERENCE = 126 /* RFC 8445 section 5.1.2.2 */ };

struct aura_wire {
    struct aura_wire_conf conf;
    struct aura_wire_handlers handlers;
    void *arg;
    struct aura_timers *timers;
    /* One for each kind of candidate (loopback, IPv4, IPv6) until a pair is selected, then one. */
    struct aura_endpoint *endpoints[ENDPOINTS_MAX];
    unsigned told;                  /* bits: of which endpoints the peer knows */
    struct aura_endpoint *endpoint; /* that reaches the selected candidate; one of the others */
    struct aura_agent *agent;
    struct aura_dtls *dtls;
    struct aura_srtp *srtp;
    struct aura_sctp *sctp;
    struct aura_task reap;
    struct aura_addr remote; /* of the selected pair */
    bool selected, started, connected, closed, failed;
    bool active, remote_sctp;
    uint16_t sctp_port;
};

#define CALL(w, fn, ...)                                                                           \
    do {                                                                                           \
        if (!(w)->closed && (w)->handlers.fn) {                                                    \
            (w)->handlers.fn(__VA_ARGS__);                                                         \
        }                                                                                          \
    } while (0)

static void fail(struct aura_wire *w, int err) {
    if (!w->failed) {
        w->failed = true;
        w->connected = false;
        CALL(w, failed, w->arg, err);
    }
}

/* ---- SCTP ---- */

static void sctp_send(void *arg, const uint8_t *packet, size_t len) {
    struct aura_wire *w = arg;
    (void)!aura_dtls_send(w->dtls, packet, len); /* as good as lost: SCTP sends it again */
}

static void sctp_opened(void *arg, enum aura_data_channel channel) {
    (void)arg;
    (void)channel;
}

static void sctp_data(void *arg, enum aura_data_channel channel, const uint8_t *data, size_t len) {
    struct aura_wire *w = arg;
    CALL(w, data, w->arg, channel, data, len);
}

static void sctp_closed(void *arg) {
    (void)arg; /* media goes on */
}

static int start_sctp(struct aura_wire *w) {
    static const struct aura_sctp_handlers handlers = {sctp_send, sctp_opened, sctp_data,
                                                       sctp_opened, sctp_closed};
    struct aura_sctp_conf conf = {.timers = w->timers,
                                  .remote_port = w->sctp_port,
                                  .dtls_client = w->active,
                                  .open_channels = w->conf.open_channels};
    return w->remote_sctp && !w->sctp ? aura_sctp_new(&w->sctp, &conf, &handlers, w) : 0;
}

/* ---- DTLS ---- */

static void dtls_send(void *arg, const uint8_t *data, size_t len) {
    struct aura_wire *w = arg;
    if (w->endpoint && w->selected) {
        aura_endpoint_send(w->endpoint, &w->remote, data, len);
    }
}

static void dtls_connected(void *arg) {
    struct aura_wire *w = arg;
    struct aura_srtp_keys keys;
    int err = aura_dtls_srtp_keys(w->dtls, &keys);
    if (!err) {
        err = aura_srtp_new(&w->srtp, &keys);
    }
    aura_wipe(&keys, sizeof(keys));
    if (!err) {
        err = start_sctp(w);
    }
    if (err) {
        fail(w, err);
        return;
    }
    w->connected = true;
    CALL(w, connected, w->arg);
}

static void dtls_data(void *arg, const uint8_t *data, size_t len) {
    struct aura_wire *w = arg;
    if (w->sctp && !w->closed) {
        aura_sctp_recv(w->sctp, data, len);
    }
}

static void dtls_failed(void *arg, int err) {
    fail(arg, err);
}

static void maybe_start(struct aura_wire *w) {
    if (w->dtls && w->selected && !w->started) {
        w->started = true;
        aura_dtls_start(w->dtls);
    }
}

/* ---- ICE ---- */

static struct aura_endpoint *endpoint_to(const struct aura_wire *w, const struct aura_addr *to) {
    for (size_t i = 0; i < ENDPOINTS_MAX; i++) {
        if (w->endpoints[i] && aura_endpoint_reaches(w->endpoints[i], to)) {
            return w->endpoints[i];
        }
    }
    return NULL;
}

static void agent_send(void *arg, const struct aura_addr *to, const uint8_t *data, size_t len) {
    struct aura_endpoint *e = endpoint_to(arg, to);
    if (e) {
        aura_endpoint_send(e, to, data, len);
    }
}

static void close_endpoints(struct aura_wire *w, const struct aura_endpoint *but) {
    for (size_t i = 0; i < ENDPOINTS_MAX; i++) {
        if (w->endpoints[i] != but) {
            w->endpoints[i] = aura_endpoint_close(w->endpoints[i]);
        }
    }
}

static void agent_selected(void *arg, const struct aura_addr *remote) {
    struct aura_wire *w = arg;
    w->remote = *remote;
    w->endpoint = endpoint_to(w, remote);
    w->selected = w->endpoint != NULL;
    close_endpoints(w, w->endpoint);
    maybe_start(w);
}

static void agent_failed(void *arg) {
    fail(arg, AURA_ETIMEDOUT);
}

/* ---- packets ---- */

static void on_media(struct aura_wire *w, uint8_t *data, size_t len, uint64_t arrival_us,
                     bool rtcp) {
    if (!w->srtp || w->failed) {
        return;
    }
    if (rtcp) {
        if (aura_srtcp_unprotect(w->srtp, data, &len) == 0) {
            CALL(w, rtcp, w->arg, data, len, arrival_us);
        }
    } else if (aura_srtp_unprotect(w->srtp, data, &len) == 0) {
        CALL(w, rtp, w->arg, data, len, arrival_us);
    }
}

static void on_datagram(void *arg, const struct aura_addr *from, uint8_t *data, size_t len,
                        uint64_t arrival_us) {
    struct aura_wire *w = arg;
    switch (aura_datagram_kind(data, len)) {
    case AURA_DATAGRAM_STUN:
        aura_agent_recv(w->agent, from, data, len);
        break;
    case AURA_DATAGRAM_DTLS:
        if (w->started && !w->failed) {
            aura_dtls_recv(w->dtls, data, len);
        }
        break;
    case AURA_DATAGRAM_RTP:
        on_media(w, data, len, arrival_us, false);
        break;
    case AURA_DATAGRAM_RTCP:
        on_media(w, data, len, arrival_us, true);
        break;
    case AURA_DATAGRAM_OTHER:
        break;
    }
}

/* ---- life ---- */

static void wire_free(struct aura_wire *w) {
    w->sctp = aura_sctp_free(w->sctp);
    w->dtls = aura_dtls_free(w->dtls);
    w->srtp = aura_srtp_free(w->srtp);
    w->agent = aura_agent_free(w->agent);
    close_endpoints(w, NULL);
    aura_free(w);
}

static void on_reap(void *arg) {
    wire_free(arg);
}

int aura_wire_new(struct aura_wire **out, const struct aura_wire_conf *conf,
                  const struct aura_wire_handlers *handlers, void *arg) {
    static const struct aura_agent_handlers agent_handlers = {agent_send, agent_selected,
                                                              agent_failed};
    struct aura_wire *w = aura_zalloc(sizeof(*w));
    if (!w) {
        return AURA_ENOMEM;
    }
    w->conf = *conf;
    w->handlers = *handlers;
    w->arg = arg;
    w->timers = aura_loop_timers(conf->loop);
    struct aura_agent_conf agent_conf = {.timers = w->timers, .rand = conf->rand};
    int err = aura_agent_new(&w->agent, &agent_conf, &agent_handlers, w);
    if (err) {
        wire_free(w);
        return err;
    }
    *out = w;
    return 0;
}

void aura_wire_close(struct aura_wire *w) {
    if (!w || w->closed) {
        return;
    }
    w->closed = true;
    if (w->sctp) {
        aura_sctp_close(w->sctp);
    }
    if (w->dtls) {
        aura_dtls_close(w->dtls);
    }
    /* Always a turn later: timers and datagrams of ours may be on the stack. */
    aura_loop_post_task(w->conf.loop, &w->reap, on_reap, w);
}

const char *aura_wire_ufrag(const struct aura_wire *w) {
    return aura_agent_ufrag(w->agent);
}

const char *aura_wire_pwd(const struct aura_wire *w) {
    return aura_agent_pwd(w->agent);
}

bool aura_wire_next_candidate(struct aura_wire *w, char out[AURA_WIRE_CANDIDATE_MAX]) {
    for (unsigned i = 0; i < ENDPOINTS_MAX; i++) {
        struct aura_addr local;
        char ip[AURA_ADDR_TEXT_MAX];
        if (!w->endpoints[i] || w->told >> i & 1) {
            continue;
        }
        w->told |= 1u << i;
        if (aura_endpoint_local(w->endpoints[i], &local) == 0) {
            uint32_t priority = (uint32_t)HOST_PREFERENCE << 24 | (uint32_t)(65535 - i) << 8 | 255;
            snprintf(out, AURA_WIRE_CANDIDATE_MAX, "candidate:%u 1 udp %u %s %u typ host", i + 1,
                     priority, aura_addr_ip_text(&local, ip), local.port);
            return true;
        }
    }
    return false;
}

bool aura_wire_connected(const struct aura_wire *w) {
    return w->connected;
}

uint32_t aura_wire_rtt_us(const struct aura_wire *w) {
    return aura_agent_rtt_us(w->agent);
}

int aura_wire_set_remote(struct aura_wire *w, const struct aura_wire_remote *r) {
    static const struct aura_dtls_handlers handlers = {dtls_send, dtls_connected, dtls_data,
                                                       dtls_failed};
    int err = 0;
    w->remote_sctp = w->remote_sctp || r->sctp;
    w->sctp_port = r->sctp_port;
    if (!w->dtls) {
        struct aura_dtls_conf conf = {.identity = w->conf.identity,
                                      .timers = w->timers,
                                      .active = r->active,
                                      .fingerprints = r->fingerprints,
                                      .fingerprint_count = r->fingerprint_count};
        w->active = r->active;
        err = aura_dtls_new(&w->dtls, &conf, &handlers, w);
    } else if (w->connected) {
        err = start_sctp(w);
    }
    if (!err) {
        err = aura_agent_set_remote(w->agent, r->ufrag, r->pwd, r->controlling);
    }
    maybe_start(w);
    return err;
}

int aura_wire_add_candidate(struct aura_wire *w, const char *text) {
    struct aura_addr addr;
    uint32_t priority;
    if (w->closed || aura_agent_candidate_parse(text, &addr, &priority)) {
        return 0;
    }
    for (size_t i = 0; !endpoint_to(w, &addr) && i < ENDPOINTS_MAX; i++) {
        if (!w->endpoints[i]) {
            int err = aura_endpoint_open(&w->endpoints[i], w->conf.ports, &addr, on_datagram, w);
            if (err) {
                return err;
            }
        }
    }
    aura_agent_add(w->agent, &addr, priority);
    return 0;
}

uint8_t *aura_wire_reserve(struct aura_wire *w) {
    return w->connected && !w->closed ? aura_endpoint_reserve(w->endpoint, AURA_WIRE_PACKET_MAX)
                                      : NULL;
}

int aura_wire_commit_rtp(struct aura_wire *w, uint8_t *packet, size_t len) {
    int err = aura_srtp_protect(w->srtp, packet, &len, AURA_WIRE_PACKET_MAX);
    if (!err) {
        aura_endpoint_commit(w->endpoint, len, &w->remote);
    }
    return err;
}

int aura_wire_commit_rtcp(struct aura_wire *w, uint8_t *packet, size_t len) {
    int err = aura_srtcp_protect(w->srtp, packet, &len, AURA_WIRE_PACKET_MAX);
    if (!err) {
        aura_endpoint_commit(w->endpoint, len, &w->remote);
    }
    return err;
}

int aura_wire_send_data(struct aura_wire *w, enum aura_data_channel channel, const uint8_t *data,
                        size_t len) {
    return w->sctp && w->connected && !w->closed ? aura_sctp_send(w->sctp, channel, data, len)
                                                 : AURA_ESTATE;
}
