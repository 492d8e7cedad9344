/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file calls.h  Who rings whom: the state of all calls, on the clock of its timers.
 *
 * A call is a set of legs, one for each person. The initiator's is accepted from the start; the
 * others ring on all devices of their person at once, and the first device to accept takes it:
 *
 *     ringing → accepted → ended        ringing → ended (declined, busy, timeout, cancelled)
 *
 * A call ends when fewer than two people are left in it and nobody rings. What happens is told by
 * events to people's devices, in order; media rooms, tokens, policy and delivery are the caller's
 * business, who must not call back into this module from an event.
 */
#ifndef AURA_AURAID_CALLS_H
#define AURA_AURAID_CALLS_H

#include "auraid/name.h"
#include "base/rand.h"
#include "base/timer.h"

enum {
    AURA_CALL_ID_BYTES = 20,    /* "CA_", 16 letters and digits, NUL */
    AURA_CALL_DEVICE_MAX = 192, /* bytes of a device's name, with the NUL */
    AURA_CALL_PEOPLE_MAX = 32,
    AURA_CALL_OUTGOING_MAX = 4, /* that one person has begun and nobody has accepted yet */
};

struct aura_calls;

enum aura_call_reason {
    AURA_CALL_FINE,
    AURA_CALL_ELSEWHERE, /* another device of the person has answered */
    AURA_CALL_DECLINED,
    AURA_CALL_BUSY,
    AURA_CALL_TIMEOUT,
    AURA_CALL_CANCELLED,
    AURA_CALL_LEFT,
    AURA_CALL_TRANSFERRED,
    AURA_CALL_GONE,        /* its device did not come back */
    AURA_CALL_UNREACHABLE, /* what would have rung could not be asked to */
    AURA_CALL_REASONS,
};

enum aura_call_event_type {
    AURA_CALL_RING,   /* `about` rings you */
    AURA_CALL_QUIET,  /* stop ringing, for `reason` */
    AURA_CALL_JOIN,   /* to one device: the call is on, media flow from here */
    AURA_CALL_PERSON, /* to those in the call: what became of `about` */
    AURA_CALL_OVER,   /* to those who were in it */
    AURA_CALL_MISSED, /* `about` wanted you, and nobody answered; after QUIET, if it rang at all */
};

enum aura_leg_state { AURA_LEG_RINGING, AURA_LEG_ACCEPTED, AURA_LEG_ENDED };

/** Everything is borrowed during the event. */
struct aura_call_event {
    enum aura_call_event_type type;
    const char *call;
    const struct aura_id *to;
    const char *device, *except; /* only that device; all but that one. NULL = all */
    const struct aura_id *by;    /* who rings `to`, or has rung … */
    const char *by_device;       /* … from here; "" = `to` began the call */
    const struct aura_id *about;
    enum aura_leg_state state; /* of `about`; with PERSON */
    enum aura_call_reason reason;
    bool video;
    bool waiting; /* RING: the person is in another call */
    bool two;     /* RING: the call is between two people, and not on yet */
    bool on;      /* RING: it is on already */
};

struct aura_calls_conf {
    size_t max_calls;
    uint64_t ring_us;  /* then it is a missed call; 0 = 30 s */
    bool busy_in_call; /* who is in a call is busy to others; else their devices decide */
    struct aura_timers *timers;
    struct aura_rand *rand;
    void (*event)(void *arg, const struct aura_call_event *e);
    void (*ended)(void *arg, const char *call); /* after its last event; NULL = nobody asks */
    void *arg;
};

struct aura_call_request {
    const struct aura_id *from, *to;
    size_t to_count;
    const char *device; /* of `from` */
    bool video;
};

/** @return 0 or AURA_ENOMEM */
AURA_NODISCARD int aura_calls_new(struct aura_calls **cp, const struct aura_calls_conf *conf);
struct aura_calls *aura_calls_free(struct aura_calls *c);
/** See aura_calls_conf; of calls that begin now. */
void aura_calls_change(struct aura_calls *c, uint64_t ring_us, bool busy_in_call);
size_t aura_calls_count(const struct aura_calls *c);

