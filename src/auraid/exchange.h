/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file exchange.h  The telephone exchange: calls (calls.h) between devices (hub.h), by the rules
 * of those who are called (reach.h).
 *
 * What happens in a call reaches devices as JSON events (docs/auraid-calls.md); who is not
 * connected may be woken by the app's own push; an answered call gets a media room, and each side
 * its way there. Rooms, tokens and webhooks are the hooks' business, which must not call the
 * exchange back. Threading: one thread.
 */
#ifndef AURA_AURAID_EXCHANGE_H
#define AURA_AURAID_EXCHANGE_H

#include "auraid/hub.h"
#include "auraid/reach.h"
#include "base/timer.h"

#include <jansson.h>

enum { AURA_EXCHANGE_PACED_MAX = 100000 }; /* people whose rings are counted at a time */

struct aura_exchange;

/** Who is to get a way into a call's room. */
struct aura_exchange_join {
    const char *call, *app;
    const struct aura_id *who;
    const char *display; /* "" = none */
};
/** An AI agent is rung. */
struct aura_exchange_agent {
    const char *call, *app;
    const char *name; /* that its workers register with */
    const struct aura_id *who, *from;
    bool video;
};

struct aura_exchange_hooks {
    /** Makes sure of the call's room. @return 0, or why there is none */
    int (*open)(void *arg, const char *call);
    /** Adds to an event what the device needs to get there. @return 0 or why it cannot */
    int (*join)(void *arg, const struct aura_exchange_join *j, json_t *event);
    /** Somebody is out of the call, and of its room. */
    void (*left)(void *arg, const char *call, const struct aura_id *who);
    void (*ended)(void *arg, const char *call);
    /** Wants it in the call's room. @return 0 or why not: it is busy then */
    int (*agent)(void *arg, const struct aura_exchange_agent *a);
    /** For the push services of apps. @param body  borrowed */
    void (*push)(void *arg, const char *event, const char *call, const json_t *body);
    /** All that happens in calls, before devices are told. NULL = nobody asks. */
    void (*watch)(void *arg, const struct aura_call_event *e);
};

/** What may change while it runs. */
struct aura_exchange_rules {
    struct aura_reach reach;
    uint64_t ring_us;              /* then it is a missed call */
    uint64_t grace_us;             /* a device in a call may be away for so long */
    bool busy_in_call;             /* see calls.h */
    uint32_t rings_per_minute;     /* of one caller, each person rung counts; 0 = any number */
    uint32_t strangers_per_minute; /* that ring one person, who are no contacts; 0 = any number */
    size_t max_calls_of_app, max_devices_of_app; /* 0 = all that there may be */
};

/** All that is pointed to outlives the exchange. */
struct aura_exchange_conf {
    struct aura_exchange_rules rules;
    struct aura_timers *timers;
    struct aura_rand *rand;
    size_t max_calls, max_devices;
    const struct aura_exchange_hooks *hooks;
    void *arg;
};

/** @return 0 or AURA_ENOMEM */
AURA_NODISCARD int aura_exchange_new(struct aura_exchange **xp,
                                     const struct aura_exchange_conf *conf);
/** All devices must be closed. Nobody is told anything. NULL is fine. Returns NULL. */
struct aura_exchange *aura_exchange_free(struct aura_exchange *x);

/** From now on; calls that ring do so for as long as they began to. */
void aura_exchange_change(struct aura_exchange *x, const struct aura_exchange_rules *rules);

/** A device of somebody, in an app. */
struct aura_exchange_caller {
    const struct aura_id *who;
    const char *app, *device; /* API key; its name there */
};

/**
 * A device has connected: it is told who it is and what is so now.
 * @return as aura_hub_open()
 */
AURA_NODISCARD int aura_exchange_open(struct aura_exchange *x, const struct aura_exchange_caller *c,
                                      const struct aura_hub_sink *sink, void *arg,
                                      struct aura_hub_device **out);
/** Its connection is gone: frees it. What it was in waits for it for a while. */
void aura_exchange_closed(struct aura_exchange *x, struct aura_hub_device *d);

