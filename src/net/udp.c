/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"
#include "net/udp_priv.h"

#include <errno.h>
#include <unistd.h>

enum {
    SOCKET_BUFFER_BYTES = 4 << 20,
    RECV_ROUNDS = 4,       /* batches read before other sockets get their turn */
    GRO_BYTES = 65536,     /* the kernel joins datagrams up to an IP datagram's ceiling */
    DATAGRAM_BYTES = 4096, /* without GRO: longer ones are cut and dropped */
};

/* As much buffer as we may have: the forced variant passes net.core.rmem_max where we are root. */
static void set_buffer(int fd, int option, int forced, size_t bytes) {
    int value = (int)(bytes && bytes < INT32_MAX ? bytes : SOCKET_BUFFER_BYTES);
    if (setsockopt(fd, SOL_SOCKET, forced, &value, sizeof(value)) != 0) {
        (void)setsockopt(fd, SOL_SOCKET, option, &value, sizeof(value));
    }
}

static bool switch_on(int fd, int level, int option, int value) {
    return setsockopt(fd, level, option, &value, sizeof(value)) == 0;
}

static int bind_error(int code) {
    return code == EADDRINUSE                              ? AURA_EEXISTS
           : code == EADDRNOTAVAIL || code == EAFNOSUPPORT ? AURA_EINVAL
                                                           : AURA_EIO;
}

static int open_socket(struct aura_udp *u, const struct aura_udp_conf *conf) {
    bool v6 = conf->bind.family == AURA_FAMILY_V6;
    struct sockaddr_storage sa;
    socklen_t len = (socklen_t)aura_addr_to_sockaddr(&conf->bind, &sa);
    if (!len) {
        return AURA_EINVAL;
    }
    u->fd = socket(v6 ? AF_INET6 : AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (u->fd < 0) {
        return errno == EAFNOSUPPORT ? AURA_EINVAL : AURA_EIO;
    }
    if (v6) {
        switch_on(u->fd, IPPROTO_IPV6, IPV6_V6ONLY, 1);
    }
    if (conf->shared && !switch_on(u->fd, SOL_SOCKET, SO_REUSEPORT, 1)) {
        return AURA_EIO;
    }
    set_buffer(u->fd, SO_RCVBUF, SO_RCVBUFFORCE, conf->rcvbuf_bytes);
    set_buffer(u->fd, SO_SNDBUF, SO_SNDBUFFORCE, conf->sndbuf_bytes);
    if (bind(u->fd, (struct sockaddr *)&sa, len) != 0) {
        return bind_error(errno);
    }
    len = sizeof(sa);
    if (getsockname(u->fd, (struct sockaddr *)&sa, &len) != 0) {
        return AURA_EIO;
    }
    int err = aura_addr_from_sockaddr(&u->local, (struct sockaddr *)&sa, len);
    if (err) {
        return err;
    }
    u->pktinfo =
        aura_addr_is_any(&u->local) && (v6 ? switch_on(u->fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1)
                                           : switch_on(u->fd, IPPROTO_IP, IP_PKTINFO, 1));
    u->stats.gro = !conf->no_gro && switch_on(u->fd, IPPROTO_UDP, UDP_GRO, 1);
    u->stats.gso = !conf->no_gso && switch_on(u->fd, IPPROTO_UDP, UDP_SEGMENT, 0);
    return 0;
}

static int recv_init(struct aura_udp *u) {
    struct aura__udp_recv *r = aura_zalloc(sizeof(*r));
    if (!r) {
        return AURA_ENOMEM;
    }
    u->recv = r;
    r->buffer_bytes = u->stats.gro ? GRO_BYTES : DATAGRAM_BYTES;
    r->bytes = aura_calloc(AURA_UDP_RECV_BATCH, r->buffer_bytes);
    if (!r->bytes) {
        return AURA_ENOMEM;
    }
    for (size_t i = 0; i < AURA_UDP_RECV_BATCH; i++) {
        r->iov[i] =
            (struct iovec){.iov_base = r->bytes + i * r->buffer_bytes, .iov_len = r->buffer_bytes};
        r->msgs[i].msg_hdr = (struct msghdr){
            .msg_name = &r->names[i],
            .msg_iov = &r->iov[i],
            .msg_iovlen = 1,
            .msg_control = r->control[i],
        };
    }
    return 0;
}

int aura_udp_new(struct aura_udp **up, const struct aura_udp_conf *conf) {
    AURA_REQUIRE(up && conf, AURA_EINVAL);
    struct aura_udp *u = aura_zalloc(sizeof(*u));
    if (!u) {
        return AURA_ENOMEM;
    }
    u->fd = -1;
    int err = open_socket(u, conf);
    if (err) {
        goto out;
    }
    err = recv_init(u);
    if (err) {
        goto out;
    }
    err = aura__udp_send_init(u);
    if (err) {
        goto out;
    }
    *up = u;
    return 0;
out:
    aura_udp_free(u);
    return err;
}

struct aura_udp *aura_udp_free(struct aura_udp *u) {
    if (u) {
        if (u->fd >= 0) {
            close(u->fd);
        }
        if (u->recv) {
            aura_free(u->recv->bytes);
            aura_free(u->recv);
        }
        aura__udp_send_free(u);
        aura_free(u);
    }
    return NULL;
}

int aura_udp_fd(const struct aura_udp *u) {
    return u->fd;
}

const struct aura_addr *aura_udp_local(const struct aura_udp *u) {
    return &u->local;
}

const struct aura_udp_stats *aura_udp_stats(const struct aura_udp *u) {
    return &u->stats;
}

/* Fills in our address that was asked; returns the length of each datagram in the buffer. */
static size_t read_control(const struct aura_udp *u, struct msghdr *hdr, size_t total,
                           struct aura_addr *local) {
    size_t segment = total;
    for (struct cmsghdr *c = CMSG_FIRSTHDR(hdr); c; c = CMSG_NXTHDR(hdr, c)) {
        if (c->cmsg_level == IPPROTO_UDP && c->cmsg_type == UDP_GRO) {
            int size;
            memcpy(&size, CMSG_DATA(c), sizeof(size));
            segment = size > 0 ? (size_t)size : total;
        } else if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO) {
            struct in_pktinfo info;
            memcpy(&info, CMSG_DATA(c), sizeof(info));
            memcpy(local->ip, &info.ipi_spec_dst, 4); /* never a broadcast address */
        } else if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_PKTINFO) {
            struct in6_pktinfo info;
            memcpy(&info, CMSG_DATA(c), sizeof(info));
            memcpy(local->ip, &info.ipi6_addr, 16);
            local->scope = aura_addr_is_link_local(local) ? info.ipi6_ifindex : 0;
        }
    }
    local->port = u->local.port;
    return segment;
}

