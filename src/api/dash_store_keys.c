/* SPDX-License-Identifier: Apache-2.0 */
/* API keys made in the dashboard, and the audit log. */
#include "api/dash_store_priv.h"

#include "base/mem.h"

#include <stdio.h>
#include <string.h>

/* ---- API keys ---- */

static bool is_project(const char *text) {
    size_t n = strlen(text);
    return n && n <= AURA_DASH_PROJECT_MAX;
}

static void copy(struct aura_dash_store *s, size_t which, int column, char *to, size_t bytes) {
    (void)snprintf(to, bytes, "%s", aura_sql_get_text(s->sql, which, column));
}

static uint64_t time_of(struct aura_dash_store *s, size_t which, int column) {
    return (uint64_t)aura_sql_get_int(s->sql, which, column);
}

static void read_key(struct aura_dash_store *s, size_t which, struct aura_dash_key *out) {
    copy(s, which, 0, out->key, sizeof(out->key));
    copy(s, which, 1, out->project, sizeof(out->project));
    copy(s, which, 2, out->by, sizeof(out->by));
    copy(s, which, 3, out->secret, sizeof(out->secret));
    copy(s, which, 4, out->old, sizeof(out->old));
    out->created_us = time_of(s, which, 5);
    out->rotated_us = time_of(s, which, 6);
    out->old_until_us = time_of(s, which, 7);
    out->revoked_us = time_of(s, which, 8);
}

int aura_dash_key_get(struct aura_dash_store *s, const char *key, struct aura_dash_key *out) {
    aura_sql_begin(s->sql, ST_KEY_GET);
    aura_sql_text(s->sql, ST_KEY_GET, 1, key);
    int err = aura_sql_row(s->sql, ST_KEY_GET);
    if (!err) {
        read_key(s, ST_KEY_GET, out);
        aura_sql_end(s->sql, ST_KEY_GET);
    }
    return err;
}

/* @return 0, AURA_ELIMIT, AURA_EIO */
static int make_room(struct aura_dash_store *s) {
    aura_sql_begin(s->sql, ST_KEY_COUNT);
    int err = aura_sql_row(s->sql, ST_KEY_COUNT);
    if (err) {
        return err;
    }
    bool full = aura_sql_get_int(s->sql, ST_KEY_COUNT, 0) >= AURA_DASH_KEYS_MAX;
    aura_sql_end(s->sql, ST_KEY_COUNT);
    if (!full) {
        return 0;
    }
    aura_sql_begin(s->sql, ST_KEY_TRIM);
    err = aura_sql_run(s->sql, ST_KEY_TRIM);
    return err ? err : aura_sql_changes(s->sql) ? 0 : AURA_ELIMIT;
}

int aura_dash_key_make(struct aura_dash_store *s, const char *project, const char *by,
                       struct aura_dash_key *out) {
    static const char prefix[] = "API";
    char key[AURA_DASH_KEY_LEN + 1] = "API", secret[AURA_DASH_SECRET_LEN + 1];
    if (!is_project(project)) {
        return AURA_EINVAL;
    }
    int err = make_room(s);
    if (err) {
        return err;
    }
    aura_rand_text(s->conf.rand, key + sizeof(prefix) - 1, AURA_DASH_KEY_LEN - sizeof(prefix) + 1);
    aura_rand_text(s->conf.rand, secret, AURA_DASH_SECRET_LEN);
    aura_sql_begin(s->sql, ST_KEY_ADD);
    aura_sql_text(s->sql, ST_KEY_ADD, 1, key);
    aura_sql_text(s->sql, ST_KEY_ADD, 2, project);
    aura_sql_text(s->sql, ST_KEY_ADD, 3, by);
    aura_sql_text(s->sql, ST_KEY_ADD, 4, secret);
    aura_sql_int(s->sql, ST_KEY_ADD, 5, (int64_t)aura_wall_us(s->conf.clock));
    err = aura_sql_run(s->sql, ST_KEY_ADD);
    aura_wipe(secret, sizeof(secret));
    return err ? err : aura_dash_key_get(s, key, out);
}

int aura_dash_key_rename(struct aura_dash_store *s, const char *key, const char *project) {
    if (!is_project(project)) {
        return AURA_EINVAL;
    }
    aura_sql_begin(s->sql, ST_KEY_RENAME);
    aura_sql_text(s->sql, ST_KEY_RENAME, 1, key);
    aura_sql_text(s->sql, ST_KEY_RENAME, 2, project);
    int err = aura_sql_run(s->sql, ST_KEY_RENAME);
    return err ? err : aura_sql_changes(s->sql) ? 0 : AURA_ENOENT;
}

/* What an UPDATE of keys that are not revoked has done. */
static int changed(struct aura_dash_store *s, const char *key, struct aura_dash_key *out) {
    bool any = aura_sql_changes(s->sql) > 0;
    int err = aura_dash_key_get(s, key, out);
    return err ? err : any ? 0 : AURA_ESTATE;
}

