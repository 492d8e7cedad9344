/* SPDX-License-Identifier: Apache-2.0 */
#include "client.h"

#include "base/rand.h"
#include "rtp/rtcp_xr.h"
#include "transport/demux.h"
#include "transport/stun.h"

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static struct aura_dtls_identity *identity;

static void send_bytes(struct client *c, const uint8_t *data, size_t len) {
    if (c->use_tcp) {
        uint8_t frame[2048];
        aura_put_u16(frame, (uint16_t)len);
        memcpy(frame + 2, data, len);
        assert_int_equal(send(c->tcp_fd, frame, len + 2, MSG_NOSIGNAL), (ssize_t)(len + 2));
        return;
    }
    assert_int_equal(aura_udp_send(c->udp, data, len, &c->server, NULL), 0);
    aura_udp_flush(c->udp);
}

static void send_check(void *arg) {
    struct client *c = arg;
    char username[64];
    uint8_t out[AURA_STUN_MAX];
    size_t len = 0;
    int n = snprintf(username, sizeof(username), "%s:clnt", c->ufrag);
    struct aura_stun_msg m = {.cls = AURA_STUN_REQUEST,
                              .method = AURA_STUN_BINDING,
                              .username = username,
                              .username_len = (size_t)n,
                              .has_priority = true,
                              .priority = 12345,
                              .use_candidate = true,
                              .controlling = true,
                              .tie_breaker = 7};
    aura_rand_bytes(aura_rand_system(), m.tid.b, sizeof(m.tid.b));
    assert_int_equal(aura_stun_build(&m, c->pwd, out, sizeof(out), &len), 0);
    send_bytes(c, out, len);
    uint64_t in_us = c->nominated ? 1000000 : 20000;
    assert_int_equal(aura_timer_start(aura_loop_timers(c->loop), &c->check, in_us, send_check, c),
                     0);
}

static void dtls_send(void *arg, const uint8_t *data, size_t len) {
    send_bytes(arg, data, len);
}

static void sctp_send(void *arg, const uint8_t *data, size_t len) {
    struct client *c = arg;
    (void)!aura_dtls_send(c->dtls, data, len);
}

static void sctp_open(void *arg, enum aura_data_channel channel) {
    struct client *c = arg;
    c->opened[channel] = true;
}

static void sctp_data(void *arg, enum aura_data_channel channel, const uint8_t *data, size_t len) {
    struct client *c = arg;
    (void)data;
    c->messages[channel]++;
    c->bytes[channel] += len;
}

static void sctp_drained(void *arg, enum aura_data_channel channel) {
    (void)arg;
    (void)channel;
}

static void sctp_closed(void *arg) {
    (void)arg;
}

static void dtls_connected(void *arg) {
    static const struct aura_sctp_handlers handlers = {sctp_send, sctp_open, sctp_data,
                                                       sctp_drained, sctp_closed};
    struct client *c = arg;
    struct aura_srtp_keys keys;
    assert_int_equal(aura_dtls_srtp_keys(c->dtls, &keys), 0);
    assert_int_equal(aura_srtp_new(&c->srtp, &keys), 0);
    struct aura_sctp_conf conf = {.timers = aura_loop_timers(c->loop),
                                  .dtls_client = true,
                                  .open_channels = c->open_channels,
                                  .max_receive_bytes = AURA_SCTP_MESSAGE_MAX};
    if (!c->no_sctp) {
        assert_int_equal(aura_sctp_new(&c->sctp, &conf, &handlers, c), 0);
    }
    c->connected = true;
}

static void dtls_data(void *arg, const uint8_t *data, size_t len) {
    struct client *c = arg;
    if (c->sctp) {
        aura_sctp_recv(c->sctp, data, len);
    }
}

static void dtls_failed(void *arg, int err) {
    (void)arg;
    (void)err;
}

