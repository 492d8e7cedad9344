/* SPDX-License-Identifier: Apache-2.0 */
#include "transport/pc.h"

#include "base/bytes.h"
#include "sim.h"
#include "transport/demux.h"

enum { SERVER = 0, CLIENT = 1 };

struct server {
    struct sim *sim;
    struct aura_pc *pc;
    enum aura_pc_state states[16];
    size_t state_count, path_count, rtp_count, rtcp_count, drained, dropped;
    struct aura_path path;
    bool opened[AURA_DATA_CHANNELS];
    size_t messages[AURA_DATA_CHANNELS], bytes[AURA_DATA_CHANNELS];
    uint32_t sum[AURA_DATA_CHANNELS];
    bool close_on_data, echo, closed;
};

static void on_send(void *arg, const struct aura_path *path, const uint8_t *data, size_t len) {
    struct server *s = arg;
    sim_send(s->sim, CLIENT, path, data, len);
}
static void on_state(void *arg, enum aura_pc_state state) {
    struct server *s = arg;
    assert_false(s->closed);
    assert_true(s->state_count < 16);
    s->states[s->state_count++] = state;
}
static void on_path(void *arg, const struct aura_path *path) {
    struct server *s = arg;
    s->path = *path;
    s->path_count++;
}
static void on_rtp(void *arg, uint8_t *packet, size_t len) {
    struct server *s = arg;
    assert_int_equal(packet[0], 0x80);
    assert_int_equal(len, 112);
    s->rtp_count++;
}
static void on_rtcp(void *arg, uint8_t *packet, size_t len) {
    struct server *s = arg;
    assert_int_equal(packet[1], 201);
    assert_int_equal(len, 8);
    s->rtcp_count++;
}
static void on_data_open(void *arg, enum aura_data_channel channel) {
    struct server *s = arg;
    assert_false(s->opened[channel]);
    s->opened[channel] = true;
}
static void on_data(void *arg, enum aura_data_channel channel, const uint8_t *data, size_t len) {
    struct server *s = arg;
    assert_false(s->closed);
    s->messages[channel]++;
    s->bytes[channel] += len;
    s->sum[channel] += sim_sum(data, len);
    if (s->close_on_data) {
        aura_pc_close(s->pc);
        s->closed = true;
        s->pc = aura_unref(s->pc);
    } else if (s->echo) {
        assert_int_equal(aura_pc_send_data(s->pc, channel, data, len), 0);
    }
}
static void on_drained(void *arg, enum aura_data_channel channel) {
    struct server *s = arg;
    (void)channel;
    s->drained++;
}
static void on_dropped(void *arg, int why) {
    struct server *s = arg;
    (void)why;
    s->dropped++;
}
static const struct aura_pc_handlers handlers = {
    on_send, on_state, on_path, on_rtp, on_rtcp, on_data_open, on_data, on_drained, on_dropped};

static void server_deliver(void *arg, const struct aura_path *path, uint8_t *data, size_t len) {
    struct server *s = arg;
    if (s->pc) {
        aura_pc_recv(s->pc, path, data, len);
    }
}

struct world {
    struct sim sim;
    struct server server;
    struct client client;
    struct aura_dtls_identity *server_id, *client_id;
    struct aura_pc_conf conf;
    bool server_active, late_remote;
};

static int set_remote(struct world *w) {
    struct aura_pc_remote remote = {.ufrag = w->client.local_ufrag,
                                    .pwd = "clientpasswordclientpw",
                                    .fingerprints = aura_dtls_identity_fingerprint(w->client_id),
                                    .fingerprint_count = 1,
                                    .active = w->server_active,
                                    .sctp = true,
                                    .sctp_port = 5000};
    return aura_pc_set_remote(w->server.pc, &remote);
}

static void world_init(struct world *w) {
    memset(w, 0, sizeof(*w));
    struct client *c = &w->client;
    memcpy(c->local_ufrag, "cfrag", 6);
    memcpy(c->remote_ufrag, "sfrag", 6);
    memcpy(c->remote_pwd, "serverpasswordserverpw", 23);
    c->nominate = c->dtls_client = true;
    c->priority = 1000;
    assert_int_equal(aura_addr_parse(&c->path.remote, "192.0.2.7:4000"), 0);
    w->conf = (struct aura_pc_conf){.local_ufrag = "sfrag",
                                    .local_pwd = "serverpasswordserverpw",
                                    .open_data_channels = true,
                                    .max_message_bytes = 65535};
}

