/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file tcp.h  TCP listener and connections with RFC 4571 framing (16-bit length), for ICE-TCP.
 *
 * A connection belongs to the loop that it is attached to. aura_tcp_detach() takes it off, then it
 * may be handed to another thread, which calls aura_tcp_attach(): bytes already read go along.
 * Lifetime: a connection lives until its owner calls aura_tcp_close() or `closed` has been called;
 * in both cases no callback comes after, and the pointer is gone when the current callback returns.
 */
#ifndef AURA_NET_TCP_H
#define AURA_NET_TCP_H

#include "net/addr.h"
#include "net/loop.h"

struct aura_tcp_listener;
struct aura_tcp;

enum {
    AURA_TCP_FRAME_MAX = 8192,      /* longest frame taken from a peer; longer ones close it */
    AURA_TCP_OUT_MAX = 512 * 1024,  /* bytes waiting to be sent on one connection */
    AURA_TCP_CONNECTIONS_MAX = 4096 /* default ceiling for one listener */
};

struct aura_tcp_handlers {
    /* One frame; data may be overwritten and is gone when the callback returns. */
    void (*frame)(void *arg, struct aura_tcp *c, uint8_t *data, size_t len);
    /* It is over: AURA_ECLOSED (by the peer), AURA_ETIMEDOUT (idle), AURA_ELIMIT (frame too long),
     * AURA_EIO. */
    void (*closed)(void *arg, struct aura_tcp *c, int why);
};

struct aura_tcp_conf {
    struct aura_addr bind;  /* port 0 = any free one */
    size_t max_connections; /* open at one time, detached ones included; 0 = the default */
    uint64_t idle_us;       /* closed after so long without a byte from the peer; 0 = 60 s */
    uint64_t first_us;      /* … before the first frame; 0 = 10 s */
};

/**
 * Listens. Accepted connections are attached to @p loop with the given handlers; nothing is called
 * until the first whole frame is there, so half-open connections cost the owner nothing.
 * @return 0, AURA_EEXISTS (address in use), AURA_EINVAL, AURA_ENOMEM, AURA_EIO
 */
AURA_NODISCARD int aura_tcp_listen(struct aura_tcp_listener **lp, struct aura_loop *loop,
                                   const struct aura_tcp_conf *conf,
                                   const struct aura_tcp_handlers *handlers, void *arg);
/** Closes the listener and the connections that are still attached as it accepted them (without
 * `closed`); those that were detached live on. Returns NULL. */
struct aura_tcp_listener *aura_tcp_listener_free(struct aura_tcp_listener *l);
const struct aura_addr *aura_tcp_listener_local(const struct aura_tcp_listener *l);

struct aura_tcp_stats {
    uint64_t accepted, refused; /* refused: over max_connections or out of memory */
    uint32_t open;
};
/** Any thread. */
void aura_tcp_listener_stats(const struct aura_tcp_listener *l, struct aura_tcp_stats *out);

/**
 * Takes a connection off its loop. From inside `frame`: the frame in hand stays and is delivered
 * again after aura_tcp_attach(); its bytes may not be touched any more. Afterwards only attach and
 * close may be called on it.
 */
void aura_tcp_detach(struct aura_tcp *c);
/** Puts a detached connection on this thread's loop; frames already there come in the next turn.
 * @return 0, AURA_ENOMEM, AURA_EIO: still detached then */
AURA_NODISCARD int aura_tcp_attach(struct aura_tcp *c, struct aura_loop *loop,
                                   const struct aura_tcp_handlers *handlers, void *arg);

/** Sends one frame. @return 0, AURA_EAGAIN (too much is waiting: this frame is dropped),
 * AURA_ELIMIT (len > 65535), AURA_ECLOSED */
int aura_tcp_send(struct aura_tcp *c, const uint8_t *data, size_t len);
/** Closes and frees it; NULL is fine; allowed inside its callbacks (the memory then goes when
 * `frame` returns). */
void aura_tcp_close(struct aura_tcp *c);

const struct aura_addr *aura_tcp_remote(const struct aura_tcp *c);
const struct aura_addr *aura_tcp_local(const struct aura_tcp *c);

#endif
