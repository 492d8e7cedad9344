/* SPDX-License-Identifier: Apache-2.0 */
/* From a token to a participant, and the first message that it gets. */
#include "room/measure.h"

#include "base/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

__attribute__((format(printf, 4, 5))) static int deny(struct aura_denial *d, int status, int err,
                                                      const char *fmt, ...) {
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(d->text, sizeof(d->text), fmt, ap);
    va_end(ap);
    d->status = status;
    return err;
}

static size_t attributes_bytes(const struct aura_claims *c) {
    size_t n = 0;
    for (size_t i = 0; i < c->attribute_count; i++) {
        n += strlen(c->attributes[i].key) + strlen(c->attributes[i].value);
    }
    return n;
}

/* What the token says of its bearer, and of the room. */
static int check_sizes(const struct aura_rooms *r, const struct aura_join *join,
                       struct aura_denial *d) {
    const struct aura_claims *c = join->claims;
    const struct aura_rooms_conf *conf = &r->conf;
    if (strlen(c->identity) > conf->max_identity_length) {
        return deny(d, 400, AURA_EINVAL, "identity is longer than %zu", conf->max_identity_length);
    }
    if (strlen(c->video.room) > conf->max_room_name_length) {
        return deny(d, 400, AURA_EINVAL, "room name is longer than %zu",
                    conf->max_room_name_length);
    }
    if (c->name && strlen(c->name) > conf->max_name_length) {
        return deny(d, 400, AURA_EINVAL, "name is longer than %zu", conf->max_name_length);
    }
    if ((c->metadata && strlen(c->metadata) > conf->max_metadata_bytes) ||
        (join->config && strlen(join->config->metadata) > conf->max_metadata_bytes)) {
        return deny(d, 400, AURA_EINVAL, "metadata exceeds its limit of %zu bytes",
                    conf->max_metadata_bytes);
    }
    if (attributes_bytes(c) > conf->max_attributes_bytes) {
        return deny(d, 400, AURA_EINVAL, "attributes exceed their limit of %zu bytes",
                    conf->max_attributes_bytes);
    }
    return 0;
}

/* Statuses and texts of livekit-protocol §1.5: SDKs look at both. */
int aura_rooms_check_claims(const struct aura_rooms *r, const struct aura_join *join,
                            struct aura_denial *d) {
    const struct aura_claims *c = join->claims;
    const Livekit__JoinRequest *q = join->request;
    if (!c->has_video) {
        return deny(d, 401, AURA_EAUTH, "no permissions to access the room");
    }
    if (!c->video.room_join) {
        return deny(d, 401, AURA_EAUTH, "permissions denied");
    }
    if (!c->video.room || !c->video.room[0]) {
        return deny(d, 400, AURA_EINVAL, "no room name");
    }
    if (!c->identity || !c->identity[0]) {
        return deny(d, 400, AURA_EINVAL, "identity cannot be empty");
    }
    if (check_sizes(r, join, d)) {
        return AURA_EINVAL;
    }
    if ((q->metadata[0] || q->n_participant_attributes) &&
        c->video.can_update_own_metadata != AURA_YES) {
        return deny(d, 401, AURA_EAUTH, "permissions denied: the token lacks canUpdateOwnMetadata");
    }
    return 0;
}

int aura_rooms_check(struct aura_rooms *r, const struct aura_join *join, struct aura_denial *d) {
    const struct aura_claims *c = join->claims;
    if (r->draining) {
        return deny(d, 503, AURA_EAGAIN, "the server is shutting down: try another one");
    }
    int err = aura_rooms_check_claims(r, join, d);
    if (err) {
        return err;
    }
    struct room *room = aura__room_find(r, c->video.room);
    if (!room && !r->conf.auto_create && !c->video.room_create) {
        return deny(d, 404, AURA_ENOENT, "requested room does not exist");
    }
    if (c->room_preset && c->room_preset[0] && !aura__wish_preset(r, c->room_preset)) {
        return deny(d, 400, AURA_EINVAL, "unknown roomPreset in the token");
    }
    bool replaces = room && aura__room_participant(room, c->identity);
    if (!replaces && !aura__limits_admit(r, !room, d)) {
        return AURA_ELIMIT;
    }
    if (room && room->max_participants && !replaces &&
        aura__room_count(room, false) >= room->max_participants) {
        return deny(d, 503, AURA_ELIMIT, "room has reached its limit of %u participants",
                    room->max_participants);
    }
    return 0;
}

