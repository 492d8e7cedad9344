/* SPDX-License-Identifier: Apache-2.0 */
#include "api/nodes.h"

#include "base/log.h"
#include "base/mem.h"

#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

enum { MEASURE_S = 10, MEASURE_TIMEOUT_MS = 3000, PROBE_TIMEOUT_MS = 2000, TARGET_BYTES = 2048 };

struct aura_nodes {
    struct aura_nodes_conf conf;
    struct aura_loop *loop;
    struct aura_redis *redis;
    struct aura_asker *asker;
    struct aura_cluster *cluster;
    struct aura_timer measure_timer;
    /* At the last heartbeat. */
    uint64_t looked_us, cpu_us, packets;
    unsigned cpus;
};

/* ---- what the heartbeat tells ---- */

static uint64_t cpu_us(void) {
    struct rusage u;
    if (getrusage(RUSAGE_SELF, &u)) {
        return 0;
    }
    return ((uint64_t)u.ru_utime.tv_sec + (uint64_t)u.ru_stime.tv_sec) * AURA_US_PER_S +
           (uint64_t)u.ru_utime.tv_usec + (uint64_t)u.ru_stime.tv_usec;
}

static unsigned cpu_count(void) {
    cpu_set_t set;
    int n = sched_getaffinity(0, sizeof(set), &set) ? 1 : CPU_COUNT(&set);
    return n > 0 ? (unsigned)n : 1;
}

static void load(void *arg, struct aura_cluster_node *node) {
    struct aura_nodes *n = arg;
    struct aura_rooms_stats rooms;
    aura_rooms_stats(n->conf.rooms, &rooms);
    uint64_t now = aura_now_us(aura_loop_clock(n->loop)), cpu = cpu_us();
    uint64_t packets = aura_sfu_packets(n->conf.sfu), us = now - n->looked_us;
    if (n->looked_us && us) {
        node->packets_s = (uint32_t)((packets - n->packets) * AURA_US_PER_S / us);
        node->cpu_permille = (uint32_t)((cpu - n->cpu_us) * 1000 / (us * n->cpus));
    }
    n->looked_us = now;
    n->cpu_us = cpu;
    n->packets = packets;
    node->rooms = (uint32_t)rooms.rooms;
    node->participants = (uint32_t)rooms.participants;
}

static bool has_room(void *arg, const char *room) {
    return aura_rooms_has(((struct aura_nodes *)arg)->conf.rooms, room);
}

static void lost(void *arg, const char *room) {
    aura_rooms_moved(((struct aura_nodes *)arg)->conf.rooms, room);
}

/* ---- asking others ---- */

static void add_escaped(struct aura_buf *out, const char *text) {
    for (const unsigned char *p = (const unsigned char *)text; *p; p++) {
        (void)aura_buf_printf(out, "%%%02X", *p); /* the error is sticky */
    }
}

struct probe {
    aura_cluster_probe_fn *fn;
    void *arg;
};

static void on_probed(void *arg, const struct aura_answer *answer) {
    struct probe p = *(struct probe *)arg;
    aura_free(arg);
    p.fn(p.arg, answer->status == 200);
}

/* Without memory nothing is known of it: then it is not taken over, and the search ends in time. */
static void probe(void *arg, const char *address, const char *room, aura_cluster_probe_fn *fn,
                  void *probe_arg) {
    struct aura_nodes *n = arg;
    struct aura_buf target = AURA_BUF(TARGET_BYTES);
    struct probe *p = aura_zalloc(sizeof(*p));
    (void)aura_buf_str(&target, "/cluster/v1/owns?room=");
    add_escaped(&target, room);
    const struct aura_ask_conf conf = {.address = address,
                                       .target = aura_buf_text(&target),
                                       .bearer = "",
                                       .forwarded = "",
                                       .timeout_ms = PROBE_TIMEOUT_MS};
    int err = !p || target.err ? AURA_ENOMEM : 0;
    if (!err) {
        *p = (struct probe){fn, probe_arg};
        err = aura_ask(n->asker, &conf, on_probed, p);
    }
    aura_buf_free(&target);
    if (err) {
        aura_free(p);
        fn(probe_arg, true);
    }
}

