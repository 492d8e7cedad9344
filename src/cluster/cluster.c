/* SPDX-License-Identifier: Apache-2.0 */
/* This node: its heartbeat, and the rooms that it owns. */
#include "cluster/cluster_priv.h"

#include "base/log.h"
#include "base/mem.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { EPOCH_TEXT = 24 };

static void beat(struct aura_cluster *c);

/* ---- what is on its way ---- */

struct aura__ask *aura__ask_new(struct aura_cluster *c, const char *room) {
    size_t len = strlen(room) + 1;
    struct aura__ask *a = aura_zalloc(sizeof(*a) + len);
    if (a) {
        a->c = c;
        memcpy(a->room, room, len);
        aura_list_add(&c->asks, &a->node);
    }
    return a;
}

void aura__ask_free(struct aura__ask *a) {
    aura_node_remove(&a->node);
    aura_free(a);
}

/* ---- rooms ---- */

int aura__hold(struct aura_cluster *c, const char *room, uint64_t epoch, const char *why) {
    struct aura__held *h = aura_map_get_str(c->held, room);
    if (!h) {
        size_t len = strlen(room) + 1;
        h = aura_zalloc(sizeof(*h) + len);
        int err = h ? aura_map_put_str(c->held, room, h) : AURA_ENOMEM;
        if (err) {
            aura_free(h);
            return err;
        }
        memcpy(h->name, room, len);
        aura_list_add(&c->held_list, &h->node);
        c->stats.rooms++;
    }
    aura__forget(c, room);
    h->epoch = epoch;
    h->seen_us = aura_now_us(c->clock);
    h->releasing = false;
    snprintf(h->why, sizeof(h->why), "%s", why);
    return 0;
}

void aura__let_go(struct aura_cluster *c, const char *room) {
    struct aura__held *h = aura_map_del_str(c->held, room);
    if (h) {
        aura_node_remove(&h->node);
        aura_free(h);
        c->stats.rooms--;
    }
}

void aura__forget(struct aura_cluster *c, const char *room) {
    struct aura__known *k = aura_map_del_str(c->known, room);
    if (k) {
        aura_node_remove(&k->node);
        aura_free(k);
    }
}

void aura__remember(struct aura_cluster *c, const char *room, const char *id, const char *address,
                    uint64_t epoch) {
    size_t len = strlen(room) + 1;
    aura__forget(c, room);
    if (aura_map_count(c->known) >= AURA_CLUSTER_ROOMS_MAX) {
        aura__forget(c, AURA_LIST_FIRST(&c->known_list, struct aura__known, node)->name);
    }
    struct aura__known *k = aura_zalloc(sizeof(*k) + len);
    if (!k || aura_map_put_str(c->known, room, k)) {
        aura_free(k);
        return;
    }
    memcpy(k->name, room, len);
    k->epoch = epoch;
    snprintf(k->id, sizeof(k->id), "%s", id);
    snprintf(k->address, sizeof(k->address), "%s", address);
    aura_list_add(&c->known_list, &k->node);
}

bool aura_cluster_owns(const struct aura_cluster *c, const char *room) {
    const struct aura__held *h = aura_map_get_str(c->held, room);
    return h && !h->releasing;
}

/* ---- releasing ---- */

static void on_released(void *arg, const struct aura_store_reply *reply) {
    struct aura__ask *a = arg;
    struct aura_cluster *c = a->c;
    struct aura__held *h = c ? aura_map_get_str(c->held, a->room) : NULL;
    if (h && h->epoch == a->epoch && h->releasing) {
        h->releasing = false;
        if (!reply->err) { /* ours or not: we have nothing to do with it any more */
            c->stats.released++;
            aura__let_go(c, a->room);
        }
    }
    aura__ask_free(a);
}

static void release(struct aura_cluster *c, struct aura__held *h) {
    char epoch[EPOCH_TEXT];
    const char *args[] = {h->name, c->conf.node_id, epoch};
    struct aura__ask *a = aura__ask_new(c, h->name);
    if (a) {
        snprintf(epoch, sizeof(epoch), "%" PRIu64, h->epoch);
        a->epoch = h->epoch;
        h->releasing = true;
        c->conf.store.run(c->conf.store.self, AURA_SCRIPT_RELEASE, args, 3, on_released, a);
    }
}

static void release_idle(struct aura_cluster *c) {
    uint64_t now = aura_now_us(c->clock);
    AURA_LIST_EACH(&c->held_list, struct aura__held, h, node) {
        if (c->conf.has_room(c->conf.arg, h->name)) {
            h->seen_us = now;
        } else if (!h->releasing && now - h->seen_us >= AURA_CLUSTER_IDLE_MS * AURA_US_PER_MS) {
            release(c, h);
        }
    }
}

/* ---- the heartbeat ---- */