static struct participant *find_resumable(struct aura_rooms *r, const struct aura_join *join) {
    struct participant *p = aura_map_get_str(r->by_sid, join->request->participant_sid);
    bool same = p && strcmp(p->claims.identity, join->claims->identity) == 0 &&
                strcmp(p->room->name, join->claims->video.room) == 0 && p->single == join->single;
    return same ? p : NULL;
}

static void detach_session(struct participant *p) {
    struct aura_session *old = p->session;
    if (old) {
        p->session = NULL;
        old->p = NULL;
        if (old->started) {
            old->sink.close(old->arg, 1000, "resumed elsewhere");
        }
    }
}

static int get_room(struct aura_rooms *r, const struct aura_join *join,
                    const Livekit__CreateRoomRequest *wish, struct room **room) {
    struct aura_trace *trace = join->trace ? *join->trace : NULL;
    const char *name = join->claims->video.room;
    uint64_t start_us = aura_trace_now_us(trace);
    bool found = aura__room_find(r, name) != NULL;
    int err = aura__room_get(r, name, true, wish, room);
    aura_trace_span(trace, found ? "room_get" : "room_create", start_us,
                    err ? aura_err_text(err) : NULL);
    return err;
}

static int new_participant(struct aura_rooms *r, const struct aura_join *join,
                           struct participant **out, struct aura_denial *d) {
    struct room *room;
    int err = 0;
    Livekit__CreateRoomRequest *wish = aura__wish_of_join(r, join, &err);
    err = err ? err : get_room(r, join, wish, &room);
    aura__pb_free(wish);
    if (err) {
        return deny(d, aura_err_http(err), err, "cannot create the room: %s",
                    err == AURA_EAGAIN ? "another node of the cluster owns it, or none yet"
                                       : aura_err_text(err));
    }
    struct participant *old = aura__room_participant(room, join->claims->identity);
    if (old) {
        aura__participant_leave(old, LIVEKIT__DISCONNECT_REASON__DUPLICATE_IDENTITY,
                                LIVEKIT__LEAVE_REQUEST__ACTION__DISCONNECT);
    }
    err = aura__participant_new(room, join, out);
    if (err) {
        return deny(d, aura_err_http(err), err, "cannot join: %s", aura_err_text(err));
    }
    if (join->trace) {
        (*out)->trace = *join->trace;
        *join->trace = NULL;
    }
    return 0;
}

int aura_rooms_join(struct aura_rooms *r, const struct aura_join *join, struct aura_session **out,
                    struct aura_denial *d) {
    int err = aura_rooms_check(r, join, d);
    if (err) {
        r->stats.joins_refused++;
        return err;
    }
    struct aura_session *s = aura_zalloc(sizeof(*s));
    if (!s) {
        return deny(d, 503, AURA_ENOMEM, "out of memory");
    }
    s->rooms = r;
    if (join->request->reconnect) {
        s->p = find_resumable(r, join);
        s->resumed = true;
        if (s->p) {
            detach_session(s->p);
        }
    } else {
        s->request = aura__pb_copy(join->request);
        err = s->request ? new_participant(r, join, &s->p, d) : AURA_ENOMEM;
    }
    if (err) {
        aura__pb_free(s->request);
        aura_free(s);
        return err;
    }
    if (s->p) {
        s->p->session = s;
        r->stats.joins++;
        aura_timer_stop(r->timers, &s->p->gone_timer);
    }
    *out = s;
    return 0;
}

/* ---- the first message ---- */

static Livekit__ServerInfo *server_info(struct aura__arena *a, const struct aura_rooms *r) {
    Livekit__ServerInfo *info = aura__arena_take(a, sizeof(*info));
    if (info) {
        livekit__server_info__init(info);
        info->version = (char *)(uintptr_t)r->conf.version;
        info->protocol = PROTOCOL_VERSION;
        info->region = (char *)(uintptr_t)r->conf.region;
        info->node_id = (char *)(uintptr_t)r->conf.node_id;
    }
    return info;
}

static char *copy_text(struct aura__arena *a, const char *text) {
    size_t len = strlen(text) + 1;
    char *copy = aura__arena_take(a, len);
    if (copy) {
        memcpy(copy, text, len);
    }
    return copy;
}

static Livekit__ICEServer *ice_server(struct aura__arena *a, size_t urls) {
    Livekit__ICEServer *server = aura__arena_take(a, sizeof(*server));
    if (server) {
        livekit__iceserver__init(server);
        server->urls = aura__arena_take(a, urls * sizeof(*server->urls));
    }
    return server;
}

