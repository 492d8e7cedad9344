/* SPDX-License-Identifier: Apache-2.0 */
#include "room/measure.h"
#include "room/player.h"

#include "base/log.h"

#include <string.h>

enum { TOKEN_TTL_S = 600, REFRESH_S = 300 };

static char *text(const char *s) {
    return (char *)(uintptr_t)(s ? s : "");
}

static void permission_of(const struct aura_video_grant *g, struct permission *may) {
    *may = (struct permission){.subscribe = g->can_subscribe != AURA_NO,
                               .publish = g->can_publish != AURA_NO,
                               .update_metadata = g->can_update_own_metadata == AURA_YES,
                               .metrics = g->can_subscribe_metrics == AURA_YES,
                               .hidden = g->hidden,
                               .recorder = g->recorder,
                               .agent = g->agent,
                               .sources = g->sources};
    may->publish_data = g->can_publish_data == AURA_UNSET ? may->publish : g->can_publish_data;
}

static int copy_claims(struct aura_claims *to, const struct aura_claims *from) {
    struct {
        char **to;
        const char *from;
    } texts[] = {{&to->api_key, from->api_key},
                 {&to->identity, from->identity},
                 {&to->name, from->name ? from->name : ""},
                 {&to->metadata, from->metadata ? from->metadata : ""},
                 {&to->kind, from->kind},
                 {&to->matrix_user, from->matrix_user},
                 {&to->video.room, from->video.room}};
    int err = 0;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        *texts[i].to = NULL;
    }
    for (size_t i = 0; !err && i < sizeof(texts) / sizeof(texts[0]); i++) {
        if (texts[i].from) {
            *texts[i].to = aura_strdup(texts[i].from);
            err = *texts[i].to ? 0 : AURA_ENOMEM;
        }
    }
    for (size_t i = 0; !err && i < from->attribute_count; i++) {
        err = aura_claims_attribute(to, from->attributes[i].key, from->attributes[i].value);
    }
    return err;
}

/* What only the server says of somebody. From others it is passed over, as SDKs may send back all
 * attributes that they have seen. */
static bool is_ours(const char *key) {
    static const char ours[] = "auralink.";
    return strncmp(key, ours, sizeof(ours) - 1) == 0 && !aura__aic_attribute_is_wish(key);
}

static int take_claims(struct participant *p, const struct aura_join *join) {
    aura_claims_init(&p->claims);
    p->claims.video = join->claims->video;
    p->claims.video.destination_room = NULL;
    p->claims.has_video = true;
    p->claims.expires_s = join->claims->expires_s;
    permission_of(&join->claims->video, &p->may);
    int err = copy_claims(&p->claims, join->claims);
    const Livekit__JoinRequest *q = join->request;
    if (!err && (q->metadata[0] || q->n_participant_attributes)) {
        const char *keys[AURA_TOKEN_ATTRIBUTES_MAX], *values[AURA_TOKEN_ATTRIBUTES_MAX];
        struct aura__change change = {.metadata = q->metadata, .keys = keys, .values = values};
        for (size_t i = 0; i < q->n_participant_attributes && i < AURA_TOKEN_ATTRIBUTES_MAX; i++) {
            keys[change.attribute_count] = q->participant_attributes[i]->key;
            values[change.attribute_count++] = q->participant_attributes[i]->value;
        }
        err = aura__participant_change(p, &change);
    }
    return err;
}

static void participant_free(struct participant *p) {
    struct aura_timers *timers = p->room->rooms->timers;
    struct aura_timer *all[] = {&p->join_timer, &p->negotiate_timer, &p->refresh_timer,
                                &p->gone_timer, &p->waiting_timer};
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        aura_timer_stop(timers, all[i]);
    }
    aura__player_close(p);
    aura__auraid_forget(p);
    aura_claims_clear(&p->claims);
    aura__pb_free(p->client);
    aura__pb_free(p->allowed.list);
    aura_trace_free(p->trace);
    aura_free(p);
}

