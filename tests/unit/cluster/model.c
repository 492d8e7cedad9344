/* SPDX-License-Identifier: Apache-2.0 */
#include "model.h"

#include "base/mem.h"
#include "cluster/scripts.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TEXTS = 400, TEXT = 300 };

/* A call on its way: carried out when it arrives, answered on the way back. */
struct call {
    struct world *w;
    struct member *from;
    struct aura_timer timer;
    enum aura_script script;
    size_t count;
    char *args[4 + 2 * AURA_CLUSTER_BEAT_ROOMS];
    aura_store_fn *fn;
    void *arg;
    bool done;
    size_t items;
    char texts[TEXTS][TEXT];
};

static const char *const names[ROOMS] = {"room0", "room1", "room2", "room3", "room4",  "room5",
                                         "room6", "room7", "room8", "room9", "room10", "room11"};

const char *room_name(size_t room) {
    return names[room];
}

static size_t number_of(const char *room) {
    return strtoul(room + 4, NULL, 10);
}

static uint64_t now(const struct world *w) {
    return aura_now_us(&w->clock.clock);
}

static void say(struct call *k, const char *text) {
    assert_true(k->items < TEXTS);
    (void)snprintf(k->texts[k->items++], TEXT, "%s", text);
}

static void say_number(struct call *k, uint64_t n) {
    char text[24];
    (void)snprintf(text, sizeof(text), "%" PRIu64, n);
    say(k, text);
}

/* ---- the scripts' rules ---- */

static bool settling(const struct world *w) {
    return !w->born_us || now(w) - w->born_us < AURA_SETTLE_MS * AURA_US_PER_MS;
}

static size_t record_of(const struct world *w, const char *id) {
    size_t n = sizeof(w->records) / sizeof(w->records[0]);
    for (size_t i = 0; i < n; i++) {
        if (w->records[i].until_us > now(w) && strcmp(w->records[i].id, id) == 0) {
            return i;
        }
    }
    return n;
}

static void keep_record(struct world *w, const char *id, const char *record) {
    size_t n = sizeof(w->records) / sizeof(w->records[0]), i = record_of(w, id);
    for (size_t k = 0; i == n && k < n; k++) {
        i = w->records[k].until_us <= now(w) ? k : i;
    }
    assert_true(i < n);
    (void)snprintf(w->records[i].id, sizeof(w->records[i].id), "%s", id);
    (void)snprintf(w->records[i].record, sizeof(w->records[i].record), "%s", record);
    w->records[i].until_us = now(w) + AURA_NODE_TTL_MS * AURA_US_PER_MS;
}

static const char *fit(const struct world *w, const char *id, struct aura_cluster_node *n) {
    size_t i = record_of(w, id);
    if (i == sizeof(w->records) / sizeof(w->records[0])) {
        return "dead";
    }
    assert_int_equal(aura_node_read(n, w->records[i].record), 0);
    return n->drain ? "draining" : "fit";
}

static void own(struct model_room *r, const char *node, const char *address, uint64_t epoch) {
    (void)snprintf(r->node, sizeof(r->node), "%s", node);
    (void)snprintf(r->address, sizeof(r->address), "%s", address);
    r->epoch = epoch;
}

static void beat(struct world *w, struct call *k) {
    size_t lost = 0;
    keep_record(w, k->args[0], k->args[1]);
    w->born_us = w->born_us ? w->born_us : now(w);
    say(k, settling(w) ? "settling" : "settled");
    say(k, "");
    for (size_t i = 3; i < k->count; i += 2) {
        struct model_room *r = &w->rooms[number_of(k->args[i])];
        uint64_t epoch = strtoull(k->args[i + 1], NULL, 10);
        if (r->epoch > epoch) {
            say(k, k->args[i]);
            lost++;
        } else {
            own(r, k->args[0], k->args[2], epoch);
            w->epoch = w->epoch > epoch ? w->epoch : epoch;
        }
    }
    (void)snprintf(k->texts[1], TEXT, "%zu", lost);
    for (size_t i = 0; i < sizeof(w->records) / sizeof(w->records[0]); i++) {
        if (w->records[i].until_us > now(w)) {
            say(k, w->records[i].record);
        }
    }
}

static void place_says(struct call *k, const char *what, const char *node, uint64_t epoch,
                       const char *address) {
    say(k, what);
    say(k, node);
    say_number(k, epoch);
    say(k, address);
}