static Livekit__ICEServer *turn_server(struct aura__arena *a, const struct participant *p,
                                       const struct aura_turn_server *t) {
    char url[AURA_TURN_URL_MAX], user[AURA_TURN_USER_MAX], password[AURA_TURN_PASSWORD_MAX];
    int64_t now_s = (int64_t)(aura_wall_us(p->room->rooms->clock) / AURA_US_PER_S);
    if (aura_turn_url(t, url, sizeof(url)) ||
        (*t->secret && aura_turn_credentials(t, p->sid, now_s, user, password))) {
        return NULL;
    }
    Livekit__ICEServer *server = ice_server(a, 1);
    if (a->fail) {
        return NULL;
    }
    server->urls[server->n_urls++] = copy_text(a, url);
    server->username = copy_text(a, *t->secret ? user : t->username);
    server->credential = copy_text(a, *t->secret ? password : t->credential);
    aura_wipe(password, sizeof(password));
    return server;
}

/* LiveKit's configuration has "host:port"; clients want a URL. */
static char *stun_url(struct aura__arena *a, const char *text) {
    static const char scheme[] = "stun:";
    char url[AURA_TURN_URL_MAX];
    bool whole = strncmp(text, scheme, sizeof(scheme) - 1) == 0 || strncmp(text, "stuns:", 6) == 0;
    snprintf(url, sizeof(url), "%s%s", whole ? "" : scheme, text);
    return copy_text(a, url);
}

static Livekit__ICEServer **ice_servers(struct aura__arena *a, const struct participant *p,
                                        size_t *n) {
    const struct aura_rooms_conf *conf = &p->room->rooms->conf;
    size_t stuns = conf->stun_server_count;
    Livekit__ICEServer **list = aura__arena_take(a, (conf->turn_server_count + 1) * sizeof(*list));
    *n = 0;
    if (stuns) {
        Livekit__ICEServer *server = ice_server(a, stuns);
        for (size_t i = 0; i < stuns && !a->fail; i++) {
            server->urls[server->n_urls++] = stun_url(a, conf->stun_servers[i]);
        }
        if (!a->fail) {
            list[(*n)++] = server;
        }
    }
    for (size_t i = 0; i < conf->turn_server_count && !a->fail; i++) {
        Livekit__ICEServer *server = turn_server(a, p, &conf->turn_servers[i]);
        if (server && !a->fail) {
            list[(*n)++] = server;
        }
    }
    return list;
}

static void put_codec(struct aura__arena *a, enum aura_codec c, Livekit__JoinResponse *join) {
    Livekit__Codec *codec = aura__arena_take(a, sizeof(*codec));
    if (codec) {
        livekit__codec__init(codec);
        codec->mime = (char *)(uintptr_t)aura_codec_mime(c);
        join->enabled_publish_codecs[join->n_enabled_publish_codecs++] = codec;
    }
}

/* livekit-client publishes in the first video codec where its own choice, VP8 as a rule, is not
 * listed; as a backup codec it sends VP8 all the same. */
static void put_codecs(struct aura__arena *a, const struct participant *p,
                       Livekit__JoinResponse *join) {
    uint32_t left = p->room->rooms->conf.codecs;
    join->enabled_publish_codecs = aura__arena_take(a, AURA_CODEC_COUNT * sizeof(Livekit__Codec *));
    if (p->steered && !a->fail) {
        put_codec(a, AURA_CODEC_AV1, join);
        left &= ~(1u << AURA_CODEC_AV1 | 1u << AURA_CODEC_VP8);
    }
    for (unsigned c = 1; c < AURA_CODEC_COUNT && !a->fail; c++) {
        if (left & 1u << c) {
            put_codec(a, (enum aura_codec)c, join);
        }
    }
}

static void put_others(struct aura__arena *a, const struct participant *p,
                       Livekit__JoinResponse *join) {
    size_t n = aura_map_count(p->room->by_identity);
    join->other_participants = aura__arena_take(a, (n + 1) * sizeof(Livekit__ParticipantInfo *));
    AURA_LIST_EACH(&p->room->participants, struct participant, other, node) {
        bool seen = other != p && !other->may.hidden &&
                    other->state >= LIVEKIT__PARTICIPANT_INFO__STATE__JOINED;
        if (seen && !a->fail && join->n_other_participants < n) {
            Livekit__ParticipantInfo *info = aura__participant_info(a, other);
            if (info) {
                join->other_participants[join->n_other_participants++] = info;
            }
        }
    }
}