static void again(void *arg) {
    beat(arg);
}

static void beat_later(struct aura_cluster *c, uint64_t in_us) {
    if (aura_timer_start(c->conf.timers, &c->beat_timer, in_us, again, c)) {
        AURA_LOG("cluster", AURA_LOG_ERROR, "no_memory_for_timer", AURA_S("for", "heartbeat"));
    }
}

static uint32_t measured(const struct aura_cluster *c, const char *id) {
    for (size_t i = 0; i < c->node_count; i++) {
        if (strcmp(c->nodes[i].id, id) == 0) {
            return c->nodes[i].rtt_us;
        }
    }
    return 0;
}

static void read_nodes(struct aura_cluster *c, const struct aura_store_reply *reply, size_t from) {
    static struct aura_cluster_node now[AURA_NODES_MAX]; /* one thread */
    size_t count = 0;
    for (size_t i = from; i < reply->count && count < AURA_NODES_MAX; i++) {
        struct aura_cluster_node n;
        if (aura_node_read(&n, reply->items[i])) {
            AURA_LOG_LIMITED("cluster", AURA_LOG_WARN, "bad_node_record",
                             AURA_S("record", reply->items[i]));
            continue;
        }
        n.rtt_us = measured(c, n.id);
        now[count++] = n;
    }
    memcpy(c->nodes, now, count * sizeof(now[0]));
    c->node_count = count;
}

static void lose(struct aura_cluster *c, const char *room) {
    struct aura__held *h = aura_map_get_str(c->held, room);
    if (!h) {
        return;
    }
    AURA_LOG("cluster", AURA_LOG_WARN, "room_lost", AURA_S("room", room),
             AURA_I("epoch", (int64_t)h->epoch));
    c->stats.lost++;
    aura__let_go(c, room);
    c->conf.lost(c->conf.arg, room);
}

static void tell_drained(struct aura_cluster *c) {
    if (c->drained) {
        void (*fn)(void *arg) = c->drained;
        c->drained = NULL;
        fn(c->drained_arg);
    }
}

static void on_beat(void *arg, const struct aura_store_reply *reply) {
    struct aura__ask *a = arg;
    struct aura_cluster *c = a->c;
    bool drained = a->epoch != 0; /* that heartbeat said so */
    aura__ask_free(a);
    if (!c) {
        return;
    }
    c->beating = false;
    size_t lost = reply->err || reply->count < 2 ? 0 : strtoul(reply->items[1], NULL, 10);
    if (reply->err || reply->count < 2 + lost) {
        c->stats.beats_failed++;
        if (reply->err != AURA_EAGAIN) {
            AURA_LOG_LIMITED("cluster", AURA_LOG_ERROR, "heartbeat_failed",
                             AURA_S("why", reply->err ? reply->why : "a short answer"));
        }
    } else {
        c->stats.beats++;
        c->stats.beat_us = aura_now_us(c->clock);
        c->stats.settling = strcmp(reply->items[0], "settled") != 0;
        for (size_t i = 0; i < lost; i++) {
            lose(c, reply->items[2 + i]);
        }
        read_nodes(c, reply, 2 + lost);
    }
    if (drained || reply->err) {
        tell_drained(c); /* without the store nobody can be told */
    }
    bool more = !reply->err && (c->unverified || (c->drain && !drained));
    beat_later(c, more ? 0 : AURA_CLUSTER_BEAT_MS * AURA_US_PER_MS);
}

/* The rooms that have waited longest. @return words used */
static size_t add_rooms(struct aura_cluster *c, const char **args, char epochs[][EPOCH_TEXT]) {
    size_t n = 0, rooms = aura_map_count(c->held);
    rooms = rooms < AURA_CLUSTER_BEAT_ROOMS ? rooms : AURA_CLUSTER_BEAT_ROOMS;
    for (size_t i = 0; i < rooms; i++) {
        struct aura__held *h = AURA_LIST_FIRST(&c->held_list, struct aura__held, node);
        aura_node_remove(&h->node);
        aura_list_add(&c->held_list, &h->node);
        if (!h->releasing) {
            snprintf(epochs[i], EPOCH_TEXT, "%" PRIu64, h->epoch);
            args[n++] = h->name;
            args[n++] = epochs[i];
        }
    }
    c->unverified = c->unverified > rooms ? c->unverified - rooms : 0;
    return n;
}

static void describe(struct aura_cluster *c, struct aura_cluster_node *n) {
    *n = (struct aura_cluster_node){.drain = c->drain};
    snprintf(n->id, sizeof(n->id), "%s", c->conf.node_id);
    snprintf(n->region, sizeof(n->region), "%s", c->conf.region);
    snprintf(n->address, sizeof(n->address), "%s", c->conf.address);
    c->conf.load(c->conf.arg, n);
}

