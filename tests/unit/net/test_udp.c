/* SPDX-License-Identifier: Apache-2.0 */
#include "harness.h"

#include "net/udp.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static struct aura_addr addr_of(const char *text) {
    struct aura_addr a;
    assert_int_equal(aura_addr_parse(&a, text), 0);
    return a;
}

static int open_at(struct aura_udp **up, const char *text, bool batches) {
    struct aura_udp_conf conf = {
        .bind = addr_of(text), .no_gso = !batches, .no_gro = !batches, .rcvbuf_bytes = 1 << 20};
    return aura_udp_new(up, &conf);
}

enum { KEPT_MAX = 2048 };

struct inbox {
    size_t count;
    uint16_t len[KEPT_MAX];
    uint8_t first[KEPT_MAX];
    struct aura_addr remote, local; /* of the last one */
};

static void keep(void *arg, const struct aura_udp_packet *p) {
    struct inbox *in = arg;
    assert_true(in->count < KEPT_MAX);
    in->len[in->count] = (uint16_t)p->len;
    in->first[in->count] = p->len ? p->data[0] : 0;
    for (size_t i = 1; i < p->len; i++) {
        assert_int_equal(p->data[i], (uint8_t)(p->data[0] + i));
    }
    in->count++;
    in->remote = p->remote;
    in->local = p->local;
}

static void receive(struct aura_udp *u, struct inbox *in, size_t count) {
    struct pollfd p = {.fd = aura_udp_fd(u), .events = POLLIN};
    while (in->count < count) {
        if (poll(&p, 1, 5000) != 1) {
            fail_msg("%zu of %zu packets arrived", in->count, count);
        }
        assert_true(aura_udp_recv(u, keep, in) >= 0);
    }
    assert_int_equal(aura_udp_recv(u, keep, in), 0);
    assert_int_equal(in->count, count);
}

static void put(struct aura_udp *u, uint8_t first, size_t len, const struct aura_addr *to,
                const struct aura_addr *from) {
    uint8_t *room = aura_udp_reserve(u, len);
    assert_non_null(room);
    for (size_t i = 0; i < len; i++) {
        room[i] = (uint8_t)(first + i);
    }
    aura_udp_commit(u, len, to, from);
}

static int exchange(const char *bind, bool batches) {
    static const uint16_t lens[] = {1200, 1200, 1200, 700, 1200, 1201, 1, 0, 5, 5, 2048};
    enum { N = sizeof(lens) / sizeof(lens[0]) };
    struct aura_udp *a = NULL, *b = NULL;
    struct inbox in = {0};
    int err = 0;
    TRY_OUT(open_at(&a, bind, batches));
    TRY_OUT(open_at(&b, bind, batches));
    uint64_t allocations = aura_mem_count();
    for (size_t i = 0; i < N; i++) {
        put(a, (uint8_t)i, lens[i], aura_udp_local(b), NULL);
    }
    aura_udp_flush(a);
    receive(b, &in, N);
    for (size_t i = 0; i < N; i++) { /* same order, same lengths */
        assert_int_equal(in.len[i], lens[i]);
        assert_int_equal(in.first[i], lens[i] ? i : 0);
    }
    assert_true(aura_addr_equal(&in.remote, aura_udp_local(a)));
    assert_true(aura_addr_equal(&in.local, aura_udp_local(b)));
    const struct aura_udp_stats *out = aura_udp_stats(a);
    assert_int_equal(out->packets_out, N);
    assert_int_equal(out->syscalls_out, 1);
    assert_int_equal(out->dropped_again + out->dropped_error, 0);
    assert_int_equal(out->gso_groups, out->gso ? 3 : 0); /* 4 x 1200.., 1201+1, 5+5 */
    assert_int_equal(aura_udp_stats(b)->packets_in, N);
    assert_int_equal(aura_udp_stats(b)->bytes_in, out->bytes_out);
    assert_int_equal(aura_mem_count(), allocations);
out:
    aura_udp_free(a);
    aura_udp_free(b);
    return err;
}

static int exchange_v4(void) {
    TRY(exchange("127.0.0.1:0", false));
    return exchange("127.0.0.1:0", true);
}

static int exchange_v6(void) {
    TRY(exchange("[::1]:0", false));
    return exchange("[::1]:0", true);
}

