/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file worker.h  A media worker: one thread with its loop, sockets, peers and tracks.
 *
 * Threading: all but aura__worker_new/start/stop/free belongs to the worker's own thread. Private
 * to src/sfu.
 */
#ifndef AURA_SFU_WORKER_H
#define AURA_SFU_WORKER_H

#include "base/map.h"
#include "net/loop.h"
#include "net/tcp.h"
#include "net/udp.h"
#include "sfu/message.h"
#include "sfu/packet.h"
#include "sfu/sfu.h"
#include "sfu/wheel.h"

#include <pthread.h>

enum {
    AURA_SFU_WORKERS_MAX = 32, /* the first character of a ufrag names the worker */
    AURA_SFU_SOCKETS_MAX = 8,
    AURA_SFU_PEERS_MAX = 10000,        /* on one worker */
    AURA_SFU_PEER_PATHS_MAX = 16,      /* 5-tuples of one peer */
    AURA_SFU_PEER_PUBS_MAX = 64,       /* published tracks of one peer */
    AURA_SFU_PEER_SUBS_MAX = 2000,     /* subscribed tracks of one peer */
    AURA_SFU_PEER_SSRCS_MAX = 256,     /* SSRCs that a peer sends from */
    AURA_SFU_TRACKS_MAX = 200000,      /* published or subscribed tracks on one worker */
    AURA_SFU_INBOX_SLOTS = 16384,      /* messages to a worker */
    AURA_SFU_MEDIA_SLOTS = 16384,      /* packets from other workers */
    AURA_SFU_EVENT_SLOTS = 32768,      /* messages to the control thread */
    AURA_SFU_MESSAGE_BYTES = 262144,   /* of one data channel message */
    AURA_SFU_NODE_PATIENCE_MS = 1000,  /* without a check from another node: its way is lost */
    AURA_SFU_PENDING_BYTES = 1 << 20,  /* reliable data waiting for one peer's channel */
    AURA_SFU_LOSSY_BYTES = 128 * 1024, /* queued in SCTP, from which lossy data is dropped */
    AURA_SFU_LOSSY_WAITING = 8 << 20,  /* data_waiting from which lossy messages are dropped */
    AURA_SFU_DATA_WAITING = 64 << 20,  /* … and any */
    AURA_SFU_STATS_US = 5000000,
    AURA_SFU_REPORT_US = 1000000, /* sender and receiver reports */
    /* A busy worker waits so long for more packets to send together: a frame's packets leave as one
     * (UDP_SEGMENT), which halves what they cost. A worker that sends little sends at once. */
    AURA_SFU_LINGER_US = 1000,
    AURA_SFU_LINGER_FROM = 5000, /* packets out a second */
    AURA_SFU_LINGER_LOOK_US = 250000,
};

struct aura_aic_inbox;
struct aura_queued;
struct aura_worker;

/** What all workers share; written before their threads start, read-only after that. */
struct aura_sfu_shared {
    struct aura_sfu_conf conf; /* without the address arrays, defaults filled in */
    const struct aura_clock *clock;
    struct aura_rand *rand;
    struct aura_dtls_identity *identity;
    struct aura_ring *events; /* to the control thread */
    _Atomic uint64_t
        data_waiting; /* bytes of data messages that the control thread has to handle */
    size_t worker_count;
    struct aura_worker *workers[AURA_SFU_WORKERS_MAX];
};

/** Written by the worker, read by any thread: relaxed single-writer atomics. */
struct aura_worker_counters {
    _Atomic uint64_t packets_in, packets_out, bytes_in, bytes_out, retransmits_out, data_in,
        data_out;
    _Atomic uint64_t retransmit_bytes_out;
    _Atomic uint64_t forward_us, forward_us2, forward[AURA_SFU_FORWARD_BUCKETS];
    _Atomic uint64_t nack_in, nack_out, pli_in, pli_out, fir_in;
    _Atomic uint64_t drops[16];
    _Atomic uint64_t syscalls_in, syscalls_out, send_dropped, allocations;
    _Atomic uint64_t peers, pubs, subs, handed_over;
    _Atomic uint64_t aic_sent, aic_native, aic_frames, aic_late, aic_latency_us;
    _Atomic uint64_t aic_latency[AURA_SFU_AIC_BUCKETS], aic_fallbacks[AURA_AIC_REASONS];
    _Atomic uint64_t peers_closed; /* also those that could not be made */
};

