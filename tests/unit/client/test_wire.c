/* SPDX-License-Identifier: Apache-2.0 */
/* A client's connection, publisher and receiver against the server's struct aura_pc, over real
 * loopback sockets on one loop. */
#include "base/bytes.h"
#include "client/publisher.h"
#include "client/receiver.h"
#include "client/wire.h"
#include "harness.h"
#include "rtp/vp8.h"
#include "transport/pc.h"

#include <stdio.h>
#include <string.h>

enum { CLIP_FRAMES = 30, SSRC = 1111, RTX_SSRC = 2222, THEIR_SSRC = 3333, PT = 96, RTX_PT = 97 };
enum { TWCC_ID = 3, MID_ID = 4 };

struct bench {
    struct aura_loop *loop;
    struct aura_ports *ports;
    struct aura_dtls_identity *identity;
    struct aura_meter *meter;
    struct aura_udp *udp;
    struct aura_watch watch;
    struct aura_path path;
    struct aura_pc *pc;
    struct aura_wire *wire;
    struct aura_receiver *receiver;
    bool server_up, client_up;
    int failed;
    enum aura_kind first;
    size_t firsts;
    /* What the server got: */
    size_t packets, keys, with_mid, rtx, srs, rrs, nacks, plis, twccs;
    uint16_t newest, resent;
    struct aura_rtcp_nack nack;
};

/* ---- the server's end ---- */

static void pc_send(void *arg, const struct aura_path *path, const uint8_t *data, size_t len) {
    struct bench *b = arg;
    assert_int_equal(aura_udp_send(b->udp, data, len, &path->remote, NULL), 0);
}
static void pc_state(void *arg, enum aura_pc_state state) {
    struct bench *b = arg;
    b->server_up = state == AURA_PC_CONNECTED;
}
static void pc_path(void *arg, const struct aura_path *path) {
    struct bench *b = arg;
    b->path = *path;
}
static void pc_rtp(void *arg, uint8_t *packet, size_t len) {
    struct bench *b = arg;
    struct aura_rtp r;
    struct aura_rtp_item item;
    struct aura_vp8 d;
    assert_int_equal(aura_rtp_parse(&r, packet, len), 0);
    assert_true(aura_rtp_find(&r, TWCC_ID, &item));
    if (r.ssrc == RTX_SSRC) {
        assert_int_equal(r.pt, RTX_PT);
        b->resent = aura_get_u16(r.payload);
        b->rtx++;
        return;
    }
    assert_int_equal(r.ssrc, SSRC);
    assert_int_equal(aura_vp8_parse(&d, r.payload, r.payload_len), 0);
    b->packets++;
    b->keys += d.key_frame;
    b->with_mid += aura_rtp_find(&r, MID_ID, &item);
    b->newest = r.seq;
}
static void pc_rtcp(void *arg, uint8_t *data, size_t len) {
    struct bench *b = arg;
    struct aura_rtcp p;
    uint32_t sender, media;
    struct aura_rtcp_iter it = aura_rtcp_packets(data, len);
    while (aura_rtcp_next(&it, &p) == 1) {
        b->srs += p.type == AURA_RTCP_SR;
        b->rrs += p.type == AURA_RTCP_RR && p.count > 0;
        b->twccs += p.type == AURA_RTCP_RTPFB && p.count == AURA_RTPFB_TWCC;
        b->plis += p.type == AURA_RTCP_PSFB && p.count == AURA_PSFB_PLI;
        if (p.type == AURA_RTCP_RTPFB && p.count == AURA_RTPFB_NACK) {
            b->nacks++;
            assert_int_equal(aura_rtcp_parse_nack(&p, &sender, &media, &b->nack, 1), 1);
            assert_int_equal(media, THEIR_SSRC);
        }
    }
}
static void server_packet(void *arg, const struct aura_udp_packet *p) {
    struct bench *b = arg;
    struct aura_path path = {.remote = p->remote};
    aura_pc_recv(b->pc, &path, p->data, p->len);
}
static void server_readable(void *arg, struct aura_watch *watch, unsigned events) {
    struct bench *b = arg;
    (void)watch;
    (void)events;
    aura_udp_recv(b->udp, server_packet, b);
}

