/* SPDX-License-Identifier: Apache-2.0 */
#include "client/ports.h"

#include "base/list.h"
#include "base/mem.h"
#include "client/batch.h"

#include <sys/socket.h>
#include <unistd.h>

enum {
    SHARED_FIRST = 1, /* last byte of the first endpoint's address: 127.0.1.1 */
    SHARED_NET = 1,
};

struct socket {
    struct aura_node node;  /* in ports->sockets */
    struct aura_node dirty; /* in ports->dirty while packets wait */
    struct aura_ports *ports;
    struct aura_udp *udp;
    struct aura_watch watch;
    bool shared, receiving;
    unsigned used;
    struct aura_endpoint *endpoints[AURA_PORTS_SHARING_MAX];
};

struct aura_endpoint {
    struct socket *socket;
    struct aura_addr from; /* family NONE where the kernel chooses */
    unsigned slot;
    struct aura_addr towards;
    aura_endpoint_fn *fn;
    void *arg;
};

struct aura_ports {
    struct aura_loop *loop;
    struct aura_batch *batch;
    unsigned sharing;
    bool gro;
    struct aura_list sockets, dirty;
    struct socket *open; /* the shared one that was filled last */
    struct aura_ports_stats stats;
};

int aura_ports_new(struct aura_ports **out, struct aura_loop *loop, unsigned sharing, bool gro) {
    AURA_REQUIRE(sharing > 0 && sharing <= AURA_PORTS_SHARING_MAX, AURA_EINVAL);
    struct aura_ports *p = aura_zalloc(sizeof(*p));
    if (!p) {
        return AURA_ENOMEM;
    }
    p->loop = loop;
    p->sharing = sharing;
    p->gro = gro;
    aura_list_init(&p->sockets);
    aura_list_init(&p->dirty);
    int err = aura_batch_new(&p->batch, aura_loop_clock(loop), gro);
    if (err) {
        aura_free(p);
        return err;
    }
    *out = p;
    return 0;
}

struct aura_ports *aura_ports_free(struct aura_ports *p) {
    AURA_BUG_ON(p && !aura_list_empty(&p->sockets));
    if (p) {
        aura_batch_free(p->batch);
        aura_free(p);
    }
    return NULL;
}

void aura_ports_flush(struct aura_ports *p) {
    AURA_LIST_EACH(&p->dirty, struct socket, s, dirty) {
        aura_node_remove(&s->dirty);
        aura_udp_flush(s->udp);
    }
}

static void socket_free(struct socket *s) {
    if (s->ports->open == s) {
        s->ports->open = NULL;
    }
    if (s->udp) {
        const struct aura_udp_stats *stats = aura_udp_stats(s->udp);
        s->ports->stats.dropped += stats->dropped_again + stats->dropped_error;
        aura_udp_flush(s->udp);
    }
    aura_loop_remove_fd(&s->watch);
    aura_node_remove(&s->node);
    aura_node_remove(&s->dirty);
    aura_udp_free(s->udp);
    aura_free(s);
}

static struct aura_endpoint *endpoint_of(struct socket *s, const struct aura_addr *local) {
    if (!s->shared) {
        return s->endpoints[0];
    }
    unsigned slot = (unsigned)local->ip[3] - SHARED_FIRST;
    return local->ip[0] == 127 && local->ip[2] == SHARED_NET && slot < AURA_PORTS_SHARING_MAX
               ? s->endpoints[slot]
               : NULL;
}

static void on_packet(void *arg, const struct aura_batch_packet *packet) {
    struct aura_endpoint *e = endpoint_of(arg, &packet->local);
    if (e) {
        e->fn(e->arg, &packet->remote, packet->data, packet->len, packet->arrival_us);
    }
}

static void on_readable(void *arg, struct aura_watch *watch, unsigned events) {
    struct socket *s = arg;
    (void)watch;
    (void)events;
    s->receiving = true;
    (void)aura_batch_recv(s->ports->batch, aura_udp_fd(s->udp), on_packet, s);
    s->receiving = false;
    if (s->used == 0) {
        socket_free(s);
    }
}

static int socket_new(struct socket **out, struct aura_ports *p, bool v6, bool shared) {
    /* As browsers do it, packet by packet: joined ones would make a server that can send and
     * receive them look cheaper than it is on a real network. */
    struct aura_udp_conf conf = {.no_gro = !p->gro, .no_gso = true};
    struct socket *s = aura_zalloc(sizeof(*s));
    if (!s) {
        return AURA_ENOMEM;
    }
    s->ports = p;
    s->shared = shared;
    int err = aura_addr_parse(&conf.bind, v6 ? "[::]:0" : "0.0.0.0:0");
    if (!err) {
        err = aura_udp_new(&s->udp, &conf);
    }
    if (!err) {
        aura_batch_prepare(aura_udp_fd(s->udp));
        err = aura_loop_add_fd(p->loop, &s->watch, aura_udp_fd(s->udp), AURA_LOOP_READ, on_readable,
                               s);
    }
    if (err) {
        socket_free(s);
        return err;
    }
    aura_list_add(&p->sockets, &s->node);
    p->stats.sockets++;
    *out = s;
    return 0;
}

