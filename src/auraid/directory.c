/* SPDX-License-Identifier: Apache-2.0 */
#include "auraid/directory.h"

#include "auraid/directory_priv.h"
#include "base/mem.h"

#include <stdio.h>
#include <string.h>

enum { TAG_TRIES = 8, TAG_DIGITS_FIRST = 4, TAG_DIGITS = 8 };

int aura_directory_open(struct aura_directory **dp, const struct aura_directory_conf *conf,
                        struct aura_buf *why) {
    const struct aura_sql_conf file = {.path = conf->path,
                                       .topic = "auraid",
                                       .schema = aura__directory_schema,
                                       .text = aura__directory_sql,
                                       .count = ST_TOTAL,
                                       .background = true};
    struct aura_directory *d = aura_zalloc(sizeof(*d));
    if (!d) {
        return AURA_ENOMEM;
    }
    d->conf = *conf;
    int err = aura_sql_open(&d->sql, &file, why);
    err = err ? err : aura__share_open(d);
    err = err ? err : aura_sql_row(d->sql, ST_COUNT_ALL);
    if (err) {
        aura_directory_close(d);
        return err;
    }
    d->count = (uint64_t)aura_sql_get_int(d->sql, ST_COUNT_ALL, 0);
    aura_sql_end(d->sql, ST_COUNT_ALL);
    *dp = d;
    return 0;
}

struct aura_directory *aura_directory_close(struct aura_directory *d) {
    if (d) {
        aura_share_free(d->apps);
        aura_sql_close(d->sql);
        aura_free(d);
    }
    return NULL;
}

uint64_t aura_directory_count(const struct aura_directory *d) {
    return d->count;
}

void aura_directory_set_share(struct aura_directory *d, uint64_t max_share) {
    d->conf.max_share = max_share;
}

/* ---- reading ---- */

static bool fits(const char *text) {
    return strnlen(text, AURA_DIRECTORY_TEXT_MAX + 1) <= AURA_DIRECTORY_TEXT_MAX;
}

static bool is_proof(const struct aura_proof *proof) {
    return *proof->provider && *proof->subject && fits(proof->provider) && fits(proof->subject);
}

/* The rows of both statements that read an identity are alike. */
static int take(struct aura_directory *d, size_t which, struct aura_identity *out) {
    int err = aura_sql_row(d->sql, which);
    if (err) {
        return err;
    }
    *out = (struct aura_identity){
        .kind = (enum aura_id_kind)aura_sql_get_int(d->sql, which, 1),
        .display = aura_sql_get_text(d->sql, which, 2),
        .home_region = aura_sql_get_text(d->sql, which, 3),
        .privacy = (enum aura_privacy)aura_sql_get_int(d->sql, which, 4),
        .aic_off = aura_sql_get_int(d->sql, which, 5) != 0,
        .created_us = (uint64_t)aura_sql_get_int(d->sql, which, 6),
    };
    (void)snprintf(out->id.name, sizeof(out->id.name), "%s", aura_sql_get_text(d->sql, which, 0));
    return 0;
}

/* Rows that are lent to our caller hold a read transaction: the next call ends it. */
static void end_reads(struct aura_directory *d) {
    aura_sql_end(d->sql, ST_BY_ID);
    aura_sql_end(d->sql, ST_BY_PROOF);
}

void aura_directory_hold(struct aura_directory *d) {
    aura_sql_hold(d->sql);
}

void aura_directory_release(struct aura_directory *d) {
    end_reads(d);
    aura_sql_release(d->sql);
}

int aura_directory_get(struct aura_directory *d, const struct aura_id *id,
                       struct aura_identity *out) {
    end_reads(d);
    aura_sql_begin(d->sql, ST_BY_ID);
    aura_sql_text(d->sql, ST_BY_ID, 1, id->name);
    return take(d, ST_BY_ID, out);
}

int aura_directory_find(struct aura_directory *d, const struct aura_proof *proof,
                        struct aura_identity *out) {
    end_reads(d);
    aura_sql_begin(d->sql, ST_BY_PROOF);
    aura_sql_text(d->sql, ST_BY_PROOF, 1, proof->provider);
    aura_sql_text(d->sql, ST_BY_PROOF, 2, proof->subject);
    return take(d, ST_BY_PROOF, out);
}