static void beat(struct aura_cluster *c) {
    static char epochs[AURA_CLUSTER_BEAT_ROOMS][EPOCH_TEXT]; /* one thread */
    const char *args[3 + 2 * AURA_CLUSTER_BEAT_ROOMS] = {c->conf.node_id, NULL, c->conf.address};
    struct aura_buf record = AURA_BUF(AURA_NODE_RECORD_MAX);
    struct aura_cluster_node n;
    if (c->beating) {
        return;
    }
    release_idle(c);
    describe(c, &n);
    struct aura__ask *a = aura__ask_new(c, "");
    if (!a || aura_node_write(&n, &record)) {
        if (a) {
            aura__ask_free(a);
        }
        beat_later(c, AURA_CLUSTER_BEAT_MS * AURA_US_PER_MS);
    } else {
        c->beating = true;
        a->epoch = c->drain;
        args[1] = aura_buf_text(&record);
        size_t words = 3 + add_rooms(c, args + 3, epochs);
        c->conf.store.run(c->conf.store.self, AURA_SCRIPT_BEAT, args, words, on_beat, a);
    }
    aura_buf_free(&record);
}

/* ---- life ---- */

int aura_cluster_new(struct aura_cluster **out, const struct aura_cluster_conf *conf) {
    struct aura_cluster *c = aura_zalloc(sizeof(*c));
    if (!c) {
        return AURA_ENOMEM;
    }
    c->conf = *conf;
    c->clock = aura_timers_clock(conf->timers);
    struct aura_list *lists[] = {&c->held_list, &c->known_list, &c->finds, &c->asks};
    for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
        aura_list_init(lists[i]);
    }
    int err = aura_map_new(&c->held, AURA_CLUSTER_ROOMS_MAX);
    err = err ? err : aura_map_new(&c->known, AURA_CLUSTER_ROOMS_MAX);
    if (err) {
        aura_cluster_free(c);
        return err;
    }
    *out = c;
    return 0;
}

static void on_left(void *arg, const struct aura_store_reply *reply) {
    (void)arg;
    (void)reply;
}

struct aura_cluster *aura_cluster_free(struct aura_cluster *c) {
    if (!c) {
        return NULL;
    }
    c->freeing = true;
    if (c->stats.connected) {
        c->conf.store.run(c->conf.store.self, AURA_SCRIPT_LEAVE, &c->conf.node_id, 1, on_left,
                          NULL);
    }
    AURA_LIST_EACH(&c->finds, struct aura_cluster_find, f, node) {
        aura__find_fail(f, "this server is ending");
    }
    AURA_LIST_EACH(&c->asks, struct aura__ask, a, node) {
        aura_node_remove(&a->node);
        a->c = NULL;
    }
    aura_timer_stop(c->conf.timers, &c->beat_timer);
    AURA_LIST_EACH(&c->held_list, struct aura__held, h, node) {
        aura__let_go(c, h->name);
    }
    AURA_LIST_EACH(&c->known_list, struct aura__known, k, node) {
        aura__forget(c, k->name);
    }
    aura_map_free(c->held);
    aura_map_free(c->known);
    aura_free(c);
    return NULL;
}

void aura_cluster_connected(struct aura_cluster *c, bool connected) {
    c->stats.connected = connected;
    if (connected) {
        c->unverified = aura_map_count(c->held);
        beat(c);
    }
}

void aura_cluster_drain(struct aura_cluster *c, void (*fn)(void *arg), void *arg) {
    c->drain = true;
    c->drained = fn;
    c->drained_arg = arg;
    if (!c->stats.connected) {
        tell_drained(c);
    } else {
        beat(c); /* else the answer to the one on its way begins another */
    }
}

const struct aura_cluster_node *aura_cluster_nodes(const struct aura_cluster *c, size_t *count) {
    *count = c->node_count;
    return c->nodes;
}

void aura_cluster_measured(struct aura_cluster *c, const char *node, uint32_t rtt_us) {
    for (size_t i = 0; i < c->node_count; i++) {
        if (strcmp(c->nodes[i].id, node) == 0) {
            uint32_t was = c->nodes[i].rtt_us; /* an eighth of what is new, as TCP does */
            c->nodes[i].rtt_us = was ? was - was / 8 + rtt_us / 8 : rtt_us ? rtt_us : 1;
        }
    }
}

void aura_cluster_each_room(const struct aura_cluster *c,
                            void (*fn)(void *arg, const struct aura_cluster_room_view *view),
                            void *arg) {
    AURA_LIST_EACH(&c->held_list, struct aura__held, h, node) {
        const struct aura_cluster_room_view view = {h->name, h->why, h->epoch};
        fn(arg, &view);
    }
}

void aura_cluster_stats(const struct aura_cluster *c, struct aura_cluster_stats *out) {
    *out = c->stats;
}
