/* SPDX-License-Identifier: Apache-2.0 */
#include "auraid/account.h"

#include "auraid/directory_priv.h"

#include <stdio.h>
#include <string.h>

const char aura_account_provider[] = "local";

static bool is_handle(const char *handle) {
    size_t n = strspn(handle, "0123456789abcdef");
    return n == AURA_ACCOUNT_HANDLE_BYTES - 1 && !handle[n];
}

static bool is_hash(const char *hash) {
    return strnlen(hash, AURA_ACCOUNT_HASH_BYTES) < AURA_ACCOUNT_HASH_BYTES;
}

static bool is_name(const char *name) {
    return strnlen(name, AURA_PASSKEY_NAME_BYTES_MAX + 1) <= AURA_PASSKEY_NAME_BYTES_MAX;
}

static bool is_passkey(const struct aura_passkey *p) {
    return p->id_len && p->id_len <= AURA_PASSKEY_ID_BYTES_MAX && p->key_len &&
           p->key_len <= AURA_PASSKEY_KEY_BYTES_MAX && *p->rp &&
           strnlen(p->rp, AURA_PASSKEY_RP_BYTES_MAX + 1) <= AURA_PASSKEY_RP_BYTES_MAX &&
           (!p->name || is_name(p->name));
}

static int64_t now_us(const struct aura_directory *d) {
    return (int64_t)aura_wall_us(d->conf.clock);
}

/* ---- accounts ---- */

static int add_account(struct aura_directory *d, const struct aura_account_new *a) {
    aura_sql_begin(d->sql, ST_ACCOUNT_ADD);
    aura_sql_text(d->sql, ST_ACCOUNT_ADD, 1, a->handle);
    aura_sql_text(d->sql, ST_ACCOUNT_ADD, 2, a->password ? a->password : "");
    aura_sql_int(d->sql, ST_ACCOUNT_ADD, 3, now_us(d));
    return aura_sql_run(d->sql, ST_ACCOUNT_ADD);
}

static int name_passkey(struct aura_directory *d, const char *handle, const uint8_t *id, size_t len,
                        const char *name) {
    aura_sql_begin(d->sql, ST_PASSKEY_NAME);
    aura_sql_blob(d->sql, ST_PASSKEY_NAME, 1, id, len);
    aura_sql_text(d->sql, ST_PASSKEY_NAME, 2, handle);
    aura_sql_text(d->sql, ST_PASSKEY_NAME, 3, name);
    int err = aura_sql_run(d->sql, ST_PASSKEY_NAME);
    return err ? err : aura_sql_changes(d->sql) == 0 ? AURA_ENOENT : 0;
}

static int add_passkey(struct aura_directory *d, const char *handle, const struct aura_passkey *p) {
    aura_sql_begin(d->sql, ST_PASSKEY_ADD);
    aura_sql_blob(d->sql, ST_PASSKEY_ADD, 1, p->id, p->id_len);
    aura_sql_text(d->sql, ST_PASSKEY_ADD, 2, handle);
    aura_sql_text(d->sql, ST_PASSKEY_ADD, 3, p->rp);
    aura_sql_int(d->sql, ST_PASSKEY_ADD, 4, p->alg);
    aura_sql_blob(d->sql, ST_PASSKEY_ADD, 5, p->key, p->key_len);
    aura_sql_int(d->sql, ST_PASSKEY_ADD, 6, p->count);
    aura_sql_int(d->sql, ST_PASSKEY_ADD, 7, now_us(d));
    int err = aura_sql_run(d->sql, ST_PASSKEY_ADD);
    return err || !p->name || !*p->name ? err : name_passkey(d, handle, p->id, p->id_len, p->name);
}

int aura_account_create(struct aura_directory *d, const struct aura_account_new *a) {
    const struct aura_proof proof = {aura_account_provider, a->handle};
    if (!is_handle(a->handle) || (a->password && !is_hash(a->password)) ||
        (a->passkey && !is_passkey(a->passkey)) || (!a->password && !a->passkey) ||
        strnlen(a->display, AURA_DIRECTORY_TEXT_MAX + 1) > AURA_DIRECTORY_TEXT_MAX) {
        return AURA_EINVAL;
    }
    if (d->count >= d->conf.max_identities) {
        return AURA_ELIMIT;
    }
    int err = aura_sql_transaction(d->sql);
    if (err) {
        return err;
    }
    err = aura__directory_add_named(d, &a->id, a->display, AURA_ID_USER);
    err = err ? err : aura__directory_add_proof(d, &a->id, &proof);
    err = err ? err : add_account(d, a);
    err = err || !a->passkey ? err : add_passkey(d, a->handle, a->passkey);
    if (err) {
        aura_sql_rollback(d->sql);
        return err;
    }
    err = aura_sql_commit(d->sql);
    d->count += !err;
    return err;
}

