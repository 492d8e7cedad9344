/* SPDX-License-Identifier: Apache-2.0 */
/* Searches: which node owns a room, or shall. */
#include "cluster/cluster_priv.h"

#include "base/log.h"
#include "base/mem.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void ask(struct aura_cluster_find *f);

static void detach(struct aura_cluster_find *f) {
    aura_timer_stop(f->cluster->conf.timers, &f->timer);
    aura_node_remove(&f->node);
    f->cluster->stats.finding--;
    if (f->ask) {
        f->ask->f = NULL;
        f->ask = NULL;
    }
}

void aura_cluster_find_stop(struct aura_cluster_find *f) {
    if (f->cluster && aura_node_linked(&f->node)) {
        detach(f);
    }
    f->cluster = NULL;
}

/* The search may go on from here, if the node does not answer: see aura_cluster_find_again(). */
static void end(struct aura_cluster_find *f, const struct aura_cluster_answer *answer) {
    detach(f);
    f->fn(f->arg, answer);
}

void aura__find_fail(struct aura_cluster_find *f, const char *why) {
    const struct aura_cluster_answer answer = {.where = AURA_CLUSTER_UNKNOWN, .why = why};
    f->cluster->stats.unknown++;
    AURA_LOG_LIMITED("cluster", AURA_LOG_WARN, "room_not_found", AURA_S("room", f->room),
                     AURA_S("why", why));
    end(f, &answer);
}

static void on_again(void *arg) {
    ask(arg);
}

static bool in_time(const struct aura_cluster_find *f) {
    return aura_now_us(f->cluster->clock) < f->until_us;
}

static void later(struct aura_cluster_find *f, const char *why) {
    if (!in_time(f)) {
        aura__find_fail(f, why);
    } else if (aura_timer_start(f->cluster->conf.timers, &f->timer,
                                AURA_CLUSTER_AGAIN_MS * AURA_US_PER_MS, on_again, f)) {
        aura__find_fail(f, "out of memory");
    }
}

static void found(struct aura_cluster_find *f, const struct aura_store_reply *r, const char *why) {
    struct aura_cluster *c = f->cluster;
    struct aura_cluster_answer answer = {.where = AURA_CLUSTER_THERE,
                                         .node = r->items[1],
                                         .epoch = strtoull(r->items[2], NULL, 10),
                                         .address = r->items[3],
                                         .why = why};
    if (strcmp(answer.node, c->conf.node_id) == 0) {
        answer.where = AURA_CLUSTER_HERE;
        if (aura__hold(c, f->room, answer.epoch, why)) {
            aura__find_fail(f, "this node has no place for another room");
            return;
        }
    } else {
        aura__let_go(c, f->room); /* while we drain it may have gone elsewhere */
        aura__remember(c, f->room, answer.node, answer.address, answer.epoch);
    }
    end(f, &answer);
}

/* ---- an owner that has not told of itself ---- */

static void on_probe(void *arg, bool alive) {
    struct aura__ask *a = arg;
    struct aura_cluster_find *f = a->c ? a->f : NULL;
    uint64_t epoch = a->epoch;
    char address[AURA_NODE_ADDRESS_MAX];
    snprintf(address, sizeof(address), "%s", strchr(a->room, ' ') + 1);
    aura__ask_free(a);
    if (!f) {
        return;
    }
    f->ask = NULL;
    if (alive) { /* only its way to the store is broken: it is the owner all the same */
        const struct aura_cluster_answer answer = {.where = AURA_CLUSTER_THERE,
                                                   .node = "",
                                                   .address = address,
                                                   .epoch = epoch,
                                                   .why = "its way to Redis is broken"};
        end(f, &answer);
        return;
    }
    f->take_over = epoch;
    ask(f);
}

