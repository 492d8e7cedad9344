/* SPDX-License-Identifier: Apache-2.0 */
#include "sfu/worker.h"
#include "sfu/aic_inbox.h"

#include "base/mem.h"
#include "sfu/demux.h"
#include "sfu/downlink.h"
#include "sfu/peer.h"
#include "sfu/source.h"

#include <signal.h>
#include <stdio.h>

static void flush_outboxes(void *arg, uint64_t now_us) {
    (void)now_us;
    struct aura_worker *w = arg;
    bool waiting = !aura__outbox_flush(&w->to_control);
    for (size_t i = 0; i < w->shared->worker_count; i++) {
        waiting |= w->to_worker[i].ring && !aura__outbox_flush(&w->to_worker[i]);
    }
    if (waiting) {
        aura__wheel_add(&w->wheel, &w->flush_due, AURA_WHEEL_SLOT_US, flush_outboxes, w);
    }
}

static void tell(struct aura_worker *w, struct aura_outbox *o, struct aura_msg *m) {
    if (aura__outbox_send(o, m)) {
        if (m->type == AURA_MSG_DATA_IN) {
            const struct aura_msg_bytes *bytes = m->ptr;
            atomic_fetch_sub_explicit(&w->shared->data_waiting, sizeof(*bytes) + bytes->len,
                                      memory_order_relaxed);
        }
        aura__drop(w, AURA_DROP_RING_FULL);
        aura__msg_discard(m);
    } else if (aura__outbox_waiting(o)) {
        aura__wheel_ensure(&w->wheel, &w->flush_due, AURA_WHEEL_SLOT_US, flush_outboxes, w);
    }
}

void aura__worker_tell(struct aura_worker *w, struct aura_msg *m) {
    tell(w, &w->to_control, m);
}

void aura__worker_tell_worker(struct aura_worker *w, unsigned to, struct aura_msg *m) {
    m->n = w->index;
    tell(w, &w->to_worker[to], m);
}

void aura__worker_share(struct aura_worker *w, unsigned to, const struct aura_msg *m) {
    aura__packet_ref(m->ptr);
    if (aura_ring_push_quiet(w->shared->workers[to]->media, m)) {
        aura__packet_unref(m->ptr, w->pool);
        aura__drop(w, AURA_DROP_RING_FULL);
        return;
    }
    w->media_woken[to] = true;
    w->media_touched = true;
}

static void measure_rate(struct aura_worker *w, uint64_t now_us) {
    uint64_t passed_us = now_us - w->rate_us;
    if (passed_us >= AURA_SFU_LINGER_LOOK_US) {
        uint64_t packets = atomic_load_explicit(&w->counters.packets_out, memory_order_relaxed);
        w->rate_pps = (packets - w->rate_packets) * AURA_US_PER_S / passed_us;
        w->rate_packets = packets;
        w->rate_us = now_us;
    }
}

static void linger_over(void *arg) {
    struct aura_worker *w = arg;
    aura__source_flush_all(w);
    w->linger_since_us = 0;
}

/* Sends what came in this turn, or waits for a moment for more. */
static void flush_batches(struct aura_worker *w) {
    if (aura_list_empty(&w->batches)) {
        return;
    }
    measure_rate(w, aura__now(w));
    if (w->rate_pps < AURA_SFU_LINGER_FROM || w->stopping) {
        linger_over(w);
    } else if (!w->linger_since_us) {
        w->linger_since_us = aura__now(w);
        if (aura_timer_start(aura_loop_timers(w->loop), &w->linger, AURA_SFU_LINGER_US, linger_over,
                             w)) {
            linger_over(w);
        }
    }
}

static void turn_end(void *arg) {
    struct aura_worker *w = arg;
    uint64_t in = 0, out = 0, dropped = 0;
    flush_batches(w);
    for (size_t i = 0; i < w->socket_count; i++) {
        aura_udp_flush(w->sockets[i].udp);
        const struct aura_udp_stats *s = aura_udp_stats(w->sockets[i].udp);
        in += s->syscalls_in;
        out += s->syscalls_out;
        dropped += s->dropped_again + s->dropped_error;
    }
    atomic_store_explicit(&w->counters.syscalls_in, in, memory_order_relaxed);
    atomic_store_explicit(&w->counters.syscalls_out, out, memory_order_relaxed);
    atomic_store_explicit(&w->counters.send_dropped, dropped, memory_order_relaxed);
    atomic_store_explicit(&w->counters.allocations, aura_mem_count(), memory_order_relaxed);
    if (!w->media_touched) {
        return;
    }
    w->media_touched = false;
    for (size_t i = 0; i < w->shared->worker_count; i++) {
        if (w->media_woken[i]) {
            w->media_woken[i] = false;
            aura_ring_wake(w->shared->workers[i]->media);
        }
    }
}

static void udp_packet(void *arg, const struct aura_udp_packet *packet) {
    aura__demux_udp(arg, packet);
}

