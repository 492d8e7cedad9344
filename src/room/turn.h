/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file turn.h  TURN servers (RFC 8656) as clients are told of them, with credentials that end.
 *
 * A secret that the TURN server shares with us makes a user's credentials
 * (draft-uberti-behave-turn- rest, coturn's use-auth-secret): the user is "UNIX TIME OF THE
 * END:NAME", the password the HMAC-SHA1 of that. Pure. Threading: none of its own.
 */
#ifndef AURA_ROOM_TURN_H
#define AURA_ROOM_TURN_H

#include "base/err.h"

#include <stddef.h>
#include <stdint.h>

enum {
    AURA_TURN_SERVERS_MAX = 16,
    AURA_TURN_URL_MAX = 300,
    AURA_TURN_USER_MAX = 128,
    AURA_TURN_PASSWORD_MAX = 32, /* base64 of 20 bytes, with the NUL */
};

struct aura_turn_server {
    const char *host;     /* name or address */
    const char *protocol; /* "udp", "tcp", "tls": between client and TURN server */
    uint32_t port;
    const char *secret;                /* "" = fixed credentials: */
    const char *username, *credential; /* "" = none */
    uint32_t ttl_s;                    /* of credentials made from the secret */
};

/** "turn:HOST:PORT?transport=udp". @return 0, AURA_EINVAL (protocol), AURA_ELIMIT */
AURA_NODISCARD int aura_turn_url(const struct aura_turn_server *server, char *out, size_t cap);
/**
 * Credentials for one user from now on.
 * @param now_s  Unix time
 * @return 0, AURA_ELIMIT (name too long), AURA_ENOMEM
 */
AURA_NODISCARD int aura_turn_credentials(const struct aura_turn_server *server, const char *name,
                                         int64_t now_s, char username[AURA_TURN_USER_MAX],
                                         char password[AURA_TURN_PASSWORD_MAX]);

#endif
