/* SPDX-License-Identifier: Apache-2.0 */
#include "base/sql.h"

#include "base/log.h"
#include "base/mem.h"
#include "base/sql_checkpoint.h"

#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PATH_BYTES = 4096 };

struct aura_sql {
    struct aura_sql_conf conf;
    sqlite3 *db;
    sqlite3_stmt **st, *hold, *release;
    bool held;
    int lock;
    struct aura_sql_checkpoint *checkpoint; /* NULL = SQLite does it in commits */
};

static int failed(const struct aura_sql *s, const char *doing) {
    AURA_LOG_LIMITED(s->conf.topic, AURA_LOG_ERROR, "database_failed", AURA_S("doing", doing),
                     AURA_S("why", sqlite3_errmsg(s->db)));
    return AURA_EIO;
}

static bool in_memory(const struct aura_sql *s) {
    return strcmp(s->conf.path, ":memory:") == 0;
}

/* ---- opening ---- */

static int make_folders(const char *path, struct aura_buf *why) {
    char part[PATH_BYTES];
    if (snprintf(part, sizeof(part), "%s", path) >= (int)sizeof(part)) {
        aura_buf_str(why, "the path is too long");
        return AURA_EIO;
    }
    for (char *at = part + 1; *at; at++) {
        if (*at != '/') {
            continue;
        }
        *at = 0;
        if (mkdir(part, 0700) && errno != EEXIST) {
            aura_buf_printf(why, "cannot make %s: %s", part, strerror(errno));
            return AURA_EIO;
        }
        *at = '/';
    }
    return 0;
}

static int take_lock(struct aura_sql *s, struct aura_buf *why) {
    char path[PATH_BYTES];
    if (snprintf(path, sizeof(path), "%s.lock", s->conf.path) >= (int)sizeof(path)) {
        aura_buf_str(why, "the path is too long");
        return AURA_EIO;
    }
    s->lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (s->lock < 0) {
        aura_buf_printf(why, "cannot make %s: %s", path, strerror(errno));
        return AURA_EIO;
    }
    if (flock(s->lock, LOCK_EX | LOCK_NB)) {
        aura_buf_str(why, "another server uses it: give each a file of its own");
        return AURA_EEXISTS;
    }
    return 0;
}

static bool exec(struct aura_sql *s, const char *text) {
    return sqlite3_exec(s->db, text, NULL, NULL, NULL) == SQLITE_OK;
}

static bool prepare(struct aura_sql *s, const char *text, sqlite3_stmt **out) {
    return sqlite3_prepare_v3(s->db, text, -1, SQLITE_PREPARE_PERSISTENT, out, NULL) == SQLITE_OK;
}

static int open_db(struct aura_sql *s) {
    mode_t old = umask(0077);
    bool ok = sqlite3_open_v2(s->conf.path, &s->db,
                              SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX,
                              NULL) == SQLITE_OK;
    ok = ok && exec(s, "PRAGMA journal_mode = WAL") && exec(s, "PRAGMA foreign_keys = ON") &&
         exec(s, "PRAGMA busy_timeout = 2000") &&
         exec(s, s->conf.durable ? "PRAGMA synchronous = FULL" : "PRAGMA synchronous = NORMAL") &&
         exec(s, s->conf.schema);
    umask(old);
    ok = ok && prepare(s, "BEGIN", &s->hold) && prepare(s, "COMMIT", &s->release);
    for (size_t i = 0; ok && i < s->conf.count; i++) {
        ok = prepare(s, s->conf.text[i], &s->st[i]);
    }
    return ok ? 0 : AURA_EIO;
}

int aura_sql_open(struct aura_sql **sp, const struct aura_sql_conf *conf, struct aura_buf *why) {
    struct aura_sql *s = aura_zalloc(sizeof(*s));
    if (!s) {
        return AURA_ENOMEM;
    }
    s->conf = *conf;
    s->lock = -1;
    s->st = aura_zalloc(conf->count * sizeof(*s->st));
    int err = s->st ? 0 : AURA_ENOMEM;
    if (!err && !in_memory(s)) {
        err = make_folders(conf->path, why);
        err = err || conf->shared ? err : take_lock(s, why);
    }
    if (!err && (err = open_db(s))) {
        aura_buf_printf(why, "%s: %s", conf->path, s->db ? sqlite3_errmsg(s->db) : "no memory");
    }
    if (!err && conf->background && !in_memory(s)) {
        err = aura_sql_checkpoint_new(&s->checkpoint, conf->path, s->db);
    }
    if (err) {
        aura_sql_close(s);
        return err;
    }
    *sp = s;
    return 0;
}

