/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file find.h  Where a homeserver is, from its name: Matrix's server discovery.
 *
 * IP address, or a name with a port: there. Else https://NAME/.well-known/matrix/server may name
 * another server; for that one, or for NAME if there is none, DNS SRV _matrix-fed._tcp (then the
 * older _matrix._tcp), else port 8448. (Matrix specification 1.11, Server-Server API,
 * "Resolving server names"; what it calls steps 1 to 6)
 *
 * Threading: any number of threads; blocks as fetch.h says.
 */
#ifndef AURA_AURAID_MATRIX_FIND_H
#define AURA_AURAID_MATRIX_FIND_H

#include "auraid/matrix/fetch.h"
#include "auraid/name.h"

enum {
    AURA_FIND_CACHE_MAX = 1024,      /* names whose .well-known is known */
    AURA_FIND_REDIRECTS_MAX = 3,     /* of .well-known, each vetted as a new request */
    AURA_FIND_AGE_MAX_S = 48 * 3600, /* Cache-Control may not ask for more */
    AURA_FIND_AGE_S = 24 * 3600,     /* where it says nothing */
    AURA_FIND_ABSENT_AGE_S = 3600,   /* that there is none */
    AURA_FIND_DNS_BYTES_MAX = 4096,
};

/** Requests to it: https://host:port, dialled at `dial`, with `header` as the Host header. */
struct aura_route {
    char host[AURA_SERVER_BYTES_MAX + 2]; /* whose name the certificate has; IPv6 in brackets */
    char dial[AURA_SERVER_BYTES_MAX];     /* SRV's target; "" = host */
    char header[AURA_SERVER_BYTES_MAX];
    uint16_t port;
};

struct aura_find;

/** @param conf  outlives it. @return 0 or AURA_ENOMEM */
AURA_NODISCARD int aura_find_new(struct aura_find **fp, const struct aura_fetch_conf *conf);
struct aura_find *aura_find_free(struct aura_find *f);

/** @param why  of a failure, a constant. @return 0, AURA_EMALFORMED (name), AURA_ETIMEDOUT,
 * AURA_ENOMEM */
AURA_NODISCARD int aura_find_server(struct aura_find *f, const char *server, uint64_t until_us,
                                    struct aura_route *out, const char **why);

/* ---- parts of it, for its tests ---- */

/** A name that is to be dialled as it is written: an address, or with a port. */
bool aura__find_is_direct(const struct aura_server_name *name);
void aura__find_direct(struct aura_route *out, const struct aura_server_name *name);
/** The body of .well-known/matrix/server. @return 0, or AURA_EMALFORMED: there is none then */
AURA_NODISCARD int aura__find_well_known(const void *body, size_t len,
                                         char server[AURA_SERVER_BYTES_MAX]);
/** An answer of DNS for SRV: the target that is to be tried first (lowest priority, then highest
 * weight). @return 0, AURA_ENOENT (none, or "." for: not here), AURA_EMALFORMED */
AURA_NODISCARD int aura__find_srv(const uint8_t *answer, size_t len,
                                  char target[AURA_SERVER_BYTES_MAX], uint16_t *port);

#endif