/* Encrypted, and on its way. */
static void server_send(struct bench *b, uint8_t *data, size_t len, bool rtcp) {
    assert_int_equal(rtcp ? aura_pc_protect_rtcp(b->pc, data, &len, 1500)
                          : aura_pc_protect_rtp(b->pc, data, &len, 1500),
                     0);
    assert_int_equal(aura_udp_send(b->udp, data, len, &b->path.remote, NULL), 0);
}

/* ---- the client's end ---- */

static void wire_connected(void *arg) {
    ((struct bench *)arg)->client_up = true;
}
static void wire_failed(void *arg, int err) {
    ((struct bench *)arg)->failed = err;
}
static void wire_rtp(void *arg, uint8_t *packet, size_t len, uint64_t now_us) {
    struct bench *b = arg;
    aura_receiver_rtp(b->receiver, packet, len, now_us);
}
static struct aura_publisher *feedback_to; /* of the case that runs */

static void wire_rtcp(void *arg, uint8_t *data, size_t len, uint64_t now_us) {
    struct aura_rtcp p;
    struct aura_rtcp_iter it = aura_rtcp_packets(data, len);
    (void)arg;
    (void)now_us;
    while (feedback_to && aura_rtcp_next(&it, &p) == 1) {
        aura_publisher_rtcp(feedback_to, &p);
    }
}

static void on_first(void *arg, enum aura_kind kind) {
    struct bench *b = arg;
    b->first = kind;
    b->firsts++;
}

static void turn_end(void *arg) {
    struct bench *b = arg;
    aura_ports_flush(b->ports);
    aura_udp_flush(b->udp);
}

static void open_server(struct bench *b) {
    static const struct aura_pc_handlers handlers = {
        .send = pc_send, .state = pc_state, .path = pc_path, .rtp = pc_rtp, .rtcp = pc_rtcp};
    struct aura_udp_conf udp = {.no_gro = true};
    struct aura_pc_conf conf = {.local_ufrag = "srv",
                                .local_pwd = "serverserverserverserver",
                                .identity = b->identity,
                                .timers = aura_loop_timers(b->loop),
                                .rand = aura_rand_system()};
    assert_int_equal(aura_addr_parse(&udp.bind, "127.0.0.1:0"), 0);
    assert_int_equal(aura_udp_new(&b->udp, &udp), 0);
    assert_int_equal(aura_loop_add_fd(b->loop, &b->watch, aura_udp_fd(b->udp), AURA_LOOP_READ,
                                      server_readable, b),
                     0);
    assert_int_equal(aura_pc_new(&b->pc, &conf, &handlers, b), 0);
}

static void open_client(struct bench *b) {
    static const struct aura_wire_handlers handlers = {
        .connected = wire_connected, .failed = wire_failed, .rtp = wire_rtp, .rtcp = wire_rtcp};
    struct aura_wire_conf conf = {
        .loop = b->loop, .ports = b->ports, .rand = aura_rand_system(), .identity = b->identity};
    assert_int_equal(aura_wire_new(&b->wire, &conf, &handlers, b), 0);
    struct aura_receiver_conf receiver = {.timers = aura_loop_timers(b->loop),
                                          .rand = aura_rand_system(),
                                          .wire = b->wire,
                                          .meter = b->meter,
                                          .first = on_first,
                                          .arg = b};
    assert_int_equal(aura_receiver_new(&b->receiver, &receiver), 0);
}

static void introduce(struct bench *b, const struct aura_fingerprint *server) {
    char candidate[128], ip[AURA_ADDR_TEXT_MAX], own[AURA_WIRE_CANDIDATE_MAX];
    struct aura_pc_remote client = {.ufrag = aura_wire_ufrag(b->wire),
                                    .pwd = aura_wire_pwd(b->wire),
                                    .fingerprints = aura_dtls_identity_fingerprint(b->identity),
                                    .fingerprint_count = 1};
    struct aura_wire_remote remote = {.ufrag = "srv",
                                      .pwd = "serverserverserverserver",
                                      .fingerprints = server,
                                      .fingerprint_count = 1,
                                      .controlling = true,
                                      .active = true};
    assert_int_equal(aura_pc_set_remote(b->pc, &client), 0);
    assert_int_equal(aura_wire_set_remote(b->wire, &remote), 0);
    assert_false(aura_wire_next_candidate(b->wire, own));
    const struct aura_addr *at = aura_udp_local(b->udp);
    snprintf(candidate, sizeof(candidate), "candidate:1 1 udp 1 %s %u typ host",
             aura_addr_ip_text(at, ip), at->port);
    assert_int_equal(aura_wire_add_candidate(b->wire, candidate), 0);
    assert_true(aura_wire_next_candidate(b->wire, own));
    assert_non_null(strstr(own, "127.0.1."));
    assert_false(aura_wire_next_candidate(b->wire, own));
}