static void udp_readable(void *arg, struct aura_watch *watch, unsigned events) {
    (void)watch;
    (void)events;
    struct aura_sfu_socket *socket = arg;
    aura_udp_recv(socket->udp, udp_packet, socket);
}

static void handle(void *arg, void *message) {
    aura__worker_handle(arg, message);
}

static void inbox_readable(void *arg, struct aura_watch *watch, unsigned events) {
    (void)watch;
    (void)events;
    struct aura_worker *w = arg;
    aura_ring_drain(w->inbox, 1024, handle, w);
}

static void media_readable(void *arg, struct aura_watch *watch, unsigned events) {
    (void)watch;
    (void)events;
    struct aura_worker *w = arg;
    aura_ring_drain(w->media, 1024, handle, w);
}

static int watch_socket(struct aura_worker *w, struct aura_sfu_socket *s) {
    s->worker = w;
    w->socket_count++;
    return aura_loop_add_fd(w->loop, &s->watch, aura_udp_fd(s->udp), AURA_LOOP_READ, udp_readable,
                            s);
}

/* The port of the first worker. That one asks for it alone before: a shared port would not tell
 * that another program has it. */
static int share_port(const struct aura_worker *w, struct aura_sfu_socket *s,
                      struct aura_udp_conf *conf) {
    conf->bind.port = w->shared->conf.udp_port;
    if (w->index > 0) {
        const struct aura_worker *first = w->shared->workers[0];
        if (w->socket_count >= first->socket_count) {
            return AURA_EINVAL; /* a family that the first did not get either */
        }
        conf->bind = *aura_udp_local(first->sockets[w->socket_count].udp);
    } else {
        struct aura_udp *alone;
        int err = aura_udp_new(&alone, conf);
        if (err) {
            return err;
        }
        aura_udp_free(alone);
    }
    conf->shared = true;
    return aura_udp_new(&s->udp, conf);
}

static int add_socket(struct aura_worker *w, const struct aura_addr *bind) {
    struct aura_sfu_socket *s = &w->sockets[w->socket_count];
    struct aura_udp_conf conf = {.bind = *bind};
    uint16_t base = w->shared->conf.udp_port;
    if (base && !w->shared->conf.single_port && base + w->index > UINT16_MAX) {
        return AURA_EINVAL;
    }
    conf.bind.port = (uint16_t)(base ? base + w->index : 0);
    if (w->shared->conf.single_port) {
        int err = share_port(w, s, &conf);
        return err ? err : watch_socket(w, s);
    }
    int err = aura_udp_new(&s->udp, &conf);
    return err ? err : watch_socket(w, s);
}

static int add_listener(struct aura_worker *w, const struct aura_addr *bind) {
    struct aura_tcp_conf conf = {.bind = *bind};
    conf.bind.port = w->shared->conf.tcp_port;
    int err = aura_tcp_listen(&w->listeners[w->listener_count], w->loop, &conf,
                              &aura__demux_tcp_first, w);
    if (!err) {
        w->listener_count++;
    }
    return err;
}

/* With no address given: all of both families, and a machine without IPv6 is fine. */
static int open_sockets(struct aura_worker *w, const struct aura_addr *binds, size_t count) {
    static const struct aura_addr all[] = {{.family = AURA_FAMILY_V4}, {.family = AURA_FAMILY_V6}};
    bool any = count == 0;
    if (any) {
        binds = all;
        count = 2;
    }
    if (count > AURA_SFU_SOCKETS_MAX) {
        return AURA_ELIMIT;
    }
    for (size_t i = 0; i < count; i++) {
        bool optional = any && i > 0;
        int err = add_socket(w, &binds[i]);
        if (err && !optional) {
            return err;
        }
        if (w->index == 0 && w->shared->conf.tcp_port && !err) {
            err = add_listener(w, &binds[i]);
            if (err && !optional) {
                return err;
            }
        }
    }
    return 0;
}

static int make_maps(struct aura_worker *w) {
    int err = aura_map_new(&w->paths, (size_t)AURA_SFU_PEERS_MAX * AURA_SFU_PEER_PATHS_MAX);
    err = err ? err : aura_map_new(&w->ufrags, (size_t)AURA_SFU_PEERS_MAX * 2);
    err = err ? err : aura_map_new(&w->peers, AURA_SFU_PEERS_MAX);
    err = err ? err : aura_map_new(&w->sources, AURA_SFU_TRACKS_MAX);
    err = err ? err : aura_map_new(&w->subs, AURA_SFU_TRACKS_MAX);
    err =
        err ? err : aura_map_new(&w->routes, (size_t)AURA_SFU_PEERS_MAX * AURA_SFU_PEER_PATHS_MAX);
    return err ? err : aura_map_new(&w->conns, AURA_TCP_CONNECTIONS_MAX);
}