struct aura_sql *aura_sql_close(struct aura_sql *s) {
    if (s) {
        for (size_t i = 0; s->st && i < s->conf.count; i++) {
            sqlite3_finalize(s->st[i]);
        }
        sqlite3_finalize(s->hold);
        sqlite3_finalize(s->release);
        s->checkpoint = aura_sql_checkpoint_free(s->checkpoint);
        sqlite3_close(s->db);
        if (s->lock >= 0) {
            close(s->lock);
        }
        aura_free(s->st);
        aura_free(s);
    }
    return NULL;
}

/* ---- reads that belong together ---- */

/* Without it (no memory) reads go on as they do by themselves. */
void aura_sql_hold(struct aura_sql *s) {
    if (!s->held && sqlite3_get_autocommit(s->db)) {
        s->held = sqlite3_step(s->hold) == SQLITE_DONE;
        sqlite3_reset(s->hold);
    }
}

void aura_sql_release(struct aura_sql *s) {
    if (s->held) {
        s->held = false;
        if (!sqlite3_get_autocommit(s->db)) { /* some errors have ended it by themselves */
            (void)sqlite3_step(s->release);
            sqlite3_reset(s->release);
        }
        aura_sql_rollback(s);
    }
}

/* A change is no part of what is held: it is done, or has failed, when its own step says so. */
static int step(struct aura_sql *s, size_t which) {
    if (s->held && !sqlite3_stmt_readonly(s->st[which])) {
        aura_sql_release(s);
    }
    return sqlite3_step(s->st[which]);
}

/* ---- statements ---- */

void aura_sql_begin(struct aura_sql *s, size_t which) {
    sqlite3_reset(s->st[which]);
    sqlite3_clear_bindings(s->st[which]);
}

void aura_sql_int(struct aura_sql *s, size_t which, int at, int64_t value) {
    sqlite3_bind_int64(s->st[which], at, value);
}

void aura_sql_text(struct aura_sql *s, size_t which, int at, const char *text) {
    if (text) {
        sqlite3_bind_text(s->st[which], at, text, -1, SQLITE_STATIC);
    }
}

void aura_sql_blob(struct aura_sql *s, size_t which, int at, const void *data, size_t len) {
    sqlite3_bind_blob64(s->st[which], at, data, len, SQLITE_STATIC);
}

int aura_sql_run(struct aura_sql *s, size_t which) {
    int rc = step(s, which);
    bool there = sqlite3_extended_errcode(s->db) == SQLITE_CONSTRAINT_UNIQUE ||
                 sqlite3_extended_errcode(s->db) == SQLITE_CONSTRAINT_PRIMARYKEY;
    sqlite3_reset(s->st[which]);
    return rc == SQLITE_DONE || rc == SQLITE_ROW ? 0
           : there                               ? AURA_EEXISTS
                                                 : failed(s, s->conf.text[which]);
}

int aura_sql_row(struct aura_sql *s, size_t which) {
    int rc = step(s, which);
    if (rc == SQLITE_ROW) {
        return 0;
    }
    int err = rc == SQLITE_DONE ? AURA_ENOENT : failed(s, s->conf.text[which]);
    sqlite3_reset(s->st[which]);
    return err;
}

int64_t aura_sql_get_int(struct aura_sql *s, size_t which, int column) {
    return sqlite3_column_int64(s->st[which], column);
}

const char *aura_sql_get_text(struct aura_sql *s, size_t which, int column) {
    const char *text = (const char *)sqlite3_column_text(s->st[which], column);
    return text ? text : "";
}

const uint8_t *aura_sql_get_blob(struct aura_sql *s, size_t which, int column, size_t *len) {
    const uint8_t *data = sqlite3_column_blob(s->st[which], column);
    *len = data ? (size_t)sqlite3_column_bytes(s->st[which], column) : 0;
    return data;
}

void aura_sql_end(struct aura_sql *s, size_t which) {
    sqlite3_reset(s->st[which]);
}

int64_t aura_sql_changes(const struct aura_sql *s) {
    return sqlite3_changes64(s->db);
}

int64_t aura_sql_last_row(const struct aura_sql *s) {
    return sqlite3_last_insert_rowid(s->db);
}

/* ---- transactions ---- */

int aura_sql_transaction(struct aura_sql *s) {
    aura_sql_release(s);
    return exec(s, "BEGIN IMMEDIATE") ? 0 : failed(s, "BEGIN");
}

int aura_sql_commit(struct aura_sql *s) {
    if (exec(s, "COMMIT")) {
        return 0;
    }
    int err = failed(s, "COMMIT");
    aura_sql_rollback(s);
    return err;
}

void aura_sql_rollback(struct aura_sql *s) {
    if (!sqlite3_get_autocommit(s->db)) { /* some errors have rolled back by themselves */
        (void)exec(s, "ROLLBACK");
    }
}
