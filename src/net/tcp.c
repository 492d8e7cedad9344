/* SPDX-License-Identifier: Apache-2.0 */
#include "base/buf.h"
#include "base/bytes.h"
#include "base/mem.h"
#include "net/tcp_priv.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

enum {
    HEADER_BYTES = 2, /* RFC 4571 clause 2 */
    IN_BYTES = 2 * (HEADER_BYTES + AURA_TCP_FRAME_MAX),
    READS_PER_EVENT = 4, /* so that one connection cannot hold up the loop */
    FRAME_LIMIT = 65535, /* what the 16-bit length can say */
};

/* On the stack while `frame` runs: after a detach the connection may already live on another
 * thread, so nothing but this may be looked at then. */
struct scope {
    size_t at; /* of the frame in hand */
    bool left; /* detached */
};

struct aura_tcp {
    int fd;
    struct aura_loop *loop; /* NULL = detached */
    struct aura_watch watch;
    struct aura_timer idle, kick; /* kick: delivers what was read before attach */
    uint64_t heard_us;            /* last byte from the peer */
    bool had_frame;
    struct scope *scope; /* NULL = not inside `frame` */
    bool gone;           /* inside a callback: memory goes when it returns */
    struct aura_tcp_handlers handlers;
    void *arg;
    struct aura__tcp_quota *quota;
    struct aura_node node;
    struct aura_addr remote, local;
    struct aura_buf out;
    size_t out_at; /* bytes of `out` already sent */
    size_t in_len;
    uint8_t in[IN_BYTES];
};

bool aura__tcp_quota_take(struct aura__tcp_quota *q) {
    if (__atomic_add_fetch(&q->open, 1, __ATOMIC_RELAXED) > q->max) {
        __atomic_sub_fetch(&q->open, 1, __ATOMIC_RELAXED);
        return false;
    }
    return true;
}

void aura__tcp_quota_give(struct aura__tcp_quota *q) {
    __atomic_sub_fetch(&q->open, 1, __ATOMIC_RELAXED);
}

void aura__tcp_quota_drop_user(struct aura__tcp_quota *q) {
    if (q && __atomic_sub_fetch(&q->users, 1, __ATOMIC_ACQ_REL) == 0) {
        aura_free(q);
    }
}

static struct aura_addr socket_addr(int fd, int (*get)(int, struct sockaddr *, socklen_t *)) {
    struct sockaddr_storage sa;
    socklen_t len = sizeof(sa);
    struct aura_addr addr = {0};
    if (get(fd, (struct sockaddr *)&sa, &len) != 0 ||
        aura_addr_from_sockaddr(&addr, (struct sockaddr *)&sa, len)) {
        memset(&addr, 0, sizeof(addr));
    }
    return addr;
}

static int get_remote(int fd, struct sockaddr *sa, socklen_t *len) {
    return getpeername(fd, sa, len);
}

static int get_local(int fd, struct sockaddr *sa, socklen_t *len) {
    return getsockname(fd, sa, len);
}

int aura__tcp_new(struct aura_tcp **cp, int fd, struct aura__tcp_quota *q) {
    struct aura_tcp *c = aura_zalloc(sizeof(*c));
    if (!c) {
        return AURA_ENOMEM;
    }
    int on = 1;
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    c->fd = fd;
    c->quota = q;
    c->out = AURA_BUF(AURA_TCP_OUT_MAX);
    c->remote = socket_addr(fd, get_remote);
    c->local = socket_addr(fd, get_local);
    __atomic_add_fetch(&q->users, 1, __ATOMIC_RELAXED);
    *cp = c;
    return 0;
}

struct aura_node *aura__tcp_node(struct aura_tcp *c) {
    return &c->node;
}

struct aura_tcp *aura__tcp_of_node(struct aura_node *n) {
    return AURA_CONTAINER(n, struct aura_tcp, node);
}

const struct aura_addr *aura_tcp_remote(const struct aura_tcp *c) {
    return &c->remote;
}

const struct aura_addr *aura_tcp_local(const struct aura_tcp *c) {
    return &c->local;
}

static void drop_input(struct aura_tcp *c, size_t bytes) {
    memmove(c->in, c->in + bytes, c->in_len - bytes);
    c->in_len -= bytes;
}

