/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/server_addresses.h"

#include "base/log.h"
#include "net/prefix.h"
#include "transport/mapped.h"

#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

enum { STUN_PORT = 3478, HOST_MAX = 256 };

/* LiveKit's, for who names none. */
static const char *const usual_servers[] = {"global.stun.twilio.com:3478",
                                            "stun.l.google.com:19302", "stun1.l.google.com:19302"};

struct addresses {
    struct aura_addr items[SERVER_ADVERTISE_MAX];
    size_t count;
};

static void add(struct addresses *list, const struct aura_addr *addr) {
    for (size_t i = 0; i < list->count; i++) {
        if (aura_addr_same_ip(&list->items[i], addr)) {
            return;
        }
    }
    if (list->count < SERVER_ADVERTISE_MAX) {
        list->items[list->count] = *addr;
        list->items[list->count++].port = 0;
    }
}

/* ---- which of ours ---- */

static bool is_named(const struct aura_config_list *names, const char *name) {
    for (size_t i = 0; i < names->count; i++) {
        if (strcmp(names->items[i], name) == 0) {
            return true;
        }
    }
    return false;
}

static bool is_in(const struct aura_config_list *networks, const struct aura_addr *addr) {
    for (size_t i = 0; i < networks->count; i++) {
        struct aura_prefix p;
        if (aura_prefix_parse(&p, networks->items[i]) == 0 && aura_prefix_has(&p, addr)) {
            return true;
        }
    }
    return false;
}

static bool is_bound(const struct server_options *o, const struct aura_addr *addr) {
    bool bound = !o->bind_count;
    for (size_t i = 0; i < o->bind_count; i++) {
        bound = bound || aura_addr_same_ip(&o->bind[i], addr) ||
                (aura_addr_is_any(&o->bind[i]) && o->bind[i].family == addr->family);
    }
    return bound;
}

static bool is_wanted(const struct server_options *o, const struct aura_addr_interface *at) {
    const struct aura_config *c = &o->config;
    bool loopback = at->loopback || aura_addr_is_loopback(&at->addr);
    return is_bound(o, &at->addr) && !aura_addr_is_link_local(&at->addr) &&
           (!loopback || c->rtc.loopback_candidate) &&
           (!c->rtc.interfaces_in.count || is_named(&c->rtc.interfaces_in, at->name)) &&
           !is_named(&c->rtc.interfaces_out, at->name) &&
           (!c->rtc.ips_in.count || is_in(&c->rtc.ips_in, &at->addr)) &&
           !is_in(&c->rtc.ips_out, &at->addr);
}

static int collect(const struct server_options *o, struct addresses *list) {
    struct aura_addr_interface found[AURA_ADDR_INTERFACES_MAX];
    int n = aura_addr_interfaces(found, AURA_ADDR_INTERFACES_MAX);
    for (int i = 0; i < n; i++) {
        if (is_wanted(o, &found[i])) {
            add(list, &found[i].addr);
        }
    }
    if (!list->count) {
        fprintf(stderr, "auralink-server: rtc.interfaces and rtc.ips leave no address of this "
                        "machine; see them with `ip address`\n");
        return AURA_ENOENT;
    }
    return 0;
}

/* ---- what the world sees ---- */

static size_t resolve(const char *text, struct aura_addr *out, size_t max) {
    char host[HOST_MAX], port[8];
    text += strncmp(text, "stun:", 5) == 0 ? 5 : 0;
    const char *colon = strrchr(text, ':');
    size_t len = colon ? (size_t)(colon - text) : strlen(text);
    if (len >= sizeof(host)) {
        return 0;
    }
    memcpy(host, text, len);
    host[len] = '\0';
    snprintf(port, sizeof(port), "%s", colon ? colon + 1 : "");
    if (!colon) {
        snprintf(port, sizeof(port), "%d", STUN_PORT);
    }
    const struct addrinfo hints = {.ai_family = AF_INET, .ai_socktype = SOCK_DGRAM};
    struct addrinfo *list = NULL;
    if (getaddrinfo(host, port, &hints, &list)) {
        return 0;
    }
    size_t n = max && !aura_addr_from_sockaddr(out, list->ai_addr, list->ai_addrlen);
    freeaddrinfo(list);
    return n;
}

