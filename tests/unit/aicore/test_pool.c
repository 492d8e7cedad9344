/* SPDX-License-Identifier: Apache-2.0 */
#include "aicore/pool.h"
#include "harness.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

enum { LANES = 8, JOBS = 500, PIECES = 3 };

struct counted {
    atomic_int running, ended;
    uintptr_t last;
    int left; /* of what the last job left */
    bool out_of_order, at_once, early;
};

static bool run(void *arg, void *job) {
    struct counted *c = arg;
    c->at_once |= atomic_fetch_add(&c->running, 1) != 0;
    c->out_of_order |= (uintptr_t)job != c->last + 1;
    c->last = (uintptr_t)job;
    c->early |= c->left != 0;
    c->left = PIECES;
    sched_yield();
    atomic_fetch_sub(&c->running, 1);
    return true;
}

static bool rest(void *arg, bool hurry) {
    struct counted *c = arg;
    (void)hurry;
    c->at_once |= atomic_fetch_add(&c->running, 1) != 0;
    c->left--;
    sched_yield();
    atomic_fetch_sub(&c->running, 1);
    return c->left > 0;
}

static void ended(void *arg) {
    atomic_fetch_add(&((struct counted *)arg)->ended, 1);
}

static const struct aura_lane_handlers handlers = {run, rest, ended};

static int lanes_keep_their_order(void) {
    struct aura_pool *p = NULL;
    struct aura_lane *lanes[LANES] = {NULL};
    struct counted counts[LANES] = {0};
    int err = 0;
    TRY_OUT(aura_pool_new(&p, 3, NULL));
    for (size_t i = 0; i < LANES; i++) {
        TRY_OUT(aura_lane_new(&lanes[i], p, &handlers, &counts[i]));
    }
    for (uintptr_t j = 1; j <= JOBS; j++) {
        for (size_t i = 0; i < LANES; i++) {
            int got;
            while ((got = aura_lane_add(lanes[i], (void *)j)) == AURA_ELIMIT) {
                sched_yield();
            }
            assert_int_equal(got, 0);
        }
    }
out:
    for (size_t i = 0; i < LANES && lanes[i]; i++) {
        aura_lane_close(lanes[i]);
    }
    aura_pool_free(p); /* waits for the lanes' ends */
    for (size_t i = 0; !err && i < LANES; i++) {
        assert_int_equal(counts[i].last, JOBS);
        assert_int_equal(counts[i].ended, 1);
        assert_false(counts[i].out_of_order);
        assert_false(counts[i].at_once);
        assert_false(counts[i].early);
    }
    return err;
}

static pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;

static bool run_behind_gate(void *arg, void *job) {
    pthread_mutex_lock(&gate);
    pthread_mutex_unlock(&gate);
    return run(arg, job);
}

static int a_lane_has_a_ceiling(void) {
    struct aura_pool *p = NULL;
    struct aura_lane *lane = NULL;
    struct counted count = {0};
    uintptr_t taken = 0;
    int err = 0;
    TRY_OUT(aura_pool_new(&p, 1, NULL));
    static const struct aura_lane_handlers gated = {run_behind_gate, rest, ended};
    TRY_OUT(aura_lane_new(&lane, p, &gated, &count));
    pthread_mutex_lock(&gate);
    while (aura_lane_add(lane, (void *)(taken + 1)) == 0) {
        taken++;
    }
    pthread_mutex_unlock(&gate);
    /* One may have begun. */
    assert_true(taken == AURA_LANE_JOBS_MAX || taken == AURA_LANE_JOBS_MAX + 1);
out:
    if (lane) {
        aura_lane_close(lane);
    }
    aura_pool_free(p);
    assert_int_equal(count.last, taken);
    struct aura_pool *none = NULL;
    assert_int_equal(aura_pool_new(&none, 0, NULL), AURA_ELIMIT);
    assert_int_equal(aura_pool_new(&none, AURA_POOL_THREADS_MAX + 1, NULL), AURA_ELIMIT);
    return err;
}

/* What happened, in order: a letter for each call. */
struct story {
    pthread_mutex_t lock;
    pthread_cond_t told;
    char text[32];
    size_t len;
};

struct teller {
    struct story *story;
    char job, rest, hurried;
    int left;
};

static void tell(struct story *s, char c) {
    pthread_mutex_lock(&s->lock);
    s->text[s->len++] = c;
    pthread_cond_broadcast(&s->told);
    pthread_mutex_unlock(&s->lock);
}

static bool tell_job(void *arg, void *job) {
    struct teller *t = arg;
    if (job) {
        pthread_mutex_lock(&gate);
        pthread_mutex_unlock(&gate);
    }
    t->left = 2;
    tell(t->story, t->job);
    return true;
}

static bool tell_rest(void *arg, bool hurry) {
    struct teller *t = arg;
    tell(t->story, hurry ? t->hurried : t->rest);
    return --t->left > 0;
}

static void tell_end(void *arg) {
    tell(((struct teller *)arg)->story, '.');
}

/* What jobs leave waits for the jobs of all lanes, and is done before the lane's own next one. */
static int the_rest_comes_last(void) {
    static const struct aura_lane_handlers tellers = {tell_job, tell_rest, tell_end};
    struct story story = {.len = 0};
    struct teller a = {&story, 'A', 'a', 'h', 0}, b = {&story, 'B', 'b', 'g', 0};
    struct aura_pool *p = NULL;
    struct aura_lane *lane_a = NULL, *lane_b = NULL;
    int err = 0;
    pthread_mutex_init(&story.lock, NULL);
    pthread_cond_init(&story.told, NULL);
    TRY_OUT(aura_pool_new(&p, 1, NULL));
    TRY_OUT(aura_lane_new(&lane_a, p, &tellers, &a));
    TRY_OUT(aura_lane_new(&lane_b, p, &tellers, &b));
    pthread_mutex_lock(&gate); /* until all of it waits */
    assert_int_equal(aura_lane_add(lane_a, &gate), 0);
    assert_int_equal(aura_lane_add(lane_a, NULL), 0);
    assert_int_equal(aura_lane_add(lane_b, NULL), 0);
    pthread_mutex_unlock(&gate);
    pthread_mutex_lock(&story.lock);
    while (story.len < 9) {
        pthread_cond_wait(&story.told, &story.lock);
    }
    pthread_mutex_unlock(&story.lock);
    /* A's second job hurries the first one's rest; then both rests take turns. */
    assert_string_equal(story.text, "ABhhAbaba");
out:
    if (lane_a) {
        aura_lane_close(lane_a);
    }
    if (lane_b) {
        aura_lane_close(lane_b);
    }
    aura_pool_free(p);
    pthread_cond_destroy(&story.told);
    pthread_mutex_destroy(&story.lock);
    return err;
}

int main(void) {
    const struct CMUnitTest cases[] = {
        AURA_CASE(lanes_keep_their_order),
        AURA_CASE(a_lane_has_a_ceiling),
        AURA_CASE(the_rest_comes_last),
    };
    return RUN_CASES("pool", cases);
}
