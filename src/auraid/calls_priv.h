/* SPDX-License-Identifier: Apache-2.0 */
/** @file calls_priv.h  What a call is made of. Private to src/auraid. */
#ifndef AURA_AURAID_CALLS_PRIV_H
#define AURA_AURAID_CALLS_PRIV_H

#include "auraid/calls.h"
#include "base/list.h"

struct aura_map;

/* Somebody who is in a call or rings. */
struct person {
    struct aura_id id;
    struct aura_list legs;
};

struct leg {
    struct aura_node node, person_node;
    struct call *call;
    struct person *person;
    enum aura_leg_state state;
    enum aura_call_reason reason;
    char device[AURA_CALL_DEVICE_MAX]; /* that has accepted */
    struct aura_id by;                 /* who rings, and from where */
    char by_device[AURA_CALL_DEVICE_MAX];
    struct leg *replaces; /* a transfer: who leaves when this one accepts */
    struct aura_timer timer;
};

struct call {
    struct aura_calls *calls;
    char id[AURA_CALL_ID_BYTES];
    struct aura_list legs;
    size_t people;
    struct leg *first; /* the initiator's; NULL = gone */
    struct aura_id initiator;
    bool video;
    bool connected;             /* somebody has accepted */
    enum aura_call_reason last; /* why the last one to end did */
};

struct aura_calls {
    struct aura_calls_conf conf;
    struct aura_map *calls, *people;
};

struct person *aura__calls_person(const struct aura_calls *c, const struct aura_id *id);
/** A leg that this device has accepted, or began; NULL = none. */
struct leg *aura__calls_held(const struct aura_calls *c, const struct aura_id *who,
                             const char *device);
struct leg *aura__call_leg(const struct call *k, const struct aura_id *who);

#endif
