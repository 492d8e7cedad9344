/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What one forwarded packet costs: one publisher, N subscribers on one media worker, over loopback.
 * Prints the worker thread's CPU time for each packet that went out, the kernel's part
 * included.
 *
 *   bench_forward [subscribers] [packets] [payload bytes]
 */
#include "env.h"

#include "sfu/sfu_priv.h"
#include "sfu/worker.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { SUBSCRIBERS_MAX = 200 };

static uint64_t thread_ns(pthread_t thread) {
    clockid_t id;
    struct timespec t;
    if (pthread_getcpuclockid(thread, &id) || clock_gettime(id, &t)) {
        return 0;
    }
    return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static unsigned number(int argc, char **argv, int at, unsigned fallback, unsigned max) {
    unsigned long n = argc > at ? strtoul(argv[at], NULL, 10) : 0;
    return n == 0 ? fallback : (unsigned)(n > max ? max : n);
}

int main(int argc, char **argv) {
    unsigned subscribers = number(argc, argv, 1, 20, SUBSCRIBERS_MAX);
    unsigned packets = number(argc, argv, 2, 20000, 10000000);
    unsigned bytes = number(argc, argv, 3, 1000, 1200);
    static struct client from, to[SUBSCRIBERS_MAX];
    struct env e;
    struct aura_sfu_counters n, before;
    struct aura_media m = env_video("1");
    env_start(&e, 1, 0);
    from.no_sctp = true;
    e.clients[e.client_count++] = &from;
    client_start(&from, e.loop, e.sfu, 0, false);
    WAIT_FOR(e.loop, from.connected && from.state == AURA_PC_CONNECTED);
    aura_pub_id pub = env_publish(&e, &from, &m, 500, 501);
    for (unsigned i = 0; i < subscribers; i++) {
        to[i].no_sctp = true;
        client_start(&to[i], e.loop, e.sfu, 0, false);
        WAIT_FOR(e.loop, to[i].connected);
        env_subscribe(&e, &to[i], pub, &m, 9000, 9001);
    }
    uint16_t seq = 0;
    WAIT_FOR(e.loop, (env_send_vp8(&from, 500, seq, seq, true, bytes), seq++, to[0].count > 3));
    for (unsigned i = 0; i < subscribers; i++) {
        aura_loop_remove_fd(&to[i].watch); /* the receivers' work is not what is measured */
    }
    pthread_t thread = e.sfu->shared.workers[0]->thread;
    aura_sfu_counters(e.sfu, &before);
    uint64_t cpu_ns = thread_ns(thread);
    for (unsigned i = 0; i < packets; i++, seq++) {
        env_send_vp8(&from, 500, seq, seq, false, bytes);
        if (i % 8 == 7) {
            /* As a picture's packets come: a few at a time, then the worker may rest. */
            uint64_t until = before.packets_in + i;
            do {
                aura_sfu_counters(e.sfu, &n);
            } while (n.packets_in < until);
        }
    }
    cpu_ns = thread_ns(thread) - cpu_ns;
    aura_sfu_counters(e.sfu, &n);
    uint64_t out = n.packets_out - before.packets_out;
    printf("%u subscribers, %u packets of %u bytes: %llu out, %.0f ns of CPU for each, "
           "%.3f system calls for each\n",
           subscribers, packets, bytes, (unsigned long long)out, (double)cpu_ns / (double)out,
           (double)(n.syscalls_out - before.syscalls_out) / (double)out);
    for (unsigned i = 0; i < subscribers; i++) {
        client_stop(&to[i]);
    }
    env_stop(&e);
    return 0;
}
