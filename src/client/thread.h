/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file thread.h  A thread with a loop, and all that the clients on it share (aura_client_env).
 *
 * Threading: made and ended by one thread; work gets in by aura_loop_post_task().
 */
#ifndef AURA_CLIENT_THREAD_H
#define AURA_CLIENT_THREAD_H

#include "client/client.h"

#include <pthread.h>

struct aura_client_thread_conf {
    enum aura_signal_tls tls;
    unsigned sharing; /* as of aura_ports_new() */
    bool gro;
    struct aura_rand *rand;                    /* of this thread only */
    const struct aura_dtls_identity *identity; /* borrowed */
};

struct aura_client_thread {
    struct aura_loop *loop; /* NULL: not there */
    struct aura_client_env env;
    struct aura_meter meter;
    pthread_t thread;
    bool running;
    struct aura_task stop;
    struct aura_timer goodbye;
    void (*leave)(void *arg);
    void *arg;
};

/** @param t  zeroed, and stays where it is. @return 0, AURA_ENOMEM, AURA_EIO; then
 * aura_client_thread_end() cleans up */
AURA_NODISCARD int aura_client_thread_start(struct aura_client_thread *t,
                                            const struct aura_client_thread_conf *conf);
/** Runs `leave` on the thread, which frees its clients; lets their last messages out; ends it. */
void aura_client_thread_end(struct aura_client_thread *t, void (*leave)(void *arg), void *arg);

#endif
