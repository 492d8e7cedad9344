/* SPDX-License-Identifier: Apache-2.0 */
/* Endpoints on shared sockets, over real loopback: each has an address of its own. */
#include "client/ports.h"

#include "harness.h"

#include <string.h>

enum { ENDPOINTS = 9, SHARING = 4 };

struct bench {
    struct aura_loop *loop;
    struct aura_ports *ports;
    struct aura_endpoint *endpoints[ENDPOINTS];
    size_t got[ENDPOINTS], slots[ENDPOINTS];
    struct aura_udp *server;
    struct aura_addr seen[ENDPOINTS];
    size_t seen_count;
    bool close_inside;
    uint64_t sent_us;
};

static struct bench *current; /* of the case that runs */

static void on_datagram(void *arg, const struct aura_addr *from, uint8_t *data, size_t len,
                        uint64_t arrival_us) {
    size_t i = *(const size_t *)arg;
    assert_true(aura_addr_same_ip(from, aura_udp_local(current->server)));
    assert_int_equal(len, 1);
    assert_int_equal(data[0], i);
    uint64_t now = aura_now_us(aura_clock_system());
    assert_true(arrival_us <= now && arrival_us >= current->sent_us);
    current->got[i]++;
    if (current->close_inside) {
        current->endpoints[i] = aura_endpoint_close(current->endpoints[i]);
    }
}

/* The server answers with the same byte. */
static void on_server(void *arg, const struct aura_udp_packet *p) {
    struct bench *b = arg;
    for (size_t i = 0; i < b->seen_count; i++) {
        assert_false(aura_addr_equal(&b->seen[i], &p->remote));
    }
    assert_true(b->seen_count < ENDPOINTS);
    b->seen[b->seen_count++] = p->remote;
    assert_int_equal(aura_udp_send(b->server, p->data, p->len, &p->remote, NULL), 0);
}

static int start_with(struct bench *b, bool gro) {
    struct aura_udp_conf conf = {.no_gro = true};
    memset(b, 0, sizeof(*b));
    current = b;
    assert_int_equal(aura_addr_parse(&conf.bind, "127.0.0.1:0"), 0);
    TRY(aura_loop_new(&b->loop, aura_clock_system()));
    TRY(aura_udp_new(&b->server, &conf));
    TRY(aura_ports_new(&b->ports, b->loop, SHARING, gro));
    for (size_t i = 0; i < ENDPOINTS; i++) {
        b->slots[i] = i;
        TRY(aura_endpoint_open(&b->endpoints[i], b->ports, aura_udp_local(b->server), on_datagram,
                               &b->slots[i]));
    }
    return 0;
}

static int start(struct bench *b) {
    return start_with(b, false);
}

static void end(struct bench *b) {
    for (size_t i = 0; i < ENDPOINTS; i++) {
        aura_endpoint_close(b->endpoints[i]);
    }
    aura_ports_free(b->ports);
    aura_udp_free(b->server);
    aura_loop_free(b->loop);
}

static size_t total(const struct bench *b) {
    size_t n = 0;
    for (size_t i = 0; i < ENDPOINTS; i++) {
        n += b->got[i];
    }
    return n;
}

static void exchange(struct bench *b) {
    const struct aura_clock *clock = aura_clock_system();
    b->sent_us = aura_now_us(clock) - 1000; /* the two clocks are read one after the other */
    for (size_t i = 0; i < ENDPOINTS; i++) {
        uint8_t byte = (uint8_t)i;
        aura_endpoint_send(b->endpoints[i], aura_udp_local(b->server), &byte, 1);
    }
    aura_ports_flush(b->ports);
    for (uint64_t until = aura_now_us(clock) + 60 * AURA_US_PER_S; total(b) < ENDPOINTS;) {
        assert_true(aura_now_us(clock) < until);
        assert_true(aura_udp_recv(b->server, on_server, b) >= 0);
        aura_udp_flush(b->server);
        assert_int_equal(aura_loop_run_once(b->loop, 1000), 0);
    }
}

static int each_its_own(void) {
    struct bench b;
    struct aura_ports_stats stats;
    int err;
    TRY_OUT(start(&b));
    aura_ports_stats(b.ports, &stats);
    assert_int_equal(stats.sockets, 3);
    exchange(&b);
    for (size_t i = 0; i < ENDPOINTS; i++) {
        struct aura_addr local;
        assert_int_equal(b.got[i], 1);
        assert_int_equal(aura_endpoint_local(b.endpoints[i], &local), 0);
        assert_true(aura_addr_equal(&local, &b.seen[i])); /* as the server sees it */
    }
out:
    end(&b);
    return err;
}

/* Many packets to one endpoint at once, joined by the kernel where it can: each comes by itself. */
static int joined(void) {
    struct bench b;
    struct aura_addr to;
    int err;
    TRY_OUT(start_with(&b, true));
    assert_int_equal(aura_endpoint_local(b.endpoints[5], &to), 0);
    b.sent_us = aura_now_us(aura_clock_system()) - 1000;
    for (unsigned i = 0; i < 40; i++) {
        uint8_t byte = 5;
        assert_int_equal(aura_udp_send(b.server, &byte, 1, &to, NULL), 0);
    }
    aura_udp_flush(b.server);
    for (uint64_t until = b.sent_us + 60 * AURA_US_PER_S; b.got[5] < 40;) {
        assert_true(aura_now_us(aura_clock_system()) < until);
        assert_int_equal(aura_loop_run_once(b.loop, 1000), 0);
    }
    assert_int_equal(total(&b), 40);
out:
    end(&b);
    return err;
}

static int closed_inside(void) {
    struct bench b;
    int err;
    TRY_OUT(start(&b));
    b.close_inside = true;
    exchange(&b);
    for (size_t i = 0; i < ENDPOINTS; i++) {
        assert_null(b.endpoints[i]);
    }
out:
    end(&b);
    return err;
}

static int reach(void) {
    struct bench b;
    struct aura_addr far, six;
    int err;
    TRY_OUT(start(&b));
    assert_int_equal(aura_addr_parse(&far, "192.0.2.1:5"), 0);
    assert_int_equal(aura_addr_parse(&six, "[::1]:5"), 0);
    assert_true(aura_endpoint_reaches(b.endpoints[0], aura_udp_local(b.server)));
    assert_false(aura_endpoint_reaches(b.endpoints[0], &far));
    assert_false(aura_endpoint_reaches(b.endpoints[0], &six));
    assert_null(aura_endpoint_reserve(b.endpoints[0], AURA_UDP_PACKET_MAX + 1));
out:
    end(&b);
    return err;
}

int main(void) {
    const struct CMUnitTest cases[] = {AURA_CASE(each_its_own), AURA_CASE(joined),
                                       AURA_CASE(closed_inside), AURA_CASE(reach)};
    return RUN_CASES("client/ports", cases);
}
