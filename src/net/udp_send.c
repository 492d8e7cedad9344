/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"
#include "net/udp_priv.h"

#include <errno.h>

enum { GSO_REFUSALS_MAX = 8 /* then we stop trying */ };

static void forget_all(struct aura__udp_send *s) {
    memset(s->buckets, 0xff, sizeof(s->buckets));
    s->used = s->packet_count = s->dest_count = s->group_count = 0;
    s->last_dest = AURA__UDP_NONE;
}

int aura__udp_send_init(struct aura_udp *u) {
    struct aura__udp_send *s = aura_zalloc(sizeof(*s));
    if (!s) {
        return AURA_ENOMEM;
    }
    u->send = s;
    s->bytes = aura_zalloc(AURA_UDP_SEND_BYTES);
    if (!s->bytes) {
        return AURA_ENOMEM;
    }
    forget_all(s);
    return 0;
}

void aura__udp_send_free(struct aura_udp *u) {
    if (u->send) {
        aura_free(u->send->bytes);
        aura_free(u->send);
    }
}

uint8_t *aura_udp_reserve(struct aura_udp *u, size_t cap) {
    struct aura__udp_send *s = u->send;
    if (cap > AURA_UDP_PACKET_MAX) {
        return NULL;
    }
    if (s->packet_count == AURA_UDP_SEND_PACKETS || AURA_UDP_SEND_BYTES - s->used < cap) {
        aura_udp_flush(u);
    }
    return s->bytes + s->used;
}

static bool is_dest(const struct aura__udp_dest *d, const struct aura_addr *to,
                    const struct aura_addr *from) {
    return aura_addr_equal(&d->to, to) && aura_addr_equal(&d->from, from);
}

static uint16_t find_dest(struct aura__udp_send *s, const struct aura_addr *to,
                          const struct aura_addr *from) {
    if (s->last_dest != AURA__UDP_NONE && is_dest(&s->dests[s->last_dest], to, from)) {
        return s->last_dest;
    }
    uint16_t *bucket = &s->buckets[aura_addr_hash(to) % AURA__UDP_BUCKETS];
    for (uint16_t i = *bucket; i != AURA__UDP_NONE; i = s->dests[i].next) {
        if (is_dest(&s->dests[i], to, from)) {
            return i;
        }
    }
    uint16_t i = (uint16_t)s->dest_count++;
    struct aura__udp_dest *d = &s->dests[i];
    d->to = *to;
    d->from = *from;
    d->sa_len = (socklen_t)aura_addr_to_sockaddr(to, &d->sa);
    d->first = d->last = AURA__UDP_NONE;
    d->next = *bucket;
    *bucket = i;
    return i;
}

void aura_udp_commit(struct aura_udp *u, size_t len, const struct aura_addr *to,
                     const struct aura_addr *from) {
    static const struct aura_addr none;
    struct aura__udp_send *s = u->send;
    AURA_BUG_ON(len > AURA_UDP_PACKET_MAX || s->packet_count == AURA_UDP_SEND_PACKETS ||
                len > AURA_UDP_SEND_BYTES - s->used);
    if (to->family != u->local.family) {
        u->stats.dropped_error++; /* not ours to reach */
        return;
    }
    /* Where the socket has one address, that is the source anyway. */
    uint16_t dest = find_dest(s, to, u->pktinfo && from ? from : &none);
    struct aura__udp_dest *d = &s->dests[dest];
    uint16_t i = (uint16_t)s->packet_count++;
    s->packets[i] = (struct aura__udp_queued){
        .at = (uint32_t)s->used, .len = (uint16_t)len, .next = AURA__UDP_NONE};
    if (d->first == AURA__UDP_NONE) {
        d->first = i;
    } else {
        s->packets[d->last].next = i;
    }
    d->last = i;
    s->used += len;
    s->last_dest = dest;
}

int aura_udp_send(struct aura_udp *u, const uint8_t *data, size_t len, const struct aura_addr *to,
                  const struct aura_addr *from) {
    uint8_t *room = aura_udp_reserve(u, len);
    if (!room) {
        return AURA_ELIMIT;
    }
    memcpy(room, data, len);
    aura_udp_commit(u, len, to, from);
    return 0;
}

static void *add_control(struct msghdr *hdr, void *buffer, int level, int type, size_t len) {
    hdr->msg_control = buffer;
    struct cmsghdr *c = (struct cmsghdr *)(void *)((uint8_t *)buffer + hdr->msg_controllen);
    c->cmsg_level = level;
    c->cmsg_type = type;
    c->cmsg_len = CMSG_LEN(len);
    hdr->msg_controllen += CMSG_SPACE(len);
    return CMSG_DATA(c);
}

static void add_source(struct msghdr *hdr, void *buffer, const struct aura_addr *from) {
    if (from->family == AURA_FAMILY_V4) {
        struct in_pktinfo info = {0};
        memcpy(&info.ipi_spec_dst, from->ip, 4);
        memcpy(add_control(hdr, buffer, IPPROTO_IP, IP_PKTINFO, sizeof(info)), &info, sizeof(info));
    } else if (from->family == AURA_FAMILY_V6) {
        struct in6_pktinfo info = {.ipi6_ifindex = from->scope};
        memcpy(&info.ipi6_addr, from->ip, 16);
        memcpy(add_control(hdr, buffer, IPPROTO_IPV6, IPV6_PKTINFO, sizeof(info)), &info,
               sizeof(info));
    }
}