int aura_directory_known_by(struct aura_directory *d, const struct aura_id *id,
                            const char *provider) {
    aura_sql_begin(d->sql, ST_KNOWN_BY);
    aura_sql_text(d->sql, ST_KNOWN_BY, 1, id->name);
    aura_sql_text(d->sql, ST_KNOWN_BY, 2, provider);
    int err = aura_sql_row(d->sql, ST_KNOWN_BY);
    aura_sql_end(d->sql, ST_KNOWN_BY);
    return err;
}

int aura_directory_known(struct aura_directory *d, const char *provider, const char *after,
                         size_t limit, void (*fn)(void *arg, const struct aura_identity *who),
                         void *arg) {
    struct aura_identity who;
    int err;
    aura_sql_begin(d->sql, ST_KNOWN);
    aura_sql_text(d->sql, ST_KNOWN, 1, provider);
    aura_sql_text(d->sql, ST_KNOWN, 2, after);
    aura_sql_int(d->sql, ST_KNOWN, 3, (int64_t)limit);
    while ((err = take(d, ST_KNOWN, &who)) == 0) {
        fn(arg, &who);
    }
    return err == AURA_ENOENT ? 0 : err;
}

static int exists(struct aura_directory *d, const struct aura_id *id) {
    struct aura_identity there;
    int err = aura_directory_get(d, id, &there);
    end_reads(d);
    return err;
}

static int count_of(struct aura_directory *d, size_t which, const struct aura_id *id,
                    int64_t *out) {
    aura_sql_begin(d->sql, which);
    aura_sql_text(d->sql, which, 1, id->name);
    int err = aura_sql_row(d->sql, which);
    if (!err) {
        *out = aura_sql_get_int(d->sql, which, 0);
        aura_sql_end(d->sql, which);
    }
    return err;
}

/* ---- identities ---- */

int aura__directory_add_proof(struct aura_directory *d, const struct aura_id *id,
                              const struct aura_proof *proof) {
    aura_sql_begin(d->sql, ST_ADD_PROOF);
    aura_sql_text(d->sql, ST_ADD_PROOF, 1, proof->provider);
    aura_sql_text(d->sql, ST_ADD_PROOF, 2, proof->subject);
    aura_sql_text(d->sql, ST_ADD_PROOF, 3, id->name);
    int err = aura_sql_run(d->sql, ST_ADD_PROOF);
    if (!err) {
        aura__share_add(d, proof->provider);
    }
    return err;
}

int aura__directory_add_named(struct aura_directory *d, const struct aura_id *id,
                              const char *display, enum aura_id_kind kind) {
    aura_sql_begin(d->sql, ST_ADD);
    aura_sql_text(d->sql, ST_ADD, 1, id->name);
    aura_sql_int(d->sql, ST_ADD, 2, kind);
    aura_sql_text(d->sql, ST_ADD, 3, display);
    aura_sql_int(d->sql, ST_ADD, 4, (int64_t)aura_wall_us(d->conf.clock));
    return aura_sql_run(d->sql, ST_ADD);
}

/* The name that was asked for if it is free, else with a tag, a longer one after the first few. A
 * name made of nothing usable always gets one: nobody is to be "the" guest. */
static int add_identity(struct aura_directory *d, struct aura_id *id, const char *hint,
                        const char *display, enum aura_id_kind kind) {
    char tag[TAG_DIGITS + 1] = "";
    struct aura_id plain;
    aura_id_suggest(&plain, "", 0, "");
    int err = AURA_EEXISTS;
    for (int i = 0; i < TAG_TRIES && err == AURA_EEXISTS; i++) {
        aura_id_suggest(id, hint, strlen(hint), tag);
        bool nameless = strcmp(id->name, plain.name) == 0;
        err = nameless ? AURA_EEXISTS : aura__directory_add_named(d, id, display, kind);
        int digits = i < TAG_TRIES / 2 ? TAG_DIGITS_FIRST : TAG_DIGITS;
        (void)snprintf(tag, sizeof(tag), "%0*x", digits,
                       aura_rand_u32(d->conf.rand) >> (4 * (TAG_DIGITS - digits)));
    }
    return err == AURA_EEXISTS ? AURA_ELIMIT : err;
}

