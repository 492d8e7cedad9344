/* SPDX-License-Identifier: Apache-2.0 */
#include "transport/sctp_priv.h"

#include "base/err.h"
#include "base/map.h"
#include "base/mem.h"
#include "transport/sctp.h"

#include <arpa/inet.h>
#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <sys/socket.h>
#include <usrsctp.h>

enum {
    SNDBUF_MIN_BYTES = 131072, /* 10 Mbit/s at a round trip of 100 ms */
    RCVBUF_BYTES = 2 * AURA_SCTP_MESSAGE_MAX,
    COMMON_HEADER = 12, /* the library's path MTU does not count it */
    RTO_INITIAL_MS = 500,
    RTO_MIN_MS = 200,
    RTO_MAX_MS = 10000,
    RETRANSMISSIONS_MAX = 10,
    INIT_ATTEMPTS_MAX = 8,
    SACK_DELAY_MS = 20,
    ELAPSED_MAX_MS = 1000,
    ASSOCS_MAX = 1 << 20,
};

/* One for each set of timers (that is, each worker) with associations. */
struct ticker {
    struct aura_node node;
    struct aura_timers *timers;
    struct aura_timer timer;
    struct aura_list dirty; /* associations with something in their queues */
    size_t assocs;
};

struct aura__assoc {
    struct aura_node dirty_node;
    struct ticker *ticker;
    void (*work)(void *arg);
    void *arg;
    uint64_t id; /* what the stack knows us by: never reused, so late callbacks find nothing */
    struct socket *socket;
    struct aura_list outbox, inbox;
    size_t outbox_len;
};

/* The library is one global stack; this lock guards it, and everything of this file. */
static struct {
    pthread_mutex_t lock;
    bool started;
    struct aura_map *assocs; /* by id; exists while there is one */
    struct aura_list tickers;
    uint64_t next_id, ticked_us;
} stack = {.lock = PTHREAD_MUTEX_INITIALIZER};

static void lock(void) {
    AURA_BUG_ON(pthread_mutex_lock(&stack.lock));
}

static void unlock(void) {
    AURA_BUG_ON(pthread_mutex_unlock(&stack.lock));
}

static void *id_pointer(uint64_t id) {
    return (void *)(uintptr_t)id;
}

static struct aura__assoc *find(void *pointer) {
    uint64_t id = (uintptr_t)pointer;
    return stack.assocs ? aura_map_get_u64(stack.assocs, id) : NULL;
}

static void mark_dirty(struct aura__assoc *a) {
    if (!aura_node_linked(&a->dirty_node)) {
        aura_list_add(&a->ticker->dirty, &a->dirty_node);
    }
}

/* Stack callback, lock held. */
static int on_output(void *addr, void *buffer, size_t length, uint8_t tos, uint8_t set_df) {
    (void)tos;
    (void)set_df;
    struct aura__assoc *a = find(addr);
    struct aura__assoc_packet *p = NULL;
    if (a && a->outbox_len < AURA__SCTP_OUTBOX_MAX) {
        p = aura_zalloc(sizeof(*p) + length);
    }
    if (p) {
        p->len = length;
        memcpy(p->data, buffer, length);
        aura_list_add(&a->outbox, &p->node);
        a->outbox_len++;
        mark_dirty(a);
    }
    return 0; /* what did not fit counts as lost on the way */
}

/* What the library allocated must go back to its own allocator; this is how it lets us do that. */
static void free_theirs(void *data) {
    if (data) {
        usrsctp_freedumpbuffer(data);
    }
}

static void queue_event(struct aura__assoc *a, const struct aura__assoc_event *event) {
    struct aura__assoc_event *e = aura_zalloc(sizeof(*e));
    if (!e) {
        /* A message is missing from a reliable stream: only an abort is honest. */
        free_theirs(event->data);
        if (a->socket) {
            (void)usrsctp_shutdown(a->socket, SHUT_RDWR);
        }
        return;
    }
    *e = *event;
    aura_list_add(&a->inbox, &e->node);
    mark_dirty(a);
}

