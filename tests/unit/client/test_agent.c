/* SPDX-License-Identifier: Apache-2.0 */
/* The client's ICE agent against the server's lite agent and against another of its kind, on a
 * clock that stands still. */
#include "client/agent.h"

#include "harness.h"
#include "transport/ice.h"
#include "transport/stun.h"

#include <string.h>

enum { QUEUE_MAX = 256 };

struct datagram {
    bool to_server;
    struct aura_addr from, to;
    size_t len;
    uint8_t data[AURA_STUN_MAX];
};

struct net {
    struct aura_clock_manual clock;
    struct aura_rand_seeded rand;
    struct aura_timers *timers;
    struct aura_agent *client, *peer; /* `peer`: instead of the lite server */
    struct aura_ice *server;
    struct aura_addr client_addr, server_addr, dead_addr, selected;
    size_t selections, failures, peer_selections, checks;
    struct aura_addr second_addr; /* of the server too */
    struct aura_addr answering;   /* the one that a datagram came to */
    size_t nominated_second, nominated_first;
    bool cut; /* nothing gets through */
    struct datagram *queue;
    size_t count;
};

static void enqueue(struct net *n, bool to_server, const struct aura_addr *from,
                    const uint8_t *data, size_t len) {
    if (n->cut) {
        return;
    }
    assert_true(n->count < QUEUE_MAX);
    struct datagram *d = &n->queue[n->count++];
    *d = (struct datagram){.to_server = to_server, .from = *from, .len = len};
    memcpy(d->data, data, len);
}

static void client_send(void *arg, const struct aura_addr *to, const uint8_t *data, size_t len) {
    struct net *n = arg;
    n->checks++;
    if (aura_addr_equal(to, &n->server_addr) || aura_addr_equal(to, &n->second_addr)) {
        struct aura_stun_msg m;
        bool nominates =
            aura_stun_parse(&m, data, len) == 0 && m.cls == AURA_STUN_REQUEST && m.use_candidate;
        n->nominated_first += nominates && aura_addr_equal(to, &n->server_addr);
        n->nominated_second += nominates && aura_addr_equal(to, &n->second_addr);
        enqueue(n, true, &n->client_addr, data, len);
        if (!n->cut) {
            n->queue[n->count - 1].to = *to;
        }
    }
}
static void client_selected(void *arg, const struct aura_addr *remote) {
    struct net *n = arg;
    n->selected = *remote;
    n->selections++;
}
static void client_failed(void *arg) {
    struct net *n = arg;
    n->failures++;
}
static void peer_send(void *arg, const struct aura_addr *to, const uint8_t *data, size_t len) {
    struct net *n = arg;
    assert_true(aura_addr_equal(to, &n->client_addr));
    enqueue(n, false, &n->answering, data, len);
}
static void peer_selected(void *arg, const struct aura_addr *remote) {
    struct net *n = arg;
    assert_true(aura_addr_equal(remote, &n->client_addr));
    n->peer_selections++;
}
static void lite_send(void *arg, const struct aura_path *path, const uint8_t *data, size_t len) {
    peer_send(arg, &path->remote, data, len);
}
static void lite_selected(void *arg, const struct aura_path *path) {
    peer_selected(arg, &path->remote);
}
static void lite_state(void *arg, enum aura_ice_state state) {
    (void)arg;
    (void)state;
}

static void deliver(struct net *n) {
    for (size_t i = 0; i < n->count; i++) {
        struct datagram d = n->queue[i];
        n->answering = d.to_server ? d.to : n->answering;
        if (!d.to_server) {
            aura_agent_recv(n->client, &d.from, d.data, d.len);
        } else if (n->peer) {
            aura_agent_recv(n->peer, &d.from, d.data, d.len);
        } else {
            struct aura_path path = {.remote = d.from};
            aura_ice_recv(n->server, &path, d.data, d.len);
        }
    }
    n->count = 0;
}

static void pass(struct net *n, uint64_t ms) {
    for (uint64_t i = 0; i < ms; i += 10) {
        deliver(n);
        aura_clock_manual_advance(&n->clock, 10 * AURA_US_PER_MS);
        aura_timers_run(n->timers);
    }
}

static int start(struct net *n) {
    static const struct aura_agent_handlers handlers = {client_send, client_selected,
                                                        client_failed};
    memset(n, 0, sizeof(*n));
    aura_clock_manual_init(&n->clock, AURA_US_PER_S, 1);
    aura_rand_seeded_init(&n->rand, 7);
    assert_int_equal(aura_addr_parse(&n->client_addr, "127.0.1.1:4000"), 0);
    assert_int_equal(aura_addr_parse(&n->server_addr, "127.0.0.1:7882"), 0);
    assert_int_equal(aura_addr_parse(&n->second_addr, "127.0.0.1:7883"), 0);
    n->answering = n->server_addr;
    assert_int_equal(aura_addr_parse(&n->dead_addr, "127.0.0.9:9"), 0);
    n->queue = aura_calloc(QUEUE_MAX, sizeof(*n->queue));
    if (!n->queue) {
        return AURA_ENOMEM;
    }
    TRY(aura_timers_new(&n->timers, &n->clock.clock));
    struct aura_agent_conf conf = {.timers = n->timers, .rand = &n->rand.rand};
    return aura_agent_new(&n->client, &conf, &handlers, n);
}