static int create(struct aura_directory *d, const struct aura_proof *proof, const char *hint,
                  const char *display, enum aura_id_kind kind) {
    struct aura_id id;
    if (d->count >= d->conf.max_identities || aura__share_fits(d, proof->provider)) {
        return AURA_ELIMIT;
    }
    int err = aura_sql_transaction(d->sql);
    if (err) {
        return err;
    }
    err = add_identity(d, &id, hint, display, kind);
    err = err ? err : aura__directory_add_proof(d, &id, proof);
    if (err) {
        aura_sql_rollback(d->sql);
        return err;
    }
    err = aura_sql_commit(d->sql);
    d->count += !err;
    if (err) {
        aura__share_drop(d, proof->provider);
    }
    return err;
}

int aura_directory_join(struct aura_directory *d, const struct aura_proof *proof, const char *hint,
                        const char *display, enum aura_id_kind kind, struct aura_identity *out,
                        bool *created) {
    *created = false;
    if (!is_proof(proof) || !fits(display)) {
        return AURA_EINVAL;
    }
    int err = aura_directory_find(d, proof, out);
    if (err != AURA_ENOENT) {
        return err;
    }
    struct aura_id reserved;
    if (*proof->subject == '@' &&
        aura_id_parse(&reserved, proof->subject, strlen(proof->subject)) == 0) {
        return AURA_EPOLICY;
    }
    err = create(d, proof, hint, display, kind);
    *created = !err;
    return err ? err : aura_directory_find(d, proof, out);
}

int aura_directory_update(struct aura_directory *d, const struct aura_identity *to) {
    if (!fits(to->display) || !fits(to->home_region) || to->privacy > AURA_PRIVACY_NOBODY) {
        return AURA_EINVAL;
    }
    aura_sql_begin(d->sql, ST_UPDATE);
    aura_sql_text(d->sql, ST_UPDATE, 1, to->id.name);
    aura_sql_text(d->sql, ST_UPDATE, 2, to->display);
    aura_sql_text(d->sql, ST_UPDATE, 3, to->home_region);
    aura_sql_int(d->sql, ST_UPDATE, 4, to->privacy);
    aura_sql_int(d->sql, ST_UPDATE, 5, to->aic_off);
    int err = aura_sql_run(d->sql, ST_UPDATE);
    end_reads(d); /* after it: the texts may have come out of a row */
    return err ? err : aura_sql_changes(d->sql) == 0 ? AURA_ENOENT : 0;
}

int aura_directory_link(struct aura_directory *d, const struct aura_id *id,
                        const struct aura_proof *proof) {
    struct aura_identity owner;
    int64_t count = 0;
    if (!is_proof(proof)) {
        return AURA_EINVAL;
    }
    int err = aura_directory_find(d, proof, &owner);
    if (err != AURA_ENOENT) {
        bool own = !err && strcmp(owner.id.name, id->name) == 0;
        end_reads(d);
        return err ? err : own ? 0 : AURA_EEXISTS;
    }
    err = exists(d, id);
    err = err ? err : count_of(d, ST_COUNT_PROOFS, id, &count);
    if (!err && count >= AURA_DIRECTORY_LINKS_MAX) {
        err = AURA_ELIMIT;
    }
    return err ? err : aura__directory_add_proof(d, id, proof);
}

int aura_directory_unlink(struct aura_directory *d, const struct aura_id *id,
                          const struct aura_proof *proof) {
    struct aura_identity owner;
    int64_t count = 0;
    int err = aura_directory_find(d, proof, &owner);
    if (!err && strcmp(owner.id.name, id->name) != 0) {
        err = AURA_ENOENT;
    }
    end_reads(d);
    err = err ? err : count_of(d, ST_COUNT_PROOFS, id, &count);
    if (!err && count < 2) {
        err = AURA_ESTATE;
    }
    if (err) {
        return err;
    }
    aura_sql_begin(d->sql, ST_REMOVE_PROOF);
    aura_sql_text(d->sql, ST_REMOVE_PROOF, 1, id->name);
    aura_sql_text(d->sql, ST_REMOVE_PROOF, 2, proof->provider);
    aura_sql_text(d->sql, ST_REMOVE_PROOF, 3, proof->subject);
    err = aura_sql_run(d->sql, ST_REMOVE_PROOF);
    if (!err) {
        aura__share_drop(d, proof->provider);
    }
    return err;
}

