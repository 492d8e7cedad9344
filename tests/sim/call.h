/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file call.h  A subscriber behind a link: publishers' layers on one side, what arrives on the
 * other, and between them estimator, pacer and allocator put together as src/sfu/downlink.c does.
 */
#ifndef AURA_TESTS_SIM_CALL_H
#define AURA_TESTS_SIM_CALL_H

#include "cc/alloc.h"
#include "cc/bwe.h"
#include "link.h"

enum {
    CALL_TRACKS_MAX = 8,
    CALL_SLOT_MS = 100, /* of the history */
    CALL_SLOTS_MAX = 1200,
};

/** What happened in one slot. */
struct call_slot {
    uint32_t target_bps, capacity_bps;
    uint32_t video_bytes, audio_bytes, cross_bytes; /* arrived */
    uint32_t queue_us;                              /* of the link, the longest */
    int8_t layers[CALL_TRACKS_MAX];                 /* chosen */
};

struct call_conf {
    struct link down;      /* to the subscriber */
    uint32_t up_delay_us;  /* of the feedback */
    double up_loss;        /* of feedback packets */
    unsigned cameras;      /* simulcast, 150, 500, 1700 kbps */
    uint32_t feedback_ms;  /* 0 = 100 */
    unsigned tcp_flows;    /* competing, through the same queue */
    uint32_t constant_bps; /* competing, does not react */
    bool no_audio;
    uint64_t seed;
    unsigned seconds;
};

struct call {
    struct call_conf conf;
    struct call_slot slot[CALL_SLOTS_MAX];
    size_t slots;
    struct aura_bwe_info info; /* at the end */
    uint64_t audio_sent, audio_lost, video_sent, video_lost, own_drops, pad_bytes;
    uint32_t audio_wait_p95_us; /* above propagation */
};

void call_run(struct call *c);

#endif
