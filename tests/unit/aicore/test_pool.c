/* SPDX-License-Identifier: Apache-2.0 */
#include "aicore/pool.h"
#include "harness.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

enum { LANES = 8, JOBS = 500 };

struct counted {
    atomic_int running, ended;
    uintptr_t last;
    bool out_of_order, at_once;
};

static void run(void *arg, void *job) {
    struct counted *c = arg;
    c->at_once |= atomic_fetch_add(&c->running, 1) != 0;
    c->out_of_order |= (uintptr_t)job != c->last + 1;
    c->last = (uintptr_t)job;
    sched_yield();
    atomic_fetch_sub(&c->running, 1);
}

static void ended(void *arg) {
    atomic_fetch_add(&((struct counted *)arg)->ended, 1);
}

static int lanes_keep_their_order(void) {
    struct aura_pool *p = NULL;
    struct aura_lane *lanes[LANES] = {NULL};
    struct counted counts[LANES] = {0};
    int err = 0;
    TRY_OUT(aura_pool_new(&p, 3));
    for (size_t i = 0; i < LANES; i++) {
        TRY_OUT(aura_lane_new(&lanes[i], p, run, ended, &counts[i]));
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
    }
    return err;
}

static pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;

static void run_behind_gate(void *arg, void *job) {
    pthread_mutex_lock(&gate);
    pthread_mutex_unlock(&gate);
    run(arg, job);
}

static int a_lane_has_a_ceiling(void) {
    struct aura_pool *p = NULL;
    struct aura_lane *lane = NULL;
    struct counted count = {0};
    uintptr_t taken = 0;
    int err = 0;
    TRY_OUT(aura_pool_new(&p, 1));
    TRY_OUT(aura_lane_new(&lane, p, run_behind_gate, ended, &count));
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
    assert_int_equal(aura_pool_new(&none, 0), AURA_ELIMIT);
    assert_int_equal(aura_pool_new(&none, AURA_POOL_THREADS_MAX + 1), AURA_ELIMIT);
    return err;
}

int main(void) {
    const struct CMUnitTest cases[] = {
        AURA_CASE(lanes_keep_their_order),
        AURA_CASE(a_lane_has_a_ceiling),
    };
    return RUN_CASES("pool", cases);
}
