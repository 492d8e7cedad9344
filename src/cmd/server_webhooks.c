/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/server_webhooks.h"

#include "base/log.h"
#include "cmd/state_path.h"

#include <stdio.h>

enum { WHY_BYTES = 512, GRACE_MS = 1500 };

/* LiveKit wants the name of the key; in development there is only one. */
static const char *key_of(const struct aura_config *c) {
    const char *name = c->webhook.api_key;
    return name[0] || !c->development ? name : aura_keys_first(c->keys);
}

const char *server_webhooks_problem(const struct aura_config *c) {
    if (c->webhook.urls.count == 0) {
        return NULL;
    }
    if (!aura_keys_secret(c->keys, key_of(c))) {
        return "webhook.api_key: name one of `keys`: its secret signs the webhooks";
    }
    if (c->webhook.urls.count > AURA_OUTBOX_URLS_MAX) {
        return "webhook.urls: at most 16";
    }
    return NULL;
}

int server_webhooks_start(struct aura_webhooks **w, const struct aura_config *c,
                          struct aura_loop *loop) {
    static char path[STATE_PATH_BYTES]; /* must outlive the webhooks */
    *w = NULL;
    if (c->webhook.urls.count == 0) {
        return 0;
    }
    snprintf(path, sizeof(path), "%s", c->webhook.outbox);
    int err = path[0] ? 0 : state_path(c, "webhooks", path);
    struct aura_webhooks_conf conf = {
        .outbox = {.path = path,
                   .urls = c->webhook.urls.items,
                   .url_count = c->webhook.urls.count,
                   .max_events = c->webhook.max_events,
                   .max_bytes = (uint64_t)c->webhook.max_mb << 20},
        .key = key_of(c),
        .secret = aura_keys_secret(c->keys, key_of(c)),
        .include = c->webhook.include_events.items,
        .include_count = c->webhook.include_events.count,
        .exclude = c->webhook.exclude_events.items,
        .exclude_count = c->webhook.exclude_events.count,
        .max_age_us = c->webhook.max_age_s * AURA_US_PER_S,
        .timeout_us = c->webhook.timeout_s * AURA_US_PER_S,
        .grace_us = GRACE_MS * AURA_US_PER_MS,
        .clock = aura_clock_system(),
        .rand = aura_rand_system(),
    };
    struct aura_buf why = AURA_BUF(WHY_BYTES);
    err = err ? err : aura_webhooks_new(w, &conf, loop, &why);
    if (err) {
        fprintf(stderr,
                "auralink-server: no webhooks with %s: %s\n"
                "webhook.outbox names another file for them.\n",
                path, why.len ? aura_buf_text(&why) : aura_err_text(err));
    } else {
        AURA_LOG("webhook", AURA_LOG_INFO, "webhooks", AURA_I("urls", c->webhook.urls.count),
                 AURA_S("outbox", path));
    }
    aura_buf_free(&why);
    return err;
}
