/* SPDX-License-Identifier: Apache-2.0 */
/** @file peer_ask.h  HTTP requests to other nodes, on the control thread's loop (libcurl). */
#ifndef AURA_API_PEER_ASK_H
#define AURA_API_PEER_ASK_H

#include "base/buf.h"
#include "net/loop.h"

struct aura_asker;

enum {
    AURA_ASK_ANSWER_BYTES_MAX = 64 << 20,
    AURA_ASK_CONNECT_MS = 2000,
    AURA_ASK_TOTAL_MAX = 10000, /* on the way at a time; more fail at once */
};

/** Borrowed until the callback returns. */
struct aura_answer {
    int status; /* 0: there was no answer; see `why` */
    const char *why;
    bool refused;  /* there was not even a connection: nothing was asked */
    bool protobuf; /* its type; else JSON or text */
    const uint8_t *body;
    size_t len;
    uint32_t rtt_us; /* from the request's end to the answer's begin */
};
typedef void(aura_answer_fn)(void *arg, const struct aura_answer *answer);

/** @param ca, certificate, key  files, borrowed for its life; ca "" = plain HTTP
 * @return 0, AURA_ENOMEM */
AURA_NODISCARD int aura_asker_new(struct aura_asker **out, struct aura_loop *loop, const char *ca,
                                  const char *certificate, const char *key);
/** Questions on their way are answered with status 0. NULL is fine. Returns NULL. */
struct aura_asker *aura_asker_free(struct aura_asker *a);

struct aura_ask_conf {
    const char *address;   /* "ip:port" */
    const char *target;    /* path and query */
    const char *bearer;    /* token; "" = none */
    const char *forwarded; /* whom we do it for: an address; "" = nobody */
    const char *type;      /* of the body; NULL = GET */
    const void *body;
    size_t len;
    uint32_t timeout_ms;
};
/** Copies what it needs. @p fn is called once, later. @return 0, AURA_ENOMEM, AURA_ELIMIT */
AURA_NODISCARD int aura_ask(struct aura_asker *a, const struct aura_ask_conf *conf,
                            aura_answer_fn *fn, void *arg);

#endif
