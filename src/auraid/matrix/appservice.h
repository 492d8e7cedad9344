/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file appservice.h  The Application Service for *.aura: AuraIDs as users of a homeserver
 * (ghosts), and calls between them and Matrix's own users.
 *
 * Each call with somebody of Matrix is a link: one ghost, one Matrix user, one Matrix room. A call
 * of several people with some of Matrix among them has one room of its own, into which these are
 * invited, and the ghosts of those who are in the call brought; all of these are links. What
 * the homeserver tells goes to the exchange as what the user does; what the exchange does comes
 * back as what the ghost does, in errands: one of a link at a time, and what is due next is found
 * from what is so then. So a homeserver that is slow or down delays nobody but its own users.
 *
 * Threading: one thread, on the clock of its timers. The owner runs errands, and must not call back
 * from inside of `act`.
 */
#ifndef AURA_AURAID_MATRIX_APPSERVICE_H
#define AURA_AURAID_MATRIX_APPSERVICE_H

#include "auraid/exchange.h"
#include "auraid/matrix/as_errand.h"
#include "auraid/matrix/rtc.h"

enum {
    AURA_AS_LINKS_MAX = 1000,      /* calls with people of Matrix at a time; of several: people */
    AURA_AS_TRANSACTIONS_MAX = 32, /* that are known as taken by their id and body */
    AURA_AS_TRANSACTION_S = 600,   /* for so long: ids begin anew when Synapse does */
    AURA_AS_MEMBERS_MAX = 512,     /* memberships of others in calls that are known */
    AURA_AS_RENEW_S = 3 * 3600,    /* of a ghost's membership, before it ends */
    AURA_AS_TRIES_MAX = 5,         /* of an errand */
    AURA_AS_RETRY_MS = 1000,       /* before the second one; twice as long each time */
    AURA_AS_GONE_RETRY_S = 60,     /* of a ghost whose person is no more, until it works */
};

struct aura_as;

/** All that is pointed to outlives it. */
struct aura_as_conf {
    const char *server; /* homeserver of the ghosts */
    struct aura_timers *timers;
    struct aura_rand *rand;
    struct aura_directory *directory;
    struct aura_exchange *exchange;
    uint32_t ring_ms; /* how long our rings last */
    /* Begins an errand, which is copied. @return 0: aura_as_result() is called with the same id
     * later; else it could not be begun */
    int (*act)(void *arg, uint64_t id, const struct aura_as_errand *errand);
    /* Is anybody in the media room who is no ghost (aura_as_is_ghost())? NULL = nobody can tell */
    bool (*others)(void *arg, const char *room);
    void *arg;
};

/** @return 0 or AURA_ENOMEM */
AURA_NODISCARD int aura_as_new(struct aura_as **ap, const struct aura_as_conf *conf);
/** NULL is fine. Returns NULL. */
struct aura_as *aura_as_free(struct aura_as *as);

/**
 * A transaction of the homeserver. One that was taken already is fine, and so are events.
 * @return 0; AURA_EMALFORMED, AURA_EIO (the directory failed: it may come again), AURA_ENOMEM
 */
AURA_NODISCARD int aura_as_transaction(struct aura_as *as, const char *txn, const void *body,
                                       size_t len);
/** May the homeserver know of this user, who it asks for? Fills @p errand to register the ghost.
 * @return 0 or AURA_ENOENT: there is none, or it does not want to be found */
AURA_NODISCARD int aura_as_user(struct aura_as *as, const char *user,
                                struct aura_as_errand *errand);
/** What became of an errand. An id whose call is gone is fine. */
void aura_as_result(struct aura_as *as, uint64_t id, const struct aura_as_errand *errand);

/** A person is no more: its ghost leaves its rooms, now or when the homeserver answers again. */
void aura_as_forget(struct aura_as *as, const struct aura_id *who);

/* ---- for rooms ---- */

/** Is it the media room of a call? */
bool aura_as_is_media(const struct aura_as *as, const char *room);
/** Does one of our ghosts go by that identity there? */
bool aura_as_is_ghost(const struct aura_as *as, const char *identity);
/** Somebody has come into a media room, or left it. An agent that is rung there has answered by
 * that, and so has a Matrix user whose client writes no membership. Calls end in which nobody of
 * Matrix has been for as long as any device may be away. */
void aura_as_in_media(struct aura_as *as, const char *room, const struct aura_id *who, bool joined);

/* ---- for the exchange's hooks ---- */

void aura_as_watch(struct aura_as *as, const struct aura_call_event *e);
void aura_as_ended(struct aura_as *as, const char *call);
/** The media room of a call that goes over Matrix, and whom @p who is there.
 * @return false: it is a call like any other */
bool aura_as_media(const struct aura_as *as, const char *call, const struct aura_id *who,
                   char room[AURA_RTC_ROOM_BYTES], char identity[AURA_RTC_IDENTITY_BYTES]);

/** Where the media of a Matrix room's call are that is a call of several people with us.
 * @return false: where MatrixRTC has them */
bool aura_as_room(const struct aura_as *as, const char *room, char media[AURA_RTC_ROOM_BYTES]);

struct aura_as_stats {
    size_t links;
    uint64_t transactions, replayed; /* the second: also single events */
    uint64_t rung, ringing;          /* by Matrix; Matrix */
    uint64_t errands, failed;
};
void aura_as_stats(const struct aura_as *as, struct aura_as_stats *out);

#endif
