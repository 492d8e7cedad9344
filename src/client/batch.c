/* SPDX-License-Identifier: Apache-2.0 */
#include "client/batch.h"

#include "base/mem.h"

#include <netinet/in.h>
#include <sys/socket.h>
#include <time.h>

#ifndef UDP_GRO
#define UDP_GRO 104 /* older headers lack it */
#endif

enum { CONTROL_BYTES = 128 /* an address and a time, with their headers */ };

struct aura_batch {
    const struct aura_clock *clock;
    struct mmsghdr msgs[AURA_BATCH_DATAGRAMS];
    struct iovec iov[AURA_BATCH_DATAGRAMS];
    struct sockaddr_storage names[AURA_BATCH_DATAGRAMS];
    uint64_t control[AURA_BATCH_DATAGRAMS][CONTROL_BYTES / 8];
    uint8_t bytes[];
};

int aura_batch_new(struct aura_batch **out, const struct aura_clock *clock, bool gro) {
    size_t each = gro ? AURA_BATCH_JOINED_BYTES : AURA_BATCH_BYTES;
    struct aura_batch *b = aura_zalloc(sizeof(*b) + AURA_BATCH_DATAGRAMS * each);
    if (!b) {
        return AURA_ENOMEM;
    }
    b->clock = clock;
    for (size_t i = 0; i < AURA_BATCH_DATAGRAMS; i++) {
        b->iov[i] = (struct iovec){.iov_base = b->bytes + i * each, .iov_len = each};
        b->msgs[i].msg_hdr = (struct msghdr){.msg_name = &b->names[i],
                                             .msg_iov = &b->iov[i],
                                             .msg_iovlen = 1,
                                             .msg_control = b->control[i]};
    }
    *out = b;
    return 0;
}

struct aura_batch *aura_batch_free(struct aura_batch *b) {
    aura_free(b);
    return NULL;
}

void aura_batch_prepare(int fd) {
    int on = 1;
    (void)setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof(on));
}

/* The kernel's times are on the wall clock; `now` is a reading of both. */
struct now {
    uint64_t mono_us, wall_us;
};

static uint64_t to_mono(const struct now *now, const struct timespec *ts) {
    uint64_t at = (uint64_t)ts->tv_sec * AURA_US_PER_S + (uint64_t)ts->tv_nsec / 1000;
    uint64_t age = now->wall_us > at ? now->wall_us - at : 0;
    return age <= AURA_BATCH_LATE_MAX_MS * AURA_US_PER_MS ? now->mono_us - age : now->mono_us;
}

/* @return the length of each datagram in a joined one of @p total bytes */
static size_t read_control(struct msghdr *hdr, const struct now *now, size_t total,
                           struct aura_batch_packet *p) {
    size_t segment = total;
    p->arrival_us = now->mono_us;
    for (struct cmsghdr *c = CMSG_FIRSTHDR(hdr); c; c = CMSG_NXTHDR(hdr, c)) {
        if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SO_TIMESTAMPNS) {
            struct timespec ts;
            memcpy(&ts, CMSG_DATA(c), sizeof(ts));
            p->arrival_us = to_mono(now, &ts);
        } else if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO) {
            struct in_pktinfo info;
            memcpy(&info, CMSG_DATA(c), sizeof(info));
            memcpy(p->local.ip, &info.ipi_spec_dst, 4);
            p->local.family = AURA_FAMILY_V4;
        } else if (c->cmsg_level == IPPROTO_UDP && c->cmsg_type == UDP_GRO) {
            int size;
            memcpy(&size, CMSG_DATA(c), sizeof(size));
            segment = size > 0 ? (size_t)size : total;
        }
    }
    return segment;
}

static int hand_out(struct aura_batch *b, size_t i, const struct now *now, aura_batch_fn *fn,
                    void *arg) {
    struct msghdr *hdr = &b->msgs[i].msg_hdr;
    struct aura_batch_packet p = {.data = NULL};
    size_t left = b->msgs[i].msg_len;
    uint8_t *at = b->iov[i].iov_base;
    int n = 0;
    if (hdr->msg_flags & MSG_TRUNC ||
        aura_addr_from_sockaddr(&p.remote, hdr->msg_name, hdr->msg_namelen)) {
        return 0;
    }
    size_t segment = read_control(hdr, now, left, &p);
    do { /* an empty datagram is one too */
        p.data = at;
        p.len = segment < left ? segment : left;
        at += p.len;
        left -= p.len;
        n++;
        fn(arg, &p);
    } while (left > 0);
    return n;
}

int aura_batch_recv(struct aura_batch *b, int fd, aura_batch_fn *fn, void *arg) {
    int handed = 0;
    for (int round = 0; round < AURA_BATCH_ROUNDS_MAX; round++) {
        for (size_t i = 0; i < AURA_BATCH_DATAGRAMS; i++) {
            b->msgs[i].msg_hdr.msg_namelen = sizeof(b->names[i]);
            b->msgs[i].msg_hdr.msg_controllen = sizeof(b->control[i]);
        }
        /* Errors are those of earlier sends (ICMP); they say nothing about the socket. */
        int n = recvmmsg(fd, b->msgs, AURA_BATCH_DATAGRAMS, MSG_DONTWAIT, NULL);
        struct now now = {aura_now_us(b->clock), aura_wall_us(b->clock)};
        for (int i = 0; i < n; i++) {
            handed += hand_out(b, (size_t)i, &now, fn, arg);
        }
        if (n < AURA_BATCH_DATAGRAMS) {
            break;
        }
    }
    return handed;
}
