/* SPDX-License-Identifier: Apache-2.0 */
/* What a configuration read anew says otherwise. Values are never shown: some are secrets. */
#include "api/config_priv.h"

#include <string.h>

bool aura__config_live(const char *path) {
    static const char *const live[] = {"keys",
                                       "key_file",
                                       "log_level",
                                       "logging.level",
                                       "logging.json",
                                       "tls.cert_file",
                                       "tls.key_file",
                                       "drain_timeout",
                                       "room.auto_create",
                                       "enable_data_tracks",
                                       "room.enable_remote_unmute",
                                       "room.max_participants",
                                       "room.empty_timeout",
                                       "room.departure_timeout",
                                       "room.sync_streams",
                                       "room.playout_delay.enabled",
                                       "room.playout_delay.min",
                                       "room.playout_delay.max",
                                       "limit.max_metadata_size",
                                       "limit.max_attributes_size",
                                       "limit.max_room_name_length",
                                       "limit.max_participant_identity_length",
                                       "limit.max_participant_name_length",
                                       "limit.tracks_per_participant",
                                       "limit.rooms",
                                       "limit.participants",
                                       "limit.num_tracks",
                                       "limit.bytes_per_sec",
                                       "limit.publisher_kbps",
                                       "limit.subscription_limit_video",
                                       "limit.subscription_limit_audio",
                                       "limit.signal_rate",
                                       "limit.data_rate",
                                       "limit.requests_per_address",
                                       "limit.refusals_per_address",
                                       "limit.guests_per_address",
                                       "limit.sign_ins_per_address",
                                       "auraid.max_share",
                                       "auraid.calls.url",
                                       "auraid.calls.ring_timeout",
                                       "auraid.calls.device_grace",
                                       "auraid.calls.busy_in_call",
                                       "auraid.calls.cross_app",
                                       "auraid.calls.allow",
                                       "auraid.calls.max_rings_per_minute",
                                       "auraid.calls.max_strangers_per_minute"};
    for (size_t i = 0; i < sizeof(live) / sizeof(live[0]); i++) {
        if (strcmp(live[i], path) == 0) {
            return true;
        }
    }
    return false;
}

static bool same_text(const char *a, const char *b) {
    return strcmp(a ? a : "", b ? b : "") == 0;
}

static bool same_list(const struct aura_config_list *a, const struct aura_config_list *b) {
    bool same = a->count == b->count;
    for (size_t i = 0; same && i < a->count; i++) {
        same = same_text(a->items[i], b->items[i]);
    }
    return same;
}

static bool same_turn(const struct aura_config *a, const struct aura_config *b) {
    bool same = a->rtc.turn_server_count == b->rtc.turn_server_count;
    for (size_t i = 0; same && i < a->rtc.turn_server_count; i++) {
        const struct aura_turn_server *s = &a->rtc.turn_servers[i], *t = &b->rtc.turn_servers[i];
        same = same_text(s->host, t->host) && same_text(s->protocol, t->protocol) &&
               same_text(s->secret, t->secret) && same_text(s->username, t->username) &&
               same_text(s->credential, t->credential) && s->port == t->port &&
               s->ttl_s == t->ttl_s;
    }
    return same;
}

static bool same_keys(const struct aura_keys *a, const struct aura_keys *b) {
    struct aura_keys_change c = aura_keys_compare(a, b);
    return c.added + c.removed + c.changed == 0;
}

static bool same(const struct aura_config *a, const struct aura_config *b,
                 const struct aura__config_key *k) {
    const void *x = (const char *)a + k->offset, *y = (const char *)b + k->offset;
    const struct aura_config_list *list = x, *other = y;
    switch (k->type) {
    case CONFIG_BOOL:
        return *(const bool *)x == *(const bool *)y;
    case CONFIG_UINT:
    case CONFIG_MS:
    case CONFIG_SECONDS:
        return *(const uint32_t *)x == *(const uint32_t *)y;
    case CONFIG_PORTS:
        return memcmp(x, y, 2 * sizeof(uint32_t)) == 0;
    case CONFIG_TEXT:
        return same_text(*(const char *const *)x, *(const char *const *)y);
    case CONFIG_LIST:
    case CONFIG_CODECS:
        return same_list(list, other);
    case CONFIG_PRESETS:
        return same_list(list, other) && same_list(list + 1, other + 1);
    case CONFIG_TURN:
        return same_turn(a, b);
    case CONFIG_KEYS:
        return same_keys(a->keys, b->keys);
    case CONFIG_IGNORED:
        return true;
    }
    return true;
}

void aura_config_compare(const struct aura_config *a, const struct aura_config *b,
                         void (*differs)(void *arg, const char *path, bool live), void *arg) {
    for (size_t i = 0; i < aura__config_key_count; i++) {
        const struct aura__config_key *k = &aura__config_keys[i];
        bool alias = i && k->type != CONFIG_IGNORED && k->offset == k[-1].offset;
        if (!alias && !same(a, b, k)) {
            differs(arg, k->path, aura__config_live(k->path));
        }
    }
}
