/* SPDX-License-Identifier: Apache-2.0 */
/* Data channels, ICE-TCP, closing things at the wrong moment, strangers. */
#include "env.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static int data_reaches_everybody(void) {
    struct env e;
    struct client c[3] = {{.open_channels = false}};
    env_start(&e, 2, 0);
    for (uint32_t i = 0; i < 3; i++) {
        env_client(&e, &c[i], i);
    }
    WAIT_FOR(e.loop, c[0].opened[AURA_DATA_LOSSY] && c[0].opened[AURA_DATA_RELIABLE]);
    WAIT_FOR(e.loop, e.data_opens == 9); /* three channels to each of three */
    client_data(&c[0], AURA_DATA_RELIABLE, "hello", 5);
    client_data(&c[0], AURA_DATA_LOSSY, "hi", 2);
    WAIT_FOR(e.loop, c[1].messages[AURA_DATA_RELIABLE] && c[2].messages[AURA_DATA_RELIABLE]);
    WAIT_FOR(e.loop, c[1].messages[AURA_DATA_LOSSY] && c[2].messages[AURA_DATA_LOSSY]);
    assert_int_equal(c[0].messages[AURA_DATA_RELIABLE], 0);
    assert_int_equal(c[1].bytes[AURA_DATA_RELIABLE], 5);
    assert_int_equal(c[2].bytes[AURA_DATA_LOSSY], 2);
    env_stop(&e);
    return 0;
}

static int reliable_data_waits_for_the_channel(void) {
    struct env e;
    struct client c = {.open_channels = false};
    static uint8_t big[60000];
    env_start(&e, 1, 0);
    e.clients[e.client_count++] = &c;
    client_start(&c, e.loop, e.sfu, 0, false);
    /* Not even connected: the order is kept, the ceiling of 1 MiB holds. */
    for (unsigned i = 0; i < 30; i++) {
        assert_int_equal(
            aura_sfu_data_send(e.sfu, &c.peer, 1, AURA_DATA_RELIABLE, big, sizeof(big)), 0);
    }
    assert_int_equal(aura_sfu_data_send(e.sfu, &c.peer, 1, AURA_DATA_LOSSY, big, 100), 0);
    WAIT_FOR(e.loop, c.messages[AURA_DATA_RELIABLE] == 17); /* 17 * 60000 < 1 MiB */
    struct aura_sfu_counters n = {.peers = 0};
    aura_sfu_counters(e.sfu, &n);
    assert_int_equal(n.drops[AURA_DROP_DATA_SLOW], 13 + 1);
    assert_int_equal(c.messages[AURA_DATA_LOSSY], 0);
    assert_int_equal(aura_sfu_data_send(e.sfu, &c.peer, 1, AURA_DATA_RELIABLE, big, 10), 0);
    WAIT_FOR(e.loop, c.messages[AURA_DATA_RELIABLE] == 18);
    assert_int_equal(c.bytes[AURA_DATA_RELIABLE], 17 * 60000 + 10);
    env_stop(&e);
    return 0;
}

static uint16_t free_tcp_port(void) {
    struct sockaddr_in sa = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(sa);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&sa, len), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&sa, &len), 0);
    close(fd);
    return ntohs(sa.sin_port);
}

static int media_over_tcp(void) {
    struct env e;
    struct client a = {.no_sctp = true}, b = {.no_sctp = true, .use_tcp = true};
    struct client c = {.no_sctp = true, .use_tcp = true};
    env_start(&e, 2, free_tcp_port());
    env_client(&e, &a, 0);
    env_client(&e, &b, 1); /* the listener is on worker 0 */
    env_client(&e, &c, 0);
    struct aura_media m = env_audio("0", false);
    aura_pub_id pub = env_publish(&e, &a, &m, 1234, 0);
    env_subscribe(&e, &b, pub, &m, 7000, 0);
    env_subscribe(&e, &c, pub, &m, 7000, 0);
    aura_pub_id back = env_publish(&e, &b, &m, 4321, 0);
    env_subscribe(&e, &a, back, &m, 7001, 0);
    uint16_t seq = 0;
    WAIT_FOR(e.loop, (env_send_audio(&a, "0", 1234, seq, 20), env_send_audio(&b, "0", 4321, seq, 9),
                      seq++, a.count > 20 && b.count > 20 && c.count > 20));
    assert_int_equal(b.log[0].ssrc, 7000);
    assert_int_equal(a.log[0].ssrc, 7001);
    env_stop(&e);
    return 0;
}