static int world_start(struct world *w) {
    TRY(sim_init(&w->sim));
    TRY(aura_dtls_identity_new(&w->server_id));
    TRY(aura_dtls_identity_new(&w->client_id));
    w->conf.identity = w->server_id;
    w->conf.timers = w->sim.timers;
    w->conf.rand = &w->sim.rand.rand;
    w->server.sim = &w->sim;
    w->client.dtls_client = !w->server_active;
    TRY(aura_pc_new(&w->server.pc, &w->conf, &handlers, &w->server));
    w->sim.ends[SERVER].fn = server_deliver;
    w->sim.ends[SERVER].arg = &w->server;
    TRY(client_start(&w->client, &w->sim, w->client_id,
                     aura_dtls_identity_fingerprint(w->server_id)));
    return w->late_remote ? 0 : set_remote(w);
}

static void world_end(struct world *w) {
    if (w->server.pc) {
        aura_pc_close(w->server.pc);
        w->server.closed = true;
        w->server.pc = aura_unref(w->server.pc);
    }
    client_stop(&w->client);
    if (w->sim.timers) {
        (void)aura_timers_run(w->sim.timers);
    }
    aura_dtls_identity_free(w->server_id);
    aura_dtls_identity_free(w->client_id);
    sim_fini(&w->sim);
}

static void send_media(struct world *w, uint16_t seq) {
    uint8_t p[200] = {0x80, 96};
    size_t len = 112;
    aura_put_u16(p + 2, seq);
    aura_put_u32(p + 8, 1234);
    assert_int_equal(aura_srtp_protect(w->client.srtp, p, &len, sizeof(p)), 0);
    sim_send(&w->sim, SERVER, &w->client.path, p, len);
    uint8_t r[64] = {0x80, 201, 0, 1, 0, 0, 4, 210};
    len = 8;
    assert_int_equal(aura_srtcp_protect(w->client.srtp, r, &len, sizeof(r)), 0);
    sim_send(&w->sim, SERVER, &w->client.path, r, len);
}

static void check_connected(struct world *w) {
    assert_int_equal(aura_pc_state(w->server.pc), AURA_PC_CONNECTED);
    assert_true(aura_path_equal(&w->server.path, &w->client.path));
    assert_true(aura_addr_equal(&w->client.mapped, &w->client.path.remote));
    assert_non_null(w->client.srtp);
    for (int i = 0; i < AURA_DATA_CHANNELS; i++) {
        assert_true(w->server.opened[i] && w->client.opened[i]);
        assert_true(aura_pc_data_open(w->server.pc, (enum aura_data_channel)i));
    }
    size_t before = w->server.rtp_count;
    send_media(w, (uint16_t)(1000 + before));
    uint8_t p[200] = {0x80, 111, 0, 7};
    size_t len = 100;
    uint8_t echo_byte = 0x5A;
    p[99] = echo_byte;
    assert_int_equal(aura_pc_protect_rtp(w->server.pc, p, &len, sizeof(p)), 0);
    sim_send(&w->sim, CLIENT, &w->client.path, p, len);
    sim_run(&w->sim, 50);
    assert_int_equal(w->server.rtp_count, before + 1);
    assert_int_equal(w->server.rtcp_count, before + 1);
    assert_int_equal(w->client.rtp_len, 100);
    assert_int_equal(w->client.rtp[99], echo_byte);
}

static int connect_with(bool server_active, bool negotiated, bool late) {
    struct world w;
    world_init(&w);
    w.server_active = server_active;
    w.late_remote = late;
    w.conf.negotiated_channels = w.client.negotiated = negotiated;
    int err = world_start(&w);
    if (!err && late) {
        sim_run(&w.sim, 300); /* the ClientHello is here before the description */
        assert_int_equal(aura_pc_state(w.server.pc), AURA_PC_CONNECTING);
        err = set_remote(&w);
    }
    if (!err) {
        sim_run(&w.sim, 1500);
        check_connected(&w);
        assert_int_equal(w.server.states[0], AURA_PC_CONNECTING);
        assert_int_equal(w.server.states[1], AURA_PC_CONNECTED);
        assert_int_equal(w.server.state_count, 2);
    }
    world_end(&w);
    return err;
}

static int connects_passive(void) {
    return connect_with(false, false, false);
}
static int connects_active(void) {
    return connect_with(true, false, false);
}
static int connects_negotiated(void) {
    return connect_with(false, true, false);
}
static int connects_when_described_late(void) {
    return connect_with(false, false, true);
}

static int client_opens_channels(void) {
    struct world w;
    world_init(&w);
    w.conf.open_data_channels = false;
    w.client.open_channels = true;
    int err = world_start(&w);
    if (!err) {
        sim_run(&w.sim, 1500);
        check_connected(&w);
    }
    world_end(&w);
    return err;
}

