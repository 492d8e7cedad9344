/* SPDX-License-Identifier: Apache-2.0 */
#include "transport/mapped.h"

#include "transport/stun.h"

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { AGAIN_US = 500000, DATAGRAM_MAX = 2048 };

struct search {
    struct aura_mapped *list;
    size_t count;
    const struct aura_addr *servers;
    size_t server_count;
    struct aura_stun_tid tid[AURA_MAPPED_MAX];
    struct pollfd fds[AURA_MAPPED_MAX];
    size_t open, found;
};

static int open_socket(const struct aura_addr *local) {
    struct sockaddr_storage sa;
    struct aura_addr from = *local;
    from.port = 0;
    size_t len = aura_addr_to_sockaddr(&from, &sa);
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd >= 0 && bind(fd, (const struct sockaddr *)&sa, (socklen_t)len) != 0) {
        close(fd);
        fd = -1;
    }
    return fd;
}

static void ask(struct search *s, size_t i) {
    const struct aura_stun_msg m = {
        .cls = AURA_STUN_REQUEST, .method = AURA_STUN_BINDING, .tid = s->tid[i]};
    uint8_t bytes[AURA_STUN_MAX];
    size_t len = 0;
    if (aura_stun_build(&m, NULL, bytes, sizeof(bytes), &len)) {
        return;
    }
    for (size_t k = 0; k < s->server_count; k++) {
        struct sockaddr_storage sa;
        size_t sa_len = aura_addr_to_sockaddr(&s->servers[k], &sa);
        /* What cannot be sent is asked again, or another server answers. */
        (void)!sendto(s->fds[i].fd, bytes, len, 0, (const struct sockaddr *)&sa, (socklen_t)sa_len);
    }
}

static bool asked(const struct search *s, const struct aura_addr *from) {
    for (size_t i = 0; i < s->server_count; i++) {
        if (aura_addr_equal(&s->servers[i], from)) {
            return true;
        }
    }
    return false;
}

static void take(struct search *s, size_t i) {
    uint8_t bytes[DATAGRAM_MAX];
    struct sockaddr_storage sa;
    socklen_t sa_len = sizeof(sa);
    struct aura_addr from;
    struct aura_stun_msg m;
    ssize_t n = recvfrom(s->fds[i].fd, bytes, sizeof(bytes), 0, (struct sockaddr *)&sa, &sa_len);
    if (n < 0 || aura_addr_from_sockaddr(&from, (const struct sockaddr *)&sa, sa_len) ||
        !asked(s, &from) || aura_stun_parse(&m, bytes, (size_t)n)) {
        return;
    }
    if (m.cls == AURA_STUN_SUCCESS && m.has_mapped && m.mapped.family == AURA_FAMILY_V4 &&
        memcmp(&m.tid, &s->tid[i], sizeof(m.tid)) == 0) {
        s->list[i].seen = m.mapped;
        s->list[i].seen.port = 0;
        close(s->fds[i].fd);
        s->fds[i].fd = -1; /* poll() passes over it */
        s->open--;
        s->found++;
    }
}

static void wait_for_answers(struct search *s, const struct aura_clock *clock) {
    uint64_t now_us = aura_now_us(clock), end_us = now_us + AURA_MAPPED_WAIT_US, ask_us = now_us;
    while (s->open && now_us < end_us) {
        if (now_us >= ask_us) {
            for (size_t i = 0; i < s->count; i++) {
                if (s->fds[i].fd >= 0) {
                    ask(s, i);
                }
            }
            ask_us = now_us + AGAIN_US;
        }
        uint64_t until_us = ask_us < end_us ? ask_us : end_us;
        size_t before = s->found;
        int n = poll(s->fds, s->count, (int)((until_us - now_us) / AURA_US_PER_MS) + 1);
        for (size_t i = 0; n > 0 && i < s->count; i++) {
            if (s->fds[i].fd >= 0 && s->fds[i].revents) {
                take(s, i);
            }
        }
        now_us = aura_now_us(clock);
        if (s->found && !before && now_us + AURA_MAPPED_LATE_US < end_us) {
            end_us = now_us + AURA_MAPPED_LATE_US;
        }
    }
}

int aura_mapped_find(struct aura_mapped *list, size_t count, const struct aura_addr *servers,
                     size_t server_count, const struct aura_clock *clock, struct aura_rand *rand) {
    if (!count || count > AURA_MAPPED_MAX || !server_count ||
        server_count > AURA_MAPPED_SERVERS_MAX) {
        return AURA_EINVAL;
    }
    struct search s = {
        .list = list, .count = count, .servers = servers, .server_count = server_count};
    for (size_t i = 0; i < count; i++) {
        aura_rand_bytes(rand, s.tid[i].b, sizeof(s.tid[i].b));
        list[i].seen = (struct aura_addr){.family = AURA_FAMILY_NONE};
        s.fds[i] = (struct pollfd){.fd = open_socket(&list[i].local), .events = POLLIN};
        s.open += s.fds[i].fd >= 0;
    }
    int err = s.open ? 0 : AURA_EIO;
    wait_for_answers(&s, clock);
    for (size_t i = 0; i < count; i++) {
        if (s.fds[i].fd >= 0) {
            close(s.fds[i].fd);
        }
    }
    return err;
}
