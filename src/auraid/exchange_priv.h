/* SPDX-License-Identifier: Apache-2.0 */
/** @file exchange_priv.h  Shared by the files of the exchange. Private to src/auraid. */
#ifndef AURA_AURAID_EXCHANGE_PRIV_H
#define AURA_AURAID_EXCHANGE_PRIV_H

#include "auraid/exchange.h"
#include "auraid/pace.h"
#include "auraid/share.h"

struct aura_exchange {
    struct aura_exchange_conf conf;
    struct aura_calls *calls;
    struct aura_hub *hub;
    struct aura_pace *callers, *strangers;
    struct aura_share *apps;      /* of the calls */
    struct aura_map *calls_of;    /* struct owned by its call */
    struct aura_map *away;        /* "name device" → struct away: in a call, and not connected */
    struct aura_list busy;        /* struct busy: agents that could not be had */
    struct aura_timer busy_timer; /* what events find out is done behind them */
    struct aura_exchange_stats stats;
};

/** An agent that is to be busy. */
struct busy {
    struct aura_node node;
    struct aura_id who;
    char call[AURA_CALL_ID_BYTES];
};

/** Which app has begun a call. */
struct owned {
    char call[AURA_CALL_ID_BYTES], app[AURA_HUB_APP_MAX + 1];
};

/* exchange_events.c */
void aura__exchange_event(void *arg, const struct aura_call_event *e);
void aura__exchange_ended(void *arg, const char *call);
/** {"id", "name"} */
json_t *aura__exchange_person(const struct aura_exchange *x, const struct aura_id *id);
/** Tells one device. @param event  taken; NULL = no memory, and the device is closed */
void aura__exchange_tell(struct aura_exchange *x, struct aura_hub_device *d, json_t *event);

/* exchange_ring.c */
/** @param device  that rings, as calls know it */
AURA_NODISCARD int aura__exchange_ring(struct aura_exchange *x,
                                       const struct aura_exchange_caller *c, const char *device,
                                       const struct aura_id *to, size_t to_count, bool video,
                                       struct aura_exchange_rung *out);

/* exchange_push.c */
/** @param app  where it rings from, @param except  a device that needs no waking; NULL = none */
void aura__exchange_push(struct aura_exchange *x, const char *event,
                         const struct aura_call_event *e, enum aura_stance stance);
/* exchange.c */
/** A call that has begun counts for the app that it was begun in. */
void aura__exchange_own(struct aura_exchange *x, const char *call, const char *app);
void aura__exchange_disown(struct aura_exchange *x, const char *call);

/** The API key of a device's name in calls. */
void aura__exchange_app(const char *call_name, char app[AURA_CALL_DEVICE_MAX]);

#endif