int aura_dash_key_rotate(struct aura_dash_store *s, const char *key, uint64_t overlap_us,
                         struct aura_dash_key *out) {
    char secret[AURA_DASH_SECRET_LEN + 1];
    uint64_t now_us = aura_wall_us(s->conf.clock);
    aura_rand_text(s->conf.rand, secret, AURA_DASH_SECRET_LEN);
    aura_sql_begin(s->sql, ST_KEY_ROTATE);
    aura_sql_text(s->sql, ST_KEY_ROTATE, 1, key);
    aura_sql_text(s->sql, ST_KEY_ROTATE, 2, secret);
    aura_sql_int(s->sql, ST_KEY_ROTATE, 3, (int64_t)now_us);
    aura_sql_int(s->sql, ST_KEY_ROTATE, 4, (int64_t)(now_us + overlap_us));
    int err = aura_sql_run(s->sql, ST_KEY_ROTATE);
    aura_wipe(secret, sizeof(secret));
    return err ? err : changed(s, key, out);
}

int aura_dash_key_revoke(struct aura_dash_store *s, const char *key, struct aura_dash_key *out) {
    aura_sql_begin(s->sql, ST_KEY_REVOKE);
    aura_sql_text(s->sql, ST_KEY_REVOKE, 1, key);
    aura_sql_int(s->sql, ST_KEY_REVOKE, 2, (int64_t)aura_wall_us(s->conf.clock));
    int err = aura_sql_run(s->sql, ST_KEY_REVOKE);
    return err ? err : changed(s, key, out);
}

int aura_dash_keys(struct aura_dash_store *s, const char *after, size_t limit, aura_dash_key_fn *fn,
                   void *arg) {
    struct aura_dash_key k;
    int err;
    aura_sql_begin(s->sql, ST_KEY_LIST);
    aura_sql_text(s->sql, ST_KEY_LIST, 1, after);
    aura_sql_int(s->sql, ST_KEY_LIST, 2, (int64_t)limit);
    while ((err = aura_sql_row(s->sql, ST_KEY_LIST)) == 0) {
        read_key(s, ST_KEY_LIST, &k);
        fn(arg, &k);
    }
    aura_wipe(&k, sizeof(k));
    return err == AURA_ENOENT ? 0 : err;
}

/* ---- the audit log ---- */

/* At most so many bytes, and no half of a character. */
static void cut(char out[AURA_DASH_AUDIT_TEXT_MAX + 1], const char *text) {
    size_t n = strlen(text), max = AURA_DASH_AUDIT_TEXT_MAX;
    n = n < max ? n : max;
    while (n && n == max && ((unsigned char)text[n] & 0xc0) == 0x80) {
        max = --n;
    }
    memcpy(out, text, n);
    out[n] = 0;
}

int aura_dash_audit_add(struct aura_dash_store *s, struct aura_dash_entry *e) {
    char target[AURA_DASH_AUDIT_TEXT_MAX + 1], detail[AURA_DASH_AUDIT_TEXT_MAX + 1];
    cut(target, e->target);
    cut(detail, e->detail);
    e->at_us = aura_wall_us(s->conf.clock);
    aura_sql_begin(s->sql, ST_AUDIT_ADD);
    aura_sql_int(s->sql, ST_AUDIT_ADD, 1, (int64_t)e->at_us);
    aura_sql_text(s->sql, ST_AUDIT_ADD, 2, e->by);
    aura_sql_text(s->sql, ST_AUDIT_ADD, 3, e->action);
    aura_sql_text(s->sql, ST_AUDIT_ADD, 4, target);
    aura_sql_text(s->sql, ST_AUDIT_ADD, 5, e->from);
    aura_sql_text(s->sql, ST_AUDIT_ADD, 6, detail);
    int err = aura_sql_run(s->sql, ST_AUDIT_ADD);
    if (err) {
        return err;
    }
    e->id = (uint64_t)aura_sql_last_row(s->sql);
    if (e->id > AURA_DASH_AUDIT_MAX) {
        aura_sql_begin(s->sql, ST_AUDIT_TRIM);
        aura_sql_int(s->sql, ST_AUDIT_TRIM, 1, (int64_t)(e->id - AURA_DASH_AUDIT_MAX));
        (void)!aura_sql_run(s->sql, ST_AUDIT_TRIM); /* the next one does it */
    }
    return 0;
}

int aura_dash_audit(struct aura_dash_store *s, uint64_t before, const char *by, const char *action,
                    size_t limit, void (*fn)(void *arg, const struct aura_dash_entry *e),
                    void *arg) {
    int err;
    aura_sql_begin(s->sql, ST_AUDIT_LIST);
    aura_sql_int(s->sql, ST_AUDIT_LIST, 1, before ? (int64_t)before : INT64_MAX);
    aura_sql_text(s->sql, ST_AUDIT_LIST, 2, by);
    aura_sql_text(s->sql, ST_AUDIT_LIST, 3, action);
    aura_sql_int(s->sql, ST_AUDIT_LIST, 4, (int64_t)limit);
    while ((err = aura_sql_row(s->sql, ST_AUDIT_LIST)) == 0) {
        const struct aura_dash_entry e = {.id = time_of(s, ST_AUDIT_LIST, 0),
                                          .at_us = time_of(s, ST_AUDIT_LIST, 1),
                                          .by = aura_sql_get_text(s->sql, ST_AUDIT_LIST, 2),
                                          .action = aura_sql_get_text(s->sql, ST_AUDIT_LIST, 3),
                                          .target = aura_sql_get_text(s->sql, ST_AUDIT_LIST, 4),
                                          .from = aura_sql_get_text(s->sql, ST_AUDIT_LIST, 5),
                                          .detail = aura_sql_get_text(s->sql, ST_AUDIT_LIST, 6)};
        fn(arg, &e);
    }
    return err == AURA_ENOENT ? 0 : err;
}
