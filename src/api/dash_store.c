/* SPDX-License-Identifier: Apache-2.0 */
#include "api/dash_store_priv.h"

#include "base/mem.h"

#include <openssl/sha.h>
#include <stdio.h>
#include <string.h>

/* What was deleted is overwritten (secrets of API keys). In the audit log nothing changes, and only
 * what is beyond its length goes. */
static const char schema[] =
    "PRAGMA secure_delete = ON;"
    "CREATE TABLE IF NOT EXISTS operator(name TEXT PRIMARY KEY, role INTEGER NOT NULL, hash TEXT "
    "NOT NULL, created_us INTEGER NOT NULL, seen_us INTEGER NOT NULL) WITHOUT ROWID;"
    "CREATE TABLE IF NOT EXISTS setup(one INTEGER PRIMARY KEY CHECK(one = 1), hash BLOB NOT NULL, "
    "until_us INTEGER NOT NULL);"
    "CREATE TABLE IF NOT EXISTS api_key(seq INTEGER PRIMARY KEY AUTOINCREMENT, key TEXT NOT NULL "
    "UNIQUE, project TEXT NOT NULL, by TEXT NOT NULL, secret TEXT NOT NULL, old TEXT NOT NULL, "
    "created_us INTEGER NOT NULL, rotated_us INTEGER NOT NULL, old_until_us INTEGER NOT NULL, "
    "revoked_us INTEGER NOT NULL);"
    "CREATE TABLE IF NOT EXISTS audit(id INTEGER PRIMARY KEY AUTOINCREMENT, at_us INTEGER NOT "
    "NULL, by TEXT NOT NULL, action TEXT NOT NULL, target TEXT NOT NULL, source TEXT NOT NULL, "
    "detail TEXT NOT NULL);"
    "CREATE TRIGGER IF NOT EXISTS audit_stays BEFORE UPDATE ON audit BEGIN SELECT RAISE(ABORT, "
    "'the audit log is only added to'); END;"
    "CREATE TRIGGER IF NOT EXISTS audit_is_kept BEFORE DELETE ON audit WHEN old.id > (SELECT "
    "max(id) - 100000 FROM audit) BEGIN SELECT RAISE(ABORT, 'the audit log is only added to'); "
    "END;";

_Static_assert(AURA_DASH_AUDIT_MAX == 100000, "the trigger says so too");

#define KEY_COLUMNS                                                                                \
    "key, project, by, secret, old, created_us, rotated_us, old_until_us, revoked_us"