static void place(struct world *w, struct call *k) {
    struct model_room *r = &w->rooms[number_of(k->args[0])];
    struct aura_cluster_node n;
    if (r->epoch) {
        const char *state = fit(w, r->node, &n);
        bool is = strcmp(state, "fit") == 0;
        if (is || !k->args[1][0] || strtoull(k->args[2], NULL, 10) != r->epoch) {
            place_says(k, is ? "is" : state, r->node, r->epoch, r->address);
            return;
        }
    } else if (!k->args[1][0]) {
        place_says(k, "none", "", 0, "");
        return;
    }
    if (settling(w)) {
        place_says(k, "settling", "", 0, "");
        return;
    }
    if (strcmp(fit(w, k->args[1], &n), "fit") != 0) {
        place_says(k, "unfit", k->args[1], 0, "");
        return;
    }
    uint64_t wall = aura_wall_us(&w->clock.clock);
    w->epoch = w->epoch + 1 > wall ? w->epoch + 1 : wall;
    assert_true(w->epoch > w->lost_epoch); /* also after Redis has forgotten all */
    own(r, k->args[1], n.address, w->epoch);
    w->placed++;
    place_says(k, "placed", k->args[1], w->epoch, n.address);
}

static void carry_out(struct world *w, struct call *k) {
    if (k->script == AURA_SCRIPT_BEAT) {
        beat(w, k);
    } else if (k->script == AURA_SCRIPT_PLACE) {
        place(w, k);
    } else if (k->script == AURA_SCRIPT_RELEASE) {
        struct model_room *r = &w->rooms[number_of(k->args[0])];
        bool yours = strcmp(r->node, k->args[1]) == 0 && r->epoch == strtoull(k->args[2], NULL, 10);
        r->epoch = yours ? 0 : r->epoch;
        say(k, yours ? "released" : "not yours");
    } else {
        size_t i = record_of(w, k->args[0]);
        if (i < sizeof(w->records) / sizeof(w->records[0])) {
            w->records[i].until_us = 0;
        }
    }
}

/* ---- the way there and back ---- */

static void answer(struct call *k, int err) {
    const char *items[TEXTS];
    struct aura_store_reply reply = {.err = err, .why = "no way", .items = items};
    for (size_t i = 0; !err && i < k->items; i++) {
        items[reply.count++] = k->texts[i];
    }
    k->fn(k->arg, &reply);
    for (size_t i = 0; i < k->count; i++) {
        free(k->args[i]);
    }
    free(k);
}

static void on_way(void *arg);

static void travel(struct call *k) {
    uint64_t at = now(k->w) + (k->w->rand ? aura_rand_u32(k->w->rand) % 20000 : 500);
    at = at > k->from->last_us ? at : k->from->last_us;
    k->from->last_us = at;
    if (aura_timer_start(k->w->timers, &k->timer, at - now(k->w), on_way, k)) {
        answer(k, AURA_EAGAIN); /* a test without memory */
    }
}

static void on_way(void *arg) {
    struct call *k = arg;
    if (k->w->down || k->from->cut) {
        answer(k, AURA_EAGAIN); /* on the way back too: it was carried out, and nobody knows */
    } else if (k->done) {
        answer(k, 0);
    } else {
        carry_out(k->w, k);
        k->done = true;
        travel(k);
    }
}

static void run(void *self, enum aura_script script, const char *const *args, size_t count,
                aura_store_fn *fn, void *arg) {
    struct member *m = self;
    struct call *k = calloc(1, sizeof(*k)); /* not ours: the model's memory never fails */
    assert_non_null(k);
    *k =
        (struct call){.w = m->w, .from = m, .script = script, .count = count, .fn = fn, .arg = arg};
    for (size_t i = 0; i < count; i++) {
        k->args[i] = strdup(args[i]);
    }
    if (m->w->down || m->cut) {
        answer(k, AURA_EAGAIN);
    } else if (!m->c || script == AURA_SCRIPT_LEAVE) { /* the last word of one that ends */
        carry_out(m->w, k);
        answer(k, 0);
    } else {
        travel(k);
    }
}

/* ---- a node ---- */

static void load(void *arg, struct aura_cluster_node *n) {
    const struct member *m = arg;
    n->cpu_permille = m->cpu;
}

static bool has_room(void *arg, const char *room) {
    return ((struct member *)arg)->rooms[number_of(room)];
}

static void lost(void *arg, const char *room) {
    struct member *m = arg;
    m->rooms[number_of(room)] = false;
    m->w->lost++;
}

struct probe {
    struct world *w;
    struct aura_timer timer;
    char address[32], room[32];
    aura_cluster_probe_fn *fn;
    void *arg;
};

static void on_probed(void *arg) {
    struct probe *p = arg;
    bool alive = false;
    for (size_t i = 0; i < NODES; i++) {
        const struct member *m = &p->w->nodes[i];
        alive = alive ||
                (m->c && strcmp(m->address, p->address) == 0 && aura_cluster_owns(m->c, p->room));
    }
    p->fn(p->arg, alive);
    free(p);
}

static void probe(void *arg, const char *address, const char *room, aura_cluster_probe_fn *fn,
                  void *probe_arg) {
    struct world *w = ((struct member *)arg)->w;
    struct probe *p = calloc(1, sizeof(*p));
    assert_non_null(p);
    *p = (struct probe){.w = w, .fn = fn, .arg = probe_arg};
    (void)snprintf(p->address, sizeof(p->address), "%s", address);
    (void)snprintf(p->room, sizeof(p->room), "%s", room);
    assert_int_equal(aura_timer_start(w->timers, &p->timer, 3000, on_probed, p), 0);
}

