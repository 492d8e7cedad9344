/* SPDX-License-Identifier: Apache-2.0 */
#include "api/outbox.h"

#include "base/log.h"
#include "base/mem.h"

#include <sqlite3.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PATH_BYTES = 4096, SCHEMA_VERSION = 1 };

enum statement {
    ST_BEGIN,
    ST_COMMIT,
    ST_ROLLBACK,
    ST_ROOM_SEQ,
    ST_ADD,
    ST_ADD_DELIVERY,
    ST_HEAD,
    ST_ROOMS,
    ST_RESULT,
    ST_SETTLE,
    ST_OLDEST_SETTLED,
    ST_OLDEST,
    ST_DELETE,
    ST_DELETE_DELIVERIES,
    ST_LIST,
    ST_DELIVERIES,
    ST_REPLAY,
    ST_REOPEN,
    ST_TOTALS,
    ST_WAITING,
    ST_COUNT,
};

/* event.open counts the URLs that it waits for. Room numbers go on where the newest stored event of
 * the room ended. */
static const char schema[] =
    "CREATE TABLE IF NOT EXISTS event(seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL, "
    "name TEXT NOT NULL, room TEXT NOT NULL, room_seq INTEGER NOT NULL, created_us INTEGER NOT "
    "NULL, open INTEGER NOT NULL, body BLOB NOT NULL);"
    "CREATE INDEX IF NOT EXISTS event_room ON event(room, room_seq);"
    "CREATE INDEX IF NOT EXISTS event_settled ON event(seq) WHERE open = 0;"
    "CREATE TABLE IF NOT EXISTS url(id INTEGER PRIMARY KEY, url TEXT NOT NULL UNIQUE, live INTEGER "
    "NOT NULL);"
    "CREATE TABLE IF NOT EXISTS delivery(seq INTEGER NOT NULL, url INTEGER NOT NULL, room TEXT NOT "
    "NULL, state INTEGER NOT NULL, attempts INTEGER NOT NULL, status INTEGER NOT NULL, PRIMARY "
    "KEY(seq, url)) WITHOUT ROWID;"
    "CREATE INDEX IF NOT EXISTS delivery_waiting ON delivery(url, room, seq) WHERE state = 0;";

static const char *const sql[ST_COUNT] = {
    [ST_BEGIN] = "BEGIN IMMEDIATE",
    [ST_COMMIT] = "COMMIT",
    [ST_ROLLBACK] = "ROLLBACK",
    [ST_ROOM_SEQ] = "SELECT coalesce(max(room_seq), 0) + 1 FROM event WHERE room = ?1",
    [ST_ADD] = "INSERT INTO event(id, name, room, room_seq, created_us, open, body) VALUES(?1, ?2, "
               "?3, ?4, ?5, ?6, ?7)",
    [ST_ADD_DELIVERY] = "INSERT INTO delivery SELECT ?1, id, ?2, 0, 0, 0 FROM url WHERE live",
    [ST_HEAD] = "SELECT e.seq, e.room_seq, e.id, e.name, e.room, e.created_us, e.body FROM event e "
                "WHERE e.seq = (SELECT min(seq) FROM delivery WHERE url = ?1 AND room = ?2 AND "
                "state = 0)",
    [ST_ROOMS] = "SELECT DISTINCT room FROM delivery WHERE url = ?1 AND state = 0",
    [ST_RESULT] = "UPDATE delivery SET state = ?3, attempts = attempts + 1, status = ?4 WHERE seq "
                  "= ?1 AND url = ?2 AND state = 0",
    [ST_SETTLE] = "UPDATE event SET open = open - 1 WHERE seq = ?1",
    [ST_OLDEST_SETTLED] = "SELECT seq, length(body) FROM event WHERE open = 0 ORDER BY seq LIMIT 1",
    [ST_OLDEST] = "SELECT seq, length(body) FROM event ORDER BY seq LIMIT 1",
    [ST_DELETE] = "DELETE FROM event WHERE seq = ?1",
    [ST_DELETE_DELIVERIES] = "DELETE FROM delivery WHERE seq = ?1",
    [ST_LIST] = "SELECT seq, room_seq, id, name, room, created_us, CASE WHEN ?6 THEN body END FROM "
                "event WHERE seq BETWEEN ?1 AND ?2 AND (?3 IS NULL OR room = ?3) AND (NOT ?5 OR "
                "open > 0) ORDER BY seq LIMIT ?4",
    [ST_DELIVERIES] = "SELECT u.url, d.state, d.attempts, d.status FROM delivery d JOIN url u ON "
                      "u.id = d.url WHERE d.seq = ?1 AND u.live ORDER BY u.id",
    [ST_REPLAY] = "INSERT INTO delivery SELECT e.seq, u.id, e.room, 0, 0, 0 FROM event e, url u "
                  "WHERE u.live AND e.seq BETWEEN ?1 AND ?2 AND (?3 IS NULL OR e.room = ?3) ON "
                  "CONFLICT(seq, url) DO UPDATE SET state = 0",
    [ST_REOPEN] = "UPDATE event SET open = (SELECT count(*) FROM delivery d WHERE d.seq = "
                  "event.seq AND d.state = 0) WHERE seq BETWEEN ?1 AND ?2 AND (?3 IS NULL OR room "
                  "= ?3)",
    [ST_TOTALS] = "SELECT count(*), coalesce(sum(length(body)), 0) FROM event",
    [ST_WAITING] = "SELECT count(*) FROM delivery WHERE state = 0",
};