static const char *const statements[ST_STATEMENTS] = {
    [ST_ADD] = "INSERT INTO operator VALUES(?1, ?2, ?3, ?4, 0)",
    [ST_ADD_FIRST] = "INSERT INTO operator SELECT ?1, ?2, ?3, ?4, 0 WHERE NOT EXISTS (SELECT 1 "
                     "FROM operator)",
    [ST_GET] = "SELECT name, role, hash, created_us, seen_us FROM operator WHERE name = ?1",
    [ST_SET_ROLE] = "UPDATE operator SET role = ?2 WHERE name = ?1",
    [ST_SET_HASH] = "UPDATE operator SET hash = ?2 WHERE name = ?1",
    [ST_REMOVE] = "DELETE FROM operator WHERE name = ?1",
    [ST_SEEN] = "UPDATE operator SET seen_us = ?2 WHERE name = ?1",
    [ST_LIST] = "SELECT name, role, hash, created_us, seen_us FROM operator ORDER BY name",
    [ST_COUNT] = "SELECT count(*) FROM operator",
    [ST_ADMINS] = "SELECT count(*) FROM operator WHERE role = 1 AND name <> ?1",
    [ST_SETUP_SET] = "INSERT INTO setup VALUES(1, ?1, ?2) ON CONFLICT(one) DO UPDATE SET hash = "
                     "?1, until_us = ?2",
    [ST_SETUP_GET] = "SELECT hash, until_us FROM setup",
    [ST_SETUP_END] = "DELETE FROM setup",
    [ST_KEY_ADD] = "INSERT INTO api_key(" KEY_COLUMNS ") VALUES(?1, ?2, ?3, ?4, '', ?5, 0, 0, 0)",
    [ST_KEY_GET] = "SELECT " KEY_COLUMNS " FROM api_key WHERE key = ?1",
    [ST_KEY_RENAME] = "UPDATE api_key SET project = ?2 WHERE key = ?1",
    [ST_KEY_ROTATE] = "UPDATE api_key SET old = secret, secret = ?2, rotated_us = ?3, old_until_us "
                      "= ?4 WHERE key = ?1 AND revoked_us = 0",
    [ST_KEY_REVOKE] = "UPDATE api_key SET secret = '', old = '', old_until_us = 0, revoked_us = ?2 "
                      "WHERE key = ?1 AND revoked_us = 0",
    [ST_KEY_LIST] = "SELECT " KEY_COLUMNS " FROM api_key WHERE seq > coalesce((SELECT seq FROM "
                    "api_key WHERE key = ?1), 0) ORDER BY seq LIMIT ?2",
    [ST_KEY_COUNT] = "SELECT count(*) FROM api_key",
    [ST_KEY_TRIM] = "DELETE FROM api_key WHERE seq = (SELECT min(seq) FROM api_key WHERE "
                    "revoked_us > 0)",
    [ST_AUDIT_ADD] = "INSERT INTO audit(at_us, by, action, target, source, detail) VALUES(?1, ?2, "
                     "?3, ?4, ?5, ?6)",
    [ST_AUDIT_TRIM] = "DELETE FROM audit WHERE id <= ?1",
    [ST_AUDIT_LIST] = "SELECT id, at_us, by, action, target, source, detail FROM audit WHERE id < "
                      "?1 AND (?2 IS NULL OR by = ?2) AND (?3 IS NULL OR action = ?3) ORDER BY id "
                      "DESC LIMIT ?4",
};

const char *aura_dash_role_name(enum aura_dash_role role) {
    return role == AURA_DASH_ADMIN ? "admin" : "viewer";
}

bool aura_dash_role_of(const char *text, enum aura_dash_role *out) {
    *out = strcmp(text, "admin") == 0 ? AURA_DASH_ADMIN : AURA_DASH_VIEWER;
    return *out == AURA_DASH_ADMIN || strcmp(text, "viewer") == 0;
}

bool aura_dash_is_name(const char *text) {
    static const char begins[] = "abcdefghijklmnopqrstuvwxyz0123456789";
    static const char goes_on[] = "abcdefghijklmnopqrstuvwxyz0123456789._@-";
    size_t n = strlen(text);
    return n && n <= AURA_DASH_NAME_MAX && strchr(begins, text[0]) && strspn(text, goes_on) == n;
}

int aura_dash_store_open(struct aura_dash_store **sp, const struct aura_dash_store_conf *conf,
                         struct aura_buf *why) {
    const struct aura_sql_conf sql = {.path = conf->path,
                                      .topic = "dashboard",
                                      .schema = schema,
                                      .text = statements,
                                      .count = ST_STATEMENTS,
                                      .durable = true,
                                      .shared = conf->shared};
    struct aura_dash_store *s = aura_zalloc(sizeof(*s));
    if (!s) {
        return AURA_ENOMEM;
    }
    s->conf = *conf;
    int err = aura_sql_open(&s->sql, &sql, why);
    if (err) {
        aura_free(s);
        return err;
    }
    *sp = s;
    return 0;
}

struct aura_dash_store *aura_dash_store_close(struct aura_dash_store *s) {
    if (s) {
        aura_sql_close(s->sql);
        aura_free(s);
    }
    return NULL;
}

/* ---- operators ---- */

static int add(struct aura_dash_store *s, size_t which, const char *name, enum aura_dash_role role,
               const char *hash) {
    aura_sql_begin(s->sql, which);
    aura_sql_text(s->sql, which, 1, name);
    aura_sql_int(s->sql, which, 2, role);
    aura_sql_text(s->sql, which, 3, hash);
    aura_sql_int(s->sql, which, 4, (int64_t)aura_wall_us(s->conf.clock));
    return aura_sql_run(s->sql, which);
}

