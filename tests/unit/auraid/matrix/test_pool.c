/* SPDX-License-Identifier: Apache-2.0 */
#include "auraid/matrix/pool.h"
#include "harness.h"

#include <pthread.h>
#include <string.h>

enum { JOBS = AURA_POOL_JOBS_MAX };

struct world {
    struct aura_loop *loop;
    struct aura_pool *pool;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    size_t begun, done, never; /* begun: under the lock */
    bool open;
    struct aura_job jobs[JOBS];
};

static struct world w;

/* Blocks until the gate is open. */
static void run(void *arg) {
    (void)arg;
    pthread_mutex_lock(&w.lock);
    w.begun++;
    pthread_cond_broadcast(&w.changed);
    while (!w.open) {
        pthread_cond_wait(&w.changed, &w.lock);
    }
    pthread_mutex_unlock(&w.lock);
}

static void done(void *arg) {
    const struct aura_job *j = arg;
    w.done++;
    w.never += !j->ran;
}

static void wait_begun(size_t n) {
    pthread_mutex_lock(&w.lock);
    while (w.begun < n) {
        pthread_cond_wait(&w.changed, &w.lock);
    }
    pthread_mutex_unlock(&w.lock);
}

static void open_gate(void) {
    pthread_mutex_lock(&w.lock);
    w.open = true;
    pthread_cond_broadcast(&w.changed);
    pthread_mutex_unlock(&w.lock);
}

static int add(size_t i, const char *key, bool own) {
    w.jobs[i] =
        (struct aura_job){.run = run, .done = done, .arg = &w.jobs[i], .key = key, .own = own};
    return aura_pool_add(w.pool, &w.jobs[i]);
}

static void begin(void) {
    memset(&w, 0, sizeof(w));
    pthread_mutex_init(&w.lock, NULL);
    pthread_cond_init(&w.changed, NULL);
    assert_int_equal(aura_loop_new(&w.loop, aura_clock_system()), 0);
    assert_int_equal(aura_pool_new(&w.pool, w.loop), 0);
}

static void end(void) {
    aura_pool_free(w.pool);
    aura_loop_free(w.loop);
    pthread_cond_destroy(&w.changed);
    pthread_mutex_destroy(&w.lock);
}

/* Strangers that hang leave threads for one's own servers. */
static int own_servers_go_on(void) {
    static const char *const keys[] = {"a", "b", "c", "d", "e", "f", "g", "h"};
    begin();
    size_t n = 0;
    for (size_t k = 0; k < 8; k++) {
        for (size_t i = 0; i < AURA_POOL_KEY_JOBS_MAX; i++) {
            assert_int_equal(add(n++, keys[k], false), 0);
        }
        assert_int_equal(add(n, keys[k], false), AURA_ELIMIT);
    }
    size_t strangers = AURA_POOL_THREADS_MAX - AURA_POOL_OWN_THREADS;
    wait_begun(strangers);
    for (size_t i = 0; i < AURA_POOL_OWN_THREADS; i++) {
        assert_int_equal(add(n++, "a", true), 0);
    }
    wait_begun(strangers + AURA_POOL_OWN_THREADS);
    assert_int_equal(w.begun, strangers + AURA_POOL_OWN_THREADS);
    open_gate();
    while (w.done < n) {
        assert_int_equal(aura_loop_run_once(w.loop, UINT64_MAX), 0);
    }
    assert_int_equal(w.never, 0);
    assert_int_equal(aura_pool_jobs(w.pool), 0);
    assert_int_equal(add(0, "a", false), 0); /* there is place again */
    end();
    assert_int_equal(w.done, n + 1);
    return 0;
}

/* Who waits when the pool ends is told so; who runs is waited for. */
static int the_end(void) {
    begin();
    size_t n = 0;
    while (n < JOBS) {
        assert_int_equal(add(n++, "own", true), 0);
    }
    struct aura_job more = {.run = run, .done = done, .arg = &more, .key = "own", .own = true};
    assert_int_equal(aura_pool_add(w.pool, &more), AURA_ELIMIT);
    wait_begun(AURA_POOL_THREADS_MAX);
    open_gate();
    end();
    assert_int_equal(w.done, JOBS);
    return 0;
}

int main(void) {
    const struct CMUnitTest cases[] = {
        AURA_PLAIN(own_servers_go_on),
        AURA_PLAIN(the_end),
    };
    return RUN_CASES("pool", cases);
}
