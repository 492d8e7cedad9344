/* SPDX-License-Identifier: Apache-2.0 */
/* Asking STUN servers; those are threads on sockets of this machine. */
#include "harness.h"

#include "transport/mapped.h"
#include "transport/stun.h"

#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>

enum kind { GOOD, DEAF, WRONG_TID, GARBAGE, ERROR_ANSWER, KINDS };

struct server {
    enum kind kind;
    int fd;
    struct aura_addr addr;
    pthread_t thread;
};

static void answer(struct server *s, const struct aura_stun_msg *q, const struct sockaddr *to,
                   socklen_t to_len) {
    struct aura_stun_msg m = {
        .cls = AURA_STUN_SUCCESS, .method = AURA_STUN_BINDING, .tid = q->tid, .has_mapped = true};
    uint8_t bytes[AURA_STUN_MAX] = {0};
    size_t len = sizeof(bytes);
    assert_int_equal(aura_addr_parse(&m.mapped, "198.51.100.7:4321"), 0);
    if (s->kind == WRONG_TID) {
        m.tid.b[3] ^= 1;
    }
    if (s->kind == ERROR_ANSWER) {
        m.cls = AURA_STUN_ERROR;
        m.error_code = 500;
        m.reason = "no";
        m.has_mapped = false;
    }
    if (s->kind != GARBAGE) {
        assert_int_equal(aura_stun_build(&m, NULL, bytes, sizeof(bytes), &len), 0);
    }
    (void)!sendto(s->fd, bytes, len, 0, to, to_len);
}

/* An empty datagram ends it. */
static void *serve(void *arg) {
    struct server *s = arg;
    for (;;) {
        uint8_t bytes[AURA_STUN_MAX];
        struct sockaddr_storage from;
        socklen_t from_len = sizeof(from);
        struct aura_stun_msg q;
        ssize_t n = recvfrom(s->fd, bytes, sizeof(bytes), 0, (struct sockaddr *)&from, &from_len);
        if (n <= 0) {
            return NULL;
        }
        if (s->kind != DEAF && aura_stun_parse(&q, bytes, (size_t)n) == 0 &&
            q.cls == AURA_STUN_REQUEST) {
            answer(s, &q, (const struct sockaddr *)&from, from_len);
        }
    }
}

static void start(struct server *s, enum kind kind) {
    struct sockaddr_storage sa;
    socklen_t len = sizeof(sa);
    struct aura_addr any;
    s->kind = kind;
    assert_int_equal(aura_addr_parse(&any, "127.0.0.1"), 0);
    s->fd = socket(AF_INET, SOCK_DGRAM, 0);
    size_t n = aura_addr_to_sockaddr(&any, &sa);
    assert_int_equal(bind(s->fd, (const struct sockaddr *)&sa, (socklen_t)n), 0);
    assert_int_equal(getsockname(s->fd, (struct sockaddr *)&sa, &len), 0);
    assert_int_equal(aura_addr_from_sockaddr(&s->addr, (const struct sockaddr *)&sa, len), 0);
    assert_int_equal(pthread_create(&s->thread, NULL, serve, s), 0);
}

static void stop(struct server *s) {
    struct sockaddr_storage sa;
    size_t len = aura_addr_to_sockaddr(&s->addr, &sa);
    (void)!sendto(s->fd, "", 0, 0, (const struct sockaddr *)&sa, (socklen_t)len);
    pthread_join(s->thread, NULL);
    close(s->fd);
}

static void expect(const struct aura_mapped *m, const char *text) {
    char got[AURA_ADDR_TEXT_MAX];
    assert_string_equal(aura_addr_text(&m->seen, got), text);
}

/* One of several answers well; what the others say does not count. */
static int the_good_answer_counts(void) {
    struct server servers[KINDS];
    struct aura_addr addrs[KINDS];
    struct aura_mapped m[3] = {0};
    for (unsigned i = 0; i < KINDS; i++) {
        start(&servers[i], (enum kind)i);
        addrs[KINDS - 1 - i] = servers[i].addr; /* the good one is asked last */
    }
    assert_int_equal(aura_addr_parse(&m[0].local, "127.0.0.1"), 0);
    assert_int_equal(aura_addr_parse(&m[1].local, "127.0.0.2"), 0);
    assert_int_equal(aura_addr_parse(&m[2].local, "192.0.2.1"), 0); /* none of ours */
    assert_int_equal(aura_mapped_find(m, 3, addrs, KINDS, aura_clock_system(), aura_rand_system()),
                     0);
    expect(&m[0], "198.51.100.7");
    expect(&m[1], "198.51.100.7");
    assert_int_equal(m[2].seen.family, AURA_FAMILY_NONE);
    for (unsigned i = 0; i < KINDS; i++) {
        stop(&servers[i]);
    }
    return 0;
}

static int nobody_answers(void) {
    struct server deaf;
    struct aura_mapped m = {0};
    start(&deaf, DEAF);
    assert_int_equal(aura_addr_parse(&m.local, "127.0.0.1"), 0);
    assert_int_equal(
        aura_mapped_find(&m, 1, &deaf.addr, 1, aura_clock_system(), aura_rand_system()), 0);
    assert_int_equal(m.seen.family, AURA_FAMILY_NONE);
    stop(&deaf);
    return 0;
}

static int nothing_can_be_asked(void) {
    struct aura_mapped m = {0};
    struct aura_addr server;
    assert_int_equal(aura_addr_parse(&server, "127.0.0.1:9"), 0);
    assert_int_equal(aura_addr_parse(&m.local, "192.0.2.1"), 0);
    assert_int_equal(aura_mapped_find(&m, 1, &server, 1, aura_clock_system(), aura_rand_system()),
                     AURA_EIO);
    assert_int_equal(aura_mapped_find(&m, 1, &server, 0, aura_clock_system(), aura_rand_system()),
                     AURA_EINVAL);
    assert_int_equal(aura_mapped_find(&m, 0, &server, 1, aura_clock_system(), aura_rand_system()),
                     AURA_EINVAL);
    return 0;
}

int main(void) {
    const struct CMUnitTest cases[] = {
        AURA_PLAIN(the_good_answer_counts),
        AURA_PLAIN(nobody_answers),
        AURA_PLAIN(nothing_can_be_asked),
    };
    return RUN_CASES("mapped", cases);
}
