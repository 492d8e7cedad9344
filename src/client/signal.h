/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file signal.h  Signalling of LiveKit clients: protobuf over a WebSocket, protocol v0 (`/rtc`).
 *
 * One struct aura_signals per thread holds libwebsockets inside the thread's loop; each connection
 * is a struct aura_signal. Threading: everything on the loop's thread.
 */
#ifndef AURA_CLIENT_SIGNAL_H
#define AURA_CLIENT_SIGNAL_H

#include "client/url.h"
#include "livekit_rtc.pb-c.h"
#include "net/loop.h"

enum {
    AURA_SIGNAL_MESSAGE_MAX = 16 << 20, /* own limit: the join response of a huge room */
    AURA_SIGNAL_QUEUE_MAX = 1 << 20,    /* bytes waiting for a slow server */
    AURA_SIGNAL_CONNECT_S = 20,
};

struct aura_signals;
struct aura_signal;

enum aura_signal_tls {
    AURA_SIGNAL_PLAIN,      /* ws:// only: no certificates are loaded */
    AURA_SIGNAL_TLS,        /* wss:// by the system's certificates */
    AURA_SIGNAL_TLS_ANYONE, /* wss://, whatever the certificate */
};

/** @return 0, AURA_ENOMEM, AURA_EIO */
AURA_NODISCARD int aura_signals_new(struct aura_signals **out, struct aura_loop *loop,
                                    enum aura_signal_tls tls);
/** Ends the connections still open, without callbacks. NULL is fine; returns NULL. */
struct aura_signals *aura_signals_free(struct aura_signals *s);
/** To be called at the end of each turn of the loop: what was queued in it goes out. */
void aura_signals_turn(struct aura_signals *s);

struct aura_signal_handlers {
    void (*opened)(void *arg);
    void (*message)(void *arg, const Livekit__SignalResponse *m); /* borrowed */
    /* Final. AURA_EAUTH (refused: 401, 403), AURA_ENOENT (404), AURA_ECLOSED (ended by the server),
     * AURA_EIO; `why` is for people, borrowed. */
    void (*closed)(void *arg, int err, const char *why);
};

/**
 * Starts to connect; callbacks come later. @param token  a join token
 * @return 0, AURA_ENOMEM, AURA_EIO (for example: the name does not resolve)
 */
AURA_NODISCARD int aura_signal_open(struct aura_signal **out, struct aura_signals *s,
                                    const struct aura_client_url *url, const char *token,
                                    bool auto_subscribe,
                                    const struct aura_signal_handlers *handlers, void *arg);
/** Queues a message. @return 0, AURA_ENOMEM, AURA_ELIMIT, AURA_ECLOSED */
int aura_signal_send(struct aura_signal *s, const Livekit__SignalRequest *m);
/** Lets go of it: what is queued still goes out, no callback comes any more. NULL is fine. */
void aura_signal_close(struct aura_signal *s);

#endif