struct measure {
    struct aura_nodes *n;
    char id[AURA_NODE_ID_MAX];
};

static void on_measured(void *arg, const struct aura_answer *answer) {
    struct measure *m = arg;
    if (answer->status) {
        aura_cluster_measured(m->n->cluster, m->id, answer->rtt_us);
    } else {
        AURA_LOG_LIMITED("cluster", AURA_LOG_INFO, "node_does_not_answer", AURA_S("node", m->id),
                         AURA_S("why", answer->why));
    }
    aura_free(m);
}

static void on_measure(void *arg) {
    struct aura_nodes *n = arg;
    size_t count;
    const struct aura_cluster_node *nodes = aura_cluster_nodes(n->cluster, &count);
    for (size_t i = 0; i < count; i++) {
        const struct aura_ask_conf conf = {.address = nodes[i].address,
                                           .target = "/cluster/v1/owns",
                                           .bearer = "",
                                           .forwarded = "",
                                           .timeout_ms = MEASURE_TIMEOUT_MS};
        bool self = strcmp(nodes[i].id, n->conf.node_id) == 0;
        struct measure *m = self ? NULL : aura_zalloc(sizeof(*m));
        if (m) {
            m->n = n;
            memcpy(m->id, nodes[i].id, sizeof(m->id));
            if (aura_ask(n->asker, &conf, on_measured, m)) {
                aura_free(m);
            }
        }
    }
    if (aura_timer_start(aura_loop_timers(n->loop), &n->measure_timer, MEASURE_S * AURA_US_PER_S,
                         on_measure, n)) {
        AURA_LOG("cluster", AURA_LOG_ERROR, "no_memory_for_timer", AURA_S("for", "measuring"));
    }
}

/* ---- life ---- */

static void on_state(void *arg, bool connected) {
    struct aura_nodes *n = arg;
    aura_cluster_connected(n->cluster, connected);
}

int aura_nodes_new(struct aura_nodes **out, const struct aura_nodes_conf *conf,
                   struct aura_loop *loop, const char **why) {
    struct aura_nodes *n = aura_zalloc(sizeof(*n));
    if (!n) {
        return AURA_ENOMEM;
    }
    n->conf = *conf;
    n->conf.redis.state = on_state;
    n->conf.redis.arg = n;
    n->loop = loop;
    n->cpus = cpu_count();
    int err = aura_asker_new(&n->asker, loop, conf->ca, conf->certificate, conf->key);
    err = err ? err : aura_redis_new(&n->redis, &n->conf.redis, loop, why);
    if (!err) {
        const struct aura_cluster_conf cluster = {.node_id = conf->node_id,
                                                  .region = conf->region,
                                                  .address = conf->address,
                                                  .store = aura_redis_store(n->redis),
                                                  .timers = aura_loop_timers(loop),
                                                  .load = load,
                                                  .has_room = has_room,
                                                  .lost = lost,
                                                  .probe = probe,
                                                  .arg = n};
        err = aura_cluster_new(&n->cluster, &cluster);
    }
    err = err ? err
              : aura_timer_start(aura_loop_timers(loop), &n->measure_timer,
                                 MEASURE_S * AURA_US_PER_S, on_measure, n);
    if (err) {
        aura_nodes_free(n);
        return err;
    }
    *out = n;
    return 0;
}

struct aura_nodes *aura_nodes_free(struct aura_nodes *n) {
    if (n) {
        aura_timer_stop(aura_loop_timers(n->loop), &n->measure_timer);
        n->cluster = aura_cluster_free(n->cluster);
        n->redis = aura_redis_free(n->redis);
        n->asker = aura_asker_free(n->asker);
        aura_free(n);
    }
    return NULL;
}

struct aura_cluster *aura_nodes_cluster(const struct aura_nodes *n) {
    return n->cluster;
}

struct aura_asker *aura_nodes_asker(const struct aura_nodes *n) {
    return n->asker;
}

const struct aura_redis *aura_nodes_redis(const struct aura_nodes *n) {
    return n->redis;
}