static int hand_out(struct aura_udp *u, size_t i, aura_udp_fn *fn, void *arg) {
    struct mmsghdr *msg = &u->recv->msgs[i];
    struct msghdr *hdr = &msg->msg_hdr;
    struct aura_udp_packet packet = {.local = u->local};
    if (hdr->msg_flags & MSG_TRUNC) {
        u->stats.truncated_in++;
        return 0;
    }
    if (aura_addr_from_sockaddr(&packet.remote, hdr->msg_name, hdr->msg_namelen)) {
        return 0;
    }
    size_t total = msg->msg_len;
    size_t segment = read_control(u, hdr, total, &packet.local);
    uint8_t *at = u->recv->iov[i].iov_base;
    int n = 0;
    u->stats.bytes_in += total;
    do { /* an empty datagram is one too */
        packet.data = at;
        packet.len = segment < total ? segment : total;
        at += packet.len;
        total -= packet.len;
        u->stats.packets_in++;
        n++;
        fn(arg, &packet);
    } while (total);
    return n;
}

int aura_udp_recv(struct aura_udp *u, aura_udp_fn *fn, void *arg) {
    struct aura__udp_recv *r = u->recv;
    int handed = 0;
    for (int round = 0; round < RECV_ROUNDS; round++) {
        for (size_t i = 0; i < AURA_UDP_RECV_BATCH; i++) {
            r->msgs[i].msg_hdr.msg_namelen = sizeof(r->names[i]);
            r->msgs[i].msg_hdr.msg_controllen = sizeof(r->control[i]);
        }
        int n = recvmmsg(u->fd, r->msgs, AURA_UDP_RECV_BATCH, MSG_DONTWAIT, NULL);
        u->stats.syscalls_in++;
        if (n < 0) {
            /* ICMP errors of earlier sends show up here; they say nothing about the socket. */
            bool broken = errno == EBADF || errno == ENOTSOCK || errno == EFAULT;
            return broken && !handed ? AURA_EIO : handed;
        }
        for (int i = 0; i < n; i++) {
            handed += hand_out(u, (size_t)i, fn, arg);
        }
        if (n < AURA_UDP_RECV_BATCH) {
            break;
        }
    }
    return handed;
}
