/* SPDX-License-Identifier: Apache-2.0 */
#include "sfu/candidates.h"

#include <string.h>

static const char ufrag_chars[] = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";

char aura__ufrag_char(unsigned worker) {
    return ufrag_chars[worker % (sizeof(ufrag_chars) - 1)];
}

int aura__ufrag_worker(char c) {
    const char *at = c ? strchr(ufrag_chars, c) : NULL;
    return at ? (int)(at - ufrag_chars) : -1;
}

static void add(struct aura_addr *out, size_t *count, const struct aura_addr *addr) {
    struct aura_addr a = *addr;
    a.port = 0;
    for (size_t i = 0; i < *count; i++) {
        if (aura_addr_same_ip(&out[i], &a)) {
            return;
        }
    }
    if (*count < AURA_SFU_BASE_ADDRS_MAX) {
        out[(*count)++] = a;
    }
}

static int add_interfaces(struct aura_addr *out, size_t *count, bool loopback) {
    struct aura_addr_interface found[AURA_ADDR_INTERFACES_MAX];
    int n = aura_addr_interfaces(found, AURA_ADDR_INTERFACES_MAX);
    if (n < 0) {
        return n;
    }
    size_t before = *count;
    for (int pass = 0; pass < 2; pass++) {
        /* Second pass: loopback, when asked for or when the machine has nothing else. */
        if (pass == 1 && !loopback && *count > before) {
            break;
        }
        for (int i = 0; i < n; i++) {
            bool lo = found[i].loopback || aura_addr_is_loopback(&found[i].addr);
            if (lo == (pass == 1) && !aura_addr_is_link_local(&found[i].addr)) {
                add(out, count, &found[i].addr);
            }
        }
    }
    return 0;
}

int aura__candidates_collect(struct aura_addr out[AURA_SFU_BASE_ADDRS_MAX], size_t *count,
                             const struct aura_sfu_conf *conf) {
    *count = 0;
    bool any = conf->bind_count == 0;
    for (size_t i = 0; i < conf->advertise_count; i++) {
        add(out, count, &conf->advertise[i]);
    }
    if (*count) {
        return 0;
    }
    for (size_t i = 0; i < conf->bind_count; i++) {
        if (aura_addr_is_any(&conf->bind[i])) {
            any = true;
        } else {
            add(out, count, &conf->bind[i]);
        }
    }
    return any ? add_interfaces(out, count, conf->loopback) : 0;
}

/* A socket can be reached under an address if it is bound to it or to all of its family. With
 * addresses advertised by configuration (a NAT in front) the family is all that can be compared. */
static bool serves(const struct aura_addr *bound, const struct aura_addr *addr, bool only) {
    if (bound->family != addr->family) {
        return false;
    }
    return aura_addr_is_any(bound) || only || aura_addr_same_ip(bound, addr);
}

/* RFC 8445 section 5.1.2.1 with component 1; RFC 6544 section 4.2 for passive TCP. */
static uint32_t priority(bool tcp, const struct aura_addr *addr, size_t order) {
    uint32_t type = tcp ? 90 : 126;
    uint32_t local = tcp ? 4u << 13 : 0x8000;
    local += addr->family == AURA_FAMILY_V6 ? 0x1000 : 0x800; /* RFC 8421: IPv6 first */
    return type << 24 | (local - (uint32_t)order) << 8 | 255;
}

static size_t add_socket(const struct aura_addr *bound, bool tcp, const struct aura_addr *base,
                         size_t base_count, struct aura_sfu_candidate *out, size_t n) {
    bool exact = false;
    for (size_t i = 0; i < base_count; i++) {
        exact |= aura_addr_same_ip(bound, &base[i]);
    }
    for (size_t i = 0; i < base_count && n < AURA_SFU_CANDIDATES_MAX; i++) {
        if (!serves(bound, &base[i], !exact)) {
            continue;
        }
        out[n].addr = base[i];
        out[n].addr.port = bound->port;
        out[n].tcp = tcp;
        out[n].priority = priority(tcp, &base[i], n);
        n++;
    }
    return n;
}

size_t aura__candidates_of(const struct aura_worker *worker, const struct aura_worker *listening,
                           const struct aura_addr *base, size_t base_count,
                           struct aura_sfu_candidate out[AURA_SFU_CANDIDATES_MAX]) {
    size_t n = 0;
    for (size_t i = 0; i < worker->socket_count; i++) {
        n = add_socket(aura_udp_local(worker->sockets[i].udp), false, base, base_count, out, n);
    }
    /* Many interfaces must not push the TCP fallback out of the list. */
    if (listening->listener_count && n > AURA_SFU_CANDIDATES_MAX - 2) {
        n = AURA_SFU_CANDIDATES_MAX - 2;
    }
    for (size_t i = 0; i < listening->listener_count; i++) {
        n = add_socket(aura_tcp_listener_local(listening->listeners[i]), true, base, base_count,
                       out, n);
    }
    return n;
}