static void on_notification(struct aura__assoc *a, const void *data, size_t len) {
    const union sctp_notification *n = data;
    struct aura__assoc_event e = {.kind = AURA__ASSOC_DOWN};
    if (len < sizeof(n->sn_header)) {
        return;
    }
    switch (n->sn_header.sn_type) {
    case SCTP_ASSOC_CHANGE:
        if (n->sn_assoc_change.sac_state == SCTP_COMM_UP) {
            e.kind = AURA__ASSOC_UP;
        } else if (n->sn_assoc_change.sac_state == SCTP_RESTART) {
            return;
        }
        queue_event(a, &e);
        return;
    case SCTP_STREAM_RESET_EVENT: {
        const struct sctp_stream_reset_event *r = &n->sn_strreset_event;
        size_t head = sizeof(*r);
        if (!(r->strreset_flags & SCTP_STREAM_RESET_INCOMING_SSN) || r->strreset_length < head) {
            return;
        }
        e.kind = AURA__ASSOC_RESET;
        for (size_t i = 0; i < (r->strreset_length - head) / sizeof(uint16_t); i++) {
            e.stream = r->strreset_stream_list[i];
            queue_event(a, &e);
        }
        return;
    }
    case SCTP_PARTIAL_DELIVERY_EVENT:
        e.kind = AURA__ASSOC_PARTIAL;
        e.stream = (uint16_t)n->sn_pdapi_event.pdapi_stream;
        queue_event(a, &e);
        return;
    default:
        return;
    }
}

/* Stack callback, lock held; `data` becomes ours. */
static int on_receive(struct socket *socket, union sctp_sockstore from, void *data, size_t len,
                      struct sctp_rcvinfo info, int flags, void *ulp) {
    (void)socket;
    (void)from;
    struct aura__assoc *a = find(ulp);
    if (!a || !data) {
        free_theirs(data);
        return 1;
    }
    if (flags & MSG_NOTIFICATION) {
        on_notification(a, data, len);
        free_theirs(data);
        return 1;
    }
    struct aura__assoc_event e = {.kind = AURA__ASSOC_DATA,
                                  .stream = info.rcv_sid,
                                  .ppid = ntohl(info.rcv_ppid),
                                  .last = flags & MSG_EOR,
                                  .data = data,
                                  .len = len};
    queue_event(a, &e);
    return 1;
}

static void start_stack(void) {
    stack.started = true;
    stack.next_id = 1;
    aura_list_init(&stack.tickers);
    usrsctp_init_nothreads(0, on_output, NULL);
    (void)usrsctp_sysctl_set_sctp_blackhole(2);
    (void)usrsctp_sysctl_set_sctp_ecn_enable(0);
    (void)usrsctp_sysctl_set_sctp_asconf_enable(0);
    (void)usrsctp_sysctl_set_sctp_auth_enable(0);
    (void)usrsctp_sysctl_set_sctp_nrsack_enable(0);
    (void)usrsctp_sysctl_set_sctp_pktdrop_enable(0);
    (void)usrsctp_sysctl_set_sctp_pr_enable(1);
    (void)usrsctp_sysctl_set_sctp_reconfig_enable(1);
    (void)usrsctp_sysctl_set_sctp_no_csum_on_loopback(0);
    (void)usrsctp_sysctl_set_sctp_delayed_sack_time_default(SACK_DELAY_MS);
    (void)usrsctp_sysctl_set_sctp_nr_outgoing_streams_default(AURA__SCTP_STREAMS);
}

static void ticker_give(struct ticker *t) {
    if (--t->assocs == 0) {
        aura_timer_stop(t->timers, &t->timer);
        aura_node_remove(&t->node);
        aura_free(t);
    }
}

static struct aura__assoc *take_dirty(struct ticker *t) {
    struct aura__assoc *a = AURA_LIST_FIRST(&t->dirty, struct aura__assoc, dirty_node);
    if (a) {
        aura_node_remove(&a->dirty_node);
    }
    return a;
}