/** What has become of a wish to ring people. */
struct aura_exchange_rung {
    char call[AURA_CALL_ID_BYTES];
    bool reached[AURA_CALL_PEOPLE_MAX]; /* each of `to`, in their order */
    uint32_t wait_s;                    /* with AURA_ELIMIT: until it may be tried again */
};
/**
 * Rings those who may be rung; there is no telling those who are not there from those who do not
 * want to be rung. See aura_calls_ring() for a second wish and for glare.
 * @return 0, AURA_ENOENT (none of them), AURA_EINVAL, AURA_ESTATE (the caller's device is not
 *         connected), AURA_ELIMIT, AURA_ENOMEM, AURA_EIO
 */
AURA_NODISCARD int aura_exchange_ring(struct aura_exchange *x, const struct aura_exchange_caller *c,
                                      const struct aura_id *to, size_t to_count, bool video,
                                      struct aura_exchange_rung *out);
/** @return as aura_calls_accept(); AURA_EAGAIN where there is no room to be had (it rings on);
 *          AURA_ECLOSED: the device is not connected */
AURA_NODISCARD int aura_exchange_accept(struct aura_exchange *x, const char *call,
                                        const struct aura_exchange_caller *c);
AURA_NODISCARD int aura_exchange_decline(struct aura_exchange *x, const char *call,
                                         const struct aura_exchange_caller *c, bool busy);
AURA_NODISCARD int aura_exchange_leave(struct aura_exchange *x, const char *call,
                                       const struct aura_exchange_caller *c);
/** Rings one more, who takes the caller's place if @p transfer. @param wait_s  with AURA_ELIMIT
 * @return as aura_calls_add(); AURA_ENOENT also where they may not be rung */
AURA_NODISCARD int aura_exchange_add(struct aura_exchange *x, const char *call,
                                     const struct aura_exchange_caller *c,
                                     const struct aura_id *who, bool transfer, uint32_t *wait_s);
/** The call as @p who sees it. @return NULL: no such call of theirs, or no memory */
json_t *aura_exchange_show(struct aura_exchange *x, const char *call, const struct aura_id *who);
/** Calls that they missed, newest first. @return NULL: no memory, or the directory failed */
json_t *aura_exchange_missed(struct aura_exchange *x, const struct aura_id *who);

/** Is a device of theirs connected? */
bool aura_exchange_connected(const struct aura_exchange *x, const struct aura_id *who);

/** Somebody is no more: leaves all calls; their devices are closed (AURA_HUB_FORGOTTEN). */
void aura_exchange_forget(struct aura_exchange *x, const struct aura_id *who);

/** An agent has come into a call's room: it has answered. Or it has gone from there. */
void aura_exchange_agent_joined(struct aura_exchange *x, const char *call,
                                const struct aura_id *who);
void aura_exchange_agent_left(struct aura_exchange *x, const char *call, const struct aura_id *who);

/* ---- people who are on Matrix, where others see to them (exchange_bridge.c) ---- */

/** How long a device in a call may be away. */
uint64_t aura_exchange_grace_us(const struct aura_exchange *x);
/** Whom it goes by. */
struct aura_reach aura_exchange_reach(const struct aura_exchange *x);
/** What calls know of as their device; of no app. */
extern const char aura_exchange_matrix_device[];
/** Somebody rings from there. @return as aura_exchange_ring() */
AURA_NODISCARD int aura_exchange_matrix_ring(struct aura_exchange *x, const struct aura_id *who,
                                             const struct aura_id *to,
                                             struct aura_exchange_rung *out);
/** @return as aura_exchange_accept() */
AURA_NODISCARD int aura_exchange_matrix_accept(struct aura_exchange *x, const char *call,
                                               const struct aura_id *who);
AURA_NODISCARD int aura_exchange_matrix_decline(struct aura_exchange *x, const char *call,
                                                const struct aura_id *who);
/** Nobody can be rung there: unreachable, unless a device rings, or may be woken. */
void aura_exchange_matrix_failed(struct aura_exchange *x, const char *call,
                                 const struct aura_id *who);
/** Leaves it, if the person is in it from there, or has begun it. */
void aura_exchange_matrix_left(struct aura_exchange *x, const char *call,
                               const struct aura_id *who);

struct aura_exchange_stats {
    size_t calls, devices;
    uint64_t rings, accepted, missed; /* people */
    uint64_t refused, paced;          /* who may not ring; who rings too often */
    uint64_t slow_closed;
};
void aura_exchange_stats(const struct aura_exchange *x, struct aura_exchange_stats *out);

#endif