static void send_join(struct participant *p) {
    struct aura_rooms *r = p->room->rooms;
    struct aura__arena a = {.blocks = NULL};
    Livekit__JoinResponse join = LIVEKIT__JOIN_RESPONSE__INIT;
    uint8_t trailer[16];
    aura_rand_bytes(r->conf.rand, trailer, sizeof(trailer));
    join.room = aura__room_info(&a, p->room);
    join.participant = aura__participant_info(&a, p);
    put_others(&a, p, &join);
    put_codecs(&a, p, &join);
    join.ice_servers = ice_servers(&a, p, &join.n_ice_servers);
    join.server_info = server_info(&a, r);
    join.server_version = (char *)(uintptr_t)r->conf.version;
    join.server_region = (char *)(uintptr_t)r->conf.region;
    join.subscriber_primary = !p->single && p->may.subscribe;
    join.ping_interval = PING_INTERVAL_S;
    join.ping_timeout = PING_TIMEOUT_S;
    join.fast_publish = p->may.publish;
    join.sif_trailer = (ProtobufCBinaryData){.len = sizeof(trailer), .data = trailer};
    Livekit__SignalResponse m = LIVEKIT__SIGNAL_RESPONSE__INIT;
    m.message_case = LIVEKIT__SIGNAL_RESPONSE__MESSAGE_JOIN;
    m.join = &join;
    if (!a.fail) {
        aura__send(p, &m);
        aura__measure_joined(p);
    }
    aura__arena_free(&a);
}

static void send_reconnect(struct participant *p) {
    struct aura_rooms *r = p->room->rooms;
    struct aura__arena a = {.blocks = NULL};
    Livekit__ReconnectResponse reconnect = LIVEKIT__RECONNECT_RESPONSE__INIT;
    reconnect.ice_servers = ice_servers(&a, p, &reconnect.n_ice_servers);
    reconnect.server_info = server_info(&a, r);
    reconnect.last_message_seq = p->data_seq;
    Livekit__SignalResponse m = LIVEKIT__SIGNAL_RESPONSE__INIT;
    m.message_case = LIVEKIT__SIGNAL_RESPONSE__MESSAGE_RECONNECT;
    m.reconnect = &reconnect;
    if (!a.fail) {
        aura__send(p, &m);
    }
    aura__arena_free(&a);
}

static void start_resumed(struct aura_session *s) {
    struct participant *p = s->p;
    if (!p) {
        Livekit__LeaveRequest leave = LIVEKIT__LEAVE_REQUEST__INIT;
        leave.reason = LIVEKIT__DISCONNECT_REASON__STATE_MISMATCH;
        leave.action = LIVEKIT__LEAVE_REQUEST__ACTION__RECONNECT;
        Livekit__SignalResponse m = LIVEKIT__SIGNAL_RESPONSE__INIT;
        m.message_case = LIVEKIT__SIGNAL_RESPONSE__MESSAGE_LEAVE;
        m.leave = &leave;
        uint8_t bytes[64];
        AURA_BUG_ON(livekit__signal_response__get_packed_size(&m) > sizeof(bytes));
        s->sink.send(s->arg, bytes, livekit__signal_response__pack(&m, bytes));
        s->sink.close(s->arg, 1000, "");
        return;
    }
    s->rooms->stats.resumes++;
    send_reconnect(p);
    aura__broadcast_all_to(p);
    aura__send_refresh_token(p);
    aura__connect_resume(p);
}

static void start_joined(struct aura_session *s) {
    struct participant *p = s->p;
    Livekit__JoinRequest *q = s->request;
    s->request = NULL;
    p->state = LIVEKIT__PARTICIPANT_INFO__STATE__JOINED;
    send_join(p);
    aura__broadcast(p, true);
    aura__send_refresh_token(p);
    for (size_t i = 0; i < q->n_add_track_requests; i++) {
        aura__publish_request(p, q->add_track_requests[i]);
    }
    aura__subscribe_all(p);
    if (q->publisher_offer && q->publisher_offer->sdp[0]) {
        aura__connect_offer(p, q->publisher_offer);
    } else if (!p->single) {
        aura__connect_negotiate(p);
    }
    aura__broadcast_room(p->room, false);
    aura__pb_free(q);
}

void aura_session_start(struct aura_session *s, const struct aura_signal_sink *sink, void *arg) {
    s->sink = *sink;
    s->arg = arg;
    s->started = true;
    if (s->resumed) {
        start_resumed(s);
    } else if (s->p) {
        start_joined(s);
    } else {
        s->sink.close(s->arg, 1000, ""); /* replaced before its WebSocket was up */
    }
}