struct aura_outbox {
    sqlite3 *db;
    sqlite3_stmt *st[ST_COUNT];
    struct aura_outbox_conf conf;
    int64_t url_id[AURA_OUTBOX_URLS_MAX];
    struct aura_outbox_stats stats, before; /* before: at the last begin */
    int lock;
};

const char *aura_outbox_state_name(enum aura_outbox_state s) {
    static const char *const names[] = {"waiting", "delivered", "refused", "expired"};
    return names[s];
}

static int failed(const struct aura_outbox *o, const char *what) {
    AURA_LOG_LIMITED("webhook", AURA_LOG_ERROR, "outbox_failed", AURA_S("doing", what),
                     AURA_S("why", sqlite3_errmsg(o->db)));
    return AURA_EIO;
}

/* A prepared statement, ready for its parameters. Those of one statement are bound only by itself,
 * so that a failing bind shows as SQLITE_MISUSE or a constraint at the step. */
static sqlite3_stmt *fresh(struct aura_outbox *o, enum statement which) {
    sqlite3_reset(o->st[which]);
    sqlite3_clear_bindings(o->st[which]);
    return o->st[which];
}

static int run(struct aura_outbox *o, enum statement which) {
    int rc = sqlite3_step(o->st[which]);
    sqlite3_reset(o->st[which]);
    return rc == SQLITE_DONE || rc == SQLITE_ROW ? 0 : failed(o, sql[which]);
}

static void bind_text(sqlite3_stmt *st, int at, const char *text) {
    if (text) {
        sqlite3_bind_text(st, at, text, -1, SQLITE_TRANSIENT);
    }
}

/* @return 0, AURA_ENOENT (no row), AURA_EIO; the statement stays on the row */
static int first_row(struct aura_outbox *o, enum statement which) {
    int rc = sqlite3_step(o->st[which]);
    return rc == SQLITE_ROW ? 0 : rc == SQLITE_DONE ? AURA_ENOENT : failed(o, sql[which]);
}

