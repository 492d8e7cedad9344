/* SPDX-License-Identifier: Apache-2.0 */
/* The server as a whole: what it does now, its last minutes, and the nodes it works with. */
#include "api/dash_priv.h"

#include "api/nodes.h"
#include "api/recordings.h"
#include "api/webhooks.h"

#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

/* ---- measuring ---- */

static uint64_t cpu_us(void) {
    struct rusage u;
    if (getrusage(RUSAGE_SELF, &u)) {
        return 0;
    }
    return (uint64_t)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) * AURA_US_PER_S +
           (uint64_t)(u.ru_utime.tv_usec + u.ru_stime.tv_usec);
}

static uint64_t per_s(uint64_t now, uint64_t before, uint64_t us) {
    return us && now > before ? (now - before) * AURA_US_PER_S / us : 0;
}

static struct dash_step *next_step(struct aura__dash *d) {
    size_t at = (d->first_step + d->step_count) % DASH_STEPS;
    if (d->step_count < DASH_STEPS) {
        d->step_count++;
    } else {
        d->first_step = (d->first_step + 1) % DASH_STEPS;
    }
    return &d->steps[at];
}

static const struct dash_step *step_at(const struct aura__dash *d, size_t i) {
    return &d->steps[(d->first_step + i) % DASH_STEPS];
}

static void measure(struct aura__dash *d) {
    uint64_t now_us = aura_now_us(aura_loop_clock(d->s->loop));
    uint64_t us = d->last.at_us ? now_us - d->last.at_us : 0, cpu = cpu_us();
    struct aura_sfu_counters c;
    struct aura_rooms_stats stats;
    aura_sfu_peek(d->s->sfu, &c);
    aura_rooms_stats(d->s->rooms, &stats);
    if (us) {
        *next_step(d) =
            (struct dash_step){.at_us = aura__dash_now_us(d),
                               .in_bps = 8 * per_s(c.bytes_in, d->last.bytes_in, us),
                               .out_bps = 8 * per_s(c.bytes_out, d->last.bytes_out, us),
                               .aic_sent_bps = 8 * per_s(c.aic_sent, d->last.aic_sent, us),
                               .aic_native_bps = 8 * per_s(c.aic_native, d->last.aic_native, us),
                               .rooms = (uint32_t)stats.rooms,
                               .participants = (uint32_t)stats.participants};
        d->cpu = (double)(cpu - d->last.cpu_us) / (double)us;
    }
    d->last.at_us = now_us;
    d->last.bytes_in = c.bytes_in;
    d->last.bytes_out = c.bytes_out;
    d->last.aic_sent = c.aic_sent;
    d->last.aic_native = c.aic_native;
    d->last.cpu_us = cpu;
}

static void on_tick(void *arg) {
    struct aura__dash *d = arg;
    measure(d);
    if (d->listener_count) {
        aura__dash_tell(d, json_pack("{s:s, s:o}", "type", "tick", "now", aura__dash_overview(d)));
    }
    /* Without memory for it the figures stand still. */
    (void)!aura_timer_start(aura_loop_timers(d->s->loop), &d->timer,
                            AURA_ROOMS_STEP_S * AURA_US_PER_S, on_tick, d);
}

int aura__dash_measure(struct aura__dash *d) {
    measure(d);
    return aura_timer_start(aura_loop_timers(d->s->loop), &d->timer,
                            AURA_ROOMS_STEP_S * AURA_US_PER_S, on_tick, d);
}

/* ---- the whole ---- */

static const struct dash_step *newest(const struct aura__dash *d) {
    static const struct dash_step none;
    return d->step_count ? step_at(d, d->step_count - 1) : &none;
}

static size_t waiting_of(const struct aura_server *s) {
    struct aura_webhooks_stats w = {.lost = 0};
    if (s->conf.webhooks) {
        aura_webhooks_stats(s->conf.webhooks, &w);
    }
    return (size_t)w.outbox.waiting;
}

json_t *aura__dash_overview(struct aura__dash *d) {
    struct aura_server *s = d->s;
    struct aura_rooms_stats r;
    struct aura_sfu_counters c;
    size_t recordings = s->conf.recordings ? aura_recordings_running(s->conf.recordings) : 0;
    aura_rooms_stats(s->rooms, &r);
    aura_sfu_peek(s->sfu, &c);
    return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:o, s:I, s:I}", "at_us",
                     (json_int_t)aura__dash_now_us(d), "rooms", (json_int_t)r.rooms, "participants",
                     (json_int_t)r.participants, "tracks", (json_int_t)r.tracks, "subscriptions",
                     (json_int_t)r.subscriptions, "in_bps", (json_int_t)newest(d)->in_bps,
                     "out_bps", (json_int_t)newest(d)->out_bps, "joins", (json_int_t)r.joins,
                     "joins_refused", (json_int_t)(r.joins_refused + s->joins_refused), "aic",
                     aura__dash_saving(c.aic_sent, c.aic_native), "webhooks_waiting",
                     (json_int_t)waiting_of(s), "recordings", (json_int_t)recordings);
}

