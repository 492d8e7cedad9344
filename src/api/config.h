/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file config.h  Configuration: YAML with LiveKit's key names, each known key in one table.
 *
 * An unknown key, a wrong type or a value out of range is an error that names file, line and
 * column. Keys of LiveKit that mean nothing here yet are taken with a warning.
 */
#ifndef AURA_API_CONFIG_H
#define AURA_API_CONFIG_H

#include "api/gate.h"
#include "base/buf.h"
#include "room/token.h"
#include "room/turn.h"

#include <stdio.h>

enum {
    AURA_CONFIG_BYTES_MAX = 1 << 20,
    AURA_CONFIG_LIST_MAX = 64,
    AURA_CONFIG_DEPTH_MAX = 8,
};

struct aura_config_list {
    const char *items[AURA_CONFIG_LIST_MAX];
    size_t count;
};

struct aura_config {
    uint32_t port;
    struct aura_config_list bind_addresses;
    const char *region, *log_level, *key_file;
    bool log_json, development;
    struct aura_keys *keys;
    struct {
        uint32_t udp_port, udp_ports; /* first, and how many follow each other (0 = one per core) */
        uint32_t tcp_port, workers;
        const char *node_ip;
        bool loopback_candidate, single_port, allow_pause;
        bool use_external_ip, external_ip_only, advertise_internal_ip;
        uint32_t range_first, range_last; /* LiveKit's for UDP; 0 = not given */
        struct aura_config_list interfaces_in, interfaces_out, ips_in, ips_out;
        uint32_t packet_buffer_video, packet_buffer_audio;
        uint32_t pli_low_ms, pli_mid_ms, pli_high_ms;
        struct aura_config_list stun_servers;
        struct aura_turn_server turn_servers[AURA_TURN_SERVERS_MAX]; /* those of `turn` too */
        uint32_t turn_server_count;
    } rtc;
    struct { /* coturn, as `auralink turn config` sets it up */
        bool enabled, external_tls;
        const char *domain, *secret, *cert_file, *key_file;
        uint32_t udp_port, tls_port, relay_first, relay_last, ttl_s, user_quota, total_quota;
        struct aura_config_list bind_addresses;
    } turn;
    struct {
        bool auto_create, enable_remote_unmute;
        bool data_tracks;
        uint32_t max_participants, empty_timeout_s, departure_timeout_s;
        struct aura_config_list enabled_codecs;       /* MIME types; none = all */
        struct aura_config_list presets, preset_json; /* names; each as proto3 JSON */
        bool sync_streams, playout_delay;
        uint32_t playout_min_ms, playout_max_ms;
    } room;
    struct {
        uint32_t active_level, min_percentile, update_interval_ms;
        uint32_t max_audible;
    } audio;
    struct {
        bool enabled, steer, audio;
        uint32_t target_quality, saver_quality, min_quality, max_streams;
        const char *mode, *default_mode, *address;
        const char *tls_ca, *tls_certificate, *tls_key; /* files; "" = none */
    } aic;
    struct {
        bool enabled;
        const char *directory;              /* file; "" = where the system keeps such */
        uint32_t max_identities, max_share; /* the second in percent */
        struct {
            const char *url, *cross_app; /* url "" = the one that a device is connected to */
            uint32_t ring_timeout_s, device_grace_s;
            bool busy_in_call;
            struct aura_config_list allow; /* "FROM>TO" */
            uint32_t rings_per_minute, strangers_per_minute, max_calls, max_devices;
        } calls;
    } auraid;
    struct { /* the app's pages */
        bool enabled;
        const char *folder; /* "" = the one of the build or the installation */
    } web;
    struct { /* guests of the app */
        bool enabled;
        const char *api_key; /* "" = the first */
        struct aura_config_list rooms;
        const char *accounts; /* "open", "closed", "off"; "" = off, in development open */
        const char *origin;   /* of the app's page; "" = as browsers say */
        uint32_t fresh_sign_in_s;
    } meet;
    struct { /* for operators */
        bool enabled;
        const char *database; /* "" = where the system keeps such */
        uint32_t session_idle_s, session_max_s;
    } dashboard;
    struct { /* several nodes; no address of any kind = alone */
        const char *address, *username, *password, *sentinel_master, *sentinel_username,
            *sentinel_password;
        uint32_t db;
        bool use_tls, tls_enabled;
        const char *tls_ca, *tls_cert, *tls_key, *tls_server_name;
        struct aura_config_list sentinel_addresses, cluster_addresses;
    } redis;
    struct {
        uint32_t port;
        const char *address, *ca, *certificate, *key; /* address "" = of our choice */
        bool media_links;                             /* clients have media where they come in */
    } cluster;
    struct { /* the MatrixRTC authorisation service */
        bool enabled;
        const char *url, *api_key, *ca_file; /* url: that clients get; ca_file "" = the system's */
        struct aura_config_list full_access, allow_addresses;
        uint32_t timeout_s;
        const char *homeserver_url, *registration; /* of the Application Service; "" = none */
    } matrix;
    struct {
        uint32_t max_metadata_bytes, max_attributes_bytes;
        uint32_t max_room_name, max_identity, max_name, max_tracks;
        uint32_t max_rooms, max_participants, max_server_tracks; /* 0 = no limit */
        uint32_t max_bytes_per_s;                                /* of the server */
        uint32_t max_sub_video, max_sub_audio, publisher_kbps;   /* of one participant */
        uint32_t signal_rate, data_rate;                         /* a second; 0 = no limit */
        struct aura_gate_rates addresses;
    } limit;
    struct {
        const char *folder, *program, *url; /* folder "" = off */
        uint32_t max, max_duration_s, min_free_mb;
        bool labels;
    } record;
    struct {
        const char *api_key, *outbox; /* "" = none, and a place of our choice */
        struct aura_config_list urls, include_events, exclude_events;
        uint32_t max_events, max_mb, max_age_s, timeout_s;
    } webhook;
    struct {
        const char *endpoint, *headers_file, *sample_ratio; /* endpoint "" = off */
        uint32_t timeout_s;
    } tracing;
    bool full_room_in_webhooks;
    const char *metrics_user, *metrics_password;
    uint32_t metrics_port; /* 0 = that of all */
    struct {               /* of the HTTP port; "" = plain HTTP */
        const char *cert_file, *key_file;
        uint32_t check_interval_s; /* 0 = on SIGHUP only */
    } tls;
    uint32_t drain_timeout_s;
    struct aura_config_owned *owned; /* memory behind the texts */
};

