/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/server_cluster.h"

#include "base/log.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

bool server_cluster_wanted(const struct aura_config *c) {
    return *c->redis.address || c->redis.sentinel_addresses.count ||
           c->redis.cluster_addresses.count;
}

static bool readable(const char *file) {
    return !*file || access(file, R_OK) == 0;
}

static const char *redis_problem(const struct aura_config *c) {
    int ways = (*c->redis.address != 0) + (c->redis.sentinel_addresses.count > 0) +
               (c->redis.cluster_addresses.count > 0);
    if (ways > 1) {
        return "redis: give one of address, sentinel_addresses and cluster_addresses";
    }
    if (!*c->redis.sentinel_master != !c->redis.sentinel_addresses.count) {
        return "redis: sentinel_master_name and sentinel_addresses belong together";
    }
    if (c->redis.cluster_addresses.count && c->redis.db) {
        return "redis.db: a Redis Cluster has no numbered databases";
    }
    if (!*c->redis.tls_cert != !*c->redis.tls_key) {
        return "redis.tls: client_cert_file and client_key_file belong together";
    }
    if ((c->redis.use_tls || c->redis.tls_enabled) && !aura_redis_has_tls()) {
        return "redis.use_tls: this build has a hiredis without TLS; run tools/hiredis.sh and "
               "build again";
    }
    return NULL;
}

const char *server_cluster_problem(const struct aura_config *c) {
    struct aura_addr a;
    bool tls = *c->cluster.ca;
    if (!server_cluster_wanted(c)) {
        return NULL;
    }
    const char *problem = redis_problem(c);
    if (problem) {
        return problem;
    }
    if (tls != (*c->cluster.certificate != 0) || tls != (*c->cluster.key != 0)) {
        return "cluster.tls: ca_file, cert_file and key_file belong together";
    }
    if (!readable(c->cluster.ca) || !readable(c->cluster.certificate) ||
        !readable(c->cluster.key)) {
        return "cluster.tls: one of its files cannot be read";
    }
    if (*c->cluster.address && (aura_addr_parse(&a, c->cluster.address) || a.port)) {
        return "cluster.address: wanted an address as 10.0.0.5, without a port";
    }
    if (!tls && *c->cluster.address && !aura_addr_is_loopback(&a)) {
        return "cluster.address: beyond this machine nodes need TLS: give cluster.tls";
    }
    return NULL;
}

int server_cluster_fleet(struct aura_fleet **out, const struct aura_config *c, const char *node_id,
                         struct aura_rooms *rooms, struct aura_loop *loop) {
    if (!server_cluster_wanted(c) || !c->cluster.media_links) {
        return 0;
    }
    const struct aura_fleet_conf conf = {.node_id = node_id,
                                         .handlers = aura_rooms_sfu_handlers(),
                                         .arg = rooms,
                                         .rand = aura_rand_system()};
    return aura_fleet_new(out, &conf, loop);
}

static int choose_address(struct server_cluster *s, const struct server_options *o) {
    const struct aura_config *c = &o->config;
    bool tls = *c->cluster.ca;
    struct aura_addr a;
    char ip[AURA_ADDR_TEXT_MAX];
    if (*c->cluster.address) {
        if (aura_addr_parse(&a, c->cluster.address)) {
            return AURA_EINVAL;
        }
    } else if (tls && o->node_ip_count) {
        a = o->node_ip[0];
    } else if (!tls) {
        AURA_BUG_ON(aura_addr_parse(&a, "127.0.0.1"));
    } else {
        fprintf(stderr, "auralink-server: cluster.address: name the address at which other nodes "
                        "reach this one\n");
        return AURA_EINVAL;
    }
    bool v6 = a.family == AURA_FAMILY_V6;
    snprintf(s->address, sizeof(s->address), v6 ? "[%s]:%u" : "%s:%u", aura_addr_ip_text(&a, ip),
             c->cluster.port);
    s->near.bind = a;
    if (tls) { /* the address may be one that is mapped to ours */
        AURA_BUG_ON(aura_addr_parse(&s->near.bind, v6 ? "::" : "0.0.0.0"));
    }
    s->near.bind.port = (uint16_t)c->cluster.port;
    s->near.ca = c->cluster.ca;
    s->near.certificate = c->cluster.certificate;
    s->near.key = c->cluster.key;
    return 0;
}

int server_cluster_start(struct server_cluster *s, const struct server_options *o,
                         const char *node_id, struct aura_rooms *rooms, struct aura_sfu *sfu,
                         struct aura_loop *loop) {
    const struct aura_config *c = &o->config;
    const char *why = "";
    if (!server_cluster_wanted(c)) {
        return 0;
    }
    int err = choose_address(s, o);
    if (err) {
        return err;
    }
    const struct aura_config_list *list = c->redis.sentinel_addresses.count
                                              ? &c->redis.sentinel_addresses
                                              : &c->redis.cluster_addresses;
    bool one = *c->redis.address;
    const struct aura_nodes_conf conf = {
        .redis = {.addresses = one ? &c->redis.address : (const char *const *)list->items,
                  .address_count = one ? 1 : list->count,
                  .sentinel_master = c->redis.sentinel_master,
                  .sentinel_username = c->redis.sentinel_username,
                  .sentinel_password = c->redis.sentinel_password,
                  .username = c->redis.username,
                  .password = c->redis.password,
                  .db = c->redis.db,
                  .tls = c->redis.use_tls || c->redis.tls_enabled,
                  .tls_ca = c->redis.tls_ca,
                  .tls_certificate = c->redis.tls_cert,
                  .tls_key = c->redis.tls_key,
                  .tls_server_name = c->redis.tls_server_name},
        .node_id = node_id,
        .region = c->region,
        .address = s->address,
        .ca = c->cluster.ca,
        .certificate = c->cluster.certificate,
        .key = c->cluster.key,
        .rooms = rooms,
        .sfu = sfu};
    err = aura_nodes_new(&s->nodes, &conf, loop, &why);
    if (err) {
        fprintf(stderr, "auralink-server: cannot be a node: %s\n", *why ? why : aura_err_text(err));
        return err;
    }
    AURA_LOG("cluster", AURA_LOG_INFO, "node", AURA_S("node", node_id),
             AURA_S("address", s->address), AURA_S("tls", *c->cluster.ca ? "mutual" : "none"));
    if (c->auraid.enabled || c->matrix.enabled) {
        AURA_LOG("cluster", AURA_LOG_WARN, "known_here_only",
                 AURA_S("what", "AuraIDs, their calls and Matrix's know this node alone"));
    }
    return 0;
}

const struct aura_http_near *server_cluster_near(const struct server_cluster *s) {
    return s->nodes ? &s->near : NULL;
}

bool server_cluster_may_open(void *arg, const char *room) {
    const struct server_cluster *s = arg;
    return !s->nodes || aura_cluster_owns(aura_nodes_cluster(s->nodes), room);
}

void server_cluster_drain(struct server_cluster *s, void (*fn)(void *arg), void *arg) {
    if (s->nodes) {
        aura_cluster_drain(aura_nodes_cluster(s->nodes), fn, arg);
    } else {
        fn(arg);
    }
}

void server_cluster_end(struct server_cluster *s) {
    s->nodes = aura_nodes_free(s->nodes);
}