static int connects_with_loss_and_reorder(void) {
    int err = 0;
    for (unsigned seed = 1; !err && seed <= 8; seed++) {
        struct world w;
        world_init(&w);
        w.server_active = seed % 2;
        err = world_start(&w);
        if (!err) {
            aura_rand_seeded_init(&w.sim.rand, seed);
            w.sim.loss_percent = 25;
            w.sim.jitter_us = 40000;
            sim_run(&w.sim, 25000);
            w.sim.loss_percent = 0;
            sim_run(&w.sim, 12000);
            check_connected(&w);
        }
        world_end(&w);
    }
    return err;
}

static int wrong_fingerprint_fails(void) {
    struct world w;
    struct aura_dtls_identity *other = NULL;
    world_init(&w);
    w.late_remote = true;
    int err = world_start(&w);
    if (!err) {
        err = aura_dtls_identity_new(&other);
    }
    if (!err) {
        struct aura_dtls_identity *mine = w.client_id;
        w.client_id = other; /* the description names another certificate */
        err = set_remote(&w);
        w.client_id = mine;
    }
    if (!err) {
        sim_run(&w.sim, 2000);
        assert_int_equal(aura_pc_state(w.server.pc), AURA_PC_FAILED);
        uint8_t p[200] = {0x80, 96};
        size_t len = 100;
        assert_int_equal(aura_pc_protect_rtp(w.server.pc, p, &len, sizeof(p)), AURA_ESTATE);
        for (int i = 0; i < AURA_DATA_CHANNELS; i++) {
            assert_false(w.server.opened[i]);
        }
    }
    aura_dtls_identity_free(other);
    world_end(&w);
    return err;
}

static int weak_fingerprints_are_refused(void) {
    struct world w;
    world_init(&w);
    w.late_remote = true;
    int err = world_start(&w);
    if (!err) {
        struct aura_fingerprint sha1;
        assert_int_equal(aura_fingerprint_parse(&sha1, "sha-1 00:01:02:03:04:05:06:07:08:09:0a:0b:"
                                                       "0c:0d:0e:0f:10:11:12:13"),
                         0);
        struct aura_pc_remote remote = {
            .ufrag = "cfrag", .pwd = "x", .fingerprints = &sha1, .fingerprint_count = 1};
        int got = aura_pc_set_remote(w.server.pc, &remote);
        assert_true(got == AURA_EINVAL || got == AURA_ENOMEM);
    }
    world_end(&w);
    return err;
}

static int handshake_times_out(void) {
    struct world w;
    world_init(&w);
    int err = world_start(&w);
    if (!err) {
        w.client.dtls_client = true;
        sim_run(&w.sim, 100);
        aura_dtls_close(w.client.dtls); /* the client goes dumb, but for its checks */
        sim_run(&w.sim, 31000);
        assert_int_equal(aura_pc_state(w.server.pc), AURA_PC_FAILED);
    }
    world_end(&w);
    return err;
}

static int consent_is_lost_and_comes_back(void) {
    struct world w;
    world_init(&w);
    int err = world_start(&w);
    if (!err) {
        uint8_t p[200] = {0x80, 96};
        size_t len = 100;
        sim_run(&w.sim, 1500);
        check_connected(&w);
        w.client.silent = true;
        sim_run(&w.sim, 9000);
        assert_int_equal(aura_pc_state(w.server.pc), AURA_PC_CONNECTED);
        sim_run(&w.sim, 3000);
        assert_int_equal(aura_pc_state(w.server.pc), AURA_PC_DISCONNECTED);
        assert_int_equal(aura_pc_protect_rtp(w.server.pc, p, &len, sizeof(p)), 0);
        sim_run(&w.sim, 20000);
        assert_int_equal(aura_pc_state(w.server.pc), AURA_PC_FAILED);
        len = 100;
        assert_int_equal(aura_pc_protect_rtp(w.server.pc, p, &len, sizeof(p)), AURA_ESTATE);
        w.client.silent = false;
        sim_run(&w.sim, 1000);
        check_connected(&w);
    }
    world_end(&w);
    return err;
}