/** Adds to a counter that only this thread writes: a plain add, no locked instruction. */
static inline void aura__count(_Atomic uint64_t *c, uint64_t n) {
    atomic_store_explicit(c, atomic_load_explicit(c, memory_order_relaxed) + n,
                          memory_order_relaxed);
}

struct aura_sfu_socket {
    struct aura_worker *worker;
    struct aura_udp *udp;
    struct aura_watch watch;
};

/** One ICE-TCP connection that a peer of this worker owns. */
struct aura_sfu_conn {
    struct aura_worker *worker;
    struct aura_tcp *tcp;
    uint32_t id; /* struct aura_path.tcp */
    struct aura_addr remote;
};

struct aura_worker {
    struct aura_sfu_shared *shared;
    unsigned index;
    bool started, stopping;
    pthread_t thread;
    struct aura_loop *loop;
    struct aura_wheel wheel;
    struct aura_packet_pool *pool;

    struct aura_sfu_socket sockets[AURA_SFU_SOCKETS_MAX];
    size_t socket_count;
    struct aura_tcp_listener *listeners[AURA_SFU_SOCKETS_MAX]; /* worker 0 only */
    size_t listener_count;
    uint32_t next_conn;

    struct aura_ring *inbox, *media;
    struct aura_watch inbox_watch, media_watch;
    struct aura_outbox to_control;
    struct aura_outbox to_worker[AURA_SFU_WORKERS_MAX];
    bool media_woken[AURA_SFU_WORKERS_MAX]; /* got packets this turn: wake at its end */
    bool media_touched;
    uint8_t scratch[AURA_UDP_PACKET_MAX]; /* a packet on its way to a TCP connection */
    struct aura_due flush_due, levels_due, stats_due;
    struct aura_list speaking; /* struct aura_published.level_node */

    struct aura_map *paths;   /* struct aura_path → struct aura_sfu_path */
    struct aura_map *ufrags;  /* → struct aura_peer */
    struct aura_map *peers;   /* id → struct aura_peer */
    struct aura_map *sources; /* published track id → struct aura_source, own or replica */
    struct aura_map *subs;    /* id → struct aura_subscribed */
    struct aura_map *routes;  /* single port: address → 1 + worker that it belongs to */
    struct aura_map *conns;   /* id → struct aura_sfu_conn */
    struct aura_timer linger;
    uint64_t linger_since_us; /* the first packet of the batches came; 0 = none waits */
    uint64_t rate_us, rate_packets, rate_pps;
    uint64_t sending_us;              /* the clock, when the packets were taken up that leave now */
    struct aura_list batches;         /* struct aura_source.batch_node: packets of this turn */
    struct aura_queued *spare_queued; /* entries of send queues that are not in use */
    struct aura_aic_inbox *aic;       /* NULL: there is no AI Core */
    struct aura_worker_counters counters;
};

/** Sockets are bound at once. @param binds  addresses without port. @return 0 or an error */
AURA_NODISCARD int aura__worker_new(struct aura_worker **wp, struct aura_sfu_shared *shared,
                                    unsigned index, const struct aura_addr *binds,
                                    size_t bind_count);
/** Once all workers exist: learns where the others take messages. */
void aura__worker_connect(struct aura_worker *w);
AURA_NODISCARD int aura__worker_start(struct aura_worker *w);
/** Ends the thread; its peers and tracks are gone after that. */
void aura__worker_stop(struct aura_worker *w);
/** Any thread, once no worker runs any more. Returns NULL. */
struct aura_worker *aura__worker_free(struct aura_worker *w);

/** Time at the start of the loop's turn. */
static inline uint64_t aura__now(const struct aura_worker *w) {
    return aura_loop_now_us(w->loop);
}
static inline void aura__drop(struct aura_worker *w, enum aura_sfu_drop why) {
    aura__count(&w->counters.drops[why], 1);
}

/** To the control thread; never lost unless memory runs out (then what hangs on it is freed). */
void aura__worker_tell(struct aura_worker *w, struct aura_msg *m);
/** To another worker (or to itself: then through its own ring too). */
void aura__worker_tell_worker(struct aura_worker *w, unsigned to, struct aura_msg *m);
/** Puts an AURA_MSG_PACKET into another worker's media ring, with a reference of its own; dropped
 * and counted if the ring is full. */
void aura__worker_share(struct aura_worker *w, unsigned to, const struct aura_msg *m);
/** Carries out one message (messages_in.c). */
void aura__worker_handle(struct aura_worker *w, struct aura_msg *m);

#endif