int aura_directory_links(struct aura_directory *d, const struct aura_id *id,
                         void (*fn)(void *arg, const struct aura_proof *proof), void *arg) {
    aura_sql_begin(d->sql, ST_PROOFS);
    aura_sql_text(d->sql, ST_PROOFS, 1, id->name);
    int err;
    while ((err = aura_sql_row(d->sql, ST_PROOFS)) == 0) {
        const struct aura_proof proof = {aura_sql_get_text(d->sql, ST_PROOFS, 0),
                                         aura_sql_get_text(d->sql, ST_PROOFS, 1)};
        fn(arg, &proof);
    }
    return err == AURA_ENOENT ? 0 : err;
}

static int run_of(struct aura_directory *d, size_t which, const struct aura_id *id) {
    aura_sql_begin(d->sql, which);
    aura_sql_text(d->sql, which, 1, id->name);
    return aura_sql_run(d->sql, which);
}

int aura_directory_delete(struct aura_directory *d, const struct aura_id *id) {
    int err = exists(d, id);
    err = err ? err : aura_sql_transaction(d->sql);
    if (err) {
        return err;
    }
    aura__share_drop_all(d, id);
    err = run_of(d, ST_STRANGERS, id);
    err = err ? err : run_of(d, ST_MISSED_OF, id);
    err = err ? err : run_of(d, ST_DELETE, id);
    if (err) {
        aura_sql_rollback(d->sql);
        return err;
    }
    err = aura_sql_commit(d->sql);
    d->count -= !err;
    return err;
}

/* ---- devices ---- */

int aura_directory_device(struct aura_directory *d, const struct aura_id *id, const char *app,
                          const char *device, const char *push) {
    if (!*app || !*device || !fits(app) || !fits(device) || !fits(push)) {
        return AURA_EINVAL;
    }
    int err = exists(d, id);
    if (err) {
        return err;
    }
    aura_sql_begin(d->sql, ST_DEVICE);
    aura_sql_text(d->sql, ST_DEVICE, 1, id->name);
    aura_sql_text(d->sql, ST_DEVICE, 2, app);
    aura_sql_text(d->sql, ST_DEVICE, 3, device);
    aura_sql_text(d->sql, ST_DEVICE, 4, push);
    aura_sql_int(d->sql, ST_DEVICE, 5, (int64_t)aura_wall_us(d->conf.clock));
    err = aura_sql_run(d->sql, ST_DEVICE);
    if (err) {
        return err;
    }
    aura_sql_begin(d->sql, ST_TRIM_DEVICES);
    aura_sql_text(d->sql, ST_TRIM_DEVICES, 1, id->name);
    aura_sql_int(d->sql, ST_TRIM_DEVICES, 2, AURA_DIRECTORY_DEVICES_MAX);
    return aura_sql_run(d->sql, ST_TRIM_DEVICES);
}

int aura_directory_forget_device(struct aura_directory *d, const struct aura_id *id,
                                 const char *app, const char *device) {
    aura_sql_begin(d->sql, ST_FORGET_DEVICE);
    aura_sql_text(d->sql, ST_FORGET_DEVICE, 1, id->name);
    aura_sql_text(d->sql, ST_FORGET_DEVICE, 2, app);
    aura_sql_text(d->sql, ST_FORGET_DEVICE, 3, device);
    int err = aura_sql_run(d->sql, ST_FORGET_DEVICE);
    return err ? err : aura_sql_changes(d->sql) == 0 ? AURA_ENOENT : 0;
}

