/* SPDX-License-Identifier: Apache-2.0 */
/* The pieces that need no network: wheel, packet pool, outbox, candidates. */
#include "harness.h"

#include "sfu/candidates.h"
#include "sfu/downlink.h"
#include "sfu/message.h"
#include "sfu/packet.h"
#include "sfu/peer.h"
#include "sfu/subscribed.h"
#include "sfu/wheel.h"
#include "sfu/worker.h"

#include <pthread.h>
#include <string.h>

struct entry {
    struct aura_due due;
    struct aura_wheel *wheel;
    struct entry *remove;
    uint64_t fired_us;
    unsigned times;
    uint64_t again_us;
};

static void fire(void *arg, uint64_t now_us) {
    struct entry *e = arg;
    e->times++;
    e->fired_us = now_us;
    if (e->remove) {
        aura__wheel_remove(&e->remove->due);
    }
    if (e->again_us) {
        aura__wheel_add(e->wheel, &e->due, e->again_us, fire, e);
    }
}

static void run(struct aura_clock_manual *clock, struct aura_timers *timers, uint64_t us) {
    uint64_t end_us = clock->now_us + us;
    while (clock->now_us < end_us) {
        uint64_t next_us = aura_timers_next_us(timers);
        uint64_t left_us = end_us - clock->now_us;
        aura_clock_manual_advance(clock, next_us < left_us ? next_us : left_us);
        aura_timers_run(timers);
    }
}

static int wheel_fires_in_time(void) {
    struct aura_clock_manual clock;
    struct aura_timers *timers = NULL;
    struct aura_wheel wheel;
    struct entry e[5];
    aura_clock_manual_init(&clock, 123456789, 0);
    TRY(aura_timers_new(&timers, &clock.clock));
    aura__wheel_init(&wheel, timers);
    memset(e, 0, sizeof(e));
    assert_true(aura_timers_next_us(timers) == UINT64_MAX); /* empty: no wake-up at all */
    static const uint64_t in_us[5] = {0, 15000, 1000000, 9000000, 20000};
    for (size_t i = 0; i < 5; i++) {
        e[i].wheel = &wheel;
        aura__wheel_add(&wheel, &e[i].due, in_us[i], fire, &e[i]);
    }
    int err = wheel.armed_us ? 0 : AURA_ENOMEM;
    if (!err) {
        e[1].remove = &e[4];
        uint64_t start_us = clock.now_us;
        run(&clock, timers, 10000000);
        for (size_t i = 0; i < 4; i++) {
            uint64_t grain_us = in_us[i] >= 200000 ? AURA_WHEEL_GRID_US : 2 * AURA_WHEEL_SLOT_US;
            assert_int_equal(e[i].times, 1);
            assert_true(e[i].fired_us >= start_us + in_us[i]);
            assert_true(e[i].fired_us <= start_us + in_us[i] + grain_us);
        }
        assert_int_equal(e[4].times, 0); /* e[1] removed it */
        assert_true(aura_timers_next_us(timers) == UINT64_MAX);
        e[0].again_us = 50000;
        aura__wheel_add(&wheel, &e[0].due, 0, fire, &e[0]);
        run(&clock, timers, 1000000);
        assert_in_range(e[0].times - 1, 15, 21);
        /* After a long stall everything due fires once, and the rhythm goes on. */
        unsigned before = e[0].times;
        aura_clock_manual_advance(&clock, 60000000);
        aura_timers_run(timers);
        assert_int_equal(e[0].times, before + 1);
        run(&clock, timers, 100000);
        assert_true(e[0].times >= before + 2);
    }
    aura__wheel_remove(&e[0].due);
    aura__wheel_stop(&wheel);
    aura_timers_free(timers);
    return err;
}

static void *give_back(void *arg) {
    struct aura_packet **p = arg;
    for (size_t i = 0; i < 100; i++) {
        aura__packet_unref(p[i], NULL);
    }
    return NULL;
}

