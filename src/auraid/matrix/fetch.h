/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file fetch.h  One HTTPS request to a server that a stranger has named.
 *
 * The host is resolved once, each of its addresses is vetted, and only vetted ones are dialled: the
 * name is not asked for again, so no second answer can lead elsewhere (DNS rebinding), and the
 * socket's address is vetted once more when it is opened. Redirects are told, never followed here.
 * No proxy, no cookies, no credentials of this machine but those that a request gives.
 *
 * Threading: blocks its thread until the deadline at most, plus what the system's resolver takes
 * (see aura_fetch_thread()). Made for the threads of pool.h.
 */
#ifndef AURA_AURAID_MATRIX_FETCH_H
#define AURA_AURAID_MATRIX_FETCH_H

#include "auraid/matrix/vet.h"
#include "base/buf.h"
#include "base/clock.h"

enum {
    AURA_FETCH_BODY_BYTES_MAX = 64 * 1024,
    AURA_FETCH_HEADER_BYTES_MAX = 16 * 1024,
    AURA_FETCH_ADDRESSES_MAX = 8, /* of one name that are tried */
    AURA_FETCH_URL_BYTES_MAX = 4096,
};

/** What all requests have in common; outlives them, never changes. */
struct aura_fetch_conf {
    struct aura_vet vet;
    const char *ca_file; /* PEM of who is believed besides the system's; "" = nobody else */
    const struct aura_clock *clock;
};

struct aura_fetch {
    const char *url;  /* http://, too, but that only to addresses that the operator lists */
    const char *dial; /* host that is resolved and dialled instead of the URL's, at the URL's port;
                         the certificate must be of the URL's host all the same. NULL = the URL's */
    const char *host_header; /* NULL = the URL's host */
    const char *method;      /* NULL = POST with a body, GET without */
    const char *bearer;      /* token of our own for it; NULL = none */
    const char *body;        /* JSON; NULL = none */
    uint64_t until_us;       /* on the clock */
};

struct aura_fetched {
    int status;           /* HTTP */
    struct aura_buf body; /* init with AURA_BUF(AURA_FETCH_BODY_BYTES_MAX); freed by the caller */
    char location[1024];  /* absolute URL that it redirects to; "" = it does not */
    int64_t max_age_s;    /* Cache-Control; -1 = it does not say */
    const char *why;      /* of a failure, for people; a constant without what the peer said */
};

/** Once before the first thread, and after the last. @return 0 or AURA_ENOMEM */
AURA_NODISCARD int aura_fetch_begin(void);
void aura_fetch_end(void);
/** Once in a thread before its first request: so that the resolver gives up after a second or so a
 * server rather than fifteen. */
void aura_fetch_thread(void);

/**
 * @return 0: there is an answer, whatever its status; AURA_EINVAL (URL), AURA_ENOENT (name does not
 * resolve), AURA_EPOLICY (no address that may be dialled), AURA_ETIMEDOUT, AURA_ELIMIT (body too
 * long), AURA_EIO (connection, TLS, HTTP), AURA_ENOMEM; out->why tells
 */
AURA_NODISCARD int aura_fetch(const struct aura_fetch_conf *conf, const struct aura_fetch *f,
                              struct aura_fetched *out);

#endif
