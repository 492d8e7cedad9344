/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file threadless.h  An SFU whose workers have no threads of their own: the target runs their
 * loops on a clock that it sets, so that an input does the same each time.
 */
#ifndef AURA_FUZZ_THREADLESS_H
#define AURA_FUZZ_THREADLESS_H

#include "base/mem.h"
#include "sfu/peer.h"
#include "sfu/sfu_priv.h"

#include <string.h>

struct threadless {
    struct aura_clock_manual clock;
    struct aura_rand_seeded rand;
    struct aura_loop *loop; /* the control thread's */
    struct aura_sfu sfu;
};

/* As aura_sfu_new(), without the threads. */
static inline void threadless_start(struct threadless *t, size_t workers,
                                    const struct aura_sfu_handlers *handlers) {
    struct aura_sfu *sfu = &t->sfu;
    struct aura_sfu_shared *s = &sfu->shared;
    struct aura_addr bind = {.ip = {127, 0, 0, 1}, .family = AURA_FAMILY_V4};
    aura_clock_manual_init(&t->clock, AURA_US_PER_S, UINT64_C(1700000000000000));
    aura_rand_seeded_init(&t->rand, 1);
    s->clock = &t->clock.clock;
    s->rand = &t->rand.rand;
    s->conf = (struct aura_sfu_conf){.workers = workers,
                                     .loopback = true,
                                     .nack_ring_video = 64,
                                     .nack_ring_audio = 64,
                                     .pli_throttle_us = {500000, 1000000, 1000000},
                                     .audio_update_us = 400000,
                                     .audio_active_level = 35,
                                     .audio_min_percentile = 40,
                                     .bind = &bind,
                                     .bind_count = 1};
    AURA_BUG_ON(aura_loop_new(&t->loop, s->clock) || aura_dtls_identity_new(&s->identity) ||
                aura_ring_new(&s->events, AURA_SFU_EVENT_SLOTS, sizeof(struct aura_msg)));
    sfu->loop = t->loop;
    sfu->handlers = *handlers;
    AURA_BUG_ON(aura_loop_add_fd(t->loop, &sfu->events_watch, aura_ring_fd(s->events),
                                 AURA_LOOP_READ, aura__sfu_events, sfu));
    for (unsigned i = 0; i < workers; i++) {
        AURA_BUG_ON(aura__worker_new(&s->workers[i], s, i, &bind, 1));
        s->worker_count++;
        aura__outbox_init(&sfu->out[i], s->workers[i]->inbox);
    }
    for (size_t i = 0; i < workers; i++) {
        aura__worker_connect(s->workers[i]);
    }
    AURA_BUG_ON(aura__candidates_collect(sfu->base, &sfu->base_count, &s->conf));
    s->conf.bind = NULL;
    s->conf.bind_count = 0;
}

/* Everything that is on its way between the threads arrives; then time passes. Twice: an answer to
 * a message that another worker sent is a message too. */
static inline void threadless_pass(struct threadless *t, uint64_t us) {
    aura_clock_manual_advance(&t->clock, us);
    for (int round = 0; round < 2; round++) {
        for (size_t i = 0; i < t->sfu.shared.worker_count; i++) {
            AURA_BUG_ON(aura_loop_run_once(t->sfu.shared.workers[i]->loop, 0));
        }
        AURA_BUG_ON(aura_loop_run_once(t->loop, 0));
    }
}

/* What it began with: the next input starts there. */
static inline void threadless_reset(struct threadless *t) {
    aura_rand_seeded_init(&t->rand, 1);
}

/* Everybody has left: nothing may be left of them. */
static inline void threadless_check_empty(struct threadless *t) {
    for (size_t i = 0; i < t->sfu.shared.worker_count; i++) {
        struct aura_worker *w = t->sfu.shared.workers[i];
        AURA_BUG_ON(w->counters.peers || w->counters.pubs || w->counters.subs);
        AURA_BUG_ON(aura_map_count(w->peers) || aura_map_count(w->sources) ||
                    aura_map_count(w->subs) || aura_map_count(w->paths) ||
                    aura_map_count(w->ufrags));
        AURA_BUG_ON(aura__packet_pool_out(w->pool) != 0);
    }
    AURA_BUG_ON(t->sfu.shared.data_waiting != 0);
}

#endif
