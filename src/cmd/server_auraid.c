/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/server_auraid.h"

#include "auraid/reach.h"
#include "auraid/share.h"
#include "base/log.h"
#include "cmd/state_path.h"

#include <stdio.h>
#include <string.h>

enum { WHY_BYTES = 512 };

uint64_t server_auraid_share(const struct aura_config *c) {
    return aura_share_of(c->auraid.max_identities, c->auraid.max_share, aura_keys_count(c->keys));
}

int server_auraid_open(struct aura_directory **d, const struct aura_config *c) {
    static char path[STATE_PATH_BYTES]; /* must outlive the directory */
    bool named = c->auraid.directory[0];
    struct aura_buf why = AURA_BUF(WHY_BYTES);
    struct aura_directory_conf conf = {.path = path,
                                       .max_identities = c->auraid.max_identities,
                                       .max_share = server_auraid_share(c),
                                       .clock = aura_clock_system(),
                                       .rand = aura_rand_system()};
    *d = NULL;
    if (!c->auraid.enabled) {
        return 0;
    }
    int err = named ? snprintf(path, sizeof(path), "%s", c->auraid.directory) < (int)sizeof(path)
                          ? 0
                          : AURA_EINVAL
                    : state_path(c, "auraid", path);
    err = err ? err : aura_directory_open(d, &conf, &why);
    if (err && !named) {
        AURA_LOG("auraid", AURA_LOG_WARN, "directory_in_memory", AURA_S("path", path),
                 AURA_S("why", why.len ? aura_buf_text(&why) : aura_err_text(err)),
                 AURA_S("so", "auraid.directory names another file"));
        conf.path = ":memory:";
        err = aura_directory_open(d, &conf, &why);
    }
    if (err) {
        fprintf(
            stderr,
            "auralink-server: no AuraIDs in %s: %s\n"
            "auraid.directory names another file for them, auraid.enabled: false does without.\n",
            path, why.len ? aura_buf_text(&why) : aura_err_text(err));
    } else {
        AURA_LOG("auraid", AURA_LOG_INFO, "directory", AURA_S("path", conf.path),
                 AURA_I("identities", aura_directory_count(*d)));
    }
    aura_buf_free(&why);
    return err;
}

/* @return NULL, or what is wrong */
static const char *read_calls(struct aura_calls_settings *out, const struct aura_config *c) {
    static const char *const names[] = {"everyone", "contacts", "nobody"};
    const struct aura_config_list *list = &c->auraid.calls.allow;
    const char *url = c->auraid.calls.url;
    int from = -1;
    for (int i = 0; i < 3; i++) {
        from = strcmp(c->auraid.calls.cross_app, names[i]) == 0 ? i : from;
    }
    if (from < 0) {
        return "auraid.calls.cross_app: neither everyone, contacts nor nobody";
    }
    out->cross_app = (enum aura_privacy)from;
    for (size_t i = 0; i < list->count; i++) {
        if (aura_reach_problem(list->items[i])) {
            return "auraid.calls.allow: each entry is \"FROM>TO\", two API keys or * for any";
        }
    }
    if (*url && strncmp(url, "ws://", 5) != 0 && strncmp(url, "wss://", 6) != 0) {
        return "auraid.calls.url: begins with neither ws:// nor wss://";
    }
    return NULL;
}

int server_auraid_calls(struct aura_calls_settings *out, const struct aura_config *c) {
    size_t keys = aura_keys_count(c->keys);
    unsigned share = c->auraid.max_share;
    *out = (struct aura_calls_settings){
        .url = c->auraid.calls.url,
        .ring_us = c->auraid.calls.ring_timeout_s * AURA_US_PER_S,
        .grace_us = c->auraid.calls.device_grace_s * AURA_US_PER_S,
        .busy_in_call = c->auraid.calls.busy_in_call,
        .allow = c->auraid.calls.allow.items,
        .allow_count = c->auraid.calls.allow.count,
        .rings_per_minute = c->auraid.calls.rings_per_minute,
        .strangers_per_minute = c->auraid.calls.strangers_per_minute,
        .max_calls = c->auraid.calls.max_calls,
        .max_devices = c->auraid.calls.max_devices,
        .max_calls_of_app = aura_share_of(c->auraid.calls.max_calls, share, keys),
        .max_devices_of_app = aura_share_of(c->auraid.calls.max_devices, share, keys)};
    const char *problem = read_calls(out, c);
    if (problem) {
        fprintf(stderr, "auralink-server: %s\n", problem);
    }
    return problem ? AURA_EINVAL : 0;
}