int aura_dash_operator_add(struct aura_dash_store *s, const char *name, enum aura_dash_role role,
                           const char *hash) {
    uint64_t count;
    if (!aura_dash_is_name(name)) {
        return AURA_EINVAL;
    }
    int err = aura_dash_operator_count(s, &count);
    err = err ? err : count >= AURA_DASH_OPERATORS_MAX ? AURA_ELIMIT : 0;
    return err ? err : add(s, ST_ADD, name, role, hash);
}

int aura_dash_operator_first(struct aura_dash_store *s, const char *name, const char *hash) {
    if (!aura_dash_is_name(name)) {
        return AURA_EINVAL;
    }
    int err = add(s, ST_ADD_FIRST, name, AURA_DASH_ADMIN, hash);
    return err ? err : aura_sql_changes(s->sql) ? 0 : AURA_ESTATE;
}

static void read_operator(struct aura_dash_store *s, size_t which, struct aura_dash_operator *out) {
    (void)snprintf(out->name, sizeof(out->name), "%s", aura_sql_get_text(s->sql, which, 0));
    out->role = aura_sql_get_int(s->sql, which, 1) ? AURA_DASH_ADMIN : AURA_DASH_VIEWER;
    (void)snprintf(out->hash, sizeof(out->hash), "%s", aura_sql_get_text(s->sql, which, 2));
    out->created_us = (uint64_t)aura_sql_get_int(s->sql, which, 3);
    out->seen_us = (uint64_t)aura_sql_get_int(s->sql, which, 4);
}

int aura_dash_operator_get(struct aura_dash_store *s, const char *name,
                           struct aura_dash_operator *out) {
    aura_sql_begin(s->sql, ST_GET);
    aura_sql_text(s->sql, ST_GET, 1, name);
    int err = aura_sql_row(s->sql, ST_GET);
    if (!err) {
        read_operator(s, ST_GET, out);
        aura_sql_end(s->sql, ST_GET);
    }
    return err;
}

/* Is another admin there? @return 0, AURA_ESTATE, AURA_EIO */
static int check_admins(struct aura_dash_store *s, const char *but) {
    aura_sql_begin(s->sql, ST_ADMINS);
    aura_sql_text(s->sql, ST_ADMINS, 1, but);
    int err = aura_sql_row(s->sql, ST_ADMINS);
    if (!err) {
        err = aura_sql_get_int(s->sql, ST_ADMINS, 0) ? 0 : AURA_ESTATE;
        aura_sql_end(s->sql, ST_ADMINS);
    }
    return err;
}

static int set_role(struct aura_dash_store *s, const char *name, enum aura_dash_role role) {
    aura_sql_begin(s->sql, ST_SET_ROLE);
    aura_sql_text(s->sql, ST_SET_ROLE, 1, name);
    aura_sql_int(s->sql, ST_SET_ROLE, 2, role);
    return aura_sql_run(s->sql, ST_SET_ROLE);
}

static int set_hash(struct aura_dash_store *s, const char *name, const char *hash) {
    aura_sql_begin(s->sql, ST_SET_HASH);
    aura_sql_text(s->sql, ST_SET_HASH, 1, name);
    aura_sql_text(s->sql, ST_SET_HASH, 2, hash);
    return aura_sql_run(s->sql, ST_SET_HASH);
}

static int remove_one(struct aura_dash_store *s, const char *name) {
    aura_sql_begin(s->sql, ST_REMOVE);
    aura_sql_text(s->sql, ST_REMOVE, 1, name);
    return aura_sql_run(s->sql, ST_REMOVE);
}

/* Another process may write meanwhile, so what is checked and what follows from it are one. */
static int change(struct aura_dash_store *s, const char *name, const enum aura_dash_role *role,
                  const char *hash, bool gone) {
    struct aura_dash_operator o;
    int err = aura_sql_transaction(s->sql);
    if (err) {
        return err;
    }
    err = aura_dash_operator_get(s, name, &o);
    bool demoted = gone || (role && *role != AURA_DASH_ADMIN);
    if (!err && o.role == AURA_DASH_ADMIN && demoted) {
        err = check_admins(s, name);
    }
    err = err || !role ? err : set_role(s, name, *role);
    err = err || !hash ? err : set_hash(s, name, hash);
    err = err || !gone ? err : remove_one(s, name);
    aura_wipe(&o, sizeof(o));
    if (err) {
        aura_sql_rollback(s->sql);
        return err;
    }
    return aura_sql_commit(s->sql);
}