static int take(struct aura_directory *d, size_t which, struct aura_account *out) {
    int err = aura_sql_row(d->sql, which);
    if (err) {
        return err;
    }
    *out = (struct aura_account){.failures = (unsigned)aura_sql_get_int(d->sql, which, 3),
                                 .tried_us = (uint64_t)aura_sql_get_int(d->sql, which, 4),
                                 .created_us = (uint64_t)aura_sql_get_int(d->sql, which, 5)};
    (void)snprintf(out->id.name, sizeof(out->id.name), "%s", aura_sql_get_text(d->sql, which, 0));
    (void)snprintf(out->handle, sizeof(out->handle), "%s", aura_sql_get_text(d->sql, which, 1));
    (void)snprintf(out->password, sizeof(out->password), "%s", aura_sql_get_text(d->sql, which, 2));
    aura_sql_end(d->sql, which);
    return 0;
}

int aura_account_by_name(struct aura_directory *d, const struct aura_id *id,
                         struct aura_account *out) {
    aura_sql_begin(d->sql, ST_ACCOUNT_BY_NAME);
    aura_sql_text(d->sql, ST_ACCOUNT_BY_NAME, 1, id->name);
    return take(d, ST_ACCOUNT_BY_NAME, out);
}

int aura_account_by_handle(struct aura_directory *d, const char *handle, struct aura_account *out) {
    aura_sql_begin(d->sql, ST_ACCOUNT_BY_HANDLE);
    aura_sql_text(d->sql, ST_ACCOUNT_BY_HANDLE, 1, handle);
    return take(d, ST_ACCOUNT_BY_HANDLE, out);
}

int aura_account_set_password(struct aura_directory *d, const char *handle, const char *hash) {
    if (!is_hash(hash)) {
        return AURA_EINVAL;
    }
    aura_sql_begin(d->sql, ST_ACCOUNT_PASSWORD);
    aura_sql_text(d->sql, ST_ACCOUNT_PASSWORD, 1, handle);
    aura_sql_text(d->sql, ST_ACCOUNT_PASSWORD, 2, hash);
    int err = aura_sql_run(d->sql, ST_ACCOUNT_PASSWORD);
    return err ? err : aura_sql_changes(d->sql) == 0 ? AURA_ENOENT : 0;
}

int aura_account_tried(struct aura_directory *d, const char *handle, bool right) {
    aura_sql_begin(d->sql, ST_ACCOUNT_TRIED);
    aura_sql_text(d->sql, ST_ACCOUNT_TRIED, 1, handle);
    aura_sql_int(d->sql, ST_ACCOUNT_TRIED, 2, right);
    aura_sql_int(d->sql, ST_ACCOUNT_TRIED, 3, now_us(d));
    return aura_sql_run(d->sql, ST_ACCOUNT_TRIED);
}

/* ---- passkeys ---- */

static int count_passkeys(struct aura_directory *d, const char *handle, int64_t *count) {
    aura_sql_begin(d->sql, ST_PASSKEY_COUNT);
    aura_sql_text(d->sql, ST_PASSKEY_COUNT, 1, handle);
    int err = aura_sql_row(d->sql, ST_PASSKEY_COUNT);
    *count = err ? 0 : aura_sql_get_int(d->sql, ST_PASSKEY_COUNT, 0);
    aura_sql_end(d->sql, ST_PASSKEY_COUNT);
    return err;
}

int aura_passkey_add(struct aura_directory *d, const char *handle, const struct aura_passkey *p) {
    struct aura_account there;
    int64_t count;
    if (!is_passkey(p)) {
        return AURA_EINVAL;
    }
    int err = aura_account_by_handle(d, handle, &there);
    err = err ? err : count_passkeys(d, handle, &count);
    if (err || count >= AURA_ACCOUNT_PASSKEYS_MAX) {
        return err ? err : AURA_ELIMIT;
    }
    err = aura_sql_transaction(d->sql);
    if (err) {
        return err;
    }
    err = add_passkey(d, handle, p);
    if (err) {
        aura_sql_rollback(d->sql);
        return err;
    }
    return aura_sql_commit(d->sql);
}