static void overview(struct dash_request *r) {
    json_t *series = json_array();
    for (size_t i = 0; i < r->d->step_count; i++) {
        const struct dash_step *v = step_at(r->d, i);
        json_array_append_new(
            series, json_pack("{s:I, s:I, s:I, s:I, s:I}", "at_us", (json_int_t)v->at_us, "rooms",
                              (json_int_t)v->rooms, "participants", (json_int_t)v->participants,
                              "in_bps", (json_int_t)v->in_bps, "out_bps", (json_int_t)v->out_bps));
    }
    aura__dash_respond(r, 200,
                       json_pack("{s:o, s:i, s:o}", "now", aura__dash_overview(r->d), "step_s",
                                 AURA_ROOMS_STEP_S, "series", series));
}

json_t *aura__dash_aic_series(const struct aura__dash *d) {
    json_t *series = json_array();
    for (size_t i = 0; i < d->step_count; i++) {
        const struct dash_step *v = step_at(d, i);
        json_array_append_new(series, json_pack("{s:I, s:I, s:I}", "at_us", (json_int_t)v->at_us,
                                                "sent_bps", (json_int_t)v->aic_sent_bps,
                                                "native_bps", (json_int_t)v->aic_native_bps));
    }
    return series;
}

/* ---- nodes ---- */

static uint64_t memory_bytes(void) {
    unsigned long long pages = 0;
    FILE *f = fopen("/proc/self/statm", "re");
    bool read = f && fscanf(f, "%*u %llu", &pages) == 1;
    if (f) {
        (void)fclose(f);
    }
    return read ? pages * (uint64_t)sysconf(_SC_PAGESIZE) : 0;
}

static void set_record(json_t *node, const struct aura_cluster_node *n) {
    json_object_set_new(node, "packets_s", json_integer(n->packets_s));
    json_object_set_new(node, "load", json_real(n->cpu_permille / 1000.0));
    json_object_set_new(node, "rtt_ms", n->rtt_us ? json_real(n->rtt_us / 1000.0) : json_null());
    json_object_set_new(node, "address", json_string(n->address));
}

/* What another node tells of itself by its heartbeat; the rest is known to it alone. */
static json_t *another(const struct aura_cluster_node *n, bool heard) {
    json_t *node = json_pack("{s:s, s:b, s:s, s:n, s:s, s:n, s:I, s:I, s:n, s:n, s:n, s:n, s:n, "
                             "s:n, s:n}",
                             "id", n->id, "self", 0, "region", n->region, "version", "state",
                             !heard     ? "lost"
                             : n->drain ? "draining"
                                        : "serving",
                             "started_us", "rooms", (json_int_t)n->rooms, "participants",
                             (json_int_t)n->participants, "tracks", "in_bps", "out_bps", "cpu",
                             "memory_bytes", "workers", "loop_lag_ms");
    if (node) {
        set_record(node, n);
    }
    return node;
}

/* Those of the cluster, as this one has heard of them last, behind this one. */
static void add_others(const struct aura_nodes *nodes, const char *self, json_t *list) {
    const struct aura_cluster *cluster = aura_nodes_cluster(nodes);
    struct aura_cluster_stats stats;
    size_t count;
    const struct aura_cluster_node *all = aura_cluster_nodes(cluster, &count);
    aura_cluster_stats(cluster, &stats);
    for (size_t i = 0; i < count; i++) {
        if (strcmp(all[i].id, self) == 0) {
            set_record(json_array_get(list, 0), &all[i]);
        } else {
            json_array_append_new(list, another(&all[i], stats.connected));
        }
    }
}

static json_t *this_one(struct dash_request *r) {
    struct aura__dash *d = r->d;
    struct aura_rooms_stats stats;
    struct aura_sfu_counters c;
    uint16_t ports[64];
    uint64_t now_us = aura_now_us(aura_loop_clock(r->s->loop));
    aura_rooms_stats(r->s->rooms, &stats);
    aura_sfu_peek(r->s->sfu, &c);
    return json_pack(
        "{s:s, s:b, s:s, s:n, s:s, s:s, s:I, s:I, s:I, s:I, s:I, s:I, s:f, s:I, s:I, s:f, s:n, "
        "s:n, "
        "s:n}",
        "id", aura_rooms_node_id(r->s->rooms), "self", 1, "region", d->conf->region, "address",
        "version", d->conf->version, "state",
        aura_rooms_draining(r->s->rooms) ? "draining" : "serving", "started_us",
        (json_int_t)(aura__dash_now_us(d) - (now_us - r->s->started_us)), "rooms",
        (json_int_t)stats.rooms, "participants", (json_int_t)stats.participants, "tracks",
        (json_int_t)stats.tracks, "in_bps", (json_int_t)newest(d)->in_bps, "out_bps",
        (json_int_t)newest(d)->out_bps, "cpu", d->cpu, "memory_bytes", (json_int_t)memory_bytes(),
        "workers",
        (json_int_t)aura_sfu_udp_ports(r->s->sfu, ports, sizeof(ports) / sizeof(ports[0])),
        "loop_lag_ms", (double)c.loop_lag_us_max / 1000.0, "packets_s", "load", "rtt_ms");
}

static void list_nodes(struct dash_request *r) {
    json_t *list = json_pack("[o]", this_one(r));
    if (list && r->s->conf.nodes) {
        add_others(r->s->conf.nodes, aura_rooms_node_id(r->s->rooms), list);
    }
    aura__dash_respond(r, 200, json_pack("{s:o}", "nodes", list));
}

static const struct dash_route routes[] = {
    {"GET", "/api/v1/overview", DASH_VIEW, overview},
    {"GET", "/api/v1/nodes", DASH_VIEW, list_nodes},
};
DASH_ROUTES(aura__dash_node_routes, routes);
