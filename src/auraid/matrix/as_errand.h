/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file as_errand.h  What ghosts do at the homeserver: a few requests each, one after the other.
 *
 * Threading: aura_as_errand_run() blocks, for the threads of pool.h. It touches nothing but the
 * errand and what it is given, which does not change.
 */
#ifndef AURA_AURAID_MATRIX_AS_ERRAND_H
#define AURA_AURAID_MATRIX_AS_ERRAND_H

#include "auraid/matrix/as_wire.h"
#include "auraid/matrix/fetch.h"

enum {
    AURA_AS_DISPLAY_MAX = 257,
    AURA_AS_URL_MAX = 4096,
    AURA_AS_PARTINGS_MAX = 20, /* rooms that one errand leaves: threads are to be free again */
};

/** The homeserver, and who we are there. */
struct aura_as_home {
    const char *url;     /* of its client-server API */
    const char *token;   /* as_token */
    const char *service; /* URL of the MatrixRTC authorisation service */
    struct aura_fetch_conf fetch;
    uint64_t timeout_us; /* for each request */
};

enum aura_as_do {
    AURA_AS_DO_REGISTER, /* the ghost; that it is there already is fine */
    AURA_AS_DO_JOIN,     /* a room that it was invited to */
    AURA_AS_DO_ROOM,     /* a new one with `peer`, and the ghost; "" = for a group */
    AURA_AS_DO_CALL,     /* a membership in the room's call, and a ring of `peer` */
    AURA_AS_DO_ENTER,    /* a membership in the room's call */
    AURA_AS_DO_LEAVE,    /* an empty one */
    AURA_AS_DO_DECLINE,  /* the ring */
    AURA_AS_DO_REFUSE,   /* to be in an encrypted room, invited or there; it says why */
    AURA_AS_DO_FORGET,   /* the ghost's person is no more: it leaves its rooms and has no name */
    AURA_AS_DO_BRING,    /* the ghost into the room, where the ghost `host` invites it */
    AURA_AS_DO_RING,     /* `peer`, who is invited first: the ghost is in the call as `member` */
    AURA_AS_DO_PART,     /* from the room, for good */
};

struct aura_as_errand {
    enum aura_as_do what;
    char ghost[AURA_MXID_BYTES_MAX], display[AURA_AS_DISPLAY_MAX], device[AURA_AS_TEXT_MAX];
    char peer[AURA_MXID_BYTES_MAX], host[AURA_MXID_BYTES_MAX];
    char room[AURA_AS_TEXT_MAX];   /* of ROOM it comes out */
    char ring[AURA_AS_TEXT_MAX];   /* event; of CALL and RING it comes out */
    char member[AURA_AS_TEXT_MAX]; /* event of the ghost's membership; of CALL and ENTER it comes
                                      out */
    char txn[48];                  /* of events: the same one is taken once */
    uint32_t term;                 /* ENTER: how often it was renewed */
    uint32_t lifetime_ms;          /* CALL: of the ring */
    bool more;                     /* out, of FORGET: there are rooms left */
    int err, status;               /* out; HTTP status of the last request, 0 = no answer */
    const char *why;               /* out: of a failure, a constant */
};

/** Sets err: 0, AURA_EPOLICY (the homeserver refuses), AURA_EIO (it is not as it should be),
 * AURA_ETIMEDOUT, AURA_ENOMEM and others of aura_fetch() */
void aura_as_errand_run(const struct aura_as_home *home, struct aura_as_errand *e);

#endif