static int find_socket(struct socket **out, struct aura_ports *p, const struct aura_addr *towards) {
    bool shared = towards->family == AURA_FAMILY_V4 && aura_addr_is_loopback(towards);
    if (shared && p->open && p->open->used < p->sharing) {
        *out = p->open;
        return 0;
    }
    int err = socket_new(out, p, towards->family == AURA_FAMILY_V6, shared);
    if (!err && shared) {
        p->open = *out;
    }
    return err;
}

int aura_endpoint_open(struct aura_endpoint **out, struct aura_ports *p,
                       const struct aura_addr *towards, aura_endpoint_fn *fn, void *arg) {
    struct socket *s;
    struct aura_endpoint *e = aura_zalloc(sizeof(*e));
    if (!e) {
        return AURA_ENOMEM;
    }
    int err = find_socket(&s, p, towards);
    if (err) {
        aura_free(e);
        return err;
    }
    while (s->endpoints[e->slot]) {
        e->slot++;
    }
    s->endpoints[e->slot] = e;
    s->used++;
    e->socket = s;
    e->towards = *towards;
    e->fn = fn;
    e->arg = arg;
    if (s->shared) {
        e->from = *aura_udp_local(s->udp);
        e->from.ip[0] = 127;
        e->from.ip[2] = SHARED_NET;
        e->from.ip[3] = (uint8_t)(SHARED_FIRST + e->slot);
    }
    *out = e;
    return 0;
}

struct aura_endpoint *aura_endpoint_close(struct aura_endpoint *e) {
    if (e) {
        struct socket *s = e->socket;
        s->endpoints[e->slot] = NULL;
        s->used--;
        if (s->used == 0 && !s->receiving) {
            socket_free(s);
        }
        aura_free(e);
    }
    return NULL;
}

bool aura_endpoint_reaches(const struct aura_endpoint *e, const struct aura_addr *to) {
    bool shared = to->family == AURA_FAMILY_V4 && aura_addr_is_loopback(to);
    return to->family == e->towards.family && shared == e->socket->shared;
}

/* A socket that is bound to all addresses does not say which one it uses: a connected one does. */
static int find_local(const struct aura_addr *towards, struct aura_addr *out) {
    struct sockaddr_storage sa;
    socklen_t len = (socklen_t)aura_addr_to_sockaddr(towards, &sa);
    int fd = socket(sa.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0), err = AURA_EIO;
    if (fd < 0) {
        return AURA_EIO;
    }
    if (connect(fd, (struct sockaddr *)&sa, len) == 0) {
        len = sizeof(sa);
        err = getsockname(fd, (struct sockaddr *)&sa, &len) != 0
                  ? AURA_EIO
                  : aura_addr_from_sockaddr(out, (struct sockaddr *)&sa, len);
    }
    close(fd);
    return err;
}

int aura_endpoint_local(const struct aura_endpoint *e, struct aura_addr *out) {
    int err = 0;
    if (e->socket->shared) {
        *out = e->from;
    } else {
        err = find_local(&e->towards, out);
        out->port = aura_udp_local(e->socket->udp)->port;
    }
    return err;
}

uint8_t *aura_endpoint_reserve(struct aura_endpoint *e, size_t cap) {
    return aura_udp_reserve(e->socket->udp, cap);
}

void aura_endpoint_commit(struct aura_endpoint *e, size_t len, const struct aura_addr *to) {
    struct socket *s = e->socket;
    aura_udp_commit(s->udp, len, to, s->shared ? &e->from : NULL);
    if (!aura_node_linked(&s->dirty)) {
        aura_list_add(&s->ports->dirty, &s->dirty);
    }
}

void aura_endpoint_send(struct aura_endpoint *e, const struct aura_addr *to, const uint8_t *data,
                        size_t len) {
    uint8_t *room = aura_endpoint_reserve(e, len);
    if (room) {
        memcpy(room, data, len);
        aura_endpoint_commit(e, len, to);
    }
}

void aura_ports_stats(const struct aura_ports *p, struct aura_ports_stats *out) {
    *out = p->stats;
    struct aura_ports *all = (struct aura_ports *)p;
    AURA_LIST_EACH(&all->sockets, struct socket, s, node) {
        const struct aura_udp_stats *stats = aura_udp_stats(s->udp);
        out->dropped += stats->dropped_again + stats->dropped_error;
    }
}