static void on_tick(void *arg) {
    struct ticker *t = arg;
    /* First of all, while the heap has the place that this timer just left: it cannot fail. */
    AURA_BUG_ON(
        aura_timer_start(t->timers, &t->timer, AURA_SCTP_TICK_MS * AURA_US_PER_MS, on_tick, t));
    lock();
    uint64_t now = aura_now_us(aura_timers_clock(t->timers));
    uint64_t elapsed_ms = now > stack.ticked_us ? (now - stack.ticked_us) / AURA_US_PER_MS : 0;
    if (now < stack.ticked_us || elapsed_ms > ELAPSED_MAX_MS) {
        elapsed_ms = elapsed_ms ? ELAPSED_MAX_MS : 0; /* another clock, or long idle */
        stack.ticked_us = now;
    } else {
        stack.ticked_us += elapsed_ms * AURA_US_PER_MS;
    }
    if (elapsed_ms) {
        usrsctp_handle_timers((uint32_t)elapsed_ms);
    }
    /* The work may close any association of this ticker, even the last one, which frees it. */
    t->assocs++;
    /* A bounded number: what gets dirty meanwhile was worked off by its own call or can wait. */
    for (size_t n = t->assocs; n > 0; n--) {
        struct aura__assoc *a = take_dirty(t);
        if (!a) {
            break;
        }
        unlock();
        a->work(a->arg);
        lock();
    }
    ticker_give(t);
    unlock();
}

static struct ticker *ticker_take(struct aura_timers *timers) {
    AURA_LIST_EACH(&stack.tickers, struct ticker, t, node) {
        if (t->timers == timers) {
            t->assocs++;
            return t;
        }
    }
    struct ticker *t = aura_zalloc(sizeof(*t));
    if (!t) {
        return NULL;
    }
    t->timers = timers;
    t->assocs = 1;
    aura_list_init(&t->dirty);
    if (aura_timer_start(timers, &t->timer, AURA_SCTP_TICK_MS * AURA_US_PER_MS, on_tick, t)) {
        aura_free(t);
        return NULL;
    }
    aura_list_add(&stack.tickers, &t->node);
    return t;
}

static bool set_option(struct socket *s, int option, const void *value, size_t len) {
    return usrsctp_setsockopt(s, IPPROTO_SCTP, option, value, (socklen_t)len) == 0;
}

static bool set_u32(struct socket *s, int option, uint32_t value) {
    return set_option(s, option, &value, sizeof(value));
}

static bool configure(struct socket *s, size_t message_bytes) {
    static const uint16_t events[] = {SCTP_ASSOC_CHANGE, SCTP_STREAM_RESET_EVENT,
                                      SCTP_PARTIAL_DELIVERY_EVENT};
    struct linger linger = {.l_onoff = 1, .l_linger = 0}; /* closing aborts */
    struct sctp_assoc_value reset = {.assoc_id = SCTP_ALL_ASSOC,
                                     .assoc_value = SCTP_ENABLE_RESET_STREAM_REQ |
                                                    SCTP_ENABLE_CHANGE_ASSOC_REQ};
    struct sctp_initmsg init = {.sinit_num_ostreams = AURA__SCTP_STREAMS,
                                .sinit_max_instreams = AURA__SCTP_STREAMS,
                                .sinit_max_attempts = INIT_ATTEMPTS_MAX};
    struct sctp_rtoinfo rto = {
        .srto_initial = RTO_INITIAL_MS, .srto_max = RTO_MAX_MS, .srto_min = RTO_MIN_MS};
    struct sctp_assocparams params = {.sasoc_asocmaxrxt = RETRANSMISSIONS_MAX};
    int send_bytes = message_bytes > SNDBUF_MIN_BYTES ? (int)message_bytes : SNDBUF_MIN_BYTES;
    int receive_bytes = RCVBUF_BYTES;
    bool ok = usrsctp_set_non_blocking(s, 1) == 0 &&
              usrsctp_setsockopt(s, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger)) == 0 &&
              usrsctp_setsockopt(s, SOL_SOCKET, SO_SNDBUF, &send_bytes, sizeof(int)) == 0 &&
              usrsctp_setsockopt(s, SOL_SOCKET, SO_RCVBUF, &receive_bytes, sizeof(int)) == 0 &&
              set_u32(s, SCTP_NODELAY, 1) && set_u32(s, SCTP_FRAGMENT_INTERLEAVE, 2) &&
              set_u32(s, SCTP_PARTIAL_DELIVERY_POINT, AURA_SCTP_MESSAGE_MAX) &&
              set_option(s, SCTP_ENABLE_STREAM_RESET, &reset, sizeof(reset)) &&
              set_option(s, SCTP_INITMSG, &init, sizeof(init)) &&
              set_option(s, SCTP_RTOINFO, &rto, sizeof(rto)) &&
              set_option(s, SCTP_ASSOCINFO, &params, sizeof(params));
    for (size_t i = 0; i < sizeof(events) / sizeof(events[0]); i++) {
        struct sctp_event e = {.se_assoc_id = SCTP_ALL_ASSOC, .se_type = events[i], .se_on = 1};
        ok = ok && set_option(s, SCTP_EVENT, &e, sizeof(e));
    }
    return ok;
}