/** Somebody, not oneself, nobody twice, not too many, from a device? */
bool aura_calls_sane(const struct aura_call_request *r);
/**
 * Rings people. Who asks for the same again while it rings gets the same call. If the one person
 * asked for is just ringing the caller (glare), that call is accepted instead.
 * @param id  of the call
 * @return 0, AURA_EINVAL (nobody, oneself, the same one twice, too many, no device), AURA_ELIMIT
 *         (max_calls, AURA_CALL_OUTGOING_MAX), AURA_ENOMEM
 */
AURA_NODISCARD int aura_calls_ring(struct aura_calls *c, const struct aura_call_request *r,
                                   char id[AURA_CALL_ID_BYTES]);
/** Would that begin a call, and not be one that there is (the same asked for again, or glare)? */
bool aura_calls_begins(const struct aura_calls *c, const struct aura_call_request *r);
/** The first device wins; asking again is fine. @return 0, AURA_ENOENT (no such call of this
 * person), AURA_ESTATE (another device has it, or it does not ring any more) */
AURA_NODISCARD int aura_calls_accept(struct aura_calls *c, const char *call,
                                     const struct aura_id *who, const char *device);
/** For all devices of the person. @param why  AURA_CALL_DECLINED, AURA_CALL_BUSY or
 * AURA_CALL_UNREACHABLE. @return as above */
AURA_NODISCARD int aura_calls_decline(struct aura_calls *c, const char *call,
                                      const struct aura_id *who, const char *device,
                                      enum aura_call_reason why);
/** Hangs up, from whichever device; the initiator cancels so what nobody has accepted yet.
 * @return 0, AURA_ENOENT, AURA_ESTATE (not in it) */
AURA_NODISCARD int aura_calls_leave(struct aura_calls *c, const char *call,
                                    const struct aura_id *who);
/** Somebody in the call rings another person too. @return 0, AURA_ENOENT, AURA_ESTATE (not in the
 * call), AURA_EEXISTS (is in it or rings already), AURA_ELIMIT, AURA_ENOMEM */
AURA_NODISCARD int aura_calls_add(struct aura_calls *c, const char *call, const struct aura_id *by,
                                  const struct aura_id *who);
/** As add, and who asked leaves when the other accepts; until then, and if not, nothing changes. */
AURA_NODISCARD int aura_calls_transfer(struct aura_calls *c, const char *call,
                                       const struct aura_id *by, const struct aura_id *to);

/** A device did not come back: its person leaves what that device was in. */
void aura_calls_gone(struct aura_calls *c, const struct aura_id *who, const char *device);
/** A person is no more: leaves what they are in, and rings nowhere. */
void aura_calls_forget(struct aura_calls *c, const struct aura_id *who);
/** Is it in a call, or begins one? */
bool aura_calls_holds(const struct aura_calls *c, const struct aura_id *who, const char *device);
/** Does @p by ring @p who just now? */
bool aura_calls_rings(const struct aura_calls *c, const struct aura_id *by,
                      const struct aura_id *who);

/** What is so now; all borrowed until the next call. */
struct aura_call_view {
    const struct aura_id *initiator;
    bool video, connected;
};
struct aura_leg_view {
    const struct aura_id *who, *by;
    const char *device, *by_device; /* "" = none yet; `by` is who rings or has rung it */
    enum aura_leg_state state;
};
/** Shows a call to @p who, who must be in it or be rung by it. @param leg  may be NULL; called for
 * each, @p who first. @return 0 or AURA_ENOENT */
AURA_NODISCARD int aura_calls_look(const struct aura_calls *c, const char *call,
                                   const struct aura_id *who, struct aura_call_view *out,
                                   void (*leg)(void *arg, const struct aura_leg_view *leg),
                                   void *arg);

/** A device has come back: tells it what is so now (RING, or JOIN and a PERSON for each other). */
void aura_calls_present(struct aura_calls *c, const struct aura_id *who, const char *device);

const char *aura_call_reason_name(enum aura_call_reason reason);

#endif
