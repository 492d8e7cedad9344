/* SPDX-License-Identifier: Apache-2.0 */
#include "net/addr.h"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/socket.h>

static const uint8_t v4_mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

static void set_v6(struct aura_addr *out, const uint8_t ip[16]) {
    if (memcmp(ip, v4_mapped, sizeof(v4_mapped)) == 0) {
        memcpy(out->ip, ip + sizeof(v4_mapped), 4);
        out->family = AURA_FAMILY_V4;
    } else {
        memcpy(out->ip, ip, 16);
        out->family = AURA_FAMILY_V6;
    }
}

static int parse_ip(struct aura_addr *out, const char *text) {
    uint8_t ip[16];
    if (inet_pton(AF_INET, text, ip) == 1) {
        memcpy(out->ip, ip, 4);
        out->family = AURA_FAMILY_V4;
        return 0;
    }
    if (inet_pton(AF_INET6, text, ip) == 1) {
        set_v6(out, ip);
        return 0;
    }
    return AURA_EINVAL;
}

static int parse_port(uint16_t *out, const char *text) {
    uint32_t port = 0;
    size_t digits = 0;
    for (; text[digits] >= '0' && text[digits] <= '9' && digits < 6; digits++) {
        port = port * 10 + (uint32_t)(text[digits] - '0');
    }
    if (!digits || text[digits] || port > UINT16_MAX) {
        return AURA_EINVAL;
    }
    *out = (uint16_t)port;
    return 0;
}

int aura_addr_parse(struct aura_addr *out, const char *text) {
    AURA_REQUIRE(out && text, AURA_EINVAL);
    struct aura_addr addr = {0};
    char ip[AURA_ADDR_TEXT_MAX];
    const char *port = NULL;
    const char *end = text + strnlen(text, sizeof(ip));
    if (*text == '[') {
        text++;
        end = strchr(text, ']');
        if (!end || (end[1] && end[1] != ':')) {
            return AURA_EINVAL;
        }
        port = end[1] ? end + 2 : NULL;
    } else {
        const char *colon = strchr(text, ':');
        if (colon && !strchr(colon + 1, ':')) { /* one colon: IPv4 with port */
            end = colon;
            port = colon + 1;
        }
    }
    size_t len = (size_t)(end - text);
    if (len >= sizeof(ip)) {
        return AURA_EINVAL;
    }
    memcpy(ip, text, len);
    ip[len] = 0;
    if (parse_ip(&addr, ip) || (port && parse_port(&addr.port, port))) {
        return AURA_EINVAL;
    }
    *out = addr;
    return 0;
}

const char *aura_addr_ip_text(const struct aura_addr *a, char out[AURA_ADDR_TEXT_MAX]) {
    int family = a->family == AURA_FAMILY_V6 ? AF_INET6 : AF_INET;
    if (a->family == AURA_FAMILY_NONE ||
        !inet_ntop(family, a->ip, out, (socklen_t)AURA_ADDR_TEXT_MAX)) {
        snprintf(out, AURA_ADDR_TEXT_MAX, "none");
    }
    return out;
}

const char *aura_addr_text(const struct aura_addr *a, char out[AURA_ADDR_TEXT_MAX]) {
    char ip[AURA_ADDR_TEXT_MAX];
    aura_addr_ip_text(a, ip);
    if (!a->port) {
        memcpy(out, ip, sizeof(ip));
        return out;
    }
    /* The longest IPv6 text is 45 characters: with brackets and port it fits. */
    const char *form = a->family == AURA_FAMILY_V6 ? "[%.45s]:%u" : "%.45s:%u";
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    snprintf(out, AURA_ADDR_TEXT_MAX, form, ip, (unsigned)a->port);
#pragma GCC diagnostic pop
    return out;
}

size_t aura_addr_to_sockaddr(const struct aura_addr *a, struct sockaddr_storage *out) {
    if (a->family == AURA_FAMILY_V4) {
        struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons(a->port)};
        memcpy(&in.sin_addr, a->ip, 4);
        memcpy(out, &in, sizeof(in));
        return sizeof(in);
    }
    if (a->family == AURA_FAMILY_V6) {
        struct sockaddr_in6 in = {
            .sin6_family = AF_INET6, .sin6_port = htons(a->port), .sin6_scope_id = a->scope};
        memcpy(&in.sin6_addr, a->ip, 16);
        memcpy(out, &in, sizeof(in));
        return sizeof(in);
    }
    return 0;
}

