/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file stun.h  STUN messages (RFC 8489) with the attributes of ICE (RFC 8445).
 *
 * Threading: pure functions. Memory: nothing is allocated; a parsed message borrows its bytes.
 */
#ifndef AURA_TRANSPORT_STUN_H
#define AURA_TRANSPORT_STUN_H

#include "base/err.h"
#include "net/addr.h"

#include <stddef.h>
#include <stdint.h>

enum aura_stun_class {
    AURA_STUN_REQUEST,
    AURA_STUN_INDICATION,
    AURA_STUN_SUCCESS,
    AURA_STUN_ERROR,
};

enum {
    AURA_STUN_BINDING = 1,
    AURA_STUN_HEADER = 20,
    AURA_STUN_MAX = 1280,         /* longest message taken or built; own limit */
    AURA_STUN_USERNAME_MAX = 513, /* RFC 8489 section 14.3: under 509 bytes of UTF-8 + margin */
    AURA_STUN_UNKNOWN_MAX = 8,    /* unknown attribute types remembered; own limit */
    AURA_STUN_TEXT_MAX = 128,     /* reason phrases that we write */
};

struct aura_stun_tid {
    uint8_t b[12];
};

/** A message as parsed, or as to be built. Pointers are borrowed. */
struct aura_stun_msg {
    enum aura_stun_class cls;
    uint16_t method;
    struct aura_stun_tid tid;
    const char *username; /* NULL = absent; not NUL-terminated */
    size_t username_len;
    bool has_mapped;
    struct aura_addr mapped; /* XOR-MAPPED-ADDRESS */
    bool has_priority;
    uint32_t priority;
    bool use_candidate;
    bool controlling, controlled;
    uint64_t tie_breaker;
    uint16_t error_code;  /* 0 = absent */
    const char *reason;   /* building: NUL-terminated; parsing: NULL */
    size_t unknown_count; /* comprehension-required types: not understood, or to be reported */
    uint16_t unknown[AURA_STUN_UNKNOWN_MAX];
    /* parsing only */
    const uint8_t *raw;
    size_t raw_len;
    size_t integrity_at; /* offset of MESSAGE-INTEGRITY, 0 = absent */
    bool has_fingerprint;
};

/**
 * Parses one datagram. A FINGERPRINT, if there, is checked; MESSAGE-INTEGRITY is not (see
 * aura_stun_check_integrity). What follows MESSAGE-INTEGRITY is ignored but FINGERPRINT.
 * @return 0, AURA_ETRUNC, AURA_EMALFORMED, AURA_ELIMIT
 */
AURA_NODISCARD int aura_stun_parse(struct aura_stun_msg *m, const uint8_t *data, size_t len);

/** HMAC-SHA1 over a parsed message with a short-term password. @return 0 or AURA_EAUTH */
AURA_NODISCARD int aura_stun_check_integrity(const struct aura_stun_msg *m, const char *pwd);

/**
 * Builds a message. @param pwd  adds MESSAGE-INTEGRITY if not NULL. FINGERPRINT is always added.
 * @return 0, AURA_ELIMIT (`cap` is too small), AURA_EINVAL
 */
AURA_NODISCARD int aura_stun_build(const struct aura_stun_msg *m, const char *pwd, uint8_t *out,
                                   size_t cap, size_t *len);

/**
 * The part of USERNAME in front of the colon (our own ufrag in a request to us), found without any
 * hashing: for choosing the session. @param ufrag  borrowed from `data`.
 * @return 0, AURA_EMALFORMED, AURA_ENOENT (not a binding request or no USERNAME)
 */
AURA_NODISCARD int aura_stun_peek_ufrag(const uint8_t *data, size_t len, const char **ufrag,
                                        size_t *ufrag_len);

#endif