static void end_trace(struct participant *p, const char *error) {
    const ProtobufCEnumValue *sdk =
        p->client ? protobuf_c_enum_descriptor_get_value(&livekit__client_info__sdk__descriptor,
                                                         (int)p->client->sdk)
                  : NULL;
    const struct aura_span_attr attrs[] = {
        {"room", p->room->name, 0},
        {"room_sid", p->room->sid, 0},
        {"participant", p->claims.identity, 0},
        {"participant_sid", p->sid, 0},
        {"sdk", sdk ? sdk->name : "UNKNOWN", 0},
        {"sdk_version", p->client ? p->client->version : "", 0},
        {"protocol", NULL, p->client ? p->client->protocol : 0},
        {"connections", NULL, p->single ? 1 : 2},
        {"http.response.status_code", NULL, 101},
    };
    aura_trace_end(p->trace, "join", error, attrs, sizeof(attrs) / sizeof(attrs[0]));
}

static void on_join_timeout(void *arg) {
    struct participant *p = arg;
    AURA_LOG("room", AURA_LOG_WARN, "join_timeout", LOG_WHO(p));
    aura__participant_leave(p, LIVEKIT__DISCONNECT_REASON__JOIN_FAILURE,
                            LIVEKIT__LEAVE_REQUEST__ACTION__DISCONNECT);
}

static void on_refresh(void *arg) {
    aura__send_refresh_token(arg);
}

static int enter(struct participant *p) {
    struct aura_rooms *r = p->room->rooms;
    int err = aura_map_put_str(p->room->by_identity, p->claims.identity, p);
    if (err) {
        return err;
    }
    err = aura_map_put_str(r->by_sid, p->sid, p);
    if (!err) {
        err = aura_timer_start(r->timers, &p->join_timer, 60 * AURA_US_PER_S, on_join_timeout, p);
    }
    if (err) {
        aura_map_del_str(p->room->by_identity, p->claims.identity);
        aura_map_del_str(r->by_sid, p->sid);
        return err;
    }
    aura_list_add(&p->room->participants, &p->node);
    r->stats.participants++;
    return 0;
}

static void take_settings(struct participant *p, const Livekit__ConnectionSettings *s) {
    bool says =
        s && s->_subscriber_allow_pause_case ==
                 LIVEKIT__CONNECTION_SETTINGS___SUBSCRIBER_ALLOW_PAUSE_SUBSCRIBER_ALLOW_PAUSE;
    p->auto_subscribe = !s || s->auto_subscribe;
    p->pauses = says ? s->subscriber_allow_pause : !p->room->rooms->conf.no_pause;
}

int aura__participant_new(struct room *room, const struct aura_join *join,
                          struct participant **out) {
    struct aura_rooms *r = room->rooms;
    struct participant *p = aura_zalloc(sizeof(*p));
    if (!p) {
        return AURA_ENOMEM;
    }
    p->room = room;
    p->single = join->single;
    p->plays = join->play != NULL;
    take_settings(p, join->request->connection_settings);
    p->allowed.everyone = true;
    p->joined_us = aura_now_us(r->clock);
    p->joined_wall_us = aura_wall_us(r->clock);
    p->state = LIVEKIT__PARTICIPANT_INFO__STATE__JOINING;
    p->score = 4.5f;
    p->quality = LIVEKIT__CONNECTION_QUALITY__EXCELLENT;
    aura_list_init(&p->tracks);
    aura_list_init(&p->subs);
    aura_list_init(&p->waiting);
    aura_list_init(&p->data_tracks);
    aura_list_init(&p->data_subs);
    aura__sid(r->conf.rand, "PA_", p->sid);
    int err = take_claims(p, join);
    if (!err) {
        aura__auraid_take(p, join->trace ? *join->trace : NULL);
    }
    p->native = !aura__aic_wanted(p);
    p->saves = aura__aic_saves(p);
    p->steered = aura__aic_steers(p, join);
    p->hints = aura__aic_hints_wanted(p);
    if (!err && join->request->client_info) {
        p->client = aura__pb_copy(join->request->client_info);
        err = p->client ? 0 : AURA_ENOMEM;
    }
    p->media_node = join->near && room->rooms->reach.fleet
                        ? aura_fleet_node(room->rooms->reach.fleet, join->near)
                        : 0;
    err = err ? err : aura__connect_open(p);
    if (!err && join->play) {
        err = aura__player_open(p, join->play);
    }
    err = err ? err : enter(p);
    if (err) {
        aura__connect_close(p);
        participant_free(p);
        return err;
    }
    room->recording = room->recording || p->may.recorder;
    room->had_participants = true;
    aura__aic_count(room);
    aura__room_check_empty(room);
    *out = p;
    return 0;
}