static void on_rtp(struct client *c, uint8_t *data, size_t len) {
    struct aura_rtp r;
    if (aura_srtp_unprotect(c->srtp, data, &len)) {
        c->discarded++;
        return;
    }
    assert_int_equal(aura_rtp_parse(&r, data, len), 0);
    if (c->count == CLIENT_LOG) {
        return;
    }
    struct client_packet *p = &c->log[c->count++];
    *p = (struct client_packet){.ssrc = r.ssrc,
                                .ts = r.ts,
                                .seq = r.seq,
                                .pt = r.pt,
                                .marker = r.marker,
                                .payload_len = (uint16_t)r.payload_len,
                                .ext_profile = r.ext_profile,
                                .ext_len = r.ext_len};
    size_t n = r.payload_len < sizeof(p->payload) ? r.payload_len : sizeof(p->payload);
    memcpy(p->payload, r.payload, n);
    n = r.ext_len < sizeof(p->ext) ? r.ext_len : sizeof(p->ext);
    if (n) {
        memcpy(p->ext, r.ext, n);
    }
}

static void on_nack(struct client *c, const struct aura_rtcp *p) {
    struct aura_rtcp_nack pairs[64];
    uint32_t sender, media;
    int n = aura_rtcp_parse_nack(p, &sender, &media, pairs, 64);
    assert_true(n >= 0);
    for (int i = 0; i < n; i++) {
        AURA_RTCP_NACK_EACH(pairs[i], seq) {
            c->nacks++;
            if (c->on_nack) {
                c->on_nack(c, media, seq);
            }
        }
    }
}

static void on_psfb(struct client *c, const struct aura_rtcp *p) {
    uint32_t sender;
    struct aura_rtcp_remb remb;
    if (p->count == AURA_PSFB_PLI) {
        assert_int_equal(aura_rtcp_parse_pli(p, &sender, &c->pli_ssrc), 0);
        c->plis++;
    } else if (p->count == AURA_PSFB_FIR) {
        c->firs++;
    } else if (aura_rtcp_parse_remb(p, &sender, &remb) == 0) {
        c->rembs++;
        c->remb_bps = remb.bitrate_bps;
    }
}

static void on_rtcp(struct client *c, uint8_t *data, size_t len) {
    struct aura_rtcp p;
    int more;
    if (aura_srtcp_unprotect(c->srtp, data, &len)) {
        c->discarded++;
        return;
    }
    struct aura_rtcp_iter it = aura_rtcp_packets(data, len);
    while ((more = aura_rtcp_next(&it, &p)) == 1) {
        if (p.type == AURA_RTCP_SR) {
            c->srs++;
            assert_int_equal(aura_rtcp_parse_report(&c->last_sr, &p), 0);
        } else if (p.type == AURA_RTCP_RR && p.count) {
            c->rrs++;
            assert_int_equal(aura_rtcp_parse_report(&c->last_rr, &p), 0);
        } else if (p.type == AURA_RTCP_SDES) {
            c->sdes++;
        } else if (p.type == AURA_RTCP_RTPFB && p.count == AURA_RTPFB_NACK) {
            on_nack(c, &p);
        } else if (p.type == AURA_RTCP_RTPFB && p.count == AURA_RTPFB_TWCC) {
            c->twccs++;
        } else if (p.type == AURA_RTCP_PSFB) {
            on_psfb(c, &p);
        } else if (p.type == AURA_RTCP_XR) {
            struct aura_xr xr;
            assert_int_equal(aura_xr_parse(&xr, &p), 0);
            c->dlrrs += xr.dlrr_count;
        }
    }
    assert_int_equal(more, 0);
}

static void on_stun(struct client *c, const uint8_t *data, size_t len) {
    struct aura_stun_msg m;
    assert_int_equal(aura_stun_parse(&m, data, len), 0);
    if (m.cls == AURA_STUN_SUCCESS && !c->nominated) {
        assert_int_equal(aura_stun_check_integrity(&m, c->pwd), 0);
        c->nominated = true;
        aura_dtls_start(c->dtls);
    }
}

