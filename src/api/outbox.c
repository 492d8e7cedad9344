/* SPDX-License-Identifier: Apache-2.0 */
#include "api/outbox.h"

#include "base/log.h"
#include "base/mem.h"
#include "base/sql.h"

#include <string.h>

enum statement {
    ST_FORGET_URLS,
    ST_KEEP_URL,
    ST_EXPIRE,
    ST_REOPEN_ALL,
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
    ST_LIST_NEWEST,
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

static const char *const statements[ST_COUNT] = {
    [ST_FORGET_URLS] = "UPDATE url SET live = 0",
    [ST_KEEP_URL] = "INSERT INTO url(url, live) VALUES(?1, 1) ON CONFLICT(url) DO UPDATE SET live "
                    "= 1 RETURNING id",
    [ST_EXPIRE] = "UPDATE delivery SET state = 3 WHERE state = 0 AND url IN (SELECT id FROM url "
                  "WHERE NOT live)",
    [ST_REOPEN_ALL] = "UPDATE event SET open = (SELECT count(*) FROM delivery d WHERE d.seq = "
                      "event.seq AND d.state = 0) WHERE open > 0",
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
    [ST_LIST_NEWEST] =
        "SELECT seq, room_seq, id, name, room, created_us, CASE WHEN ?6 THEN body END FROM "
        "event WHERE seq BETWEEN ?1 AND ?2 AND (?3 IS NULL OR room = ?3) AND (NOT ?5 OR "
        "open > 0) ORDER BY seq DESC LIMIT ?4",
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
    struct aura_sql *sql;
    struct aura_outbox_conf conf;
    int64_t url_id[AURA_OUTBOX_URLS_MAX];
    struct aura_outbox_stats stats, before; /* before: at the last begin */
};

const char *aura_outbox_state_name(enum aura_outbox_state s) {
    static const char *const names[] = {"waiting", "delivered", "refused", "expired"};
    return names[s];
}

static int number(struct aura_outbox *o, enum statement which, uint64_t *a, uint64_t *b) {
    int err = aura_sql_row(o->sql, which);
    if (!err) {
        *a = (uint64_t)aura_sql_get_int(o->sql, which, 0);
        if (b) {
            *b = (uint64_t)aura_sql_get_int(o->sql, which, 1);
        }
        aura_sql_end(o->sql, which);
    }
    return err;
}

/* ---- opening ---- */

/* Rows of the URLs that we have now; what waits for others waits in vain. */
static int take_urls(struct aura_outbox *o) {
    int err = aura_sql_run(o->sql, ST_FORGET_URLS);
    for (size_t i = 0; !err && i < o->conf.url_count; i++) {
        uint64_t id = 0;
        aura_sql_begin(o->sql, ST_KEEP_URL);
        aura_sql_text(o->sql, ST_KEEP_URL, 1, o->conf.urls[i]);
        err = number(o, ST_KEEP_URL, &id, NULL);
        o->url_id[i] = (int64_t)id;
    }
    err = err ? err : aura_sql_run(o->sql, ST_EXPIRE);
    return err ? err : aura_sql_run(o->sql, ST_REOPEN_ALL);
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
    const struct aura_sql_conf file = {.path = conf->path,
                                       .topic = "webhook",
                                       .schema = schema,
                                       .text = statements,
                                       .count = ST_COUNT,
                                       .durable = true};
    int err = aura_sql_open(&o->sql, &file, why);
    if (!err) {
        err = aura_outbox_begin(o);
        err = err ? err : take_urls(o);
        err = err ? err : aura_outbox_commit(o);
        err = err ? err : count_all(o);
        if (err) {
            aura_buf_printf(why, "%s cannot be written", conf->path);
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
        aura_sql_close(o->sql);
        aura_free(o);
    }
    return NULL;
}

/* ---- changes ---- */

int aura_outbox_begin(struct aura_outbox *o) {
    o->before = o->stats;
    aura_sql_end(o->sql, ST_HEAD); /* its row was used: no read transaction is left open */
    return aura_sql_transaction(o->sql);
}

int aura_outbox_commit(struct aura_outbox *o) {
    int err = aura_sql_commit(o->sql);
    if (err) {
        o->stats = o->before;
    }
    return err;
}

void aura_outbox_rollback(struct aura_outbox *o) {
    o->stats = o->before;
    aura_sql_rollback(o->sql);
}

int aura_outbox_add(struct aura_outbox *o, struct aura_outbox_event *e) {
    aura_sql_begin(o->sql, ST_ROOM_SEQ);
    aura_sql_text(o->sql, ST_ROOM_SEQ, 1, e->room);
    int err = number(o, ST_ROOM_SEQ, &e->room_seq, NULL);
    if (err) {
        return err;
    }
    aura_sql_begin(o->sql, ST_ADD);
    aura_sql_text(o->sql, ST_ADD, 1, e->id);
    aura_sql_text(o->sql, ST_ADD, 2, e->name);
    aura_sql_text(o->sql, ST_ADD, 3, e->room);
    aura_sql_int(o->sql, ST_ADD, 4, (int64_t)e->room_seq);
    aura_sql_int(o->sql, ST_ADD, 5, (int64_t)e->created_us);
    aura_sql_int(o->sql, ST_ADD, 6, (int64_t)o->conf.url_count);
    aura_sql_blob(o->sql, ST_ADD, 7, e->body, e->len);
    err = aura_sql_run(o->sql, ST_ADD);
    if (err) {
        return err;
    }
    e->seq = (uint64_t)aura_sql_last_row(o->sql);
    aura_sql_begin(o->sql, ST_ADD_DELIVERY);
    aura_sql_int(o->sql, ST_ADD_DELIVERY, 1, (int64_t)e->seq);
    aura_sql_text(o->sql, ST_ADD_DELIVERY, 2, e->room);
    o->stats.events++;
    o->stats.bytes += e->len;
    o->stats.waiting += o->conf.url_count;
    return aura_sql_run(o->sql, ST_ADD_DELIVERY);
}

static int delete_event(struct aura_outbox *o, uint64_t seq, uint64_t bytes) {
    aura_sql_begin(o->sql, ST_DELETE);
    aura_sql_int(o->sql, ST_DELETE, 1, (int64_t)seq);
    aura_sql_begin(o->sql, ST_DELETE_DELIVERIES);
    aura_sql_int(o->sql, ST_DELETE_DELIVERIES, 1, (int64_t)seq);
    o->stats.events--;
    o->stats.bytes -= bytes;
    int err = aura_sql_run(o->sql, ST_DELETE);
    return err ? err : aura_sql_run(o->sql, ST_DELETE_DELIVERIES);
}

int aura_outbox_trim(struct aura_outbox *o) {
    int err = 0;
    bool dropped = false;
    while (!err && o->stats.events > 1 &&
           (o->stats.events > o->conf.max_events || o->stats.bytes > o->conf.max_bytes)) {
        uint64_t seq = 0, bytes = 0;
        aura_sql_begin(o->sql, ST_OLDEST_SETTLED);
        err = number(o, ST_OLDEST_SETTLED, &seq, &bytes);
        if (err == AURA_ENOENT) {
            aura_sql_begin(o->sql, ST_OLDEST);
            err = number(o, ST_OLDEST, &seq, &bytes);
            o->stats.dropped++;
            dropped = true;
            AURA_LOG_LIMITED("webhook", AURA_LOG_WARN, "event_dropped", AURA_I("seq", seq));
        }
        err = err ? err : delete_event(o, seq, bytes);
    }
    if (!err && dropped) {
        aura_sql_begin(o->sql, ST_WAITING);
        err = number(o, ST_WAITING, &o->stats.waiting, NULL);
    }
    return err;
}

int aura_outbox_result(struct aura_outbox *o, size_t url, uint64_t seq,
                       enum aura_outbox_state state, long status) {
    aura_sql_begin(o->sql, ST_RESULT);
    aura_sql_int(o->sql, ST_RESULT, 1, (int64_t)seq);
    aura_sql_int(o->sql, ST_RESULT, 2, o->url_id[url]);
    aura_sql_int(o->sql, ST_RESULT, 3, (int)state);
    aura_sql_int(o->sql, ST_RESULT, 4, status);
    int err = aura_sql_run(o->sql, ST_RESULT);
    if (err || state == AURA_OUTBOX_WAITING || aura_sql_changes(o->sql) == 0) {
        return err; /* unchanged: it was dropped meanwhile */
    }
    o->stats.waiting--;
    aura_sql_begin(o->sql, ST_SETTLE);
    aura_sql_int(o->sql, ST_SETTLE, 1, (int64_t)seq);
    return aura_sql_run(o->sql, ST_SETTLE);
}

/* ---- looking ---- */

static void take_event(struct aura_outbox *o, enum statement which, struct aura_outbox_event *e) {
    *e = (struct aura_outbox_event){
        .seq = (uint64_t)aura_sql_get_int(o->sql, which, 0),
        .room_seq = (uint64_t)aura_sql_get_int(o->sql, which, 1),
        .id = aura_sql_get_text(o->sql, which, 2),
        .name = aura_sql_get_text(o->sql, which, 3),
        .room = aura_sql_get_text(o->sql, which, 4),
        .created_us = (uint64_t)aura_sql_get_int(o->sql, which, 5),
    };
    e->body = aura_sql_get_blob(o->sql, which, 6, &e->len);
}

int aura_outbox_head(struct aura_outbox *o, size_t url, const char *room,
                     struct aura_outbox_event *out) {
    aura_sql_begin(o->sql, ST_HEAD);
    aura_sql_int(o->sql, ST_HEAD, 1, o->url_id[url]);
    aura_sql_text(o->sql, ST_HEAD, 2, room);
    int err = aura_sql_row(o->sql, ST_HEAD);
    if (err) {
        aura_sql_end(o->sql, ST_HEAD);
        return err;
    }
    take_event(o, ST_HEAD, out);
    return *out->id ? 0 : AURA_EIO; /* no memory for its text */
}

int aura_outbox_rooms(struct aura_outbox *o, size_t url, void (*fn)(void *arg, const char *room),
                      void *arg) {
    aura_sql_begin(o->sql, ST_ROOMS);
    aura_sql_int(o->sql, ST_ROOMS, 1, o->url_id[url]);
    int err;
    while ((err = aura_sql_row(o->sql, ST_ROOMS)) == 0) {
        fn(arg, aura_sql_get_text(o->sql, ST_ROOMS, 0));
    }
    aura_sql_end(o->sql, ST_ROOMS);
    return err == AURA_ENOENT ? 0 : err;
}

static void bind_query(struct aura_outbox *o, enum statement which,
                       const struct aura_outbox_query *q) {
    aura_sql_begin(o->sql, which);
    aura_sql_int(o->sql, which, 1, (int64_t)(q->from < INT64_MAX ? q->from : INT64_MAX));
    aura_sql_int(o->sql, which, 2, (int64_t)(q->to < INT64_MAX ? q->to : INT64_MAX));
    aura_sql_text(o->sql, which, 3, q->room);
}

static int deliveries(struct aura_outbox *o, uint64_t seq, struct aura_outbox_delivery *out,
                      size_t *n) {
    aura_sql_begin(o->sql, ST_DELIVERIES);
    aura_sql_int(o->sql, ST_DELIVERIES, 1, (int64_t)seq);
    int err;
    *n = 0;
    while ((err = aura_sql_row(o->sql, ST_DELIVERIES)) == 0 && *n < AURA_OUTBOX_URLS_MAX) {
        int64_t state = aura_sql_get_int(o->sql, ST_DELIVERIES, 1);
        const char *url = aura_sql_get_text(o->sql, ST_DELIVERIES, 0);
        size_t known = 0; /* the row's text goes with the next step */
        while (known < o->conf.url_count && strcmp(o->conf.urls[known], url) != 0) {
            known++;
        }
        if (known < o->conf.url_count && state >= 0 && state <= AURA_OUTBOX_EXPIRED) {
            out[(*n)++] = (struct aura_outbox_delivery){
                .url = o->conf.urls[known],
                .state = (enum aura_outbox_state)state,
                .attempts = (uint32_t)aura_sql_get_int(o->sql, ST_DELIVERIES, 2),
                .status = (long)aura_sql_get_int(o->sql, ST_DELIVERIES, 3),
            };
        }
    }
    aura_sql_end(o->sql, ST_DELIVERIES);
    return err == AURA_ENOENT ? 0 : err;
}

int aura_outbox_list(struct aura_outbox *o, const struct aura_outbox_query *q,
                     void (*fn)(void *arg, const struct aura_outbox_event *e,
                                const struct aura_outbox_delivery *d, size_t n),
                     void *arg) {
    struct aura_outbox_delivery d[AURA_OUTBOX_URLS_MAX];
    enum statement which = q->newest ? ST_LIST_NEWEST : ST_LIST;
    aura_sql_begin(o->sql, which);
    bind_query(o, which, q);
    aura_sql_int(o->sql, which, 4,
                 q->limit < AURA_OUTBOX_LIST_MAX ? (int64_t)q->limit : AURA_OUTBOX_LIST_MAX);
    aura_sql_int(o->sql, which, 5, q->open_only);
    aura_sql_int(o->sql, which, 6, q->bodies);
    int err;
    while ((err = aura_sql_row(o->sql, which)) == 0) {
        struct aura_outbox_event e;
        size_t n;
        take_event(o, which, &e);
        err = deliveries(o, e.seq, d, &n);
        if (err) {
            break;
        }
        fn(arg, &e, d, n);
    }
    aura_sql_end(o->sql, which);
    return err == AURA_ENOENT ? 0 : err;
}

int aura_outbox_replay(struct aura_outbox *o, const struct aura_outbox_query *q, uint64_t *count) {
    bind_query(o, ST_REPLAY, q);
    bind_query(o, ST_REOPEN, q);
    int err = aura_outbox_begin(o);
    if (err) {
        return err;
    }
    err = aura_sql_run(o->sql, ST_REPLAY);
    err = err ? err : aura_sql_run(o->sql, ST_REOPEN);
    *count = (uint64_t)aura_sql_changes(o->sql);
    aura_sql_begin(o->sql, ST_WAITING);
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