static int closing_meets_media(void) {
    struct env e;
    struct aura_rand_seeded r;
    struct aura_media m = env_video("1");
    struct client a = {.no_sctp = true}, b = {.no_sctp = true}, c = {.no_sctp = true};
    struct aura_sfu_counters n = {.peers = 0};
    aura_pub_id pub = 0;
    aura_sub_id sub[2] = {0, 0};
    env_start(&e, 2, 0);
    aura_rand_seeded_init(&r, 11);
    env_client(&e, &a, 0);
    env_client(&e, &b, 0);
    env_client(&e, &c, 1);
    uint16_t seq = 0;
    for (unsigned i = 0; i < 600; i++) {
        for (unsigned k = 0; k < 4; k++, seq++) {
            env_send_vp8(&a, 500, seq, seq, seq % 8 == 0, 600);
        }
        switch (aura_rand_below(&r.rand, 6)) {
        case 0:
            aura_sfu_pub_close(e.sfu, pub);
            pub = env_publish(&e, &a, &m, 500, 501);
            break;
        case 1:
        case 2:
            aura_sfu_sub_close(e.sfu, sub[0]);
            sub[0] = env_subscribe(&e, &b, pub, &m, 9000, 9001);
            break;
        case 3:
        case 4:
            aura_sfu_sub_close(e.sfu, sub[1]);
            sub[1] = env_subscribe(&e, &c, pub, &m, 9000, 9001);
            break;
        default:
            aura_sfu_pub_set_muted(e.sfu, pub, aura_rand_below(&r.rand, 2));
            client_pli(&b, 9000);
            break;
        }
        assert_int_equal(aura_loop_run_once(e.loop, 500), 0);
        b.count = c.count = 0;
    }
    aura_sfu_peer_close(e.sfu, c.peer);
    aura_sfu_peer_close(e.sfu, c.peer);
    aura_sfu_sub_close(e.sfu, sub[1]);
    WAIT_FOR(e.loop, (aura_sfu_counters(e.sfu, &n), n.peers == 2));
    aura_sfu_peer_close(e.sfu, a.peer);
    WAIT_FOR(e.loop, (aura_sfu_counters(e.sfu, &n), n.peers == 1 && n.pubs == 0));
    env_stop(&e);
    return 0;
}

static int peers_end_while_connecting(void) {
    struct env e;
    struct client c[8];
    env_start(&e, 2, 0);
    for (unsigned round = 0; round < 4; round++) {
        memset(c, 0, sizeof(c));
        for (uint32_t i = 0; i < 8; i++) {
            client_start(&c[i], e.loop, e.sfu, i, false);
        }
        for (unsigned i = 0; i < round * 4; i++) {
            assert_int_equal(aura_loop_run_once(e.loop, 2000), 0);
        }
        for (uint32_t i = 0; i < 8; i++) {
            aura_sfu_peer_close(e.sfu, c[i].peer);
            client_stop(&c[i]);
        }
    }
    env_stop(&e);
    return 0;
}

static int strangers_are_counted(void) {
    struct env e;
    struct client a = {.no_sctp = true};
    env_start(&e, 1, 0);
    env_client(&e, &a, 0);
    struct aura_udp_conf conf = {.bind = {.ip = {127, 0, 0, 1}, .family = AURA_FAMILY_V4}};
    struct aura_udp *u = NULL;
    struct aura_sfu_counters n = {.peers = 0};
    assert_int_equal(aura_udp_new(&u, &conf), 0);
    uint8_t junk[200];
    for (unsigned i = 0; i < 256; i++) {
        memset(junk, (int)i, sizeof(junk));
        assert_int_equal(aura_udp_send(u, junk, 1 + i % 200, &a.server, NULL), 0);
        aura_udp_flush(u);
    }
    WAIT_FOR(e.loop, (aura_sfu_counters(e.sfu, &n), n.drops[AURA_DROP_UNKNOWN_PEER] >= 250));
    assert_int_equal(aura_udp_stats(u)->packets_in, 0); /* nobody answers them */
    for (size_t i = 0; i < AURA_DROP_COUNT; i++) {
        assert_true(aura_sfu_drop_name((enum aura_sfu_drop)i)[0] != '\0');
    }
    aura_udp_free(u);
    env_stop(&e);
    return 0;
}

int main(void) {
    const struct CMUnitTest cases[] = {
        AURA_PLAIN(data_reaches_everybody),
        AURA_PLAIN(reliable_data_waits_for_the_channel),
        AURA_PLAIN(media_over_tcp),
        AURA_PLAIN(closing_meets_media),
        AURA_PLAIN(peers_end_while_connecting),
        AURA_PLAIN(strangers_are_counted),
    };
    return RUN_CASES("sfu/data", cases);
}