int aura_dash_operator_change(struct aura_dash_store *s, const char *name,
                              const enum aura_dash_role *role, const char *hash) {
    return change(s, name, role, hash, false);
}

int aura_dash_operator_remove(struct aura_dash_store *s, const char *name) {
    return change(s, name, NULL, NULL, true);
}

void aura_dash_operator_seen(struct aura_dash_store *s, const char *name) {
    aura_sql_begin(s->sql, ST_SEEN);
    aura_sql_text(s->sql, ST_SEEN, 1, name);
    aura_sql_int(s->sql, ST_SEEN, 2, (int64_t)aura_wall_us(s->conf.clock));
    (void)!aura_sql_run(s->sql, ST_SEEN); /* it has logged why not; people sign in all the same */
}

int aura_dash_operators(struct aura_dash_store *s,
                        void (*fn)(void *arg, const struct aura_dash_operator *o), void *arg) {
    struct aura_dash_operator o;
    int err;
    aura_sql_begin(s->sql, ST_LIST);
    while ((err = aura_sql_row(s->sql, ST_LIST)) == 0) {
        read_operator(s, ST_LIST, &o);
        aura_wipe(o.hash, sizeof(o.hash));
        fn(arg, &o);
    }
    return err == AURA_ENOENT ? 0 : err;
}

int aura_dash_operator_count(struct aura_dash_store *s, uint64_t *out) {
    aura_sql_begin(s->sql, ST_COUNT);
    int err = aura_sql_row(s->sql, ST_COUNT);
    if (!err) {
        *out = (uint64_t)aura_sql_get_int(s->sql, ST_COUNT, 0);
        aura_sql_end(s->sql, ST_COUNT);
    }
    return err;
}

/* ---- the set-up link ---- */

static void hash_of(const char *token, uint8_t out[SHA256_DIGEST_LENGTH]) {
    SHA256((const unsigned char *)token, strlen(token), out);
}

int aura_dash_setup_new(struct aura_dash_store *s, char token[AURA_DASH_SETUP_LEN + 1]) {
    uint8_t hash[SHA256_DIGEST_LENGTH];
    uint64_t count;
    int err = aura_dash_operator_count(s, &count);
    if (err || count) {
        return err ? err : AURA_ESTATE;
    }
    aura_rand_text(s->conf.rand, token, AURA_DASH_SETUP_LEN);
    hash_of(token, hash);
    aura_sql_begin(s->sql, ST_SETUP_SET);
    aura_sql_blob(s->sql, ST_SETUP_SET, 1, hash, sizeof(hash));
    aura_sql_int(s->sql, ST_SETUP_SET, 2,
                 (int64_t)(aura_wall_us(s->conf.clock) + AURA_DASH_SETUP_TTL_S * AURA_US_PER_S));
    return aura_sql_run(s->sql, ST_SETUP_SET);
}

int aura_dash_setup_check(struct aura_dash_store *s, const char *token) {
    uint8_t hash[SHA256_DIGEST_LENGTH];
    size_t len;
    hash_of(token, hash);
    aura_sql_begin(s->sql, ST_SETUP_GET);
    int err = aura_sql_row(s->sql, ST_SETUP_GET);
    if (!err) {
        const uint8_t *want = aura_sql_get_blob(s->sql, ST_SETUP_GET, 0, &len);
        uint64_t until_us = (uint64_t)aura_sql_get_int(s->sql, ST_SETUP_GET, 1);
        bool fits = len == sizeof(hash) && aura_secret_equal(want, hash, len) &&
                    aura_wall_us(s->conf.clock) < until_us;
        err = fits ? 0 : AURA_EAUTH;
        aura_sql_end(s->sql, ST_SETUP_GET);
    }
    return err == AURA_ENOENT ? AURA_EAUTH : err;
}

void aura_dash_setup_end(struct aura_dash_store *s) {
    aura_sql_begin(s->sql, ST_SETUP_END);
    (void)!aura_sql_run(s->sql, ST_SETUP_END); /* with an operator there it opens nothing */
}