static void unhook(struct aura_tcp *c) {
    if (c->loop) {
        aura_loop_remove_fd(&c->watch);
        aura_timer_stop(aura_loop_timers(c->loop), &c->idle);
        aura_timer_stop(aura_loop_timers(c->loop), &c->kick);
        c->loop = NULL;
    }
    aura_node_remove(&c->node);
}

void aura_tcp_detach(struct aura_tcp *c) {
    if (c->gone) {
        return;
    }
    unhook(c);
    if (c->scope) {
        drop_input(c, c->scope->at);
        c->scope->left = true;
        c->scope = NULL;
    }
}

static void free_now(struct aura_tcp *c) {
    aura_buf_free(&c->out);
    aura__tcp_quota_drop_user(c->quota);
    aura_free(c);
}

static void close_socket(struct aura_tcp *c) {
    unhook(c);
    close(c->fd);
    c->fd = -1;
    aura__tcp_quota_give(c->quota);
}

void aura_tcp_close(struct aura_tcp *c) {
    if (!c || c->gone) {
        return;
    }
    close_socket(c);
    if (c->scope) {
        c->gone = true;
    } else {
        free_now(c);
    }
}

static void fail(struct aura_tcp *c, int why) {
    unhook(c);
    c->gone = true;
    if (c->handlers.closed) {
        c->handlers.closed(c->arg, c, why);
    }
    close_socket(c);
    free_now(c);
}

/* @return false if the connection is gone or no longer ours */
static bool deliver(struct aura_tcp *c) {
    struct scope scope = {0};
    int err = 0;
    while (c->in_len - scope.at >= HEADER_BYTES) {
        size_t len = aura_get_u16(c->in + scope.at);
        if (len > AURA_TCP_FRAME_MAX) {
            err = AURA_ELIMIT;
            break;
        }
        if (c->in_len - scope.at - HEADER_BYTES < len) {
            break;
        }
        c->had_frame = true;
        c->scope = &scope;
        c->handlers.frame(c->arg, c, c->in + scope.at + HEADER_BYTES, len);
        if (scope.left) {
            return false;
        }
        c->scope = NULL;
        if (c->gone) {
            free_now(c);
            return false;
        }
        scope.at += HEADER_BYTES + len;
    }
    drop_input(c, scope.at);
    if (err) {
        fail(c, err);
    }
    return !err;
}

static void receive(struct aura_tcp *c) {
    if (aura_timer_running(&c->kick)) { /* what came before this attach goes first */
        aura_timer_stop(aura_loop_timers(c->loop), &c->kick);
        if (!deliver(c)) {
            return;
        }
    }
    for (int i = 0; i < READS_PER_EVENT; i++) {
        size_t room = sizeof(c->in) - c->in_len;
        ssize_t n = recv(c->fd, c->in + c->in_len, room, MSG_DONTWAIT);
        if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR)) {
            return;
        }
        if (n <= 0) {
            fail(c, n == 0 || errno == ECONNRESET ? AURA_ECLOSED : AURA_EIO);
            return;
        }
        c->heard_us = aura_loop_now_us(c->loop);
        c->in_len += (size_t)n;
        if (!deliver(c) || (size_t)n < room) {
            return;
        }
    }
}

static int send_some(struct aura_tcp *c, const struct iovec *iov, size_t count, size_t *sent) {
    struct msghdr hdr = {.msg_iov = (struct iovec *)(uintptr_t)iov, .msg_iovlen = count};
    ssize_t n = sendmsg(c->fd, &hdr, MSG_DONTWAIT | MSG_NOSIGNAL);
    *sent = n > 0 ? (size_t)n : 0;
    if (n < 0 && errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR) {
        return AURA_ECLOSED;
    }
    return 0;
}

/* The connection cannot go on, but we are in the owner's call: the loop will tell it. */
static int break_off(struct aura_tcp *c) {
    (void)shutdown(c->fd, SHUT_RDWR);
    return AURA_ECLOSED;
}