static int start_lite(struct net *n) {
    static const struct aura_ice_handlers handlers = {lite_send, lite_selected, lite_state};
    TRY(start(n));
    TRY(aura_ice_new(&n->server, n->timers, "srv", "serverserverserverserver", &handlers, n));
    TRY(aura_ice_set_remote(n->server, aura_agent_ufrag(n->client)));
    aura_agent_add(n->client, &n->dead_addr, 1);
    aura_agent_add(n->client, &n->server_addr, 2);
    return aura_agent_set_remote(n->client, "srv", "serverserverserverserver", true);
}

static void end(struct net *n) {
    aura_agent_free(n->client);
    aura_agent_free(n->peer);
    aura_ice_free(n->server);
    aura_timers_free(n->timers);
    aura_free(n->queue);
}

/* The pair that works is nominated; consent keeps it alive for as long as the server answers. */
static int nominates(void) {
    struct net n;
    int err;
    TRY_OUT(start_lite(&n));
    pass(&n, 100);
    if (n.selections == 0 && aura_mem_failed()) {
        err = AURA_ENOMEM;
        goto out;
    }
    assert_int_equal(n.selections, 1);
    assert_int_equal(n.peer_selections, 1);
    assert_true(aura_addr_equal(&n.selected, &n.server_addr));
    assert_true(aura_ice_consent(n.server));
    size_t checks = n.checks;
    pass(&n, 60000);
    assert_int_equal(n.failures, 0);
    assert_true(aura_ice_consent(n.server));
    assert_int_equal(aura_ice_state(n.server), AURA_ICE_CONNECTED);
    assert_in_range(n.checks - checks, 60 / 6 - 1, 60 / 4 + 1);
out:
    end(&n);
    return err;
}

/* Two candidates that both work: only one of them is ever nominated, or the server would follow the
 * other one. */
static int nominates_one(void) {
    struct net n;
    int err;
    TRY_OUT(start_lite(&n));
    aura_agent_add(n.client, &n.second_addr, 3);
    pass(&n, 500);
    if (n.selections == 0 && aura_mem_failed()) {
        err = AURA_ENOMEM;
        goto out;
    }
    assert_int_equal(n.selections, 1);
    assert_true((n.nominated_first == 0) != (n.nominated_second == 0));
out:
    end(&n);
    return err;
}

static int loses_consent(void) {
    struct net n;
    int err;
    TRY_OUT(start_lite(&n));
    pass(&n, 100);
    if (n.selections == 0 && aura_mem_failed()) {
        err = AURA_ENOMEM;
        goto out;
    }
    n.cut = true;
    pass(&n, AURA_AGENT_CONSENT_MS - 6500);
    assert_int_equal(n.failures, 0);
    pass(&n, 9000);
    assert_int_equal(n.failures, 1);
    assert_null(aura_agent_selected(n.client));
out:
    end(&n);
    return err;
}

static int nobody_answers(void) {
    struct net n;
    int err;
    TRY_OUT(start_lite(&n));
    n.cut = true;
    n.count = 0;
    pass(&n, AURA_AGENT_START_MS - 100);
    if (n.checks <= 2 && aura_mem_failed()) {
        err = AURA_ENOMEM;
        goto out;
    }
    assert_int_equal(n.failures, 0);
    assert_in_range(n.checks, 2 * AURA_AGENT_TRIES, 6 * AURA_AGENT_TRIES);
    pass(&n, 300);
    assert_int_equal(n.failures, 1);
out:
    end(&n);
    return err;
}

/* A full agent that offered is the controlling one: we follow its nomination. */
static int follows(void) {
    static const struct aura_agent_handlers handlers = {peer_send, peer_selected, client_failed};
    struct net n;
    int err;
    TRY_OUT(start(&n));
    struct aura_agent_conf conf = {.timers = n.timers, .rand = &n.rand.rand};
    TRY_OUT(aura_agent_new(&n.peer, &conf, &handlers, &n));
    TRY_OUT(
        aura_agent_set_remote(n.peer, aura_agent_ufrag(n.client), aura_agent_pwd(n.client), true));
    TRY_OUT(
        aura_agent_set_remote(n.client, aura_agent_ufrag(n.peer), aura_agent_pwd(n.peer), false));
    aura_agent_add(n.client, &n.server_addr, 1); /* it learns of us by our check */
    pass(&n, 300);
    if (n.selections == 0 && aura_mem_failed()) {
        err = AURA_ENOMEM;
        goto out;
    }
    assert_int_equal(n.selections, 1);
    assert_int_equal(n.peer_selections, 1);
    assert_true(aura_addr_equal(&n.selected, &n.server_addr));
out:
    end(&n);
    return err;
}

