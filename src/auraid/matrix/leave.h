/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file leave.h  Delayed leaves that clients have handed to us: kept off while they are in the
 * room.
 *
 * A client schedules "I have left" at its homeserver as a delayed event (MSC4140) and hands it to
 * us, who see better than it whether it is still in the call:
 *
 *     waiting → connected → gone → (done)
 *
 * Waiting: until it is in the room, or its event must have been sent. Connected: the event is
 * restarted at once and whenever four fifths of its delay have passed. Gone: the event is sent now.
 * Requests that fail are tried again, later each time. Where the homeserver no longer knows the
 * event, all is done. Nothing is stored: if we die, nobody is in the room any more and the
 * homeserver sends the event by itself.
 *
 * Threading: one thread, on the clock of its timers. The owner sends requests and says what became
 * of them, and must not call back from inside of `act` or `is_present`.
 */
#ifndef AURA_AURAID_MATRIX_LEAVE_H
#define AURA_AURAID_MATRIX_LEAVE_H

#include "auraid/matrix/rtc.h"
#include "base/timer.h"

enum {
    AURA_LEAVES_MAX = 10000,
    AURA_LEAVE_LOOK_MS = 500,   /* how often the room is looked into */
    AURA_LEAVE_RETRY_MS = 1000, /* first; each time half as much again, up to … */
    AURA_LEAVE_RETRY_MAX_MS = 60000,
    AURA_LEAVE_LAST_MIN_MS = 1000, /* "gone" tries for as long as the delay was, but not less … */
    AURA_LEAVE_LAST_MAX_MS = 3600000,
};

struct aura_leaves;

enum aura_leave_act { AURA_LEAVE_RESTART, AURA_LEAVE_SEND };

struct aura_leaves_conf {
    struct aura_timers *timers;
    bool (*is_present)(void *arg, const char *room, const char *identity);
    /* @param url  of the client-server API. @return 0: aura_leaves_result() is called later; else
     * it could not be begun, and is tried again */
    int (*act)(void *arg, uint64_t job, enum aura_leave_act act, const char *url,
               const char *delay_id);
    void *arg;
};

/** @return 0 or AURA_ENOMEM */
AURA_NODISCARD int aura_leaves_new(struct aura_leaves **lp, const struct aura_leaves_conf *conf);
struct aura_leaves *aura_leaves_free(struct aura_leaves *l);
size_t aura_leaves_count(const struct aura_leaves *l);

/**
 * Takes the delayed leave of a request. One for the same room and identity replaces what was there.
 * @return 0, AURA_ELIMIT, AURA_ENOMEM
 */
AURA_NODISCARD int aura_leaves_add(struct aura_leaves *l, const char *room, const char *identity,
                                   const struct aura_rtc_request *request);
/** What became of a request. @param status  HTTP; 0 = there was no answer. A job that is gone is
 * fine. */
void aura_leaves_result(struct aura_leaves *l, uint64_t job, int status);

struct aura_leaves_stats {
    uint64_t taken, restarts, sent, retries;
    uint64_t unknown;  /* the homeserver did not know the event any more */
    uint64_t given_up; /* nobody came, or the homeserver did not answer for too long */
};
void aura_leaves_stats(const struct aura_leaves *l, struct aura_leaves_stats *out);

#endif
