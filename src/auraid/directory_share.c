/* SPDX-License-Identifier: Apache-2.0 */
/*
 * No app fills the directory for all others: proofs of each are counted, and beyond its share it
 * makes no more identities. An app is an API key, with its people and its agents; all of Matrix is
 * one, as whoever has a homeserver has any number of users.
 */
#include "auraid/directory_priv.h"

#include <string.h>

/* "livekit/KEY", "livekit-agent/KEY"; "matrix". What the server gives by itself has no share. */
static const char *app_of(const char *provider) {
    const char *slash = strncmp(provider, "livekit", 7) == 0 ? strchr(provider, '/') : NULL;
    return slash ? slash + 1 : strcmp(provider, "matrix") == 0 ? "" : NULL;
}

void aura__share_add(struct aura_directory *d, const char *provider) {
    const char *app = app_of(provider);
    if (app) {
        aura_share_take(d->apps, app, 1);
    }
}

void aura__share_drop(struct aura_directory *d, const char *provider) {
    const char *app = app_of(provider);
    if (app) {
        aura_share_give(d->apps, app);
    }
}

static void drop_one(void *arg, const struct aura_proof *proof) {
    aura__share_drop(arg, proof->provider);
}

void aura__share_drop_all(struct aura_directory *d, const struct aura_id *id) {
    int err = aura_directory_proofs(d, id, drop_one, d);
    (void)err; /* it has said so; they are counted anew at the next start */
}

int aura__share_fits(const struct aura_directory *d, const char *provider) {
    const char *app = app_of(provider);
    return !app || aura_share_fits(d->apps, app, d->conf.max_share) ? 0 : AURA_ELIMIT;
}

int aura__share_open(struct aura_directory *d) {
    int err = aura_share_new(&d->apps);
    if (err) {
        return err;
    }
    aura_sql_begin(d->sql, ST_COUNT_APPS);
    while ((err = aura_sql_row(d->sql, ST_COUNT_APPS)) == 0) {
        const char *app = app_of(aura_sql_get_text(d->sql, ST_COUNT_APPS, 0));
        if (app) {
            aura_share_take(d->apps, app, (uint64_t)aura_sql_get_int(d->sql, ST_COUNT_APPS, 1));
        }
    }
    return err == AURA_ENOENT ? 0 : err;
}
