/* SPDX-License-Identifier: Apache-2.0 */
/* Chance breaks what it can, for hours of virtual time; what must hold is looked at after each
 * step.
 */
#include "model.h"

#include "base/log.h"

#include <stdio.h>
#include <string.h>

#define S AURA_US_PER_S

enum { STEPS = 400, SEEDS = 12, PEOPLE = 64 };

static struct world w;
static struct result people[PEOPLE];
static size_t next_person;

struct owned {
    const char *room;
    uint64_t epoch;
};

static void same_room(void *arg, const struct aura_cluster_room_view *v) {
    struct owned *o = arg;
    if (strcmp(v->room, o->room) == 0) {
        o->epoch = v->epoch;
    }
}

static uint64_t epoch_at(const struct member *m, const char *room) {
    struct owned o = {.room = room};
    if (m->c) {
        aura_cluster_each_room(m->c, same_room, &o);
    }
    return o.epoch;
}

/* Two nodes never hold a room with the same epoch, and none has one open that it does not hold. */
static void check_fences(void) {
    for (size_t r = 0; r < ROOMS; r++) {
        for (size_t i = 0; i < NODES; i++) {
            uint64_t e = epoch_at(&w.nodes[i], room_name(r));
            assert_false(w.nodes[i].rooms[r] && !e);
            for (size_t k = i + 1; e && k < NODES; k++) {
                assert_true(epoch_at(&w.nodes[k], room_name(r)) != e);
            }
        }
    }
}

/* All is well again: each open room is open once, where Redis says. */
static void check_peace(void) {
    for (size_t r = 0; r < ROOMS; r++) {
        size_t open = 0;
        for (size_t i = 0; i < NODES; i++) {
            open += w.nodes[i].rooms[r];
            if (w.nodes[i].rooms[r]) {
                assert_string_equal(w.rooms[r].node, w.nodes[i].id);
                assert_true(w.rooms[r].epoch == epoch_at(&w.nodes[i], room_name(r)));
            }
        }
        assert_true(open <= 1);
    }
}

static void drop_people_of(size_t i) {
    for (size_t k = 0; k < PEOPLE; k++) {
        if (people[k].at == &w.nodes[i]) {
            aura_cluster_find_stop(&people[k].find);
        }
    }
}

static void somebody_joins(void) {
    size_t i = aura_rand_u32(w.rand) % NODES;
    struct result *r = &people[next_person++ % PEOPLE];
    aura_cluster_find_stop(&r->find);
    if (w.nodes[i].c) {
        join(&w, i, aura_rand_u32(w.rand) % ROOMS, r);
    }
}

/* … that had not heard of the room; its owner sees it late, and somebody comes to another node. */
static void a_replica_takes_over(size_t room) {
    struct result *r = &people[next_person++ % PEOPLE];
    w.rooms[room].epoch = 0;
    aura_cluster_find_stop(&r->find);
    for (size_t i = 0, joined = 0; i < NODES; i++) {
        if (w.nodes[i].rooms[room]) {
            world_cut(&w, i, true);
        } else if (w.nodes[i].c && !joined++) {
            join(&w, i, room, r);
        }
    }
}

static void something_happens(void) {
    size_t i = aura_rand_u32(w.rand) % NODES;
    switch (aura_rand_u32(w.rand) % 12) {
    case 0:
        drop_people_of(i);
        member_kill(&w, i);
        break;
    case 1:
        drop_people_of(i);
        member_end(&w, i);
        break;
    case 2:
    case 3:
        if (!w.nodes[i].c) {
            assert_int_equal(member_start(&w, i), 0);
        }
        break;
    case 4:
    case 5:
        world_cut(&w, i, aura_rand_u32(w.rand) % 3 == 0);
        break;
    case 6:
        world_down(&w, aura_rand_u32(w.rand) % 3 == 0);
        break;
    case 7:
        if (w.down) {
            world_empty(&w);
        } else {
            a_replica_takes_over(aura_rand_u32(w.rand) % ROOMS);
        }
        break;
    case 8:
        w.nodes[i].rooms[aura_rand_u32(w.rand) % ROOMS] = false; /* it ends */
        break;
    default:
        somebody_joins();
        break;
    }
}

static void calm_down(void) {
    world_down(&w, false);
    for (size_t i = 0; i < NODES; i++) {
        world_cut(&w, i, false);
    }
    world_run(&w, 30 * S);
}

static int storm(void) {
    unsigned placed = 0, lost = 0;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        struct aura_rand_seeded chance;
        memset(people, 0, sizeof(people));
        assert_int_equal(world_start(&w, 3), 0);
        aura_rand_seeded_init(&chance, seed);
        w.rand = &chance.rand;
        for (size_t step = 0; step < STEPS; step++) {
            something_happens();
            world_run(&w, aura_rand_u32(w.rand) % (2 * S));
            check_fences();
            if (step % 50 == 49) {
                calm_down();
                check_peace();
            }
        }
        placed += w.placed;
        lost += w.lost;
        for (size_t i = 0; i < NODES; i++) {
            drop_people_of(i);
        }
        world_end(&w);
    }
    (void)printf("# %u rooms placed, %u owners fenced\n", placed, lost);
    assert_true(placed > 100 && lost > 10); /* else there was no storm */
    return 0;
}

int main(void) {
    const struct CMUnitTest cases[] = {AURA_PLAIN(storm)};
    aura_log_setup(AURA_LOG_ERROR, false); /* it would fill the screen */
    return RUN_CASES("storm", cases);
}