/* How many packets from `first` on can leave as one: equal in length, the last may be shorter. */
static uint16_t gso_run(const struct aura_udp *u, uint16_t first) {
    const struct aura__udp_queued *p = &u->send->packets[first];
    size_t segment = p->len, total = p->len;
    uint16_t n = 1;
    while (u->stats.gso && segment && n < AURA_UDP_GSO_SEGMENTS && p->next != AURA__UDP_NONE) {
        const struct aura__udp_queued *next = &u->send->packets[p->next];
        if (next->len > segment || !next->len || total + next->len > AURA_UDP_GSO_BYTES) {
            break;
        }
        n++;
        total += next->len;
        p = next;
        if (p->len < segment) {
            break;
        }
    }
    return n;
}

/* Points `iov` at a group's packets; those that lie side by side need one entry only. */
static size_t fill_iov(const struct aura__udp_send *s, uint16_t first, uint16_t count,
                       struct iovec *iov) {
    size_t used = 0;
    for (uint16_t i = first; count--; i = s->packets[i].next) {
        uint8_t *at = s->bytes + s->packets[i].at;
        if (used && (uint8_t *)iov[used - 1].iov_base + iov[used - 1].iov_len == at) {
            iov[used - 1].iov_len += s->packets[i].len;
        } else {
            iov[used++] = (struct iovec){.iov_base = at, .iov_len = s->packets[i].len};
        }
    }
    return used;
}

static void build_messages(struct aura_udp *u) {
    struct aura__udp_send *s = u->send;
    size_t iov_used = 0;
    for (uint16_t dest = 0; dest < s->dest_count; dest++) {
        struct aura__udp_dest *d = &s->dests[dest];
        for (uint16_t i = d->first; i != AURA__UDP_NONE;) {
            uint16_t n = gso_run(u, i);
            size_t g = s->group_count++;
            struct msghdr *hdr = &s->msgs[g].msg_hdr;
            s->groups[g] = (struct aura__udp_group){.first = i, .count = n, .dest = dest};
            *hdr = (struct msghdr){.msg_name = &d->sa, .msg_namelen = d->sa_len};
            hdr->msg_iov = &s->iov[iov_used];
            hdr->msg_iovlen = fill_iov(s, i, n, hdr->msg_iov);
            iov_used += hdr->msg_iovlen;
            add_source(hdr, s->control[g], &d->from);
            if (n > 1) {
                uint16_t segment = s->packets[i].len;
                memcpy(add_control(hdr, s->control[g], IPPROTO_UDP, UDP_SEGMENT, sizeof(segment)),
                       &segment, sizeof(segment));
            }
            while (n--) {
                i = s->packets[i].next;
            }
        }
    }
}

static void count_sent(struct aura_udp *u, const struct aura__udp_group *g) {
    uint16_t i = g->first;
    for (uint16_t n = 0; n < g->count; n++, i = u->send->packets[i].next) {
        u->stats.bytes_out += u->send->packets[i].len;
    }
    u->stats.packets_out += g->count;
    u->stats.gso_groups += g->count > 1;
}

static void count_dropped(struct aura_udp *u, size_t packets, int code) {
    if (code == EAGAIN || code == EWOULDBLOCK || code == ENOBUFS) {
        u->stats.dropped_again += packets;
    } else {
        u->stats.dropped_error += packets;
    }
}

/* The kernel did not want the group as one: sends its packets one by one. */
static void send_singly(struct aura_udp *u, const struct aura__udp_group *g) {
    struct aura__udp_send *s = u->send;
    struct aura__udp_dest *d = &s->dests[g->dest];
    uint64_t control[AURA__UDP_CONTROL_BYTES / 8] = {0};
    uint16_t i = g->first;
    for (uint16_t n = 0; n < g->count; n++, i = s->packets[i].next) {
        struct iovec iov;
        struct msghdr hdr = {.msg_name = &d->sa, .msg_namelen = d->sa_len, .msg_iov = &iov};
        hdr.msg_iovlen = fill_iov(s, i, 1, &iov);
        add_source(&hdr, control, &d->from);
        u->stats.syscalls_out++;
        if (sendmsg(u->fd, &hdr, MSG_DONTWAIT) < 0) {
            count_dropped(u, 1, errno);
        } else {
            u->stats.packets_out++;
            u->stats.bytes_out += iov.iov_len;
        }
    }
}

static void after_failure(struct aura_udp *u, size_t at, int code) {
    struct aura__udp_send *s = u->send;
    const struct aura__udp_group *g = &s->groups[at];
    bool refusal = code == EIO || code == EINVAL || code == ENOPROTOOPT || code == EOPNOTSUPP ||
                   code == EMSGSIZE;
    if (g->count > 1 && refusal) {
        /* EIO: no checksum offload on the way out. EINVAL, EMSGSIZE: only this path or size. */
        s->gso_refusals += code == EINVAL || code == EMSGSIZE ? 1 : GSO_REFUSALS_MAX;
        u->stats.gso = s->gso_refusals < GSO_REFUSALS_MAX;
        send_singly(u, g);
    } else {
        count_dropped(u, g->count, code);
    }
}

void aura_udp_flush(struct aura_udp *u) {
    struct aura__udp_send *s = u->send;
    if (!s->packet_count) {
        s->used = 0;
        return;
    }
    build_messages(u);
    for (size_t at = 0; at < s->group_count;) {
        int n = sendmmsg(u->fd, s->msgs + at, (unsigned)(s->group_count - at), MSG_DONTWAIT);
        u->stats.syscalls_out++;
        if (n < 0) {
            if (errno == EINTR) {
                continue;
            }
            if (errno == EAGAIN || errno == EWOULDBLOCK || errno == ENOBUFS) {
                for (; at < s->group_count; at++) {
                    count_dropped(u, s->groups[at].count, EAGAIN);
                }
                break;
            }
            after_failure(u, at++, errno);
            continue;
        }
        for (int i = 0; i < n; i++) {
            count_sent(u, &s->groups[at++]);
        }
    }
    forget_all(s);
}