static bool set_mtu(struct socket *s, const struct sockaddr_conn *peer) {
    struct sctp_paddrparams p = {.spp_pathmtu = AURA__SCTP_PACKET_MAX - COMMON_HEADER,
                                 .spp_flags = SPP_PMTUD_DISABLE | SPP_HB_ENABLE};
    memcpy(&p.spp_address, peer, sizeof(*peer));
    return set_option(s, SCTP_PEER_ADDR_PARAMS, &p, sizeof(p));
}

static int open_socket(struct aura__assoc *a, const struct aura__assoc_conf *conf) {
    struct sockaddr_conn addr = {.sconn_family = AF_CONN,
                                 .sconn_port = htons(conf->local_port),
                                 .sconn_addr = id_pointer(a->id)};
    usrsctp_register_address(id_pointer(a->id));
    a->socket =
        usrsctp_socket(AF_CONN, SOCK_STREAM, IPPROTO_SCTP, on_receive, NULL, 0, id_pointer(a->id));
    if (!a->socket || !configure(a->socket, conf->message_bytes) ||
        usrsctp_bind(a->socket, (struct sockaddr *)&addr, sizeof(addr))) {
        return AURA_EBUG;
    }
    addr.sconn_port = htons(conf->remote_port);
    /* Both ends connect: the stack resolves the simultaneous open (RFC 9260 section 5.2). */
    if (usrsctp_connect(a->socket, (struct sockaddr *)&addr, sizeof(addr)) &&
        errno != EINPROGRESS) {
        return AURA_EBUG;
    }
    return set_mtu(a->socket, &addr) ? 0 : AURA_EBUG;
}

static void close_socket(struct aura__assoc *a) {
    if (a->socket) {
        usrsctp_close(a->socket);
        a->socket = NULL;
        usrsctp_deregister_address(id_pointer(a->id));
    }
}

/* Out of the table the stack's callbacks do not find it any more. Lock held. */
static void forget(struct aura__assoc *a) {
    if (stack.assocs) {
        (void)aura_map_del_u64(stack.assocs, a->id);
        if (aura_map_count(stack.assocs) == 0) {
            stack.assocs = aura_map_free(stack.assocs);
        }
    }
}

static int enter(struct aura__assoc *a, const struct aura__assoc_conf *conf) {
    if (!stack.started) {
        start_stack();
    }
    a->id = stack.next_id++;
    if (!stack.assocs) {
        stack.ticked_us = aura_now_us(aura_timers_clock(conf->timers));
        int err = aura_map_new(&stack.assocs, ASSOCS_MAX);
        if (err) {
            return err;
        }
    }
    int err = aura_map_put_u64(stack.assocs, a->id, a);
    if (!err) {
        a->ticker = ticker_take(conf->timers);
        err = a->ticker ? open_socket(a, conf) : AURA_ENOMEM;
    }
    return err;
}

int aura__assoc_new(struct aura__assoc **ap, const struct aura__assoc_conf *conf) {
    struct aura__assoc *a = aura_zalloc(sizeof(*a));
    if (!a) {
        return AURA_ENOMEM;
    }
    a->work = conf->work;
    a->arg = conf->arg;
    aura_list_init(&a->outbox);
    aura_list_init(&a->inbox);
    lock();
    int err = enter(a, conf);
    unlock();
    if (err) {
        aura__assoc_free(a);
        return err;
    }
    *ap = a;
    return 0;
}