int member_start(struct world *w, size_t i) {
    struct member *m = &w->nodes[i];
    unsigned start = w->starts++;
    memset(m->rooms, 0, sizeof(m->rooms));
    m->w = w;
    m->cut = false;
    (void)snprintf(m->id, sizeof(m->id), "n%zu.%u", i, start);
    (void)snprintf(m->address, sizeof(m->address), "10.0.%zu.%u:1", i, start);
    const struct aura_cluster_conf conf = {.node_id = m->id,
                                           .region = "",
                                           .address = m->address,
                                           .store = {m, run},
                                           .timers = w->timers,
                                           .load = load,
                                           .has_room = has_room,
                                           .lost = lost,
                                           .probe = probe,
                                           .arg = m};
    int err = aura_cluster_new(&m->c, &conf);
    if (!err && !w->down) {
        aura_cluster_connected(m->c, true);
    }
    return err;
}

void member_kill(struct world *w, size_t i) {
    struct member *m = &w->nodes[i];
    m->cut = true; /* its good-bye is not heard */
    if (m->c) {
        aura_cluster_connected(m->c, false);
        m->c = aura_cluster_free(m->c);
    }
    memset(m->rooms, 0, sizeof(m->rooms));
}

void member_end(struct world *w, size_t i) {
    struct member *m = &w->nodes[i];
    m->c = aura_cluster_free(m->c);
    memset(m->rooms, 0, sizeof(m->rooms));
}

void world_cut(struct world *w, size_t i, bool cut) {
    struct member *m = &w->nodes[i];
    bool was = m->cut || w->down;
    m->cut = cut;
    if (m->c && was != (cut || w->down)) {
        aura_cluster_connected(m->c, !(cut || w->down));
    }
}

void world_down(struct world *w, bool down) {
    bool was = w->down;
    w->down = down;
    for (size_t i = 0; i < NODES; i++) {
        if (w->nodes[i].c && !w->nodes[i].cut && was != down) {
            aura_cluster_connected(w->nodes[i].c, !down);
        }
    }
}

void world_empty(struct world *w) {
    w->lost_epoch = w->epoch;
    w->born_us = w->epoch = 0;
    memset(w->records, 0, sizeof(w->records));
    memset(w->rooms, 0, sizeof(w->rooms));
}

/* ---- the world ---- */

int world_start(struct world *w, size_t nodes) {
    memset(w, 0, sizeof(*w));
    aura_clock_manual_init(&w->clock, 1000000, UINT64_C(1700000000000000));
    int err = aura_timers_new(&w->timers, &w->clock.clock);
    for (size_t i = 0; !err && i < nodes; i++) {
        err = member_start(w, i);
    }
    return err;
}

void world_run(struct world *w, uint64_t us) {
    uint64_t until = now(w) + us;
    while (now(w) < until) {
        uint64_t next = aura_timers_next_us(w->timers), left = until - now(w);
        aura_clock_manual_advance(&w->clock, next < left ? next : left);
        (void)aura_timers_run(w->timers);
    }
}

void world_end(struct world *w) {
    for (size_t i = 0; i < NODES; i++) {
        w->nodes[i].c = aura_cluster_free(w->nodes[i].c);
    }
    w->down = true; /* what is on its way is answered, and its memory freed */
    if (w->timers) {
        world_run(w, AURA_US_PER_S);
    }
    w->timers = aura_timers_free(w->timers);
}

/* ---- people ---- */

static void on_found(void *arg, const struct aura_cluster_answer *a) {
    struct result *r = arg;
    r->done = true;
    r->where = a->where;
    r->epoch = a->epoch;
    (void)snprintf(r->node, sizeof(r->node), "%s", a->node ? a->node : "");
    (void)snprintf(r->address, sizeof(r->address), "%s", a->address ? a->address : "");
    (void)snprintf(r->why, sizeof(r->why), "%s", a->why ? a->why : "");
    if (a->where == AURA_CLUSTER_HERE && r->find.create) {
        assert_true(aura_cluster_owns(r->at->c, room_name(r->room)));
        r->at->rooms[r->room] = true;
    }
}

static void find(struct world *w, size_t i, size_t room, struct result *r, bool create) {
    const struct aura_cluster_wish wish = {.room = room_name(room), .region = "", .create = create};
    memset(r, 0, sizeof(*r));
    r->at = &w->nodes[i];
    r->room = room;
    aura_cluster_find(w->nodes[i].c, &r->find, &wish, on_found, r);
}

void join(struct world *w, size_t i, size_t room, struct result *r) {
    find(w, i, room, r, true);
}

void look(struct world *w, size_t i, size_t room, struct result *r) {
    find(w, i, room, r, false);
}
