/* SPDX-License-Identifier: Apache-2.0 */
#include "base/sql_checkpoint.h"

#include "base/log.h"
#include "base/mem.h"

#include <pthread.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdbool.h>

struct aura_sql_checkpoint {
    sqlite3 *own; /* the thread's, once it runs */
    sqlite3 *db;
    pthread_t thread;
    pthread_mutex_t mutex;
    pthread_cond_t cond;
    bool wanted, ends; /* under the mutex */
};

static void move(sqlite3 *db) {
    int rc = sqlite3_wal_checkpoint_v2(db, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
    if (rc != SQLITE_OK && rc != SQLITE_BUSY && rc != SQLITE_LOCKED) {
        AURA_LOG_LIMITED("sql", AURA_LOG_ERROR, "checkpoint_failed",
                         AURA_S("why", sqlite3_errstr(rc)));
    }
}

static void *run(void *arg) {
    struct aura_sql_checkpoint *c = arg;
    pthread_mutex_lock(&c->mutex);
    while (!c->ends) {
        if (!c->wanted) {
            pthread_cond_wait(&c->cond, &c->mutex);
            continue;
        }
        c->wanted = false;
        pthread_mutex_unlock(&c->mutex);
        move(c->own);
        pthread_mutex_lock(&c->mutex);
    }
    pthread_mutex_unlock(&c->mutex);
    return NULL;
}

/* After each commit. */
static int on_commit(void *arg, sqlite3 *db, const char *name, int pages) {
    struct aura_sql_checkpoint *c = arg;
    (void)name;
    if (pages >= AURA_SQL_LOG_PAGES_MAX) {
        move(db);
    } else if (pages >= AURA_SQL_LOG_PAGES) {
        pthread_mutex_lock(&c->mutex);
        c->wanted = true;
        pthread_cond_signal(&c->cond);
        pthread_mutex_unlock(&c->mutex);
    }
    return SQLITE_OK;
}

/* Signals are for the others. */
static bool start(struct aura_sql_checkpoint *c) {
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    bool runs = pthread_create(&c->thread, NULL, run, c) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return runs;
}

int aura_sql_checkpoint_new(struct aura_sql_checkpoint **cp, const char *path, sqlite3 *db) {
    struct aura_sql_checkpoint *c = aura_zalloc(sizeof(*c));
    *cp = NULL;
    if (!c) {
        return AURA_ENOMEM;
    }
    c->db = db;
    pthread_mutex_init(&c->mutex, NULL);
    pthread_cond_init(&c->cond, NULL);
    bool fine = sqlite3_open_v2(path, &c->own, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL) ==
                SQLITE_OK;
    /* Before it has read something it does not know that there is a log. */
    fine = fine && sqlite3_exec(c->own, "PRAGMA schema_version", NULL, NULL, NULL) == SQLITE_OK &&
           start(c);
    if (fine) {
        sqlite3_wal_hook(db, on_commit, c);
        *cp = c;
        return 0;
    }
    AURA_LOG("sql", AURA_LOG_WARN, "checkpoints_in_commits",
             AURA_S("why", "there is no thread for them"));
    sqlite3_close(c->own);
    pthread_cond_destroy(&c->cond);
    pthread_mutex_destroy(&c->mutex);
    aura_free(c);
    return 0;
}

struct aura_sql_checkpoint *aura_sql_checkpoint_free(struct aura_sql_checkpoint *c) {
    if (c) {
        sqlite3_wal_hook(c->db, NULL, NULL);
        pthread_mutex_lock(&c->mutex);
        c->ends = true;
        pthread_cond_signal(&c->cond);
        pthread_mutex_unlock(&c->mutex);
        pthread_join(c->thread, NULL);
        sqlite3_close(c->own); /* before the other one: the last to close moves what is left */
        pthread_cond_destroy(&c->cond);
        pthread_mutex_destroy(&c->mutex);
        aura_free(c);
    }
    return NULL;
}
