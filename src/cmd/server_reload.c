/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/server_reload.h"

#include "base/log.h"
#include "cmd/server_auraid.h"
#include "cmd/server_tls.h"

#include <stdio.h>
#include <string.h>

enum { NAMES_BYTES = 2048, WHY_BYTES = 1024 };

struct changes {
    struct aura_buf live, fixed; /* names of keys, with ", " between */
};

void server_rooms_settings(struct aura_rooms_conf *conf, const struct aura_config *c) {
    conf->auto_create = c->room.auto_create;
    conf->no_data_tracks = !c->room.data_tracks;
    conf->enable_remote_unmute = c->room.enable_remote_unmute;
    conf->sync_streams = c->room.sync_streams;
    conf->playout = (struct aura_playout_range){.on = false};
    if (c->room.playout_delay) {
        conf->playout = aura_playout_range(c->room.playout_min_ms, c->room.playout_max_ms);
    }
    conf->max_participants = c->room.max_participants;
    conf->empty_timeout_s = c->room.empty_timeout_s;
    conf->departure_timeout_s = c->room.departure_timeout_s;
    conf->max_metadata_bytes = c->limit.max_metadata_bytes;
    conf->max_attributes_bytes = c->limit.max_attributes_bytes;
    conf->max_name_length = c->limit.max_name;
    conf->max_identity_length = c->limit.max_identity;
    conf->max_room_name_length = c->limit.max_room_name;
    conf->max_tracks = c->limit.max_tracks;
    conf->max_rooms = c->limit.max_rooms;
    conf->max_server_participants = c->limit.max_participants;
    conf->max_server_tracks = c->limit.max_server_tracks;
    conf->max_bytes_per_s = c->limit.max_bytes_per_s;
    conf->publisher_kbps = c->limit.publisher_kbps;
    conf->max_sub_video = c->limit.max_sub_video;
    conf->max_sub_audio = c->limit.max_sub_audio;
    conf->signal_rate = c->limit.signal_rate;
    conf->data_rate = c->limit.data_rate;
}

static void note(void *arg, const char *path, bool live) {
    struct changes *c = arg;
    struct aura_buf *b = live ? &c->live : &c->fixed;
    aura_buf_printf(b, "%s%s", b->len ? ", " : "", path);
}

/* The certificate is read even if its name is the same: that is what SIGHUP is sent for. */
static int load_tls(const struct server_reload *r, const struct aura_config *fresh) {
    struct aura_buf why = AURA_BUF(WHY_BYTES);
    int err = 0;
    if (r->tls) {
        err = aura_tls_load(r->tls, fresh->tls.cert_file, fresh->tls.key_file, &why);
    } else if (*fresh->tls.cert_file || *fresh->tls.key_file) {
        AURA_LOG("config", AURA_LOG_WARN, "tls_needs_a_restart",
                 AURA_S("why", "the server began without TLS"));
    }
    if (why.len) {
        AURA_LOG("config", AURA_LOG_WARN, "tls", AURA_S("why", aura_buf_text(&why)));
    }
    if (r->tls && !err) {
        server_tls_tell(r->tls);
    }
    aura_buf_free(&why);
    return err;
}

static void apply_auraid(const struct server_reload *r, const struct aura_config *next,
                         const struct aura_calls_settings *calls) {
    struct aura_config *now = &r->options->config;
    if (aura_server_change_calls(r->server, calls)) {
        AURA_LOG("config", AURA_LOG_ERROR, "calls_stay_as_they_were",
                 AURA_S("why", aura_err_text(AURA_ENOMEM)));
    }
    if (r->directory) {
        aura_directory_set_share(r->directory, server_auraid_share(next));
    }
    now->auraid.max_share = next->auraid.max_share;
    now->auraid.calls.ring_timeout_s = next->auraid.calls.ring_timeout_s;
    now->auraid.calls.device_grace_s = next->auraid.calls.device_grace_s;
    now->auraid.calls.busy_in_call = next->auraid.calls.busy_in_call;
    now->auraid.calls.rings_per_minute = next->auraid.calls.rings_per_minute;
    now->auraid.calls.strangers_per_minute = next->auraid.calls.strangers_per_minute;
}

static void apply(const struct server_reload *r, struct server_options *fresh) {
    struct aura_config *now = &r->options->config, *next = &fresh->config;
    struct aura_rooms_conf settings = {.keys = now->keys};
    aura_keys_swap(now->keys, next->keys); /* who holds the pointer sees the new ones */
    server_rooms_settings(&settings, next);
    aura_rooms_change(r->rooms, &settings);
    /* For the next comparison. Texts stay those of the start, as memory of `next` goes. */
    now->room.auto_create = next->room.auto_create;
    now->room.data_tracks = next->room.data_tracks;
    now->room.enable_remote_unmute = next->room.enable_remote_unmute;
    now->room.sync_streams = next->room.sync_streams;
    now->room.playout_delay = next->room.playout_delay;
    now->room.playout_min_ms = next->room.playout_min_ms;
    now->room.playout_max_ms = next->room.playout_max_ms;
    now->room.max_participants = next->room.max_participants;
    now->room.empty_timeout_s = next->room.empty_timeout_s;
    now->room.departure_timeout_s = next->room.departure_timeout_s;
    now->limit = next->limit;
    now->drain_timeout_s = next->drain_timeout_s;
    now->log_json = next->log_json;
}

void server_reload(const struct server_reload *r) {
    struct server_options fresh;
    struct aura_calls_settings calls;
    struct changes c = {.live = AURA_BUF(NAMES_BYTES), .fixed = AURA_BUF(NAMES_BYTES)};
    int status = 0;
    if (!server_options_read(&fresh, r->argc, r->argv, &status)) {
        AURA_LOG("config", AURA_LOG_ERROR, "reload_refused",
                 AURA_S("why", "the lines before this one say what is wrong; everything stays as "
                               "it was"));
        return;
    }
    if (server_auraid_calls(&calls, &fresh.config)) { /* it has said why */
        AURA_LOG("config", AURA_LOG_ERROR, "reload_refused",
                 AURA_S("why", "auraid.calls cannot be so; everything stays as it was"));
        server_options_clear(&fresh);
        return;
    }
    if (load_tls(r, &fresh.config)) {
        AURA_LOG("config", AURA_LOG_ERROR, "reload_refused",
                 AURA_S("why", "the certificate cannot be used; everything stays as it was"));
        server_options_clear(&fresh);
        return;
    }
    aura_config_compare(&r->options->config, &fresh.config, note, &c);
    struct aura_keys_change keys = aura_keys_compare(r->options->config.keys, fresh.config.keys);
    apply_auraid(r, &fresh.config, &calls);
    apply(r, &fresh);
    AURA_LOG("config", AURA_LOG_INFO, "reloaded", AURA_S("changed", aura_buf_text(&c.live)),
             AURA_I("keys_added", keys.added), AURA_I("keys_removed", keys.removed),
             AURA_I("keys_changed", keys.changed));
    if (c.fixed.len) {
        AURA_LOG("config", AURA_LOG_WARN, "needs_a_restart",
                 AURA_S("keys", aura_buf_text(&c.fixed)));
    }
    if (r->webhooks && keys.changed + keys.removed) {
        AURA_LOG("config", AURA_LOG_WARN, "webhooks_keep_their_key",
                 AURA_S("why", "webhooks are signed with the secret of the start until a restart"));
    }
    aura_buf_free(&c.live);
    aura_buf_free(&c.fixed);
    server_options_clear(&fresh);
}
