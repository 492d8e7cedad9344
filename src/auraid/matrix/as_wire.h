/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file as_wire.h  What a homeserver and an Application Service say to each other about calls.
 *
 * Reading: a transaction's events, of which only those that calls are made of are told. Writing:
 * contents of the events that ghosts send. All that MatrixRTC may still change about either is in
 * this file: types (MSC3401 call.member, MSC4143 rtc.member, MSC4075 rtc.notification, MSC4310
 * rtc.decline) and fields. A call.member is state of the room, an rtc.member a sticky event
 * (MSC4354); both tell the same.
 *
 * Pure functions on text that is not trusted.
 */
#ifndef AURA_AURAID_MATRIX_AS_WIRE_H
#define AURA_AURAID_MATRIX_AS_WIRE_H

#include "auraid/name.h"

#include <jansson.h>

enum {
    AURA_AS_BODY_BYTES_MAX = 8 << 20,     /* of a transaction: Synapse sends 100 events of 64 KiB */
    AURA_AS_TEXT_MAX = 256,               /* an event, room or transaction id, with the NUL */
    AURA_AS_MENTIONS_MAX = 32,            /* of one ring that are looked at */
    AURA_AS_LIFETIME_MAX_MS = 120000,     /* of a ring, whatever it says of itself */
    AURA_AS_SKEW_MAX_MS = 20000,          /* sender's clock; beyond it the homeserver's counts */
    AURA_AS_EXPIRES_MS = 4 * 3600 * 1000, /* of a membership: what Element Call writes */
};

enum aura_as_kind {
    AURA_AS_MEMBER,      /* who is, or is not, in the room */
    AURA_AS_CALL_MEMBER, /* who is in its call */
    AURA_AS_RING,
    AURA_AS_DECLINE,   /* of `about` */
    AURA_AS_ENCRYPTED, /* the room is, from now on */
};
enum aura_as_membership { AURA_AS_INVITED, AURA_AS_JOINED, AURA_AS_GONE };

/** Texts are borrowed; all that must be there are valid ids of less than AURA_AS_TEXT_MAX bytes. */
struct aura_as_event {
    enum aura_as_kind kind;
    const char *id, *room, *sender;
    const char *who; /* MEMBER: whose membership it is */
    enum aura_as_membership membership;
    bool direct;                                /* MEMBER, invited: a room for two */
    bool encrypted;                             /* MEMBER, invited: the room is */
    bool in;                                    /* CALL_MEMBER */
    const char *key;                            /* CALL_MEMBER: one of each device */
    const char *about;                          /* DECLINE: the ring. RING: a membership, or "" */
    bool everybody;                             /* RING: all in the room */
    const char *mentions[AURA_AS_MENTIONS_MAX]; /* RING: users */
    size_t mention_count;
    uint64_t until_ms; /* RING; CALL_MEMBER, in: when it ends by itself, since the Unix epoch */
};

/**
 * Tells the events of a transaction's body, in their order. What is no event, or not of a kind that
 * matters, is passed over: a homeserver would send the same transaction again and again.
 * @return 0, AURA_EMALFORMED (it is no transaction), AURA_ENOMEM; or what @p fn returned, if not 0
 */
AURA_NODISCARD int aura_as_read(const void *body, size_t len,
                                int (*fn)(void *arg, const struct aura_as_event *e), void *arg);

extern const char aura_as_member_type[], aura_as_ring_type[], aura_as_decline_type[];

/* Contents, which the caller owns; NULL: no memory. */
/** @param service  URL of the authorisation service
 * @param term  0 for the first time, then 1 …: what is the same as before is no event to Synapse */
json_t *aura_as_member(const char *device, const char *room, const char *service, uint32_t term);
/** A ring of one user. @param member  event of the membership that belongs to it */
json_t *aura_as_ring(const char *user, const char *member, uint64_t now_ms, uint32_t lifetime_ms);
json_t *aura_as_decline(const char *ring);
/** A room for two, in which both may be in calls. */
json_t *aura_as_direct_room(const char *user);
/** A room for several, in which all may be in calls and invite. */
json_t *aura_as_group_room(void);

#endif
