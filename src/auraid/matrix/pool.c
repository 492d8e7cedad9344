/* SPDX-License-Identifier: Apache-2.0 */
#include "auraid/matrix/pool.h"

#include "auraid/matrix/fetch.h"
#include "base/mem.h"

#include <pthread.h>
#include <string.h>

enum { STACK_BYTES = 512 * 1024 };

struct aura_pool {
    struct aura_loop *loop;
    struct aura_task task;
    struct aura_list all; /* every job's entry, for counting by key */
    size_t jobs, strangers;
    pthread_t threads[AURA_POOL_THREADS_MAX];
    size_t thread_count;

    pthread_mutex_t lock; /* of what follows */
    pthread_cond_t wake;
    struct aura_list own, others, ended;
    size_t idle, running_others, waiting;
    bool stopping;
};

/* Which of the two lines may be served now. Own jobs always come first. */
static struct aura_job *take(struct aura_pool *p) {
    struct aura_job *j = AURA_LIST_FIRST(&p->own, struct aura_job, node);
    if (!j && p->running_others < AURA_POOL_THREADS_MAX - AURA_POOL_OWN_THREADS) {
        j = AURA_LIST_FIRST(&p->others, struct aura_job, node);
    }
    if (j) {
        aura_node_remove(&j->node);
        p->waiting--;
        p->running_others += !j->own;
    }
    return j;
}

static void drain(void *arg);

static void *thread(void *arg) {
    struct aura_pool *p = arg;
    aura_fetch_thread();
    pthread_mutex_lock(&p->lock);
    while (!p->stopping) {
        struct aura_job *j = take(p);
        if (!j) {
            p->idle++;
            pthread_cond_wait(&p->wake, &p->lock);
            p->idle--;
            continue;
        }
        pthread_mutex_unlock(&p->lock);
        j->run(j->arg);
        pthread_mutex_lock(&p->lock);
        j->ran = true;
        p->running_others -= !j->own;
        aura_list_add(&p->ended, &j->node);
        pthread_cond_signal(&p->wake); /* a stranger's place is free */
        aura_loop_post_task(p->loop, &p->task, drain, p);
    }
    pthread_mutex_unlock(&p->lock);
    return NULL;
}

static struct aura_job *take_ended(struct aura_pool *p) {
    pthread_mutex_lock(&p->lock);
    struct aura_job *j = AURA_LIST_FIRST(&p->ended, struct aura_job, node);
    if (j) {
        aura_node_remove(&j->node);
    }
    pthread_mutex_unlock(&p->lock);
    return j;
}

static void drain(void *arg) {
    struct aura_pool *p = arg;
    for (struct aura_job *j; (j = take_ended(p));) {
        aura_node_remove(&j->own_node);
        p->jobs--;
        p->strangers -= !j->own;
        j->done(j->arg);
    }
}

int aura_pool_new(struct aura_pool **pp, struct aura_loop *loop) {
    struct aura_pool *p = aura_zalloc(sizeof(*p));
    if (!p || aura_fetch_begin()) {
        aura_free(p);
        return AURA_ENOMEM;
    }
    p->loop = loop;
    aura_list_init(&p->all);
    aura_list_init(&p->own);
    aura_list_init(&p->others);
    aura_list_init(&p->ended);
    pthread_mutex_init(&p->lock, NULL);
    pthread_cond_init(&p->wake, NULL);
    *pp = p;
    return 0;
}

static void end_all(struct aura_pool *p, struct aura_list *list) {
    AURA_LIST_EACH(list, struct aura_job, j, node) {
        aura_node_remove(&j->node);
        aura_list_add(&p->ended, &j->node);
    }
}

struct aura_pool *aura_pool_free(struct aura_pool *p) {
    if (!p) {
        return NULL;
    }
    pthread_mutex_lock(&p->lock);
    p->stopping = true;
    pthread_cond_broadcast(&p->wake);
    pthread_mutex_unlock(&p->lock);
    for (size_t i = 0; i < p->thread_count; i++) {
        pthread_join(p->threads[i], NULL);
    }
    end_all(p, &p->own);
    end_all(p, &p->others);
    drain(p);
    pthread_cond_destroy(&p->wake);
    pthread_mutex_destroy(&p->lock);
    aura_fetch_end();
    aura_free(p);
    return NULL;
}

static size_t of_key(const struct aura_pool *p, const char *key) {
    size_t n = 0;
    for (const struct aura_node *i = p->all.head.next; i != &p->all.head; i = i->next) {
        n += strcmp(AURA_CONTAINER(i, const struct aura_job, own_node)->key, key) == 0;
    }
    return n;
}

static bool is_full(const struct aura_pool *p, const struct aura_job *job) {
    return p->jobs >= AURA_POOL_JOBS_MAX ||
           (!job->own && (p->strangers >= AURA_POOL_JOBS_MAX / 2 ||
                          of_key(p, job->key) >= AURA_POOL_KEY_JOBS_MAX));
}

/* @return false if there is none at all */
static bool begin_thread(struct aura_pool *p) {
    pthread_attr_t attr;
    if (p->thread_count == AURA_POOL_THREADS_MAX) {
        return true;
    }
    pthread_attr_init(&attr);
    pthread_attr_setstacksize(&attr, STACK_BYTES);
    p->thread_count += pthread_create(&p->threads[p->thread_count], &attr, thread, p) == 0;
    pthread_attr_destroy(&attr);
    return p->thread_count > 0;
}

int aura_pool_add(struct aura_pool *p, struct aura_job *job) {
    if (is_full(p, job)) {
        return AURA_ELIMIT;
    }
    pthread_mutex_lock(&p->lock);
    bool more = p->waiting >= p->idle;
    pthread_mutex_unlock(&p->lock);
    if (more && !begin_thread(p)) {
        return AURA_ENOMEM;
    }
    job->ran = false;
    aura_list_add(&p->all, &job->own_node);
    p->jobs++;
    p->strangers += !job->own;
    pthread_mutex_lock(&p->lock);
    aura_list_add(job->own ? &p->own : &p->others, &job->node);
    p->waiting++;
    pthread_cond_signal(&p->wake);
    pthread_mutex_unlock(&p->lock);
    return 0;
}

size_t aura_pool_jobs(const struct aura_pool *p) {
    return p->jobs;
}