static int ice_restart_keeps_the_rest(void) {
    struct world w;
    world_init(&w);
    int err = world_start(&w);
    if (!err) {
        sim_run(&w.sim, 1500);
        check_connected(&w);
        assert_int_equal(aura_pc_restart_ice(w.server.pc, "sfrag2", "secondpasswordsecondpw"), 0);
        size_t ok = w.client.ok;
        sim_run(&w.sim, 1100); /* the old ones still work */
        assert_true(w.client.ok >= ok + 2);
        memcpy(w.client.remote_ufrag, "sfrag2", 7);
        memcpy(w.client.remote_pwd, "secondpasswordsecondpw", 23);
        memcpy(w.client.local_ufrag, "cfrag2", 7);
        w.client.path.remote.port = 4001;
        assert_int_equal(set_remote(&w), 0);
        sim_run(&w.sim, 1000);
        assert_int_equal(w.server.path_count, 2);
        check_connected(&w);
        memcpy(w.client.remote_ufrag, "sfrag", 6); /* and now they do not */
        memcpy(w.client.remote_pwd, "serverpasswordserverpw", 23);
        size_t errors = w.client.errors;
        sim_run(&w.sim, 1000);
        assert_true(w.client.errors > errors);
        assert_int_equal(w.client.last_error, 401);
    }
    world_end(&w);
    return err;
}

static int identity_may_not_change(void) {
    struct world w;
    world_init(&w);
    int err = world_start(&w);
    if (!err) {
        sim_run(&w.sim, 1500);
        struct aura_pc_remote remote = {.ufrag = "cfrag",
                                        .pwd = "clientpasswordclientpw",
                                        .fingerprints = aura_dtls_identity_fingerprint(w.server_id),
                                        .fingerprint_count = 1};
        assert_int_equal(aura_pc_set_remote(w.server.pc, &remote), AURA_ESTATE);
        check_connected(&w);
    }
    world_end(&w);
    return err;
}

static int role_conflict_is_answered(void) {
    struct world w;
    world_init(&w);
    w.client.controlled = true;
    int err = world_start(&w);
    if (!err) {
        sim_run(&w.sim, 2500);
        assert_int_equal(w.client.errors, 1);
        assert_int_equal(w.client.last_error, 487);
        check_connected(&w);
    }
    world_end(&w);
    return err;
}

static int messages_of_all_sizes(void) {
    static const size_t sizes[] = {0, 1, 2, 100, 1100, 1200, 5000, 16384, 40000, 65535};
    static uint8_t data[65535];
    struct world w;
    world_init(&w);
    w.server.echo = true;
    int err = world_start(&w);
    if (!err) {
        uint32_t sum = 0;
        size_t bytes = 0, n = sizeof(sizes) / sizeof(sizes[0]);
        w.sim.loss_percent = 3;
        w.sim.jitter_us = 10000;
        sim_run(&w.sim, 10000);
        for (size_t i = 0; i < n; i++) {
            aura_rand_bytes(&w.sim.rand.rand, data, sizes[i]);
            sum += sim_sum(data, sizes[i]);
            bytes += sizes[i];
            assert_int_equal(aura_sctp_send(w.client.sctp, AURA_DATA_RELIABLE, data, sizes[i]), 0);
        }
        sim_run(&w.sim, 40000);
        assert_int_equal(w.server.messages[AURA_DATA_RELIABLE], n);
        assert_int_equal(w.server.bytes[AURA_DATA_RELIABLE], bytes);
        assert_int_equal(w.server.sum[AURA_DATA_RELIABLE], sum);
        assert_int_equal(w.client.messages[AURA_DATA_RELIABLE], n);
        assert_int_equal(w.client.sum[AURA_DATA_RELIABLE], sum);
        assert_int_equal(aura_pc_send_data(w.server.pc, AURA_DATA_RELIABLE, data, 300000),
                         AURA_ELIMIT);
    }
    world_end(&w);
    return err;
}

static int lossy_is_not_repeated(void) {
    struct world w;
    world_init(&w);
    int err = world_start(&w);
    if (!err) {
        uint8_t data[500] = {1};
        sim_run(&w.sim, 1500);
        w.sim.loss_percent = 30;
        for (int i = 0; i < 300; i++) {
            assert_int_equal(aura_pc_send_data(w.server.pc, AURA_DATA_LOSSY, data, sizeof(data)),
                             0);
            sim_run(&w.sim, 20);
        }
        w.sim.loss_percent = 0;
        sim_run(&w.sim, 5000);
        assert_true(w.client.messages[AURA_DATA_LOSSY] > 150);
        assert_true(w.client.messages[AURA_DATA_LOSSY] < 270);
    }
    world_end(&w);
    return err;
}