/* Packets to several receivers in turn, as a fan-out makes them: each gets one batch, in order. */
static int interleaved_destinations(void) {
    enum { RECEIVERS = 5, EACH = 100 };
    struct aura_udp *a = NULL, *b[RECEIVERS] = {0};
    int err = 0;
    TRY_OUT(open_at(&a, "127.0.0.1:0", true));
    for (size_t r = 0; r < RECEIVERS; r++) {
        TRY_OUT(open_at(&b[r], "127.0.0.1:0", true));
    }
    for (size_t i = 0; i < EACH; i++) {
        for (size_t r = 0; r < RECEIVERS; r++) {
            put(a, (uint8_t)(i + r), 1000, aura_udp_local(b[r]), NULL);
        }
    }
    aura_udp_flush(a);
    for (size_t r = 0; r < RECEIVERS; r++) {
        struct inbox in = {0};
        receive(b[r], &in, EACH);
        for (size_t i = 0; i < EACH; i++) {
            assert_int_equal(in.first[i], (uint8_t)(i + r));
        }
    }
    if (aura_udp_stats(a)->gso) {
        assert_int_equal(aura_udp_stats(a)->gso_groups, RECEIVERS * 2); /* 64 + 36 */
    }
out:
    aura_udp_free(a);
    for (size_t r = 0; r < RECEIVERS; r++) {
        aura_udp_free(b[r]);
    }
    return err;
}

static int full_queue_flushes_by_itself(void) {
    enum { N = AURA_UDP_SEND_PACKETS + 10 };
    struct aura_udp *a = NULL, *b = NULL;
    struct inbox in = {0};
    int err = 0;
    TRY_OUT(open_at(&a, "127.0.0.1:0", true));
    TRY_OUT(open_at(&b, "127.0.0.1:0", true));
    assert_null(aura_udp_reserve(a, AURA_UDP_PACKET_MAX + 1));
    for (size_t i = 0; i < N; i++) {
        put(a, (uint8_t)i, 20, aura_udp_local(b), NULL);
    }
    receive(b, &in, AURA_UDP_SEND_PACKETS);
    aura_udp_flush(a);
    receive(b, &in, N);
    /* And by bytes: 1 MiB is there before 1024 packets. */
    for (size_t i = 0; i < AURA_UDP_SEND_BYTES / AURA_UDP_PACKET_MAX; i++) {
        put(a, 1, AURA_UDP_PACKET_MAX, aura_udp_local(b), NULL);
    }
    uint64_t before = aura_udp_stats(a)->syscalls_out;
    put(a, 1, 1, aura_udp_local(b), NULL);
    assert_true(aura_udp_stats(a)->syscalls_out > before);
out:
    aura_udp_free(a);
    aura_udp_free(b);
    return err;
}

/* Without checksums the kernel refuses UDP_SEGMENT with EINVAL: the packets must still arrive. */
static int refused_gso_falls_back(void) {
    struct aura_udp *a = NULL, *b = NULL;
    struct inbox in = {0};
    int err = 0, on = 1;
    size_t sent = 0;
    TRY_OUT(open_at(&a, "127.0.0.1:0", true));
    TRY_OUT(open_at(&b, "127.0.0.1:0", false));
    if (!aura_udp_stats(a)->gso) {
        goto out; /* an old kernel: nothing to refuse */
    }
    assert_int_equal(setsockopt(aura_udp_fd(a), SOL_SOCKET, SO_NO_CHECK, &on, sizeof(on)), 0);
    for (int flush = 0; flush < 10; flush++) {
        for (int i = 0; i < 3; i++) {
            put(a, (uint8_t)sent++, 100, aura_udp_local(b), NULL);
        }
        aura_udp_flush(a);
    }
    receive(b, &in, sent);
    for (size_t i = 0; i < sent; i++) {
        assert_int_equal(in.first[i], (uint8_t)i);
    }
    assert_false(aura_udp_stats(a)->gso); /* has given up */
    assert_int_equal(aura_udp_stats(a)->packets_out, sent);
    assert_int_equal(aura_udp_stats(a)->gso_groups, 0);
out:
    aura_udp_free(a);
    aura_udp_free(b);
    return err;
}

/* Bound to all addresses: the answer leaves from the address that was asked. */
static int answers_from_the_asked_address(void) {
    struct aura_udp *server = NULL, *client = NULL;
    struct inbox asked = {0}, answered = {0};
    int err = 0;
    TRY_OUT(open_at(&server, "0.0.0.0:0", true));
    TRY_OUT(open_at(&client, "127.0.0.1:0", true));
    struct aura_addr to = addr_of("127.0.0.77");
    to.port = aura_udp_local(server)->port;
    put(client, 1, 10, &to, NULL);
    aura_udp_flush(client);
    receive(server, &asked, 1);
    assert_true(aura_addr_equal(&asked.local, &to));
    put(server, 2, 10, &asked.remote, &asked.local);
    put(server, 3, 10, &asked.remote, &asked.local);
    aura_udp_flush(server);
    receive(client, &answered, 2);
    assert_true(aura_addr_equal(&answered.remote, &to));
out:
    aura_udp_free(server);
    aura_udp_free(client);
    return err;
}

