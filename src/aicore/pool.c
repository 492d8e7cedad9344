/* SPDX-License-Identifier: Apache-2.0 */
#include "aicore/pool.h"

#include "base/list.h"
#include "base/mem.h"

#include <pthread.h>

struct aura_lane {
    struct aura_pool *pool;
    struct aura_node node; /* in pool.ready or pool.later, while none of it runs */
    const struct aura_lane_handlers *handlers;
    void *arg;
    void *jobs[AURA_LANE_JOBS_MAX];
    size_t first, count;
    bool running, closed;
    bool owes;  /* its last job left something */
    bool later; /* linked in pool.later */
};

struct aura_pool {
    pthread_mutex_t lock;
    pthread_cond_t wake;
    struct aura_list ready; /* lanes with a job, or closed */
    struct aura_list later; /* lanes that owe */
    pthread_t threads[AURA_POOL_THREADS_MAX];
    unsigned thread_count;
    struct aura_urgent *urgent;
    bool stopping;
};

/* With the lock. */
static void get_ready(struct aura_lane *lane) {
    bool ready = lane->count || lane->closed, queued = aura_node_linked(&lane->node);
    if (lane->running || (!ready && !lane->owes) || (queued && (!lane->later || !ready))) {
        return;
    }
    aura_node_remove(&lane->node); /* it owes, and got a job */
    lane->later = !ready;
    aura_list_add(ready ? &lane->pool->ready : &lane->pool->later, &lane->node);
    pthread_cond_signal(&lane->pool->wake);
}

/* With the lock, which is given up meanwhile. */
static void run_job(struct aura_pool *p, struct aura_lane *lane) {
    void *job = lane->jobs[lane->first];
    lane->first = (lane->first + 1) % AURA_LANE_JOBS_MAX;
    lane->count--;
    bool owes = lane->owes;
    pthread_mutex_unlock(&p->lock);
    while (owes) {
        owes = lane->handlers->rest(lane->arg, true);
    }
    owes = lane->handlers->run(lane->arg, job);
    pthread_mutex_lock(&p->lock);
    lane->owes = owes;
}

static void run_rest(struct aura_pool *p, struct aura_lane *lane) {
    pthread_mutex_unlock(&p->lock);
    bool owes = lane->handlers->rest(lane->arg, false);
    pthread_mutex_lock(&p->lock);
    lane->owes = owes;
}

/* With the lock, which is given up meanwhile. */
static void work_on(struct aura_pool *p, struct aura_lane *lane) {
    aura_node_remove(&lane->node);
    if (lane->closed && !lane->count) {
        pthread_mutex_unlock(&p->lock);
        lane->handlers->ended(lane->arg);
        aura_free(lane);
        pthread_mutex_lock(&p->lock);
        return;
    }
    lane->running = true;
    if (lane->count) {
        run_job(p, lane);
    } else {
        run_rest(p, lane);
    }
    lane->running = false;
    get_ready(lane);
}

static void *worker(void *arg) {
    struct aura_pool *p = arg;
    struct aura_urgent_thread urgent;
    aura_urgent_join(p->urgent, &urgent);
    pthread_mutex_lock(&p->lock);
    for (;;) {
        aura_urgent_turn(p->urgent, &urgent);
        struct aura_lane *lane = AURA_LIST_FIRST(&p->ready, struct aura_lane, node);
        lane = lane ? lane : AURA_LIST_FIRST(&p->later, struct aura_lane, node);
        if (lane) {
            work_on(p, lane);
        } else if (p->stopping) {
            break;
        } else {
            pthread_cond_wait(&p->wake, &p->lock);
        }
    }
    pthread_mutex_unlock(&p->lock);
    aura_urgent_leave(p->urgent, &urgent);
    return NULL;
}

int aura_pool_new(struct aura_pool **pp, unsigned threads, struct aura_urgent *urgent) {
    if (threads == 0 || threads > AURA_POOL_THREADS_MAX) {
        return AURA_ELIMIT;
    }
    struct aura_pool *p = aura_zalloc(sizeof(*p));
    if (!p) {
        return AURA_ENOMEM;
    }
    p->urgent = urgent;
    pthread_mutex_init(&p->lock, NULL);
    pthread_cond_init(&p->wake, NULL);
    aura_list_init(&p->ready);
    aura_list_init(&p->later);
    while (p->thread_count < threads &&
           pthread_create(&p->threads[p->thread_count], NULL, worker, p) == 0) {
        p->thread_count++;
    }
    if (p->thread_count < threads) {
        aura_pool_free(p);
        return AURA_ENOMEM;
    }
    *pp = p;
    return 0;
}

struct aura_pool *aura_pool_free(struct aura_pool *p) {
    if (p) {
        pthread_mutex_lock(&p->lock);
        p->stopping = true;
        pthread_cond_broadcast(&p->wake);
        pthread_mutex_unlock(&p->lock);
        for (unsigned i = 0; i < p->thread_count; i++) {
            pthread_join(p->threads[i], NULL);
        }
        pthread_cond_destroy(&p->wake);
        pthread_mutex_destroy(&p->lock);
        aura_free(p);
    }
    return NULL;
}

int aura_lane_new(struct aura_lane **lp, struct aura_pool *pool,
                  const struct aura_lane_handlers *handlers, void *arg) {
    struct aura_lane *lane = aura_zalloc(sizeof(*lane));
    if (!lane) {
        return AURA_ENOMEM;
    }
    lane->pool = pool;
    lane->handlers = handlers;
    lane->arg = arg;
    *lp = lane;
    return 0;
}

int aura_lane_add(struct aura_lane *lane, void *job) {
    pthread_mutex_lock(&lane->pool->lock);
    int err = lane->closed ? AURA_ECLOSED : lane->count == AURA_LANE_JOBS_MAX ? AURA_ELIMIT : 0;
    if (!err) {
        lane->jobs[(lane->first + lane->count++) % AURA_LANE_JOBS_MAX] = job;
        get_ready(lane);
    }
    pthread_mutex_unlock(&lane->pool->lock);
    return err;
}

void aura_lane_close(struct aura_lane *lane) {
    struct aura_pool *p = lane->pool;
    pthread_mutex_lock(&p->lock);
    lane->closed = true;
    get_ready(lane);
    pthread_mutex_unlock(&p->lock);
}
