/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file agent.h  ICE agent of one component for a client (RFC 8445): checks, nomination, consent.
 *
 * It checks the remote candidates that it is told of from one local address; as the controlling
 * agent it nominates the first pair that works, as the controlled one it follows the peer.
 * Consent (RFC 7675) is asked for every 4 to 6 s and lost after 30 s. Pure protocol: bytes in and
 * out through calls. Threading: one thread. Memory: owned by who made it.
 */
#ifndef AURA_CLIENT_AGENT_H
#define AURA_CLIENT_AGENT_H

#include "base/rand.h"
#include "base/timer.h"
#include "net/addr.h"

#include <stddef.h>

struct aura_agent;

enum {
    AURA_AGENT_PAIRS_MAX = 16, /* remote candidates kept; more are ignored */
    AURA_AGENT_TRIES = 7,      /* of one check: RFC 8489 Rc */
    AURA_AGENT_RTO_MS = 100,   /* doubled for each try, at most AURA_AGENT_RTO_MAX_MS */
    AURA_AGENT_RTO_MAX_MS = 1600,
    AURA_AGENT_HEAD_START_MS = 10, /* of loopback candidates, the cheapest path, before others */
    AURA_AGENT_START_MS = 15000,   /* without a pair that works until then it has failed */
    AURA_AGENT_CONSENT_MS = 30000, /* RFC 7675 section 5.1 */
    AURA_AGENT_UFRAG_LEN = 8,
    AURA_AGENT_PWD_LEN = 24,
};

struct aura_agent_handlers {
    void (*send)(void *arg, const struct aura_addr *to, const uint8_t *data, size_t len);
    /* The pair to send on; again when it moves. */
    void (*selected)(void *arg, const struct aura_addr *remote);
    void (*failed)(void *arg); /* no pair works, or consent is gone; final */
};

struct aura_agent_conf {
    struct aura_timers *timers;
    struct aura_rand *rand;
};

/** Makes its own credentials. @return 0 or AURA_ENOMEM */
AURA_NODISCARD int aura_agent_new(struct aura_agent **out, const struct aura_agent_conf *conf,
                                  const struct aura_agent_handlers *handlers, void *arg);
/** Not from inside a callback. NULL is fine; returns NULL. */
struct aura_agent *aura_agent_free(struct aura_agent *a);
const char *aura_agent_ufrag(const struct aura_agent *a);
const char *aura_agent_pwd(const struct aura_agent *a);

/**
 * The peer's credentials. New ones (an ICE restart of the peer) begin the checks anew, with new
 * local credentials. @param controlling  our role
 * @return 0 or AURA_EINVAL (too long or empty)
 */
AURA_NODISCARD int aura_agent_set_remote(struct aura_agent *a, const char *ufrag, const char *pwd,
                                         bool controlling);
/** A candidate of the peer; known ones are ignored. Checks begin once the credentials are there. */
void aura_agent_add(struct aura_agent *a, const struct aura_addr *remote, uint32_t priority);
/** One STUN datagram. */
void aura_agent_recv(struct aura_agent *a, const struct aura_addr *from, const uint8_t *data,
                     size_t len);
/** The pair to send on, or NULL. */
const struct aura_addr *aura_agent_selected(const struct aura_agent *a);
/** Round trip of the last check that was answered, 0 = none. */
uint32_t aura_agent_rtt_us(const struct aura_agent *a);

/**
 * One value of a=candidate ("candidate:1 1 udp …" or without the name): UDP host and reflexive
 * candidates of component 1 with an address. @return 0, AURA_EIGNORED (another kind: TCP, relay,
 * mDNS name, component 2), AURA_EMALFORMED
 */
AURA_NODISCARD int aura_agent_candidate_parse(const char *text, struct aura_addr *addr,
                                              uint32_t *priority);

#endif