static int find_mapped(const struct aura_config *c, struct aura_mapped *asked, size_t count) {
    struct aura_addr servers[AURA_MAPPED_SERVERS_MAX];
    size_t n = 0, usual = sizeof(usual_servers) / sizeof(usual_servers[0]);
    size_t names = c->rtc.stun_servers.count ? c->rtc.stun_servers.count : usual;
    for (size_t i = 0; i < names && n < AURA_MAPPED_SERVERS_MAX; i++) {
        const char *text =
            c->rtc.stun_servers.count ? c->rtc.stun_servers.items[i] : usual_servers[i];
        n += resolve(text, &servers[n], AURA_MAPPED_SERVERS_MAX - n);
    }
    int err =
        n ? aura_mapped_find(asked, count, servers, n, aura_clock_system(), aura_rand_system())
          : AURA_ENOENT;
    size_t found = 0;
    for (size_t i = 0; !err && i < count; i++) {
        found += asked[i].seen.family != AURA_FAMILY_NONE;
    }
    if (!found) {
        fprintf(stderr,
                "auralink-server: rtc.use_external_ip: %s. Let UDP out to them, name others in "
                "rtc.stun_servers, or give the address in rtc.node_ip and switch use_external_ip "
                "off\n",
                n ? "no STUN server answered" : "no STUN server's name could be resolved");
        return AURA_ENOENT;
    }
    return 0;
}

/* Addresses that are public already, and IPv6, are what the world sees. */
static bool needs_mapping(const struct aura_addr *addr) {
    return addr->family == AURA_FAMILY_V4 && aura_addr_is_private(addr);
}

static int replace(const struct aura_config *c, struct addresses *list) {
    struct aura_mapped asked[SERVER_ADVERTISE_MAX];
    struct addresses ours = *list;
    size_t n = 0;
    for (size_t i = 0; i < ours.count; i++) {
        if (needs_mapping(&ours.items[i])) {
            asked[n++].local = ours.items[i];
        }
    }
    int err = n ? find_mapped(c, asked, n) : 0;
    if (err) {
        return err;
    }
    list->count = 0;
    for (size_t i = 0, k = 0; i < ours.count; i++) {
        bool asks = needs_mapping(&ours.items[i]);
        const struct aura_addr *seen = asks ? &asked[k++].seen : &ours.items[i];
        bool known = seen->family != AURA_FAMILY_NONE;
        if (known) {
            add(list, seen);
        }
        if (asks && (known ? c->rtc.advertise_internal_ip : !c->rtc.external_ip_only)) {
            add(list, &ours.items[i]);
        }
    }
    return 0;
}

/* ---- all together ---- */

int server_addresses_check(const struct aura_config *c) {
    const struct aura_config_list *lists[] = {&c->rtc.ips_in, &c->rtc.ips_out};
    for (size_t k = 0; k < 2; k++) {
        for (size_t i = 0; i < lists[k]->count; i++) {
            struct aura_prefix p;
            if (aura_prefix_parse(&p, lists[k]->items[i])) {
                fprintf(stderr,
                        "auralink-server: rtc.ips: '%s' is no network; write 10.0.0.0/8 or the "
                        "like\n",
                        lists[k]->items[i]);
                return AURA_EINVAL;
            }
        }
    }
    return 0;
}

int server_addresses(struct server_options *o) {
    const struct aura_config *c = &o->config;
    bool chosen = c->rtc.interfaces_in.count || c->rtc.interfaces_out.count ||
                  c->rtc.ips_in.count || c->rtc.ips_out.count;
    struct addresses list = {.count = 0};
    if (!c->rtc.use_external_ip && (!chosen || o->node_ip_count)) {
        return 0;
    }
    int err = collect(o, &list);
    if (!err && c->rtc.use_external_ip) {
        err = replace(c, &list);
    }
    if (err) {
        return err;
    }
    memcpy(o->node_ip, list.items, sizeof(list.items));
    o->node_ip_count = list.count;
    for (size_t i = 0; i < list.count; i++) {
        char text[AURA_ADDR_TEXT_MAX];
        AURA_LOG("server", AURA_LOG_INFO, "media_address",
                 AURA_S("ip", aura_addr_ip_text(&list.items[i], text)));
    }
    return 0;
}