/* New credentials of the peer: new ones of ours, and checks from the beginning. */
static int restarts(void) {
    struct net n;
    char before[AURA_AGENT_UFRAG_LEN + 1];
    int err;
    TRY_OUT(start_lite(&n));
    pass(&n, 100);
    memcpy(before, aura_agent_ufrag(n.client), sizeof(before));
    TRY_OUT(aura_agent_set_remote(n.client, "srv", "serverserverserverserver", true));
    assert_string_equal(before, aura_agent_ufrag(n.client));
    TRY_OUT(aura_ice_restart(n.server, "new", "newnewnewnewnewnewnewnew"));
    TRY_OUT(aura_agent_set_remote(n.client, "new", "newnewnewnewnewnewnewnew", true));
    assert_string_not_equal(before, aura_agent_ufrag(n.client));
    assert_null(aura_agent_selected(n.client));
    TRY_OUT(aura_ice_set_remote(n.server, aura_agent_ufrag(n.client)));
    aura_agent_add(n.client, &n.server_addr, 2);
    pass(&n, 100);
    if (!aura_agent_selected(n.client) && aura_mem_failed()) {
        err = AURA_ENOMEM;
        goto out;
    }
    assert_non_null(aura_agent_selected(n.client));
    assert_int_equal(aura_agent_set_remote(n.client, "", "x", true), AURA_EINVAL);
out:
    end(&n);
    return err;
}

/* Forged answers: another transaction, a wrong password. */
static int ignores_forgeries(void) {
    struct net n;
    uint8_t out[AURA_STUN_MAX];
    size_t len = 0;
    int err;
    TRY_OUT(start_lite(&n));
    struct aura_stun_msg asked;
    assert_int_equal(aura_stun_parse(&asked, n.queue[0].data, n.queue[0].len), 0);
    struct aura_stun_msg m = {
        .cls = AURA_STUN_SUCCESS, .method = AURA_STUN_BINDING, .tid = asked.tid};
    TRY_OUT(aura_stun_build(&m, "another password", out, sizeof(out), &len));
    aura_agent_recv(n.client, &n.server_addr, out, len);
    m.tid.b[0] ^= 1;
    TRY_OUT(aura_stun_build(&m, "serverserverserverserver", out, sizeof(out), &len));
    aura_agent_recv(n.client, &n.server_addr, out, len);
    m.tid.b[0] ^= 1;
    TRY_OUT(aura_stun_build(&m, "serverserverserverserver", out, sizeof(out), &len));
    aura_agent_recv(n.client, &n.dead_addr, out, len); /* from another address */
    assert_int_equal(aura_agent_rtt_us(n.client), 0);
    assert_null(aura_agent_selected(n.client));
out:
    end(&n);
    return err;
}

static int candidates(void) {
    struct aura_addr a;
    uint32_t priority;
    static const struct {
        const char *text;
        int err;
    } cases[] = {
        {"candidate:1 1 udp 2130706431 127.0.0.1 7882 typ host generation 0", 0},
        {"1 1 UDP 5 ::1 7882 typ srflx raddr 1.2.3.4 rport 5", 0},
        {"candidate:1 2 udp 1 127.0.0.1 7882 typ host", AURA_EIGNORED},
        {"candidate:1 1 tcp 1 127.0.0.1 7881 typ host tcptype passive", AURA_EIGNORED},
        {"candidate:1 1 udp 1 abc.local 7882 typ host", AURA_EIGNORED},
        {"candidate:1 1 udp 1 1.2.3.4 7882 typ relay", AURA_EIGNORED},
        {"candidate:1 1 udp 1 1.2.3.4 0 typ host", AURA_EMALFORMED},
        {"candidate:1 1 udp 1 1.2.3.4 70000 typ host", AURA_EMALFORMED},
        {"candidate:1 1 udp", AURA_EMALFORMED},
        {"", AURA_EMALFORMED},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_int_equal(aura_agent_candidate_parse(cases[i].text, &a, &priority), cases[i].err);
    }
    assert_int_equal(aura_agent_candidate_parse(cases[0].text, &a, &priority), 0);
    assert_int_equal(priority, 2130706431);
    assert_int_equal(a.port, 7882);
    assert_true(aura_addr_is_loopback(&a));
    return 0;
}

int main(void) {
    const struct CMUnitTest cases[] = {AURA_PLAIN(nominates),        AURA_CASE(nominates_one),
                                       AURA_PLAIN(loses_consent),    AURA_PLAIN(nobody_answers),
                                       AURA_CASE(follows),           AURA_CASE(restarts),
                                       AURA_CASE(ignores_forgeries), AURA_CASE(candidates)};
    return RUN_CASES("client/agent", cases);
}