static void count_recorders(struct room *room) {
    room->recording = false;
    AURA_LIST_EACH(&room->participants, struct participant, p, node) {
        room->recording = room->recording || p->may.recorder;
    }
}

static void end_session(struct participant *p, Livekit__DisconnectReason reason,
                        Livekit__LeaveRequest__Action action) {
    struct aura_session *s = p->session;
    if (!s) {
        return;
    }
    aura__send_leave(p, reason, action);
    p->session = NULL;
    s->p = NULL;
    if (s->started) {
        s->sink.close(s->arg, 1000, "");
    }
}

void aura__participant_leave(struct participant *p, Livekit__DisconnectReason reason,
                             Livekit__LeaveRequest__Action action) {
    struct room *room = p->room;
    if (p->closing) {
        return;
    }
    p->closing = true;
    p->reason = reason;
    const ProtobufCEnumValue *why =
        protobuf_c_enum_descriptor_get_value(&livekit__disconnect_reason__descriptor, (int)reason);
    end_trace(p, why ? why->name : "left"); /* unless it was active */
    aura__measure_left(p);
    aura__rpc_gone(p);
    aura__agents_left(p);
    AURA_LOG("room", AURA_LOG_INFO, "participant_left", LOG_WHO(p), AURA_I("reason", reason));
    end_session(p, reason, action);
    aura__waiting_forget(p);
    AURA_LIST_EACH(&p->subs, struct subscription, s, node) {
        aura__unsubscribe(s);
    }
    AURA_LIST_EACH(&p->tracks, struct track, t, node) {
        aura__publish_end(t, false);
    }
    aura__data_subs_end(p);
    aura__data_tracks_end(p);
    p->state = LIVEKIT__PARTICIPANT_INFO__STATE__DISCONNECTED;
    aura__broadcast_gone(p);
    aura__connect_close(p);
    aura_node_remove(&p->node);
    if (aura__room_participant(room, p->claims.identity) == p) {
        aura_map_del_str(room->by_identity, p->claims.identity);
    }
    aura_map_del_str(room->rooms->by_sid, p->sid);
    room->rooms->stats.participants--;
    aura__notify_participant(p,
                             p->was_active ? "participant_left" : "participant_connection_aborted");
    aura__aic_count(room);
    participant_free(p);
    count_recorders(room);
    aura__broadcast_room(room, false);
    aura__room_check_empty(room);
}

void aura__participant_active(struct participant *p) {
    struct aura_rooms *r = p->room->rooms;
    aura_timer_stop(r->timers, &p->join_timer);
    if (p->state == LIVEKIT__PARTICIPANT_INFO__STATE__ACTIVE) {
        return;
    }
    uint64_t ms = (aura_now_us(r->clock) - p->joined_us) / AURA_US_PER_MS;
    size_t i = 0;
    while (ms > aura_rooms_join_bounds_ms[i]) {
        i++;
    }
    r->stats.join_ms_bucket[i]++;
    r->stats.join_ms_count++;
    r->stats.join_ms_sum += ms;
    p->active_us = aura_now_us(r->clock);
    aura__measure_active(p);
    p->state = LIVEKIT__PARTICIPANT_INFO__STATE__ACTIVE;
    p->was_active = true;
    end_trace(p, NULL);
    AURA_LOG("room", AURA_LOG_INFO, "participant_active", LOG_WHO(p), AURA_I("after_ms", ms));
    aura__notify_participant(p, "participant_joined");
    AURA_LIST_EACH(&p->tracks, struct track, t, node) {
        if (t->live) {
            aura__notify_track(t, "track_published");
        }
    }
    aura__broadcast(p, true);
    aura__subscribe_all(p);
    aura__agents_changed(p->room);
    AURA_LIST_EACH(&p->tracks, struct track, t, node) {
        if (t->live) {
            aura__auto_egress_track(t);
        }
    }
}