static int packets_come_back_from_other_threads(void) {
    struct aura_packet_pool *pool = NULL;
    struct aura_packet *p[200];
    TRY(aura__packet_pool_new(&pool));
    assert_null(aura__packet_new(pool, AURA_PACKET_LARGE + 1));
    for (unsigned round = 0; round < 20; round++) {
        for (size_t i = 0; i < 200; i++) {
            p[i] = aura__packet_new(pool, i % 2 ? 100 : 1200);
            assert_non_null(p[i]);
            memset(p[i]->data, 7, i % 2 ? AURA_PACKET_SMALL : AURA_PACKET_LARGE);
        }
        uint64_t count = aura_mem_count();
        pthread_t t[2];
        assert_int_equal(pthread_create(&t[0], NULL, give_back, p), 0);
        assert_int_equal(pthread_create(&t[1], NULL, give_back, p + 100), 0);
        pthread_join(t[0], NULL);
        pthread_join(t[1], NULL);
        assert_int_equal(aura__packet_pool_out(pool), 0);
        assert_int_equal(aura_mem_count(), count);
    }
    aura__packet_pool_free(pool);
    return 0;
}

static int packet_counts_its_users(void) {
    struct aura_packet_pool *pool = NULL;
    TRY(aura__packet_pool_new(&pool));
    struct aura_packet *p = aura__packet_new(pool, 10);
    if (p) {
        aura__packet_ref(p);
        aura__packet_unref(p, pool);
        assert_int_equal(aura__packet_pool_out(pool), 1);
        aura__packet_unref(p, pool);
        assert_int_equal(aura__packet_pool_out(pool), 0);
        assert_ptr_equal(aura__packet_new(pool, 20), p);
        aura__packet_unref(p, pool);
    }
    aura__packet_pool_free(pool);
    return p ? 0 : AURA_ENOMEM;
}

static int outbox_keeps_the_order(void) {
    struct aura_ring *ring = NULL;
    struct aura_outbox o;
    struct aura_msg m = {.type = AURA_MSG_PEER_CLOSE};
    int err = aura_ring_new(&ring, 16, sizeof(m));
    if (err) {
        return err;
    }
    aura__outbox_init(&o, ring);
    uint64_t taken = 0;
    for (uint64_t i = 1; i <= 2000 && !err; i++) {
        m.id = i;
        err = aura__outbox_send(&o, &m);
        if (i % 3 == 0 && aura_ring_pop(ring, &m)) {
            assert_int_equal(m.id, ++taken);
        }
    }
    if (!err) {
        assert_true(aura__outbox_waiting(&o));
        while (taken < 2000) {
            aura__outbox_flush(&o);
            assert_true(aura_ring_pop(ring, &m));
            assert_int_equal(m.id, ++taken);
        }
        assert_true(aura__outbox_flush(&o));
    } else {
        /* What was accepted before the memory ran out is still there. */
        while (aura_ring_pop(ring, &m)) {
            assert_int_equal(m.id, ++taken);
            aura__outbox_flush(&o);
        }
    }
    aura__outbox_free(&o);
    aura_ring_free(ring);
    return err;
}

static int unsent_messages_are_freed(void) {
    struct aura_ring *ring = NULL;
    struct aura_outbox o;
    TRY(aura_ring_new(&ring, 16, sizeof(struct aura_msg)));
    aura__outbox_init(&o, ring);
    int err = 0;
    for (unsigned i = 0; i < 40 && !err; i++) {
        struct aura_msg m = {.type = AURA_MSG_DATA};
        struct aura_msg_data *d = aura_zalloc(sizeof(*d));
        m.ptr = d;
        err = d ? 0 : AURA_ENOMEM;
        if (d) {
            d->blob = aura__blob_new((const uint8_t *)"x", 1);
            err = d->blob ? aura__outbox_send(&o, &m) : AURA_ENOMEM;
            if (err) {
                aura__msg_discard(&m);
            }
        }
    }
    struct aura_msg m;
    while (aura_ring_pop(ring, &m)) {
        aura__msg_discard(&m);
    }
    aura__outbox_free(&o);
    aura_ring_free(ring);
    return err;
}

static int ufrags_name_their_worker(void) {
    for (unsigned i = 0; i < AURA_SFU_WORKERS_MAX; i++) {
        assert_int_equal(aura__ufrag_worker(aura__ufrag_char(i)), (int)i);
    }
    assert_int_equal(aura__ufrag_worker('\0'), -1);
    assert_int_equal(aura__ufrag_worker('+'), -1);
    return 0;
}

