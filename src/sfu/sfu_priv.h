/* SPDX-License-Identifier: Apache-2.0 */
/** @file sfu_priv.h  The control thread's side of the SFU. Private to src/sfu. */
#ifndef AURA_SFU_SFU_PRIV_H
#define AURA_SFU_SFU_PRIV_H

#include "sfu/candidates.h"
#include "sfu/worker.h"

/** Ids are `number << 8 | worker`: so nothing need be looked up here. */
struct aura_sfu {
    struct aura_sfu_shared shared;
    struct aura_loop *loop;
    struct aura_sfu_handlers handlers;
    void *arg;
    struct aura_watch events_watch;
    struct aura_outbox out[AURA_SFU_WORKERS_MAX];
    struct aura_timer flush_timer;
    uint64_t last_id;
    uint64_t peers_made[AURA_SFU_WORKERS_MAX];
    uint64_t lost_messages;
    struct aura_addr base[AURA_SFU_BASE_ADDRS_MAX]; /* what candidates may name */
    size_t base_count;
};

/** Watch callback of the event ring (events.c). */
void aura__sfu_events(void *arg, struct aura_watch *watch, unsigned events);

#endif