static void probe(struct aura_cluster_find *f, const struct aura_store_reply *r) {
    struct aura_cluster *c = f->cluster;
    char both[AURA_NODE_ID_MAX + AURA_NODE_ADDRESS_MAX + 2];
    snprintf(both, sizeof(both), "%.*s %.*s", AURA_NODE_ID_MAX, r->items[1], AURA_NODE_ADDRESS_MAX,
             r->items[3]);
    struct aura__ask *a = aura__ask_new(c, both);
    if (!a) {
        aura__find_fail(f, "out of memory");
        return;
    }
    a->f = f;
    a->epoch = strtoull(r->items[2], NULL, 10);
    f->ask = a;
    c->stats.probes++;
    c->conf.probe(c->conf.arg, strchr(a->room, ' ') + 1, f->room, on_probe, a);
}

/* The owner is dead, or wants to be rid of it. */
static void owner_gone(struct aura_cluster_find *f, const struct aura_store_reply *r, bool drains) {
    const struct aura_cluster_answer nowhere = {.where = AURA_CLUSTER_NOWHERE};
    bool ours = strcmp(r->items[1], f->cluster->conf.node_id) == 0;
    uint64_t epoch = strtoull(r->items[2], NULL, 10);
    if (!f->create && drains) {
        found(f, r, "it drains");
    } else if (!f->create) {
        end(f, &nowhere);
    } else if (f->take_over == epoch) {
        later(f, "no node can take the room over"); /* it was tried, and somebody came between */
    } else if (drains || ours) {
        f->take_over = epoch;
        ask(f);
    } else {
        probe(f, r);
    }
}

/* ---- asking the store ---- */

static void on_place(void *arg, const struct aura_store_reply *r) {
    struct aura__ask *a = arg;
    struct aura_cluster *c = a->c;
    struct aura_cluster_find *f = c ? a->f : NULL;
    char why[AURA_CHOICE_WHY_MAX];
    const struct aura_cluster_answer nowhere = {.where = AURA_CLUSTER_NOWHERE};
    snprintf(why, sizeof(why), "%s", a->room);
    aura__ask_free(a);
    if (!f) {
        return;
    }
    f->ask = NULL;
    const char *what = !r->err && r->count >= 4 ? r->items[0] : "";
    if (r->err == AURA_EAGAIN) {
        later(f, r->why);
    } else if (r->err || !*what) {
        aura__find_fail(f, r->err ? r->why : "Redis gave a short answer");
    } else if (strcmp(what, "is") == 0) {
        found(f, r, "");
    } else if (strcmp(what, "placed") == 0) {
        c->stats.placed++;
        c->stats.taken_over += f->take_over != 0;
        AURA_LOG("cluster", AURA_LOG_INFO, "room_placed", AURA_S("room", f->room),
                 AURA_S("node", r->items[1]), AURA_S("epoch", r->items[2]),
                 AURA_S("instead_of", f->take_over ? "an owner that is gone" : "nobody"),
                 AURA_S("why", why));
        found(f, r, why);
    } else if (strcmp(what, "none") == 0) {
        aura__forget(c, f->room);
        end(f, &nowhere);
    } else if (strcmp(what, "dead") == 0 || strcmp(what, "draining") == 0) {
        owner_gone(f, r, what[1] == 'r');
    } else if (strcmp(what, "unfit") == 0) {
        snprintf(f->not, sizeof(f->not ), "%s", r->items[1]);
        later(f, "the node that was chosen is gone");
    } else {
        later(f, "Redis has lost its data, and the nodes are writing it again: try again");
    }
}

/* Whom to propose: "" = nobody. */
static const char *candidate(const struct aura_cluster_find *f, char why[AURA_CHOICE_WHY_MAX]) {
    const struct aura_cluster *c = f->cluster;
    const struct aura_choice_wish wish = {
        .here = c->conf.node_id, .region = f->region, .not = f->not };
    why[0] = 0;
    if (!f->create) {
        return "";
    }
    if (f->relayed && !c->drain) {
        snprintf(why, AURA_CHOICE_WHY_MAX, "another node chose this one");
        return c->conf.node_id;
    }
    size_t i = aura_choice(c->nodes, c->node_count, &wish, why);
    return i < c->node_count ? c->nodes[i].id : NULL;
}