static int number(struct aura_outbox *o, enum statement which, uint64_t *a, uint64_t *b) {
    int err = first_row(o, which);
    if (!err) {
        *a = (uint64_t)sqlite3_column_int64(o->st[which], 0);
        if (b) {
            *b = (uint64_t)sqlite3_column_int64(o->st[which], 1);
        }
    }
    sqlite3_reset(o->st[which]);
    return err;
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

static int take_lock(struct aura_outbox *o, struct aura_buf *why) {
    char path[PATH_BYTES];
    if (snprintf(path, sizeof(path), "%s.lock", o->conf.path) >= (int)sizeof(path)) {
        return AURA_EIO;
    }
    o->lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (o->lock < 0) {
        aura_buf_printf(why, "cannot make %s: %s", path, strerror(errno));
        return AURA_EIO;
    }
    if (flock(o->lock, LOCK_EX | LOCK_NB)) {
        aura_buf_str(why, "another server uses it: give each its own webhook.outbox");
        return AURA_EEXISTS;
    }
    return 0;
}

static int exec(struct aura_outbox *o, const char *text) {
    return sqlite3_exec(o->db, text, NULL, NULL, NULL) == SQLITE_OK ? 0 : AURA_EIO;
}

static int open_db(struct aura_outbox *o) {
    mode_t old = umask(0077); /* metadata of participants lies inside */
    int rc =
        sqlite3_open_v2(o->conf.path, &o->db,
                        SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, NULL);
    int err = rc == SQLITE_OK ? 0 : AURA_EIO;
    err = err ? err : exec(o, "PRAGMA journal_mode = WAL");
    err = err ? err : exec(o, "PRAGMA synchronous = FULL");
    err = err ? err : exec(o, "PRAGMA busy_timeout = 2000");
    err = err ? err : exec(o, schema);
    umask(old);
    for (size_t i = 0; !err && i < ST_COUNT; i++) {
        err = sqlite3_prepare_v3(o->db, sql[i], -1, SQLITE_PREPARE_PERSISTENT, &o->st[i], NULL) ==
                      SQLITE_OK
                  ? 0
                  : AURA_EIO;
    }
    return err;
}

/* Rows of the URLs that we have now; what waits for others waits in vain. */
static int take_urls(struct aura_outbox *o) {
    int err = exec(o, "UPDATE url SET live = 0");
    for (size_t i = 0; !err && i < o->conf.url_count; i++) {
        sqlite3_stmt *st = NULL;
        err = sqlite3_prepare_v2(o->db,
                                 "INSERT INTO url(url, live) VALUES(?1, 1) ON CONFLICT(url) DO "
                                 "UPDATE SET live = 1 RETURNING id",
                                 -1, &st, NULL) == SQLITE_OK
                  ? 0
                  : AURA_EIO;
        if (!err) {
            bind_text(st, 1, o->conf.urls[i]);
            err = sqlite3_step(st) == SQLITE_ROW ? 0 : AURA_EIO;
            o->url_id[i] = sqlite3_column_int64(st, 0);
        }
        if (!err) {
            err = sqlite3_step(st) == SQLITE_DONE ? 0 : AURA_EIO;
        }
        sqlite3_finalize(st);
    }
    err = err ? err
              : exec(o, "UPDATE delivery SET state = 3 WHERE state = 0 AND url IN (SELECT id FROM "
                        "url WHERE NOT live)");
    return err ? err
               : exec(o, "UPDATE event SET open = (SELECT count(*) FROM delivery d WHERE d.seq = "
                         "event.seq AND d.state = 0) WHERE open > 0");
}

static int count_all(struct aura_outbox *o) {
    int err = number(o, ST_TOTALS, &o->stats.events, &o->stats.bytes);
    return err ? err : number(o, ST_WAITING, &o->stats.waiting, NULL);
}

int aura_outbox_open(struct aura_outbox **op, const struct aura_outbox_conf *conf,
                     struct aura_buf *why) {
    if (conf->url_count > AURA_OUTBOX_URLS_MAX) {
        aura_buf_printf(why, "at most %d URLs", AURA_OUTBOX_URLS_MAX);
        return AURA_ELIMIT;
    }
    struct aura_outbox *o = aura_zalloc(sizeof(*o));
    if (!o) {
        return AURA_ENOMEM;
    }
    o->conf = *conf;
    o->lock = -1;
    int err = make_folders(conf->path, why);
    err = err ? err : take_lock(o, why);
    if (!err) {
        err = open_db(o);
        err = err ? err : aura_outbox_begin(o);
        err = err ? err : take_urls(o);
        err = err ? err : aura_outbox_commit(o);
        err = err ? err : count_all(o);
        if (err) {
            aura_buf_str(why, o->db ? sqlite3_errmsg(o->db) : "out of memory");
        }
    }
    if (err) {
        aura_outbox_close(o);
        return err;
    }
    *op = o;
    return 0;
}

struct aura_outbox *aura_outbox_close(struct aura_outbox *o) {
    if (o) {
        for (size_t i = 0; i < ST_COUNT; i++) {
            sqlite3_finalize(o->st[i]);
        }
        sqlite3_close(o->db);
        if (o->lock >= 0) {
            close(o->lock);
        }
        aura_free(o);
    }
    return NULL;
}

/* ---- changes ---- */

int aura_outbox_begin(struct aura_outbox *o) {
    o->before = o->stats;
    sqlite3_reset(o->st[ST_HEAD]); /* its row was used: no read transaction is left open */
    return run(o, ST_BEGIN);
}

int aura_outbox_commit(struct aura_outbox *o) {
    int err = run(o, ST_COMMIT);
    if (err) {
        aura_outbox_rollback(o);
    }
    return err;
}

void aura_outbox_rollback(struct aura_outbox *o) {
    o->stats = o->before;
    if (!sqlite3_get_autocommit(o->db)) { /* some errors have rolled back by themselves */
        (void)!run(o, ST_ROLLBACK);
    }
}

int aura_outbox_add(struct aura_outbox *o, struct aura_outbox_event *e) {
    bind_text(fresh(o, ST_ROOM_SEQ), 1, e->room);
    int err = number(o, ST_ROOM_SEQ, &e->room_seq, NULL);
    if (err) {
        return err;
    }
    sqlite3_stmt *st = fresh(o, ST_ADD);
    bind_text(st, 1, e->id);
    bind_text(st, 2, e->name);
    bind_text(st, 3, e->room);
    sqlite3_bind_int64(st, 4, (int64_t)e->room_seq);
    sqlite3_bind_int64(st, 5, (int64_t)e->created_us);
    sqlite3_bind_int64(st, 6, (int64_t)o->conf.url_count);
    sqlite3_bind_blob64(st, 7, e->body, e->len, SQLITE_STATIC);
    err = run(o, ST_ADD);
    if (err) {
        return err;
    }
    e->seq = (uint64_t)sqlite3_last_insert_rowid(o->db);
    st = fresh(o, ST_ADD_DELIVERY);
    sqlite3_bind_int64(st, 1, (int64_t)e->seq);
    bind_text(st, 2, e->room);
    o->stats.events++;
    o->stats.bytes += e->len;
    o->stats.waiting += o->conf.url_count;
    return run(o, ST_ADD_DELIVERY);
}

static int delete_event(struct aura_outbox *o, uint64_t seq, uint64_t bytes) {
    sqlite3_bind_int64(fresh(o, ST_DELETE), 1, (int64_t)seq);
    sqlite3_bind_int64(fresh(o, ST_DELETE_DELIVERIES), 1, (int64_t)seq);
    o->stats.events--;
    o->stats.bytes -= bytes;
    int err = run(o, ST_DELETE);
    return err ? err : run(o, ST_DELETE_DELIVERIES);
}

int aura_outbox_trim(struct aura_outbox *o) {
    int err = 0;
    bool dropped = false;
    while (!err && o->stats.events > 1 &&
           (o->stats.events > o->conf.max_events || o->stats.bytes > o->conf.max_bytes)) {
        uint64_t seq = 0, bytes = 0;
        fresh(o, ST_OLDEST_SETTLED);
        err = number(o, ST_OLDEST_SETTLED, &seq, &bytes);
        if (err == AURA_ENOENT) {
            fresh(o, ST_OLDEST);
            err = number(o, ST_OLDEST, &seq, &bytes);
            o->stats.dropped++;
            dropped = true;
            AURA_LOG_LIMITED("webhook", AURA_LOG_WARN, "event_dropped", AURA_I("seq", seq));
        }
        err = err ? err : delete_event(o, seq, bytes);
    }
    if (!err && dropped) {
        fresh(o, ST_WAITING);
        err = number(o, ST_WAITING, &o->stats.waiting, NULL);
    }
    return err;
}

int aura_outbox_result(struct aura_outbox *o, size_t url, uint64_t seq,
                       enum aura_outbox_state state, long status) {
    sqlite3_stmt *st = fresh(o, ST_RESULT);
    sqlite3_bind_int64(st, 1, (int64_t)seq);
    sqlite3_bind_int64(st, 2, o->url_id[url]);
    sqlite3_bind_int(st, 3, (int)state);
    sqlite3_bind_int64(st, 4, status);
    int err = run(o, ST_RESULT);
    if (err || state == AURA_OUTBOX_WAITING || sqlite3_changes(o->db) == 0) {
        return err; /* unchanged: it was dropped meanwhile */
    }
    o->stats.waiting--;
    sqlite3_bind_int64(fresh(o, ST_SETTLE), 1, (int64_t)seq);
    return run(o, ST_SETTLE);
}

/* ---- looking ---- */

static void take_event(sqlite3_stmt *st, struct aura_outbox_event *e) {
    *e = (struct aura_outbox_event){
        .seq = (uint64_t)sqlite3_column_int64(st, 0),
        .room_seq = (uint64_t)sqlite3_column_int64(st, 1),
        .id = (const char *)sqlite3_column_text(st, 2),
        .name = (const char *)sqlite3_column_text(st, 3),
        .room = (const char *)sqlite3_column_text(st, 4),
        .created_us = (uint64_t)sqlite3_column_int64(st, 5),
        .body = sqlite3_column_blob(st, 6),
        .len = (size_t)sqlite3_column_bytes(st, 6),
    };
}

int aura_outbox_head(struct aura_outbox *o, size_t url, const char *room,
                     struct aura_outbox_event *out) {
    sqlite3_stmt *st = fresh(o, ST_HEAD);
    sqlite3_bind_int64(st, 1, o->url_id[url]);
    bind_text(st, 2, room);
    int err = first_row(o, ST_HEAD);
    if (err) {
        sqlite3_reset(st);
        return err;
    }
    take_event(st, out);
    return out->id && out->name && out->room ? 0 : AURA_EIO;
}

int aura_outbox_rooms(struct aura_outbox *o, size_t url, void (*fn)(void *arg, const char *room),
                      void *arg) {
    sqlite3_stmt *st = fresh(o, ST_ROOMS);
    sqlite3_bind_int64(st, 1, o->url_id[url]);
    int err;
    while ((err = first_row(o, ST_ROOMS)) == 0) {
        const char *room = (const char *)sqlite3_column_text(st, 0);
        if (room) {
            fn(arg, room);
        }
    }
    sqlite3_reset(st);
    return err == AURA_ENOENT ? 0 : err;
}

static void bind_query(sqlite3_stmt *st, const struct aura_outbox_query *q) {
    sqlite3_bind_int64(st, 1, (int64_t)(q->from < INT64_MAX ? q->from : INT64_MAX));
    sqlite3_bind_int64(st, 2, (int64_t)(q->to < INT64_MAX ? q->to : INT64_MAX));
    bind_text(st, 3, q->room);
}

static int deliveries(struct aura_outbox *o, uint64_t seq, struct aura_outbox_delivery *out,
                      size_t *n) {
    sqlite3_stmt *st = fresh(o, ST_DELIVERIES);
    sqlite3_bind_int64(st, 1, (int64_t)seq);
    int err;
    *n = 0;
    while ((err = first_row(o, ST_DELIVERIES)) == 0 && *n < AURA_OUTBOX_URLS_MAX) {
        int state = sqlite3_column_int(st, 1);
        const char *url = (const char *)sqlite3_column_text(st, 0);
        size_t known = 0; /* the row's text goes with the next step */
        while (known < o->conf.url_count && (!url || strcmp(o->conf.urls[known], url) != 0)) {
            known++;
        }
        if (known < o->conf.url_count && state >= 0 && state <= AURA_OUTBOX_EXPIRED) {
            out[(*n)++] = (struct aura_outbox_delivery){
                .url = o->conf.urls[known],
                .state = (enum aura_outbox_state)state,
                .attempts = (uint32_t)sqlite3_column_int(st, 2),
                .status = (long)sqlite3_column_int64(st, 3),
            };
        }
    }
    sqlite3_reset(st);
    return err == AURA_ENOENT ? 0 : err;
}

int aura_outbox_list(struct aura_outbox *o, const struct aura_outbox_query *q,
                     void (*fn)(void *arg, const struct aura_outbox_event *e,
                                const struct aura_outbox_delivery *d, size_t n),
                     void *arg) {
    struct aura_outbox_delivery d[AURA_OUTBOX_URLS_MAX];
    sqlite3_stmt *st = fresh(o, ST_LIST);
    bind_query(st, q);
    sqlite3_bind_int64(st, 4,
                       q->limit < AURA_OUTBOX_LIST_MAX ? (int64_t)q->limit : AURA_OUTBOX_LIST_MAX);
    sqlite3_bind_int(st, 5, q->open_only);
    sqlite3_bind_int(st, 6, q->bodies);
    int err;
    while ((err = first_row(o, ST_LIST)) == 0) {
        struct aura_outbox_event e;
        size_t n;
        take_event(st, &e);
        err = deliveries(o, e.seq, d, &n);
        if (err) {
            break;
        }
        fn(arg, &e, d, n);
    }
    sqlite3_reset(st);
    return err == AURA_ENOENT ? 0 : err;
}

int aura_outbox_replay(struct aura_outbox *o, const struct aura_outbox_query *q, uint64_t *count) {
    bind_query(fresh(o, ST_REPLAY), q);
    bind_query(fresh(o, ST_REOPEN), q);
    int err = aura_outbox_begin(o);
    if (err) {
        return err;
    }
    err = run(o, ST_REPLAY);
    err = err ? err : run(o, ST_REOPEN);
    *count = (uint64_t)sqlite3_changes(o->db);
    fresh(o, ST_WAITING);
    err = err ? err : number(o, ST_WAITING, &o->stats.waiting, NULL);
    if (err) {
        aura_outbox_rollback(o);
        return err;
    }
    return aura_outbox_commit(o);
}

void aura_outbox_stats(const struct aura_outbox *o, struct aura_outbox_stats *out) {
    *out = o->stats;
}