static void on_datagram(struct client *c, uint8_t *data, size_t len) {
    switch (aura_datagram_kind(data, len)) {
    case AURA_DATAGRAM_STUN:
        on_stun(c, data, len);
        break;
    case AURA_DATAGRAM_DTLS:
        aura_dtls_recv(c->dtls, data, len);
        break;
    case AURA_DATAGRAM_RTP:
        if (c->drop_every && ++c->arrived % c->drop_every == 0) {
            c->dropped++;
        } else if (c->srtp) {
            on_rtp(c, data, len);
        }
        break;
    case AURA_DATAGRAM_RTCP:
        if (c->srtp) {
            on_rtcp(c, data, len);
        }
        break;
    case AURA_DATAGRAM_OTHER:
        break;
    }
}

static void udp_packet(void *arg, const struct aura_udp_packet *p) {
    on_datagram(arg, p->data, p->len);
}

static void udp_readable(void *arg, struct aura_watch *watch, unsigned events) {
    struct client *c = arg;
    (void)watch;
    (void)events;
    aura_udp_recv(c->udp, udp_packet, c);
}

static void tcp_readable(void *arg, struct aura_watch *watch, unsigned events) {
    struct client *c = arg;
    (void)watch;
    (void)events;
    ssize_t n =
        recv(c->tcp_fd, c->tcp_in + c->tcp_len, sizeof(c->tcp_in) - c->tcp_len, MSG_DONTWAIT);
    if (n <= 0) {
        aura_loop_remove_fd(&c->tcp_watch);
        return;
    }
    c->tcp_len += (size_t)n;
    size_t at = 0;
    while (c->tcp_len - at >= 2) {
        size_t len = aura_get_u16(c->tcp_in + at);
        if (c->tcp_len - at - 2 < len) {
            break;
        }
        on_datagram(c, c->tcp_in + at + 2, len);
        at += 2 + len;
    }
    memmove(c->tcp_in, c->tcp_in + at, c->tcp_len - at);
    c->tcp_len -= at;
}

static void open_socket(struct client *c) {
    if (!c->use_tcp) {
        struct aura_udp_conf conf = {.bind = {.ip = {127, 0, 0, 1}, .family = AURA_FAMILY_V4}};
        assert_int_equal(aura_udp_new(&c->udp, &conf), 0);
        assert_int_equal(aura_loop_add_fd(c->loop, &c->watch, aura_udp_fd(c->udp), AURA_LOOP_READ,
                                          udp_readable, c),
                         0);
        return;
    }
    struct sockaddr_storage sa;
    size_t len = aura_addr_to_sockaddr(&c->server, &sa);
    c->tcp_fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(c->tcp_fd >= 0);
    assert_int_equal(connect(c->tcp_fd, (struct sockaddr *)&sa, (socklen_t)len), 0);
    assert_int_equal(
        aura_loop_add_fd(c->loop, &c->tcp_watch, c->tcp_fd, AURA_LOOP_READ, tcp_readable, c), 0);
}

static void find_server(struct client *c) {
    struct aura_sfu_candidate found[AURA_SFU_CANDIDATES_MAX];
    const struct aura_fleet_reach reach = {c->sfu, c->fleet};
    size_t n = aura_fleet_peer_candidates(&reach, c->peer, found);
    for (size_t i = 0; i < n; i++) {
        if (found[i].tcp == c->use_tcp && found[i].addr.family == AURA_FAMILY_V4) {
            c->server = found[i].addr;
            return;
        }
    }
    fail_msg("no candidate");
}