int aura_passkey_rename(struct aura_directory *d, const char *handle, const uint8_t *id, size_t len,
                        const char *name) {
    return is_name(name) ? name_passkey(d, handle, id, len, name) : AURA_EINVAL;
}

int aura_passkey_drop(struct aura_directory *d, const char *handle, const uint8_t *id, size_t len) {
    struct aura_account a;
    struct aura_passkey p;
    char owner[AURA_ACCOUNT_HANDLE_BYTES];
    int64_t count;
    int err = aura_passkey_find(d, id, len, &p, owner);
    aura_sql_end(d->sql, ST_PASSKEY_FIND);
    err = err ? err : strcmp(owner, handle) != 0 ? AURA_ENOENT : 0;
    err = err ? err : aura_account_by_handle(d, handle, &a);
    err = err ? err : count_passkeys(d, handle, &count);
    if (err || (count <= 1 && !a.password[0])) {
        return err ? err : AURA_ESTATE;
    }
    aura_sql_begin(d->sql, ST_PASSKEY_DROP);
    aura_sql_blob(d->sql, ST_PASSKEY_DROP, 1, id, len);
    aura_sql_text(d->sql, ST_PASSKEY_DROP, 2, handle);
    return aura_sql_run(d->sql, ST_PASSKEY_DROP);
}

static void read_passkey(struct aura_directory *d, size_t which, struct aura_passkey *out) {
    *out = (struct aura_passkey){.rp = aura_sql_get_text(d->sql, which, 1),
                                 .alg = (int)aura_sql_get_int(d->sql, which, 2),
                                 .count = (uint32_t)aura_sql_get_int(d->sql, which, 4),
                                 .created_us = (uint64_t)aura_sql_get_int(d->sql, which, 5),
                                 .used_us = (uint64_t)aura_sql_get_int(d->sql, which, 6),
                                 .name = aura_sql_get_text(d->sql, which, 7)};
    out->id = aura_sql_get_blob(d->sql, which, 0, &out->id_len);
    out->key = aura_sql_get_blob(d->sql, which, 3, &out->key_len);
}

int aura_passkey_find(struct aura_directory *d, const uint8_t *id, size_t len,
                      struct aura_passkey *out, char handle[AURA_ACCOUNT_HANDLE_BYTES]) {
    aura_sql_begin(d->sql, ST_PASSKEY_FIND);
    aura_sql_blob(d->sql, ST_PASSKEY_FIND, 1, id, len);
    int err = aura_sql_row(d->sql, ST_PASSKEY_FIND);
    if (!err) {
        read_passkey(d, ST_PASSKEY_FIND, out);
        (void)snprintf(handle, AURA_ACCOUNT_HANDLE_BYTES, "%s",
                       aura_sql_get_text(d->sql, ST_PASSKEY_FIND, 8));
    }
    return err;
}

int aura_passkey_used(struct aura_directory *d, const uint8_t *id, size_t len, uint32_t count) {
    aura_sql_end(d->sql, ST_PASSKEY_FIND); /* a row that is lent holds a read transaction */
    aura_sql_begin(d->sql, ST_PASSKEY_USED);
    aura_sql_blob(d->sql, ST_PASSKEY_USED, 1, id, len);
    aura_sql_int(d->sql, ST_PASSKEY_USED, 2, count);
    aura_sql_int(d->sql, ST_PASSKEY_USED, 3, now_us(d));
    return aura_sql_run(d->sql, ST_PASSKEY_USED);
}

int aura_passkeys(struct aura_directory *d, const char *handle,
                  void (*fn)(void *arg, const struct aura_passkey *passkey), void *arg) {
    int err;
    aura_sql_begin(d->sql, ST_PASSKEYS);
    aura_sql_text(d->sql, ST_PASSKEYS, 1, handle);
    while ((err = aura_sql_row(d->sql, ST_PASSKEYS)) == 0) {
        struct aura_passkey p;
        read_passkey(d, ST_PASSKEYS, &p);
        fn(arg, &p);
    }
    return err == AURA_ENOENT ? 0 : err;
}