int aura_addr_from_sockaddr(struct aura_addr *out, const struct sockaddr *sa, size_t len) {
    struct aura_addr addr = {0};
    sa_family_t family;
    if (len < offsetof(struct sockaddr, sa_data)) {
        return AURA_EINVAL;
    }
    memcpy(&family, &sa->sa_family, sizeof(family));
    if (family == AF_INET && len >= sizeof(struct sockaddr_in)) {
        struct sockaddr_in in;
        memcpy(&in, sa, sizeof(in));
        memcpy(addr.ip, &in.sin_addr, 4);
        addr.port = ntohs(in.sin_port);
        addr.family = AURA_FAMILY_V4;
    } else if (family == AF_INET6 && len >= sizeof(struct sockaddr_in6)) {
        struct sockaddr_in6 in;
        memcpy(&in, sa, sizeof(in));
        set_v6(&addr, in.sin6_addr.s6_addr);
        addr.port = ntohs(in.sin6_port);
        addr.scope = aura_addr_is_link_local(&addr) ? in.sin6_scope_id : 0;
    } else {
        return AURA_EINVAL;
    }
    *out = addr;
    return 0;
}

bool aura_addr_is_any(const struct aura_addr *a) {
    static const uint8_t zero[16];
    return memcmp(a->ip, zero, sizeof(zero)) == 0;
}

bool aura_addr_is_loopback(const struct aura_addr *a) {
    static const uint8_t one[16] = {[15] = 1};
    return a->family == AURA_FAMILY_V4 ? a->ip[0] == 127
                                       : a->family == AURA_FAMILY_V6 && !memcmp(a->ip, one, 16);
}

bool aura_addr_is_link_local(const struct aura_addr *a) {
    if (a->family == AURA_FAMILY_V4) {
        return a->ip[0] == 169 && a->ip[1] == 254;
    }
    return a->family == AURA_FAMILY_V6 && a->ip[0] == 0xfe && (a->ip[1] & 0xc0) == 0x80;
}

bool aura_addr_is_private(const struct aura_addr *a) {
    const uint8_t *ip = a->ip;
    if (a->family == AURA_FAMILY_V4) {
        return ip[0] == 10 || (ip[0] == 172 && (ip[1] & 0xf0) == 16) ||
               (ip[0] == 192 && ip[1] == 168) || (ip[0] == 100 && (ip[1] & 0xc0) == 64);
    }
    return a->family == AURA_FAMILY_V6 && (ip[0] & 0xfe) == 0xfc;
}

bool aura_addr_same_ip(const struct aura_addr *a, const struct aura_addr *b) {
    return a->family == b->family && a->scope == b->scope && memcmp(a->ip, b->ip, 16) == 0;
}

uint32_t aura_addr_hash(const struct aura_addr *a) {
    uint64_t w[3];
    _Static_assert(sizeof(w) == sizeof(*a), "addresses have no padding");
    memcpy(w, a, sizeof(w));
    uint64_t h = w[0] * UINT64_C(0x9e3779b97f4a7c15);
    h = (h ^ h >> 32 ^ w[1]) * UINT64_C(0xbf58476d1ce4e5b9);
    h = (h ^ h >> 29 ^ w[2]) * UINT64_C(0x94d049bb133111eb);
    return (uint32_t)(h >> 32);
}

static bool take_interface(struct aura_addr_interface *out, const struct ifaddrs *ifa,
                           sa_family_t family) {
    if (!ifa->ifa_addr || !(ifa->ifa_flags & IFF_UP) || ifa->ifa_addr->sa_family != family) {
        return false;
    }
    size_t len = family == AF_INET ? sizeof(struct sockaddr_in) : sizeof(struct sockaddr_in6);
    memset(out, 0, sizeof(*out));
    if (aura_addr_from_sockaddr(&out->addr, ifa->ifa_addr, len)) {
        return false;
    }
    out->addr.port = 0;
    out->loopback = (ifa->ifa_flags & IFF_LOOPBACK) != 0;
    snprintf(out->name, sizeof(out->name), "%.15s", ifa->ifa_name);
    return true;
}

int aura_addr_interfaces(struct aura_addr_interface *out, size_t max) {
    static const sa_family_t families[] = {AF_INET, AF_INET6};
    struct ifaddrs *all = NULL;
    if (getifaddrs(&all) != 0) {
        return AURA_EIO;
    }
    if (max > AURA_ADDR_INTERFACES_MAX) {
        max = AURA_ADDR_INTERFACES_MAX;
    }
    size_t n = 0;
    for (size_t f = 0; f < 2; f++) {
        for (const struct ifaddrs *ifa = all; ifa && n < max; ifa = ifa->ifa_next) {
            n += take_interface(&out[n], ifa, families[f]);
        }
    }
    freeifaddrs(all);
    return (int)n;
}
