/* SPDX-License-Identifier: Apache-2.0 */
#include "api/dash_store.h"
#include "base/sql.h"
#include "harness.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static struct aura_clock_manual now;
static struct aura_rand_seeded random_;

static int open_at(struct aura_dash_store **sp, const char *path, bool shared) {
    struct aura_buf why = AURA_BUF(512);
    const struct aura_dash_store_conf conf = {
        .path = path, .shared = shared, .clock = &now.clock, .rand = &random_.rand};
    int err = aura_dash_store_open(sp, &conf, &why);
    aura_buf_free(&why);
    return err;
}

static int fresh(struct aura_dash_store **sp) {
    aura_clock_manual_init(&now, AURA_US_PER_S, 1000 * AURA_US_PER_S);
    aura_rand_seeded_init(&random_, 3);
    return open_at(sp, ":memory:", false);
}

static void count(void *arg, const struct aura_dash_operator *o) {
    (void)o;
    ++*(size_t *)arg;
}

static int operators(void) {
    struct aura_dash_store *s = NULL;
    struct aura_dash_operator o;
    enum aura_dash_role viewer = AURA_DASH_VIEWER, admin = AURA_DASH_ADMIN;
    size_t n = 0;
    int err;
    TRY(fresh(&s));
    TRY_OUT(aura_dash_operator_first(s, "ann", "hash of ann"));
    assert_int_equal(aura_dash_operator_first(s, "eve", "hash"), AURA_ESTATE);
    TRY_OUT(aura_dash_operator_get(s, "ann", &o));
    assert_int_equal(o.role, AURA_DASH_ADMIN);
    assert_string_equal(o.hash, "hash of ann");
    assert_int_equal(o.seen_us, 0);
    /* Somebody has to be left who may do something. */
    assert_int_equal(aura_dash_operator_change(s, "ann", &viewer, NULL), AURA_ESTATE);
    assert_int_equal(aura_dash_operator_remove(s, "ann"), AURA_ESTATE);
    TRY_OUT(aura_dash_operator_add(s, "bob", AURA_DASH_VIEWER, "hash of bob"));
    assert_int_equal(aura_dash_operator_add(s, "bob", AURA_DASH_ADMIN, "x"), AURA_EEXISTS);
    assert_int_equal(aura_dash_operator_remove(s, "ann"), AURA_ESTATE);
    TRY_OUT(aura_dash_operator_change(s, "bob", &admin, "new"));
    TRY_OUT(aura_dash_operator_remove(s, "ann"));
    assert_int_equal(aura_dash_operator_get(s, "ann", &o), AURA_ENOENT);
    assert_int_equal(aura_dash_operator_change(s, "ann", NULL, "x"), AURA_ENOENT);
    aura_dash_operator_seen(s, "bob");
    TRY_OUT(aura_dash_operator_get(s, "bob", &o));
    assert_string_equal(o.hash, "new");
    assert_int_equal(o.seen_us, 1000 * AURA_US_PER_S);
    for (int i = 1; i < AURA_DASH_OPERATORS_MAX; i++) {
        char name[16];
        (void)snprintf(name, sizeof(name), "p%d", i);
        TRY_OUT(aura_dash_operator_add(s, name, AURA_DASH_VIEWER, "x"));
    }
    assert_int_equal(aura_dash_operator_add(s, "more", AURA_DASH_VIEWER, "x"), AURA_ELIMIT);
    TRY_OUT(aura_dash_operators(s, count, &n));
    assert_int_equal(n, AURA_DASH_OPERATORS_MAX);
out:
    aura_dash_store_close(s);
    return err;
}

static int names(void) {
    static const char *const good[] = {"a", "ann", "ann.b@example.org", "0-x_y"};
    static const char *const bad[] = {"", "Ann", "a b", "-a", ".a", "a/b", "\xc3\xa4", "a\n"};
    char longest[66];
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        assert_true(aura_dash_is_name(good[i]));
    }
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_false(aura_dash_is_name(bad[i]));
    }
    memset(longest, 'a', sizeof(longest));
    longest[64] = 0;
    assert_false(aura_dash_is_name(longest));
    longest[63] = 0;
    assert_true(aura_dash_is_name(longest));
    return 0;
}

