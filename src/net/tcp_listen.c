/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"
#include "net/tcp_priv.h"

#include <errno.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

enum { BACKLOG = 256, ACCEPTS_PER_EVENT = 32, PAUSE_US = 100000 };

struct aura_tcp_listener {
    int fd;
    struct aura_loop *loop;
    struct aura_watch watch;
    struct aura_timer pause; /* out of descriptors: no accepting for a moment */
    struct aura_addr local;
    struct aura_tcp_handlers handlers;
    void *arg;
    struct aura__tcp_quota *quota;
    struct aura_list connections; /* not detached yet */
};

static void take(struct aura_tcp_listener *l, int fd) {
    struct aura__tcp_quota *q = l->quota;
    struct aura_tcp *c = NULL;
    if (!aura__tcp_quota_take(q)) {
        close(fd);
        __atomic_add_fetch(&q->refused, 1, __ATOMIC_RELAXED);
        return;
    }
    if (aura__tcp_new(&c, fd, q)) {
        close(fd);
        aura__tcp_quota_give(q);
        __atomic_add_fetch(&q->refused, 1, __ATOMIC_RELAXED);
        return;
    }
    if (aura_tcp_attach(c, l->loop, &l->handlers, l->arg)) {
        aura_tcp_close(c);
        __atomic_add_fetch(&q->refused, 1, __ATOMIC_RELAXED);
        return;
    }
    aura_list_add(&l->connections, aura__tcp_node(c));
    __atomic_add_fetch(&q->accepted, 1, __ATOMIC_RELAXED);
}

static void on_pause_over(void *arg) {
    struct aura_tcp_listener *l = arg;
    (void)aura_loop_mod_fd(&l->watch, AURA_LOOP_READ);
}

static void on_event(void *arg, struct aura_watch *watch, unsigned events) {
    struct aura_tcp_listener *l = arg;
    (void)events;
    for (int i = 0; i < ACCEPTS_PER_EVENT; i++) {
        int fd = accept4(l->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd >= 0) {
            take(l, fd);
            continue;
        }
        /* The connection stays in the backlog and would wake us at once, again and again. */
        if ((errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) &&
            aura_timer_start(aura_loop_timers(l->loop), &l->pause, PAUSE_US, on_pause_over, l) ==
                0) {
            (void)aura_loop_mod_fd(watch, 0);
        }
        return;
    }
}

static int open_listener(struct aura_tcp_listener *l, const struct aura_addr *bind_to) {
    struct sockaddr_storage sa;
    socklen_t len = (socklen_t)aura_addr_to_sockaddr(bind_to, &sa);
    if (!len) {
        return AURA_EINVAL;
    }
    int on = 1;
    bool v6 = bind_to->family == AURA_FAMILY_V6;
    l->fd = socket(v6 ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (l->fd < 0) {
        return errno == EAFNOSUPPORT ? AURA_EINVAL : AURA_EIO;
    }
    (void)setsockopt(l->fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    if (v6) {
        (void)setsockopt(l->fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on));
    }
    if (bind(l->fd, (struct sockaddr *)&sa, len) != 0 || listen(l->fd, BACKLOG) != 0) {
        return errno == EADDRINUSE ? AURA_EEXISTS : errno == EADDRNOTAVAIL ? AURA_EINVAL : AURA_EIO;
    }
    len = sizeof(sa);
    if (getsockname(l->fd, (struct sockaddr *)&sa, &len) != 0) {
        return AURA_EIO;
    }
    return aura_addr_from_sockaddr(&l->local, (struct sockaddr *)&sa, len);
}

int aura_tcp_listen(struct aura_tcp_listener **lp, struct aura_loop *loop,
                    const struct aura_tcp_conf *conf, const struct aura_tcp_handlers *handlers,
                    void *arg) {
    AURA_REQUIRE(lp && loop && conf && handlers && handlers->frame, AURA_EINVAL);
    struct aura_tcp_listener *l = aura_zalloc(sizeof(*l));
    if (!l) {
        return AURA_ENOMEM;
    }
    l->fd = -1;
    l->loop = loop;
    l->handlers = *handlers;
    l->arg = arg;
    aura_list_init(&l->connections);
    int err = AURA_ENOMEM;
    l->quota = aura_zalloc(sizeof(*l->quota));
    if (!l->quota) {
        goto out;
    }
    size_t max = conf->max_connections;
    l->quota->users = 1;
    l->quota->max = max && max < UINT32_MAX ? (uint32_t)max : AURA_TCP_CONNECTIONS_MAX;
    l->quota->idle_us = conf->idle_us ? conf->idle_us : 60 * AURA_US_PER_S;
    l->quota->first_us = conf->first_us ? conf->first_us : 10 * AURA_US_PER_S;
    err = open_listener(l, &conf->bind);
    if (err) {
        goto out;
    }
    err = aura_loop_add_fd(loop, &l->watch, l->fd, AURA_LOOP_READ, on_event, l);
    if (err) {
        goto out;
    }
    *lp = l;
    return 0;
out:
    aura_tcp_listener_free(l);
    return err;
}

struct aura_tcp_listener *aura_tcp_listener_free(struct aura_tcp_listener *l) {
    if (l) {
        while (!aura_list_empty(&l->connections)) {
            aura_tcp_close(aura__tcp_of_node(l->connections.head.next));
        }
        aura_loop_remove_fd(&l->watch);
        aura_timer_stop(aura_loop_timers(l->loop), &l->pause);
        if (l->fd >= 0) {
            close(l->fd);
        }
        aura__tcp_quota_drop_user(l->quota);
        aura_free(l);
    }
    return NULL;
}

const struct aura_addr *aura_tcp_listener_local(const struct aura_tcp_listener *l) {
    return &l->local;
}

void aura_tcp_listener_stats(const struct aura_tcp_listener *l, struct aura_tcp_stats *out) {
    out->accepted = __atomic_load_n(&l->quota->accepted, __ATOMIC_RELAXED);
    out->refused = __atomic_load_n(&l->quota->refused, __ATOMIC_RELAXED);
    out->open = __atomic_load_n(&l->quota->open, __ATOMIC_RELAXED);
}