void aura__assoc_close(struct aura__assoc *a) {
    lock();
    close_socket(a);
    forget(a);
    aura_node_remove(&a->dirty_node);
    unlock();
}

void aura__assoc_free(struct aura__assoc *a) {
    if (!a) {
        return;
    }
    aura__assoc_close(a);
    AURA_LIST_EACH(&a->outbox, struct aura__assoc_packet, p, node) {
        aura_node_remove(&p->node);
        aura_free(p);
    }
    AURA_LIST_EACH(&a->inbox, struct aura__assoc_event, e, node) {
        aura_node_remove(&e->node);
        aura__assoc_event_free(e);
    }
    if (a->ticker) {
        lock();
        ticker_give(a->ticker);
        unlock();
    }
    aura_free(a);
}

void aura__assoc_input(struct aura__assoc *a, const uint8_t *packet, size_t len) {
    lock();
    if (a->socket) {
        usrsctp_conninput(id_pointer(a->id), packet, len, 0);
    }
    unlock();
}

int aura__assoc_send(struct aura__assoc *a, const struct aura__assoc_message *m) {
    struct sctp_sendv_spa spa = {.sendv_flags = SCTP_SEND_SNDINFO_VALID};
    spa.sendv_sndinfo.snd_sid = m->stream;
    spa.sendv_sndinfo.snd_ppid = htonl(m->ppid);
    spa.sendv_sndinfo.snd_flags = m->unordered ? SCTP_UNORDERED : 0;
    if (m->unreliable) {
        spa.sendv_flags |= SCTP_SEND_PRINFO_VALID;
        spa.sendv_prinfo.pr_policy = SCTP_PR_SCTP_RTX;
        spa.sendv_prinfo.pr_value = 0;
    }
    int err = AURA_ESTATE;
    lock();
    if (a->socket) {
        ssize_t n = usrsctp_sendv(a->socket, m->data, m->len, NULL, 0, &spa, sizeof(spa),
                                  SCTP_SENDV_SPA, 0);
        err = n >= 0 ? 0 : errno == EWOULDBLOCK || errno == EAGAIN ? AURA_EAGAIN : AURA_ESTATE;
    }
    unlock();
    return err;
}

void aura__assoc_reset(struct aura__assoc *a, uint16_t stream) {
    union {
        struct sctp_reset_streams head;
        uint8_t bytes[sizeof(struct sctp_reset_streams) + sizeof(uint16_t)];
    } r = {.head = {.srs_flags = SCTP_STREAM_RESET_OUTGOING, .srs_number_streams = 1}};
    r.head.srs_stream_list[0] = stream;
    lock();
    if (a->socket) {
        (void)set_option(a->socket, SCTP_RESET_STREAMS, &r, sizeof(r.bytes));
    }
    unlock();
}

struct aura__assoc_packet *aura__assoc_next_packet(struct aura__assoc *a) {
    lock();
    struct aura__assoc_packet *p = AURA_LIST_FIRST(&a->outbox, struct aura__assoc_packet, node);
    if (p) {
        aura_node_remove(&p->node);
        a->outbox_len--;
    }
    unlock();
    return p;
}

struct aura__assoc_event *aura__assoc_next_event(struct aura__assoc *a) {
    lock();
    struct aura__assoc_event *e = AURA_LIST_FIRST(&a->inbox, struct aura__assoc_event, node);
    if (e) {
        aura_node_remove(&e->node);
    }
    unlock();
    return e;
}

void aura__assoc_event_free(struct aura__assoc_event *e) {
    if (e) {
        free_theirs(e->data);
        aura_free(e);
    }
}

uint32_t aura__assoc_rtt_us(struct aura__assoc *a) {
    struct sctp_status st = {0};
    socklen_t n = sizeof(st);
    uint32_t us = 0;
    lock();
    if (a->socket && usrsctp_getsockopt(a->socket, IPPROTO_SCTP, SCTP_STATUS, &st, &n) == 0) {
        us = st.sstat_primary.spinfo_srtt * (uint32_t)AURA_US_PER_MS;
    }
    unlock();
    return us;
}