static void ask(struct aura_cluster_find *f) {
    struct aura_cluster *c = f->cluster;
    char why[AURA_CHOICE_WHY_MAX], epoch[24];
    const char *who = candidate(f, why);
    if (!who) { /* the snapshot may be old, or there is none yet */
        f->not [0] = 0;
        later(f, c->node_count ? "no node takes new rooms: all drain" : "no node is known yet");
        return;
    }
    struct aura__ask *a = aura__ask_new(c, why);
    if (!a) {
        aura__find_fail(f, "out of memory");
        return;
    }
    snprintf(epoch, sizeof(epoch), "%" PRIu64, f->take_over);
    const char *args[] = {f->room, who, epoch};
    a->f = f;
    f->ask = a;
    c->conf.store.run(c->conf.store.self, AURA_SCRIPT_PLACE, args, 3, on_place, a);
}

/* Without the store: what we own, and what we remember. */
static void guess(struct aura_cluster_find *f) {
    const struct aura__known *k = aura_map_get_str(f->cluster->known, f->room);
    if (!k) {
        aura__find_fail(
            f, "Redis cannot be reached, and this room does not run here: try again later");
        return;
    }
    const struct aura_cluster_answer answer = {.where = AURA_CLUSTER_THERE,
                                               .node = k->id,
                                               .address = k->address,
                                               .epoch = k->epoch,
                                               .why = "remembered: Redis cannot be reached"};
    end(f, &answer);
}

static void start(struct aura_cluster_find *f) {
    struct aura_cluster *c = f->cluster;
    const struct aura__held *h = aura_map_get_str(c->held, f->room);
    aura_list_add(&c->finds, &f->node);
    c->stats.finding++;
    if (h && !h->releasing && (!c->drain || !f->create || !c->stats.connected)) {
        const struct aura_cluster_answer answer = {.where = AURA_CLUSTER_HERE,
                                                   .node = c->conf.node_id,
                                                   .address = c->conf.address,
                                                   .epoch = h->epoch,
                                                   .why = ""};
        end(f, &answer);
    } else if (!c->stats.connected) {
        guess(f);
    } else {
        ask(f);
    }
}

void aura_cluster_find(struct aura_cluster *c, struct aura_cluster_find *f,
                       const struct aura_cluster_wish *wish, aura_cluster_fn *fn, void *arg) {
    AURA_BUG_ON(aura_node_linked(&f->node));
    *f = (struct aura_cluster_find){.cluster = c,
                                    .room = wish->room,
                                    .region = *wish->region ? wish->region : c->conf.region,
                                    .create = wish->create,
                                    .relayed = wish->relayed,
                                    .until_us = aura_now_us(c->clock) +
                                                AURA_CLUSTER_FIND_MS * AURA_US_PER_MS,
                                    .fn = fn,
                                    .arg = arg};
    start(f);
}

static void on_search_on(void *arg) {
    struct aura_cluster_find *f = arg;
    aura_node_remove(&f->node); /* start() counts it in again */
    f->cluster->stats.finding--;
    start(f);
}

bool aura_cluster_find_again(struct aura_cluster_find *f) {
    if (!f->cluster || aura_node_linked(&f->node) || !in_time(f)) {
        return false;
    }
    f->take_over = 0;
    f->not [0] = 0;
    if (aura_timer_start(f->cluster->conf.timers, &f->timer, AURA_CLUSTER_AGAIN_MS * AURA_US_PER_MS,
                         on_search_on, f)) {
        return false;
    }
    aura_list_add(&f->cluster->finds, &f->node);
    f->cluster->stats.finding++;
    return true;
}