/* ---- what others see of it ---- */

Livekit__ParticipantPermission *aura__permission_info(struct aura__arena *a,
                                                      const struct participant *p) {
    Livekit__ParticipantPermission *m = aura__arena_take(a, sizeof(*m));
    Livekit__TrackSource *list = aura__arena_take(a, 8 * sizeof(*list));
    if (a->fail) {
        return NULL;
    }
    livekit__participant_permission__init(m);
    m->can_subscribe = p->may.subscribe;
    m->can_publish = p->may.publish;
    m->can_publish_data = p->may.publish_data;
    m->can_update_metadata = p->may.update_metadata;
    m->can_subscribe_metrics = p->may.metrics;
    m->hidden = p->may.hidden;
    m->recorder = p->may.recorder;
    m->agent = p->may.agent;
    m->can_publish_sources = list;
    for (unsigned i = 0; i < 8; i++) {
        if (p->may.sources & 1u << i) {
            list[m->n_can_publish_sources++] = (Livekit__TrackSource)i;
        }
    }
    return m;
}

static Livekit__ParticipantInfo__Kind kind_of(const char *kind) {
    static const char *const names[] = {"standard", "ingress", "egress", "sip", "agent"};
    for (size_t i = 0; kind && i < sizeof(names) / sizeof(names[0]); i++) {
        if (strcmp(kind, names[i]) == 0) {
            return (Livekit__ParticipantInfo__Kind)i;
        }
    }
    return kind && strcmp(kind, "connector") == 0 ? LIVEKIT__PARTICIPANT_INFO__KIND__CONNECTOR
           : kind && strcmp(kind, "bridge") == 0  ? LIVEKIT__PARTICIPANT_INFO__KIND__BRIDGE
                                                  : LIVEKIT__PARTICIPANT_INFO__KIND__STANDARD;
}

int aura__participant_kind(const struct participant *p) {
    return (int)kind_of(p->claims.kind);
}

static void put_attributes(struct aura__arena *a, const struct participant *p,
                           Livekit__ParticipantInfo *info) {
    size_t n = p->claims.attribute_count, max = p->room->rooms->conf.max_attributes_bytes;
    size_t bytes = 0;
    info->attributes = aura__arena_take(a, (n + p->track_count + 2) * sizeof(*info->attributes));
    for (size_t i = 0; i < n && !a->fail; i++) {
        if (is_ours(p->claims.attributes[i].key)) {
            continue;
        }
        Livekit__ParticipantInfo__AttributesEntry *e = aura__arena_take(a, sizeof(*e));
        if (e) {
            bytes += strlen(p->claims.attributes[i].key) + strlen(p->claims.attributes[i].value);
            livekit__participant_info__attributes_entry__init(e);
            e->key = p->claims.attributes[i].key;
            e->value = p->claims.attributes[i].value;
            info->attributes[info->n_attributes++] = e;
        }
    }
    if (!a->fail && aura__auraid_attributes(a, p, max > bytes ? max - bytes : 0,
                                            info->attributes + info->n_attributes)) {
        const Livekit__ParticipantInfo__AttributesEntry *e = info->attributes[info->n_attributes++];
        bytes += strlen(e->key) + strlen(e->value);
    }
    if (!a->fail) {
        info->n_attributes += aura__aic_attributes(a, p, max > bytes ? max - bytes : 0,
                                                   info->attributes + info->n_attributes);
    }
}

static void put_tracks(struct aura__arena *a, const struct participant *p,
                       Livekit__ParticipantInfo *info) {
    info->tracks = aura__arena_take(a, (p->track_count + 1) * sizeof(*info->tracks));
    AURA_LIST_EACH(&p->tracks, struct track, t, node) {
        if (t->live && !a->fail) {
            info->tracks[info->n_tracks++] = aura__track_info(a, t);
        }
    }
}

