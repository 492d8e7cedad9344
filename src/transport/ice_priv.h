/* SPDX-License-Identifier: Apache-2.0 */
/** @file ice_priv.h  Shared by ice.c (who is checked) and ice_dial.c (who checks). */
#ifndef AURA_TRANSPORT_ICE_PRIV_H
#define AURA_TRANSPORT_ICE_PRIV_H

#include "transport/ice.h"
#include "transport/stun.h"

struct aura__ice_dial;

struct aura__ice_creds {
    char ufrag[AURA_ICE_UFRAG_MAX + 1];
    char pwd[AURA_ICE_PWD_MAX + 1];
};

struct aura__ice_path {
    struct aura_path path;
    uint64_t seen_us;      /* last valid check; 0 = this place is free */
    uint64_t nominated_us; /* last check with USE-CANDIDATE; 0 = none */
    uint32_t priority;
};

struct aura_ice {
    struct aura_timers *timers;
    struct aura_timer tick;
    struct aura_ice_handlers handlers;
    void *arg;
    struct aura__ice_creds local, previous; /* `previous` is empty unless a restart is under way */
    char remote_ufrag[AURA_ICE_UFRAG_MAX + 1], remote_previous[AURA_ICE_UFRAG_MAX + 1];
    bool remote_known;
    struct aura__ice_path paths[AURA_ICE_PATHS_MAX];
    struct aura__ice_path *selected; /* one of `paths` */
    enum aura_ice_state state;
    struct aura__ice_dial *dial; /* NULL: the peer checks */
    uint32_t patience_ms;        /* without a check: disconnected */
    uint64_t error_second;
    uint32_t errors_sent;
};

static inline uint64_t aura__ice_now(const struct aura_ice *ice) {
    return aura_now_us(aura_timers_clock(ice->timers));
}

/** The place of a 5-tuple over which something valid came just now. */
struct aura__ice_path *aura__ice_take(struct aura_ice *ice, const struct aura_path *path);
void aura__ice_select(struct aura_ice *ice, struct aura__ice_path *path);
void aura__ice_set_state(struct aura_ice *ice, enum aura_ice_state state);
/** Since something valid came over the selected path; UINT64_MAX: there is none. */
uint64_t aura__ice_silence_us(const struct aura_ice *ice);

/* ice_dial.c */
void aura__ice_dial_free(struct aura_ice *ice);
/** An answer to a check of ours, perhaps. */
void aura__ice_dial_answer(struct aura_ice *ice, const struct aura_path *path,
                           const struct aura_stun_msg *m);

#endif