static int answers_from_the_asked_address_v6(void) {
    struct aura_udp *server = NULL, *client = NULL;
    struct inbox asked = {0}, answered = {0};
    int err = 0;
    TRY_OUT(open_at(&server, "[::]:0", true));
    TRY_OUT(open_at(&client, "[::1]:0", true));
    struct aura_addr to = addr_of("::1");
    to.port = aura_udp_local(server)->port;
    put(client, 1, 10, &to, NULL);
    aura_udp_flush(client);
    receive(server, &asked, 1);
    assert_true(aura_addr_equal(&asked.local, &to));
    put(server, 2, 10, &asked.remote, &asked.local);
    aura_udp_flush(server);
    receive(client, &answered, 1);
    assert_true(aura_addr_equal(&answered.remote, &to));
out:
    aura_udp_free(server);
    aura_udp_free(client);
    return err;
}

/* One destination that cannot be reached does not take the others with it. */
static int unreachable_costs_only_itself(void) {
    struct aura_udp *a = NULL, *b = NULL;
    struct inbox in = {0};
    int err = 0;
    TRY_OUT(open_at(&a, "127.0.0.1:0", true));
    TRY_OUT(open_at(&b, "127.0.0.1:0", true));
    struct aura_addr nowhere = addr_of("255.255.255.255:9"), wrong = addr_of("[::1]:9");
    put(a, 1, 10, aura_udp_local(b), NULL);
    put(a, 2, 10, &nowhere, NULL); /* EACCES: no broadcast permission */
    put(a, 2, 10, &wrong, NULL);   /* other family */
    put(a, 3, 11, aura_udp_local(b), NULL);
    aura_udp_flush(a);
    receive(b, &in, 2);
    assert_int_equal(aura_udp_stats(a)->dropped_error, 2);
    assert_int_equal(aura_udp_stats(a)->packets_out, 2);
out:
    aura_udp_free(a);
    aura_udp_free(b);
    return err;
}

static int oversized_datagrams_are_counted(void) {
    static uint8_t big[60000];
    struct aura_udp *b = NULL;
    struct inbox in = {0};
    TRY(open_at(&b, "127.0.0.1:0", false));
    struct sockaddr_storage sa;
    socklen_t len = (socklen_t)aura_addr_to_sockaddr(aura_udp_local(b), &sa);
    int fd = socket(AF_INET, SOCK_DGRAM, 0);
    assert_int_equal(sendto(fd, big, sizeof(big), 0, (struct sockaddr *)&sa, len), sizeof(big));
    close(fd);
    struct pollfd p = {.fd = aura_udp_fd(b), .events = POLLIN};
    assert_int_equal(poll(&p, 1, 5000), 1);
    assert_int_equal(aura_udp_recv(b, keep, &in), 0);
    assert_int_equal(aura_udp_stats(b)->truncated_in, 1);
    aura_udp_free(b);
    return 0;
}

static int bind_errors(void) {
    struct aura_udp *a = NULL, *b = NULL;
    TRY(open_at(&a, "127.0.0.1:0", true));
    struct aura_udp_conf conf = {.bind = *aura_udp_local(a)};
    int err = aura_udp_new(&b, &conf);
    assert_true(err == AURA_EEXISTS || err == AURA_ENOMEM);
    conf.bind = addr_of("192.0.2.1:0"); /* RFC 5737: nobody's */
    err = aura_udp_new(&b, &conf);
    assert_true(err == AURA_EINVAL || err == AURA_ENOMEM);
    conf.bind = (struct aura_addr){0};
    err = aura_udp_new(&b, &conf);
    assert_true(err == AURA_EINVAL || err == AURA_ENOMEM);
    assert_null(b);
    aura_udp_free(a);
    return 0;
}

int main(void) {
    const struct CMUnitTest cases[] = {
        AURA_CASE(exchange_v4),
        AURA_CASE(exchange_v6),
        AURA_CASE(interleaved_destinations),
        AURA_CASE(full_queue_flushes_by_itself),
        AURA_CASE(refused_gso_falls_back),
        AURA_CASE(answers_from_the_asked_address),
        AURA_CASE(answers_from_the_asked_address_v6),
        AURA_CASE(unreachable_costs_only_itself),
        AURA_CASE(oversized_datagrams_are_counted),
        AURA_CASE(bind_errors),
    };
    return RUN_CASES("net/udp", cases);
}
