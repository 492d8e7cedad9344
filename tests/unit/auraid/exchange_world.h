/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file exchange_world.h  People, their devices and an exchange, on a clock that stands still.
 *
 * What devices and hooks are told is written down as lines "device event …", to be compared whole;
 * sequence numbers are checked on the way.
 */
#ifndef AURA_TESTS_EXCHANGE_WORLD_H
#define AURA_TESTS_EXCHANGE_WORLD_H

#include "auraid/exchange.h"
#include "harness.h"

enum { DEVICES = 8, LOG_BYTES = 20000, RING_S = 30, GRACE_S = 60 };

struct world;

struct line {
    struct world *w;
    const char *name;
    struct aura_hub_device *d;
    json_int_t seq;
    size_t queued;
    int code;
};

struct world {
    struct aura_clock_manual clock;
    struct aura_rand_seeded rand;
    struct aura_timers *timers;
    struct aura_directory *d;
    struct aura_exchange *x;
    struct line lines[DEVICES];
    size_t count;
    struct aura_id ann, bob, cid, bot;
    char call[AURA_CALL_ID_BYTES];
    char log[LOG_BYTES];
    int open_fails, agent_fails;
    bool quiet;                                                /* nothing is written down */
    void (*watch)(void *arg, const struct aura_call_event *e); /* NULL = nobody does */
    void (*ended)(void *arg, const char *call);
    void *watcher;
};

extern const char world_rings[], world_connects[]; /* ann rings bob; bob accepts on b1 */

AURA_NODISCARD int world_begin_with(struct world *w, const struct aura_exchange_conf *given);
/** ann: a1; bob: b1 and b2; cid: c1 in another app. */
void world_begin(struct world *w);
void world_end(struct world *w);
/** All that was told since the last time. */
void world_told(struct world *w, const char *lines);
void world_pass(struct world *w, uint64_t ms);
struct aura_exchange_caller world_of(const struct aura_id *who, const char *app,
                                     const char *device);
/** A device connects. @param i  of w->lines */
int world_come(struct world *w, size_t i, const struct aura_id *who, const char *app,
               const char *device);
void world_go(struct world *w, size_t i);
/** Sets w->call, of which the others are. */
int world_ring(struct world *w, const struct aura_id *from, const char *app, const char *device,
               const struct aura_id *to);
int world_accept_on(struct world *w, const struct aura_id *who, const char *app,
                    const char *device);
int world_decline_on(struct world *w, const struct aura_id *who, const char *device);
int world_leave_on(struct world *w, const struct aura_id *who, const char *device);

#endif
