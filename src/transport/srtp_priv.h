/* SPDX-License-Identifier: Apache-2.0 */
/** @file srtp_priv.h  What the files of the SRTP module share: the engines behind srtp.h. */
#ifndef AURA_TRANSPORT_SRTP_PRIV_H
#define AURA_TRANSPORT_SRTP_PRIV_H

#include "transport/srtp.h"

enum {
    AURA__RTP_HEADER = 12,
    AURA__RTCP_HEADER = 8,
};

/**
 * One implementation of SRTP. Lengths were checked: a packet has a whole fixed header, and to
 * protect it there are AURA_SRTP_TAIL bytes behind it. Errors are those of srtp.h.
 */
struct aura__srtp_engine {
    int (*make)(struct aura_srtp **sp, const struct aura_srtp_keys *keys);
    void (*end)(struct aura_srtp *s);
    int (*protect)(struct aura_srtp *s, uint8_t *data, size_t *len);
    int (*protect_rtcp)(struct aura_srtp *s, uint8_t *data, size_t *len);
    int (*unprotect)(struct aura_srtp *s, uint8_t *data, size_t *len);
    int (*unprotect_rtcp)(struct aura_srtp *s, uint8_t *data, size_t *len);
    void (*forget)(struct aura_srtp *s, uint32_t ssrc);
    void (*prefetch)(const struct aura_srtp *s); /* may be NULL */
};

/** What a session of every engine begins with. */
struct aura_srtp {
    const struct aura__srtp_engine *engine;
};

/** libsrtp: every profile, on every machine. NULL if the library does not start. */
const struct aura__srtp_engine *aura__srtp_lib(void);
/** Our own AES-GCM on ipsec-mb; NULL if this machine or this build has none. */
const struct aura__srtp_engine *aura__srtp_gcm(void);

AURA_NODISCARD int aura__srtp_new_by(const struct aura__srtp_engine *engine, struct aura_srtp **sp,
                                     const struct aura_srtp_keys *keys);

#endif