static void start(struct bench *b) {
    memset(b, 0, sizeof(*b));
    b->meter = aura_zalloc(sizeof(*b->meter));
    assert_non_null(b->meter);
    assert_int_equal(aura_dtls_identity_new(&b->identity), 0);
    assert_int_equal(aura_loop_new(&b->loop, aura_clock_system()), 0);
    assert_int_equal(aura_ports_new(&b->ports, b->loop, 4, false), 0);
    aura_loop_set_turn_end(b->loop, turn_end, b);
    open_server(b);
    open_client(b);
}

static void end(struct bench *b) {
    aura_loop_remove_fd(&b->watch);
    aura_wire_close(b->wire);
    aura_receiver_free(b->receiver);
    aura_pc_close(b->pc);
    aura_unref(b->pc);
    assert_int_equal(aura_loop_run_once(b->loop, 0), 0);
    assert_int_equal(aura_loop_run_once(b->loop, 0), 0);
    aura_udp_free(b->udp);
    aura_ports_free(b->ports);
    aura_loop_set_turn_end(b->loop, NULL, NULL);
    aura_loop_free(b->loop);
    aura_dtls_identity_free(b->identity);
    aura_free(b->meter);
}

#define WAIT_FOR(b, cond)                                                                          \
    do {                                                                                           \
        uint64_t until_ = aura_now_us(aura_clock_system()) + 60 * AURA_US_PER_S;                   \
        while (!(cond)) {                                                                          \
            if (aura_now_us(aura_clock_system()) > until_) {                                       \
                fail_msg("waited for: %s", #cond);                                                 \
            }                                                                                      \
            assert_int_equal(aura_loop_run_once((b)->loop, 20000), 0);                             \
        }                                                                                          \
    } while (0)

static void connect_both(struct bench *b) {
    start(b);
    introduce(b, aura_dtls_identity_fingerprint(b->identity));
    WAIT_FOR(b, b->server_up && b->client_up);
}

/* ---- publishing ---- */

/* One key frame, then 29 others, of two packets each. */
static struct aura_clip *make_clip(void) {
    enum { FRAME_BYTES = AURA_CLIP_PAYLOAD_MAX + 10 };
    size_t len = 32 + CLIP_FRAMES * (12 + FRAME_BYTES);
    uint8_t *bytes = aura_zalloc(len);
    struct aura_clip *clip = NULL;
    assert_non_null(bytes);
    memcpy(bytes, "DKIF\0\0\x20\0VP80", 12);
    bytes[16] = 100; /* frames a second */
    bytes[20] = 1;
    for (size_t i = 0; i < CLIP_FRAMES; i++) {
        uint8_t *f = bytes + 32 + i * (12 + FRAME_BYTES);
        f[0] = (uint8_t)FRAME_BYTES;
        f[1] = (uint8_t)(FRAME_BYTES >> 8);
        f[4] = (uint8_t)i;
        f[12] = i > 0;
    }
    assert_int_equal(aura_clip_parse(&clip, bytes, len), 0);
    return clip;
}

static void send_pli(struct bench *b) {
    uint8_t out[1500];
    struct aura_wr w = aura_wr_of(out, sizeof(out));
    aura_rtcp_write_pli(&w, 1, SSRC);
    server_send(b, out, aura_wr_len(&w), true);
}

static void send_nack(struct bench *b, uint16_t seq) {
    uint8_t out[1500];
    struct aura_rtcp_nack nack = {.pid = seq};
    struct aura_wr w = aura_wr_of(out, sizeof(out));
    aura_rtcp_write_nack(&w, 1, SSRC, &nack, 1);
    server_send(b, out, aura_wr_len(&w), true);
}

static void send_report(struct bench *b) {
    uint8_t out[1500];
    struct aura_rtcp_block block = {.ssrc = SSRC};
    struct aura_wr w = aura_wr_of(out, sizeof(out));
    aura_rtcp_write_rr(&w, 1, &block, 1);
    server_send(b, out, aura_wr_len(&w), true);
}

static struct aura_publisher *publish(struct bench *b, const struct aura_clip *clip,
                                      uint16_t *twcc_seq) {
    struct aura_publisher *p = NULL;
    struct aura_publisher_conf conf = {.timers = aura_loop_timers(b->loop),
                                       .rand = aura_rand_system(),
                                       .wire = b->wire,
                                       .meter = b->meter,
                                       .twcc_seq = twcc_seq,
                                       .mid = "7",
                                       .cname = "cname",
                                       .layer_count = 1,
                                       .pt = PT,
                                       .rtx_pt = RTX_PT};
    conf.layers[0] =
        (struct aura_publisher_layer){.clip = clip, .ssrc = SSRC, .rtx_ssrc = RTX_SSRC};
    conf.ext.id[AURA_EXT_TWCC] = TWCC_ID;
    conf.ext.id[AURA_EXT_MID] = MID_ID;
    assert_int_equal(aura_publisher_new(&p, &conf), 0);
    return p;
}

static int publishes(void) {
    struct bench b;
    uint16_t twcc_seq = 65530;
    struct aura_clip *clip = make_clip();
    connect_both(&b);
    feedback_to = publish(&b, clip, &twcc_seq);
    WAIT_FOR(&b, b.packets >= 6 && b.srs > 0);
    assert_int_equal(b.keys, 1); /* it begins with one */
    assert_int_equal(b.with_mid, b.packets);
    send_pli(&b);
    size_t before = b.packets;
    WAIT_FOR(&b, b.keys == 2);
    assert_true(b.packets - before < CLIP_FRAMES); /* not the one of the next round */
    send_nack(&b, b.newest);
    WAIT_FOR(&b, b.rtx == 1);
    assert_true((uint16_t)(b.newest - b.resent) < 10);
    assert_int_equal(aura_count_get(&b.meter->resent), 1);
    send_nack(&b, (uint16_t)(b.newest + 5000)); /* never sent */
    send_report(&b);
    size_t with_mid = b.with_mid + 4; /* those under way */
    before = b.packets;
    WAIT_FOR(&b, b.packets > before + 20);
    assert_true(b.with_mid <= with_mid);
    assert_int_equal(b.rtx, 1);
    aura_publisher_enable(feedback_to, 0, false); /* dynacast */
    WAIT_FOR(&b, b.srs > 1);
    before = b.packets;
    size_t srs = b.srs;
    WAIT_FOR(&b, b.srs > srs);
    assert_int_equal(b.packets, before);
    size_t keys = b.keys;
    aura_publisher_enable(feedback_to, 0, true);
    WAIT_FOR(&b, b.packets > before + 2);
    assert_int_equal(b.keys, keys + 1);
    feedback_to = aura_publisher_free(feedback_to);
    aura_clip_free(clip);
    end(&b);
    return 0;
}

/* ---- receiving ---- */

static const char offer[] =
    "v=0\r\no=- 1 2 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 1\r\n"
    "m=video 9 UDP/TLS/RTP/SAVPF 96 97\r\nc=IN IP4 0.0.0.0\r\na=mid:1\r\na=sendonly\r\n"
    "a=rtcp-mux\r\na=rtpmap:96 VP8/90000\r\na=rtcp-fb:96 nack\r\na=rtcp-fb:96 nack pli\r\n"
    "a=rtpmap:97 rtx/90000\r\na=fmtp:97 apt=96\r\n"
    "a=extmap:3 http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01\r\n"
    "a=ssrc-group:FID 3333 4444\r\na=ssrc:3333 cname:x\r\na=ssrc:4444 cname:x\r\n";

static const char nothing[] = "v=0\r\no=- 1 3 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\n";

static void send_media(struct bench *b, uint16_t seq, uint32_t ssrc, bool rtx) {
    uint8_t out[1500], twcc[2] = {(uint8_t)(seq >> 8), (uint8_t)seq};
    struct aura_rtp_item item = {TWCC_ID, 2, twcc};
    struct aura_rtp_header h = {.marker = true,
                                .pt = rtx ? RTX_PT : PT,
                                .seq = seq,
                                .ts = 3000u * seq,
                                .ssrc = rtx ? 4444 : ssrc};
    static const uint8_t frame[] = {0x90, 0xe0, 0x80, 1, 1, 0, 1, 0, 0};
    size_t len = 0;
    assert_int_equal(aura_rtp_write_header(out, sizeof(out), &len, &h, &item, 1), 0);
    if (rtx) {
        aura_put_u16(out + len, seq);
        len += 2;
    }
    memcpy(out + len, frame, sizeof(frame));
    server_send(b, out, len + sizeof(frame), false);
}

static int receives(void) {
    struct bench b;
    struct aura_sdp *sdp = NULL;
    connect_both(&b);
    assert_int_equal(aura_sdp_parse(&sdp, offer, sizeof(offer) - 1), 0);
    assert_int_equal(aura_receiver_update(b.receiver, sdp), 0);
    assert_int_equal(aura_receiver_update(b.receiver, sdp), 0); /* the same: nothing changes */
    aura_sdp_free(sdp);
    assert_int_equal(aura_receiver_streams(b.receiver), 1);
    for (uint16_t seq = 100; seq < 110; seq++) {
        if (seq != 105) {
            send_media(&b, seq, THEIR_SSRC, false);
        }
    }
    send_media(&b, 1, 9999, false); /* nobody described it */
    WAIT_FOR(&b, b.nacks > 0);
    assert_int_equal(b.nack.pid, 105);
    assert_int_equal(b.nack.blp, 0);
    assert_int_equal(b.firsts, 1);
    assert_int_equal(b.first, AURA_KIND_VIDEO);
    assert_int_equal(aura_receiver_flowing(b.receiver), 1);
    assert_int_equal(aura_count_get(&b.meter->missing), 1);
    assert_int_equal(aura_count_get(&b.meter->unknown), 1);
    send_media(&b, 105, THEIR_SSRC, true);
    WAIT_FOR(&b, aura_count_get(&b.meter->repaired) == 1);
    assert_int_equal(aura_count_get(&b.meter->missing), 0);
    /* No key frame among them: it asks for one. And it reports. */
    WAIT_FOR(&b, b.plis > 0 && b.twccs > 0 && b.rrs > 0);
    assert_int_equal(aura_sdp_parse(&sdp, nothing, sizeof(nothing) - 1), 0);
    assert_int_equal(aura_receiver_update(b.receiver, sdp), 0); /* the track is gone */
    aura_sdp_free(sdp);
    assert_int_equal(aura_receiver_streams(b.receiver), 0);
    assert_int_equal(aura_receiver_flowing(b.receiver), 0);
    end(&b);
    return 0;
}

/* ---- what goes wrong ---- */

static int wrong_certificate(void) {
    struct bench b;
    start(&b);
    struct aura_fingerprint other = *aura_dtls_identity_fingerprint(b.identity);
    other.value[0] ^= 1;
    introduce(&b, &other);
    WAIT_FOR(&b, b.failed);
    assert_int_equal(b.failed, AURA_EAUTH);
    assert_false(b.client_up);
    assert_null(aura_wire_reserve(b.wire));
    end(&b);
    return 0;
}

static int server_leaves(void) {
    struct bench b;
    connect_both(&b);
    aura_pc_close(b.pc);
    WAIT_FOR(&b, b.failed);
    assert_int_equal(b.failed, AURA_ECLOSED);
    end(&b);
    return 0;
}

int main(void) {
    const struct CMUnitTest cases[] = {AURA_PLAIN(publishes), AURA_PLAIN(receives),
                                       AURA_PLAIN(wrong_certificate), AURA_PLAIN(server_leaves)};
    return RUN_CASES("client/wire", cases);
}
