/* SPDX-License-Identifier: Apache-2.0 */
/* What calls keep in the directory and look up there. */
#include "auraid/directory_priv.h"

#include <stdio.h>

int aura_directory_add_missed(struct aura_directory *d, const struct aura_id *id,
                              const struct aura_missed *m) {
    struct aura_identity there;
    int err = aura_directory_get(d, id, &there);
    if (err) {
        return err;
    }
    aura_sql_end(d->sql, ST_BY_ID); /* a row that is lent holds a read transaction */
    aura_sql_begin(d->sql, ST_MISSED_ADD);
    aura_sql_text(d->sql, ST_MISSED_ADD, 1, id->name);
    aura_sql_text(d->sql, ST_MISSED_ADD, 2, m->call);
    aura_sql_text(d->sql, ST_MISSED_ADD, 3, m->caller.name);
    aura_sql_int(d->sql, ST_MISSED_ADD, 4, m->video);
    aura_sql_text(d->sql, ST_MISSED_ADD, 5, m->reason);
    aura_sql_int(d->sql, ST_MISSED_ADD, 6, (int64_t)m->at_us);
    err = aura_sql_run(d->sql, ST_MISSED_ADD);
    if (err) {
        return err;
    }
    aura_sql_begin(d->sql, ST_MISSED_TRIM);
    aura_sql_text(d->sql, ST_MISSED_TRIM, 1, id->name);
    aura_sql_int(d->sql, ST_MISSED_TRIM, 2, AURA_DIRECTORY_MISSED_MAX);
    return aura_sql_run(d->sql, ST_MISSED_TRIM);
}

int aura_directory_missed(struct aura_directory *d, const struct aura_id *id,
                          void (*fn)(void *arg, const struct aura_missed *missed), void *arg) {
    int err;
    aura_sql_begin(d->sql, ST_MISSED);
    aura_sql_text(d->sql, ST_MISSED, 1, id->name);
    while ((err = aura_sql_row(d->sql, ST_MISSED)) == 0) {
        struct aura_missed m = {.call = aura_sql_get_text(d->sql, ST_MISSED, 0),
                                .video = aura_sql_get_int(d->sql, ST_MISSED, 2) != 0,
                                .reason = aura_sql_get_text(d->sql, ST_MISSED, 3),
                                .at_us = (uint64_t)aura_sql_get_int(d->sql, ST_MISSED, 4)};
        (void)snprintf(m.caller.name, sizeof(m.caller.name), "%s",
                       aura_sql_get_text(d->sql, ST_MISSED, 1));
        fn(arg, &m);
    }
    return err == AURA_ENOENT ? 0 : err;
}

int aura_directory_forget_missed(struct aura_directory *d, const struct aura_id *id) {
    aura_sql_begin(d->sql, ST_MISSED_FORGET);
    aura_sql_text(d->sql, ST_MISSED_FORGET, 1, id->name);
    return aura_sql_run(d->sql, ST_MISSED_FORGET);
}

int aura_directory_proofs(struct aura_directory *d, const struct aura_id *id,
                          void (*fn)(void *arg, const struct aura_proof *proof), void *arg) {
    int err;
    aura_sql_begin(d->sql, ST_PROOFS);
    aura_sql_text(d->sql, ST_PROOFS, 1, id->name);
    while ((err = aura_sql_row(d->sql, ST_PROOFS)) == 0) {
        const struct aura_proof proof = {aura_sql_get_text(d->sql, ST_PROOFS, 0),
                                         aura_sql_get_text(d->sql, ST_PROOFS, 1)};
        fn(arg, &proof);
    }
    return err == AURA_ENOENT ? 0 : err;
}