static int setup(void) {
    struct aura_dash_store *s = NULL;
    char first[AURA_DASH_SETUP_LEN + 1], token[AURA_DASH_SETUP_LEN + 1];
    int err;
    TRY(fresh(&s));
    assert_int_equal(aura_dash_setup_check(s, ""), AURA_EAUTH);
    TRY_OUT(aura_dash_setup_new(s, first));
    TRY_OUT(aura_dash_setup_check(s, first));
    TRY_OUT(aura_dash_setup_new(s, token));
    assert_int_equal(aura_dash_setup_check(s, first), AURA_EAUTH);
    TRY_OUT(aura_dash_setup_check(s, token));
    aura_clock_manual_advance(&now, AURA_DASH_SETUP_TTL_S * AURA_US_PER_S - 1);
    TRY_OUT(aura_dash_setup_check(s, token));
    aura_clock_manual_advance(&now, 1);
    assert_int_equal(aura_dash_setup_check(s, token), AURA_EAUTH);
    TRY_OUT(aura_dash_setup_new(s, token));
    TRY_OUT(aura_dash_operator_first(s, "ann", "x"));
    aura_dash_setup_end(s);
    assert_int_equal(aura_dash_setup_check(s, token), AURA_EAUTH);
    assert_int_equal(aura_dash_setup_new(s, token), AURA_ESTATE);
out:
    aura_dash_store_close(s);
    return err;
}

static void count_key(void *arg, const struct aura_dash_key *k) {
    struct aura_dash_key *last = arg;
    *last = *k;
}

static int keys(void) {
    struct aura_dash_store *s = NULL;
    struct aura_dash_key a, b, c, last = {.key = ""};
    int err;
    TRY(fresh(&s));
    TRY_OUT(aura_dash_key_make(s, "shop", "ann", &a));
    TRY_OUT(aura_dash_key_make(s, "shop", "ann", &b));
    assert_int_equal(strncmp(a.key, "API", 3), 0);
    assert_int_equal(strlen(a.key), AURA_DASH_KEY_LEN);
    assert_int_equal(strlen(a.secret), AURA_DASH_SECRET_LEN);
    assert_string_not_equal(a.key, b.key);
    assert_string_not_equal(a.secret, b.secret);
    TRY_OUT(aura_dash_key_rotate(s, a.key, 60 * AURA_US_PER_S, &c));
    assert_string_equal(c.old, a.secret);
    assert_string_not_equal(c.secret, a.secret);
    assert_int_equal(c.old_until_us, 1060 * AURA_US_PER_S);
    TRY_OUT(aura_dash_key_rename(s, a.key, "store"));
    assert_int_equal(aura_dash_key_rename(s, a.key, ""), AURA_EINVAL);
    assert_int_equal(aura_dash_key_rename(s, "none", "x"), AURA_ENOENT);
    TRY_OUT(aura_dash_key_revoke(s, a.key, &c));
    assert_string_equal(c.project, "store");
    assert_string_equal(c.secret, "");
    assert_string_equal(c.old, "");
    assert_int_equal(c.revoked_us, 1000 * AURA_US_PER_S);
    assert_int_equal(aura_dash_key_revoke(s, a.key, &c), AURA_ESTATE);
    assert_int_equal(aura_dash_key_rotate(s, a.key, 0, &c), AURA_ESTATE);
    assert_int_equal(aura_dash_key_rotate(s, "none", 0, &c), AURA_ENOENT);
    TRY_OUT(aura_dash_keys(s, NULL, 1, count_key, &last));
    assert_string_equal(last.key, a.key);
    TRY_OUT(aura_dash_keys(s, a.key, 10, count_key, &last));
    assert_string_equal(last.key, b.key);
    /* Full: a revoked one makes room, then nothing does. */
    for (int i = 2; i < AURA_DASH_KEYS_MAX; i++) {
        TRY_OUT(aura_dash_key_make(s, "p", "ann", &c));
    }
    TRY_OUT(aura_dash_key_make(s, "p", "ann", &c));
    assert_int_equal(aura_dash_key_get(s, a.key, &c), AURA_ENOENT);
    assert_int_equal(aura_dash_key_make(s, "p", "ann", &c), AURA_ELIMIT);
out:
    aura_dash_store_close(s);
    return err;
}

struct seen {
    size_t n;
    uint64_t first, last;
    char target[AURA_DASH_AUDIT_TEXT_MAX + 8];
};