static int make_rings(struct aura_worker *w) {
    int err = aura_ring_new(&w->inbox, AURA_SFU_INBOX_SLOTS, sizeof(struct aura_msg));
    err = err ? err : aura_ring_new(&w->media, AURA_SFU_MEDIA_SLOTS, sizeof(struct aura_msg));
    err = err ? err
              : aura_loop_add_fd(w->loop, &w->inbox_watch, aura_ring_fd(w->inbox), AURA_LOOP_READ,
                                 inbox_readable, w);
    return err ? err
               : aura_loop_add_fd(w->loop, &w->media_watch, aura_ring_fd(w->media), AURA_LOOP_READ,
                                  media_readable, w);
}

int aura__worker_new(struct aura_worker **wp, struct aura_sfu_shared *shared, unsigned index,
                     const struct aura_addr *binds, size_t bind_count) {
    struct aura_worker *w = aura_zalloc(sizeof(*w));
    if (!w) {
        return AURA_ENOMEM;
    }
    w->shared = shared;
    w->index = index;
    int err = aura_loop_new(&w->loop, shared->clock);
    if (err) {
        goto out;
    }
    aura__wheel_init(&w->wheel, aura_loop_timers(w->loop));
    aura_list_init(&w->speaking);
    aura_list_init(&w->batches);
    aura_loop_set_turn_end(w->loop, turn_end, w);
    aura__outbox_init(&w->to_control, shared->events);
    err = make_maps(w);
    err = err ? err : aura__packet_pool_new(&w->pool);
    err = err ? err : make_rings(w);
    if (!err && shared->conf.aic) {
        err = aura__aic_inbox_new(&w->aic, w);
    }
    err = err ? err : open_sockets(w, binds, bind_count);
    if (err) {
        goto out;
    }
    *wp = w;
    w = NULL;
out:
    aura__worker_free(w);
    return err;
}

void aura__worker_connect(struct aura_worker *w) {
    for (size_t i = 0; i < w->shared->worker_count; i++) {
        aura__outbox_init(&w->to_worker[i], w->shared->workers[i]->inbox);
    }
}

static void close_all(struct aura_worker *w) {
    size_t it = 0;
    struct aura_peer *peer;
    w->stopping = true;
    aura_timer_stop(aura_loop_timers(w->loop), &w->linger);
    while ((peer = aura_map_next(w->peers, &it)) != NULL) {
        aura__peer_close(peer);
    }
    aura__demux_tcp_close_all(w);
    turn_end(w);
}

static void *thread_main(void *arg) {
    struct aura_worker *w = arg;
    if (aura_loop_run(w->loop)) {
        AURA_BUG_ON(true); /* epoll refused to wait: nothing on this worker can go on */
    }
    close_all(w);
    aura__wheel_remove(&w->flush_due);
    aura__wheel_remove(&w->levels_due);
    aura__wheel_remove(&w->stats_due);
    return NULL;
}

int aura__worker_start(struct aura_worker *w) {
    sigset_t all, before;
    char name[16];
    sigfillset(&all);
    /* Signals are the main thread's business. */
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int err = pthread_create(&w->thread, NULL, thread_main, w) ? AURA_ENOMEM : 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (!err) {
        w->started = true;
        snprintf(name, sizeof(name), "media-%u", w->index);
        pthread_setname_np(w->thread, name);
    }
    return err;
}

void aura__worker_stop(struct aura_worker *w) {
    if (w->started) {
        aura_loop_stop(w->loop);
        pthread_join(w->thread, NULL);
        w->started = false;
    }
}

struct aura_worker *aura__worker_free(struct aura_worker *w) {
    if (!w) {
        return NULL;
    }
    for (size_t i = 0; i < w->listener_count; i++) {
        aura_tcp_listener_free(w->listeners[i]);
    }
    aura_loop_remove_fd(&w->inbox_watch);
    aura_loop_remove_fd(&w->media_watch);
    for (size_t i = 0; i < w->socket_count; i++) {
        aura_loop_remove_fd(&w->sockets[i].watch);
        aura_udp_free(w->sockets[i].udp);
    }
    aura__outbox_free(&w->to_control);
    for (size_t i = 0; i < AURA_SFU_WORKERS_MAX; i++) {
        aura__outbox_free(&w->to_worker[i]);
    }
    aura__aic_inbox_free(w->aic);
    aura__queue_free_spares(w);
    aura__wheel_stop(&w->wheel);
    aura_ring_free(w->inbox);
    aura_ring_free(w->media);
    aura_map_free(w->paths);
    aura_map_free(w->ufrags);
    aura_map_free(w->peers);
    aura_map_free(w->sources);
    aura_map_free(w->subs);
    aura_map_free(w->routes);
    aura_map_free(w->conns);
    aura__packet_pool_free(w->pool);
    aura_loop_free(w->loop);
    aura_free(w);
    return NULL;
}
