/* SPDX-License-Identifier: Apache-2.0 */
#include "client/thread.h"

enum { GOODBYE_MS = 300 }; /* for the last messages to leave */

static void on_goodbye(void *arg) {
    struct aura_client_thread *t = arg;
    aura_loop_stop(t->loop);
}

static void on_stop(void *arg) {
    struct aura_client_thread *t = arg;
    t->leave(t->arg);
    if (aura_timer_start(aura_loop_timers(t->loop), &t->goodbye, GOODBYE_MS * AURA_US_PER_MS,
                         on_goodbye, t)) {
        aura_loop_stop(t->loop);
    }
}

static void on_turn_end(void *arg) {
    struct aura_client_thread *t = arg;
    aura_ports_flush(t->env.ports);
    aura_signals_turn(t->env.signals);
}

static void *run(void *arg) {
    struct aura_client_thread *t = arg;
    (void)aura_loop_run(t->loop);
    return NULL;
}

int aura_client_thread_start(struct aura_client_thread *t,
                             const struct aura_client_thread_conf *conf) {
    int err = aura_loop_new(&t->loop, aura_clock_system());
    if (!err) {
        err = aura_signals_new(&t->env.signals, t->loop, conf->tls);
    }
    if (!err) {
        err = aura_ports_new(&t->env.ports, t->loop, conf->sharing, conf->gro);
    }
    if (err) {
        return err;
    }
    t->env.loop = t->loop;
    t->env.rand = conf->rand;
    t->env.identity = conf->identity;
    t->env.meter = &t->meter;
    aura_loop_set_turn_end(t->loop, on_turn_end, t);
    t->running = pthread_create(&t->thread, NULL, run, t) == 0;
    return t->running ? 0 : AURA_EIO;
}

void aura_client_thread_end(struct aura_client_thread *t, void (*leave)(void *arg), void *arg) {
    if (t->running) {
        t->leave = leave;
        t->arg = arg;
        aura_loop_post_task(t->loop, &t->stop, on_stop, t);
        pthread_join(t->thread, NULL);
        t->running = false;
        /* What the clients posted when they went, if the thread was too busy to come to it. */
        (void)aura_loop_run_once(t->loop, 0);
        (void)aura_loop_run_once(t->loop, 0);
    }
    if (t->loop) {
        aura_signals_free(t->env.signals);
        aura_ports_free(t->env.ports);
        aura_loop_set_turn_end(t->loop, NULL, NULL);
        aura_loop_free(t->loop);
        t->loop = NULL;
    }
}