static void on_entry(void *arg, const struct aura_dash_entry *e) {
    struct seen *seen = arg;
    seen->first = seen->n++ ? seen->first : e->id;
    seen->last = e->id;
    (void)snprintf(seen->target, sizeof(seen->target), "%s", e->target);
}

static int audit(void) {
    struct aura_dash_store *s = NULL;
    struct seen all = {0}, some = {0}, page = {0};
    char text[600];
    int err;
    TRY(fresh(&s));
    memset(text, 'x', sizeof(text));
    memcpy(text + AURA_DASH_AUDIT_TEXT_MAX - 1, "\xc3\xa4", 3); /* cut in its middle */
    for (int i = 0; i < 5; i++) {
        struct aura_dash_entry e = {.by = i % 2 ? "ann" : "bob",
                                    .action = "key.create",
                                    .target = i ? "k" : text,
                                    .from = "::1",
                                    .detail = ""};
        TRY_OUT(aura_dash_audit_add(s, &e));
        assert_int_equal(e.id, i + 1);
    }
    TRY_OUT(aura_dash_audit(s, 0, NULL, NULL, 10, on_entry, &all));
    assert_int_equal(all.n, 5);
    assert_int_equal(all.first, 5);
    assert_int_equal(strlen(all.target), AURA_DASH_AUDIT_TEXT_MAX - 1);
    TRY_OUT(aura_dash_audit(s, 0, "ann", NULL, 10, on_entry, &some));
    assert_int_equal(some.n, 2);
    TRY_OUT(aura_dash_audit(s, 4, NULL, "key.create", 2, on_entry, &page));
    assert_int_equal(page.first, 3);
    assert_int_equal(page.last, 2);
    TRY_OUT(aura_dash_audit(s, 0, NULL, "x", 10, on_entry, &page));
    assert_int_equal(page.n, 2);
out:
    aura_dash_store_close(s);
    return err;
}

/* As a file: its owner's alone, one server's, and beside it the command line's. */
static int file(void) {
    struct aura_dash_store *server = NULL, *other = NULL, *cli = NULL;
    struct aura_dash_operator o;
    char folder[] = "/tmp/aura-dash-XXXXXX", path[64], lock[80];
    struct stat st;
    assert_non_null(mkdtemp(folder));
    (void)snprintf(path, sizeof(path), "%s/d.db", folder);
    aura_clock_manual_init(&now, AURA_US_PER_S, 1000 * AURA_US_PER_S);
    aura_rand_seeded_init(&random_, 3);
    TRY(open_at(&server, path, false));
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    assert_int_equal(open_at(&other, path, false), AURA_EEXISTS);
    TRY(open_at(&cli, path, true));
    TRY(aura_dash_operator_add(cli, "ann", AURA_DASH_ADMIN, "x"));
    TRY(aura_dash_operator_get(server, "ann", &o));
    assert_int_equal(o.role, AURA_DASH_ADMIN);
    aura_dash_store_close(cli);
    aura_dash_store_close(server);
    /* What is in the log stays as it is, whoever opens the file. */
    static const char *const text[] = {"UPDATE audit SET by = 'eve'", "DELETE FROM audit"};
    const struct aura_sql_conf conf = {
        .path = path, .topic = "t", .schema = "", .text = text, .count = 2, .shared = true};
    struct aura_buf why = AURA_BUF(512);
    struct aura_sql *sql = NULL;
    struct aura_dash_entry e = {.by = "ann", .action = "a", .target = "", .from = "", .detail = ""};
    TRY(open_at(&server, path, false));
    TRY(aura_dash_audit_add(server, &e));
    TRY(aura_sql_open(&sql, &conf, &why));
    assert_int_equal(aura_sql_run(sql, 0), AURA_EIO);
    assert_int_equal(aura_sql_run(sql, 1), AURA_EIO);
    aura_sql_close(sql);
    aura_dash_store_close(server);
    (void)snprintf(lock, sizeof(lock), "%s.lock", path);
    assert_int_equal(unlink(lock), 0);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(rmdir(folder), 0);
    return 0;
}

int main(void) {
    const struct CMUnitTest cases[] = {AURA_CASE(operators), AURA_PLAIN(names), AURA_CASE(setup),
                                       AURA_CASE(keys),      AURA_CASE(audit),  AURA_PLAIN(file)};
    return RUN_CASES("api/dash_store", cases);
}
