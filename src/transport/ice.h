/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file ice.h  ICE-lite agent of one component (RFC 8445 section 2.5), with consent (RFC 7675).
 *
 * It answers checks from any 5-tuple that knows the credentials, follows the nominations of the
 * controlling peer, and takes the arrival of valid checks on the selected path as consent.
 * Threading: worker-affine. Memory: owned by who made it.
 */
#ifndef AURA_TRANSPORT_ICE_H
#define AURA_TRANSPORT_ICE_H

#include "base/rand.h"
#include "base/timer.h"
#include "net/addr.h"

#include <stddef.h>
#include <stdint.h>

struct aura_ice;

/** A 5-tuple as the socket owner knows it; compared by value. */
struct aura_path {
    struct aura_addr remote;
    uint32_t tcp; /* 0 = UDP, else the owner's id of an ICE-TCP connection */
};

bool aura_path_equal(const struct aura_path *a, const struct aura_path *b);

enum {
    AURA_ICE_UFRAG_MAX = 256, /* RFC 8839 section 5.4 */
    AURA_ICE_PWD_MAX = 256,
    AURA_ICE_PATHS_MAX = 16, /* own limit: validated 5-tuples remembered for each peer */
    AURA_ICE_DISCONNECT_MS = 10000,
    AURA_ICE_CONSENT_MS = 30000, /* RFC 7675 section 5.1 */
    AURA_ICE_DIAL_MS = 250,      /* between checks of one who dials */
    AURA_ICE_DIAL_KEPT = 8,      /* checks of which an answer may yet come */
};

enum aura_ice_state { AURA_ICE_NEW, AURA_ICE_CONNECTED, AURA_ICE_DISCONNECTED, AURA_ICE_FAILED };

struct aura_ice_handlers {
    void (*send)(void *arg, const struct aura_path *path, const uint8_t *data, size_t len);
    void (*selected)(void *arg, const struct aura_path *path);
    void (*state)(void *arg, enum aura_ice_state state);
};

/** @param ufrag,pwd  our credentials, copied. @return 0, AURA_ENOMEM, AURA_EINVAL */
AURA_NODISCARD int aura_ice_new(struct aura_ice **icep, struct aura_timers *timers,
                                const char *ufrag, const char *pwd,
                                const struct aura_ice_handlers *handlers, void *arg);
/** No callback comes after it, nor from inside. Must not be called from inside a callback. */
struct aura_ice *aura_ice_free(struct aura_ice *ice);
/** New credentials of ours; the old ones work until the first valid check with the new ones. */
AURA_NODISCARD int aura_ice_restart(struct aura_ice *ice, const char *ufrag, const char *pwd);
/** The peer's ufrag, checked in USERNAME from then on (before, any is taken). */
AURA_NODISCARD int aura_ice_set_remote(struct aura_ice *ice, const char *ufrag);
/** How long the peer may be silent until it counts as disconnected; before anything comes. */
void aura_ice_set_patience(struct aura_ice *ice, uint32_t ms);
/**
 * From now on it is the one who checks, as a controlling agent: a peer that only answers and has
 * one address, as another node of a cluster. A check goes each AURA_ICE_DIAL_MS; the first answer
 * selects the path, each one is consent. Its peer's own checks are not answered.
 * @param to  copied. @return 0, AURA_EINVAL (credentials), AURA_ESTATE (it dials), AURA_ENOMEM
 */
AURA_NODISCARD int aura_ice_dial(struct aura_ice *ice, const struct aura_path *to,
                                 const char *ufrag, const char *pwd, struct aura_rand *rand);
/** Of the newest check that was answered; 0 = none, or it does not dial. */
uint32_t aura_ice_rtt_us(const struct aura_ice *ice);
/** One STUN datagram. */
void aura_ice_recv(struct aura_ice *ice, const struct aura_path *path, const uint8_t *data,
                   size_t len);
/** True if a valid check came over this 5-tuple (and it was not forgotten since). */
bool aura_ice_path_valid(const struct aura_ice *ice, const struct aura_path *path);
/** The path to send on, or NULL. */
const struct aura_path *aura_ice_selected(const struct aura_ice *ice);
/** True if RFC 7675 lets us send media now. */
bool aura_ice_consent(const struct aura_ice *ice);
enum aura_ice_state aura_ice_state(const struct aura_ice *ice);

#endif