static int buffers_are_bounded(void) {
    static uint8_t data[60000];
    struct world w;
    world_init(&w);
    int err = world_start(&w);
    if (!err) {
        size_t sent = 0;
        int got = 0;
        sim_run(&w.sim, 1500);
        while ((got = aura_pc_send_data(w.server.pc, AURA_DATA_RELIABLE, data, sizeof(data))) ==
               0) {
            sent++;
            assert_true(sent < 100);
        }
        assert_int_equal(got, AURA_EAGAIN);
        assert_true(aura_pc_data_buffered(w.server.pc, AURA_DATA_RELIABLE) <= AURA_SCTP_BUFFER_MAX);
        assert_int_equal(w.server.drained, 0);
        sim_run(&w.sim, 20000);
        assert_int_equal(w.server.drained, 1);
        assert_int_equal(w.client.messages[AURA_DATA_RELIABLE], sent);
        assert_int_equal(aura_pc_data_buffered(w.server.pc, AURA_DATA_RELIABLE), 0);
    }
    world_end(&w);
    return err;
}

static int closing_inside_a_callback(void) {
    struct world w;
    world_init(&w);
    w.server.close_on_data = true;
    int err = world_start(&w);
    if (!err) {
        sim_run(&w.sim, 1500);
        for (int i = 0; i < 5; i++) {
            assert_int_equal(
                aura_sctp_send(w.client.sctp, AURA_DATA_RELIABLE, (const uint8_t *)"hello", 5), 0);
        }
        sim_run(&w.sim, 500);
        assert_int_equal(w.server.messages[AURA_DATA_RELIABLE], 1);
        assert_int_equal(w.client.dtls_error, AURA_ECLOSED);
    }
    world_end(&w);
    return err;
}

static int dtls_needs_a_valid_path(void) {
    struct world w;
    world_init(&w);
    int err = world_start(&w);
    if (!err) {
        w.client.silent = true;
        aura_timer_stop(w.sim.timers, &w.client.check);
        w.client.path.remote.port = 4999; /* not the one of the first check */
        aura_dtls_start(w.client.dtls);
        sim_run(&w.sim, 3000);
        assert_null(w.client.srtp);
        assert_true(aura_pc_state(w.server.pc) != AURA_PC_CONNECTED);
    }
    world_end(&w);
    return err;
}

static int demux_of_all_first_bytes(void) {
    for (unsigned b = 0; b < 256; b++) {
        for (unsigned second = 0; second < 256; second++) {
            uint8_t data[2] = {(uint8_t)b, (uint8_t)second};
            enum aura_datagram want = AURA_DATAGRAM_OTHER;
            if (b <= 3) {
                want = AURA_DATAGRAM_STUN;
            } else if (b >= 20 && b <= 63) {
                want = AURA_DATAGRAM_DTLS;
            } else if (b / 64 == 2) {
                want = second >= 192 && second < 224 ? AURA_DATAGRAM_RTCP : AURA_DATAGRAM_RTP;
            }
            assert_int_equal(aura_datagram_kind(data, 2), want);
        }
        uint8_t one = (uint8_t)b;
        assert_int_equal(aura_datagram_kind(&one, 1), AURA_DATAGRAM_OTHER);
    }
    return 0;
}

/* The out-of-memory mode ends before the connection is up: what follows only needs peers to
 * survive, which connects_with_loss covers. */
static int survives_no_memory_at_start(void) {
    struct world w;
    world_init(&w);
    int err = world_start(&w);
    world_end(&w);
    return err;
}

int main(void) {
    const struct CMUnitTest cases[] = {
        AURA_PLAIN(demux_of_all_first_bytes),   AURA_CASE(survives_no_memory_at_start),
        AURA_PLAIN(connects_passive),           AURA_PLAIN(connects_active),
        AURA_PLAIN(connects_negotiated),        AURA_PLAIN(connects_when_described_late),
        AURA_PLAIN(client_opens_channels),      AURA_PLAIN(connects_with_loss_and_reorder),
        AURA_PLAIN(wrong_fingerprint_fails),    AURA_CASE(weak_fingerprints_are_refused),
        AURA_PLAIN(handshake_times_out),        AURA_PLAIN(consent_is_lost_and_comes_back),
        AURA_PLAIN(ice_restart_keeps_the_rest), AURA_PLAIN(identity_may_not_change),
        AURA_PLAIN(role_conflict_is_answered),  AURA_PLAIN(messages_of_all_sizes),
        AURA_PLAIN(lossy_is_not_repeated),      AURA_PLAIN(buffers_are_bounded),
        AURA_PLAIN(closing_inside_a_callback),  AURA_PLAIN(dtls_needs_a_valid_path),
    };
    return RUN_CASES("pc", cases);
}