/* @return false if the connection is gone */
static bool send_waiting(struct aura_tcp *c) {
    size_t sent;
    struct iovec iov = {.iov_base = c->out.data + c->out_at, .iov_len = c->out.len - c->out_at};
    if (send_some(c, &iov, 1, &sent)) {
        fail(c, AURA_ECLOSED);
        return false;
    }
    c->out_at += sent;
    if (c->out_at == c->out.len) {
        aura_buf_clear(&c->out);
        c->out_at = 0;
        (void)aura_loop_mod_fd(&c->watch, AURA_LOOP_READ);
    }
    return true;
}

static void on_event(void *arg, struct aura_watch *watch, unsigned events) {
    struct aura_tcp *c = arg;
    (void)watch;
    if (events & AURA_LOOP_WRITE && !send_waiting(c)) {
        return;
    }
    if (events & AURA_LOOP_READ) {
        receive(c);
    }
}

static void on_kick(void *arg) {
    (void)deliver(arg);
}

static void on_idle(void *arg) {
    struct aura_tcp *c = arg;
    struct aura_timers *timers = aura_loop_timers(c->loop);
    uint64_t now = aura_now_us(aura_timers_clock(timers));
    uint64_t limit = c->had_frame ? c->quota->idle_us : c->quota->first_us;
    uint64_t quiet = now > c->heard_us ? now - c->heard_us : 0;
    /* Before the first frame single bytes do not buy more time. */
    if (!c->had_frame || quiet >= limit ||
        aura_timer_start(timers, &c->idle, limit - quiet, on_idle, c)) {
        fail(c, AURA_ETIMEDOUT);
    }
}

int aura_tcp_attach(struct aura_tcp *c, struct aura_loop *loop,
                    const struct aura_tcp_handlers *handlers, void *arg) {
    AURA_REQUIRE(c && !c->loop && loop && handlers && handlers->frame, AURA_EINVAL);
    struct aura_timers *timers = aura_loop_timers(loop);
    c->handlers = *handlers;
    c->arg = arg;
    c->heard_us = aura_now_us(aura_loop_clock(loop));
    c->loop = loop;
    unsigned events = c->out.len > c->out_at ? AURA_LOOP_READ | AURA_LOOP_WRITE : AURA_LOOP_READ;
    int err = aura_loop_add_fd(loop, &c->watch, c->fd, events, on_event, c);
    if (err) {
        goto out;
    }
    err = aura_timer_start(timers, &c->idle, c->had_frame ? c->quota->idle_us : c->quota->first_us,
                           on_idle, c);
    if (err) {
        goto out;
    }
    if (c->in_len) {
        err = aura_timer_start(timers, &c->kick, 0, on_kick, c);
    }
out:
    if (err) {
        unhook(c);
    }
    return err;
}

int aura_tcp_send(struct aura_tcp *c, const uint8_t *data, size_t len) {
    uint8_t header[HEADER_BYTES] = {(uint8_t)(len >> 8), (uint8_t)len};
    if (len > FRAME_LIMIT) {
        return AURA_ELIMIT;
    }
    if (c->fd < 0 || !c->loop) {
        return AURA_ECLOSED;
    }
    size_t waiting = c->out.len - c->out_at, sent = 0;
    if (waiting + HEADER_BYTES + len > AURA_TCP_OUT_MAX) {
        return AURA_EAGAIN;
    }
    struct iovec iov[2] = {{.iov_base = header, .iov_len = sizeof(header)},
                           {.iov_base = (void *)(uintptr_t)data, .iov_len = len}};
    if (!waiting && send_some(c, iov, 2, &sent)) {
        return break_off(c);
    }
    if (sent == HEADER_BYTES + len) {
        return 0;
    }
    aura_buf_drain(&c->out, c->out_at);
    c->out_at = 0;
    size_t header_sent = sent < HEADER_BYTES ? sent : HEADER_BYTES, before = c->out.len;
    if (aura_buf_add(&c->out, header + header_sent, HEADER_BYTES - header_sent) ||
        aura_buf_add(&c->out, data + (sent - header_sent), len - (sent - header_sent))) {
        if (sent) { /* half a frame is out: the stream has lost its framing */
            return break_off(c);
        }
        c->out.len = before;
        c->out.err = 0;
        return AURA_EAGAIN;
    }
    return aura_loop_mod_fd(&c->watch, AURA_LOOP_READ | AURA_LOOP_WRITE) ? break_off(c) : 0;
}