static int candidates_follow_the_configuration(void) {
    struct aura_addr out[AURA_SFU_BASE_ADDRS_MAX];
    struct aura_addr bind = {.ip = {127, 0, 0, 1}, .family = AURA_FAMILY_V4};
    struct aura_addr public[2] = {{.ip = {203, 0, 113, 5}, .port = 9, .family = AURA_FAMILY_V4},
                                  {.ip = {203, 0, 113, 5}, .family = AURA_FAMILY_V4}};
    struct aura_sfu_conf conf = {.bind = &bind, .bind_count = 1};
    size_t n = 0;
    TRY(aura__candidates_collect(out, &n, &conf));
    assert_int_equal(n, 1);
    assert_true(aura_addr_equal(&out[0], &bind));
    conf.advertise = public;
    conf.advertise_count = 2;
    TRY(aura__candidates_collect(out, &n, &conf));
    assert_int_equal(n, 1);
    assert_int_equal(out[0].port, 0);
    assert_true(aura_addr_same_ip(&out[0], &public[0]));
    conf = (struct aura_sfu_conf){.loopback = true};
    TRY(aura__candidates_collect(out, &n, &conf));
    bool loopback = false;
    for (size_t i = 0; i < n; i++) {
        loopback |= aura_addr_is_loopback(&out[i]);
        assert_false(aura_addr_is_link_local(&out[i]));
    }
    assert_true(loopback);
    return 0;
}

/* Native pictures that came while AI Core was at work were sent: its older one would go back. */
static int a_late_layer_of_aic_is_behind(void) {
    struct aura_source source = {.kind = AURA_KIND_VIDEO, .aic = 2};
    struct aura_subscribed sub = {.source = &source, .running = true, .seg_count = 1};
    struct aura_packet p = {.aic = true, .epoch = 4, .ts = UINT32_MAX - 2999};
    sub.seg[0] = (struct aura_sub_segment){.layer = 1, .epoch = 4, .ts_offset = 5000};
    sub.newest.ts = p.ts + 5000 + 3000; /* beyond the wrap */
    assert_true(aura__subscribed_is_behind(&sub, &p));
    p.ts += 3000;
    assert_int_equal(p.ts, 0);
    assert_false(aura__subscribed_is_behind(&sub, &p)); /* the same picture */
    p.ts += 3000;
    assert_false(aura__subscribed_is_behind(&sub, &p));
    p.ts -= 6000;
    sub.running = false;
    assert_false(aura__subscribed_is_behind(&sub, &p)); /* nothing is shown */
    sub.running = true;
    sub.seg[0].layer = 0; /* another clock */
    assert_false(aura__subscribed_is_behind(&sub, &p));
    sub.seg[0].layer = 1;
    p.epoch++;
    assert_false(aura__subscribed_is_behind(&sub, &p));
    return 0;
}

/* Media for who is not connected yet must not be the last that the downlink looks at: nothing would
 * be shared out any more, and who hides a video for a moment would never get it back. */
static int a_downlink_wakes_once_it_is_connected(void) {
    struct aura_clock_manual clock;
    struct aura_timers *timers = NULL;
    static struct aura_worker worker;
    struct aura_peer peer = {.worker = &worker};
    struct aura_downlink d = {.peer = &peer};
    aura_clock_manual_init(&clock, 123456789, 0);
    TRY(aura_timers_new(&timers, &clock.clock));
    aura__wheel_init(&worker.wheel, timers);
    aura__downlink_media(&d);
    int err = worker.wheel.armed_us ? 0 : AURA_ENOMEM;
    if (!err) {
        assert_true(aura__due_armed(&d.tick));
        run(&clock, timers, 10 * AURA_DOWNLINK_TICK_US);
        assert_false(aura__due_armed(&d.tick)); /* it costs nothing while nobody is there */
        peer.connected = true;
        aura__downlink_media(&d);
        assert_true(aura__due_armed(&d.tick));
    }
    aura__wheel_remove(&d.tick);
    aura__wheel_stop(&worker.wheel);
    aura_timers_free(timers);
    return err;
}

int main(void) {
    const struct CMUnitTest cases[] = {
        AURA_CASE(wheel_fires_in_time),
        AURA_PLAIN(packets_come_back_from_other_threads),
        AURA_CASE(packet_counts_its_users),
        AURA_CASE(outbox_keeps_the_order),
        AURA_CASE(unsent_messages_are_freed),
        AURA_CASE(ufrags_name_their_worker),
        AURA_CASE(candidates_follow_the_configuration),
        AURA_CASE(a_late_layer_of_aic_is_behind),
        AURA_CASE(a_downlink_wakes_once_it_is_connected),
    };
    return RUN_CASES("sfu/parts", cases);
}
