/* SPDX-License-Identifier: Apache-2.0 */
#include "harness.h"

#include "net/ring.h"

#include <poll.h>
#include <pthread.h>
#include <string.h>

static bool readable(const struct aura_ring *r, int wait_ms) {
    struct pollfd p = {.fd = aura_ring_fd(r), .events = POLLIN};
    return poll(&p, 1, wait_ms) == 1;
}

static int order_and_full(void) {
    struct aura_ring *r = NULL;
    TRY(aura_ring_new(&r, 3, sizeof(uint32_t))); /* becomes 4 */
    uint32_t v, got;
    for (uint32_t lap = 0; lap < 5; lap++) {
        for (v = 0; v < 4; v++) {
            uint32_t message = lap * 10 + v;
            assert_int_equal(aura_ring_push(r, &message), 0);
        }
        assert_int_equal(aura_ring_push(r, &v), AURA_EAGAIN);
        assert_int_equal(aura_ring_overflows(r), lap + 1);
        for (v = 0; v < 4; v++) {
            assert_true(aura_ring_pop(r, &got));
            assert_int_equal(got, lap * 10 + v);
        }
        assert_false(aura_ring_pop(r, &got));
    }
    aura_ring_free(r);
    return 0;
}

static int limits(void) {
    struct aura_ring *r = NULL;
    assert_int_equal(aura_ring_new(&r, 0, 8), AURA_EINVAL);
    assert_int_equal(aura_ring_new(&r, AURA_RING_SLOTS_MAX + 1, 8), AURA_EINVAL);
    assert_int_equal(aura_ring_new(&r, 8, 0), AURA_EINVAL);
    assert_int_equal(aura_ring_new(&r, 8, AURA_RING_MESSAGE_MAX + 1), AURA_EINVAL);
    assert_null(r);
    uint8_t in[AURA_RING_MESSAGE_MAX], out[AURA_RING_MESSAGE_MAX] = {0};
    memset(in, 0x5a, sizeof(in));
    TRY(aura_ring_new(&r, 2, sizeof(in)));
    assert_int_equal(aura_ring_push(r, in), 0);
    assert_true(aura_ring_pop(r, out));
    assert_memory_equal(in, out, sizeof(in));
    aura_ring_free(r);
    return 0;
}

static int wakes_only_a_sleeper(void) {
    struct aura_ring *r = NULL;
    TRY(aura_ring_new(&r, 8, sizeof(int)));
    int v = 1;
    assert_false(readable(r, 0));
    assert_int_equal(aura_ring_push_quiet(r, &v), 0);
    assert_false(readable(r, 0));
    aura_ring_wake(r);
    assert_true(readable(r, 0));
    assert_false(aura_ring_rest(r)); /* there is a message */
    assert_true(aura_ring_pop(r, &v));
    assert_true(aura_ring_rest(r));
    assert_false(readable(r, 0));
    assert_int_equal(aura_ring_push(r, &v), 0);
    assert_true(readable(r, 0));
    aura_ring_free(r);
    return 0;
}

static void sum_up(void *arg, void *message) {
    *(int *)arg += *(int *)message;
}

static int drain_leaves_the_rest_readable(void) {
    struct aura_ring *r = NULL;
    TRY(aura_ring_new(&r, 8, sizeof(int)));
    int sum = 0;
    for (int v = 1; v <= 5; v++) {
        assert_int_equal(aura_ring_push(r, &v), 0);
    }
    assert_int_equal(aura_ring_drain(r, 3, sum_up, &sum), 3);
    assert_int_equal(sum, 6);
    assert_true(readable(r, 0));
    assert_int_equal(aura_ring_drain(r, 8, sum_up, &sum), 2);
    assert_int_equal(sum, 15);
    assert_false(readable(r, 0));
    aura_ring_free(r);
    return 0;
}

enum { PRODUCERS = 3, MESSAGES = 20000 };

struct message {
    uint32_t producer, n;
};

struct shared {
    struct aura_ring *ring;
    uint32_t next[PRODUCERS]; /* expected next of each producer */
    uint32_t total;
    bool disorder;
};

struct producer {
    pthread_t thread;
    struct aura_ring *ring;
    uint32_t id;
};

static void *produce(void *arg) {
    struct producer *p = arg;
    struct message m = {.producer = p->id};
    for (m.n = 0; m.n < MESSAGES; m.n++) {
        while (aura_ring_push(p->ring, &m) == AURA_EAGAIN) {
            sched_yield();
        }
    }
    return NULL;
}

static void consume(void *arg, void *message) {
    struct shared *s = arg;
    const struct message *m = message;
    s->disorder |= m->producer >= PRODUCERS || s->next[m->producer]++ != m->n;
    s->total++;
}

/* The consumer sleeps in poll() whenever it may: a lost wake-up would hang it (and fail the test).
 */
static int many_producers(void) {
    struct shared s = {0};
    struct producer producers[PRODUCERS];
    TRY(aura_ring_new(&s.ring, 64, sizeof(struct message)));
    for (uint32_t i = 0; i < PRODUCERS; i++) {
        producers[i] = (struct producer){.ring = s.ring, .id = i};
        assert_int_equal(pthread_create(&producers[i].thread, NULL, produce, &producers[i]), 0);
    }
    bool woken = true;
    while (s.total < PRODUCERS * MESSAGES && woken) {
        woken = readable(s.ring, 10000);
        aura_ring_drain(s.ring, 50, consume, &s);
    }
    for (uint32_t i = 0; i < PRODUCERS; i++) {
        pthread_join(producers[i].thread, NULL);
    }
    assert_true(woken);
    assert_false(s.disorder);
    assert_int_equal(s.total, PRODUCERS * MESSAGES);
    aura_ring_free(s.ring);
    return 0;
}

int main(void) {
    const struct CMUnitTest cases[] = {
        AURA_CASE(order_and_full), AURA_CASE(limits), AURA_CASE(wakes_only_a_sleeper),
        AURA_CASE(drain_leaves_the_rest_readable), AURA_PLAIN(many_producers)};
    return RUN_CASES("net/ring", cases);
}