Livekit__ParticipantInfo *aura__participant_info(struct aura__arena *a,
                                                 const struct participant *p) {
    Livekit__ParticipantInfo *info = aura__arena_take(a, sizeof(*info));
    if (!info) {
        return NULL;
    }
    livekit__participant_info__init(info);
    info->sid = text(p->sid);
    info->identity = text(p->claims.identity);
    info->name = text(p->claims.name);
    info->metadata = text(p->claims.metadata);
    info->region = text(p->room->rooms->conf.region);
    info->state = p->state;
    info->joined_at = (int64_t)(p->joined_wall_us / AURA_US_PER_S);
    info->joined_at_ms = (int64_t)(p->joined_wall_us / AURA_US_PER_MS);
    info->version = p->version;
    info->permission = aura__permission_info(a, p);
    info->kind = kind_of(p->claims.kind);
    info->disconnect_reason = p->reason;
    put_attributes(a, p, info);
    put_tracks(a, p, info);
    aura__data_tracks_info(a, p, info);
    info->is_publisher = info->n_tracks > 0 || info->n_data_tracks > 0;
    if (p->client) {
        info->client_protocol = p->client->client_protocol;
        info->n_capabilities = p->client->n_capabilities;
        info->capabilities = p->client->capabilities;
    }
    return a->fail ? NULL : info;
}

/* ---- changes ---- */

static int set_text(char **to, const char *from, size_t max) {
    if (!from || !from[0]) {
        return 0;
    }
    if (strlen(from) > max) {
        return AURA_ELIMIT;
    }
    char *copy = aura_strdup(from);
    if (!copy) {
        return AURA_ENOMEM;
    }
    aura_free(*to);
    *to = copy;
    return 0;
}

static void remove_attribute(struct aura_claims *c, size_t i) {
    aura_free(c->attributes[i].key);
    aura_free(c->attributes[i].value);
    c->attributes[i] = c->attributes[--c->attribute_count];
}

static int set_attribute(struct aura_claims *c, const char *key, const char *value) {
    for (size_t i = 0; i < c->attribute_count; i++) {
        if (strcmp(c->attributes[i].key, key) == 0) {
            if (!value[0]) {
                remove_attribute(c, i);
                return 0;
            }
            return set_text(&c->attributes[i].value, value, SIZE_MAX);
        }
    }
    return value[0] ? aura_claims_attribute(c, key, value) : 0;
}

static size_t attributes_bytes(const struct participant *p, const struct aura__change *change) {
    size_t n = 0;
    for (size_t i = 0; i < p->claims.attribute_count; i++) {
        n += strlen(p->claims.attributes[i].key) + strlen(p->claims.attributes[i].value);
    }
    for (size_t i = 0; i < change->attribute_count; i++) {
        n += is_ours(change->keys[i]) ? 0 : strlen(change->keys[i]) + strlen(change->values[i]);
    }
    return n;
}

int aura__participant_change(struct participant *p, const struct aura__change *change) {
    const struct aura_rooms_conf *conf = &p->room->rooms->conf;
    if (change->attribute_count && attributes_bytes(p, change) > conf->max_attributes_bytes) {
        return AURA_ELIMIT;
    }
    int err = set_text(&p->claims.metadata, change->metadata, conf->max_metadata_bytes);
    err = err ? err : set_text(&p->claims.name, change->name, conf->max_name_length);
    for (size_t i = 0; !err && i < change->attribute_count; i++) {
        if (!is_ours(change->keys[i])) {
            err = set_attribute(&p->claims, change->keys[i], change->values[i]);
        }
    }
    aura__aic_changed(p);
    return err;
}

static void copy_permission(struct aura_video_grant *g, const struct permission *may) {
    g->can_publish = may->publish ? AURA_YES : AURA_NO;
    g->can_subscribe = may->subscribe ? AURA_YES : AURA_NO;
    g->can_publish_data = may->publish_data ? AURA_YES : AURA_NO;
    g->can_update_own_metadata = may->update_metadata ? AURA_YES : AURA_NO;
    g->can_subscribe_metrics = may->metrics ? AURA_YES : AURA_NO;
    g->hidden = may->hidden;
    g->recorder = may->recorder;
    g->agent = may->agent;
    g->sources = may->sources;
}

/* A recorder gets what publishers keep from others; only as long as it is one. */
static void recorder_changed(struct participant *p) {
    AURA_LIST_EACH(&p->room->participants, struct participant, other, node) {
        aura__subscribe_recheck(other);
    }
    count_recorders(p->room);
    aura__broadcast_room(p->room, false);
}