int aura_directory_devices(struct aura_directory *d, const struct aura_id *id,
                           void (*fn)(void *arg, const struct aura_device *device), void *arg) {
    aura_sql_begin(d->sql, ST_DEVICES);
    aura_sql_text(d->sql, ST_DEVICES, 1, id->name);
    int err;
    while ((err = aura_sql_row(d->sql, ST_DEVICES)) == 0) {
        const struct aura_device device = {.id = aura_sql_get_text(d->sql, ST_DEVICES, 0),
                                           .app = aura_sql_get_text(d->sql, ST_DEVICES, 1),
                                           .push = aura_sql_get_text(d->sql, ST_DEVICES, 2),
                                           .seen_us =
                                               (uint64_t)aura_sql_get_int(d->sql, ST_DEVICES, 3)};
        fn(arg, &device);
    }
    return err == AURA_ENOENT ? 0 : err;
}

/* ---- who may reach whom ---- */

int aura_directory_stance(struct aura_directory *d, const struct aura_id *id,
                          const struct aura_id *other, enum aura_stance *out) {
    aura_sql_begin(d->sql, ST_STANCE_GET);
    aura_sql_text(d->sql, ST_STANCE_GET, 1, id->name);
    aura_sql_text(d->sql, ST_STANCE_GET, 2, other->name);
    int err = aura_sql_row(d->sql, ST_STANCE_GET);
    *out = AURA_STANCE_NONE;
    if (!err) {
        *out = (enum aura_stance)aura_sql_get_int(d->sql, ST_STANCE_GET, 0);
        aura_sql_end(d->sql, ST_STANCE_GET);
    }
    return err == AURA_ENOENT ? 0 : err;
}

int aura_directory_set_stance(struct aura_directory *d, const struct aura_id *id,
                              const struct aura_id *other, enum aura_stance stance) {
    enum aura_stance before;
    int64_t count = 0;
    int err = exists(d, id);
    err = err ? err : aura_directory_stance(d, id, other, &before);
    err = err ? err : count_of(d, ST_COUNT_STANCES, id, &count);
    if (err) {
        return err;
    }
    if (stance != AURA_STANCE_NONE && before == AURA_STANCE_NONE &&
        count >= AURA_DIRECTORY_CONTACTS_MAX) {
        return AURA_ELIMIT;
    }
    size_t which = stance == AURA_STANCE_NONE ? ST_STANCE_DROP : ST_STANCE_SET;
    aura_sql_begin(d->sql, which);
    aura_sql_text(d->sql, which, 1, id->name);
    aura_sql_text(d->sql, which, 2, other->name);
    if (which == ST_STANCE_SET) {
        aura_sql_int(d->sql, which, 3, stance);
    }
    return aura_sql_run(d->sql, which);
}

int aura_directory_stances(struct aura_directory *d, const struct aura_id *id,
                           enum aura_stance stance,
                           void (*fn)(void *arg, const struct aura_id *other), void *arg) {
    aura_sql_begin(d->sql, ST_STANCES);
    aura_sql_text(d->sql, ST_STANCES, 1, id->name);
    int err;
    while ((err = aura_sql_row(d->sql, ST_STANCES)) == 0) {
        struct aura_id other;
        (void)snprintf(other.name, sizeof(other.name), "%s",
                       aura_sql_get_text(d->sql, ST_STANCES, 0));
        if (aura_sql_get_int(d->sql, ST_STANCES, 1) == (int64_t)stance) {
            fn(arg, &other);
        }
    }
    return err == AURA_ENOENT ? 0 : err;
}

int aura_directory_may_ring(struct aura_directory *d, const struct aura_id *caller,
                            const struct aura_id *callee) {
    struct aura_identity who;
    enum aura_stance stance;
    int err = aura_directory_get(d, callee, &who);
    enum aura_privacy privacy = err ? AURA_PRIVACY_NOBODY : who.privacy;
    end_reads(d);
    err = err ? err : aura_directory_stance(d, callee, caller, &stance);
    if (err) {
        return err;
    }
    bool may = stance == AURA_STANCE_ALLOW
                   ? privacy != AURA_PRIVACY_NOBODY
                   : stance == AURA_STANCE_NONE && privacy == AURA_PRIVACY_EVERYONE;
    return may ? 0 : AURA_ENOENT;
}
