/* SPDX-License-Identifier: Apache-2.0 */
/** @file appservice_priv.h  Links, shared by the files of the Application Service. */
#ifndef AURA_AURAID_MATRIX_APPSERVICE_PRIV_H
#define AURA_AURAID_MATRIX_APPSERVICE_PRIV_H

#include "auraid/matrix/appservice.h"

enum { AS_HASH_BYTES = 32 };

enum as_link_kind {
    AS_TWO,   /* a ghost and somebody of Matrix, in a room of theirs */
    AS_GUEST, /* somebody of Matrix who is rung into a call of several */
    AS_SEAT,  /* the ghost of somebody in such a call; nobody of Matrix */
};

/** A call with somebody of Matrix. */
struct link {
    struct aura_node node;
    struct aura_as *as;
    uint64_t id;
    enum as_link_kind kind;
    char call[AURA_CALL_ID_BYTES];  /* "" = it is just being made */
    struct aura_id ghost, peer;     /* the peer's AuraID */
    char mxid[AURA_MXID_BYTES_MAX]; /* the peer */
    char room[AURA_AS_TEXT_MAX];    /* "" = there is none yet; see aura__as_set_room() */
    char media[AURA_RTC_ROOM_BYTES];
    char ring[AURA_AS_TEXT_MAX];   /* event; "" = none yet */
    bool outgoing;                 /* the ghost has rung */
    bool rung, answered, over;     /* outgoing: it was tried; the call is on; it is not */
    bool wants_in, in;             /* the ghost's membership */
    char member[AURA_AS_TEXT_MAX]; /* its event */
    bool left;                     /* the ghost's person is not in the call any more */
    bool host, present;            /* SEAT: it makes the room; it is there */
    bool hopeless; /* GUEST: is to be told of as unreachable. SEAT: there is no room */
    bool renews;   /* it, since its time will be up */
    uint32_t term;
    char key[AURA_AS_TEXT_MAX]; /* of the peer's own membership; "" = not known */
    bool by_media;              /* outgoing: the peer has answered by coming into its room */
    bool alone;                 /* not outgoing: the peer has gone, others of Matrix have not */
    bool wants_decline;         /* the ring */
    bool remade;                /* the room, since the ghost had none in the old one */
    bool busy;                  /* an errand is under way */
    enum aura_as_do doing;
    unsigned tries;
    struct aura_timer retry, expiry, renewal;
    struct aura_timer away; /* somebody has left its media room */
};

/** Of somebody of Matrix, in a call. A ring may refer to its event. */
struct member {
    char event[AURA_AS_TEXT_MAX], key[AURA_AS_TEXT_MAX], room[AURA_AS_TEXT_MAX];
    char user[AURA_MXID_BYTES_MAX];
    uint64_t until_ms; /* since the Unix epoch; 0 = it has ended */
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
    struct aura_timer lapse; /* the next membership of `members` ends by itself */
    struct aura_timer gone;  /* a ghost is to be ended */
    bool ending;             /* one just is */
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
void aura__as_set_room(struct link *l, const char *room);
/** The call of a link goes on without its Matrix user. */
void aura__as_end_link(struct link *l);
void aura__as_say_failed(struct aura_as *as, const struct aura_as_errand *e, bool again);

/** Begins an errand of a link that has none under way. */
void aura__as_begin(struct link *l, enum aura_as_do what);

/* appservice_group.c */
/** The link that knows where a call is; NULL = none: nobody of Matrix is in it, or rung. */
struct link *aura__as_room_link(const struct aura_as *as, const char *call);
/** Somebody is rung who is on Matrix too, as one of several. */
void aura__as_group_ring(struct aura_as *as, const struct aura_call_event *e, const char *mxid);
/** Who is in the call is to be in its room, too. */
void aura__as_group_event(struct aura_as *as, const struct aura_call_event *e);
/** Whose ghost can invite others into the call's room; its own if there is none. */
const struct aura_id *aura__as_group_host(const struct link *l);
/** Begins what is due next. May free it. */
void aura__as_group_step(struct link *l);
/** What became of ROOM, BRING, RING and PART. */
void aura__as_group_result(struct link *l, const struct aura_as_errand *e);
/** Its ghost is not in the room any more. The call goes on without. */
void aura__as_group_out(struct link *l);

/* appservice_rooms.c */
/** A link's call is over if by then nobody of Matrix is in its media room. Also put off by that. */
void aura__as_away(struct link *l, uint64_t in_us);
/** What became of ending a ghost. */
void aura__as_on_forgotten(struct aura_as *as, const struct aura_as_errand *e);
/** If there are any: also after a restart. */
void aura__as_end_ghosts(struct aura_as *as, uint64_t in_us);

/* appservice_members.c */
void aura__as_member_in(struct aura_as *as, const struct aura_as_event *e);
/** @param key  NULL = all of the user's there */
void aura__as_member_out(struct aura_as *as, const char *room, const char *user, const char *key);
/** Is anybody of Matrix in the room's call but @p user? */
bool aura__as_others_in(const struct aura_as *as, const char *room, const char *user);
/** The key of a membership by its event; "" = not known. */
void aura__as_member_key(const struct aura_as *as, const char *event, char out[AURA_AS_TEXT_MAX]);

/** The ring's time is up: it is cancelled, unless it was answered. */
void aura__as_expire_at(struct link *l, uint64_t in_us);

#endif