void aura__participant_permit(struct participant *p, const struct permission *may) {
    const struct permission was = p->may;
    if (may->hidden && !was.hidden) {
        aura__broadcast_hidden(p); /* while others may still be told of it */
    }
    p->may = *may;
    copy_permission(&p->claims.video, may);
    AURA_LIST_EACH(&p->tracks, struct track, t, node) {
        if (!aura__publish_allowed(p, t->request->source)) {
            aura__publish_end(t, true);
        }
    }
    if (!may->publish_data) {
        aura__data_tracks_end(p);
    }
    if (was.subscribe && !may->subscribe) {
        aura__waiting_forget(p);
        aura__data_subs_end(p);
        AURA_LIST_EACH(&p->subs, struct subscription, s, node) {
            aura__unsubscribe(s);
        }
    } else if (!was.subscribe && may->subscribe) {
        aura__connect_subscriber(p);
        aura__subscribe_all(p);
    }
    if (was.recorder != may->recorder) {
        recorder_changed(p);
    }
    aura__aic_count(p->room);
    aura__broadcast(p, true);
    aura__send_refresh_token(p);
    aura__room_check_empty(p->room);
}

/* ---- messages to it ---- */

void aura__send(struct participant *p, const Livekit__SignalResponse *m) {
    struct aura_session *s = p->session;
    struct aura_rooms *r = p->room->rooms;
    if (!s || !s->started) {
        return; /* the join message or the resume will tell it */
    }
    size_t len = livekit__signal_response__get_packed_size(m);
    uint8_t *bytes = len <= SIGNAL_OUT_MAX ? aura_zalloc(len) : NULL;
    if (!bytes) {
        AURA_LOG_LIMITED("room", AURA_LOG_ERROR, "signal_not_sent", LOG_WHO(p),
                         AURA_I("bytes", len));
        return;
    }
    livekit__signal_response__pack(m, bytes);
    r->stats.signals_out++;
    s->sink.send(s->arg, bytes, len);
    aura_free(bytes);
}

void aura__send_leave(struct participant *p, Livekit__DisconnectReason reason,
                      Livekit__LeaveRequest__Action action) {
    Livekit__LeaveRequest leave = LIVEKIT__LEAVE_REQUEST__INIT;
    leave.reason = reason;
    leave.action = action;
    leave.can_reconnect = action != LIVEKIT__LEAVE_REQUEST__ACTION__DISCONNECT;
    Livekit__SignalResponse m = LIVEKIT__SIGNAL_RESPONSE__INIT;
    m.message_case = LIVEKIT__SIGNAL_RESPONSE__MESSAGE_LEAVE;
    m.leave = &leave;
    aura__send(p, &m);
}

void aura__send_refresh_token(struct participant *p) {
    struct aura_rooms *r = p->room->rooms;
    const char *secret =
        p->claims.api_key ? aura_keys_secret(r->conf.keys, p->claims.api_key) : NULL;
    struct aura_buf token = AURA_BUF(AURA_TOKEN_BYTES_MAX);
    int64_t now_s = (int64_t)(aura_wall_us(r->clock) / AURA_US_PER_S);
    int64_t left = p->claims.expires_s - now_s;
    int64_t ttl = left > TOKEN_TTL_S ? left : TOKEN_TTL_S;
    if (secret && aura_token_mint(&token, &p->claims, p->claims.api_key, secret, now_s, ttl) == 0) {
        Livekit__SignalResponse m = LIVEKIT__SIGNAL_RESPONSE__INIT;
        m.message_case = LIVEKIT__SIGNAL_RESPONSE__MESSAGE_REFRESH_TOKEN;
        m.refresh_token = (char *)token.data;
        aura__send(p, &m);
        aura_wipe(token.data, token.len);
    }
    aura_buf_free(&token);
    if (aura_timer_start(r->timers, &p->refresh_timer, REFRESH_S * AURA_US_PER_S, on_refresh, p)) {
        AURA_LOG_LIMITED("room", AURA_LOG_ERROR, "no_memory_for_timer", LOG_WHO(p));
    }
}
