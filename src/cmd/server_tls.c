/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/server_tls.h"

#include "base/log.h"

#include <stdio.h>

enum { WHY_BYTES = 1024 };

void server_tls_tell(const struct aura_tls *tls) {
    AURA_LOG("config", AURA_LOG_INFO, "certificate_read", AURA_S("file", aura_tls_cert_file(tls)),
             AURA_I("expires_unix_s", aura_tls_expires_s(tls)));
}

static void look(void *arg);

static void look_again(struct server_tls *t) {
    if (t->every_s && aura_timer_start(t->timers, &t->timer, t->every_s * AURA_US_PER_S, look, t)) {
        AURA_LOG("config", AURA_LOG_ERROR, "no_memory_for_timer",
                 AURA_S("why", "a renewed certificate is taken on SIGHUP only"));
    }
}

/* A tool may have replaced one file and not yet the other: then there is another chance soon. */
static void look(void *arg) {
    struct server_tls *t = arg;
    struct aura_buf why = AURA_BUF(WHY_BYTES);
    int got = aura_tls_refresh(t->tls, &why);
    if (why.len) {
        AURA_LOG("config", AURA_LOG_WARN, "tls", AURA_S("why", aura_buf_text(&why)));
    }
    if (got > 0) {
        server_tls_tell(t->tls);
    } else if (got < 0) {
        AURA_LOG("config", AURA_LOG_WARN, "certificate_kept",
                 AURA_S("why", "the new files cannot be used; they are tried again when they "
                               "change, or on SIGHUP"));
    }
    aura_buf_free(&why);
    look_again(t);
}

int server_tls_start(struct server_tls *t, const struct aura_config *c, struct aura_loop *loop) {
    struct aura_buf why = AURA_BUF(WHY_BYTES);
    if (!*c->tls.cert_file && !*c->tls.key_file) {
        return 0;
    }
    int err = aura_tls_new(&t->tls, c->tls.cert_file, c->tls.key_file, &why);
    if (err || why.len) {
        fprintf(stderr, "auralink-server: %s%s\n",
                err ? "" : "warning: ", why.len ? aura_buf_text(&why) : aura_err_text(err));
    }
    aura_buf_free(&why);
    if (!err) {
        t->timers = aura_loop_timers(loop);
        t->every_s = c->tls.check_interval_s;
        look_again(t);
    }
    return err;
}

void server_tls_end(struct server_tls *t) {
    if (t->timers) {
        aura_timer_stop(t->timers, &t->timer);
    }
    t->tls = aura_tls_free(t->tls);
}
