/* SPDX-License-Identifier: Apache-2.0 */
/** @file appservice_priv.h  Links, shared by the files of the Application Service. */
#ifndef AURA_AURAID_MATRIX_APPSERVICE_PRIV_H
#define AURA_AURAID_MATRIX_APPSERVICE_PRIV_H

#include "auraid/matrix/appservice.h"

enum { AS_HASH_BYTES = 32 };

/** A call with somebody of Matrix. */
struct link {
    struct aura_node node;
    struct aura_as *as;
    uint64_t id;
    char call[AURA_CALL_ID_BYTES];  /* "" = it is just being made */
    struct aura_id ghost, peer;     /* the peer's AuraID */
    char mxid[AURA_MXID_BYTES_MAX]; /* the peer */
    char room[AURA_AS_TEXT_MAX];    /* "" = there is none yet */
    char ring[AURA_AS_TEXT_MAX];    /* event; "" = none yet */
    bool outgoing;                  /* the ghost has rung */
    bool rung, answered, over;      /* outgoing: it was tried; the call is on; it is not */
    bool wants_in, in;              /* the ghost's membership */
    bool renews;                    /* it, since its time will be up */
    uint32_t term;
    char key[AURA_AS_TEXT_MAX]; /* of the peer's own membership; "" = not known */
    bool wants_decline;         /* the ring */
    bool remade;                /* the room, since the ghost had none in the old one */
    bool busy;                  /* an errand is under way */
    enum aura_as_do doing;
    unsigned tries;
    struct aura_timer retry, expiry, renewal;
};

/** A membership in a call, which a ring may refer to. */
struct member {
    char event[AURA_AS_TEXT_MAX], key[AURA_AS_TEXT_MAX];
};

/** A transaction that was taken. */
struct taken {
    uint8_t hash[AS_HASH_BYTES];
    uint64_t until_us; /* 0 = empty */
};

struct aura_as {
    struct aura_as_conf conf;
    struct aura_list links;
    struct link *beginning; /* while the exchange makes its call */
    uint64_t last_id;
    struct taken taken[AURA_AS_TRANSACTIONS_MAX];
    size_t next_taken;
    struct member members[AURA_AS_MEMBERS_MAX];
    size_t next_member;
    struct aura_timer turn;
    struct aura_as_stats stats;
};

/** Is it one of our ghosts? @return 0 and whose, or AURA_ENOENT */
AURA_NODISCARD int aura__as_ghost(const struct aura_as *as, const char *user, struct aura_id *out);
void aura__as_ghost_name(const struct aura_as *as, const struct aura_id *id,
                         char out[AURA_MXID_BYTES_MAX]);

/** @return NULL: there are too many, or no memory; it says so */
struct link *aura__as_link_new(struct aura_as *as);
void aura__as_link_free(struct link *l);
/** Something has changed: looks behind the current event what is due. */
void aura__as_turn(struct aura_as *as);
/** The ring's time is up: it is cancelled, unless it was answered. */
void aura__as_expire_at(struct link *l, uint64_t in_us);

#endif