/** Defaults. @return 0 or AURA_ENOMEM */
AURA_NODISCARD int aura_config_init(struct aura_config *c);
void aura_config_clear(struct aura_config *c);

/**
 * Reads YAML over what is there. @param name  of the file, for messages
 * @param messages  errors and warnings are appended, a line each
 * @return 0 (warnings may have been written), AURA_EMALFORMED, AURA_ENOMEM, AURA_ELIMIT
 */
AURA_NODISCARD int aura_config_text(struct aura_config *c, const char *name, const char *text,
                                    size_t len, struct aura_buf *messages);
/** The same from a file. @return also AURA_ENOENT, AURA_EIO */
AURA_NODISCARD int aura_config_file(struct aura_config *c, const char *path,
                                    struct aura_buf *messages);
/** "key: secret", more in lines of their own. @return 0, AURA_EMALFORMED, AURA_ENOMEM */
AURA_NODISCARD int aura_config_keys(struct aura_config *c, const char *name, const char *text,
                                    struct aura_buf *messages);
/** A YAML map of keys; refuses a file that everybody may read. @return as aura_config_file() */
AURA_NODISCARD int aura_config_key_file(struct aura_config *c, const char *path,
                                        struct aura_buf *messages);
/**
 * Adds the servers that `turn` describes to rtc.turn_servers; once, when everything was read.
 * @return 0, or AURA_EMALFORMED with a line in @p messages
 */
AURA_NODISCARD int aura_config_turn(struct aura_config *c, struct aura_buf *messages);
/** Calls for each key whose value differs. @param live  SIGHUP may change it */
void aura_config_compare(const struct aura_config *a, const struct aura_config *b,
                         void (*differs)(void *arg, const char *path, bool live), void *arg);
/** What there is to say of a key. */
struct aura_config_key_text {
    const char *key, *fallback, *help; /* fallback: "" = none */
    bool live;                         /* SIGHUP may change it */
};
/** Calls for each key that has an effect, in the order of docs/config.md. */
typedef void(aura_config_key_fn)(void *arg, const struct aura_config_key_text *key);
void aura_config_each_key(aura_config_key_fn *fn, void *arg);
/** All of them as a Markdown table. */
void aura_config_print_keys(FILE *out);

#endif
