/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/server_dash.h"

#include "base/log.h"
#include "base/mem.h"
#include "cmd/state_path.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { WHY_BYTES = 512 };

static int open_store(struct server_dash *d, const struct aura_config *c, struct aura_buf *why) {
    static char path[STATE_PATH_BYTES]; /* must outlive the store */
    bool named = c->dashboard.database[0];
    struct aura_dash_store_conf conf = {
        .path = path, .clock = aura_clock_system(), .rand = aura_rand_system()};
    int err = named ? snprintf(path, sizeof(path), "%s", c->dashboard.database) < (int)sizeof(path)
                          ? 0
                          : AURA_EINVAL
                    : state_path(c, "dashboard", path);
    err = err ? err : aura_dash_store_open(&d->store, &conf, why);
    if (err && !named) {
        AURA_LOG("dashboard", AURA_LOG_WARN, "kept_in_memory", AURA_S("path", path),
                 AURA_S("why", why->len ? aura_buf_text(why) : aura_err_text(err)),
                 AURA_S("so", "operators and keys end with the server; dashboard.database names "
                              "another file"));
        conf.path = ":memory:";
        err = aura_dash_store_open(&d->store, &conf, why);
    }
    if (err) {
        fprintf(stderr,
                "auralink-server: no dashboard with %s: %s\n"
                "dashboard.database names another file for it, dashboard.enabled: false does "
                "without.\n",
                path, why->len ? aura_buf_text(why) : aura_err_text(err));
    } else {
        AURA_LOG("dashboard", AURA_LOG_INFO, "dashboard", AURA_S("database", conf.path));
    }
    return err;
}

static void fill(struct server_dash *d, const struct aura_config *c) {
    d->conf = (struct aura_dash_conf){
        .store = d->store,
        .config_keys = c->keys,
        .keys = d->keys,
        .idle_us = c->dashboard.session_idle_s * AURA_US_PER_S,
        .all_us = c->dashboard.session_max_s * AURA_US_PER_S,
        .aic_address = c->aic.enabled ? c->aic.address : NULL,
        .aic_tls = *c->aic.tls_ca != 0,
        .aic_governs = strcmp(c->aic.mode, "governor") == 0,
        .aic_max_streams = c->aic.max_streams,
        .aic_default = c->aic.default_mode,
        .version = AURA_VERSION,
        .region = c->region,
    };
}

int server_dash_open(struct server_dash *d, const struct aura_config *c) {
    struct aura_buf why = AURA_BUF(WHY_BYTES);
    *d = (struct server_dash){.store = NULL};
    if (!c->dashboard.enabled) {
        return 0;
    }
    int err = open_store(d, c, &why);
    aura_buf_free(&why);
    if (err) {
        return err;
    }
    err = aura_keys_new(&d->keys);
    err = err ? err : aura_dash_load_keys(d->store, d->keys);
    if (!err) {
        fill(d, c);
        err = aura_dash_setup_new(d->store, d->setup);
        err = err == AURA_ESTATE ? 0 : err; /* somebody has set it up */
    }
    if (err) {
        fprintf(stderr, "auralink-server: cannot read the dashboard's database: %s\n",
                aura_err_text(err));
    }
    return err;
}

const struct aura_dash_conf *server_dash_conf(const struct server_dash *d) {
    return d->store ? &d->conf : NULL;
}

void server_dash_announce(const struct server_dash *d, const struct aura_config *c, uint16_t port) {
    if (!d->store || !d->setup[0]) {
        return;
    }
    AURA_LOG("dashboard", AURA_LOG_INFO, "has_no_operator",
             AURA_S("so", "auralink operator setup makes a link for the first one"));
    if (isatty(STDERR_FILENO) && !c->development) {
        fprintf(stderr,
                "\n  Dashboard: make the first operator within %d minutes (the link works once)\n"
                "  %s://localhost:%u/dashboard/#setup=%s\n\n",
                AURA_DASH_SETUP_TTL_S / 60, *c->tls.cert_file ? "https" : "http", port, d->setup);
    }
}

void server_dash_close(struct server_dash *d) {
    d->store = aura_dash_store_close(d->store);
    d->keys = aura_keys_free(d->keys);
    aura_wipe(d->setup, sizeof(d->setup));
}
