/* SPDX-License-Identifier: Apache-2.0 */
/** @file link.h  One direction of a network path on virtual time. */
#ifndef AURA_TESTS_SIM_LINK_H
#define AURA_TESTS_SIM_LINK_H

#include "base/rand.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { LINK_STEPS_MAX = 8 };

struct link_step {
    uint64_t at_us;
    uint32_t bps;
};
struct link {
    struct link_step step[LINK_STEPS_MAX]; /* capacity from each time on */
    size_t steps;
    uint32_t delay_us;    /* propagation */
    uint32_t queue_us;    /* what a packet may wait at most; more is dropped at the tail */
    uint32_t jitter_us;   /* uniform, keeps the order unless `reorder` */
    double loss;          /* probability, at random */
    double burst;         /* mean length of a burst of losses; 0 or 1 = each alone */
    double reorder;       /* probability of skipping the jitter and half of the delay */
    uint64_t free_at_us;  /* the queue is empty then */
    uint64_t last_due_us; /* order is kept behind it */
    bool bad;             /* in a burst */
    struct aura_rand_seeded rand;
    uint64_t tail_drops, losses;
};

uint32_t link_bps(const struct link *l, uint64_t now_us);
/** @return when it arrives; 0 = never */
uint64_t link_send(struct link *l, size_t bytes, uint64_t now_us);
/** How long a packet sent now would wait. */
uint64_t link_queue_us(const struct link *l, uint64_t now_us);

#endif