void client_start(struct client *c, struct aura_loop *loop, struct aura_sfu *sfu, uint32_t affinity,
                  bool tcp) {
    static const struct aura_dtls_handlers handlers = {dtls_send, dtls_connected, dtls_data,
                                                       dtls_failed};
    if (!identity) {
        assert_int_equal(aura_dtls_identity_new(&identity), 0);
    }
    c->loop = loop;
    c->sfu = sfu;
    c->use_tcp = tcp;
    c->tcp_fd = -1;
    c->log = aura_calloc(CLIENT_LOG, sizeof(*c->log));
    assert_non_null(c->log);
    struct aura_sfu_peer_conf pc = {
        .offerer = true, .open_data_channels = !c->open_channels, .ceiling_kbps = c->ceiling_kbps};
    const struct aura_fleet_reach reach = {sfu, c->fleet};
    assert_int_equal(
        aura_fleet_peer_new(&reach, c->node, &pc, affinity, &c->peer, c->ufrag, c->pwd), 0);
    find_server(c);
    struct aura_pc_remote remote = {.ufrag = "clnt",
                                    .pwd = "clientclientclientclient",
                                    .fingerprints = aura_dtls_identity_fingerprint(identity),
                                    .fingerprint_count = 1,
                                    .sctp = !c->no_sctp,
                                    .sctp_port = 5000};
    assert_int_equal(aura_fleet_peer_set_remote(&reach, c->peer, &remote), 0);
    struct aura_dtls_conf conf = {.identity = identity,
                                  .timers = aura_loop_timers(loop),
                                  .active = true,
                                  .fingerprints = aura_fleet_peer_fingerprint(&reach, c->peer),
                                  .fingerprint_count = 1};
    assert_int_equal(aura_dtls_new(&c->dtls, &conf, &handlers, c), 0);
    open_socket(c);
    send_check(c);
}

void client_stop(struct client *c) {
    aura_timer_stop(aura_loop_timers(c->loop), &c->check);
    c->sctp = aura_sctp_free(c->sctp);
    c->dtls = aura_dtls_free(c->dtls);
    c->srtp = aura_srtp_free(c->srtp);
    aura_loop_remove_fd(&c->watch);
    c->udp = aura_udp_free(c->udp);
    if (c->tcp_fd >= 0) {
        aura_loop_remove_fd(&c->tcp_watch);
        close(c->tcp_fd);
    }
    aura_free(c->log);
    c->log = NULL;
    identity = aura_dtls_identity_free(identity);
}

void client_rtp(struct client *c, uint8_t pt, uint16_t seq, uint32_t ts, uint32_t ssrc, bool marker,
                const struct aura_rtp_item *items, size_t item_count, const uint8_t *payload,
                size_t len) {
    uint8_t out[2048];
    size_t n = 0;
    struct aura_rtp_header h = {.marker = marker, .pt = pt, .seq = seq, .ts = ts, .ssrc = ssrc};
    assert_int_equal(aura_rtp_write_header(out, sizeof(out), &n, &h, items, item_count), 0);
    memcpy(out + n, payload, len);
    n += len;
    assert_int_equal(aura_srtp_protect(c->srtp, out, &n, sizeof(out)), 0);
    send_bytes(c, out, n);
}

void client_rtcp(struct client *c, const struct aura_wr *w) {
    uint8_t out[1500];
    size_t n = aura_wr_len(w);
    assert_false(w->fail);
    memcpy(out, w->begin, n);
    assert_int_equal(aura_srtcp_protect(c->srtp, out, &n, sizeof(out)), 0);
    send_bytes(c, out, n);
}

void client_nack(struct client *c, uint32_t media, uint16_t seq) {
    uint8_t buf[128];
    struct aura_wr w = aura_wr_of(buf, sizeof(buf));
    struct aura_rtcp_nack nack = {.pid = seq};
    aura_rtcp_write_rr(&w, 1, NULL, 0);
    aura_rtcp_write_nack(&w, 1, media, &nack, 1);
    client_rtcp(c, &w);
}

void client_pli(struct client *c, uint32_t media) {
    uint8_t buf[128];
    struct aura_wr w = aura_wr_of(buf, sizeof(buf));
    aura_rtcp_write_rr(&w, 1, NULL, 0);
    aura_rtcp_write_pli(&w, 1, media);
    client_rtcp(c, &w);
}

void client_data(struct client *c, enum aura_data_channel channel, const void *data, size_t len) {
    assert_int_equal(aura_sctp_send(c->sctp, channel, data, len), 0);
}
